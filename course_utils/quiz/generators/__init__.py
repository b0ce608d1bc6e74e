"""The register of what a bank may name: number generators and figures, one module a lesson."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GENERATORS: dict[str, Callable[[np.random.Generator], "Variant"]] = {}
FIGURES: dict[str, Callable[[], "Figure"]] = {}


@dataclass(frozen=True)
class Variant:
    """One draw of a numeric question: its numbers, its key and the values that mistakes give.

    >>> Variant(numbers={"w0": 2.0}, key=1.6, mistakes={"wrong_sign": 2.4}).key
    1.6
    """

    numbers: Mapping[str, float]
    key: float
    mistakes: Mapping[str, float] = field(default_factory=dict)


def generator(name: str):
    """Register a function from a random generator to a `Variant` under `name`.

    >>> @generator("double")
    ... def double(rng):
    ...     x = int(rng.integers(3, 9))
    ...     return Variant(numbers={"x": x}, key=2 * x, mistakes={"squared": x * x})
    >>> double(np.random.default_rng(0)) == find_generator("double")(np.random.default_rng(0))
    True
    >>> _ = GENERATORS.pop("double")
    """
    return _register(GENERATORS, name, "generator")


def figure(name: str):
    """Register a function that takes nothing and returns a Matplotlib figure under `name`."""
    return _register(FIGURES, name, "figure")


def find_generator(name: str) -> Callable[[np.random.Generator], Variant]:
    """Return the generator registered as `name`; LookupError names the closest ones."""
    return _find(GENERATORS, name, "generator")


def find_figure(name: str) -> Callable[[], "Figure"]:
    """Return the drawing function registered as `name`; LookupError names the closest ones."""
    return _find(FIGURES, name, "figure")


def _register(registry: dict, name: str, what: str):
    def register(function):
        known = registry.setdefault(name, function)
        if (known.__module__, known.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(
                f"two functions are registered as {what} {name!r}: {known.__module__}."
                f"{known.__qualname__} and {function.__module__}.{function.__qualname__}"
            )
        registry[name] = function
        return function

    return register


def _find(registry: dict, name: str, what: str):
    _import_all()
    if name not in registry:
        near = get_close_matches(name, registry, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise LookupError(f"unknown {what} {name!r}{hint}")
    return registry[name]


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
