"""What the tests of the banks look up in a question."""

from course_utils.quiz.bank import find_question


def right_option(question_id):
    """The text of the one right option of a single choice."""
    (text,) = [option.text for option in find_question(question_id).options if option.correct]
    return text
