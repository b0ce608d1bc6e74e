"""Practice beside the lessons: which questions fit the choices, and the form that asks them.

Answers are marked and stored by the quiz cells. Banks and widgets are imported where they are used,
because the first import of every lesson passes through this module.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .assessment import short_name
from .diagnosis import CAPSTONE, LESSONS
from .store import open_store

if TYPE_CHECKING:
    from .cell import QuizCell
    from .form import Form
    from .questions import Question

COUNTS = (5, 10, 20)
ALL_OBJECTIVES = [("All objectives", None)]
READING = (
    "Run this cell, and a form appears here: choose the lesson, the objective, the level and the "
    "number of questions, and whether the feedback comes at once (practice) or at the end (exam)."
)
# Ids of final questions and of predictions, which are for one place in a lesson first.
ASKED_IN_ITS_PLACE = re.compile(r"^final-|-predict-")


def practice() -> None:
    """Display a form to choose questions by, and below it the questions."""
    from .cell import show

    show(Practice().panel)


def fitting(
    lesson: str | None = None, objective: str | None = None, level: str | None = None
) -> list[Question]:
    """Return the questions that fit the choices and need not wait for their lesson."""
    return ready(matching(lesson, objective, level))


def matching(
    lesson: str | None = None, objective: str | None = None, level: str | None = None
) -> list[Question]:
    """Return the questions of a lesson, an objective and a level (None: of all of them).

    The diagnostic of lesson 00 is never practised.
    """
    from .bank import read_banks

    banks = read_banks()
    lessons = [lesson] if lesson else [known.stem for known in (*LESSONS.values(), CAPSTONE)]
    return [
        question
        for stem in lessons
        for question in banks[stem].questions
        if objective in (None, question.objective) and level in (None, question.level)
    ]


def ready(questions: Sequence[Question]) -> list[Question]:
    """Leave out the predictions and final questions that were not answered in their lesson yet."""
    attempted = {one.item for one in open_store().sums()}
    return [
        question
        for question in questions
        if not ASKED_IN_ITS_PLACE.search(question.id) or question.id in attempted
    ]


def result(scores: Sequence[float | None]) -> str:
    """Say how an exam went, from the score of each question (None: not answered).

    >>> result([1.0, 0.5, None])
    'Right: 1 of 3. Not right: question 2. Not answered: question 3.'
    """
    right = sum(score == 1 for score in scores)
    parts = [f"Right: {right} of {len(scores)}."]
    for name, numbers in (
        ("Not right", [i for i, score in enumerate(scores, 1) if score not in (None, 1)]),
        ("Not answered", [i for i, score in enumerate(scores, 1) if score is None]),
    ):
        if numbers:
            noun = "question" if len(numbers) == 1 else "questions"
            parts.append(f"{name}: {noun} {', '.join(map(str, numbers))}.")
    return " ".join(parts)


class Practice:
    """The choices, the questions drawn by them, and the end of an exam; `panel` shows them."""

    def __init__(self, rng: random.Random | None = None):
        """Lay out the form; `rng` draws the questions, their numbers and the order of options."""
        import ipywidgets

        from .bank import read_banks
        from .cell import Panel
        from .form import Form
        from .questions import LEVELS

        self._rng = rng or random.Random()
        self._banks = read_banks()
        lists = {
            "Lesson": [("All lessons", None)]
            + [(known.title, known.stem) for known in (*LESSONS.values(), CAPSTONE)],
            "Objective": ALL_OBJECTIVES,
            "Level": [("All levels", None), *((level.capitalize(), level) for level in LEVELS)],
            "Questions": [(str(count), count) for count in COUNTS],
            "Mode": [("Practice: feedback at once", False), ("Exam: feedback at the end", True)],
        }
        self.form = Form("Start", self._begin, lists)
        self.form.observe(self._follow, "chosen")
        self.round = ipywidgets.VBox(layout={"overflow": "visible"})
        self.ending: Form | None = None
        self.panel = Panel([self.form, self.round], READING)

    def _follow(self, change: dict) -> None:
        """Offer the objectives of the chosen lesson, and explain the chosen one."""
        lesson = self.form.value("Lesson")
        objectives = self._banks[lesson].objectives if lesson else ()
        if change["old"]["Lesson"] != change["new"]["Lesson"]:
            names = [(short_name(known).capitalize(), known.id) for known in objectives]
            self.form.offer("Objective", ALL_OBJECTIVES + names)
        texts = {known.id: known.text for known in objectives}
        self.form.explain(texts.get(self.form.value("Objective"), ""))

    def _begin(self) -> None:
        from .cell import QuizCell

        self.form.say("Drawing the questions.")
        wanted, exam = self.form.value("Questions"), self.form.value("Mode")
        found = fitting(*map(self.form.value, ("Lesson", "Objective", "Level")))
        drawn = self._rng.sample(found, min(wanted, len(found)))
        cells = [
            QuizCell(
                question,
                seed=self._rng.getrandbits(32),
                exam=exam,
                legend=f"Question {number} of {len(drawn)}",
            )
            for number, question in enumerate(drawn, 1)
        ]
        self._show(cells, exam)
        self.form.say(_said_of_number(len(drawn), wanted))

    def _show(self, cells: list[QuizCell], exam: bool) -> None:
        """Put questions in the place of those of the last round, in an exam with its end."""
        from .form import Form

        def finish() -> None:
            self.ending.say(result([cell.finish() for cell in cells]))
            self.ending.end()

        for old in self.round.children:
            old.close()
        self.ending = Form("Finish the exam", finish) if exam and cells else None
        self.round.children = [*cells, self.ending] if self.ending else cells


def _said_of_number(drawn: int, wanted: int) -> str:
    if not drawn:
        return "No question fits these choices. Choose another level or all objectives."
    noun = "question stands" if drawn == 1 else "questions stand"
    fewer = " No more fit these choices." if drawn < wanted else ""
    return f"{drawn} {noun} below.{fewer}"
