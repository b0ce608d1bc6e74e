import pytest

from course_utils import figures
from course_utils.places import shipped
from course_utils.quiz import assess, assessment, assessment_result, cell
from course_utils.quiz.assessment import caption, final_questions, measured, picture, review
from course_utils.quiz.bank import find_bank, load_bank
from course_utils.quiz.cell import QuizCell
from course_utils.quiz.diagnosis import LESSONS
from course_utils.quiz.grading import draw
from course_utils.quiz.store import open_store

RIGHT, WRONG, OPEN = "right", "wrong", "open"
FIRST, SECOND, *_ = LESSONS.values()


def bank():
    return find_bank("07_capstone")


def questions_of(lesson):
    return final_questions(bank(), lesson.stem)


def response(question, how):
    """What the browser sends for an answer that is right or wrong."""
    drawn = draw(question)
    if question.type == "numeric":
        return str(drawn.variant.key if how == RIGHT else drawn.variant.key + 1000)
    right = [place for place, option in enumerate(question.options) if option.correct]
    wrong = [place for place, option in enumerate(question.options) if not option.correct]
    return [drawn.order.index(place) for place in (right if how == RIGHT else wrong[:1])]


def answer(question, how, kind="question"):
    attempt = f"attempt {len(open_store().attempts())}"
    message = {"attempt": attempt, "response": response(question, how)}
    QuizCell(question, kind=kind)._handle_custom_msg(message, [])


def marks_of(lesson):
    mastery, _ = measured(bank())
    return list(mastery[lesson].values())


def made_up(**how):
    """The mastery in which all objectives are right but those named by their ids."""
    mastery, _ = measured(bank())
    named = {name.replace("_", ".", 1).replace("_", "-"): mark for name, mark in how.items()}
    changed = {
        lesson: {objective: named.get(objective.id, RIGHT) for objective in went}
        for lesson, went in mastery.items()
    }
    assert sum(mark != RIGHT for went in changed.values() for mark in went.values()) == len(how)
    return changed


@pytest.fixture
def shown(monkeypatch):
    """What is displayed: (figure, caption) for a picture, and cells and texts as they are."""
    displayed = []
    monkeypatch.setattr(figures, "show", lambda *picture: displayed.append(picture))
    monkeypatch.setattr(cell, "show", displayed.append)
    return displayed


# Asking.


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=lambda lesson: lesson.stem)
def test_one_cell_asks_all_final_questions_of_a_lesson_in_the_order_of_the_bank(lesson, shown):
    assert assess(lesson.stem) is None
    objectives = [o.id for o in find_bank(lesson.stem).objectives]
    expected = [q.id for q in bank().questions if q.objective in objectives]
    assert [quiz._drawn.question.id for quiz in shown] == expected
    assert len(expected) >= len(objectives)


def test_each_final_question_reads_as_a_question_without_its_key(shown):
    assess(FIRST.stem)
    data, _ = shown[0]._repr_mimebundle_()
    assert data["text/markdown"].startswith("**Question.** A dense hidden layer with")
    assert data["text/plain"] == "Question: final-wider-layer (run this cell to answer)"


@pytest.mark.parametrize("lesson", ["07_capstone", "00_start_here", "01"])
def test_a_lesson_without_final_questions_is_answered_with_those_that_have_some(lesson):
    with pytest.raises(LookupError, match=r"no final questions about .* 01_loss_minimization, 02"):
        assess(lesson)


# Which answers count.


def test_with_an_empty_record_all_is_open():
    mastery, changed = measured(bank())
    assert list(mastery) == list(LESSONS.values())
    assert {mark for went in mastery.values() for mark in went.values()} == {OPEN}
    assert changed == 0


def test_the_first_answer_counts_and_goes_to_its_own_objective():
    first, second, *_ = questions_of(SECOND)
    for how in (WRONG, RIGHT):
        answer(first, how)
    for how in (RIGHT, WRONG):
        answer(second, how)
    assert marks_of(SECOND) == [WRONG, RIGHT, *[OPEN] * 6]
    assert set(marks_of(FIRST)) == {OPEN}


def test_predictions_do_not_count():
    answer(questions_of(FIRST)[0], RIGHT, kind="prediction")
    assert set(marks_of(FIRST)) == {OPEN}


def test_an_answer_that_is_right_in_parts_is_not_right():
    question = next(q for q in bank().questions if q.id == "final-one-number")
    attempt = {"attempt": "a", "response": response(question, RIGHT)[:2]}
    QuizCell(question)._handle_custom_msg(attempt, [])
    assert open_store().attempts()[0].score > 0.5
    assert WRONG in marks_of(list(LESSONS.values())[4])


