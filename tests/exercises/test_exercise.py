import pytest

from course_utils.exercises.exercise import exercises, readable
from course_utils.exercises.verdicts import judge


class Speechless:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Speechless(), "Speechless"),
        ([Speechless(), 0.5], "[Speechless, 0.5]"),
        ((Speechless(), 0.5), "tuple"),
    ],
)
def test_a_value_that_cannot_write_itself_is_named_by_its_type(value, written):
    assert readable(value) == written


def test_a_check_outlives_answers_that_cannot_write_themselves():
    for exercise in exercises().values():
        assert judge(exercise, lambda *_: (Speechless(), Speechless())).kind == "different"
