import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from course_utils.quiz import cell, review
from course_utils.quiz.attempts import Attempt
from course_utils.quiz.bank import find_question
from course_utils.quiz.store import open_store

# The package's name `review` is the function that a lesson calls.
from course_utils.quiz.review import (  # isort: skip
    AT_ONCE,
    HISTORY,
    LONGEST_DAYS,
    counted,
    due,
    due_time,
    review_text,
    schedule,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def answered(*answers):
    """Attempts at (question, time, right), as the store gives them back; the last may be a kind."""
    return [
        Attempt(
            id=str(uuid.uuid4()),
            learner="ada",
            kind=kind[0] if kind else "question",
            item=question,
            content_hash="0" * 16,
            seed=number,
            response=[0],
            score=float(right),
            mistake=None,
            course_version="0.1.0",
            time=time.isoformat(timespec="milliseconds"),
        )
        for number, (question, time, right, *kind) in enumerate(answers)
    ]


@pytest.fixture
def record(quizzes, monkeypatch):
    """A function that puts attempts into the record, with the sample bank beside it."""

    def put(*answers):
        open_store().add(answered(*answers))

    return put


def days(*answers):
    """How many days after the last answer the question comes back."""
    return (due_time(list(answers)) - answers[-1][0]) / DAY


def test_a_right_answer_waits_longer_than_a_wrong_one():
    assert days((START, True)) == 2
    assert days((START, False)) == 1


def test_the_wait_grows_with_each_right_answer_and_falls_after_a_wrong_one():
    answers, waits = [(START, True)], []
    for right in (True, True, True, False, True):
        answers.append((due_time(answers), right))
        waits.append(days(*answers))

    assert waits[0] < waits[1] < waits[2]
    assert waits[3] < waits[0]
    assert waits[4] > waits[3]


def test_the_same_answers_always_give_the_same_time():
    answers = [(START + k * 20 * DAY, k % 5 > 0) for k in range(15)]

    assert len({due_time(answers) for _ in range(20)}) == 1


def test_no_question_waits_longer_than_a_year():
    answers = [(START + k * 300 * DAY, True) for k in range(HISTORY)]

    assert days(*answers) == LONGEST_DAYS


def test_of_a_very_long_history_only_the_newest_answers_decide():
    answers = [(START + k * DAY, k >= 8 or k % 2 > 0) for k in range(8 + HISTORY)]

    assert due_time(answers) == due_time(answers[8:])


def test_an_answer_within_twelve_hours_of_a_counted_one_shows_nothing():
    answers = [("a", START + hours * HOUR, hours > 0) for hours in (0, 1, 11, 12, 13, 25)]
    given = counted(answers)["a"]

    assert [(time - START) / HOUR for time, _ in given] == [0, 12, 25]
    assert [right for _, right in given] == [False, True, True]


def test_answers_count_in_the_order_of_their_times_and_apart_for_each_question():
    given = counted([("a", START + DAY, True), ("b", START, True), ("a", START, False)])

    assert given == {"a": [(START, False), (START + DAY, True)], "b": [(START, True)]}


def test_a_question_is_due_from_its_time_on_the_most_overdue_first(record):
    record(("gd-one-step", START, True), ("gd-step-sign", START + DAY / 2, False))

    assert due(START + 1.4 * DAY) == []
    assert due(START + 1.5 * DAY) == [("gd-step-sign", START + 1.5 * DAY)]
    assert due(START + 2 * DAY) == [
        ("gd-step-sign", START + 1.5 * DAY),
        ("gd-one-step", START + 2 * DAY),
    ]


def test_a_right_answer_after_the_feedback_of_a_wrong_one_does_not_put_the_question_off(record):
    record(("gd-step-sign", START, False), ("gd-step-sign", START + HOUR, True))

    assert schedule() == [("gd-step-sign", START + DAY)]


def test_what_was_answered_in_a_review_is_no_longer_due(record):
    record(("gd-step-sign", START, False))
    now = START + DAY
    assert len(due(now)) == 1
    record(("gd-one-step", now, False), ("gd-step-sign", now, False))

    assert due(now) == []


def test_predictions_count_and_exercises_do_not(record):
    record(
        ("gd-step-sign", START, True, "prediction"),
        ("gd-one-step", START, True, "exercise"),
    )

    assert [question for question, _ in schedule()] == ["gd-step-sign"]


def test_a_partly_right_answer_is_not_right(record):
    record(("gd-never-settles", START, 0.75))

    assert schedule() == [("gd-never-settles", START + DAY)]


def test_a_question_that_was_never_answered_or_is_gone_is_never_due(record):
    record(("gd-of-old", START, True))

    assert schedule() == []


def test_a_question_that_was_reworded_is_still_due(record, quizzes):
    record(("gd-step-sign", START, True))
    path = quizzes / "99_sample.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("smooth loss", "convex loss"), encoding="utf-8")

    assert [question for question, _ in schedule()] == ["gd-step-sign"]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="needs a time zone that can be set")
