"""The explorers of lesson 02: one slope, one path, many batches, all the starts at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from course_utils import figures
from course_utils.datasets import diabetes
from course_utils.descent import minibatches, minimize, walk
from course_utils.explorers.controls import again_button, choice, log_slider, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number, place
from course_utils.landscapes import bowl, double_well, himmelblau, rosenbrock, saddle
from course_utils.optimizers import SGD

BASIN_COLORS = (figures.BLUE, figures.ORANGE, figures.GREEN, figures.PURPLE)
NOWHERE = "#B8B8B8"


def slope() -> Explorer:
    """One step on a curve: drag the weight, see the slope and where the step leads."""
    landscape = double_well(tilt=0.15)
    fig, ax = figures.subplots(size=(6.4, 3.7))
    figures.slope_curve(ax, landscape)
    ax.set(title="The slope decides direction and length of the step", ylim=(-0.5, 1.6))
    stage = Stage(fig, name="A curve with a point on it, its tangent and one step of descent")
    rate = slider("Learning rate η", 0.3, 0.05, 3.0, 0.05)
    here = {"w": -1.55}

    def update():
        w = np.array([here["w"]])
        step = minimize(landscape, SGD(rate.value), w, 1)
        gradient, value = landscape.gradient(w)[0], step.values[0]
        ends = w[0] + np.array([-0.45, 0.45])
        stage.curve(
            "tangent",
            ax,
            ends,
            value + gradient * (ends - w[0]),
            color=figures.ORANGE,
            dash="dashed",
            label="slope at w",
        )
        stage.curve(
            "step",
            ax,
            step.points[:, 0],
            [value, value],
            color=figures.BLUE,
            width=3,
            label="step −η · slope",
        )
        stage.curve(
            "landing",
            ax,
            step.points[1:, 0],
            step.values[1:],
            color=figures.BLUE,
            marker="square",
            width=3,
        )
        stage.handle(
            "w", ax, w[0], value, color=figures.BLACK, name="weight w", on_drag=move, along="x"
        )
        stage.say(advice(w[0], gradient, step))

    def move(x, _):
        here["w"] = x
        update()

    return Explorer(stage, [rate], update)


def advice(w: float, gradient: float, step) -> str:
    """Say in words what the slope at w asks for and where one step leads."""
    if abs(gradient) < 0.02:
        level = "this is a valley" if 3 * w * w > 1 else "yet no valley is here, but a hilltop"
        return f"At w = {number(w)} the slope is close to zero. There is hardly a step: {level}."
    before, after = step.values
    verdict = "lower" if after < before else "not lower"
    return (
        f"At w = {number(w)} the slope is {number(gradient)}. The step −η · slope = "
        f"{number(step.end[0] - w)} leads to w = {number(step.end[0])}, where the loss is "
        f"{number(after)}: {verdict} than {number(before)}."
    )


@dataclass(frozen=True)
class Course:
    """A landscape to walk on, with a start that has something to show."""

    landscape: object
    start: tuple[float, float]

    @cached_property
    def floor(self) -> float:
        """Return the height of the lowest minimum."""
        return min(float(self.landscape.value(np.array(point))) for point in self.landscape.minima)


COURSES = {
    "Bowl": Course(bowl(condition_number=10), (-2.4, 1.4)),
    "Himmelblau's four valleys": Course(himmelblau(), (0.3, -0.9)),
    "Rosenbrock's curved valley": Course(rosenbrock(), (-1.2, 1.0)),
    "Saddle": Course(saddle(), (-1.5, 0.02)),
}
STEPS = 50


def descent() -> Explorer:
    """Gradient descent from a start to drag, beside the loss it leaves behind."""
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.2, 4.2), width_ratios=(1.25, 1))
    stage = Stage(fig, name="The path of gradient descent on a landscape, and its loss by step")
    landscape_choice = choice("Landscape", list(COURSES), "Himmelblau's four valleys")
    rate = log_slider("Learning rate η", 0.01, -4, 0)
    drawn = {"name": None, "start": None}

    def draw_background(course):
        plane.clear()
        curve.clear()
        figures.contours(plane, course.landscape)
        curve.set(
            title="Height above the lowest minimum",
            xlabel="step",
            yscale="log",
            xlim=(0, STEPS),
            ylim=(1e-6, 1e4),
        )
        stage.background_changed()

    def update():
        course = COURSES[landscape_choice.value]
        if drawn["name"] != landscape_choice.value:
            drawn.update(name=landscape_choice.value, start=course.start)
            draw_background(course)
        path = minimize(course.landscape, SGD(rate.value), drawn["start"], STEPS)
        height = np.maximum(path.values - course.floor, 1e-12)
        look = {"color": figures.BLUE, "stepped": True, "marker": "circle", "width": 1.5}
        stage.curve("path", plane, *path.points.T, label="gradient descent", **look)
        stage.curve("height", curve, np.arange(STEPS + 1), height, **look)
        stage.handle(
            "start", plane, *drawn["start"], color=figures.BLACK, name="start", on_drag=move
        )
        stage.say(outcome(path, course, rate.value))

    def move(x, y):
        drawn["start"] = (x, y)
        update()

    return Explorer(stage, [landscape_choice, rate], update)


def outcome(path, course: Course, rate: float) -> str:
    """Say in words where a path began and how it ended."""
    opening = f"From {place(path.points[0])} with learning rate {rate:.2g}: "
    if not np.isfinite(path.end).all() or path.values[-1] > 1e6:
        return f"{opening}the path diverges: each step overshoots more than the one before."
    reached = which_minimum(path.end, course.landscape.minima, near=0.05)
    if reached < len(course.landscape.minima):
        ending = f"it reaches the minimum at {place(course.landscape.minima[reached])}."
    else:
        ending = f"after {STEPS} steps it has come as far as {place(path.end)}."
    height = path.values[-1] - course.floor
    left = "less than a millionth" if height < 1e-6 else f"{height:.2g}"
    return f"{opening}{ending} The height above the lowest minimum is now {left}."


@dataclass(frozen=True)
class Quadratic:
    """The mean squared error of a linear model on one batch: its gradient is A w − c."""

    curvature: np.ndarray
    pull: np.ndarray
    size: int = 2

    def gradient(self, params: np.ndarray) -> np.ndarray:
        """Return A w − c."""
        return self.curvature @ params - self.pull


@dataclass(frozen=True)
class TwoWeights:
    """Predict the diabetes score from body mass index and blood pressure: a loss to look at."""

    inputs: np.ndarray
    targets: np.ndarray

    @classmethod
    def load(cls) -> "TwoWeights":
        """Return the problem on the training patients, the score standardised."""
        data = diabetes()
        scores = data.train_targets[:, 0]
        return cls(data.train_inputs[:, [2, 3]], (scores - scores.mean()) / scores.std())

    def value(self, params: np.ndarray) -> np.ndarray:
        """Return the mean squared error on all patients, for weights of shape (..., 2)."""
        residuals = params @ self.inputs.T - self.targets
        return np.mean(residuals * residuals, axis=-1)

    @cached_property
    def best(self) -> np.ndarray:
        """Return the weights of least loss, by least squares."""
        return np.linalg.lstsq(self.inputs, self.targets, rcond=None)[0]

    def batches(self, epochs: int, batch_size: int, seed: int) -> list[Quadratic]:
        """Return the objective of every batch of some epochs."""
        rng = np.random.default_rng(seed)
        rows_of_all = (
            rows for _ in range(epochs) for rows in minibatches(len(self.targets), batch_size, rng)
        )
        objectives = []
        for rows in rows_of_all:
            inputs, factor = self.inputs[rows], 2 / len(rows)
            pull = factor * inputs.T @ self.targets[rows]
            objectives.append(Quadratic(factor * inputs.T @ inputs, pull))
        return objectives


EPOCHS = 3
START = (-0.6, 0.9)


def noise() -> Explorer:
    """Mini-batch descent on real data: the batch size sets the noise and the number of steps."""
    problem = TwoWeights.load()
    lowest = problem.value(problem.best)
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.2, 4.2), width_ratios=(1.15, 1))
    x, y = np.linspace(-0.8, 1.2, 120), np.linspace(-0.6, 1.2, 120)
    heights = problem.value(np.stack(np.meshgrid(x, y), axis=-1)) - lowest
    plane.contour(x, y, heights, levels=np.geomspace(1e-3, 3, 12), colors="#9A9A9A", linewidths=0.6)
    plane.plot(
        *problem.best, "*", color="#333333", markersize=12, markeredgecolor="white", zorder=5
    )
    plane.set(title="Two weights, three epochs", xlabel="weight of body mass index")
    plane.set(ylabel="weight of blood pressure", xlim=(-0.8, 1.2), ylim=(-0.6, 1.2))
    plane.grid(False)
    curve.set(title="Loss above the least possible", xlabel="epochs of data seen", yscale="log")
    curve.set(xlim=(0, EPOCHS), ylim=(1e-6, 3))
    stage = Stage(fig, name="Mini-batch descent on the diabetes data for a chosen batch size")
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, len(problem.targets)]
    size = choice(
        "Batch size", [(f"{n} (all)" if n == sizes[-1] else f"{n}", n) for n in sizes], 16
    )
    rate = log_slider("Learning rate η", 10**-1.3, -3, 0)
    again = again_button("Another order of the data")
    start = {"point": START}

    def update():
        batches = problem.batches(EPOCHS, size.value, seed=again.value)
        points = walk(batches, SGD(rate.value), start["point"])
        with np.errstate(all="ignore"):
            above = np.maximum(problem.value(points) - lowest, 1e-12)
        seen = np.linspace(0, EPOCHS, len(points))
        look = {"color": figures.BLUE, "width": 1.2, "stepped": True}
        stage.curve("path", plane, *points.T, label="mini-batch descent", **look)
        stage.curve("loss", curve, seen, above, **look)
        stage.handle(
            "start", plane, *start["point"], color=figures.BLACK, name="start", on_drag=move
        )
        last_epoch = above[len(above) * (EPOCHS - 1) // EPOCHS :]
        stage.say(
            f"Batch size {size.value}, learning rate {rate.value:.2g}: {len(batches)} steps in "
            f"{EPOCHS} epochs. " + spread(last_epoch)
        )

    def move(x, y):
        start["point"] = (x, y)
        update()

    return Explorer(stage, [size, rate, again], update)


def spread(last_epoch: Sequence[float]) -> str:
    """Say in words where the loss stayed during the last epoch."""
    if not np.isfinite(last_epoch).all() or max(last_epoch) > 1e3:
        return "The path diverges."
    low, high = min(last_epoch), max(last_epoch)
    return f"In the last epoch the loss lies between {low:.1g} and {high:.1g} above the least."


GRID = 50
BASIN_STEPS = 60
SHOWN_EVERY = 6
# Of the starts, every third one in each direction is shown on its way.
SWARM = np.arange(GRID**2).reshape(GRID, GRID)[::3, ::3].ravel()


def basins() -> Explorer:
    """Thousands of starts at once: which minimum does each one reach?"""
    landscapes = {"Himmelblau's four valleys": himmelblau(), "Saddle": saddle()}
    fig, (before, after) = figures.subplots(columns=2, size=(9.2, 4.5), sharex=True, sharey=True)
    stage = Stage(fig, name="Basins of attraction: starts coloured by the minimum they reach")
    landscape_choice = choice("Landscape", list(landscapes), "Himmelblau's four valleys")
    rate = log_slider("Learning rate η", 0.01, -3, -0.5, 0.025)
    drawn = {"name": None, "probe": None}

    def draw_background(landscape):
        for ax, title in (
            (before, "Where each start will end"),
            (after, "The points on their way"),
        ):
            ax.clear()
            figures.contours(ax, landscape)
            ax.set_title(title)
            for letter, (x, y) in zip("ABCD", landscape.minima, strict=False):
                ax.annotate(letter, (x, y), (7, 5), textcoords="offset points", weight="bold")
        after.set_ylabel("")
        stage.background_changed()

    def update():
        landscape = landscapes[landscape_choice.value]
        if drawn["name"] != landscape_choice.value:
            drawn.update(name=landscape_choice.value, probe=(0.02, -0.9))
            draw_background(landscape)
        grid = start_grid(landscape)
        starts = np.vstack([grid, drawn["probe"]])
        points = walk([landscape] * BASIN_STEPS, SGD(rate.value), starts)
        ends = which_minimum(points[-1], landscape.minima)
        reached, mine = ends[:-1], ends[-1]
        colors = [*BASIN_COLORS[: len(landscape.minima)], NOWHERE]
        stage.dots("map", before, *grid.T, color=colors, groups=reached, size=5.3, alpha=0.45)
        stage.dots(
            "swarm",
            after,
            *np.moveaxis(points[::SHOWN_EVERY, SWARM], -1, 0),
            color=colors,
            groups=reached[SWARM],
            size=3.0,
            alpha=0.5,
            stepped=True,
        )
        stage.curve(
            "probe", after, *points[:, -1].T, color=figures.BLACK, width=1.5, label="your start"
        )
        stage.handle(
            "probe start", before, *drawn["probe"], color=figures.BLACK, name="start", on_drag=move
        )
        stage.say(census(reached, mine, drawn["probe"], landscape.minima))

    def move(x, y):
        drawn["probe"] = (x, y)
        update()

    return Explorer(stage, [landscape_choice, rate], update)


def start_grid(landscape) -> np.ndarray:
    """Return a grid of starts over the landscape's window, shape (GRID², 2)."""
    axes = [np.linspace(low, high, GRID) for low, high in landscape.window]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def which_minimum(points: np.ndarray, minima, near: float = 0.3) -> np.ndarray:
    """Return the index of the minimum that each point is near; len(minima) where there is none.

    >>> which_minimum(np.array([[0.1, 0.0], [9.0, 9.0], [2.0, 2.1]]), ((0, 0), (2, 2)))
    array([0, 2, 1])
    """
    with np.errstate(all="ignore"):
        away = points[..., None, :] - np.array(minima)
        distances = np.hypot(away[..., 0], away[..., 1])
    distances[~np.isfinite(distances)] = np.inf
    return np.where(distances.min(axis=-1) < near, distances.argmin(axis=-1), len(minima))


def census(reached: np.ndarray, mine: int, probe, minima) -> str:
    """Say in words how many starts reach which minimum, and where the probe went."""
    ends = [*"ABCD"[: len(minima)], "none of them"]
    shares = np.bincount(reached, minlength=len(ends)) / len(reached)
    summary = ", ".join(
        f"{share:.0%} at {end}" for share, end in zip(shares, ends, strict=True) if share >= 0.005
    )
    yours = f"Your start {place(probe)} ends at {ends[mine]}."
    return f"{len(reached):,} starts end: {summary}. {yours}"
