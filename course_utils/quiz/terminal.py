"""Questions and progress in the terminal: numbered options, typed answers, plain words.

Every line is written once and stays, without colours, so that a screen reader can follow. Which
questions there are, which are due, what is right and what the record says is not decided here.
"""

import random
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from course_utils.fault import Fault

from .assessment import short_name
from .diagnosis import CAPSTONE, LESSONS
from .grading import Drawn, InvalidResponse, Mark, draw, mark, parse_number
from .markup import number, to_text
from .practice import matching, ready, result
from .store import open_store

if TYPE_CHECKING:
    from .progress import LessonProgress, Mastery
    from .questions import Question

WIDEST = 80
COUNT = 10
SEEDS = 10**6
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|min\b|h\b))")


class Answer(NamedTuple):
    """What was answered to a question: places in the bank or a number, and the mark for it."""

    drawn: Drawn
    response: list[int] | float
    verdict: Mark


def quiz(
    lesson: str | None = None,
    count: int | None = None,
    objective: str | None = None,
    level: str | None = None,
    exam: bool = False,
    seed: int | None = None,
) -> None:
    """Ask `count` questions (None: ten) of a lesson ("03", or all of them).

    `seed` gives the same ones again. Fault says which lessons, objectives or levels there are.
    """
    seed = random.randrange(SEEDS) if seed is None else seed
    found = _found(_stem(lesson) if lesson else None, objective, level)
    # Those that wait for their lesson have a place in the order too: so it stays when they come.
    rng = random.Random(seed)
    order = rng.sample(found, len(found))
    seeds = {question.id: rng.getrandbits(32) for question in order}
    now = ready(order)
    if not now:
        raise Fault("all questions that fit wait until you meet them in their lesson")
    drawn = [draw(question, seeds[question.id]) for question in now[: count or COUNT]]
    waiting = len(found) - len(now)
    say(_said_of_number(len(drawn), count, waiting))
    if ask(drawn, len(drawn), exam):
        joining = " One that you meet in its lesson before then may join them." if waiting else ""
        say(f"To get the same questions again, use the same choices with --seed {seed}.{joining}")


def review() -> None:
    """Ask the questions that are due, the most overdue first, with numbers drawn anew."""
    from .bank import read_question
    from .review import AT_ONCE, due, review_text

    waiting = due()
    if not waiting:
        say(review_text())
        return
    asked = [card.question for card in waiting[:AT_ONCE]]
    more = f" Here are the {AT_ONCE} that have waited longest." if len(waiting) > AT_ONCE else ""
    say(f"Due for review: {len(waiting)}.{more}")
    drawn = (draw(read_question(question), random.getrandbits(32)) for question in asked)
    ask(drawn, len(asked))


def ask(drawn: Iterable[Drawn], count: int, exam: bool = False) -> list[Answer]:
    """Ask `count` questions one after the other, record each answer, and return the answers.

    A question is taken from `drawn` only when it is asked: numbers can take a while to draw.
    Feedback comes after each answer, in an exam after the last one. Ctrl-C and the end of the input
    end it early.
    """
    say("To stop, press Ctrl-C. Your answers until then count.")
    answers = []
    try:
        for place, one in enumerate(drawn, start=1):
            say(f"Question {place} of {count}", *_face(one))
            answers.append(_answer(one))
            say(*(["Noted."] if exam else _feedback(answers[-1])))
    except (EOFError, KeyboardInterrupt):
        print()
        say(f"Stopped. Questions answered: {len(answers)} of {count}.")
    if answers:
        if exam:
            _say_all_feedback(answers)
        scores = [answer.verdict.score for answer in answers]
        say(result([*scores, *[None] * (count - len(answers))]))
        say(open_store().trouble or "Your answers are in your record: see `course progress`.")
    return answers


