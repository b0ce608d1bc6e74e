"""How fast the browser shows what a learner moves, and a lesson's first figure; prints tables.

    python tests/benchmarks/browser.py [--quick] [part of an explorer's or a lesson's name]

In headless Chromium and JupyterLab, each explorer stands in one notebook with two rivals: the same
picture drawn as other courses do, by `interact` with a new Matplotlib figure at every change, and
the shortest way there is, a slider whose value the kernel sends back as a text. The arrow key is
pressed on the slider of each, in turns, so that noise hits all alike. The time runs from the key's
own time stamp to the frame of the browser that shows the new picture; the table has medians of 20
presses. All three run one kernel after the other: nothing else should run on the machine.
"""

import inspect
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from ast import literal_eval
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from course_utils import landscapes
from course_utils.descent import minimize
from course_utils.explorers import adaptive_problems as adaptive
from course_utils.explorers import capstone_problems, generalization_problems, learning_rate
from course_utils.explorers import gradient_descent as descending
from course_utils.explorers.capstone_searches import BASELINES, SEARCHES
from course_utils.explorers.loss_problems import Penalised, Workshop
from course_utils.optimizers import SGD
from course_utils.places import shipped
from course_utils.schedules import CosineDecay
from tests.browser.lab import Lesson, chromium, jupyterlab

PRESSES, QUICK_PRESSES = 20, 3
HOLD_SECONDS, REPEAT_SECONDS = 3.0, 0.033  # as a keyboard repeats a key that is held
AT_REST_MS = 1000


# The pictures as other courses draw them, each a function of one slider's value


def level_lines(ax, landscape):
    x, y = (np.linspace(*side, 100) for side in landscape.window)
    heights = landscape.value(np.stack(np.meshgrid(x, y), axis=-1))
    heights = np.log10(heights - heights.min() + 1e-4 * np.ptp(heights))
    ax.contourf(x, y, heights, levels=14, cmap="Greys", alpha=0.2)
    ax.contour(x, y, heights, levels=14, colors="grey", linewidths=0.5)


def neuron(weight):
    _, ax = plt.subplots(figsize=(6.4, 4))
    x = np.linspace(-3, 3, 241)
    ax.plot(x, weight * x, "--", label="weighted sum")
    ax.plot(x, np.tanh(weight * x), label="output")
    ax.set(xlabel="input", xlim=(-3, 3), ylim=(-3, 3), title="One neuron")
    ax.legend()
    plt.show()


def penalty(strength):
    workshop = Workshop()
    loss = Penalised(workshop, strength)
    walked = minimize(loss, SGD(1 / loss.largest_curvature), (0.6, 0.5), 400)
    _, (plane, curve) = plt.subplots(1, 2, figsize=(9.6, 4.6))
    grid = np.meshgrid(np.linspace(-0.4, 6, 90), np.linspace(-0.4, 4.6, 90))
    plane.fill(*workshop.corners.T, alpha=0.3)
    plane.contour(*grid, loss.value(np.stack(grid, axis=-1)), np.arange(-14, 5, 2))
    plane.plot(*walked.points.T)
    curve.semilogy(np.linalg.norm(walked.points - workshop.solution[0], axis=-1))
    curve.set(title="Distance to the best corner", xlabel="step")
    plt.show()


def descent(rate):
    course = descending.COURSES["Himmelblau's four valleys"]
    walked = minimize(course.landscape, SGD(rate), course.start, 50)
    _, (plane, curve) = plt.subplots(1, 2, figsize=(9.2, 4.2))
    level_lines(plane, course.landscape)
    plane.plot(*walked.points.T, "o-", markersize=4)
    plane.set(xlim=(-5, 5), ylim=(-5, 5), title="Gradient descent")
    curve.semilogy(np.maximum(walked.values, 1e-12), "o-", markersize=4)
    curve.set(title="Height above the minimum", xlabel="step", ylim=(1e-6, 1e4))
    plt.show()


def basins(rate):
    landscape = landscapes.himmelblau()
    starts = descending.start_grid(landscape)
    ends = minimize(landscape, SGD(rate), starts, 60).end
    reached = descending.which_minimum(ends, landscape.minima)
    _, axes = plt.subplots(1, 2, figsize=(9.2, 4.5))
    for ax, points, title in zip(axes, (starts, ends), ("Starts", "Ends"), strict=True):
        level_lines(ax, landscape)
        ax.scatter(*points.T, c=reached, s=4, cmap="tab10")
        ax.set(title=title, xlim=landscape.window[0], ylim=landscape.window[1])
    plt.show()


