"""What a lesson calls: check, hint and solution of an exercise, and the record of each check."""

import contextlib
import difflib
import inspect
from collections import Counter
from collections.abc import Callable

from IPython.display import display

from course_utils.exercises.exercise import exercises
from course_utils.exercises.verdicts import judge
from course_utils.quiz.store import open_store


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