def progress() -> None:
    """Say how far the learner is, as the dashboard does, with each objective on its own line."""
    from .dashboard import sections, summary
    from .progress import read_progress

    found = read_progress()
    say("Progress", summary(found))
    for heading, about, lines in sections(found, to_text):
        by_lesson = heading == "Objectives"
        lists = map(_objectives, found.lessons) if by_lesson else ["\n".join(lines)]
        say(heading, *filter(None, [about, *lists]))


def say(*paragraphs: str) -> None:
    """Print paragraphs, wrapped between words to the terminal, each followed by an empty line."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for paragraph in paragraphs:
        for line in paragraph.split("\n"):
            print(_wrapped(line, width))
        print()


def typed(prompt: str) -> str:
    """Read a line; one that comes through a pipe is shown, as a terminal would show it."""
    answer = input(prompt)
    if not sys.stdin.isatty():
        print(answer)
    return answer


def _stem(lesson: str) -> str:
    """Return the lesson that is meant by "03", "3" or "03_learning_rate"."""
    stems = [known.stem for known in (*LESSONS.values(), CAPSTONE)]
    for stem in stems:
        if lesson in _names(stem):
            return stem
    if lesson in _names("00_start_here"):
        raise Fault("the questions of lesson 00 are asked in its notebook only")
    raise Fault(f"no lesson {lesson!r}; there are questions on {', '.join(stems)}")


def _names(stem: str) -> tuple[str, str, str]:
    return stem, stem[:2], stem[1:2]


def _found(lesson: str | None, objective: str | None, level: str | None) -> "list[Question]":
    from .questions import LEVELS

    if level not in (None, *LEVELS):
        raise Fault(f"no level {level!r}; there are {', '.join(LEVELS)}")
    if found := matching(lesson, objective, level):
        return found
    if matching(lesson, objective):
        raise Fault("no question fits these choices; leave out --level or --objective")
    where = f"lesson {lesson[:2]} has " if lesson else ""
    raise Fault(f"{where}no question on {objective!r}; try {_instead(lesson, objective)}")


def _instead(lesson: str | None, objective: str) -> str:
    """Say which lesson asks about an objective; if none does, which objectives have its look."""
    if elsewhere := ready(matching(None, objective)):
        return f"lesson {' or '.join(sorted({question.lesson[:2] for question in elsewhere}))}"
    known = sorted({question.objective for question in ready(matching(lesson))})
    return ", ".join(get_close_matches(objective, known, n=3) or known)


def _said_of_number(drawn: int, wanted: int | None, waiting: int) -> str:
    said = "1 question." if drawn == 1 else f"{drawn} questions."
    if wanted and drawn < wanted:
        said += " Fewer fit your choices than you asked for."
    if waiting and drawn < (wanted or COUNT):
        said += f" Others wait until you meet them in their lesson: {waiting}."
    return said


def _face(drawn: Drawn) -> list[str]:
    """Return the question as paragraphs to read, its options numbered as they are shown."""
    question = drawn.question
    parts = [to_text(drawn.stem)]
    if drawn.code:
        parts += ["Code:", textwrap.indent(drawn.code.strip("\n"), "    ")]
    if question.figure:
        parts.append(f"Figure: {to_text(question.alt)}")
    if drawn.order:
        parts.append("\n".join(_option(drawn, place) for place in drawn.order))
    return parts


def _option(drawn: Drawn, place: int) -> str:
    """Return an option, given by its place in the bank, with the number that it has here."""
    return f"{drawn.order.index(place) + 1}. {to_text(drawn.question.options[place].text)}"


def _answer(drawn: Drawn) -> Answer:
    """Read an answer until it can be marked, and record it."""
    question = drawn.question
    while True:
        try:
            response = _response(drawn, typed(f"{_how(drawn)}: "))
            verdict = mark(drawn, response)
            break
        except InvalidResponse as fault:
            say(str(fault))
    open_store().record(
        kind="question",
        item=question.id,
        content_hash=question.content_hash,
        seed=drawn.seed,
        response=response,
        score=verdict.score,
        mistake=verdict.mistake,
    )
    return Answer(drawn, response, verdict)


def _how(drawn: Drawn) -> str:
    last = len(drawn.order)
    return {
        "single": f"Type one number from 1 to {last}",
        "multiple": f"Type the numbers of all that are right, from 1 to {last}, such as 1 {last}",
        "numeric": "Answer with a number",
    }[drawn.question.type]


def _response(drawn: Drawn, typed: str) -> list[int] | float:
    """Turn what was typed, numbers of options or a number, into a response."""
    if drawn.question.type == "numeric":
        return parse_number(typed)
    places = {str(shown): place for shown, place in enumerate(drawn.order, start=1)}
    words = [word.strip("().") for word in re.split(r"[\s,;]+", typed) if word]
    if not words or not set(words) <= places.keys():
        said = f"{typed.strip()[:40]!r} is not among" if words else "Choose from"
        raise InvalidResponse(f"{said} the numbers 1 to {len(places)}.")
    return sorted({places[word] for word in words})


def _feedback(answer: Answer) -> list[str]:
    """Return as paragraphs what an answer has earned."""
    drawn, verdict = answer.drawn, answer.verdict
    parts = ["Correct." if verdict.right else "Not yet."]
    if verdict.summary:
        parts.append(verdict.summary)
    numbers = {drawn.question.options[place].text: i for i, place in enumerate(drawn.order, 1)}
    several = drawn.question.type == "multiple"
    for about, feedback in verdict.remarks:
        parts.append((f"About {numbers[about]}: " if several else "") + to_text(feedback))
    return parts if verdict.right else parts + _solution(answer)


def _solution(answer: Answer) -> list[str]:
    """Return as paragraphs what would have been right: nobody is asked again here."""
    drawn, question = answer.drawn, answer.drawn.question
    if question.type == "numeric":
        rule = [to_text(drawn.fill(question.feedback))] if question.feedback else []
        return [f"Right: {number(drawn.variant.key)}", *rule]
    right = "Right" if question.type == "single" else "Right, but not chosen"
    missed = [
        at for at in drawn.order if question.options[at].correct and at not in answer.response
    ]
    return [
        said
        for at in missed
        for said in (f"{right}: {_option(drawn, at)}", to_text(question.options[at].feedback))
    ]


def _say_all_feedback(answers: Sequence[Answer]) -> None:
    for place, answer in enumerate(answers, start=1):
        drawn, response = answer.drawn, answer.response
        if drawn.question.type == "numeric":
            said = [f"You answered {number(response)}"]
        else:
            said = ["You answered", *(_option(drawn, at) for at in drawn.order if at in response)]
        say(f"Feedback on question {place}", to_text(drawn.stem), "\n".join(said))
        say(*_feedback(answer))


def _objectives(lesson: "LessonProgress") -> str:
    """Say how well each objective of a lesson is known."""
    if any(mastery.answers.of for mastery in lesson.objectives):
        return "\n".join([f"{lesson.title}:", *map(_known, lesson.objectives)])
    return f"{lesson.title}: not answered yet ({', '.join(map(_name, lesson.objectives))})."


def _known(mastery: "Mastery") -> str:
    if not mastery.answers.of:
        return f"{_name(mastery)}: not answered yet"
    low, high = mastery.interval
    chance = f"{100 * mastery.mean:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    return f"{_name(mastery)}: {chance}, {mastery.answers} right"


def _name(mastery: "Mastery") -> str:
    """Return an objective in a few words; those of lesson 00 are the other lessons."""
    lesson = LESSONS.get(mastery.objective.id)
    return lesson.title.replace(" ", "\xa0", 1) if lesson else short_name(mastery.objective)


def _wrapped(line: str, width: int) -> str:
    if line.startswith("    "):  # code stays as it is
        return line
    inset = " " * len(re.match(r"(?:\d+\. )?", line)[0])
    # A number keeps its unit, since no line is broken at a no-break space.
    filled = textwrap.fill(
        _BEFORE_UNIT.sub("\xa0", line),
        width,
        subsequent_indent=inset,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace("\xa0", " ")
