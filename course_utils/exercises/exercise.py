"""What an exercise is, and the words in which it is written; how it is judged stands elsewhere."""

import functools
import hashlib
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from course_utils.places import shipped


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation that learners write, and the hint that mends it."""

    name: str
    implementation: Callable
    hint: str


def call(function, *arguments):
    """Observe a function by what it returns, which is how most exercises are checked."""
    return function(*arguments)


@dataclass(frozen=True)
class Exercise:
    """A function to write, inputs on which every mistake shows, and the mistakes.

    `stub` is the source that the learner's cell starts with. `cases(rng)` gives a list of argument
    tuples. `outputs` names the values of a function that returns several.
    `observe(function, *arguments)` says what to compare, for a function whose right answers differ
    from each other (a random one): a dict of named properties.
    """

    id: str
    lesson: str
    objective: str
    title: str
    stub: str
    reference: Callable
    cases: Callable[[np.random.Generator], list[tuple]]
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    outputs: tuple[str, ...] = ()
    observe: Callable = call
    rtol: float = 1e-6
    atol: float = 1e-9

    @property
    def content_hash(self) -> str:
        """A fingerprint of what is asked: it changes when the stub or the title does."""
        return hashlib.sha256(f"{self.title}\n{self.stub}".encode()).hexdigest()[:16]


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Return every exercise of the course by its id, read from the lessons' modules."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"course_utils.exercises.{path.stem}")
        for exercise in getattr(module, "EXERCISES", ()):
            if exercise.id in found:
                raise ValueError(f"{path.name}: the exercise id {exercise.id!r} is used twice")
            found[exercise.id] = exercise
    return found


def solutions(lesson: str) -> ModuleType:
    """Load a lesson's solutions, notebooks/solutions/<lesson>.py, as a module.

    >>> solutions("02_gradient_descent").gradient_step(3.0, 2.0, 0.5)
    2.0
    """
    path = shipped("notebooks") / "solutions" / f"{lesson}.py"
    spec = importlib.util.spec_from_file_location(f"solutions_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tenths(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw numbers with one decimal, which a verdict shows in full."""
    return rng.normal(size=shape).round(1)


class Stream(tuple):
    """Gradients that an update rule gets one after the other, one per call."""

    def __str__(self):
        """Write the gradients for a verdict, in their order."""
        return ", then ".join(readable(gradient) for gradient in self)


def stream(*gradients):
    """Return a stream of these gradients, each a list of numbers.

    >>> print(stream([1, -2], [0.5, 0]))
    [1, -2], then [0.5, 0]
    """
    return Stream(np.array(gradient, dtype=float) for gradient in gradients)


def observe_steps(*names):
    """Make an observation of an update rule over several steps: what it returns after each.

    `names` are the values that the rule is given first and returns, w before its state. The next
    argument is a `Stream` of gradients, or a function of the point, which serves three steps.
    Each step begins with what the last one returned, so a state that is lost shows.
    """

    def observe(rule, *arguments):
        values, (gradients, *settings) = arguments[: len(names)], arguments[len(names) :]
        seen = {"number of values that it returns": len(names)}
        if callable(gradients):
            gradients = repeat(gradients, 3)
        for number, gradient in enumerate(gradients, 1):
            parts = rule(*values, gradient, *settings)
            listed = isinstance(parts, tuple | list) or np.ndim(parts) > np.ndim(values[0])
            parts = list(parts) if listed else [parts]
            if len(parts) != len(names):
                return {"number of values that it returns": len(parts)}
            numbers = [as_numbers(part) for part in parts]
            # The state first: where it is wrong, w is wrong for that reason.
            for name, part, array in reversed(list(zip(names, parts, numbers, strict=True))):
                seen[f"{name} after step {number}"] = part if array is None else array
            if not all(map(_same_form, numbers, values)):
                return seen
            # A copy, so that a rule that works in place cannot change what was seen.
            values = [
                array.copy() if array.ndim else part
                for array, part in zip(numbers, parts, strict=True)
            ]
        return seen

    return observe


def _same_form(numbers, given):
    return numbers is not None and numbers.shape == np.shape(given)


def as_numbers(value: Any) -> np.ndarray | None:
    """Return `value` as a float array, or None where it holds no real numbers.

    >>> as_numbers([1, 2]), as_numbers("1"), as_numbers(1j)
    (array([1., 2.]), None, None)
    """
    try:
        return np.asarray(value).astype(float, casting="same_kind")
    except Exception:  # whatever a learner's object raises, it is no number
        return None


def readable(value: Any) -> str:
    """Write a value for a verdict: three significant figures, no noise of rounding.

    >>> readable(np.array([[1 / 3, 1e-17], [2, -1234.5]]))
    '[[0.333, 0], [2, -1.23e+03]]'
    >>> readable(True), readable(np.random.default_rng(0))
    ('yes', 'a random generator')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.3g}" if not abs(value) < 1e-12 else "0"
    if isinstance(value, np.ndarray):
        return readable(value.tolist())
    if isinstance(value, list):
        return f"[{', '.join(readable(item) for item in value)}]"
    if isinstance(value, np.random.Generator):
        return "a random generator"
    if callable(value):
        return inspect.getdoc(value)
    try:
        return str(value)
    except Exception:  # a learner's object may fail to write itself
        return type(value).__name__
