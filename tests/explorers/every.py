"""Every explorer of the course by name, and what its controls can be set to."""

import importlib
import inspect
from itertools import product
from pathlib import Path

from course_utils import explorers
from course_utils.explorers.explorer import Explorer


def every_explorer() -> dict:
    """Return "lesson.explorer" -> the function that makes it, for all modules of explorers."""
    found = {}
    for path in sorted(Path(explorers.__file__).parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"course_utils.explorers.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__
            if own and inspect.signature(function).return_annotation is Explorer:
                found[f"{path.stem}.{name}"] = function
    return found


def is_slider(control) -> bool:
    return hasattr(control, "max")


def settings(control) -> list:
    """Both ends and the middle of a slider, every choice of a menu, two presses of a button."""
    if hasattr(control, "options"):
        return [value[1] if isinstance(value, tuple) else value for value in control.options]
    if is_slider(control):
        middle = (control.min + control.max) / 2
        values = [control.min, middle, control.max]
        return [control.base**value for value in values] if hasattr(control, "base") else values
    return [control.value, control.value + 1]


def menus(explorer, but=None) -> list[dict]:
    """Return every combination of what the explorer's menus, but one, can be set to."""
    controls = [c for c in explorer.controls if hasattr(c, "options") and c is not but]
    return [
        dict(zip(controls, values, strict=True))
        for values in product(*(settings(control) for control in controls))
    ]


def picture(explorer) -> tuple:
    """What the browser would draw, to compare with another."""
    scene = explorer.stage._scene
    return explorer.stage.reading, scene["points"], explorer.stage._background


def corners(handle) -> list[tuple[float, float]]:
    """Return the corners and the middle of the axes that a handle lies in."""
    (left, right), (low, high) = handle.ax.get_xlim(), handle.ax.get_ylim()
    middle = (left + right) / 2, (low + high) / 2
    return [(left, low), (left, high), (right, low), (right, high), middle]
