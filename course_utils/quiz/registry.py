"""A register of functions that a bank may name; each module of its package adds its own."""

import importlib
import pkgutil
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache


class Registry:
    """The functions of one kind, by name; `package` is the name of the one whose modules add them.

    >>> steps = Registry("step", "course_utils.quiz.generators")
    >>> @steps.add("half")
    ... def half(x):
    ...     return x / 2
    >>> steps.find("half")(3)
    1.5
    """

    def __init__(self, what: str, package: str):
        """Begin empty; `what` is the word for such a function in messages."""
        self.what = what
        self.package = package
        self.functions: dict[str, Callable] = {}

    def add(self, name: str) -> Callable[[Callable], Callable]:
        """Register a function under `name`; ValueError where another one has it."""

        def register(function: Callable) -> Callable:
            known = self.functions.setdefault(name, function)
            if (known.__module__, known.__qualname__) != (
                function.__module__,
                function.__qualname__,
            ):
                raise ValueError(
                    f"two functions are registered as {self.what} {name!r}: {known.__module__}."
                    f"{known.__qualname__} and {function.__module__}.{function.__qualname__}"
                )
            self.functions[name] = function
            return function

        return register

    def find(self, name: str) -> Callable:
        """Return the function registered as `name`; LookupError names the closest ones."""
        import_modules(self.package)
        if name not in self.functions:
            near = get_close_matches(name, self.functions, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise LookupError(f"unknown {self.what} {name!r}{hint}")
        return self.functions[name]


@cache
def import_modules(package: str) -> None:
    """Import every module of a package once."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
