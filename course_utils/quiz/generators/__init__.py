"""The register of what draws the numbers of questions, one module a lesson; no figure is here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from course_utils.quiz.registry import Registry

GENERATORS = Registry("generator", __name__)
# A generator takes a numpy.random.Generator and returns a Variant.
generator, find_generator = GENERATORS.add, GENERATORS.find


@dataclass(frozen=True)
class Variant:
    """One draw of a numeric question: its numbers, its key and the values that mistakes give.

    >>> Variant(numbers={"w0": 2.0}, key=1.6, mistakes={"wrong_sign": 2.4}).key
    1.6
    """

    numbers: Mapping[str, float]
    key: float
    mistakes: Mapping[str, float] = field(default_factory=dict)
