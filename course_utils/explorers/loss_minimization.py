"""The explorers of lesson 01: lines and their loss, slices, random directions, a penalty."""

from collections import deque
from functools import partial

import numpy as np
from contourpy import contour_generator

from course_utils import figures
from course_utils.explorers.controls import again_button, choice, log_slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.loss_problems import (
    ONE_TRAINED,
    PENALTY_STEPS,
    RANDOM,
    TWO_TRAINED,
    Penalised,
    Workshop,
    body_mass_and_score,
    cosine_shares,
    expected_best,
    penalised_path,
    random_cosines,
    weight_plane,
    worst_chord,
)
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number, place, three_figures
from course_utils.lines import absolute_line, heights, huber_line, line_loss, squares_line
from course_utils.losses import huber, mean_absolute_error, mean_squared_error

LINE_ENDS = np.array([17.0, 43.0])  # in units of the body mass index
HIGHEST = 360.0
FIRST_HEIGHTS = (250.0, 90.0)


def fit_line() -> Explorer:
    """A line through patients, and the same line as one point on the map of the loss."""
    body_mass, score = body_mass_and_score()
    best = squares_line(body_mass, score)
    least = line_loss(mean_squared_error, best, body_mass, score)
    fig, (data, plane) = figures.subplots(columns=2, size=(9.6, 4.5), width_ratios=(1.15, 1))
    data.plot(body_mass, score, "o", color=figures.GREY, markersize=3, alpha=0.45, mew=0)
    data.set(title="Pull a line through 442 patients", xlim=(16, 44), ylim=(0, HIGHEST))
    data.set(xlabel="body mass index, BMI (kg/m²)", ylabel="progression score after one year")
    slopes, intercepts = np.linspace(-15, 15, 121), np.linspace(-260, 620, 121)
    rows = (np.stack([slopes, np.full_like(slopes, level)], axis=-1) for level in intercepts)
    losses = np.array([line_loss(mean_squared_error, row, body_mass, score) for row in rows])
    levels = [1.1, 1.4, 2, 4, 8, 16, 32, 64]
    lines = plane.contour(slopes, intercepts, losses / least, levels, colors="#8A8A8A")
    lines.set_linewidth(0.7)
    plane.clabel(lines, levels=[2, 4, 8, 16, 32], fmt="%g ×", fontsize=8)
    plane.set(title="The same line is one point here", xlabel="slope", ylabel="intercept")
    note = "4 ×: four times the least possible loss"
    plane.text(15, 600, note, ha="right", va="top", fontsize=8.5, backgroundcolor="white")
    plane.grid(False)
    stage = Stage(fig, name="A line through data, and the mean squared error of every line")
    shown = choice("Least-squares line", ["hidden", "shown"], "hidden")
    again = again_button("Another line to start from")
    now = {"start": None, "heights": None, "visited": deque(maxlen=1000)}

    def update():
        if now["start"] != again.value:
            random = np.random.default_rng(again.value).uniform(20, 340, 2)
            now.update(start=again.value, heights=random if again.value else FIRST_HEIGHTS)
            now["visited"].clear()
        line = squares_line(LINE_ENDS, now["heights"])
        now["visited"].append(line)
        look = {"color": figures.BLUE, "width": 2.5}
        stage.curve("line", data, LINE_ENDS, now["heights"], label="your line", **look)
        stage.curve(
            "visited",
            plane,
            *np.transpose(now["visited"]),
            color=figures.BLUE,
            width=1.2,
            label="where your line has been",
        )
        show_best()
        for end, name in enumerate(("left end", "right end")):
            here = LINE_ENDS[end], now["heights"][end]
            look = {"color": figures.BLUE, "along": "y"}
            stage.handle(name, data, *here, name=name, on_drag=partial(lift, end), **look)
        stage.handle(
            "point", plane, *line, color=figures.BLACK, name="your line as a point", on_drag=choose
        )
        stage.say(fitted(line, line_loss(mean_squared_error, line, body_mass, score), least))

    def show_best():
        if shown.value == "hidden":
            stage.remove("best")
            stage.remove("best point")
            return
        look = {"color": figures.BLACK, "dash": "dashed", "width": 1.5, "marker": "diamond"}
        stage.curve("best", data, LINE_ENDS, heights(best, LINE_ENDS), label="best line", **look)
        stage.curve("best point", plane, best[:1], best[1:], **look)

    def lift(end, _, height):
        now["heights"] = np.where(np.arange(2) == end, height, now["heights"])
        update()

    def choose(slope, intercept):
        now["heights"] = np.clip(heights(np.array([slope, intercept]), LINE_ENDS), 0, HIGHEST)
        update()

    return Explorer(stage, [shown, again], update)


