import numpy as np
import pytest

from course_utils.quiz import statistics
from course_utils.quiz.generators import GENERATORS, Variant
from course_utils.quiz.grading import Drawn
from course_utils.quiz.questions import Bank, Mistake, Objective, Option, Question, Reference

SOURCE = Reference("key", ("A. Author",), "Title", 2000, "Somewhere")
FEEDBACK = "This says why it is so."
UPDATE = Objective("gd.update", "Write one step.")


def question(id="gd-one", **changes):
    known = {
        "type": "single",
        "objective": UPDATE.id,
        "level": "apply",
        "stem": "What is it?",
        "reference": SOURCE,
        "lesson": "98_sample",
    }
    return Question(id=id, **(known | changes))


def choice(*texts, right=0, **changes):
    """A single choice whose option at place `right` is the right one."""
    options = tuple(Option(text, FEEDBACK, place == right) for place, text in enumerate(texts))
    return question(options=options, **changes)


def numeric(**changes):
    return question(type="numeric", generator="drawn", rtol=1e-3, feedback=FEEDBACK, **changes)


def bank(*questions, objectives=(UPDATE,), **changes):
    return Bank("98_sample", tuple(objectives), tuple(questions), **changes)


@pytest.fixture
def drawn(registered):
    """Put a generator in the place of the one that `numeric` names."""

    def register(generate):
        GENERATORS.functions["drawn"] = generate

    return register


def test_a_bank_of_few_questions_is_a_fault():
    (fault,) = statistics.too_few_questions(bank(*[question()] * 25))

    assert fault == "25 questions, fewer than 26"
    assert not list(statistics.too_few_questions(bank(*[question()] * 26)))


def test_an_objective_needs_three_questions_at_two_levels():
    def faults(*levels):
        return list(statistics.thin_objectives(bank(*(question(level=one) for one in levels))))

    assert faults("apply", "analyze") == ["gd.update has 2 questions, fewer than 3"]
    assert faults(*["apply"] * 3) == ["gd.update has all its questions at the level apply"]
    assert faults("apply", "apply", "analyze") == []


def test_an_objective_of_another_lesson_needs_one_question():
    theirs = {"97_other": (Objective("mom.one", "One."), Objective("mom.two", "Two."))}
    asked = bank(question(objective="mom.one"), objectives=(), assesses=theirs)

    assert list(statistics.thin_objectives(asked)) == ["mom.two has no question"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"stem": "Why is it so?", "code": "w = 1"}, "why"),
        ({"stem": "What does whyever do?"}, "what"),
        ({"code": "w = 1"}, "compute"),
        ({"figure": "curve"}, "compute"),
        ({"type": "numeric"}, "compute"),
        ({"id": "gd-predict-one"}, "compute"),
    ],
)
def test_a_question_asks_why_or_what_or_for_a_result(changes, kind):
    assert statistics.kind(question(**changes)) == kind


def test_a_kind_of_question_that_is_rare_and_one_that_prevails_are_faults():
    why, what, result = question(stem="Why?"), question(), question(code="w = 1")

    assert list(statistics.lopsided_kinds(bank(why, what, result))) == []
    assert list(statistics.lopsided_kinds(bank(why, what, what, what, result))) == [
        "20 % of the questions ask 'compute', not 28 % to 40 %",
        "20 % of the questions ask 'why', not 28 % to 40 %",
        "60 % of the questions ask 'what', not 28 % to 40 %",
    ]


def test_few_numeric_questions_and_few_with_code_or_a_figure_are_faults():
    enough = [numeric(), question(code="w = 1"), *[question()] * 3]

    assert list(statistics.rare_types(bank(*enough))) == []
    assert list(statistics.rare_types(bank(*enough, *[question()] * 6))) == [
        "9 % of the questions are numeric, fewer than 20 %",
        "9 % of the questions show code or a figure, fewer than 10 %",
    ]


@pytest.mark.parametrize(
    ("texts", "look"),
    [
        (["long one", "short", "brief"], "longest"),
        (["tiny", "longer", "longest"], "shortest"),
        (["it often falls", "it never falls"], "most hedged"),
    ],
)
def test_a_look_that_gives_the_right_option_away_is_a_fault(texts, look):
    told = list(statistics.telling_looks(bank(choice(*texts))))

    assert any(f"picking the {look} option wins 100.0 %" in fault for fault in told)


def test_the_length_of_an_option_is_that_of_the_text_as_it_is_read():
    formula, words = r"$\frac{\eta\,\nabla L}{1-\beta}$", "a text of twenty chars"
    questions = [choice(formula, words)]

    assert statistics.won_by(statistics.LOOKS["longest"], questions) == 0


def test_guessing_among_options_that_look_the_same_is_chance():
    questions = [choice("abcd", "efgh", "ijkl", "mnop"), choice("ab", "cd")]

    for look in statistics.LOOKS.values():
        assert statistics.won_by(look, questions) == statistics.chance(questions) == 0.375


def test_a_bank_without_single_choices_gives_nothing_away():
    assert list(statistics.telling_looks(bank(numeric()))) == []
    assert list(statistics.telling_places(bank(numeric()))) == []
    assert "won by: chance 0 %" in statistics.report({"98_sample": bank(numeric())})


