import subprocess
import sys

import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex

from course_utils import figures
from course_utils.exercises.exercise import exercises
from course_utils.figures import BLUE
from course_utils.quiz import dashboard, review, terminal
from course_utils.quiz.bank import read_banks
from course_utils.quiz.dashboard import (
    EMPTY,
    MOST,
    caption,
    duration,
    picture,
    sections,
    summary,
)
from course_utils.quiz.progress import (
    LessonProgress,
    Mastery,
    Progress,
    Share,
    Slip,
    WrongPrediction,
)
from course_utils.quiz.questions import Objective
from course_utils.quiz.store import open_store

DUE = "2 questions are due: 2 of lesson 02."
FLIPPED = Slip("sign flipped", "One step", "02 Gradient descent", times=4, mended=False)
MENDED = Slip("wrong sign", "update rule", "02 Gradient descent", times=1, mended=True)
STEEPER = WrongPrediction(r"$\eta$ grows.", "update rule", "02 Gradient descent", times=2)


@pytest.fixture(autouse=True)
def due(monkeypatch):
    """What is due for review is told elsewhere."""
    monkeypatch.setattr(sys.modules[review.__module__], "review_text", lambda: DUE)


def known(name, right, answered):
    return Mastery(Objective(f"gd.{name}", "Do it."), Share(right, answered))


def made(slips=(), wrong=(), attempts=9, outdated=0):
    start = LessonProgress(
        "00 Start here", Share(0, 0), Share(0, 12), Share(0, 0), 0, (known("adam", 0, 0),)
    )
    descent = LessonProgress(
        "02 Gradient descent",
        Share(3, 6),
        Share(5, 59),
        Share(1, 2),
        3900,
        (known("update-rule", 3, 4), known("batch", 0, 0), known("noise", 0, 1)),
    )
    return Progress((start, descent), tuple(wrong), tuple(slips), attempts, outdated)


def empty():
    start, _ = made().lessons
    return Progress((start,), (), (), 0, 0)


def in_words(progress):
    return {
        part.heading: part.lines for part in sections(progress, lambda text: text.replace("$", ""))
    }


# Words.


def test_the_summary_adds_up_the_lessons():
    assert summary(made()) == (
        "3 of 6 exercises solved, 5 of 71 questions mastered, 1 of 2 predictions right, 1 h 5 min "
        "of active time."
    )


def test_outdated_attempts_are_told():
    assert "changed" not in summary(made())
    assert "that have changed since: 3. They stay in your record" in summary(made(outdated=3))


def test_each_lesson_is_told_without_what_it_does_not_have():
    assert in_words(made())["Lessons"] == [
        "00 Start here: 0 of 12 questions mastered, 0 min.",
        "02 Gradient descent: 3 of 6 exercises solved, 5 of 59 questions mastered, "
        "1 of 2 predictions right, 1 h 5 min.",
    ]


def test_each_objective_is_told_with_its_number_and_its_uncertainty():
    assert in_words(made())["Objectives"] == [
        "00 Start here: not answered yet (adam).",
        "02 Gradient descent: 1 update rule 70 % (43 to 92), 3 of 4 right; 2 batch, not answered "
        "yet; 3 noise 25 % (1 to 65), 0 of 1 right.",
    ]


def test_mistakes_are_told_with_what_became_of_them():
    assert in_words(made([FLIPPED, MENDED]))["Most common mistakes"] == [
        "sign flipped, in One step (02 Gradient descent): 4 times.",
        "wrong sign, in update rule (02 Gradient descent): once, mended.",
    ]


def test_wrong_predictions_are_rendered():
    lists = in_words(made(wrong=[STEEPER]))
    assert lists["Wrong predictions"] == [
        r"02 Gradient descent, update rule: “\eta grows.” (2 times)"
    ]


def test_of_a_long_list_the_most_common_are_told_and_the_rest_is_counted():
    lists = in_words(made([MENDED] * (MOST + 3), [STEEPER] * MOST))
    assert len(lists["Most common mistakes"]) == MOST + 1
    assert lists["Most common mistakes"][-1] == "And 3 more."
    assert len(lists["Wrong predictions"]) == MOST


def test_what_is_not_there_has_no_heading_and_the_review_always_has():
    assert [*in_words(made())] == ["Lessons", "Objectives", "Review"]
    assert sections(empty(), str)[0][:2] == ("Review", DUE)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(59, "under 1 min"), (60, "1 min"), (3599, "1 h 0 min"), (90000, "25 h 0 min")],
)
def test_times_are_told_in_whole_minutes(seconds, said):
    assert duration(seconds) == said


# The picture.


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def filled(fig):
    """The widths of the boxes that are drawn in full colour."""
    boxes = [found for found in fig.axes[0].collections if isinstance(found, PolyCollection)]
    blue = [found for found in boxes if BLUE.lower() in map(to_hex, found.get_facecolor())]
    return [path.get_extents().width for found in blue for path in found.get_paths()]


def test_the_picture_says_its_message_and_every_number_that_it_draws():
    said = texts(picture(made([FLIPPED])))
    assert said[0] == "3 of 6 exercises solved, 5 of 71 questions mastered"
    for words in ("3 of 6", "5 of 59", "1 of 2", "1 h 5 min", "02 Gradient descent"):
        assert words in said
    assert "sign flipped, in One step: 4 times" in said


