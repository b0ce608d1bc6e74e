import importlib
import subprocess
import sys

import pytest

from course_utils import figures
from course_utils.places import shipped
from course_utils.quiz.bank import find_bank, load_bank
from course_utils.quiz.cell import QuizCell
from course_utils.quiz.diagnosis import LESSONS, Lesson, caption, diagnosis, picture
from course_utils.quiz.grading import DO_NOT_KNOW, draw
from course_utils.quiz.store import open_store

# In the package this name is the function, so the module is had by its import.
MODULE = importlib.import_module("course_utils.quiz.diagnosis")
FIRST, SECOND, THIRD, FOURTH, *_ = LESSONS.values()
RIGHT, WRONG, NOT_KNOWN, OPEN = "right", "wrong", "not known yet", "open"
EVERY = ["01_loss_minimization", "02_gradient_descent", "03_learning_rate", "04_momentum"]
EVERY += ["05_rmsprop_and_adam", "06_generalization", "07_capstone"]


@pytest.fixture(autouse=True)
def notebooks(tmp_path, monkeypatch):
    """The course's notebooks replaced by empty ones, and an empty folder to be in."""
    course, learner = tmp_path / "course", tmp_path / "learner"
    for folder in (course, learner):
        folder.mkdir()
    for stem in EVERY:
        (course / f"{stem}.ipynb").touch()
    monkeypatch.setattr(MODULE, "shipped", lambda folder: course)
    monkeypatch.chdir(learner)
    return course


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as (figure, caption) for each picture."""
    pictures = []
    monkeypatch.setattr(figures, "show", lambda fig, caption: pictures.append((fig, caption)))
    return pictures


@pytest.fixture
def diagnose(shown):
    """Make the diagnosis and return its caption."""

    def caption_of_diagnosis():
        assert diagnosis() is None
        return shown[-1][1]

    return caption_of_diagnosis


def questions():
    return find_bank("00_start_here").questions


def questions_of(lesson):
    return [question for question in questions() if LESSONS[question.objective] == lesson]


def respond(question, how, seed=None):
    """Return what the browser sends for an answer that is right, wrong or not known yet."""
    drawn = draw(question, seed)
    if question.type == "numeric":
        return str(drawn.variant.key if how == RIGHT else drawn.variant.key + 1000)
    wanted = [
        place
        for place, option in enumerate(question.options)
        if option.correct == (how == RIGHT) and (option.text == DO_NOT_KNOW) == (how == NOT_KNOWN)
    ]
    return [drawn.order.index(wanted[0])]


def answer(question, how, seed=None, kind="question"):
    cell = QuizCell(question, kind=kind, seed=seed)
    attempt = f"attempt {len(open_store().attempts())}"
    cell._handle_custom_msg({"attempt": attempt, "response": respond(question, how, seed)}, [])


def answer_all(how=RIGHT, but=()):
    for question in questions():
        if question not in but:
            answer(question, how)


def row(lesson, *marks):
    return f"{lesson.title}: {', '.join(marks)}"


def pairs(first=(RIGHT, RIGHT), second=(RIGHT, RIGHT), others=(RIGHT, RIGHT)):
    marks = [first, second, *[others] * 4]
    return {lesson: list(pair) for lesson, pair in zip(LESSONS.values(), marks, strict=True)}


# Where to begin.


def test_with_no_answer_it_asks_for_answers_first(diagnose):
    said = diagnose()
    assert said.startswith("Answer the questions first. Then run this cell again")
    assert "](" not in said
    assert said.count("open, open") == 6
    assert "Open questions" not in said


def test_an_empty_record_gives_the_same_picture_each_time(diagnose, shown):
    assert diagnose() == diagnose()
    first, second = (figures.png(fig) for fig, _ in shown)
    assert first == second


def test_the_first_lesson_without_two_right_answers_is_opened_first(diagnose):
    _, harder = questions_of(THIRD)
    later = questions_of(FOURTH)
    answer_all(but=[harder, *later])
    for question in (harder, *later):
        answer(question, WRONG)
    said = diagnose()
    assert said.startswith("Open [03 Learning rate](03_learning_rate.ipynb) first: it is the first")
    assert row(THIRD, RIGHT, WRONG) in said
    assert row(FOURTH, WRONG, WRONG) in said
    assert said.count("](") == 1


def test_not_knowing_is_told_from_a_wrong_answer(diagnose):
    easier, harder = questions_of(FOURTH)
    answer(easier, NOT_KNOWN)
    answer(harder, WRONG)
    assert row(FOURTH, NOT_KNOWN, WRONG) in diagnose()


def test_a_single_wrong_answer_is_a_beginning(diagnose):
    answer(questions_of(FOURTH)[0], WRONG)
    said = diagnose()
    assert said.startswith(f"Open {FIRST.link} first")
    assert row(FOURTH, WRONG, OPEN) in said


def test_open_questions_are_counted_and_ask_for_answers(diagnose):
    easier, _ = questions_of(FIRST)
    answer(easier, RIGHT)
    said = diagnose()
    assert said.startswith(f"Open {FIRST.link} first")
    assert "Open questions, which count as not known yet: 11." in said
    assert row(FIRST, RIGHT, OPEN) in said


def test_an_empty_number_is_open(diagnose):
    easier, harder = questions_of(SECOND)
    assert easier.type == "numeric"
    cell = QuizCell(easier)
    cell._handle_custom_msg({"attempt": "a", "response": ""}, [])
    answer(harder, RIGHT)
    assert row(SECOND, OPEN, RIGHT) in diagnose()


def test_all_right_leads_to_the_capstone(diagnose):
    answer_all()
    said = diagnose()
    assert said.startswith("All your answers are right. Open [07 Capstone](07_capstone.ipynb)")
    assert "open" not in said


def test_all_right_without_a_capstone_leads_to_the_end_of_the_last_lesson(notebooks):
    (notebooks / "07_capstone.ipynb").unlink()
    assert caption(pairs()).startswith(
        "All your answers are right. Read what stands under Go further in "
        "[06 Generalization](06_generalization.ipynb)."
    )


# Lessons that are still being written.


def test_a_missing_lesson_is_named_without_a_link_and_the_next_needed_one_is_linked(notebooks):
    (notebooks / "01_loss_minimization.ipynb").unlink()
    said = caption(pairs(first=(WRONG, RIGHT), second=(RIGHT, RIGHT), others=(OPEN, OPEN)))
    assert said.startswith(
        "01 Loss minimization is the first lesson where your two answers are not both right, "
        "but it is still being written. Begin with [03 Learning rate](03_learning_rate.ipynb), "
        "the next one that you need."
    )
    assert said.count("](") == 1


def test_where_no_needed_lesson_exists_the_last_existing_one_is_linked(notebooks):
    for stem in EVERY[2:]:
        (notebooks / f"{stem}.ipynb").unlink()
    said = caption(pairs(others=(WRONG, WRONG)))
    assert said.startswith("03 Learning rate is the first lesson where")
    assert "Go further in [02 Gradient descent](02_gradient_descent.ipynb)." in said


@pytest.mark.parametrize("marks", [pairs(), pairs(first=(WRONG, WRONG))])
def test_a_course_without_any_lesson_links_to_none(notebooks, marks):
    for stem in EVERY:
        (notebooks / f"{stem}.ipynb").unlink()
    assert "](" not in caption(marks)


def test_a_lesson_in_the_learners_folder_alone_is_linked(notebooks, tmp_path):
    (notebooks / "01_loss_minimization.ipynb").unlink()
    (tmp_path / "learner" / "01_loss_minimization.ipynb").touch()
    assert caption(pairs(first=(WRONG, WRONG))).startswith(f"Open {FIRST.link} first")


# Which answers count.


def test_the_first_answer_counts(diagnose):
    easier, harder = questions_of(FIRST)
    for how in (WRONG, RIGHT):
        answer(easier, how)
    for how in (RIGHT, WRONG):
        answer(harder, how)
    assert row(FIRST, WRONG, RIGHT) in diagnose()


def test_predictions_and_exercises_do_not_count(diagnose):
    answer(questions_of(FIRST)[0], RIGHT, kind="prediction")
    assert diagnose().startswith("Answer the questions first.")


@pytest.mark.parametrize("how", [RIGHT, WRONG])
def test_an_answer_to_other_numbers_counts_as_it_was_marked(diagnose, how):
    easier, _ = questions_of(SECOND)
    seed = next(s for s in range(99) if draw(easier, s).variant.key != draw(easier).variant.key)
    answer(easier, how, seed=seed)
    assert row(SECOND, how, OPEN) in diagnose()


@pytest.mark.parametrize("how", [RIGHT, NOT_KNOWN])
def test_an_answer_to_options_in_another_order_counts_as_it_was_meant(diagnose, how):
    easier, _ = questions_of(FIRST)
    seed = next(s for s in range(99) if draw(easier, s).order != draw(easier).order)
    answer(easier, how, seed=seed)
    assert row(FIRST, how, OPEN) in diagnose()


def test_an_answer_to_a_question_that_has_changed_since_is_open_again(
    diagnose, tmp_path, monkeypatch
):
    answer_all()
    for name in ("00_start_here.toml", "references.toml"):
        text = (shipped("quizzes") / name).read_text("utf-8")
        text = text.replace("You train a network with", "You train a small network with")
        (tmp_path / name).write_text(text, "utf-8")
    changed = load_bank(tmp_path / "00_start_here.toml")
    monkeypatch.setattr("course_utils.quiz.bank.find_bank", lambda lesson: changed)
    said = diagnose()
    assert said.startswith(f"Open {THIRD.link} first")
    assert "Questions that have changed since you answered them: 1. They are open again." in said
    assert row(THIRD, OPEN, RIGHT) in said

    new = next(question for question in changed.questions if question.id == "start-next-rate")
    answer(new, WRONG)
    said = diagnose()
    assert "have changed" not in said
    assert row(THIRD, WRONG, RIGHT) in said


def test_an_answer_that_the_bank_cannot_read_is_wrong_and_no_error(diagnose):
    easier, _ = questions_of(FIRST)
    open_store().record(
        kind="question",
        item=easier.id,
        content_hash=easier.content_hash,
        response={"from": "elsewhere"},
        score=0.0,
    )
    assert row(FIRST, WRONG, OPEN) in diagnose()


def test_a_record_that_cannot_be_opened_is_said_in_one_line(course_home, diagnose, capsys):
    course_home.write_text("a file where the folder should be")
    assert diagnose().startswith("Answer the questions first.")
    printed = capsys.readouterr().out
    assert printed.startswith("Your answers are kept for this sitting only: ")
    assert printed.count("\n") == 1


def test_without_a_record_the_answers_of_this_sitting_count(course_home, diagnose, capsys):
    course_home.write_text("a file where the folder should be")
    answer(questions_of(FIRST)[0], RIGHT)
    assert row(FIRST, RIGHT, OPEN) in diagnose()
    assert capsys.readouterr().out.count("\n") == 1


# What is shown.


def drawn(fig):
    """Return the words of each row of the picture, and the shapes beside them."""
    (ax,) = fig.axes
    rows = {}
    for text, line in zip(ax.texts, ax.lines, strict=True):
        shape = line.get_marker(), line.get_markerfacecolor() == "white"
        assert (line.get_xdata()[0], line.get_ydata()[0]) == text.xy
        rows.setdefault(round(text.xy[1]), []).append((text.get_text(), shape))
    return [rows[place] for place in sorted(rows)]


def test_the_picture_has_a_row_for_each_lesson_and_two_marks_in_it():
    marks = pairs(first=(RIGHT, WRONG), second=(NOT_KNOWN, OPEN))
    fig = picture(marks)
    assert [[word for word, _ in pair] for pair in drawn(fig)] == list(marks.values())
    (ax,) = fig.axes
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [lesson.title for lesson in LESSONS.values()]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_marks_differ_by_shape_and_not_only_by_colour():
    first, second, *_ = drawn(picture(pairs(first=(RIGHT, WRONG), second=(NOT_KNOWN, OPEN))))
    assert len({shape for _, shape in first + second}) == 4


@pytest.mark.parametrize(
    ("marks", "title", "bands"),
    [
        (pairs(*[(OPEN, OPEN)] * 3), "Nothing is answered yet", 0),
        (pairs(second=(RIGHT, WRONG)), "The first gap: 02 Gradient descent", 1),
        (pairs(), "All answers are right", 0),
    ],
)
def test_the_title_says_the_message_and_the_gap_is_marked(marks, title, bands):
    (ax,) = picture(marks).axes
    assert ax.get_title("left") == title
    assert len(ax.patches) == bands
    if bands:
        assert ax.patches[0].get_y() == 0.5


def test_the_picture_and_the_caption_are_displayed(monkeypatch):
    displayed = []
    monkeypatch.setattr(figures, "display", lambda bundle, **_: displayed.append(bundle))
    diagnosis()
    picture_, words = displayed
    assert picture_["image/png"].startswith(b"\x89PNG")
    assert picture_["text/plain"] == words["text/plain"] == caption(pairs(*[(OPEN, OPEN)] * 3))


def test_the_lessons_are_those_of_the_course():
    assert [lesson.stem for lesson in [*LESSONS.values(), MODULE.CAPSTONE]] == EVERY
    for number, lesson in enumerate([*LESSONS.values(), MODULE.CAPSTONE], start=1):
        assert lesson.title.startswith(f"0{number} ")
    assert Lesson("01 A", "01_a").link == "[01 A](01_a.ipynb)"


def test_the_call_stays_a_call_after_it_was_made():
    script = (
        "from course_utils.quiz import diagnosis\n"
        "diagnosis()\n"
        "import course_utils.quiz, course_utils.quiz.diagnosis\n"
        "print(course_utils.quiz.diagnosis is diagnosis)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("True\n")
