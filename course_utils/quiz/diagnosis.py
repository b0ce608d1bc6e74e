"""The picture at the end of lesson 00: what a learner could do before it, and where to begin.

Marks are read here, not given; the final assessment reads and draws them in the same way. Banks and
figures are imported where they are used, because the first import of every lesson passes through
this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.places import shipped

from .attempts import Attempt
from .grading import DO_NOT_KNOW
from .store import open_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .questions import Question

RIGHT, WRONG, NOT_KNOWN, OPEN = "right", "wrong", "not known yet", "open"


@dataclass(frozen=True)
class Lesson:
    """A lesson: its number and title, and the stem of its notebook."""

    title: str
    stem: str

    @property
    def exists(self) -> bool:
        """Whether the learner's folder or the course holds the notebook."""
        notebook = f"{self.stem}.ipynb"
        return Path(notebook).exists() or (shipped("notebooks") / notebook).exists()

    @property
    def link(self) -> str:
        """The title as a Markdown link, for a notebook in the same folder."""
        return f"[{self.title}]({self.stem}.ipynb)"


# By the objective of the questions that ask about the lesson.
LESSONS = {
    "start.loss-minimization": Lesson("01 Loss minimization", "01_loss_minimization"),
    "start.gradient-descent": Lesson("02 Gradient descent", "02_gradient_descent"),
    "start.learning-rate": Lesson("03 Learning rate", "03_learning_rate"),
    "start.momentum": Lesson("04 Momentum", "04_momentum"),
    "start.adam": Lesson("05 RMSProp and Adam", "05_rmsprop_and_adam"),
    "start.generalization": Lesson("06 Generalization", "06_generalization"),
}
CAPSTONE = Lesson("07 Capstone", "07_capstone")

# How the easier and the harder question of each lesson went, in the order of the lessons.
Marks = Mapping[Lesson, list[str]]


def diagnosis() -> None:
    """Display how the first answers to the questions of lesson 00 went, and where to begin."""
    from course_utils import figures

    from .bank import find_bank

    questions = find_bank("00_start_here").questions
    given, changed = first_marks(questions)
    marks = {lesson: [] for lesson in LESSONS.values()}
    for question in questions:
        marks[LESSONS[question.objective]].append(given[question.id])
    figures.show(picture(marks), caption(marks, changed))


def first_marks(questions: Sequence[Question]) -> tuple[dict[str, str], int]:
    """Return by id how the first stored answer to each question went.

    The second value counts the questions that have changed since they were answered.
    """
    attempts = open_store().attempts(kind="question")
    marks, changed = {}, 0
    for question in questions:
        answers = [attempt for attempt in attempts if attempt.item == question.id]
        marks[question.id] = first_mark(question, answers)
        changed += bool(answers) and marks[question.id] == OPEN
    return marks, changed


def first_mark(question: Question, answers: Sequence[Attempt]) -> str:
    """Return how the first of the answers to a question went.

    An answer to other drawn numbers counts, since it was marked with those. An answer to the
    question as it was before it changed does not.
    """
    valid = (answer for answer in answers if answer.content_hash == question.content_hash)
    first = next(valid, None)
    if first is None:
        return OPEN
    if first.score == 1:
        return RIGHT
    unknown = [place for place, option in enumerate(question.options) if option.text == DO_NOT_KNOW]
    return NOT_KNOWN if first.response == unknown else WRONG


def is_begun(marks: Marks) -> bool:
    """Say whether any question is answered."""
    return any(mark != OPEN for pair in marks.values() for mark in pair)


def lessons_to_open(marks: Marks) -> list[Lesson]:
    """Return the lessons in which not both answers are right."""
    return [lesson for lesson, pair in marks.items() if pair != [RIGHT, RIGHT]]


