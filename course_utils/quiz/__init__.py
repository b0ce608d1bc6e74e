"""The calls by which lessons ask and answer and learners look after their record.

The modules beside this do their work.
"""

from .assessment import assess, assessment_result
from .dashboard import dashboard
from .diagnosis import diagnosis
from .practice import practice
from .review import review
from .transfer import delete_record, export_record, import_record

__all__ = [
    "ask",
    "assess",
    "assessment_result",
    "dashboard",
    "delete_record",
    "diagnosis",
    "export_record",
    "import_record",
    "objectives",
    "practice",
    "predict",
    "reveal",
    "review",
]


def ask(question_id: str) -> None:
    """Display a question of the course, with the learner's latest answer if there is one.

    The id stands in the lesson's bank: `ask("gd-step-sign")`.
    """
    from .bank import find_question
    from .cell import QuizCell, show

    show(QuizCell(find_question(question_id)))


def predict(question_id: str) -> None:
    """Display a question to commit to before going on; `reveal` gives its feedback later."""
    from .bank import find_question
    from .cell import QuizCell, show

    show(QuizCell(find_question(question_id), kind="prediction"))


def reveal(question_id: str) -> None:
    """Display what the learner predicted first, and the feedback that this prediction earns."""
    from .bank import find_question
    from .cell import revealed, show

    show(revealed(find_question(question_id)))


def objectives(lesson: str) -> None:
    """Display what the learner will be able to do after a lesson: `objectives("02_…")`."""
    from .bank import find_bank
    from .cell import listed, show

    show(listed(find_bank(lesson)))
