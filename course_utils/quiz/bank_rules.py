"""What a bank must keep to: a table that breaks a rule is refused, with the place and the reason.

Files are read elsewhere. A question with numbers is proven over many draws.
"""

import math
import re
from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Real
from typing import NoReturn

from .drawings import find_figure
from .generators import Variant, find_generator
from .grading import own_seed, tolerance
from .markup import MarkupError, fill, placeholders, to_html, to_text
from .questions import LEVELS, Bank, BankError, Mistake, Objective, Option, Question, Reference

SCHEMA = 1
PROOF_DRAWS = 32

_QUESTION_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OBJECTIVE_ID = re.compile(r"[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*")


def refuse(where: str, reason: str) -> NoReturn:
    """Raise BankError with the place and the reason."""
    raise BankError(f"{where}: {reason}")


def prove_references(table: dict, where: str) -> dict[str, Reference]:
    """Return the references that a table lists, by key."""
    references = {}
    for key, entry in table.items():
        here = f"{where}, {key}"
        _check_keys(
            entry,
            here,
            {"authors": list, "title": str, "year": int, "where": str},
            {"doi": str, "url": str},
        )
        if not all(isinstance(author, str) for author in entry["authors"]):
            refuse(here, f"authors must be a list of names, got {entry['authors']!r}")
        references[key] = Reference(key, **(entry | {"authors": tuple(entry["authors"])}))
    return references


def prove_objectives(tables: object, where: str) -> dict[str, Objective]:
    """Return the objectives of a bank, by id."""
    if not isinstance(tables, list):
        refuse(where, f"objective must be a list, got {tables!r}")
    objectives = {}
    for objective in tables:
        _check_keys(objective, f"{where}, objective", {"id": str, "text": str}, {})
        here = f"{where}, objective {objective['id']}"
        _check_id(objective["id"], _OBJECTIVE_ID, objectives, here)
        _check_markup(objective["text"], here)
        objectives[objective["id"]] = Objective(**objective)
    return objectives


def prove_bank(
    table: dict,
    lesson: str,
    references: Mapping[str, Reference],
    assesses: Mapping[str, dict[str, Objective]],
    draws: int = PROOF_DRAWS,
) -> Bank:
    """Return the bank of a lesson; `assesses` holds the objectives of the lessons it names.

    A question with numbers is proven with those of its lesson and with `draws` more.
    """
    where = f"{lesson}.toml"
    _check_keys(
        table,
        where,
        {"schema": int, "lesson": str, "objective": list, "question": list},
        {"assesses": list},
    )
    if table["schema"] != SCHEMA:
        refuse(where, f"schema must be {SCHEMA}, got {table['schema']}")
    if table["lesson"] != lesson:
        refuse(where, f"lesson must be the file's name {lesson!r}, got {table['lesson']!r}")

    objectives = prove_objectives(table["objective"], where)
    askable = dict(objectives)
    for other, theirs in assesses.items():
        for id_ in theirs.keys() & askable:
            refuse(f"{where}, assesses {other}", f"the objective {id_} is already known")
        askable |= theirs

    questions = {}
    for number, question in enumerate(table["question"], start=1):
        name = question.get("id", f"number {number}") if isinstance(question, dict) else number
        here = f"{where}, question {name}"
        questions[name] = _question(question, here, lesson, askable, references, questions)
        if questions[name].type == "numeric":
            _check_numeric(questions[name], here, draws)
    return Bank(
        lesson,
        tuple(objectives.values()),
        tuple(questions.values()),
        {other: tuple(theirs.values()) for other, theirs in assesses.items()},
    )


def _check_keys(table, where: str, required: dict[str, type], optional: dict[str, type]) -> None:
    """Refuse a table with keys unknown, missing, of another type, empty or not finite."""
    if not isinstance(table, dict):
        refuse(where, f"must be a table, got {table!r}")
    known = required | optional
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            refuse(where, f"unknown key {key!r}" + (f"; did you mean {near[0]}?" if near else ""))
    for key in required:
        if key not in table:
            refuse(where, f"no {key}")
    for key, value in table.items():
        allowed = (int, float) if known[key] is float else (known[key],)
        if type(value) not in allowed:
            refuse(where, f"{key} must be a {known[key].__name__}, got {value!r}")
        if (value.strip() if isinstance(value, str) else value) in ("", []):
            refuse(where, f"{key} is empty")
        if isinstance(value, float) and not math.isfinite(value):
            refuse(where, f"{key} must be finite, got {value}")


def _check_id(id_: str, pattern: re.Pattern, taken, where: str) -> None:
    if not pattern.fullmatch(id_):
        refuse(where, f"id must be like {pattern.pattern}, got {id_!r}")
    if id_ in taken:
        refuse(where, "this id is already used in this bank")


