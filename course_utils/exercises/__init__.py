"""What a lesson imports of its exercises: check, hint and solution, which stand in check.py."""

from course_utils.exercises.check import check, hint, solution
from course_utils.exercises.exercise import exercises

__all__ = ["EXERCISES", "check", "hint", "solution"]


def __getattr__(name):
    # EXERCISES is filled at its first use, so that a lesson's import stays quick.
    if name == "EXERCISES":
        return exercises()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