def fitted(line: np.ndarray, loss: float, least: float) -> str:
    """Say in words which line it is and how good it is."""
    slope, intercept = line
    sign = "−" if intercept < 0 else "+"
    opening = (
        f"Your line: score = {number(slope)} · BMI {sign} {abs(intercept):.0f}. "
        f"Its mean squared error is {loss:,.0f}"
    )
    if loss < 1.005 * least:
        return f"{opening}. The least possible is {least:,.0f}: you have found the best line."
    return f"{opening}, {loss / least:.2f} times the least possible."


X_OF_REST = np.arange(1.0, 12.0)
Y_OF_REST = np.array([2.9, 2.7, 4.2, 4.1, 4.8, 6.1, 5.9, 7.2, 7.1, 8.4, 8.5])
RED_POINT = (10.5, 14.0)


def which_loss() -> Explorer:
    """One outlier to drag, and the lines of least squared, absolute and Huber error."""
    fig, (data, pulls) = figures.subplots(columns=2, size=(9.6, 4.4), width_ratios=(1.25, 1))
    data.plot(X_OF_REST, Y_OF_REST, "o", color=figures.BLACK, markersize=6)
    data.set(title="One point, three answers", xlabel="x", ylabel="y", xlim=(0, 14), ylim=(0, 16))
    data.xaxis.get_major_locator().set_params(integer=True)
    pulls.set(title="How hard the red point pulls", xlabel="its distance to the line, up or down")
    pulls.set(ylabel="its pull: the slope of its loss", xlim=(0, 14), ylim=(0, 20))
    stage = Stage(fig, name="Three lines through points with an outlier, one for each loss")
    delta = log_slider("Huber's δ", 10**0.2, -1, 1)
    red = {"point": RED_POINT}
    ends, errors = np.array([0.0, 14.0]), np.linspace(0.01, 14, 200)
    without = {
        "MSE": squares_line(X_OF_REST, Y_OF_REST),
        "MAE": absolute_line(X_OF_REST, Y_OF_REST),
    }

    def update():
        x, y = np.append(X_OF_REST, red["point"][0]), np.append(Y_OF_REST, red["point"][1])
        without["Huber"] = huber_line(X_OF_REST, Y_OF_REST, delta.value)
        fits = {
            "MSE": (squares_line(x, y), mean_squared_error, figures.BLUE, "solid"),
            "MAE": (absolute_line(x, y), mean_absolute_error, figures.ORANGE, "dashed"),
            "Huber": (
                huber_line(x, y, delta.value),
                partial(huber, delta=delta.value),
                figures.GREEN,
                "dotted",
            ),
        }
        turns, strengths = [], []
        rest = heights(without["MSE"], ends)
        stage.curve("rest", data, ends, rest, color=figures.FAINT, width=1, label="MSE without red")
        for name, (line, loss, color, dash) in fits.items():
            error = np.abs(heights(line, x[-1:]) - y[-1:])
            strength = pull(loss, error)
            look = {"color": color, "dash": dash, "width": 2.5}
            stage.curve(name, data, ends, heights(line, ends), label=name, **look)
            stage.curve(f"pull {name}", pulls, errors, pull(loss, errors), **look)
            dot = {"color": color, "marker": "circle", "width": 3}
            stage.curve(f"pull now {name}", pulls, error, strength, **dot)
            turns.append(f"from {number(without[name][0])} to {number(line[0])} for {name}")
            strengths.append(number(strength[0], 1))
        stage.handle("red", data, *red["point"], color=figures.RED, name="red point", on_drag=move)
        stage.say(
            f"The red point turns the slope {', '.join(turns)}. "
            f"It pulls with {', '.join(strengths)} in this order."
        )

    def move(x, y):
        red["point"] = (x, y)
        update()

    return Explorer(stage, [delta], update)


