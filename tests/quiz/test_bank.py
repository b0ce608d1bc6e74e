import os

import pytest

from course_utils.quiz import bank, bank_rules
from course_utils.quiz.bank import find_bank, find_question, load_bank, load_banks
from course_utils.quiz.bank_rules import PROOF_DRAWS
from course_utils.quiz.generators import GENERATORS, Variant
from course_utils.quiz.markup import MarkupError
from course_utils.quiz.questions import BankError


def rewrite(quizzes, old: str, new: str):
    path = quizzes / "99_sample.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_bank_is_read_into_plain_objects(quizzes):
    sample = load_bank(quizzes / "99_sample.toml")
    sign, _, step = sample.questions

    assert sample.lesson == "99_sample"
    assert [objective.id for objective in sample.objectives] == ["gd.update-rule"]
    assert [option.correct for option in sign.options] == [False, True, False]
    assert sign.reference.year == 2016
    assert (step.generator, step.rtol, step.mistakes[0].name) == ("sample_step", 1e-3, "wrong_sign")


SIGN, MANY, STEP = "question gd-step-sign", "question gd-never-settles", "question gd-one-step"


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        ("schema = 1", "schema = 2", "", "schema must be 1, got 2"),
        ("schema = 1", "", "", "no schema"),
        ("schema = 1", "schema = 1\nschema = 1", "", "Cannot overwrite a value"),
        ("schema = 1", "schema = 1\nauthor = 'x'", "", "unknown key 'author'"),
        ('"99_sample"', '"98_sample"', "", "lesson must be the file's name '99_sample'"),
        ('id = "gd.update-rule"\ntext', 'id = "update"\ntext', "objective", "id must be like"),
        ("text = 'Write", "txt = 'Write", "objective", "unknown key 'txt'; did you mean text?"),
        ("text = 'Write one", "text = '<i>Write</i>", "objective gd.update-rule", "raw HTML"),
        (
            "[[question]]",
            "[[objective]]\nid = 'gd.update-rule'\ntext = 'x'\n[[question]]",
            "objective gd.update-rule",
            "already used",
        ),
        ('"gd-never-settles"', '"gd-step-sign"', SIGN, "already used in this bank"),
        ('"gd-never-settles"', '"Never settles"', "question Never settles", "id must be like"),
        ('id = "gd-never-settles"\n', "", "question number 2", "no id"),
        ('type = "single"', 'type = "choice"', SIGN, "type must be single, multiple or numeric"),
        ('type = "single"\n', "", SIGN, "type must be single, multiple or numeric, got None"),
        ("stem = 'This", "colour = 'red'\nstem = 'This", MANY, "unknown key 'colour'"),
        ("stem = 'This", "points = 2\nrtol = 1.0\nstem = 'This", MANY, "unknown key 'points'"),
        (
            "stem = 'This",
            "generator = 'sample_step'\nstem = 'This",
            MANY,
            "unknown key 'generator'",
        ),
        ("stem = 'This", "stem = ''\nother = 'This", MANY, "unknown key 'other'"),
        (
            "stem = 'This run never settles. Which changes help?'",
            "stem = ' '",
            MANY,
            "stem is empty",
        ),
        ("stem = 'This run never settles. Which changes help?'", "stem = 3", MANY, "must be a str"),
        ("stem = 'This run never settles. Which changes help?'", "", MANY, "no stem"),
        ('level = "analyze"\n', "", MANY, "no level"),
        (
            'level = "analyze"',
            'level = "analyse"',
            MANY,
            "unknown level 'analyse'; known are analyze",
        ),
        ('objective = "gd.update-rule"\n', "", SIGN, "no objective"),
        ('objective = "gd.update-rule"', 'objective = "gd.x"', SIGN, "unknown objective 'gd.x'"),
        ('reference = "ruder2016"\n', "", SIGN, "no reference"),
        ('reference = "ruder2016"', 'reference = "ruder"', SIGN, "unknown reference 'ruder'"),
        (
            "correct = true\nfeedback = 'Yes: a",
            "feedback = 'Yes: a",
            SIGN,
            "exactly one right option, got 0",
        ),
        (
            "feedback = 'The loss itself",
            "correct = true\nfeedback = 'The loss",
            SIGN,
            "right option, got 2",
        ),
        (
            "correct = true\nfeedback = 'Yes: a",
            "correct = 1\nfeedback = 'Yes: a",
            SIGN,
            "correct must be a bool, got 1",
        ),
        ("feedback = 'The gradient points uphill.'\n", "", f"{SIGN}, option", "no feedback"),
        ("'The gradient points uphill.'", "''", f"{SIGN}, option", "feedback is empty"),
        (
            r"text = '$w - \eta\,L(w)$'",
            r"text = '$w - \eta\,\nabla  L(w)$'",
            SIGN,
            "two options are equal",
        ),
        (
            r"text = '$w - \eta\,L(w)$'",
            r"text = '$\colour{w}$'",
            SIGN,
            "outside the closed list: \\colour",
        ),
        ("'The gradient points uphill.'", "'Costs $5.'", SIGN, "unbalanced $"),
        ("'The gradient points uphill.'", "'<b>No</b>'", SIGN, "raw HTML"),
        ("alt = 'Two falling curves.'\n", "", SIGN, "a figure needs an alt text"),
        ('figure = "sample_curves"\n', "", SIGN, "alt without figure"),
        ("a smooth loss $L$ for", "a smooth loss $L for", SIGN, "unbalanced $"),
        ("'Two falling curves.'", "'Two <b>falling</b> curves.'", SIGN, "raw HTML"),
        ("lands at which", r"lands at $\href{}$, which", STEP, r"closed list: \href"),
        ("'You added the", "'<b>You</b> added the", STEP, "raw HTML"),
        ('"sample_curves"', '"sample_curve"', SIGN, "unknown figure 'sample_curve'; did you mean"),
        ("'Two falling curves.'", "'The curve $L$.'", SIGN, "write it in words, without LaTeX"),
        ('"sample_step"', '"sample_stp"', STEP, "unknown generator 'sample_stp'; did you mean"),
        ("rtol = 1e-3", "rtol = nan", STEP, "rtol must be finite, got nan"),
        ("rtol = 1e-3", "rtol = inf", STEP, "rtol must be finite, got inf"),
        ("rtol = 1e-3", "rtol = true", STEP, "rtol must be a float, got True"),
        ("rtol = 1e-3", "", STEP, "needs a positive rtol or atol"),
        ("rtol = 1e-3", "rtol = -1e-3", STEP, "needs a positive rtol or atol"),
        ("rtol = 1e-3", "rtol = 0.5", STEP, "the tolerance cannot tell wrong_sign"),
        ("rtol = 1e-3", "atol = 5", STEP, "the tolerance cannot tell wrong_sign"),
        ("{w0}$ on", "2$ on", STEP, "the number w0 is given and not used"),
        ("on $L", "or {w1} on $L", STEP, "the placeholder {w1} is not given"),
        ("gradient at {w0}", "gradient at {w1}", STEP, "the placeholder {w1} is not given"),
        (
            'name = "wrong_sign"',
            'name = "forgot"',
            STEP,
            "the mistake forgot has no value in the gen",
        ),
        (
            "[[question.mistake]]\n"
            "name = \"wrong_sign\"\nfeedback = 'You added the gradient at {w0}.'",
            "",
            STEP,
            "wrong_sign has no feedback in the bank",
        ),
        (
            "[[question.mistake]]",
            "[[question.mistake]]\nname = 'wrong_sign'\nfeedback = 'x'\n[[question.mistake]]",
            STEP,
            "two mistakes have the same name",
        ),
        ("feedback = 'You added the gradient at {w0}.'", "", f"{STEP}, mistake", "no feedback"),
    ],
)
def test_a_faulty_bank_is_refused_with_file_question_and_reason(quizzes, old, new, where, reason):
    path = rewrite(quizzes, old, new)

    with pytest.raises(BankError) as refused:
        load_bank(path)
    message = str(refused.value)
    assert message.startswith("99_sample.toml")
    assert where in message
    assert reason in message