def test_a_place_that_is_right_too_often_is_a_fault():
    def told(rights):
        choices = (choice("a", "b", right=right, id=f"gd-{i}") for i, right in enumerate(rights))
        return [fault for fault in statistics.telling_places(bank(*choices)) if "file" in fault]

    assert told([1, 1, 1, 0]) == ["place 2 in the file is right in 3 of 4 choices"]
    assert told([1, 0, 1, 0]) == []


def test_the_place_as_shown_counts_apart_from_that_in_the_file(monkeypatch):
    shown = {"gd-0": (2, 0, 1), "gd-1": (2, 1, 0)}
    monkeypatch.setattr(statistics, "draw", lambda asked: Drawn(asked, 0, shown[asked.id]))
    choices = [choice("a", "b", "c", right=right, id=f"gd-{right}") for right in (0, 1)]

    told = statistics.telling_places(bank(*choices))

    assert "place 2 as shown is right in 2 of 2 choices" in told


def test_feedback_that_does_not_explain_is_a_fault():
    short = question(options=(Option("a", "No, it is not."), Option("b", FEEDBACK, True)))
    silent = question(
        "gd-two", type="numeric", generator="drawn", mistakes=(Mistake("slip", "Wrong sign."),)
    )

    assert list(statistics.poor_feedback(bank(short, silent))) == [
        "gd-one has feedback that does not explain: 'No, it is not.'",
        "gd-two has feedback that does not explain: 'Wrong sign.'",
        "gd-two has no feedback on the right number",
    ]


def test_every_generator_is_drawn_from_with_two_hundred_seeds(drawn):
    calls = []

    def generate(rng):
        calls.append(rng)
        x = int(rng.integers(1, 100))
        return Variant({"x": x}, 2 * x, {"squared": 5 * x})

    drawn(generate)

    asked = numeric(mistakes=(Mistake("squared", FEEDBACK),))
    assert list(statistics.poor_numbers(bank(asked))) == []
    assert len(calls) == 200


@pytest.mark.parametrize(
    ("variant", "fault"),
    [
        (lambda x: Variant({"x": x}, np.inf), "seed 0: key must be a finite number, got inf"),
        (
            lambda x: Variant({"x": x}, 1.0, {"slip": np.nan}),
            "seed 0: slip must be a finite number, got nan",
        ),
        (
            lambda x: Variant({"x": x}, 1.0, {"slip": 1.0005}),
            "seed 0: the tolerance cannot tell slip (1.0005) from the key (1)",
        ),
        (
            lambda x: Variant({"x": x}, 1.0, {"slip": 2.0, "error": 2.0}),
            "seed 0: the tolerance cannot tell error (2) from slip (2)",
        ),
        (lambda x: Variant({"x": x % 3}, 1.0), "3 different draws in 200, fewer than 4"),
    ],
)
def test_numbers_that_cannot_be_marked_are_faults(drawn, variant, fault):
    drawn(lambda rng: variant(int(rng.integers(1, 1000))))

    mistakes = tuple(Mistake(name, FEEDBACK) for name in variant(1).mistakes)
    told = list(statistics.poor_numbers(bank(numeric(mistakes=mistakes))))

    assert told[0] == f"gd-one: {fault}"


def test_all_banks_together_need_two_hundred_questions_and_no_telling_look():
    few = [choice("a", "b", code="w = 1"), numeric()]

    assert list(statistics.faults_of_all(few)) == ["2 questions, fewer than 200"]
    assert list(statistics.faults_of_all([*few, *[choice("right", "no")] * 198])) == [
        "0 % of the questions are numeric, fewer than 20 %",
        "0 % of the questions show code or a figure, fewer than 10 %",
        "picking the longest option wins 99.7 % of the single choices, and chance 50.0 %: "
        "at most 5 % more is allowed",
    ]


def test_faults_name_the_bank_and_the_diagnostic_need_not_be_a_lesson():
    silent = bank(question(options=(Option("a", "No."), Option("b", FEEDBACK, True))))

    told = list(statistics.faults({"00_start_here": silent, "98_sample": silent}))

    assert "98_sample: 1 questions, fewer than 26" in told
    assert [fault for fault in told if fault.startswith("00_start_here")] == [
        "00_start_here: gd-one has feedback that does not explain: 'No.'"
    ]
    assert told[-1].startswith("All banks: ")


def test_the_report_counts_each_bank_and_all_together():
    one = bank(choice("a", "b", level="analyze", stem="Why?"), numeric())
    two = bank(choice("right", "no", figure="curve"))

    legend, first, _, total = statistics.report({"97_one": one, "98_two": two}).split("\n\n")

    assert first.splitlines() == [
        "97_one: 2 questions",
        "  type: single 1, multiple 0, numeric 1",
        "  level: remember 0, understand 0, apply 1, analyze 1",
        "  kind: compute 1, why 1, what 0",
        "  numeric: 50 %",
        "  with code or a figure: 0 %",
        "  single choices won by: chance 50 %, longest 50 %, shortest 50 %,",
        "    most hedged 50 %",
        "  objective: gd.update 2",
    ]
    for word in (*statistics.KINDS, "won by", *statistics.LOOKS):
        assert word in legend
    assert "All banks: 3 questions" in total
    assert "longest 75 %, shortest 25 %" in total


def test_a_long_line_of_the_report_is_wrapped_between_its_entries():
    asked = [numeric(objective=f"gd.objective-{number}") for number in range(40)]

    told = statistics.report({"98_sample": bank(*asked)})

    assert max(map(len, told.splitlines())) <= 80
    for number in range(40):
        assert f"gd.objective-{number} 1" in told
