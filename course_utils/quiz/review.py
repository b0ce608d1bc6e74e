"""Spaced repetition: when each answered question comes back, by FSRS; nothing is marked or stored.

Banks, widgets and the scheduler are imported where they are used, because the first import of every
lesson passes through this module.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import NamedTuple

from .store import open_store

KINDS = ("question", "prediction")
SITTING = timedelta(hours=12)
# Sittings with one question that decide, and answers of each kind among which they are looked for:
# with more a long record would only be slow.
HISTORY, LOOKED_AT = 10, 20
LONGEST_DAYS = 365
AT_ONCE = 10
READING = "Questions that are due for review appear here when you run this cell."


class Due(NamedTuple):
    """A question, and the time (UTC) from which it is due."""

    question: str
    time: datetime


def review() -> None:
    """Display the questions that are due, the most overdue first, at most ten of them.

    Numbers and the order of options are drawn anew.
    """
    import ipywidgets

    from .bank import lessons_of_questions, read_question
    from .cell import Panel, QuizCell, show

    now, lessons = datetime.now(UTC), lessons_of_questions()
    cards = _cards(lessons)
    waiting = _due(cards, now)
    text = _text(cards, lessons, now)
    if len(waiting) > AT_ONCE:
        text += f" Here are the {AT_ONCE} that have waited longest. Then run this cell again."
    asked = [read_question(card.question) for card in waiting[:AT_ONCE]]
    cells = [
        QuizCell(
            question,
            seed=random.getrandbits(32),
            legend=f"Review {number} of {len(asked)}",
        )
        for number, question in enumerate(asked, 1)
    ]
    show(Panel([ipywidgets.HTML(f"<p>{text}</p>"), *cells], READING))


def review_text(now: datetime | None = None) -> str:
    """Say how many questions are due and of which lessons, or when the next one is."""
    from .bank import lessons_of_questions

    lessons = lessons_of_questions()
    return _text(_cards(lessons), lessons, now or datetime.now(UTC))


def due(now: datetime | None = None) -> list[Due]:
    """Return the questions that are due at `now` (with a time zone), the most overdue first."""
    return _due(schedule(), now or datetime.now(UTC))


def schedule() -> list[Due]:
    """Return every question that was answered and still exists, the soonest due first."""
    from .bank import lessons_of_questions

    return _cards(lessons_of_questions())


def counted(
    outcomes: Iterable[tuple[str, datetime, bool]],
) -> dict[str, list[tuple[datetime, bool]]]:
    """Return by question the answers that show what was remembered, as (time, right), in order.

    An answer within twelve hours of a counted one is left out: the feedback is still fresh then.
    """
    answers = defaultdict(list)
    for question, time, right in sorted(outcomes, key=itemgetter(1)):
        given = answers[question]
        if not given or time - given[-1][0] >= SITTING:
            given.append((time, right))
    return dict(answers)


def due_time(answers: list[tuple[datetime, bool]]) -> datetime:
    """Return when a question comes back after its counted answers, by FSRS's default weights.

    Right is rated Good and wrong is rated Again. The intervals are whole days, at most a year.
    Of more than ten answers the newest ten decide.

    >>> first = datetime(2026, 3, 1, tzinfo=UTC)
    >>> due_time([(first, True)]) - first
    datetime.timedelta(days=2)
    >>> due_time([(first, False)]) - first
    datetime.timedelta(days=1)
    """
    from fsrs import Card, Rating

    # Without an id of its own a card waits for a free millisecond to name itself after.
    card = Card(card_id=0)
    for time, right in answers[-HISTORY:]:
        rating = Rating.Good if right else Rating.Again
        card, _ = _scheduler().review_card(card, rating, time.astimezone(UTC))
    return card.due


def _cards(lessons: Mapping[str, str]) -> list[Due]:
    answers = (
        (question, datetime.fromisoformat(time), score == 1)
        for time, kind, question, score in open_store().newest(LOOKED_AT)
        if kind in KINDS and question in lessons
    )
    cards = [Due(question, due_time(given)) for question, given in counted(answers).items()]
    return sorted(cards, key=lambda card: (card.time, card.question))


def _due(cards: Sequence[Due], now: datetime) -> list[Due]:
    return [card for card in cards if card.time <= now]


def _text(cards: Sequence[Due], lessons: Mapping[str, str], now: datetime) -> str:
    waiting = _due(cards, now)
    if not cards:
        return "Nothing is due. Questions that you answer come back here after a day or more."
    if not waiting:
        day = cards[0].time.astimezone()  # the learner's own, not that of UTC
        return f"Nothing is due. The next question comes back on {day:%Y-%m-%d}."
    counts = sorted(Counter(lessons[card.question][:2] for card in waiting).items())
    listed = ", ".join(f"{count} of lesson {lesson}" for lesson, count in counts)
    said = "1 question is due" if len(waiting) == 1 else f"{len(waiting)} questions are due"
    return f"{said}: {listed}."


@cache
def _scheduler():
    from fsrs import Scheduler

    # Without steps of minutes: who has just read the feedback shows nothing by repeating it.
    return Scheduler(
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=LONGEST_DAYS,
        enable_fuzzing=False,
    )
