"""What the tests of the banks look up in a bank and its questions."""

import numpy as np
import pytest

from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.generators import find_generator


def right_option(question_id):
    """The text of the one right option of a single choice."""
    (text,) = [option.text for option in find_question(question_id).options if option.correct]
    return text


def generators_of(lesson):
    """The names of the generators that a bank's numeric questions draw from."""
    return {q.generator for q in find_bank(lesson).questions if q.type == "numeric"}


def assert_key_agrees(generator, compute, seeds, rel=1e-5):
    """Compare a generator's keys with another computation from the same numbers."""
    for seed in range(seeds):
        variant = find_generator(generator)(np.random.default_rng(seed))
        assert variant.key == pytest.approx(compute(**variant.numbers), rel=rel), variant
