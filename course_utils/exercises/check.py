"""How an exercise is checked: run, compared, its mistake named. The exercises stand elsewhere."""

import contextlib
import copy
import difflib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import textwrap
import threading
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from IPython.display import display

from course_utils.places import shipped
from course_utils.quiz.store import open_store

PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation that learners write, and the hint that mends it."""

    name: str
    implementation: Callable
    hint: str


def tenths(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw numbers with one decimal, which a verdict shows in full."""
    return rng.normal(size=shape).round(1)


def call(function, *arguments):
    """Observe a function by what it returns, which is how most exercises are checked."""
    return function(*arguments)


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


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    `kind` is unfinished, stopped, error, changed input, solved, mistake or different.
    """

    kind: str
    text: str
    mistake: str | None = None


def check(exercise_id: str, answer: Callable) -> None:
    """Print whether `answer` solves the exercise, and if not, why. Never raises.

    An interrupt of the kernel ends an endless `answer`, and the cells that wait run on: none of
    them needs the exercise.

    >>> def gradient_step(w, gradient, learning_rate): ...
    >>> check("gd-step", gradient_step)
    Not solved yet: gradient_step returns nothing so far.
    Write its body, with a return line, and run the cell again. hint("gd-step") gives a hint.
    """
    exercise = _find(exercise_id)
    if exercise is None:
        return
    if not callable(answer):
        name = exercise.reference.__name__
        print(f'Give the function itself, without parentheses: check("{exercise_id}", {name})')
        return
    verdict = judge(exercise, answer)
    print(verdict.text)
    if verdict.kind != "unfinished":
        _record(exercise, verdict)


def hint(exercise_id: str) -> None:
    """Print the next hint of the exercise: the first call gives the gentlest."""
    exercise = _find(exercise_id)
    if exercise is None:
        return
    total = len(exercise.hints)
    number = min(_hints_given[exercise_id] + 1, total)
    _hints_given[exercise_id] = number
    print(f"Hint {number} of {total}: {exercise.hints[number - 1]}")
    if number == total:
        print(f'That was the last hint. solution("{exercise_id}") shows a solution.')


def solution(exercise_id: str) -> None:
    """Display the source of a solution.

    >>> solution("gd-step")
    def gradient_step(w, gradient, learning_rate):
        ...
        return w - learning_rate * gradient
    """
    exercise = _find(exercise_id)
    if exercise is not None:
        display(_Source(inspect.getsource(exercise.reference)))


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Return every exercise of the course by its id, read from the lessons' modules."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if path.stem == "check":
            continue
        for exercise in importlib.import_module(f"course_utils.exercises.{path.stem}").EXERCISES:
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


def judge(exercise: Exercise, answer: Callable) -> Verdict:
    """Run `answer` on the exercise's cases and say what was found; the text is the same each time.

    A named mistake is one whose outputs `answer` gives in every case.
    """
    try:
        return _judge(exercise, answer)
    except KeyboardInterrupt as interrupt:
        return Verdict("stopped", _describe_interrupt(interrupt, answer))


def _judge(exercise, answer):
    name = exercise.reference.__name__
    cases = exercise.cases(np.random.default_rng(zlib.crc32(exercise.id.encode())))
    changed = []
    try:
        with _told_when_slow(name):
            got = [_observe(exercise, answer, case, changed) for case in cases]
    except NotImplementedError:
        text = (
            f"Not solved yet: {name} returns nothing so far.\n"
            "Write its body, with a return line, and run the cell again. "
            f'hint("{exercise.id}") gives a hint.'
        )
        return Verdict("unfinished", text)
    except (Exception, SystemExit) as error:
        return Verdict("error", _describe_error(error, answer))
    return _compare(exercise, cases, got, changed)


def _compare(exercise, cases, got, changed):
    """Return the verdict on a function that returned `got` in the cases and changed some inputs."""
    name = exercise.reference.__name__

    def differences(implementation):
        wanted = [_observe(exercise, implementation, case, []) for case in cases]
        return [difference(g, w, exercise) for g, w in zip(got, wanted, strict=True)]

    for mistake in exercise.mistakes:
        if not any(differences(mistake.implementation)):
            text = f"Not right yet: {mistake.name.replace('-', ' ')}.\n{mistake.hint}"
            return Verdict("mistake", text, mistake.name)
    if changed:
        x = changed[0]
        text = (
            f"Not right yet: {name} changes its input {x}, so the caller's array changes too.\n"
            f"Make a new array: {x} = {x} + ... and not {x} += ..., or begin with {x} = {x}.copy()."
        )
        return Verdict("changed input", text)
    for case, text in zip(cases, differences(exercise.reference), strict=True):
        if text:
            inputs = zip(inspect.signature(exercise.reference).parameters, case, strict=True)
            lines = "".join(f"    {key} = {readable(value)}\n" for key, value in inputs)
            more = f'hint("{exercise.id}") gives a hint.'
            return Verdict("different", f"Not right yet. With\n{lines}{text}\n{more}")
    return Verdict("solved", f"Solved: {name} gives the right answer in all {len(cases)} cases.")


def difference(got: Any, wanted: Any, exercise: Exercise, name: str = "") -> str | None:
    """Say in words how an output differs from the wanted one; None where the two agree.

    Lists count as arrays. NaN agrees with NaN, for mistakes that give NaN.
    """
    if isinstance(wanted, dict):
        for key in wanted:
            if difference(got[key], wanted[key], exercise) is not None:
                return f"{key}: {readable(got[key])} (expected {readable(wanted[key])})"
        return None
    if isinstance(wanted, tuple):
        return _difference_of_parts(got, wanted, exercise)
    if isinstance(wanted, str):
        return None if got == wanted else f"{got} (expected {wanted})"

    subject = f"your {name}" if name else "your answer"
    returned = f"your function returned {name + ' of ' if name else ''}"
    numbers, wanted = as_numbers(got), np.asarray(wanted, dtype=float)
    if numbers is None:
        if got is None or got is ...:
            return f"{subject} is still missing"
        return f"{returned}type {type(got).__name__}, expected numbers"
    if numbers.shape != wanted.shape:
        return f"{returned}shape {numbers.shape}, expected {wanted.shape}"
    if np.allclose(numbers, wanted, exercise.rtol, exercise.atol, equal_nan=True):
        return None
    text = f"{subject} is\n    {readable(numbers)}\nexpected\n    {readable(wanted)}"
    if not np.isfinite(numbers).all():
        return f"{text}\nLook for 0/0, log(0) or exp of a large number: they give nan or inf."
    return f"{text}\n(largest difference: {readable(np.abs(numbers - wanted).max())})"


def _difference_of_parts(got, wanted, exercise):
    names = exercise.outputs
    stacked = isinstance(got, np.ndarray) and got.shape[:1] == (len(wanted),)
    parts = list(got) if stacked or isinstance(got, tuple | list) else [got]
    if len(parts) != len(wanted):
        expected = f"{len(wanted)} values: {', '.join(names)}"
        return f"your function returned {len(parts)} of the {expected}"
    texts = [
        difference(part, one, exercise, name)
        for part, one, name in zip(parts, wanted, names, strict=True)
    ]
    wrong = [text for text in texts if text is not None]
    right = [name for name, text in zip(names, texts, strict=True) if text is None]
    if not wrong:
        return None
    return (f"right: {', '.join(right)}\n" if right else "") + wrong[0]


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
    return str(value)


def _observe(exercise, function, case, changed):
    """Return what `function` shows on a copy of the case; `changed` gets the inputs it changed."""
    names = inspect.signature(exercise.reference).parameters

    def watched(*arguments):
        before = copy.deepcopy(arguments)
        output = function(*arguments)
        for name, old, new in zip(names, before, arguments, strict=True):
            if isinstance(old, np.ndarray) and difference(new, old, exercise) is not None:
                changed.append(name)
        if _is_unfinished(output) and not changed:
            raise NotImplementedError
        return output

    with np.errstate(all="ignore"):
        output = exercise.observe(watched, *copy.deepcopy(case))
        # An iterator, such as zip gives, could be looked at only once.
        return list(output) if isinstance(output, Iterator) else output


def _is_unfinished(output):
    parts = output if isinstance(output, tuple | list) and len(output) else [output]
    return all(part is None or part is ... for part in parts)


def _describe_error(error, answer):
    """Return one line: where in the learner's code, which error, what it says."""
    message = textwrap.shorten(str(error), 200, placeholder=" ...")
    where = _where(error, answer)
    return f"Your function stopped with an error{where}: {type(error).__name__}: {message}"