def test_a_bar_is_as_long_as_its_share():
    lengths = [round(width / 0.7, 3) for width in filled(picture(made()))]
    assert lengths[:4] == [0.5, 0, round(5 / 59, 3), 0.5]


def test_objectives_stand_at_their_chance_and_unanswered_ones_look_different():
    marks, dashes = picture(made()).axes[0].lines
    assert (marks.get_marker(), dashes.get_marker()) == ("o", "_")
    update_rule, noise = marks.get_ydata()
    assert noise - update_rule == pytest.approx(0.84 * (0.7 - 0.25))
    assert update_rule < noise  # the first row is on top, so upwards is less
    assert len(dashes.get_xdata()) == 2
    collections = picture(made()).axes[0].collections
    (ranges,) = [found for found in collections if isinstance(found, LineCollection)]
    low, high = ranges.get_segments()[0][:, 1]
    assert high < update_rule < low


def test_a_mended_mistake_differs_by_its_hatching_and_not_only_by_its_colour():
    hatched = [bool(bar.get_hatch()) for bar in picture(made([FLIPPED, MENDED])).axes[0].patches]
    assert hatched[-2:] == [False, True]


@pytest.mark.parametrize(
    "progress", [empty(), made(), made([FLIPPED, MENDED] * 5)], ids=["empty", "begun", "mistakes"]
)
def test_no_two_words_overlap_and_none_is_cut_off(progress):
    assert_legible(picture(progress))


def assert_legible(fig):
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    for place, box in enumerate(boxes):
        assert fig.bbox.x0 <= box.x0 < box.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= box.y0 < box.y1 <= fig.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:place])


def test_the_empty_record_gives_the_same_picture_each_time():
    assert figures.png(picture(empty())) == figures.png(picture(empty()))
    assert texts(picture(empty()))[0] == "Nothing is answered yet"


def test_the_longest_names_of_the_course_fit():
    lessons = tuple(
        LessonProgress("05 RMSProp and Adam", Share(10, 10), Share(100, 100), Share(10, 10), s, ())
        for s in (360_000, 10, 0)
    )
    slips = [
        Slip(mistake.name.replace("-", " "), exercise.title, "05 RMSProp and Adam", 999, True)
        for exercise in exercises().values()
        for mistake in exercise.mistakes
    ]
    longest = sorted(slips, key=lambda slip: -len(slip.name + slip.where))
    assert_legible(picture(Progress(lessons, (), tuple(longest), 9, 0)))


# What is displayed and printed.


@pytest.fixture
def shown(monkeypatch):
    """What is displayed: (figure, caption) for the picture, and the text below it."""
    things = []
    monkeypatch.setattr(figures, "show", lambda fig, caption, quick: things.append((fig, caption)))
    monkeypatch.setattr("course_utils.quiz.cell.show", things.append)
    return things


def answer_wrongly():
    """Store a wrong prediction and a named mistake at questions of the course."""
    chosen, numeric = (
        next(q for q in read_banks()["02_gradient_descent"].questions if q.id == id_)
        for id_ in ("gd-step-sign", "gd-one-step-value")
    )
    wrong = next(place for place, option in enumerate(chosen.options) if not option.correct)
    for question, kind, response, mistake in (
        (chosen, "prediction", [wrong], None),
        (numeric, "question", 0.5, "wrong_sign"),
    ):
        open_store().record(
            kind=kind,
            item=question.id,
            content_hash=question.content_hash,
            response=response,
            score=0,
            mistake=mistake,
        )
    return chosen.options[wrong].text


def test_an_empty_record_is_told_and_asks_for_answers(shown):
    assert dashboard() is None
    (_, said), below = shown
    assert said == EMPTY
    assert below == f"**Review**\n\n{DUE}"


def test_the_dashboard_shows_a_picture_and_all_of_it_in_words(shown):
    predicted = answer_wrongly()
    dashboard()
    (fig, said), below = shown
    solved = f"0 of {len(exercises())} exercises solved"
    assert texts(fig)[0].startswith(solved)
    assert said.startswith(solved)
    assert "hatched" in said
    assert "**Lessons**\n\nA question is mastered when" in below
    assert "\n\n- 00 Start here: 0 of 12 questions mastered, 0 min.\n- 01 Loss" in below
    assert "- wrong sign, in update rule (02 Gradient descent): once." in below
    assert f"- 02 Gradient descent, update rule: “{predicted}”" in below
    assert below.endswith(f"**Review**\n\n{DUE}")


def test_the_same_is_told_in_a_terminal_without_marks(capsys):
    answer_wrongly()
    terminal.progress()
    told = capsys.readouterr().out
    assert told.startswith("Progress\n\n0 of ")
    assert "\n\nLessons\n\nA question is mastered when" in told
    assert "\nwrong sign, in update rule (02 Gradient descent): once.\n" in told
    assert not set("$\\*") & set(told)


def test_the_caption_tells_of_mistakes_only_where_some_are_drawn():
    assert "hatched" not in caption(made())
    assert "hatched" in caption(made([MENDED]))


def test_naming_the_dashboard_loads_neither_figures_nor_banks():
    code = (
        "import sys, course_utils.quiz.dashboard\n"
        "print([name for name in ('matplotlib', 'scipy', 'course_utils.quiz.bank')"
        " if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout == "[]\n", run.stderr