def _check_markup(text: str, where: str) -> None:
    try:
        to_html(text)
        to_text(text)
    except MarkupError as error:
        refuse(where, str(error))


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
        refuse(where, f"type must be single, multiple or numeric, got {kind!r}")

    _check_id(table["id"], _QUESTION_ID, taken, where)
    for key, known in (("objective", objectives), ("level", LEVELS), ("reference", references)):
        if table[key] not in known:
            near = get_close_matches(table[key], known, n=3) or known
            hint = f"; known are {', '.join(near)}" if near else ""
            refuse(where, f"unknown {key} {table[key]!r}{hint}")
    _check_figure(table, where)

    fields = dict(table) | {"lesson": lesson, "reference": references[table["reference"]]}
    fields |= {
        "options": tuple(_option(o, where) for o in fields.pop("option", ())),
        "mistakes": tuple(_mistake(m, where) for m in fields.pop("mistake", ())),
    }
    question = Question(**fields)
    if kind != "numeric":
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
        refuse(where, "a figure needs an alt text" if "figure" in table else "alt without figure")
    if "figure" in table:
        try:
            find_figure(table["figure"])
        except LookupError as error:
            refuse(where, str(error))
        if "$" in table["alt"]:
            refuse(where, "alt is read aloud: write it in words, without LaTeX")
        _check_markup(table["alt"], where)


def _check_choices(question: Question, where: str) -> None:
    texts = [" ".join(option.text.split()) for option in question.options]
    right = sum(option.correct for option in question.options)
    if len(texts) < 2:
        refuse(where, f"needs at least two options, got {len(texts)}")
    if len(set(texts)) < len(texts):
        refuse(where, "two options are equal")
    if question.type == "single" and right != 1:
        refuse(where, f"single needs exactly one right option, got {right}")
    if question.type == "multiple" and right == 0:
        refuse(where, "multiple needs at least one right option, got 0")
    for option in question.options:
        _check_markup(option.text, where)
        _check_markup(option.feedback, where)
    _check_markup(question.stem, where)


def _check_numeric(question: Question, where: str, draws: int) -> None:
    """Prove a numeric question over its own draw and more of its generator."""
    import numpy as np

    try:
        generate = find_generator(question.generator)
    except LookupError as error:
        refuse(where, str(error))
    if question.rtol < 0 or question.atol < 0 or question.rtol + question.atol == 0:
        refuse(where, f"needs a positive rtol or atol, got {question.rtol} and {question.atol}")
    names = [mistake.name for mistake in question.mistakes]
    if len(set(names)) < len(names):
        refuse(where, "two mistakes have the same name")
    for seed in (own_seed(question.id), *range(draws)):
        variant = generate(np.random.default_rng(seed))
        here = f"{where}, {question.generator} with seed {seed}"
        check_variant(variant, question, here)
        _check_placeholders(question, variant.numbers, here)


def check_variant(variant: Variant, question: Question, where: str) -> None:
    """Refuse numbers that cannot be marked: not finite, or too near to each other to tell apart."""
    if not isinstance(variant, Variant):
        refuse(where, f"must return a Variant, got {variant!r}")
    for name, value in [("key", variant.key), *variant.numbers.items(), *variant.mistakes.items()]:
        if not (isinstance(value, Real) and math.isfinite(value)):
            refuse(where, f"{name} must be a finite number, got {value!r}")
    if tolerance(variant.key, question) == 0:
        refuse(where, "the key is 0, where rtol allows nothing: give an atol")
    for name in sorted(set(variant.mistakes) ^ {mistake.name for mistake in question.mistakes}):
        missing = "feedback in the bank" if name in variant.mistakes else "value in the generator"
        refuse(where, f"the mistake {name} has no {missing}")
    named = [("the key", variant.key), *variant.mistakes.items()]
    for i, (name, value) in enumerate(named):
        for other, other_value in named[i + 1 :]:
            gap = tolerance(value, question) + tolerance(other_value, question)
            if abs(value - other_value) <= gap:
                refuse(
                    where,
                    f"the tolerance cannot tell {other} ({other_value:.6g}) "
                    f"from {name} ({value:.6g})",
                )


def _check_placeholders(question: Question, numbers: Mapping[str, float], where: str) -> None:
    feedback = [question.feedback or "", *(mistake.feedback for mistake in question.mistakes)]
    for text in (question.stem, *feedback):
        for name in sorted(placeholders(text) - set(numbers)):
            refuse(where, f"the placeholder {{{name}}} is not given")
        _check_markup(fill(text, numbers), where)
    shown = question.stem + (question.code or "")
    for name in numbers:
        if f"{{{name}}}" not in shown:
            refuse(where, f"the number {name} is given and not used: write {{{name}}}")