def caption(marks: Marks, changed: int = 0) -> str:
    """Say in Markdown where to begin, and then everything that the picture shows.

    Args:
        marks: of all questions.
        changed: how many of the open questions were answered before they changed.
    """
    parts = [advice(marks)]
    pending = sum(pair.count(OPEN) for pair in marks.values())
    if is_begun(marks) and pending:
        parts.append(f"Open questions, which count as not known yet: {pending}.")
    if changed:
        parts.append(said_of_changed(changed))
    parts.append("Your first answers, to the easier and then to the harder question:")
    pairs = (f"{lesson.title}: {', '.join(pair)}" for lesson, pair in marks.items())
    return f"{' '.join(parts)} {'; '.join(pairs)}."


def said_of_changed(changed: int) -> str:
    """Say how many questions have changed since they were answered."""
    return f"Questions that have changed since you answered them: {changed}. They are open again."


def advice(marks: Marks) -> str:
    """Say in Markdown which lesson to open first, and why; a lesson in preparation has no link."""
    if not is_begun(marks):
        return "Answer the questions first. Then run this cell again, and it says where to begin."
    wanted = lessons_to_open(marks)
    existing = [lesson for lesson in LESSONS.values() if lesson.exists]
    further = f" Read what stands under Go further in {existing[-1].link}." if existing else ""
    if not wanted and CAPSTONE.exists:
        return f"All your answers are right. Open {CAPSTONE.link}, which uses all six lessons."
    if not wanted:
        return f"All your answers are right.{further}"
    first, reason = wanted[0], "the first lesson where your two answers are not both right"
    if first.exists:
        return f"Open {first.link} first: it is {reason}."
    missing = f"{first.title} is {reason}, but it is still being written."
    ready = [lesson for lesson in wanted if lesson.exists]
    if ready:
        return f"{missing} Begin with {ready[0].link}, the next one that you need."
    return missing + further


def picture(marks: Marks) -> Figure:
    """Draw a row for each lesson, with a mark by shape, word and colour for each question."""
    from course_utils import figures

    fig, ax = figures.subplots(size=(7.2, 3.2))
    for row, pair in enumerate(marks.values()):
        for column, mark in enumerate(pair):
            draw_mark(ax, column, row, mark)
            ax.annotate(mark, (column, row), (12, 0), textcoords="offset points", va="center")
    wanted = lessons_to_open(marks)
    if not is_begun(marks):
        title = "Nothing is answered yet"
    elif wanted:
        row = list(marks).index(wanted[0])
        ax.axhspan(row - 0.5, row + 0.5, color=figures.SKY, alpha=0.15, linewidth=0)
        title = f"The first gap: {wanted[0].title}"
    else:
        title = "All answers are right"
    ax.set_title(title, pad=12)
    ax.set_xlim(-0.2, 1.8)
    ax.set_xticks([0, 1], ["easier question", "harder question"], ha="left")
    ax.xaxis.tick_top()
    lessons_as_rows(ax, list(marks))
    return fig


def lessons_as_rows(ax, lessons: Sequence[Lesson]) -> None:
    """Name a row for each lesson, the first on top, without the lines of a plot."""
    from course_utils.figures import BLACK

    ax.set_ylim(len(lessons) - 0.5, -0.5)
    ax.set_yticks(range(len(lessons)), [lesson.title for lesson in lessons])
    ax.tick_params(length=0, labelsize=10, labelcolor=BLACK)
    ax.spines[:].set_visible(False)
    ax.grid(False)


def draw_mark(ax, x: float, y: float, mark: str) -> None:
    """Draw how an answer went, told apart by shape as well as by colour."""
    from course_utils import figures

    looks = {
        RIGHT: {"marker": "o", "color": figures.GREEN},
        WRONG: {"marker": "X", "color": figures.RED},
        NOT_KNOWN: {"marker": "D", "color": figures.PURPLE, "markerfacecolor": "white"},
        OPEN: {"marker": "o", "color": figures.GREY, "markerfacecolor": "white"},
    }
    ax.plot(x, y, markersize=10, markeredgewidth=1.5, **looks[mark])
