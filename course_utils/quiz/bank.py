"""The question banks: TOML files read into plain dataclasses, and refused if anything is amiss.

A bank knows what is asked and what is right. How it looks and what was answered is not here.
"""

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from numbers import Real
from pathlib import Path
from typing import Any

from course_utils.places import shipped

from .drawings import find_figure
from .generators import Variant, find_generator
from .grading import own_seed, tolerance
from .markup import MarkupError, fill, placeholders, to_html

SCHEMA = 1
LEVELS = ("remember", "understand", "apply", "analyze")
PROOF_SEEDS = 32

_QUESTION_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OBJECTIVE_ID = re.compile(r"[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*")


class BankError(ValueError):
    """A bank that cannot be used; the message names the file, the question and the reason."""


@dataclass(frozen=True)
class Reference:
    """A published source, as quizzes/references.toml lists it."""

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    where: str
    doi: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Objective:
    """Something that the learner will be able to do."""

    id: str
    text: str


@dataclass(frozen=True)
class Option:
    """One option of a choice question, with the feedback that choosing it earns."""

    text: str
    feedback: str
    correct: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong value that a numeric question knows by name, with its feedback."""

    name: str
    feedback: str


@dataclass(frozen=True)
class Question:
    """One question; `options` belong to choices, `generator` and what follows to numbers."""

    id: str
    type: str
    objective: str
    level: str
    stem: str
    reference: Reference
    lesson: str
    code: str | None = None
    figure: str | None = None
    alt: str | None = None
    options: tuple[Option, ...] = ()
    generator: str | None = None
    rtol: float = 0.0
    atol: float = 0.0
    feedback: str | None = None
    mistakes: tuple[Mistake, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """A digest of what gives the question its meaning; feedback may be reworded freely."""
        meaning = [
            self.type,
            self.stem,
            self.code,
            self.figure,
            self.alt,
            [(option.text, option.correct) for option in self.options],
            [self.generator, self.rtol, self.atol],
        ]
        return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Bank:
    """The objectives and questions of one lesson.

    `assesses` holds, by lesson, the objectives of other lessons that the questions may ask about.
    """

    lesson: str
    objectives: tuple[Objective, ...]
    questions: tuple[Question, ...]
    assesses: Mapping[str, tuple[Objective, ...]] = field(default_factory=dict)


def load_bank(path: Path) -> Bank:
    """Read and prove one bank; a bank that has not changed on disk is not read again.

    Of the banks that it assesses only the objectives are read.
    """
    path = Path(path)
    references = path.with_name("references.toml")
    assessed = [_neighbour(path, lesson) for lesson in _assessed(path)]
    stamp = tuple(_stamp(source) for source in (path, references, *assessed))
    if _banks.get(path, (None,))[0] != stamp:
        _banks[path] = (stamp, _bank(path, _references(references)))
    return _banks[path][1]


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
    return load_bank(paths[lesson])


def find_question(question_id: str) -> Question:
    """Return one question of the course; LookupError names the closest ids."""
    paths = _question_paths()
    if question_id not in paths:
        near = get_close_matches(question_id, paths, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise LookupError(f"no question {question_id!r}{hint}")
    bank = load_bank(paths[question_id])
    return next(question for question in bank.questions if question.id == question_id)


_banks: dict[Path, tuple[tuple, Bank]] = {}
_tables: dict[Path, tuple[tuple, dict]] = {}


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
        _refuse(where, f"must be a list of lessons, got {lessons!r}")
    for lesson in lessons:
        if lesson not in known:
            _refuse(where, f"unknown lesson {lesson!r}; known are {', '.join(known)}")
        if lessons.count(lesson) > 1:
            _refuse(where, f"{lesson} stands there twice")
    return lessons


def _question_paths() -> dict[str, Path]:
    """Which file holds which question, without proving files that nobody asked for."""
    paths = {}
    for path in _shipped_paths():
        for question_id in _ids(path):
            if paths.setdefault(question_id, path) != path:
                _refuse(
                    f"{path.name}, question {question_id}",
                    f"this id is already used in {paths[question_id].name}",
                )
    return paths


def _ids(path: Path) -> list[str]:
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


def _refuse(where: str, reason: str):
    raise BankError(f"{where}: {reason}")


def _check_keys(table, where: str, required: dict[str, type], optional: dict[str, type]) -> None:
    """Refuse a table with keys unknown, missing, of another type, empty or not finite."""
    if not isinstance(table, dict):
        _refuse(where, f"must be a table, got {table!r}")
    known = required | optional
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            _refuse(where, f"unknown key {key!r}" + (f"; did you mean {near[0]}?" if near else ""))
    for key in required:
        if key not in table:
            _refuse(where, f"no {key}")
    for key, value in table.items():
        allowed = (int, float) if known[key] is float else (known[key],)
        if type(value) not in allowed:
            _refuse(where, f"{key} must be a {known[key].__name__}, got {value!r}")
        if (value.strip() if isinstance(value, str) else value) in ("", []):
            _refuse(where, f"{key} is empty")
        if isinstance(value, float) and not math.isfinite(value):
            _refuse(where, f"{key} must be finite, got {value}")


def _references(path: Path) -> dict[str, Reference]:
    references = {}
    for key, table in _read(path).items() if path.exists() else ():
        where = f"{path.name}, {key}"
        _check_keys(
            table,
            where,
            {"authors": list, "title": str, "year": int, "where": str},
            {"doi": str, "url": str},
        )
        if not all(isinstance(author, str) for author in table["authors"]):
            _refuse(where, f"authors must be a list of names, got {table['authors']!r}")
        references[key] = Reference(key, **(table | {"authors": tuple(table["authors"])}))
    return references


def _bank(path: Path, references: Mapping[str, Reference]) -> Bank:
    table, where = _read(path), path.name
    _check_keys(
        table,
        where,
        {"schema": int, "lesson": str, "objective": list, "question": list},
        {"assesses": list},
    )
    if table["schema"] != SCHEMA:
        _refuse(where, f"schema must be {SCHEMA}, got {table['schema']}")
    if table["lesson"] != path.stem:
        _refuse(where, f"lesson must be the file's name {path.stem!r}, got {table['lesson']!r}")

    objectives = _objectives(path)
    assesses = {lesson: _objectives(_neighbour(path, lesson)) for lesson in _assessed(path)}
    askable = dict(objectives)
    for lesson, theirs in assesses.items():
        for id_ in theirs.keys() & askable:
            _refuse(f"{where}, assesses {lesson}", f"the objective {id_} is already known")
        askable |= theirs

    questions = {}
    for number, question in enumerate(table["question"], start=1):
        name = question.get("id", f"number {number}") if isinstance(question, dict) else number
        here = f"{where}, question {name}"
        questions[name] = _question(question, here, path.stem, askable, references, questions)
    return Bank(
        path.stem,
        tuple(objectives.values()),
        tuple(questions.values()),
        {lesson: tuple(theirs.values()) for lesson, theirs in assesses.items()},
    )


def _objectives(path: Path) -> dict[str, Objective]:
    tables, where = _read(path).get("objective"), path.name
    if not isinstance(tables, list):
        _refuse(where, f"objective must be a list, got {tables!r}")
    objectives = {}
    for objective in tables:
        _check_keys(objective, f"{where}, objective", {"id": str, "text": str}, {})
        here = f"{where}, objective {objective['id']}"
        _check_id(objective["id"], _OBJECTIVE_ID, objectives, here)
        _check_markup(objective["text"], here)
        objectives[objective["id"]] = Objective(**objective)
    return objectives


def _check_id(id_: str, pattern: re.Pattern, taken, where: str) -> None:
    if not pattern.fullmatch(id_):
        _refuse(where, f"id must be like {pattern.pattern}, got {id_!r}")
    if id_ in taken:
        _refuse(where, "this id is already used in this bank")


def _check_markup(text: str, where: str) -> None:
    try:
        to_html(text)
    except MarkupError as error:
        _refuse(where, str(error))


_COMMON = {
    "id": str,
    "type": str,
    "objective": str,
    "level": str,
    "stem": str,
    "reference": str,
}
_CHOICE = {"option": list}
_NUMERIC = {"generator": str}
_SHOWN = {"code": str, "figure": str, "alt": str}
_NUMERIC_OPTIONAL = {"rtol": float, "atol": float, "feedback": str, "mistake": list}


def _question(table, where, lesson, objectives, references, taken) -> Question:
    kind = table.get("type") if isinstance(table, dict) else None
    if kind in ("single", "multiple"):
        _check_keys(table, where, _COMMON | _CHOICE, _SHOWN)
    elif kind == "numeric":
        _check_keys(table, where, _COMMON | _NUMERIC, _SHOWN | _NUMERIC_OPTIONAL)
    else:
        _refuse(where, f"type must be single, multiple or numeric, got {kind!r}")

    _check_id(table["id"], _QUESTION_ID, taken, where)
    for key, known in (("objective", objectives), ("level", LEVELS), ("reference", references)):
        if table[key] not in known:
            near = get_close_matches(table[key], known, n=3) or known
            hint = f"; known are {', '.join(near)}" if near else ""
            _refuse(where, f"unknown {key} {table[key]!r}{hint}")
    _check_figure(table, where)

    fields = dict(table) | {"lesson": lesson, "reference": references[table["reference"]]}
    fields |= {
        "options": tuple(_option(o, where) for o in fields.pop("option", ())),
        "mistakes": tuple(_mistake(m, where) for m in fields.pop("mistake", ())),
    }
    question = Question(**fields)
    if kind == "numeric":
        _check_numeric(question, where)
    else:
        _check_choices(question, where)
    return question


def _option(table, where: str) -> Option:
    _check_keys(table, f"{where}, option", {"text": str, "feedback": str}, {"correct": bool})
    return Option(**table)


def _mistake(table, where: str) -> Mistake:
    _check_keys(table, f"{where}, mistake", {"name": str, "feedback": str}, {})
    return Mistake(**table)


def _check_figure(table: dict, where: str) -> None:
    if ("figure" in table) != ("alt" in table):
        _refuse(where, "a figure needs an alt text" if "figure" in table else "alt without figure")
    if "figure" in table:
        try:
            find_figure(table["figure"])
        except LookupError as error:
            _refuse(where, str(error))
        if "$" in table["alt"]:
            _refuse(where, "alt is read aloud: write it in words, without LaTeX")
        _check_markup(table["alt"], where)


def _check_choices(question: Question, where: str) -> None:
    texts = [" ".join(option.text.split()) for option in question.options]
    right = sum(option.correct for option in question.options)
    if len(texts) < 2:
        _refuse(where, f"needs at least two options, got {len(texts)}")
    if len(set(texts)) < len(texts):
        _refuse(where, "two options are equal")
    if question.type == "single" and right != 1:
        _refuse(where, f"single needs exactly one right option, got {right}")
    if question.type == "multiple" and right == 0:
        _refuse(where, "multiple needs at least one right option, got 0")
    for option in question.options:
        _check_markup(option.text, where)
        _check_markup(option.feedback, where)
    _check_markup(question.stem, where)


def _check_numeric(question: Question, where: str) -> None:
    """Prove a numeric question over many draws of its generator."""
    import numpy as np

    try:
        generate = find_generator(question.generator)
    except LookupError as error:
        _refuse(where, str(error))
    if question.rtol < 0 or question.atol < 0 or question.rtol + question.atol == 0:
        _refuse(where, f"needs a positive rtol or atol, got {question.rtol} and {question.atol}")
    names = [mistake.name for mistake in question.mistakes]
    if len(set(names)) < len(names):
        _refuse(where, "two mistakes have the same name")
    for seed in (own_seed(question.id), *range(PROOF_SEEDS)):
        variant = generate(np.random.default_rng(seed))
        here = f"{where}, {question.generator} with seed {seed}"
        _check_variant(variant, question, here)
        _check_placeholders(question, variant.numbers, here)


def _check_variant(variant: Variant, question: Question, where: str) -> None:
    if not isinstance(variant, Variant):
        _refuse(where, f"must return a Variant, got {variant!r}")
    for name, value in [("key", variant.key), *variant.numbers.items(), *variant.mistakes.items()]:
        if not (isinstance(value, Real) and math.isfinite(value)):
            _refuse(where, f"{name} must be a finite number, got {value!r}")
    if tolerance(variant.key, question) == 0:
        _refuse(where, "the key is 0, where rtol allows nothing: give an atol")
    for name in sorted(set(variant.mistakes) ^ {mistake.name for mistake in question.mistakes}):
        missing = "feedback in the bank" if name in variant.mistakes else "value in the generator"
        _refuse(where, f"the mistake {name} has no {missing}")
    named = [("the key", variant.key), *variant.mistakes.items()]
    for i, (name, value) in enumerate(named):
        for other, other_value in named[i + 1 :]:
            gap = tolerance(value, question) + tolerance(other_value, question)
            if abs(value - other_value) <= gap:
                _refuse(
                    where,
                    f"the tolerance cannot tell {other} ({other_value:.6g}) "
                    f"from {name} ({value:.6g})",
                )


def _check_placeholders(question: Question, numbers: Mapping[str, float], where: str) -> None:
    feedback = [question.feedback or "", *(mistake.feedback for mistake in question.mistakes)]
    for text in (question.stem, *feedback):
        for name in sorted(placeholders(text) - set(numbers)):
            _refuse(where, f"the placeholder {{{name}}} is not given")
        _check_markup(fill(text, numbers), where)
    shown = question.stem + (question.code or "")
    for name in numbers:
        if f"{{{name}}}" not in shown:
            _refuse(where, f"the number {name} is given and not used: write {{{name}}}")