def stability(rate):
    parabola, w = learning_rate.parabola(2.0), np.linspace(-3, 3, 301)
    walked = minimize(parabola, SGD(rate), [-1.8], 30)
    _, (plane, curve) = plt.subplots(1, 2, figsize=(9.2, 4))
    plane.plot(w, parabola.value(w[:, None]))
    plane.plot(walked.points[:, 0], walked.values, "o-")
    plane.set(xlim=(-3, 3), ylim=(-0.25, 8), xlabel="weight", title="Descent on a parabola")
    curve.semilogy(np.abs(walked.points[:, 0]), "o-")
    curve.set(title="Distance from the minimum", xlabel="step", ylim=(1e-6, 1e6))
    plt.show()


def schedule_designer(peak):
    schedule = CosineDecay(peak, 168, alpha=0.01)
    losses = learning_rate.race(schedule, peak)
    _, (upper, lower) = plt.subplots(2, 1, figsize=(8, 5.4))
    upper.plot(schedule(np.arange(168)) / peak)
    upper.set(title="Your schedule", ylabel="rate / peak")
    lower.semilogy(np.arange(0, 169, 12), losses, label=["your schedule", "constant rate"])
    lower.set(xlabel="step", ylabel="loss on all images", ylim=(0.1, 6))
    lower.legend()
    plt.show()


def range_test(low):
    schedule = learning_rate.rising_rate(low, 10.0)
    losses, _ = learning_rate.short_run(schedule, 32, seed=1)  # the explorer keeps its own, seed 0
    _, ax = plt.subplots(figsize=(9.2, 4.2))
    rates = schedule(np.arange(100))
    ax.semilogx(rates, losses, "o", markersize=3)
    ax.plot(rates, learning_rate.smoothed(losses))
    ax.set(xlabel="learning rate", ylabel="loss", ylim=(0, 4), title="A range test")
    plt.show()


def crossing(rate):
    saddle = landscapes.saddle()
    walked = minimize(saddle, SGD(rate, np.array([0, 0.9])), (-1.5, 1e-6), 300)
    _, (plane, curve) = plt.subplots(1, 2, figsize=(9.6, 4.3))
    level_lines(plane, saddle)
    plane.plot(walked.points[..., 0], walked.points[..., 1])
    plane.set(title="Who leaves the saddle first?", xlim=saddle.window[0], ylim=saddle.window[1])
    curve.semilogy(walked.values - saddle.value(np.array(saddle.minima)).min())
    curve.set(title="Height above the lowest minimum", xlabel="step", ylim=(1e-4, 10))
    plt.show()


def race(factor):
    course = adaptive.RACES["Ravine, turned by 30°"]
    _, (plane, curve, rates) = plt.subplots(1, 3, figsize=(9.8, 4.4))
    level_lines(plane, course.landscape)
    for name, rule in adaptive.RACERS.items():
        sweep = rule(np.append(adaptive.RATES, 0.01 * factor))
        walked = minimize(course.landscape, sweep, course.start, adaptive.RACE_STEPS)
        plane.plot(*walked.points[:, -1].T, label=name)
        curve.semilogy(walked.values[:, -1].clip(max=1e9))
        rates.loglog(adaptive.RATES, walked.values[-1, :-1].clip(max=1e9))
    curve.set(title="Height by step", ylim=(1e-8, 1e4))
    rates.set(title="Height by rate", ylim=(1e-8, 1e4))
    plane.legend()
    plt.show()


def capacity(degree):
    points, x = generalization_problems.noisy_points(25, 0.3, 0), np.linspace(-1, 1, 241)
    fit = generalization_problems.polynomial(points.x, points.y, degree)
    _, (plane, errors) = plt.subplots(1, 2, figsize=(9.6, 4.5))
    plane.plot(points.x, points.y, "o", points.validation_x, points.validation_y, ".")
    plane.plot(x, generalization_problems.true_curve(x))
    plane.plot(x, generalization_problems.heights(x, fit))
    plane.set(title="A polynomial", ylim=(-2.8, 2.8))
    for values, label in zip(
        generalization_problems.errors_by_degree(points), ("training", "validation"), strict=False
    ):
        errors.semilogy(generalization_problems.DEGREES, values, label=label)
    errors.axvline(degree)
    errors.set(title="Error by degree", ylim=(0.03, 30))
    errors.legend()
    plt.show()


