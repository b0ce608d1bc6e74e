"""The learner's own copy of the lessons: made, refreshed, and left alone where they changed it."""

import hashlib
import json
import os
from itertools import count
from pathlib import Path
from typing import NamedTuple

from course_utils.fault import Fault

FIRST_LESSON = "00_start_here.ipynb"
RECORD = Path(".course") / "handed_out.json"


class Refreshed(NamedTuple):
    """The names of the notebooks that `refresh` wrote, and of those it left to the learner."""

    written: list[str]
    kept: list[str]


def refresh(lessons: Path, folder: Path) -> Refreshed:
    """Bring `folder` up to date with the notebooks in `lessons`.

    A notebook whose cells the learner has not changed follows the course: it is added when it is
    missing and replaced when the course has another version; outputs come cleared. Otherwise it is
    theirs, and so are the outputs of one they only ran. Raises OSError for a folder that cannot be
    written to.
    """
    record = folder / RECORD
    record.parent.mkdir(parents=True, exist_ok=True)
    handed_out = _handed_out(record)
    written, kept = [], []
    for lesson in sorted(lessons.glob("*.ipynb")):
        name = lesson.name
        notebook = json.loads(lesson.read_text(encoding="utf-8"))
        shipped, theirs = fingerprint(notebook), _fingerprint_of(folder / name)
        if theirs is None or (theirs == handed_out.get(name) and theirs != shipped):
            _replace(folder / name, _cleared(notebook))
            written.append(name)
        elif theirs != shipped:
            kept.append(name)
            continue
        handed_out[name] = shipped
    _replace(record, handed_out)
    return Refreshed(written, kept)


def find(lesson: str, lessons: Path) -> str:
    """Return the notebook in `lessons` that is meant by "02", "2", or its name.

    Fault says which lessons there are.
    """
    meant = lesson.removesuffix(".ipynb").replace("-", "_")
    stems = sorted(notebook.stem for notebook in lessons.glob("*.ipynb"))
    for stem in stems:
        number = stem.partition("_")[0]
        if meant in (stem, number, number.removeprefix("0")):
            return f"{stem}.ipynb"
    raise Fault(f"no lesson {lesson!r}; there are {', '.join(stems)}")


def differs(name: str, lessons: Path, folder: Path) -> bool:
    """Whether the notebook in `folder` is missing or has other cells than the course's."""
    shipped = json.loads((lessons / name).read_text(encoding="utf-8"))
    return _fingerprint_of(folder / name) != fingerprint(shipped)


def restore(name: str, lessons: Path, folder: Path) -> str | None:
    """Put the course's version of one notebook into `folder`, outputs cleared.

    What stood there is kept beside it under a new name, which is returned; None if nothing did.
    Raises OSError for a folder that cannot be written to; the learner's version is still there
    then.
    """
    notebook = json.loads((lessons / name).read_text(encoding="utf-8"))
    kept = _keep(folder / name)
    _replace(folder / name, _cleared(notebook))
    record = folder / RECORD
    _replace(record, {**_handed_out(record), name: fingerprint(notebook)})
    return kept


def fingerprint(notebook: dict) -> str:
    """Hash the cells of a notebook, so that two of one hash ask the learner to do the same.

    Outputs do not count, nor do empty cells: JupyterLab adds one when the last cell is run.

    >>> cells = [{"cell_type": "code", "source": ["1 + 1"], "outputs": []}]
    >>> ran = [{"cell_type": "code", "source": "1 + 1", "outputs": ["2"]}]
    >>> fingerprint({"cells": cells}) == fingerprint({"cells": ran})
    True
    """
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    written = [cell for cell in cells if cell[1].strip()]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _fingerprint_of(path: Path) -> str | None:
    """None for a missing file; an unreadable notebook equals no other, so it stays as it is."""
    try:
        return fingerprint(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "not a notebook"


def _handed_out(record: Path) -> dict[str, str]:
    try:
        handed_out = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return handed_out if isinstance(handed_out, dict) else {}


def _cleared(notebook: dict) -> dict:
    cells = [
        {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _keep(path: Path) -> str | None:
    """Copy a file to a new name beside it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    for number in count(1):
        kept = path.with_name(f"{path.stem}_yours_{number}{path.suffix}")
        try:
            file = kept.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                file.write(content)
        except OSError:
            kept.unlink()
            raise
        return kept.name


def _replace(path: Path, content: dict) -> None:
    """Write beside the file and rename, so that a full disk leaves the old file whole."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
