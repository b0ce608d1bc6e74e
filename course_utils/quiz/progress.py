"""What the record says: how far each lesson and objective is, and what goes wrong; no drawing.

- An exercise is solved once its check has said so.
- A question is mastered when the newest answer to it is right.
- Of the predictions at a question the first one counts.
- Time is active: a pause of ten minutes or more between two attempts is left out.

Attempts at an item whose content has changed since count as time and as nothing else.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from .assessment import short_name
from .attempts import Outcome, Sum, Wrong
from .bank import read_banks
from .diagnosis import CAPSTONE, LESSONS
from .markup import number
from .questions import Bank, Objective, Question
from .store import open_store

if TYPE_CHECKING:
    from course_utils.exercises.exercise import Exercise

PAUSE_SECONDS = 600
CERTAINTY = 0.8

_TITLES = {lesson.stem: lesson.title for lesson in (*LESSONS.values(), CAPSTONE)}


class Share(NamedTuple):
    """How many `of` a number are `done`.

    >>> str(Share(3, 6))
    '3 of 6'
    """

    done: int
    of: int

    def __str__(self) -> str:
        """Write it as people say it."""
        return f"{self.done} of {self.of}"


@dataclass(frozen=True)
class Mastery:
    """How many of the answered questions about an objective are right, and what that tells.

    With Jeffreys' prior the chance of a right answer has the posterior
    Beta(right + 1/2, wrong + 1/2).
    """

    objective: Objective
    answers: Share

    @property
    def mean(self) -> float:
        """The mean of the posterior.

        >>> Mastery(Objective("gd.noise", "Say when noise helps."), Share(1, 1)).mean
        0.75
        """
        return (self.answers.done + 0.5) / (self.answers.of + 1)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The limits between which the chance lies with 80 % certainty, 10 % on either side."""
        # The distribution in scipy.stats would say the same, but takes a second to import.
        from scipy.special import betaincinv

        right, wrong = self.answers.done + 0.5, self.answers.of - self.answers.done + 0.5
        tail = (1 - CERTAINTY) / 2
        return float(betaincinv(right, wrong, tail)), float(betaincinv(right, wrong, 1 - tail))


@dataclass(frozen=True)
class LessonProgress:
    """How far a lesson is; of the predictions, how many of those made are right."""

    title: str
    exercises: Share
    questions: Share
    predictions: Share
    seconds: float
    objectives: tuple[Mastery, ...]


@dataclass(frozen=True)
class WrongPrediction:
    """Something wrong that was predicted, in the bank's markup, and how often.

    `where` is in words the objective of the question.
    """

    said: str
    where: str
    lesson: str
    times: int


@dataclass(frozen=True)
class Slip:
    """A mistake that the course knows by name, in words, and how often it was made.

    `where` is the title of the exercise, or in words the objective of the question. The slip is
    `mended` when the newest attempt there is right.
    """

    name: str
    where: str
    lesson: str
    times: int
    mended: bool


@dataclass(frozen=True)
class Progress:
    """All that the dashboard shows; wrong predictions and slips have the most frequent first.

    `attempts` counts those at items of the course, and `outdated` those of them whose item has
    changed since.
    """

    lessons: tuple[LessonProgress, ...]
    wrong_predictions: tuple[WrongPrediction, ...]
    slips: tuple[Slip, ...]
    attempts: int
    outdated: int

    @property
    def answered(self) -> list[Mastery]:
        """The objectives about which at least one question is answered."""
        every = (mastery for lesson in self.lessons for mastery in lesson.objectives)
        return [mastery for mastery in every if mastery.answers.of]

    @property
    def seconds(self) -> float:
        """The active time in all lessons."""
        return sum(lesson.seconds for lesson in self.lessons)

    @property
    def exercises(self) -> Share:
        """Those of all lessons."""
        return self._total("exercises")

    @property
    def questions(self) -> Share:
        """Those of all lessons."""
        return self._total("questions")

    @property
    def predictions(self) -> Share:
        """Those of all lessons."""
        return self._total("predictions")

    def _total(self, what: str) -> Share:
        done, of = zip(*(getattr(lesson, what) for lesson in self.lessons), strict=True)
        return Share(sum(done), sum(of))


class Record(NamedTuple):
    """What is read from the store to measure it; outcomes and wrong attempts have the oldest first.

    A long record is summed up by SQLite, which takes a third of the time of reading every attempt.
    """

    outcomes: Sequence[Outcome]
    sums: Sequence[Sum]
    wrong: Sequence[Wrong]


def read_progress() -> Progress:
    """Measure the learner's own record against the course as it is."""
    from course_utils.exercises.exercise import exercises

    store = open_store()
    record = Record(store.outcomes(), store.sums(), store.wrong())
    return measure(record, read_banks(), exercises())


def measure(
    record: Record, banks: Mapping[str, Bank], exercises: Mapping[str, "Exercise"]
) -> Progress:
    """Measure what was attempted of the questions in `banks` and of the exercises."""
    items = _items(banks, exercises)
    _take_sums(record.sums, items)
    _take_wrong(record.wrong, items)
    _take_times(record.outcomes, items)
    every = [item for kind in items.values() for item in kind.values()]
    return Progress(
        tuple(_lesson(bank, items) for bank in banks.values()),
        _wrong_predictions(items["prediction"], banks),
        _slips(every),
        sum(item.attempts for item in every),
        sum(item.outdated for item in every),
    )