def tuning_game(rate):
    task = capstone_problems.TASKS["digits"]
    best = task.best_so_far(np.array(SEARCHES["digits"], dtype=float))
    _, (by_run, by_rate) = plt.subplots(1, 2, figsize=(9.8, 4.6))
    by_run.semilogy(range(1, 13), 100 - np.quantile(best, [0.25, 0.5, 0.75], axis=0).T)
    by_run.axhline(100 - BASELINES["digits"].logistic, linestyle="-.")
    by_run.set(title="Best so far", xlabel="run", ylim=(120, 0.7))
    by_rate.axvline(rate, linestyle=":")
    by_rate.set(title="Runs by learning rate", xscale="log", yscale="log")
    by_rate.set(xlim=(1e-4, 3), ylim=(120, 0.7))
    plt.show()


@dataclass(frozen=True)
class Case:
    """An explorer of a lesson, the slider to press the key on, and its rival by `interact`.

    A landscape should answer within 1.5 times the shortest way, a training within 4 times.
    """

    lesson: str
    module: str
    rival: Callable
    slider: str
    arguments: str = ""
    trains: bool = False
    held: bool = False

    @property
    def name(self) -> str:
        return f"{self.module}.{self.rival.__name__}"


CASES = [
    Case("00", "start_here", neuron, "Weight w"),
    Case("01", "loss_minimization", penalty, "Penalty strength ρ"),
    Case("02", "gradient_descent", descent, "Learning rate η"),
    Case("02", "gradient_descent", basins, "Learning rate η", held=True),
    Case("03", "learning_rate", stability, "Learning rate η"),
    Case("03", "learning_rate", schedule_designer, "Peak rate", trains=True, held=True),
    Case("03", "learning_rate", range_test, "Lowest rate", trains=True),
    Case("04", "momentum", crossing, "Learning rate η"),
    Case("05", "rmsprop_and_adam", race, "Factor on every rate"),
    Case("06", "generalization", capacity, "Degree"),
    Case("07", "capstone", tuning_game, "Learning rate", arguments='"digits"'),
]


# The notebook in which an explorer stands beside its rivals

PREPARE = """\
import sys
sys.path.insert(0, {root!r})
import ipywidgets
from IPython.display import display
from course_utils.explorers import {module} as explorers
from tests.benchmarks import browser

explorer = explorers.{explorer}({arguments})
moved = next(one for one in explorer.controls if one.description == {slider!r})
keys = ("value", "min", "max", "step", "base", "readout_format")
twin = type(moved)(**{{key: getattr(moved, key) for key in keys if hasattr(moved, key)}})
"""
OURS = "explorer.show()"
THEIRS = "ipywidgets.interact(browser.{explorer}, {parameter}=twin);"
SHORTEST = """\
bare, text = ipywidgets.FloatSlider(min=0, max=1000, step=1), ipywidgets.HTML("none yet")
bare.observe(lambda change: text.set_trait("value", str(change["new"])), "value")
display(ipywidgets.VBox([bare, text]))
"""
CELL_OF = {"ours": 1, "theirs": 2, "shortest": 3}


