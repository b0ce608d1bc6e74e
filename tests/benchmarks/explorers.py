"""How long each explorer works in the kernel to answer one change; prints a table.

    python tests/benchmarks/explorers.py [part of a name]

Each control is moved through its settings and each point is dragged through the corners of its
axes. One change costs the explorer's own work plus the scene it hands to the browser; the time on
the way to the browser and back is not counted.
"""

import statistics
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.explorers.every import corners, every_explorer, settings

ROUNDS = 5


def milliseconds(change):
    began = time.perf_counter()
    change()
    return 1000 * (time.perf_counter() - began)


def changes(explorer):
    """Yield each change to measure: the name of what is moved, and a function that moves it."""
    for control in explorer.controls:
        for value in settings(control):
            yield control.description, partial(setattr, control, "value", value)
    for handle in [layer for layer in explorer.stage.layers.values() if layer.kind == "handle"]:
        for x, y in corners(handle):
            yield handle.name, partial(explorer.stage.attempt, partial(handle.on_drag, x, y))


def measured(make):
    """Return the seconds to open an explorer, and the milliseconds of each thing that is moved.

    The two tables hold the changes that keep the background, and those that draw it anew.
    """
    box = []
    opening = milliseconds(lambda: box.append(make()))
    explorer, kept, anew = box[0], {}, {}
    for _ in range(ROUNDS):
        for name, change in changes(explorer):
            background = explorer.stage._background
            taken = milliseconds(change)
            times = kept if explorer.stage._background is background else anew
            times.setdefault(name, []).append(taken)
    return opening / 1000, kept, anew


def slowest(times):
    """Return the median of the thing that takes longest to move, as a table shows it."""
    if not times:
        return "–"
    name, values = max(times.items(), key=lambda item: statistics.median(item[1]))
    return f"{statistics.median(values):.0f} ({name})"


def main(part=""):
    print("| explorer | opens | slowest slider, point or button, ms | new background, ms |")
    print("| --- | --- | --- | --- |")
    for name, make in every_explorer().items():
        if part in name:
            opening, kept, anew = measured(make)
            print(f"| {name} | {opening:.1f} s | {slowest(kept)} | {slowest(anew)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