def test_a_text_that_a_terminal_cannot_show_is_refused(quizzes, monkeypatch):
    def refuse(text):
        raise MarkupError(f"no plain text of {text}")

    monkeypatch.setattr(bank_rules, "to_text", refuse)
    with pytest.raises(BankError, match=r"objective gd.update-rule: no plain text of Write one"):
        load_bank(quizzes / "99_sample.toml")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("option = []", "option is empty"),
        (
            "[[question.option]]\ntext='a'\nfeedback='b'\ncorrect=true",
            "at least two options, got 1",
        ),
        (
            "[[question.option]]\ntext='a'\nfeedback='b'\n"
            "[[question.option]]\ntext='c'\nfeedback='d'",
            "multiple needs at least one right option",
        ),
    ],
)
def test_a_choice_needs_options_and_a_right_one(quizzes, options, reason):
    path = quizzes / "99_sample.toml"
    head = path.read_text(encoding="utf-8").partition("[[question.option]]\ntext = 'Subtract")[0]
    path.write_text(head + options, encoding="utf-8")

    with pytest.raises(BankError, match=reason):
        load_bank(path)


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        (
            Variant({"a": 1, "w0": 2}, float("nan"), {"wrong_sign": 3}),
            "key must be a finite number",
        ),
        (
            Variant({"a": 1, "w0": 2}, 1, {"wrong_sign": float("inf")}),
            "wrong_sign must be a finite",
        ),
        (Variant({"a": float("inf"), "w0": 2}, 1, {"wrong_sign": 3}), "a must be a finite number"),
        (Variant({"a": "1", "w0": 2}, 1, {"wrong_sign": 3}), "a must be a finite number, got '1'"),
        (Variant({"a": 1, "w0": 2}, 0, {"wrong_sign": 3}), "the key is 0"),
        (Variant({"a": 1, "w0": 2}, 1, {"wrong_sign": 1.0015}), "cannot tell wrong_sign"),
        (Variant({"a": 1, "w0": 2, "b": 3}, 1, {"wrong_sign": 3}), "the number b is given and not"),
        ({"a": 1}, "must return a Variant"),
    ],
)
def test_a_generator_is_proved_over_many_seeds(quizzes, registered, variant, reason):
    calls = []

    def mostly_good(rng):
        calls.append(rng)
        good = GENERATORS.functions["good"](rng)
        return variant if len(calls) == 20 else good

    GENERATORS.functions["good"] = GENERATORS.functions["sample_step"]
    GENERATORS.functions["sample_step"] = mostly_good

    with pytest.raises(BankError, match=f"gd-one-step, sample_step with seed 18: .*{reason}"):
        load_bank(quizzes / "99_sample.toml")