def notebook(case: Case) -> str:
    """Return a notebook with the explorer, its rival and the shortest way, one cell each."""
    (parameter,) = inspect.signature(case.rival).parameters
    words = {
        "root": str(Path(__file__).parents[2]),
        "module": case.module,
        "explorer": case.rival.__name__,
        "arguments": case.arguments,
        "slider": case.slider,
        "parameter": parameter,
    }
    sources = PREPARE.format(**words), OURS, THEIRS.format(**words), SHORTEST
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [cell | {"id": f"cell-{i}", "source": source} for i, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


# What the page notes, in milliseconds of its own clock. It begins before JupyterLab.
NOTE_TIMES = """
window.speed = {pressed: 0, released: 0, pictures: []};

addEventListener("keydown", (event) => {
  speed.pressed = event.timeStamp;
}, true);
addEventListener("keyup", (event) => {
  speed.released = event.timeStamp;
}, true);

speed.note = (where) => {
  const time = performance.now();
  const cells = [...document.querySelectorAll(".jp-CodeCell")];
  speed.pictures.push({time, cell: cells.indexOf(where.closest(".jp-CodeCell"))});
};

// A stage clears its canvas whenever it draws; what it draws is seen in the next frame.
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  clear.apply(this, box);
  if (this.canvas.closest(".course-stage")) requestAnimationFrame(() => speed.note(this.canvas));
};

const observer = new MutationObserver((changes) => {
  const added = changes.flatMap((change) => [...change.addedNodes]);
  for (const node of added) {
    if (node.parentElement?.closest(".widget-html-content")) {
      requestAnimationFrame(() => speed.note(node.parentElement));
    }
    if (node.nodeType !== Node.ELEMENT_NODE) continue;
    const images = node.matches("img") ? [node] : [...node.querySelectorAll("img")];
    for (const image of images) {
      if (!image.closest(".jp-OutputArea") || image.closest(".quiz-cell, .course-stage")) continue;
      image.decode().then(() => requestAnimationFrame(() => speed.note(image)), () => {});
    }
  }
});
observer.observe(document, {subtree: true, childList: true});
"""
RUN_ALL = """() => {
  speed.pictures = [];
  speed.pressed = performance.now();
  window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""
FIRST_PICTURE = "() => [speed.pictures[0].time - speed.pressed, 1 + speed.pictures[0].cell]"
ASK_KERNEL = """async (expressions) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute(
    {code: "pass", store_history: false, user_expressions: expressions});
  const reply = await future.done;
  return Object.fromEntries(Object.entries(reply.content.user_expressions ?? {}).map(
    ([key, value]) => [key, value.data["text/plain"]]));
}"""


@contextmanager
def opened(browser, address, name):
    """Open a notebook in a page of its own; end its kernel and close it afterwards."""
    page = browser.new_page(viewport={"width": 1280, "height": 2400})
    page.set_default_timeout(180_000)
    page.add_init_script(NOTE_TIMES)
    lesson = Lesson(page, address, name)
    page.evaluate(ASK_KERNEL, {})  # a kernel that has run something is surely there
    yield lesson
    lesson.shut_down()
    page.close()


class Comparison:
    """An explorer, its rival and the shortest way in the browser, each with its slider."""

    def __init__(self, lesson: Lesson, case: Case):
        self.page, self.case, self.lesson = lesson.page, case, lesson
        lesson.run_all()
        if lesson.errors:
            raise RuntimeError(f"{case.name}: {lesson.errors}")
        cells = {way: lesson.page.locator(".jp-CodeCell").nth(n) for way, n in CELL_OF.items()}
        ours = cells["ours"].locator(".widget-slider").filter(has_text=case.slider)
        sliders = cells | {"ours": ours}
        self.knobs = {way: within.locator(".noUi-handle").first for way, within in sliders.items()}
        self.readout = ours.locator(".widget-readout")
        self.reading = cells["ours"].locator(".course-stage-reading")
        # JupyterLab takes the keys of a plain slider for its own shortcuts.
        for knob in self.knobs.values():
            knob.evaluate("knob => knob.dataset.lmSuppressShortcuts = 'true'")

    def press(self, way: str, key: str) -> float:
        """Press a key on one slider; return the milliseconds until the new picture."""
        self.knobs[way].focus()
        self.page.evaluate("() => { speed.pictures = []; }")
        self.page.keyboard.press(key)
        new = "speed.pictures.find((one) => one.cell === cell)"
        self.page.wait_for_function(f"cell => {new}", arg=CELL_OF[way])
        self.lesson.wait_until_idle()
        return self.page.evaluate(f"cell => {new}.time - speed.pressed", CELL_OF[way])

    def answers(self, presses: int) -> dict[str, float]:
        """Return the median of the milliseconds from key to picture, each way."""
        steps = round(self.expression("(moved.max - moved.min) / moved.step"))
        for knob in self.knobs.values():
            knob.focus()
            self.page.keyboard.press("End")  # so that Home moves it, wherever it stood
            self.settle()
        times = {way: [] for way in CELL_OF}
        for way in CELL_OF:
            self.press(way, "Home")
        for _ in range(min(presses, steps)):
            for way in CELL_OF:
                times[way].append(self.press(way, "ArrowRight"))
        return {way: statistics.median(values) for way, values in times.items()}

    def hold(self) -> tuple[float, int, int]:
        """Hold an arrow key, turning back at the ends of the track.

        Return the milliseconds from its release to the last picture, the number of key presses and
        the number of pictures.
        """
        steps = round(self.expression("(moved.max - moved.min) / moved.step"))
        self.knobs["ours"].focus()
        self.page.keyboard.press("Home")
        self.settle()
        self.page.evaluate("() => { speed.pictures = []; }")
        began, presses = time.perf_counter(), 0
        there_and_back = cycle(["ArrowRight"] * steps + ["ArrowLeft"] * steps)
        held = next(there_and_back)
        while time.perf_counter() < began + HOLD_SECONDS:
            self.page.keyboard.down(held)  # a key that is down already repeats
            presses += 1
            time.sleep(max(0.0, began + presses * REPEAT_SECONDS - time.perf_counter()))
            key = next(there_and_back)
            if key != held:
                self.page.keyboard.up(held)
            held = key
        self.page.keyboard.up(held)
        self.settle()
        self.check_last_picture()
        late, pictures = self.page.evaluate(
            "() => [speed.pictures.at(-1).time - speed.released, speed.pictures.length]"
        )
        return late, presses, pictures

    def settle(self):
        """Wait until the kernel is idle and no new picture has come for a while."""
        self.lesson.wait_until_idle()
        self.page.wait_for_function(
            "rest => performance.now() - Math.max(speed.pressed, speed.released, "
            "...speed.pictures.map((one) => one.time)) > rest",
            arg=AT_REST_MS,
        )
        self.lesson.wait_until_idle()

    def expression(self, code: str):
        """Return what an expression is in the kernel: a number or a text."""
        return literal_eval(self.page.evaluate(ASK_KERNEL, {"asked": code})["asked"])

    def check_last_picture(self):
        """Raise RuntimeError unless the picture belongs to the slider's last value."""
        last = "format(moved.value, moved.readout_format), explorer.stage.reading"
        due, shown = (
            self.expression(last),
            (self.readout.text_content(), self.reading.text_content()),
        )
        if shown != due:
            raise RuntimeError(f"{self.case.name} shows {shown}, it should be {due}")