def _describe_interrupt(interrupt, answer):
    """Say in which line of the learner's code it came, if it was their code that it ended."""
    where = _where(interrupt, answer)
    if not where:
        return "Stopped: the check was interrupted before it was done.\nRun the cell again."
    return (
        f"Stopped: your function was interrupted{where}, before it returned.\n"
        "Look there for a loop that never ends, correct it, and run the cell again."
    )


def _where(error, answer):
    """Return the last line that ran in the cell of `answer`, or nothing where none did."""
    cell = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == cell]
    return f" in line {frames[-1].lineno} ({frames[-1].line})" if frames else ""


@contextlib.contextmanager
def _told_when_slow(name):
    """Print once how to end a function that may be endless; a cell that is busy says nothing."""
    text = (
        f"{name} has been running for {PATIENCE_SECONDS} seconds. If it does not end, press ■ in "
        "the toolbar (Interrupt the kernel): this check then says in which line it was."
    )
    timer = threading.Timer(PATIENCE_SECONDS, lambda: print(text))
    timer.daemon = True
    with contextlib.suppress(RuntimeError):  # Python in a browser has no threads
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _record(exercise, verdict):
    # A record that cannot be written must not stop a lesson.
    with contextlib.suppress(Exception):
        open_store().record(
            kind="exercise",
            item=exercise.id,
            content_hash=exercise.content_hash,
            response=verdict.kind,
            score=1.0 if verdict.kind == "solved" else 0.0,
            mistake=verdict.mistake,
        )


def _find(exercise_id):
    """Return the exercise, or None after printing which ids there are."""
    known = exercises()
    if not isinstance(exercise_id, str):
        print('The exercise\'s id comes first, as in check("gd-step", gradient_step).')
    elif exercise_id not in known:
        close = difflib.get_close_matches(exercise_id, known)
        names = ", ".join(f'"{name}"' for name in close or known)
        question = "Did you mean" if close else "There are"
        print(f'There is no exercise "{exercise_id}". {question}: {names}{"?" if close else "."}')
    else:
        return known[exercise_id]
    return None


class _Source:
    """Python source, highlighted in a notebook and plain elsewhere."""

    def __init__(self, text):
        self.text = text.strip()

    def __repr__(self):
        return self.text

    def _repr_markdown_(self):
        return f"```python\n{self.text}\n```"


_hints_given = Counter()