def test_a_reader_waits_only_for_the_draw_of_the_lesson(quizzes, registered):
    calls = []

    def counting(rng):
        calls.append(rng)
        return sample_step(rng)

    sample_step = GENERATORS.functions["sample_step"]
    GENERATORS.functions["sample_step"] = counting
    find_question("gd-one-step")
    find_bank("99_sample")
    assert len(calls) == 1
    load_bank(quizzes / "99_sample.toml")
    assert len(calls) == 1 + 1 + PROOF_DRAWS


def test_the_ids_of_a_bank_are_found_without_reading_it_whole(quizzes, monkeypatch):
    monkeypatch.setattr(bank.tomllib, "loads", pytest.fail)
    assert bank.lessons_of_questions() == dict.fromkeys(
        ("gd-step-sign", "gd-never-settles", "gd-one-step"), "99_sample"
    )


def test_ids_that_are_written_in_another_way_are_found_too(quizzes):
    rewrite(
        quizzes, '[[question]]\nid = "gd-never-settles"', "[[ question ]]\nid='gd-never-settles'"
    )
    assert find_question("gd-never-settles").type == "multiple"
    rewrite(quizzes, '[[question]]\nid = "gd-step-sign"', "[[question]]\n\nid = 'gd-step-sign'")
    assert [*bank.lessons_of_questions()] == ["gd-step-sign", "gd-never-settles", "gd-one-step"]


def test_a_reference_file_is_checked_too(quizzes):
    (quizzes / "references.toml").write_text("[ruder2016]\ntitle = 'x'\nyear = '2016'\n")

    with pytest.raises(BankError, match=r"references.toml, ruder2016: no authors"):
        load_bank(quizzes / "99_sample.toml")


def test_an_id_is_unique_over_all_banks(quizzes):
    text = (quizzes / "99_sample.toml").read_text(encoding="utf-8")
    (quizzes / "98_other.toml").write_text(text.replace("99_sample", "98_other"), encoding="utf-8")

    with pytest.raises(BankError, match=r"99_sample.toml, .* already used in 98_other.toml"):
        load_banks()


def test_a_question_is_found_by_its_id_or_the_closest_ids_are_named(quizzes):
    assert find_question("gd-one-step").type == "numeric"
    with pytest.raises(LookupError, match="no question 'gd-step-sing'; did you mean gd-step-sign"):
        find_question("gd-step-sing")


def test_a_lesson_without_a_bank_is_answered_with_those_that_have_one(quizzes):
    assert find_bank("99_sample").lesson == "99_sample"
    with pytest.raises(LookupError, match="no bank for lesson '98'; there is one for 99_sample"):
        find_bank("98")


def test_a_fault_in_another_bank_does_not_stop_a_lesson(quizzes):
    (quizzes / "98_other.toml").write_text('schema = 1\nquestion = [1, {id = "x"}]\n')

    assert find_question("gd-step-sign").lesson == "99_sample"
    with pytest.raises(BankError, match=r"98_other.toml"):
        load_banks()