def pull(loss, errors: np.ndarray) -> np.ndarray:
    """Return the slope of a loss of losses.py at each error of a single example.

    >>> pull(mean_squared_error, np.array([0.5, 3.0]))
    array([1., 6.])
    """
    return loss(errors[:, None, None], np.zeros((1, 1)))[1][:, 0, 0]


SLICE_SAMPLES = 61
VISIBLE = 0.01  # the share of the picture's height from which a chord counts as below the curve
PLANES = {
    TWO_TRAINED: ("Two valleys and a ridge between them", {"A": 0, "B": 1}),
    ONE_TRAINED: ("Random directions see a single valley", {"A": 0}),
    RANDOM: ("No deep valley near random weights", {}),
}


def loss_slice() -> Explorer:
    """A slice to turn and to zoom on a plane through the weights of the digits network."""
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.6, 4.7))
    curve.set(title="Along the slice: is it convex?", xlim=(-1.03, 1.03), ylim=(-0.15, 1.15))
    curve.set(xlabel="place on the slice", ylabel="loss, stretched to fill the picture")
    curve.set(xticks=[-1, 0, 1], xticklabels=["−h", "0", "h"], yticks=[0, 1], yticklabels=[])
    stage = Stage(fig, name="The loss of a network on a plane, and along a line in that plane")
    kind = choice("Plane through", list(PLANES), TWO_TRAINED)
    zoom = log_slider("Half-width h of the slice", 1.0, -2, 0.3)
    now = {"kind": None, "turn": (1.5, 0.0)}

    def draw_background(surface):
        plane.clear()
        title, networks = PLANES[kind.value]
        drawing = (surface.grid, surface.grid, surface.heights)
        levels = [0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 20, 50]
        lines = plane.contour(*drawing, levels, colors="#8A8A8A", linewidths=0.6)
        plane.contourf(
            surface.grid, surface.grid, np.log(surface.heights), 14, cmap="Greys", alpha=0.3
        )
        # Lower levels lie under the letters.
        plane.clabel(lines, [level for level in levels if level >= 0.2], fmt="%g", fontsize=7.5)
        for letter, x in networks.items():
            plane.plot(x, 0, "*", color=figures.BLACK, markersize=9, markeredgecolor="white")
            plane.annotate(letter, (x, 0), (4, 6), textcoords="offset points", weight="bold")
        plane.set(title=title, aspect="equal")
        plane.set(xlabel="first direction", ylabel="second direction")
        plane.grid(False)
        stage.background_changed()

    def update():
        surface = weight_plane(kind.value)
        if now["kind"] != kind.value:
            now["kind"] = kind.value
            draw_background(surface)
        along = np.array(now["turn"]) / np.linalg.norm(now["turn"])
        places = np.linspace(-1, 1, SLICE_SAMPLES)
        points = zoom.value * places[:, None] * along
        values = surface.landscape.value(points)
        low, high = values.min(), values.max()
        scaled = (values - low) / (high - low)
        stage.curve("direction", plane, *np.outer([-9, 9], along).T, color=figures.BLUE, width=0.8)
        stage.curve("slice", plane, *points.T, color=figures.BLUE, width=3.5)
        stage.curve("loss", curve, places, scaled, color=figures.BLUE, width=2.5, label="loss")
        start, end, depth = worst_chord(scaled)
        convex = depth < VISIBLE
        chord = [0, -1] if convex else [start, end]
        stage.curve(
            "chord",
            curve,
            places[chord],
            scaled[chord],
            color=figures.GREY if convex else figures.RED,
            dash="dotted" if convex else "dashed",
            marker="circle",
            label="a chord, above the loss" if convex else "a chord, its middle below the loss",
        )
        stage.text("high", curve, 0, 1.08, f"highest {three_figures(high)}", align="center")
        stage.text("low", curve, 0, -0.08, f"lowest {three_figures(low)}", align="center")
        stage.handle("turn", plane, *now["turn"], color=figures.BLACK, name="turn", on_drag=move)
        stage.say(sliced(zoom.value, values, convex))

    def move(x, y):
        if x or y:  # the centre has no direction
            now["turn"] = (x, y)
        update()

    return Explorer(stage, [kind, zoom], update)


