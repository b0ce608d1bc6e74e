"""Where the question banks are found and read: TOML files, proven where a question is asked.

What a bank is made of stands in `questions`, what it must keep to in `bank_rules`.
"""

import re
import tomllib
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_utils.places import shipped

from .bank_rules import PROOF_DRAWS, prove_bank, prove_objectives, prove_references, refuse
from .questions import Bank, BankError, Mistake, Objective, Option, Question

# The head of a question in all its forms, and as the course writes it, the id in the next line.
_ANY_HEAD = re.compile(r"\[\[\s*.?question.?\s*\]\]")
_HEAD = re.compile(r'^\[\[question\]\]\nid = "([^"\n]*)"$', re.MULTILINE)


def load_bank(path: Path, draws: int = PROOF_DRAWS) -> Bank:
    """Read and prove one bank; a bank that has not changed on disk is not read again.

    Of the banks that it assesses only the objectives are read. Questions with numbers are proven
    over `draws` draws and that of their lesson.
    """
    path = Path(path)
    references = path.with_name("references.toml")
    assessed = [_neighbour(path, lesson) for lesson in _assessed(path)]
    stamp = tuple(_stamp(source) for source in (path, references, *assessed))
    if _banks.get((path, draws), (None,))[0] != stamp:
        _banks[path, draws] = (stamp, _proven(path, references, draws))
    return _banks[path, draws][1]


def load_banks() -> dict[str, Bank]:
    """Read and prove every bank of the course, and return them by lesson."""
    _question_paths()
    return {path.stem: load_bank(path) for path in _shipped_paths()}


def read_banks() -> dict[str, Bank]:
    """Read the course's banks by lesson without proving them, which would take seconds.

    The proof stands where a question is asked. Here only a bank that cannot be read gets it, for
    a message that names the fault. References are left out.
    """
    return {path.stem: _read_bank(path, path.stat().st_mtime_ns) for path in _shipped_paths()}


def read_question(question_id: str) -> Question:
    """Read one question of the course, which must exist, without proving it."""
    path = _question_paths()[question_id]
    bank = _read_bank(path, path.stat().st_mtime_ns)
    return next(question for question in bank.questions if question.id == question_id)


def lessons_of_questions() -> dict[str, str]:
    """Return the lesson of each question of the course, by the question's id."""
    return {question_id: path.stem for question_id, path in _question_paths().items()}


@lru_cache
def _read_bank(path: Path, _changed: int) -> Bank:
    """Read a bank anew only when it has changed."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        objectives = tuple(Objective(**objective) for objective in table["objective"])
        questions = tuple(_read_question(question, path.stem) for question in table["question"])
    except (KeyError, TypeError, ValueError):
        return load_bank(path)
    return Bank(path.stem, objectives, questions)


def _read_question(table: dict[str, Any], lesson: str) -> Question:
    read = {
        "options": tuple(Option(**option) for option in table.get("option", ())),
        "mistakes": tuple(Mistake(**mistake) for mistake in table.get("mistake", ())),
    }
    same = {key: table[key] for key in table.keys() - {"option", "mistake"}}
    return Question(**same | read, lesson=lesson)


def find_bank(lesson: str) -> Bank:
    """Return the bank of one lesson; LookupError names the lessons that have one."""
    paths = {path.stem: path for path in _shipped_paths()}
    if lesson not in paths:
        raise LookupError(f"no bank for lesson {lesson!r}; there is one for {', '.join(paths)}")
    return load_bank(paths[lesson], draws=0)


def find_question(question_id: str) -> Question:
    """Return one question of the course; LookupError names the closest ids.

    Its bank is proven, but with numbers only for the draw that its lesson shows. The many draws are
    left to `load_bank` and `course quiz check`: a reader should not wait for them.
    """
    paths = _question_paths()
    if question_id not in paths:
        near = get_close_matches(question_id, paths, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise LookupError(f"no question {question_id!r}{hint}")
    bank = load_bank(paths[question_id], draws=0)
    return next(question for question in bank.questions if question.id == question_id)


_banks: dict[tuple[Path, int], tuple[tuple, Bank]] = {}
_tables: dict[Path, tuple[tuple, dict]] = {}


def _proven(path: Path, references: Path, draws: int) -> Bank:
    known = prove_references(_read(references), references.name) if references.exists() else {}
    assesses = {lesson: _objectives(_neighbour(path, lesson)) for lesson in _assessed(path)}
    return prove_bank(_read(path), path.stem, known, assesses, draws)


def _objectives(path: Path) -> dict[str, Objective]:
    return prove_objectives(_read(path).get("objective"), path.name)


def _shipped_paths() -> list[Path]:
    return _bank_paths(shipped("quizzes"))


def _bank_paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.toml") if path.name != "references.toml")


def _neighbour(path: Path, lesson: str) -> Path:
    return path.with_name(f"{lesson}.toml")


def _assessed(path: Path) -> list[str]:
    """The lessons whose objectives a bank may use; refused unless each has a bank beside it."""
    lessons, where = _read(path).get("assesses", []), f"{path.name}, assesses"
    known = [other.stem for other in _bank_paths(path.parent) if other != path]
    if not isinstance(lessons, list):
        refuse(where, f"must be a list of lessons, got {lessons!r}")
    for lesson in lessons:
        if lesson not in known:
            refuse(where, f"unknown lesson {lesson!r}; known are {', '.join(known)}")
        if lessons.count(lesson) > 1:
            refuse(where, f"{lesson} stands there twice")
    return lessons


def _question_paths() -> dict[str, Path]:
    """Which file holds which question, without proving files that nobody asked for."""
    paths = {}
    for path in _shipped_paths():
        for question_id in _ids(path, path.stat().st_mtime_ns):
            if paths.setdefault(question_id, path) != path:
                refuse(
                    f"{path.name}, question {question_id}",
                    f"this id is already used in {paths[question_id].name}",
                )
    return paths


@lru_cache
def _ids(path: Path, _changed: int) -> list[str]:
    """Return the ids in a file; one in the course's own format is not read as a whole for them."""
    text = path.read_text(encoding="utf-8", errors="replace")
    ids = _HEAD.findall(text)
    if ids and len(ids) == len(_ANY_HEAD.findall(text)):
        return ids
    questions = _read(path).get("question")
    tables = questions if isinstance(questions, list) else []
    ids = [table.get("id") for table in tables if isinstance(table, dict)]
    return [question_id for question_id in ids if isinstance(question_id, str)]


def _stamp(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> dict:
    stamp = _stamp(path)
    if _tables.get(path, (None,))[0] != stamp or stamp is None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BankError(f"{path.name}: {error}") from error
        _tables[path] = (stamp, table)
    return _tables[path][1]