def test_an_unchanged_bank_is_read_once_and_a_changed_one_again(quizzes, monkeypatch):
    first = find_question("gd-step-sign")
    with monkeypatch.context() as unreadable:
        unreadable.setattr(bank.tomllib, "loads", pytest.fail)
        assert find_question("gd-step-sign") is first

    path = rewrite(quizzes, "uphill", "upward")
    os.utime(path, ns=(1, 1))
    assert find_question("gd-step-sign").options[0].feedback == "The gradient points upward."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lowers a smooth loss", "raises a smooth loss"),
        ("text = '$w - \\eta\\,L(w)$'", "text = '$w - L(w)$'"),
        ("alt = 'Two", "alt = 'Three"),
        (
            "feedback = 'The gradient points uphill.'\n[[question.option]]\n"
            "text = '$w - \\eta\\,\\nabla L(w)$'\ncorrect = true\n",
            "correct = true\nfeedback = 'The gradient points uphill.'\n[[question.option]]\n"
            "text = '$w - \\eta\\,\\nabla L(w)$'\n",
        ),
    ],
)
def test_a_new_meaning_has_a_new_content_hash(quizzes, old, new):
    before = find_question("gd-step-sign").content_hash
    path = rewrite(quizzes, old, new)

    assert load_bank(path).questions[0].content_hash != before


def test_code_and_tolerance_are_part_of_the_meaning_and_feedback_is_not(quizzes):
    before = load_bank(quizzes / "99_sample.toml").questions
    rewrite(quizzes, "0.1 * gradient", "0.2 * gradient")
    rewrite(quizzes, "rtol = 1e-3", "rtol = 1e-4")
    after = load_bank(rewrite(quizzes, "points uphill", "leads uphill")).questions

    assert before[0].content_hash == after[0].content_hash
    assert before[1].content_hash != after[1].content_hash
    assert before[2].content_hash != after[2].content_hash


# A bank that asks about the objectives of others.

ASSESSING = """
schema = 1
lesson = "98_finals"
assesses = ["99_sample"]

[[objective]]
id = "cap.review"
text = "Look back."

[[question]]
id = "final-step"
type = "single"
objective = "gd.update-rule"
level = "apply"
stem = "Which way is down?"
reference = "ruder2016"
[[question.option]]
text = "Along the gradient"
feedback = "The gradient points uphill."
[[question.option]]
text = "Against the gradient"
correct = true
feedback = "Yes, at least at first."
"""


@pytest.fixture
def finals(quizzes):
    """A second bank, which asks about an objective of the sample."""
    path = quizzes / "98_finals.toml"
    path.write_text(ASSESSING, encoding="utf-8")
    return path


def test_a_bank_may_ask_about_the_objectives_of_the_banks_it_assesses(finals):
    read = load_bank(finals)
    assert read.questions[0].objective == "gd.update-rule"
    assert [objective.id for objective in read.objectives] == ["cap.review"]
    ((lesson, theirs),) = read.assesses.items()
    assert lesson == "99_sample"
    assert [objective.id for objective in theirs] == ["gd.update-rule"]
    assert load_bank(finals.with_name("99_sample.toml")).assesses == {}


def test_banks_may_assess_each_other_without_end(finals):
    path = rewrite(finals.parent, "schema = 1", 'schema = 1\nassesses = ["98_finals"]')
    assert "cap.review" in {o.id for o in load_bank(path).assesses["98_finals"]}
    assert load_bank(finals).questions


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('assesses = ["99_sample"]\n', "", "question final-step: unknown objective 'gd.upd"),
        ('["99_sample"]', '["97_none"]', "assesses: unknown lesson '97_none'; known are 99_s"),
        ('["99_sample"]', '["98_finals"]', "assesses: unknown lesson '98_finals'"),
        ('["99_sample"]', '["references"]', "assesses: unknown lesson 'references'"),
        ('["99_sample"]', '["99_sample", "99_sample"]', "assesses: 99_sample stands there twice"),
        ('["99_sample"]', "[3]", "assesses: unknown lesson 3"),
        ('["99_sample"]', '"99_sample"', "assesses: must be a list of lessons, got '99_sample'"),
        ('["99_sample"]', "[]", "assesses is empty"),
        ('"cap.review"', '"gd.update-rule"', "99_sample: the objective gd.update-rule is already"),
    ],
)
def test_what_a_bank_assesses_is_refused_with_the_reason(finals, old, new, reason):
    assert old in ASSESSING
    finals.write_text(ASSESSING.replace(old, new), encoding="utf-8")
    with pytest.raises(BankError) as refused:
        load_bank(finals)
    assert str(refused.value).startswith("98_finals.toml")
    assert reason in str(refused.value)


def test_an_assessed_bank_is_read_for_its_objectives_only(finals):
    rewrite(finals.parent, 'type = "single"', 'type = "choice"')
    assert load_bank(finals).questions

    rewrite(finals.parent, "text = 'Write", "text = '<i>Write")
    with pytest.raises(BankError, match=r"99_sample.toml, objective gd.update-rule: raw HTML"):
        load_bank(finals)


def test_a_change_of_an_assessed_bank_is_seen(finals):
    assert load_bank(finals) is load_bank(finals)
    rewrite(finals.parent, '"gd.update-rule"\ntext', '"gd.rule-of-update"\ntext')
    with pytest.raises(BankError, match=r"final-step: unknown objective 'gd.update-rule'"):
        load_bank(finals)