def sliced(half_width: float, values: np.ndarray, convex: bool) -> str:
    """Say in words what a slice shows."""
    left, middle, right = (three_figures(values[i]) for i in (0, len(values) // 2, -1))
    verdict = (
        "No chord lies below the curve: this window looks convex."
        if convex
        else "The middle of the dashed chord lies below the curve: the loss is not convex."
    )
    return (
        f"From −{half_width:.2g} to {half_width:.2g} the loss is {left}, {middle} and {right} "
        f"(left end, middle, right end). {verdict}"
    )


DIGITS_WEIGHTS = 2410
USUAL_TRIES, MOST_TRIES = 100, 1000


def random_search() -> Explorer:
    """Random directions in many dimensions, and what the best of them is worth."""
    fig, (cloud, curve) = figures.subplots(columns=2, size=(9.6, 4.2), width_ratios=(1.15, 1))
    cloud.axvspan(-1, 0, color="#F0F0F0", zorder=0)
    cloud.axvline(1, color=figures.BLACK, linewidth=3)
    cloud.set(title="Each dot is one random direction", xlim=(-1, 1.02), ylim=(-1, 1))
    cloud.set(xlabel="cosine with steepest descent", yticks=[], xticks=[-1, -0.5, 0, 0.5, 1])
    cloud.grid(False)
    cloud.text(-0.98, 0.86, "uphill", color=figures.GREY)
    cloud.text(0.97, 0.86, "steepest descent", ha="right")
    dimensions = np.geomspace(2, 10_000, 60)
    curve.axvline(DIGITS_WEIGHTS, color=figures.GREY, linestyle=":", linewidth=1)
    curve.text(2100, 3.5e-3, "digits network", rotation=90, ha="right", fontsize=8.5)
    curve.set(title="What the best try is worth", xlabel="dimensions", xscale="log")
    curve.set(
        ylabel="cosine of the best direction", yscale="log", xlim=(1.6, 12_500), ylim=(3e-3, 1.4)
    )
    stage = Stage(fig, name="Random directions against the gradient, by number of dimensions")
    dimension = log_slider("Dimensions", 10**0.3, 0.3, 4)
    tries = log_slider("Random directions tried", USUAL_TRIES, 0, np.log10(MOST_TRIES))
    for control in (dimension, tries):
        control.readout_format = ".0f"
    again = again_button("Other random directions")
    jitter = np.random.default_rng(0).uniform(-0.85, 0.75, MOST_TRIES)
    now = {"farthest": 0}

    def update():
        n, k = round(dimension.value), round(tries.value)
        now["farthest"] = max(now["farthest"], n)  # no curve runs ahead of the reader
        passed = np.append(dimensions[dimensions < now["farthest"]], now["farthest"])
        shares = cosine_shares(passed)
        cosines = random_cosines(n, k, seed=again.value)
        best = cosines.argmax()
        stage.dots("tries", cloud, cosines, jitter[:k], color=figures.BLUE, size=5, alpha=0.5)
        look = {"color": figures.ORANGE, "marker": "diamond", "width": 3}
        stage.curve("best", cloud, cosines[[best]], jitter[[best]], label="best of these", **look)
        usual = {"color": figures.FAINT, "width": 1, "label": "100 tries, average"}
        average = {"color": figures.BLUE, "width": 2.5, "label": "your tries, average"}
        stage.curve("usual", curve, passed, expected_best(USUAL_TRIES, shares), **usual)
        stage.curve("average", curve, passed, expected_best(k, shares), **average)
        stage.curve("best here", curve, [n], cosines[[best]], **look)
        stage.say(searched(n, k, cosines[best], expected_best(k, cosine_shares(n))))

    return Explorer(stage, [dimension, tries, again], update)


def searched(dimensions: int, tries: int, best: float, average: float) -> str:
    """Say in words what the best of some random directions is worth."""
    tried = "1 random direction" if tries == 1 else f"{tries:,} random directions"
    outcome = (
        f"a small step along the best one brings {best:.1%} of what an equally long step of "
        "steepest descent brings"
        if best > 0
        else "even the best one leads uphill"
    )
    return (
        f"{dimensions:,} dimensions, {tried}: {outcome}. "
        f"The average over many such tries is {abs(average):.1%}."
    )


EDGES = {"wood: c + t ≤ 4": (1.9, 2.2), "paint: c + 2t ≤ 7": (0.5, 3.4), "sawing: c ≤ 3": (3, 0.3)}
SETTLED = 0.02  # the gradient that is left, as a share of the profit's


def penalty() -> Explorer:
    """A linear programme by gradient descent: a penalty takes the place of the constraints."""
    workshop = Workshop()
    corner, _ = workshop.solution
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.6, 4.6), width_ratios=(1.2, 1))
    plane.fill(*workshop.corners.T, facecolor="#DDEBE7", edgecolor=figures.BLACK)
    plane.plot(*corner, "*", color=figures.BLACK, markersize=13, markeredgecolor="white", zorder=5)
    plane.set(title="A penalty lets the minimum slip outside")
    plane.set(xlabel="chairs c", ylabel="tables t", xlim=(-0.4, 6), ylim=(-0.4, 4.6))
    plane.grid(False)
    curve.set(title="A stronger penalty needs more steps", xlabel="step", yscale="log")
    curve.set(ylabel="distance to the best corner", xlim=(0, PENALTY_STEPS), ylim=(1e-2, 10))
    grid = np.meshgrid(np.linspace(*plane.get_xlim(), 90), np.linspace(*plane.get_ylim(), 90))
    stage = Stage(fig, name="Gradient descent on a penalised linear programme")
    strength = log_slider("Penalty strength ρ", 1.0, -0.5, 2)
    start = {"point": (0.6, 0.5)}

    def update():
        loss = Penalised(workshop, strength.value)
        path = penalised_path(start["point"], strength.value)
        lines = level_lines(*grid, loss.value(np.stack(grid, axis=-1)), np.arange(-14, 5, 2))
        faint = {"color": figures.FAINT, "width": 0.7, "label": "loss: −(3c + 2t) + penalty"}
        stage.curve("levels", plane, *lines, **faint)
        for words, (x, y) in EDGES.items():
            stage.text(words, plane, x, y, words)
        look = {"color": figures.BLUE, "stepped": True}
        stage.curve("path", plane, *path.T, label="gradient descent", **look)
        distance = np.linalg.norm(path - corner, axis=-1)
        stage.curve("distance", curve, np.arange(len(path)), distance, **look)
        stage.curve("end", plane, *path[-1:].T, color=figures.BLUE, marker="square", width=3)
        stage.handle(
            "start", plane, *start["point"], color=figures.BLACK, name="start", on_drag=move
        )
        stage.say(arrived(loss, path[-1]))

    def move(x, y):
        start["point"] = (x, y)
        update()

    return Explorer(stage, [strength], update)


