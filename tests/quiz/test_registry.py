import pytest

from course_utils.quiz.drawings import figure
from course_utils.quiz.generators import Variant, find_generator, generator


def test_a_name_belongs_to_one_function(registered):
    @generator("halves")
    def halves(rng):
        return Variant({}, 0.5)

    with pytest.raises(ValueError, match="two functions are registered as generator 'halves'"):

        @generator("halves")
        def thirds(rng):
            return Variant({}, 1 / 3)

    assert find_generator("halves") is halves


def test_a_figure_and_a_generator_may_share_a_name(registered):
    @figure("sample_step")
    def sample_step():
        return None

    assert find_generator("sample_step") is not sample_step


def test_an_unknown_name_is_answered_with_the_closest(registered):
    with pytest.raises(
        LookupError, match="unknown generator 'sample_stp'; did you mean sample_step"
    ):
        find_generator("sample_stp")
