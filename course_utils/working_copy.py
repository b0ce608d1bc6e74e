"""The learner's own copy of the lessons: made, refreshed, and left alone where they changed it."""

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

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
    except (ValueError, KeyError, TypeError):
        return "not a notebook"


def _handed_out(record: Path) -> dict[str, str]:
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _cleared(notebook: dict) -> dict:
    cells = [
        {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _replace(path: Path, content: dict) -> None:
    """Write beside the file and rename, so that a full disk leaves the old file whole."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
