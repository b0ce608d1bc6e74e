"""What the banks hold, counted, and the faults that show only when a bank is looked at as a whole.

A single question that is wrong in itself is refused by `bank` when it is read.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .bank_rules import check_variant
from .generators import find_generator
from .grading import draw
from .markup import to_text
from .questions import LEVELS, Bank, BankError, Question

PREPARATION = "00_start_here"
QUESTIONS_PER_LESSON = 26
QUESTIONS_PER_OBJECTIVE = 3
LEVELS_PER_OBJECTIVE = 2
QUESTIONS = 200
NUMERIC_SHARE = 1 / 5
SHOWN_SHARE = 1 / 10
KINDS = ("compute", "why", "what")
KIND_SHARES = (0.28, 0.4)
GAIN_BY_GUESSING = 0.05
FEEDBACK_WORDS = 5
SEEDS = 200
VARIANTS = 4
WIDTH = 80
LEGEND = """\
kind: compute asks for a result, why for a reason, what for anything else
won by: share of the single choices won by chance, or by always taking the
  longest, the shortest or the most hedged ("may", "often") option"""

_HEDGES = re.compile(r"\b(?:may|might|usually|often|can|sometimes|tends|generally|typically)\b")
# By what a guesser could see in an option: the one of the greatest value is picked.
LOOKS: dict[str, Callable[[str], int]] = {
    "longest": len,
    "shortest": lambda text: -len(text),
    "most hedged": lambda text: len(_HEDGES.findall(text.lower())),
}

Faults = Iterator[str]


def report(banks: Mapping[str, Bank]) -> str:
    """Return the numbers of each bank and of all together as lines of text."""
    parts = []
    for lesson, bank in banks.items():
        asked = Counter(question.objective for question in bank.questions)
        objectives = _line("objective", _listed(asked, asked))
        parts.append(f"{_counts(lesson, bank.questions)}\n{objectives}")
    return "\n\n".join([LEGEND, *parts, _counts("All banks", _all_questions(banks))])


def faults(banks: Mapping[str, Bank]) -> Faults:
    """Yield a line for everything that a bank, or all of them together, may not do."""
    for lesson, bank in banks.items():
        for rule in BANK_RULES if lesson == PREPARATION else (*BANK_RULES, *LESSON_RULES):
            for fault in rule(bank):
                yield f"{lesson}: {fault}"
    for fault in faults_of_all(_all_questions(banks)):
        yield f"All banks: {fault}"


def faults_of_all(questions: Sequence[Question]) -> Faults:
    """All banks together are large enough, and guessing does not pay over all of them."""
    if len(questions) < QUESTIONS:
        yield f"{len(questions)} questions, fewer than {QUESTIONS}"
    yield from _rare_types(questions)
    yield from _telling_looks(questions)


def too_few_questions(bank: Bank) -> Faults:
    """A lesson has enough questions to come back to."""
    if len(bank.questions) < QUESTIONS_PER_LESSON:
        yield f"{len(bank.questions)} questions, fewer than {QUESTIONS_PER_LESSON}"


def thin_objectives(bank: Bank) -> Faults:
    """Each objective is asked about often and at several levels; that of another lesson once."""
    for objective in bank.objectives:
        asked = [question for question in bank.questions if question.objective == objective.id]
        levels = {question.level for question in asked}
        if len(asked) < QUESTIONS_PER_OBJECTIVE:
            yield f"{objective.id} has {len(asked)} questions, fewer than {QUESTIONS_PER_OBJECTIVE}"
        elif len(levels) < LEVELS_PER_OBJECTIVE:
            yield f"{objective.id} has all its questions at the level {levels.pop()}"
    asked = {question.objective for question in bank.questions}
    for objective in (known for theirs in bank.assesses.values() for known in theirs):
        if objective.id not in asked:
            yield f"{objective.id} has no question"


def lopsided_kinds(bank: Bank) -> Faults:
    """About a third asks to compute or predict, a third asks why, a third what."""
    low, high = KIND_SHARES
    for wanted in KINDS:
        share = _share(kind(question) == wanted for question in bank.questions)
        if not low <= share <= high:
            limits = f"{_percent(low)} to {_percent(high)}"
            yield f"{_percent(share)} of the questions ask {wanted!r}, not {limits}"


def rare_types(bank: Bank) -> Faults:
    """Enough questions draw numbers, and enough show code or a figure."""
    yield from _rare_types(bank.questions)


def telling_looks(bank: Bank) -> Faults:
    """The length and the words of an option do not give it away."""
    yield from _telling_looks(bank.questions)


def telling_places(bank: Bank) -> Faults:
    """The place of an option does not give it away, in the file or as the lesson shows it."""
    questions = single_choices(bank.questions)
    rights = [[option.correct for option in question.options].index(True) for question in questions]
    shown = [draw(q).order.index(right) for q, right in zip(questions, rights, strict=True)]
    for order, places in (("in the file", rights), ("as shown", shown)):
        for place, times in Counter(places).most_common(1):
            if times / len(questions) > chance(questions) + GAIN_BY_GUESSING:
                yield f"place {place + 1} {order} is right in {times} of {len(questions)} choices"


def poor_feedback(bank: Bank) -> Faults:
    """Every option, named mistake and numeric question has feedback that explains."""
    for question in bank.questions:
        for part in (*question.options, *question.mistakes):
            if len(part.feedback.split()) < FEEDBACK_WORDS:
                yield f"{question.id} has feedback that does not explain: {part.feedback!r}"
        if question.type == "numeric" and not question.feedback:
            yield f"{question.id} has no feedback on the right number"


def poor_numbers(bank: Bank) -> Faults:
    """Drawn numbers vary, are finite, and no mistake comes near the key or another mistake."""
    for question in bank.questions:
        if question.type == "numeric":
            yield from (f"{question.id}: {fault}" for fault in _poor_variants(question))


BANK_RULES = (poor_feedback, poor_numbers)
LESSON_RULES = (
    too_few_questions,
    thin_objectives,
    lopsided_kinds,
    rare_types,
    telling_looks,
    telling_places,
)


def kind(question: Question) -> str:
    """Say whether a question asks why, asks to compute or predict, or asks what."""
    if re.search(r"\bwhy\b", question.stem, re.IGNORECASE):
        return "why"
    asks_for_a_result = question.type == "numeric" or question.code or question.figure
    return "compute" if asks_for_a_result or "-predict-" in question.id else "what"


def single_choices(questions: Sequence[Question]) -> list[Question]:
    """Return the questions of which one option is right."""
    return [question for question in questions if question.type == "single"]


def chance(questions: Sequence[Question]) -> float:
    """Return the share of single choices that blind guessing wins."""
    return _mean(1 / len(question.options) for question in questions)


def won_by(look: Callable[[str], int], questions: Sequence[Question]) -> float:
    """Return the share of single choices won by the option that has the most of a look.

    Of several that have the same, one is taken at random.
    """
    return _mean(_won(look, question) for question in questions)


def _all_questions(banks: Mapping[str, Bank]) -> list[Question]:
    return [question for bank in banks.values() for question in bank.questions]


def _mean(values: Iterable[float]) -> float:
    """Return the mean, which is 0 in a bank that has nothing of the kind."""
    values = list(values)
    return sum(values) / max(1, len(values))


def _share(answers: Iterable) -> float:
    return _mean(bool(answer) for answer in answers)


def _won(look: Callable[[str], int], question: Question) -> float:
    values = [look(to_text(option.text)) for option in question.options]
    return _mean(
        option.correct
        for option, value in zip(question.options, values, strict=True)
        if value == max(values)
    )


def _rare_types(questions: Sequence[Question]) -> Faults:
    numeric, shown = _numeric_share(questions), _shown_share(questions)
    if numeric < NUMERIC_SHARE:
        yield (
            f"{_percent(numeric)} of the questions are numeric, fewer than "
            f"{_percent(NUMERIC_SHARE)}"
        )
    if shown < SHOWN_SHARE:
        yield (
            f"{_percent(shown)} of the questions show code or a figure, fewer than "
            f"{_percent(SHOWN_SHARE)}"
        )


def _numeric_share(questions: Sequence[Question]) -> float:
    return _share(question.type == "numeric" for question in questions)


def _shown_share(questions: Sequence[Question]) -> float:
    return _share(question.code or question.figure for question in questions)


def _telling_looks(questions: Sequence[Question]) -> Faults:
    choices = single_choices(questions)
    for name, look in LOOKS.items():
        share = won_by(look, choices)
        if share > chance(choices) + GAIN_BY_GUESSING:
            yield (
                f"picking the {name} option wins {_percent(share, 1)} of the single choices, and "
                f"chance {_percent(chance(choices), 1)}: at most {_percent(GAIN_BY_GUESSING)} "
                "more is allowed"
            )


def _poor_variants(question: Question) -> Faults:
    import numpy as np

    generate = find_generator(question.generator)
    variants = [generate(np.random.default_rng(seed)) for seed in range(SEEDS)]
    different = len({tuple(variant.numbers.items()) for variant in variants})
    if different < VARIANTS:
        yield f"{different} different draws in {SEEDS}, fewer than {VARIANTS}"
    for seed, variant in enumerate(variants):
        try:
            check_variant(variant, question, f"seed {seed}")
        except BankError as error:
            yield str(error)


def _counts(name: str, questions: Sequence[Question]) -> str:
    choices = single_choices(questions)
    by_type = Counter(question.type for question in questions)
    by_level = Counter(question.level for question in questions)
    by_kind = Counter(map(kind, questions))
    won = {"chance": chance(choices)} | {look: won_by(LOOKS[look], choices) for look in LOOKS}
    lines = [
        f"{name}: {len(questions)} questions",
        _line("type", _listed(by_type, ("single", "multiple", "numeric"))),
        _line("level", _listed(by_level, LEVELS)),
        _line("kind", _listed(by_kind, KINDS)),
        _line("numeric", [_percent(_numeric_share(questions))]),
        _line("with code or a figure", [_percent(_shown_share(questions))]),
        _line("single choices won by", [f"{by} {_percent(share)}" for by, share in won.items()]),
    ]
    return "\n".join(lines)


def _listed(counts: Counter, names: Iterable[str]) -> list[str]:
    return [f"{name} {counts[name]}" for name in names]


def _line(name: str, entries: Iterable[str]) -> str:
    """Return a line of the report, wrapped between its entries."""
    whole = ", ".join(entry.replace(" ", "\xa0") for entry in entries)
    line = textwrap.fill(
        f"  {name}: {whole}", WIDTH, subsequent_indent="    ", break_on_hyphens=False
    )
    return line.replace("\xa0", " ")


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"