@pytest.mark.parametrize(
    ("marks", "joined"),
    [
        ([RIGHT, RIGHT], RIGHT),
        ([RIGHT, WRONG], WRONG),
        ([OPEN, WRONG], WRONG),
        ([RIGHT, OPEN], OPEN),
        ([OPEN, OPEN], OPEN),
    ],
)
def test_an_objective_with_several_questions_is_right_if_all_are(marks, joined):
    assert assessment._joined(marks) == joined


def test_an_answer_to_a_question_that_has_changed_since_is_open_again(tmp_path):
    for question in questions_of(FIRST):
        answer(question, RIGHT)
    for path in shipped("quizzes").glob("*.toml"):
        text = path.read_text("utf-8").replace("gets {more} more units", "grows by {more} units")
        (tmp_path / path.name).write_text(text, "utf-8")
    mastery, changed = measured(load_bank(tmp_path / "07_capstone.toml"))
    assert changed == 1
    assert list(mastery[FIRST].values()) == [OPEN, *[RIGHT] * 7]
    assert "changed since you answered them: 1. They are open again." in caption(mastery, changed)


# What is said.


def test_nothing_answered_asks_for_answers(shown):
    assert assessment_result() is None
    ((fig, said),) = shown
    assert said.startswith("Answer the final questions first. Then run this cell again")
    assert said.count("0 of 8 right; open: all.") == 6
    assert fig.axes[0].get_title("left") == "Nothing is answered yet"


def test_all_right_leaves_nothing_to_review(shown):
    for question in bank().questions:
        if question.id.startswith("final-"):
            answer(question, RIGHT)
    assessment_result()
    ((fig, said),) = shown
    assert said.startswith("Right at your first answer: 48 of 48 objectives. Wrong: 0. Open: 0.")
    assert said.count("8 of 8 right.") == 6
    assert fig.axes[0].get_title("left") == "All 48 objectives are right at the first answer"


def test_what_went_wrong_is_listed_for_review_and_what_is_open_is_not(shown):
    first, second, *_ = questions_of(SECOND)
    answer(first, WRONG)
    answer(second, RIGHT)
    assessment_result()
    (fig, said), listed = shown
    assert said.startswith("Right at your first answer: 1 of 48 objectives. Wrong: 1. Open: 46.")
    assert "02 Gradient descent: 1 of 8 right; wrong: update rule; open: backprop, init" in said
    assert fig.axes[0].get_title("left") == "1 of 48 objectives are right at the first answer"
    assert listed == (
        "**What to review**\n\n- [02 Gradient descent](02_gradient_descent.ipynb)\n"
        "    - Write one step of gradient descent for any differentiable loss."
    )


def test_a_lesson_without_a_notebook_is_named_without_a_link(monkeypatch):
    monkeypatch.setattr(type(FIRST), "exists", property(lambda lesson: lesson == FIRST))
    listed = review(made_up(loss_objective=WRONG, mom_ravine=WRONG))
    assert "- [01 Loss minimization](01_loss_minimization.ipynb)\n" in listed
    assert "- 04 Momentum\n" in listed


def test_the_caption_names_every_objective_that_the_picture_marks_as_not_right():
    said = caption(made_up(rate_warm_up=OPEN, rate_limit=WRONG, gen_data_faults=WRONG))
    assert "03 Learning rate: 6 of 8 right; wrong: limit; open: warm up." in said
    assert "06 Generalization: 7 of 8 right; wrong: data faults." in said
    assert "04 Momentum: 8 of 8 right." in said


# What is drawn.


def test_the_picture_has_a_mark_and_a_name_for_each_objective():
    mastery = made_up(loss_objective=WRONG, mom_ravine=OPEN)
    (ax,) = picture(mastery).axes
    shapes = {}
    for line in ax.lines:
        (x,), (y,) = line.get_data()
        shapes[round(x), round(y)] = line.get_marker(), line.get_markerfacecolor() == "white"
    legend = {(x, y) for x, y in shapes if y < 0}
    assert len(shapes) - len(legend) == 48
    usual = shapes[1, 0]
    assert len({usual, shapes[0, 0], shapes[0, 3]}) == 3
    assert all(
        shape == usual for place, shape in shapes.items() if place not in {(0, 0), (0, 3), *legend}
    )
    words = [text.get_text() for text in ax.texts]
    assert words[:9] == [
        "objective", "regression", "classification", "landscape", "convexity", "dimension",
        "constraints", "deep learning", "7 of 8",
    ]  # fmt: skip
    assert words[-3:] == [RIGHT, WRONG, OPEN]
    assert [label.get_text() for label in ax.get_yticklabels()] == [x.title for x in mastery]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_no_words_of_the_picture_run_into_each_other():
    fig = picture(made_up(loss_objective=WRONG, mom_ravine=OPEN))
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_an_empty_record_gives_the_same_picture_each_time(shown):
    for _ in range(2):
        assessment_result()
    (first, said), (second, again) = shown
    assert figures.png(first) == figures.png(second)
    assert said == again