@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-03-02"), ("WEST13", "2026-03-01"), ("EAST-14", "2026-03-03")]
)
def test_the_next_day_is_one_of_the_learners_calendar(record, monkeypatch, zone, day):
    record(("gd-step-sign", START, False))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", zone)
        time.tzset()
        said = review_text(START)
    time.tzset()

    assert said == f"Nothing is due. The next question comes back on {day}."


def test_the_text_says_what_is_due_or_when_the_next_is(record):
    assert review_text(START).startswith("Nothing is due. Questions that you answer come back")
    record(("gd-step-sign", START, False), ("gd-one-step", START, True))

    assert review_text(START).startswith("Nothing is due. The next question comes back on 2026-")
    assert review_text(START + DAY) == "1 question is due: 1 of lesson 99."
    assert review_text(START + 9 * DAY) == "2 questions are due: 2 of lesson 99."


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr(cell, "display", lambda thing, raw=False: shown.append(thing))
    return shown


def test_a_review_asks_what_is_due_in_a_new_variant(record, displayed):
    lesson_seed = cell.QuizCell(find_question("gd-one-step"))._drawn.seed
    record(("gd-one-step", START, True), ("gd-step-sign", START, False))
    assert review() is None
    said, *asked = displayed[0].children

    assert "2 questions are due: 2 of lesson 99." in said.value
    assert [one._drawn.question.id for one in asked] == ["gd-step-sign", "gd-one-step"]
    assert [one.face["legend"] for one in asked] == ["Review 1 of 2", "Review 2 of 2"]
    assert asked[1]._drawn.seed != lesson_seed
    assert all(one.result is None for one in asked)


def test_a_review_asks_at_most_ten_and_says_that_there_are_more(record, quizzes, displayed):
    head, question, *_ = (
        (quizzes / "99_sample.toml").read_text(encoding="utf-8").split("[[question]]")
    )
    copies = [question.replace("gd-step-sign", f"gd-{number}") for number in range(AT_ONCE + 2)]
    (quizzes / "98_many.toml").write_text("[[question]]".join([head, *copies]), encoding="utf-8")
    record(*((f"gd-{number}", START, True) for number in range(AT_ONCE + 2)))
    review()
    said, *asked = displayed[0].children

    assert len(asked) == AT_ONCE
    assert "12 questions are due: 12 of lesson 98. Here are the 10 that have waited" in said.value


def test_answers_that_are_kept_in_memory_only_count_too(quizzes, course_home, monkeypatch, capsys):
    course_home.write_text("a file where the folder should be")
    for kind in ("question", "exercise"):
        open_store().record(
            kind=kind,
            item=f"gd-{'one-step' if kind == 'exercise' else 'step-sign'}",
            content_hash="0" * 16,
            response=[0],
            score=1,
        )
    assert "kept for this sitting only" in capsys.readouterr().out

    assert [question for question, _ in schedule()] == ["gd-step-sign"]


def test_what_a_notebook_stores_of_a_review_does_not_depend_on_the_record(record, displayed):
    review()
    record(("gd-step-sign", START, False))
    review()
    before, after = (panel._repr_mimebundle_() for panel in displayed)
    for data in (before, after):
        del data["application/vnd.jupyter.widget-view+json"]

    assert before == after
    assert "due for review appear here" in json.dumps(before)
