import random

from course_utils import quiz
from course_utils.quiz import cell
from course_utils.quiz.bank import find_bank
from course_utils.quiz.grading import draw
from course_utils.quiz.practice import READING, Practice, fitting, matching, result
from course_utils.quiz.questions import LEVELS
from course_utils.quiz.store import open_store


def ids(questions):
    return {question.id for question in questions}


def choose(form, **values):
    """Choose in the lists as the browser does, by place: `choose(form, Lesson="02_…")`."""
    for label, wanted in values.items():
        place = next(i for i, (_, value) in enumerate(form._options[label]) if value == wanted)
        form.set_state({"chosen": form.chosen | {label: place}})


def questions_of(practice):
    return [child for child in practice.round.children if isinstance(child, cell.QuizCell)]


def begin(seed=0, **choices):
    practice = Practice(random.Random(seed))
    choose(practice.form, **choices)
    practice.form._handle_custom_msg({}, [])
    return practice, questions_of(practice)


def answer(asked, right=True, attempt="a1"):
    """Answer a quiz cell as the browser does, with the key or with something else."""
    drawn = asked._drawn
    if drawn.question.type == "numeric":
        response = f"{drawn.variant.key if right else drawn.variant.key * 3 + 7:.17g}"
    else:
        key = [i for i, place in enumerate(drawn.order) if drawn.question.options[place].correct]
        others = [i for i in range(len(drawn.order)) if i not in key]
        response = key if right else others[:1]
    asked._handle_custom_msg({"attempt": attempt, "response": response}, [])


def record(question, kind="question"):
    open_store().record(
        kind=kind, item=question, content_hash="0" * 16, response=[0], score=1.0, seed=1
    )


def test_the_choices_narrow_down_what_is_asked():
    lesson = fitting("02_gradient_descent")
    noise = fitting("02_gradient_descent", "gd.noise")
    applied = fitting("02_gradient_descent", "gd.noise", "apply")

    assert {question.lesson for question in lesson} == {"02_gradient_descent"}
    assert {question.objective for question in noise} == {"gd.noise"}
    assert {question.level for question in applied} == {"apply"}
    assert ids(applied) < ids(noise) < ids(lesson)


def test_a_prediction_is_practised_only_after_its_lesson_asked_it():
    assert "gd-predict-batch-one" not in ids(fitting("02_gradient_descent"))
    assert "gd-predict-batch-one" in ids(matching("02_gradient_descent"))
    record("gd-predict-batch-one", "prediction")

    assert "gd-predict-batch-one" in ids(fitting("02_gradient_descent"))


def test_a_final_question_is_practised_only_after_the_final_assessment_asked_it():
    final = next(q.id for q in find_bank("07_capstone").questions if q.id.startswith("final-"))
    assert not any(question.startswith("final-") for question in ids(fitting("07_capstone")))
    record(final)

    assert [q for q in ids(fitting("07_capstone")) if q.startswith("final-")] == [final]


def test_all_lessons_are_asked_about_and_the_diagnostic_never():
    lessons = {question.lesson[:2] for question in fitting()}

    assert lessons == {"01", "02", "03", "04", "05", "06", "07"}


def test_the_form_offers_the_objectives_of_the_chosen_lesson_and_explains_the_chosen_one():
    form = Practice().form
    assert form.lists["Objective"] == ["All objectives"]
    choose(form, Lesson="02_gradient_descent")
    objectives = find_bank("02_gradient_descent").objectives
    names = form.lists["Objective"]
    assert len(names) == 1 + len(objectives)
    assert "Update rule" in names
    choose(form, Objective="gd.noise")
    (text,) = [objective.text for objective in objectives if objective.id == "gd.noise"]
    assert form.about == text
    choose(form, Lesson="03_learning_rate")

    assert form.value("Objective") is None
    assert form.about == ""


def test_the_form_offers_every_level():
    assert [value for _, value in Practice().form._options["Level"]] == [None, *LEVELS]


def test_a_round_holds_as_many_different_questions_as_wanted_and_numbers_them():
    practice, asked = begin(Lesson="02_gradient_descent", Questions=5)

    assert len(ids(one._drawn.question for one in asked)) == 5
    assert [one.face["legend"] for one in asked] == [f"Question {k} of 5" for k in range(1, 6)]
    assert practice.form.status == "5 questions stand below."


def test_every_round_draws_other_questions_and_other_variants():
    first, second = (begin(Lesson="02_gradient_descent", seed=seed)[1] for seed in (1, 2))

    assert ids(one._drawn.question for one in first) != ids(one._drawn.question for one in second)
    for one in first:
        assert one._drawn.seed != draw(one._drawn.question).seed


def test_a_second_round_takes_the_place_of_the_first_and_closes_it():
    practice, first = begin(Lesson="02_gradient_descent", Questions=5)
    practice.form.press()

    assert len(questions_of(practice)) == 5
    assert all(one.comm is None for one in first)


def test_too_few_or_no_questions_are_said():
    narrow = {"Lesson": "02_gradient_descent", "Objective": "gd.noise", "Level": "apply"}
    number = len(fitting(*narrow.values()))
    practice, asked = begin(Questions=20, **narrow)
    assert len(asked) == number
    assert practice.form.status.startswith(f"{number} question")
    assert practice.form.status.endswith("below. No more fit these choices.")

    objective, level = next(
        (objective.id, level)
        for objective in find_bank("07_capstone").objectives
        for level in LEVELS
        if not fitting("07_capstone", objective.id, level)
    )
    practice, asked = begin(Lesson="07_capstone", Objective=objective, Level=level)
    assert asked == []
    assert practice.round.children == ()
    assert practice.form.status.startswith("No question fits these choices.")


def test_practice_gives_feedback_at_once_and_records_a_question():
    _, asked = begin(Lesson="02_gradient_descent", Questions=5)
    answer(asked[0], right=False)
    assert asked[0].result["tone"] == "wrong"
    answer(asked[0], right=True, attempt="a2")
    assert asked[0].result["tone"] == "right"

    attempts = open_store().attempts(asked[0]._drawn.question.id)
    assert [(attempt.kind, attempt.score == 1) for attempt in attempts] == [
        ("question", False),
        ("question", True),
    ]


def test_an_exam_gives_feedback_and_the_result_only_at_its_end():
    practice, asked = begin(Lesson="02_gradient_descent", Questions=5, Mode=True)
    answer(asked[0], right=True, attempt="a1")
    answer(asked[1], right=False, attempt="a2")
    assert [one.result["tone"] for one in asked[:2]] == ["note", "note"]
    ending = practice.round.children[-1]
    assert (ending.button, ending.status, ending.ended) == ("Finish the exam", "", False)
    ending.press()

    assert [one.result["tone"] for one in asked] == ["right", "wrong", "note", "note", "note"]
    assert ending.ended
    assert ending.status == (
        "Right: 1 of 5. Not right: question 2. Not answered: questions 3, 4, 5."
    )
    assert len(open_store().attempts(kind="question")) == 2


def test_a_perfect_exam_is_said_in_one_sentence():
    assert result([1.0, 1.0]) == "Right: 2 of 2."


def test_practice_displays_a_form_that_can_be_read_without_a_widget(monkeypatch):
    shown = []
    monkeypatch.setattr(cell, "display", lambda thing, raw=False: shown.append(thing))
    assert quiz.practice() is None
    data = shown[0]._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == data["text/markdown"] == READING
