"""A question as one learner meets it, and the mark for a response; nothing is shown or stored."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .markup import fill, fill_code, number

if TYPE_CHECKING:
    from .generators import Variant
    from .questions import Question

DO_NOT_KNOW = "I do not know yet."
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class InvalidResponse(ValueError):
    """A response that cannot be marked; the message tells the learner what to do."""


@dataclass(frozen=True)
class Drawn:
    """A question with its numbers drawn and its options in the order they are shown.

    `order[i]` is the place in the bank of the option shown as number i.
    """

    question: "Question"
    seed: int
    order: tuple[int, ...] = ()
    variant: "Variant | None" = None

    @property
    def stem(self) -> str:
        """The stem with its numbers."""
        return self.fill(self.question.stem)

    @property
    def code(self) -> str | None:
        """The code with its numbers, if the question has code."""
        code = self.question.code
        return fill_code(code, self.variant.numbers) if code and self.variant else code

    def fill(self, text: str) -> str:
        """Put the drawn numbers into a text of the question."""
        return fill(text, self.variant.numbers) if self.variant else text


@dataclass(frozen=True)
class Mark:
    """The mark for one response: a score from 0 to 1, and what to tell the learner.

    `remarks` are pairs (the option it is about or None, the feedback), both in the bank's markup;
    `summary` says in plain words how far the whole response is right.
    """

    score: float
    remarks: tuple[tuple[str | None, str], ...]
    summary: str = ""
    mistake: str | None = None

    @property
    def right(self) -> bool:
        """Whether nothing is left to mend."""
        return self.score == 1


def own_seed(question_id: str) -> int:
    """Return the seed that a question has in its lesson, the same on every machine.

    >>> own_seed("gd-step-sign") == own_seed("gd-step-sign") != own_seed("gd-step-size")
    True
    """
    return int.from_bytes(hashlib.sha256(question_id.encode()).digest()[:4], "big")


def draw(question: "Question", seed: int | None = None) -> Drawn:
    """Draw numbers and the order of options from `seed`, by default the question's own.

    An option by which learners say that they do not know stays the last one.
    """
    seed = own_seed(question.id) if seed is None else seed
    if question.type != "numeric":
        order = sorted(
            range(len(question.options)),
            key=lambda i: (
                question.options[i].text == DO_NOT_KNOW,
                hashlib.sha256(f"{question.id} {seed} {i}".encode()).digest(),
            ),
        )
        return Drawn(question, seed, tuple(order))

    import numpy as np

    from .generators import find_generator

    variant = find_generator(question.generator)(np.random.default_rng(seed))
    return Drawn(question, seed, variant=variant)


def parse_number(text: str) -> float:
    """Read a number as people write it: `0.25`, `0,25`, `1e-3`, `−3`.

    >>> parse_number(" −0,25 ")
    -0.25
    """
    plain = text.strip().replace("−", "-")
    if _EITHER.fullmatch(plain):
        whole, decimal = plain.replace(",", ""), plain.replace(",", ".")
        raise InvalidResponse(f"{plain!r} can mean {whole} or {decimal}: write one of these.")
    plain = plain.replace(",", ".")
    value = float(plain) if _NUMBER.fullmatch(plain) else math.inf
    if not math.isfinite(value):
        said = f"{text.strip()[:40]!r} is not a number" if plain else "Write a number first"
        raise InvalidResponse(f"{said}: 0.25, -3 or 1e-3 are read, without units or thousands.")
    return value


def mark(drawn: Drawn, response: Sequence[int] | float) -> Mark:
    """Mark the chosen options (places in the bank) or the number of a response."""
    if drawn.question.type == "numeric":
        return _mark_number(drawn, response)
    return _mark_choices(drawn, response)


def _mark_choices(drawn: Drawn, chosen: Sequence[int]) -> Mark:
    question = drawn.question
    single = question.type == "single"
    if not chosen or (single and len(chosen) > 1):
        raise InvalidResponse("Choose one answer first." if single else "Tick at least one answer.")
    picked = [question.options[place] for place in drawn.order if place in chosen]
    remarks = tuple((option.text, option.feedback) for option in picked)
    if single:
        return Mark(float(picked[0].correct), remarks)
    right = sum(
        option.correct == (place in chosen) for place, option in enumerate(question.options)
    )
    total = len(question.options)
    return Mark(right / total, remarks, f"{right} of {total} choices are as they should be.")


def _mark_number(drawn: Drawn, value: float) -> Mark:
    question, variant = drawn.question, drawn.variant
    if close(value, variant.key, question):
        return Mark(1.0, ((None, drawn.fill(question.feedback)),) if question.feedback else ())
    for mistake in question.mistakes:
        if close(value, variant.mistakes[mistake.name], question):
            return Mark(0.0, ((None, drawn.fill(mistake.feedback)),), mistake=mistake.name)
    size = "small" if value < variant.key else "large"
    return Mark(0.0, (), f"{number(value)} is too {size}.")


def tolerance(value: float, question: "Question") -> float:
    """Return how far from `value` a response may lie and still count as it."""
    return question.atol + question.rtol * abs(value)


def close(response: float, value: float, question: "Question") -> bool:
    """Whether a response counts as `value` under the question's tolerance."""
    return abs(response - value) <= tolerance(value, question)
