"""How an answer is judged: run on the cases, compared, its mistake named; nothing is printed."""

import contextlib
import copy
import inspect
import textwrap
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.exercises.exercise import Exercise, as_numbers, readable

PATIENCE_SECONDS = 10
NOTHING = object()


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    `kind` is unfinished, stopped, error, changed input, solved, mistake or different.
    """

    kind: str
    text: str
    mistake: str | None = None


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
    except (Exception, SystemExit) as error:
        return Verdict("error", _describe_error(error, answer))
    if all(output is NOTHING for output in got):
        text = (
            f"Not solved yet: {name} returns nothing so far.\n"
            "Write its body, with a return line, and run the cell again. "
            f'hint("{exercise.id}") gives a hint.'
        )
        return Verdict("unfinished", text)
    for case, output in zip(cases, got, strict=True):
        if output is NOTHING:
            return _differs(
                exercise, case, f"{name} returns nothing: a way through it has no return."
            )
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
            return _differs(exercise, case, text)
    return Verdict("solved", f"Solved: {name} gives the right answer in all {len(cases)} cases.")


def _differs(exercise, case, text):
    """Return the verdict on a function that in this case does what `text` says."""
    inputs = zip(inspect.signature(exercise.reference).parameters, case, strict=True)
    lines = "".join(f"    {key} = {readable(value)}\n" for key, value in inputs)
    more = f'hint("{exercise.id}") gives a hint.'
    return Verdict("different", f"Not right yet. With\n{lines}{text}\n{more}")


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


def _observe(exercise, function, case, changed):
    """Return what `function` shows on a copy of the case; `changed` gets the inputs it changed.

    It is NOTHING where a call returned nothing.
    """
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
        try:
            output = exercise.observe(watched, *copy.deepcopy(case))
        except NotImplementedError:
            return NOTHING
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
