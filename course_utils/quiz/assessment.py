"""The final assessment in lesson 07: its questions lesson by lesson, and the picture at its end.

Its questions stand in the bank of lesson 07 and ask about the objectives of the other lessons.
Marks are read here, not given. Banks, widgets and figures are imported where they are used, because
the first import of every lesson passes through this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .diagnosis import (
    LESSONS,
    OPEN,
    RIGHT,
    WRONG,
    Lesson,
    draw_mark,
    first_marks,
    lessons_as_rows,
    said_of_changed,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .questions import Bank, Objective, Question

# How each objective of each lesson went, in the order of the lessons.
Mastery = Mapping[Lesson, Mapping["Objective", str]]


def assess(lesson: str) -> None:
    """Display the final questions about one lesson: `assess("03_learning_rate")`."""
    from .cell import QuizCell, show

    for question in final_questions(_bank(), lesson):
        show(QuizCell(question))


def assessment_result() -> None:
    """Display how the first answers to the final questions went, and what to review."""
    from course_utils import figures

    from .cell import show

    mastery, changed = measured(_bank())
    figures.show(picture(mastery), caption(mastery, changed))
    if WRONG in _all_marks(mastery):
        show(review(mastery))


def final_questions(bank: Bank, lesson: str) -> list[Question]:
    """Return the questions about the objectives of another lesson, in the order of the bank."""
    if lesson not in bank.assesses:
        known = ", ".join(bank.assesses)
        raise LookupError(f"no final questions about {lesson!r}; there are some about {known}")
    wanted = {objective.id for objective in bank.assesses[lesson]}
    return [question for question in bank.questions if question.objective in wanted]


def measured(bank: Bank) -> tuple[Mastery, int]:
    """Return how each objective went, and how many questions have changed since their answer.

    An objective is right when the first answer to each of its final questions is. Of several, one
    that is not right decides.
    """
    lessons, changed = {lesson.stem: lesson for lesson in LESSONS.values()}, 0
    mastery = {}
    for stem, objectives in bank.assesses.items():
        questions = final_questions(bank, stem)
        marks, outdated = first_marks(questions)
        changed += outdated
        mastery[lessons[stem]] = {
            objective: _joined([marks[q.id] for q in questions if q.objective == objective.id])
            for objective in objectives
        }
    return mastery, changed


def caption(mastery: Mastery, changed: int = 0) -> str:
    """Say in Markdown all that the picture shows.

    Args:
        mastery: of all lessons.
        changed: how many of the open questions were answered before they changed.
    """
    marks = _all_marks(mastery)
    if set(marks) == {OPEN}:
        parts = [
            "Answer the final questions first. Then run this cell again, and it says what you can "
            "do and what to review."
        ]
    else:
        parts = [f"Right at your first answer: {marks.count(RIGHT)} of {len(marks)} objectives."]
        parts += [f"{mark.capitalize()}: {marks.count(mark)}." for mark in (WRONG, OPEN)]
    if changed:
        parts.append(said_of_changed(changed))
    parts.append("A row for each lesson, a mark for each objective.")
    return " ".join([*parts, *(_row(lesson, went) for lesson, went in mastery.items())])


def review(mastery: Mastery) -> str:
    """List in Markdown the objectives that went wrong, under a link to their lesson."""
    from .markup import to_markdown

    lines = ["**What to review**", ""]
    for lesson, went in mastery.items():
        wrong = [objective for objective, mark in went.items() if mark == WRONG]
        if wrong:
            lines.append(f"- {lesson.link if lesson.exists else lesson.title}")
            lines += [f"    - {to_markdown(objective.text)}" for objective in wrong]
    return "\n".join(lines)


def picture(mastery: Mastery) -> Figure:
    """Draw a row for each lesson, with a mark by shape and colour for each objective."""
    from course_utils import figures

    columns = max(map(len, mastery.values()))
    fig, ax = figures.subplots(size=(10.4, 4.4))
    for row, went in enumerate(mastery.values()):
        for column, (objective, mark) in enumerate(went.items()):
            draw_mark(ax, column, row - 0.14, mark)
            ax.annotate(short_name(objective), (column, row + 0.27), ha="center", size=9)
        ax.annotate(_counted(went), (columns - 0.4, row), va="center", weight="bold")
    marks = _all_marks(mastery)
    if set(marks) == {OPEN}:
        title = "Nothing is answered yet"
    elif set(marks) == {RIGHT}:
        title = f"All {len(marks)} objectives are right at the first answer"
    else:
        title = f"{marks.count(RIGHT)} of {len(marks)} objectives are right at the first answer"
    ax.set_title(title)
    shown = [mark for mark in (RIGHT, WRONG, OPEN) if mark in marks]
    for column, mark in enumerate(shown):
        draw_mark(ax, column, -0.85, mark)
        ax.annotate(mark, (column, -0.85), (9, 0), textcoords="offset points", va="center")
    ax.set(xlim=(-0.5, columns + 0.4), xticks=[])
    lessons_as_rows(ax, list(mastery))
    ax.set_ylim(len(mastery) - 0.5, -1.1)
    return fig


def short_name(objective: Objective) -> str:
    """Return an objective in one or two words, from its id.

    >>> from course_utils.quiz.bank import Objective
    >>> short_name(Objective("gd.update-rule", "Write one step of gradient descent."))
    'update rule'
    """
    return objective.id.partition(".")[2].replace("-", " ")


def _bank() -> Bank:
    from .bank import find_bank

    return find_bank("07_capstone")


def _joined(marks: list[str]) -> str:
    """How an objective went, from how its questions went."""
    if set(marks) == {RIGHT}:
        return RIGHT
    return OPEN if set(marks) <= {RIGHT, OPEN} else WRONG


def _all_marks(mastery: Mastery) -> list[str]:
    return [mark for went in mastery.values() for mark in went.values()]


def _counted(went: Mapping[Objective, str]) -> str:
    return f"{list(went.values()).count(RIGHT)} of {len(went)}"


def _row(lesson: Lesson, went: Mapping[Objective, str]) -> str:
    """Say how a lesson went, with the names of the objectives that are not right."""
    parts = [f"{lesson.title}: {_counted(went)} right"]
    for mark in (WRONG, OPEN):
        names = [short_name(objective) for objective, seen in went.items() if seen == mark]
        if names:
            parts.append(f"{mark}: {'all' if len(names) == len(went) else ', '.join(names)}")
    return "; ".join(parts) + "."
