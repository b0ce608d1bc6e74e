"""What a question bank is made of: questions, their options and objectives, as plain dataclasses.

A bank knows what is asked and what is right. How it looks and what was answered is not here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from course_utils.fault import Fault

LEVELS = ("remember", "understand", "apply", "analyze")


class BankError(Fault, ValueError):
    """A bank that cannot be used; the message names the file, the question and the reason."""


@dataclass(frozen=True)
class Reference:
    """A published source, as quizzes/references.toml lists it."""

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    where: str
    doi: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Objective:
    """Something that the learner will be able to do."""

    id: str
    text: str


@dataclass(frozen=True)
class Option:
    """One option of a choice question, with the feedback that choosing it earns."""

    text: str
    feedback: str
    correct: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong value that a numeric question knows by name, with its feedback."""

    name: str
    feedback: str


@dataclass(frozen=True)
class Question:
    """One question; `options` belong to choices, `generator` and what follows to numbers."""

    id: str
    type: str
    objective: str
    level: str
    stem: str
    reference: Reference
    lesson: str
    code: str | None = None
    figure: str | None = None
    alt: str | None = None
    options: tuple[Option, ...] = ()
    generator: str | None = None
    rtol: float = 0.0
    atol: float = 0.0
    feedback: str | None = None
    mistakes: tuple[Mistake, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """A digest of what gives the question its meaning; feedback may be reworded freely."""
        meaning = [
            self.type,
            self.stem,
            self.code,
            self.figure,
            self.alt,
            [(option.text, option.correct) for option in self.options],
            [self.generator, self.rtol, self.atol],
        ]
        return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Bank:
    """The objectives and questions of one lesson.

    `assesses` holds, by lesson, the objectives of other lessons that the questions may ask about.
    """

    lesson: str
    objectives: tuple[Objective, ...]
    questions: tuple[Question, ...]
    assesses: Mapping[str, tuple[Objective, ...]] = field(default_factory=dict)