def level_lines(x: np.ndarray, y: np.ndarray, values: np.ndarray, levels) -> np.ndarray:
    """Return the level lines of a surface as one polyline with gaps, shape (2, n)."""
    generator, gap = contour_generator(x, y, values), np.full((1, 2), np.nan)
    lines = [line for level in levels for line in generator.lines(level)]
    return np.concatenate([part for line in [gap, *lines] for part in (line, gap)]).T


def arrived(loss: Penalised, end: np.ndarray) -> str:
    """Say in words where a path ended and what the broken constraints say about their worth."""
    workshop = loss.workshop
    corner, exact = workshop.solution
    away = number(np.linalg.norm(end - corner))
    opening = f"After {PENALTY_STEPS} steps the path is at {place(end)}, {away} from the corner."
    if np.linalg.norm(loss.gradient(end)) > SETTLED * np.linalg.norm(workshop.profit):
        return (
            f"{opening} It is still on its way: the learning rate 1/L has to shrink to "
            f"{1 / loss.largest_curvature:.1g} for so strong a penalty."
        )
    excess = workshop.excess(end)
    broken = np.flatnonzero(excess)
    excesses = [f"{workshop.constraints[i]} by {number(excess[i])}" for i in broken]
    estimates = [number(loss.multipliers(end)[i]) for i in broken]
    return (
        f"{opening} It exceeds {', '.join(excesses)}. Times 2ρ that is {', '.join(estimates)}; "
        f"the exact multipliers are {', '.join(f'{exact[i]:.0f}' for i in broken)}."
    )
