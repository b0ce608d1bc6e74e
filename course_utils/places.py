"""Where the course keeps its files: the lessons it ships with and the learner's own data."""

import os
from pathlib import Path

from platformdirs import user_data_dir

PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """Return the course's own `folder` ("notebooks" or "quizzes").

    In a checkout it stands beside the package; in an installed wheel inside it.

    >>> shipped("quizzes").name
    'quizzes'
    """
    beside = PACKAGE.parent / folder
    inside = PACKAGE / "content" / folder
    return inside if inside.is_dir() else beside


def course_home() -> Path:
    """Return the folder of the learner's record; the variable COURSE_HOME moves it."""
    chosen = os.environ.get("COURSE_HOME")
    # Where no shell has done so, "~" is expanded here.
    return Path(os.path.expanduser(chosen or user_data_dir("optimization-in-deep-learning", False)))