def print_opening(browser, address, part: str) -> None:
    print("| lesson | first figure in code cell | s (aim 3) |")
    print("| --- | --- | --- |")
    for path in sorted(shipped("notebooks").glob("[0-9]*.ipynb")):
        if part not in path.stem:
            continue
        with opened(browser, address, path.name) as lesson:
            lesson.page.evaluate(RUN_ALL)
            lesson.page.wait_for_function("() => speed.pictures.length > 0")
            taken, cell = lesson.page.evaluate(FIRST_PICTURE)
        print(f"| {path.stem} | {cell} | {taken / 1000:.1f} |", flush=True)


def print_answers(browser, address, folder: Path, part: str, presses: int) -> list[str]:
    """Print the table of answers; return the rows of the table of keys that were held."""
    print("| lesson | explorer | explorer, ms | new figure, ms | slider to text, ms |", end="")
    print(" times faster (aim 3) | times the shortest way (aim) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    held = []
    for case in CASES:
        if part not in case.name:
            continue
        name = f"speed_{case.rival.__name__}.ipynb"
        (folder / name).write_text(notebook(case), encoding="utf-8")
        with opened(browser, address, name) as lesson:
            comparison = Comparison(lesson, case)
            ours, theirs, shortest = comparison.answers(presses).values()
            if case.held:
                late, keys, pictures = comparison.hold()
                held.append(f"| {case.name} | {keys} | {pictures} | {late:.0f} |")
        kind = " (trains)" if case.trains else ""
        print(
            f"| {case.lesson} | {case.name}{kind} | {ours:.0f} | {theirs:.0f} | {shortest:.0f} | "
            f"{theirs / ours:.1f} | {ours / shortest:.1f} ({4 if case.trains else 1.5}) |",
            flush=True,
        )
    return held


def main(*arguments):
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # learners' Python keeps what it compiled
    presses = QUICK_PRESSES if "--quick" in arguments else PRESSES
    part = next((argument for argument in arguments if argument != "--quick"), "")
    with tempfile.TemporaryDirectory() as scratch:
        folder, home = Path(scratch) / "my_course", Path(scratch) / "home"
        home.mkdir()
        with jupyterlab(folder, home) as address, chromium() as browser:
            print(
                f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, "
                f"Python {platform.python_version()}, Chromium {browser.version}\n"
            )
            held = print_answers(browser, address, folder, part, presses)
            print("\n| arrow key held for 3 s | key presses | pictures |", end="")
            print(" last picture after release, ms (aim 200) |")
            print("| --- | --- | --- | --- |")
            print("\n".join(held), end="\n\n")
            print_opening(browser, address, part)


if __name__ == "__main__":
    main(*sys.argv[1:])