@dataclass
class _Item:
    """Something that can be attempted, and what the attempts at it come to.

    Scores, wrong responses and mistakes are those of its present content.
    """

    lesson: str
    name: str
    objective: str = ""
    content_hash: str = ""
    attempts: int = 0
    outdated: int = 0
    seconds: float = 0.0
    first: float | None = None
    newest: float | None = None
    solved: bool = False
    wrong: list[tuple[Any, int]] = field(default_factory=list)
    mistakes: Counter = field(default_factory=Counter)


def _items(
    banks: Mapping[str, Bank], exercises: Mapping[str, "Exercise"]
) -> dict[str, dict[str, _Item]]:
    """Everything that can be attempted, by kind and id."""
    objectives = {objective.id: objective for b in banks.values() for objective in b.objectives}

    def asked() -> dict[str, _Item]:
        return {
            q.id: _Item(q.lesson, short_name(objectives[q.objective]), q.objective, q.content_hash)
            for bank in banks.values()
            for q in bank.questions
        }

    checked = {
        id_: _Item(e.lesson, e.title, e.objective, e.content_hash) for id_, e in exercises.items()
    }
    return {
        "question": asked(),
        "prediction": asked(),
        "exercise": checked,
        "run": {"": _Item(CAPSTONE.stem, "tuning game")},
    }


def _take_sums(sums: Iterable[Sum], items: Mapping[str, Mapping[str, _Item]]) -> None:
    for found in sums:
        item = _item(items, found.kind, found.item)
        if item is None:
            continue
        item.attempts += found.attempts
        if found.kind == "run":
            continue
        if found.content_hash != item.content_hash:
            item.outdated += found.attempts
            continue
        item.newest, item.solved = found.newest, found.right > 0
        item.first = found.first_prediction


def _take_wrong(wrong: Iterable[Wrong], items: Mapping[str, Mapping[str, _Item]]) -> None:
    for found in wrong:
        item = _item(items, found.kind, found.item)
        if item is None or found.content_hash != item.content_hash:
            continue
        if found.kind == "prediction":
            item.wrong.append((found.response, found.times))
        else:
            item.mistakes[found.mistake] += found.times


def _take_times(
    outcomes: Iterable[tuple[str, str, str, float]], items: Mapping[str, Mapping[str, _Item]]
) -> None:
    """Give each gap between two attempts to the item of the later one, if the gap is short."""
    known = {(kind, id_): item for kind, own in items.items() for id_, item in own.items()}
    (game,) = items["run"].values()
    before, parsed = -math.inf, datetime.fromisoformat  # looked up once for a long record
    for time, kind, id_, _ in outcomes:
        item = game if kind == "run" else known.get((kind, id_))
        if item is None:
            continue
        now = parsed(time).timestamp()
        if now - before < PAUSE_SECONDS:
            item.seconds += now - before
        before = now


def _item(items: Mapping[str, Mapping[str, _Item]], kind: str, id_: str) -> _Item | None:
    """Return what was attempted, or None where the course no longer has it."""
    return items.get(kind, {}).get("" if kind == "run" else id_)


def _lesson(bank: Bank, items: Mapping[str, Mapping[str, _Item]]) -> LessonProgress:
    own = {
        kind: [item for item in known.values() if item.lesson == bank.lesson]
        for kind, known in items.items()
    }
    return LessonProgress(
        title=title(bank.lesson),
        exercises=Share(sum(item.solved for item in own["exercise"]), len(own["exercise"])),
        questions=Share(_share(item.newest for item in own["question"]).done, len(own["question"])),
        predictions=_share(item.first for item in own["prediction"]),
        seconds=sum(item.seconds for known in own.values() for item in known),
        objectives=tuple(_mastery(objective, items["question"]) for objective in bank.objectives),
    )


def _mastery(objective: Objective, questions: Mapping[str, _Item]) -> Mastery:
    """Measure an objective by the questions of all lessons that ask about it."""
    about = (item.newest for item in questions.values() if item.objective == objective.id)
    return Mastery(objective, _share(about))


def _share(scores: Iterable[float | None]) -> Share:
    """How many scores are right, of those that there are."""
    known = [score for score in scores if score is not None]
    return Share(known.count(1), len(known))


def _wrong_predictions(
    predictions: Mapping[str, _Item], banks: Mapping[str, Bank]
) -> tuple[WrongPrediction, ...]:
    counted = Counter()
    for question in (question for bank in banks.values() for question in bank.questions):
        for response, times in predictions[question.id].wrong:
            for said in _said(question, response):
                counted[question.id, said] += times
    found = []
    for (id_, said), times in counted.most_common():
        item = predictions[id_]
        found.append(WrongPrediction(said, item.name, title(item.lesson), times))
    return tuple(found)


def _said(question: Question, response: Any) -> list[str]:
    """Return what was wrong in a response; nothing for one that the question cannot have."""
    if isinstance(response, list):
        chosen = [option for place, option in enumerate(question.options) if place in response]
        return [option.text for option in chosen if not option.correct]
    return [number(response)] if isinstance(response, int | float) else []


def _slips(items: Iterable[_Item]) -> tuple[Slip, ...]:
    found = [
        Slip(
            mistake.replace("_", " ").replace("-", " "),
            item.name,
            title(item.lesson),
            times,
            item.newest == 1,
        )
        for item in items
        for mistake, times in item.mistakes.items()
    ]
    return tuple(sorted(found, key=lambda slip: -slip.times))


def title(lesson: str) -> str:
    """Return the title of the lesson with this stem.

    >>> title("05_rmsprop_and_adam"), title("00_start_here")
    ('05 RMSProp and Adam', '00 Start here')
    """
    number_, _, words = lesson.partition("_")
    return _TITLES.get(lesson, f"{number_} {words.replace('_', ' ').capitalize()}")
