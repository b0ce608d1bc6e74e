"""The record on its way: exported to a file, imported from one, deleted; nothing is computed."""

import csv
import io
import json
import math
import os
import re
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from .attempts import Attempt
from .store import RecordFault, open_store

FORMAT = "answers of Optimization in Deep Learning"
VERSION = 1

_TEXTS = ("id", "learner", "kind", "item", "content_hash", "course_version", "time")

# What a spreadsheet takes for a formula. The apostrophe before it makes it a text; one more before
# those that are there already lets the import take away exactly the one that was added.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class Imported(NamedTuple):
    """How many attempts of a file were added to the record, and how many were there already."""

    added: int
    already_there: int


def export_record(path: str | Path) -> int:
    """Write all attempts to a `.json` or `.csv` file; return how many they are.

    Attempts that are kept for this sitting only are written too. A file of this name is replaced
    once the new one is complete. Raises RecordFault.
    """
    path = Path(path)
    write = {".json": _as_json, ".csv": _as_csv}[_ending(path)]
    attempts = open_store().attempts()
    try:
        _replace(path, write(attempts))
    except OSError as error:
        raise RecordFault(
            f"{path} cannot be written ({error.strerror}). Make room or choose another folder."
        ) from error
    return len(attempts)


def import_record(path: str | Path) -> Imported:
    """Add the attempts of an exported file to the record; those already in it stay as they are.

    A file that is broken or foreign adds nothing. Raises RecordFault.
    """
    path = Path(path)
    read = {".json": _from_json, ".csv": _from_csv}[_ending(path)]
    try:
        attempts = read(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise RecordFault(
            f"{path} cannot be read ({error.strerror}). Choose another file."
        ) from error
    except (ValueError, csv.Error, OverflowError, RecursionError) as error:
        raise RecordFault(
            f"{path} is not a complete record of this course ({_reason(error)}). Nothing was "
            "imported. Choose a file that `course progress export` or export_record has written."
        ) from error
    added = open_store().add(attempts)
    return Imported(added, len(attempts) - added)


def delete_record(really: bool = False) -> None:
    """Delete all attempts if `really`, otherwise say what would be deleted. Raises RecordFault."""
    store = open_store()
    if really:
        print(f"Answers deleted: {store.delete()}.")
        return
    print(
        f"Answers in your record: {len(store.attempts())}. Nothing is deleted yet. To keep a "
        'copy, call export_record("my_answers.json"). To delete them all, call '
        "delete_record(really=True)."
    )


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in (".json", ".csv"):
        raise RecordFault(f"{path} must end in .json or .csv. Choose another name.")
    return ending


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text"
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return "its JSON cannot be read"
    return textwrap.shorten(str(error), 200, placeholder=" ...")


def _replace(path: Path, text: str) -> None:
    """Write a file beside `path`, then give it that name, so that none is ever half written."""
    number, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _as_json(attempts: Sequence[Attempt]) -> str:
    rows = ",\n".join([json.dumps(attempt._asdict()) for attempt in attempts])
    return f'{{"format": {json.dumps(FORMAT)}, "version": {VERSION}, "attempts": [\n{rows}\n]}}\n'


def _from_json(text: str) -> list[Attempt]:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'it has no "format": "{FORMAT}"')
    if content.get("version") != VERSION:
        raise ValueError(
            f"its version is {content.get('version')!r} and this course reads {VERSION}: update "
            "the course"
        )
    if not isinstance(content.get("attempts"), list):
        raise ValueError('it has no list "attempts"')
    return _checked(content["attempts"])


def _as_csv(attempts: Sequence[Attempt]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(Attempt._fields)
    for attempt in attempts:
        row = attempt._replace(response=json.dumps(attempt.response))
        writer.writerow("" if cell is None else _as_text(str(cell)) for cell in row)
    return text.getvalue()


def _from_csv(text: str) -> list[Attempt]:
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True) if text else [None]
    if header != list(Attempt._fields):
        raise ValueError(f"its first line is not {','.join(Attempt._fields)}")
    return _checked([_from_cells(header, row) for row in rows])


def _from_cells(header: list[str], row: list[str]) -> dict[str, Any]:
    if len(row) != len(header):
        raise ValueError(f"a line has {len(row)} cells where {len(header)} belong")
    values = dict(zip(header, map(_from_text, row), strict=True))
    return values | {
        "seed": int(values["seed"]) if values["seed"] else None,
        "response": json.loads(values["response"]),
        "score": float(values["score"]),
        "mistake": values["mistake"] or None,
    }


def _as_text(cell: str) -> str:
    """Keep a spreadsheet from computing a cell.

    >>> _as_text("=1+1"), _as_text("'=1+1"), _as_text("gd-step"), _from_text("'=1+1")
    ("'=1+1", "''=1+1", 'gd-step', '=1+1')
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _from_text(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _checked(rows: Sequence[Any]) -> list[Attempt]:
    attempts = []
    for place, row in enumerate(rows, start=1):
        try:
            attempts.append(_attempt(row))
        except ValueError as error:
            raise ValueError(f"attempt {place}: {error}") from None
    return attempts


def _attempt(values: Mapping[str, Any]) -> Attempt:
    """Return an attempt that the record can hold, or raise ValueError."""
    if not isinstance(values, dict) or set(values) != set(Attempt._fields):
        raise ValueError(f"it needs {', '.join(Attempt._fields)}, and nothing else")
    mistake = [] if values["mistake"] is None else ["mistake"]
    for name in (*_TEXTS, *mistake):
        if not isinstance(values[name], str):
            raise ValueError(f"{name} must be a text, got {values[name]!r}")
        values[name].encode()  # a text that is no Unicode raises here
    if not values["id"]:
        raise ValueError("id must not be empty")
    seed, score = values["seed"], values["score"]
    if seed is not None and (type(seed) is not int or not -(2**63) <= seed < 2**63):
        raise ValueError(f"seed must be a whole number of 64 bits or null, got {seed!r}")
    if type(score) not in (int, float) or not math.isfinite(score):
        raise ValueError(f"score must be a finite number, got {score!r}")
    return Attempt(**{**values, "score": float(score), "time": _utc(values["time"])})


def _utc(time: str) -> str:
    """Write a time as the record does, so that times in order are texts in order."""
    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        raise ValueError(f"time must have a time zone, got {time!r}")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
