"""The explorers of lesson 03: rates on a parabola, a range test, schedules, rates by batch size."""

from collections.abc import Callable
from functools import cache, lru_cache
from itertools import count, islice

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Rectangle

from course_utils import figures
from course_utils.datasets import digits
from course_utils.descent import minibatches, minimize, walk
from course_utils.explorers.controls import again_button, choice, log_slider, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number, three_figures
from course_utils.landscapes import Landscape
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.schedules import (
    Constant,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LinearWarmup,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
)

JUMPS = 30
HIGHEST = 8.0  # the top of the parabola's picture


def stability() -> Explorer:
    """Descent on a parabola: by which factor does each step change the distance?"""
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.2, 4.0))
    plane.set(title="Each step jumps by η times the slope", xlabel="weight $w$")
    plane.set(ylabel=r"loss $\lambda w^2/2$", xlim=(-3, 3), ylim=(-0.25, HIGHEST))
    curve.set(title="Each step multiplies the distance", xlabel="step", yscale="log")
    curve.set(ylabel="distance from the minimum", xlim=(0, JUMPS), ylim=(1e-6, 1e6))
    stage = Stage(fig, name="Gradient descent on a parabola, and the distance from its minimum")
    doubling = np.log10(2)
    curvature = log_slider("Curvature λ", 2.0, -2 * doubling, 4 * doubling, doubling)
    rate = log_slider("Learning rate η", 10**-0.1, -2, 1, 0.02)
    start = {"w": -1.8}

    def update():
        landscape = parabola(curvature.value)
        path = minimize(landscape, SGD(rate.value), [start["w"]], JUMPS)
        w, wide = path.points[:, 0], np.linspace(-3, 3, 301)
        # Zero has no place on a logarithmic axis: it is drawn below the picture.
        distance = np.maximum(np.abs(w), 1e-12)
        look = {"color": figures.BLUE, "marker": "circle", "stepped": True, "width": 1.5}
        dashed = {"color": figures.ORANGE, "dash": "dashed", "width": 1.5}
        stage.curve(
            "loss", plane, wide, landscape.value(wide[:, None]), color=figures.GREY, width=1.5
        )
        stage.curve("path", plane, w, path.values, label="gradient descent", **look)
        ends = [distance[0]] * 2
        stage.curve("level", curve, [0, JUMPS], ends, label="distance of the start", **dashed)
        stage.curve("distance", curve, np.arange(JUMPS + 1), distance, **look)
        height = min(path.values[0], HIGHEST)
        handle = {"color": figures.BLACK, "name": "start", "along": "x"}
        stage.handle("start", plane, w[0], height, on_drag=move, **handle)
        outside = " The start lies above the picture." if path.values[0] > HIGHEST else ""
        stage.say(jumps(w, 1 - rate.value * curvature.value) + outside)

    def move(x, _):
        start["w"] = x
        update()

    return Explorer(stage, [curvature, rate], update)


def parabola(curvature: float) -> Landscape:
    """Return the curve ½ λ w², whose second derivative is λ everywhere.

    >>> parabola(4.0).gradient(np.array([0.5]))
    array([2.])
    """
    return Landscape(
        "Parabola",
        lambda w: 0.5 * curvature * w[..., 0] ** 2,
        lambda w: curvature * w,
        window=((-3.0, 3.0),),
        minima=((0.0,),),
    )


def jumps(w: np.ndarray, factor: float) -> str:
    """Say in words what each step does to the weight, and how far from the minimum it ends."""
    if w[0] == 0:
        return "The start is the minimum. The slope there is zero, so no step moves the weight."
    if abs(factor) < 1e-9:
        return "Each step multiplies w by 0: one step reaches the minimum."
    side = "w changes sides" if factor < 0 else "w stays on its side"
    if abs(abs(factor) - 1) < 1e-9:
        return f"Each step multiplies w by {number(factor, 0)}: {side}, and the distance stays."
    change = "shrinks" if abs(factor) < 1 else "grows"
    distance = abs(w[-1])
    if distance < 1e-6:
        end = "less than a millionth"
    elif distance > 1e6:
        end = "more than a million"
    else:
        end = three_figures(distance)
    written = number(factor, 3) if abs(factor) < 2 else three_figures(factor)
    return (
        f"Each step multiplies w by {written}: {side}, and the distance {change}. "
        f"After {JUMPS} steps it is {end}."
    )


NETWORK = MLP((64, 32, 10))
START = NETWORK.initial(seed=0)
GUESSING = np.log(10)  # the cross-entropy of ten equal guesses


@cache
def digits_loss() -> NetworkLoss:
    """Return the cross-entropy of the network 64-32-10 on all training digits."""
    data = digits()
    return NetworkLoss(NETWORK, data.train_inputs, data.train_targets)


@lru_cache(maxsize=20)
def batches(batch_size: int, steps: int, seed: int) -> list[NetworkLoss]:
    """Return the loss on each of so many mini-batches, all of the full size.

    An epoch's last images, where they do not fill a batch, are left out: a batch of three among
    larger ones would make its step the noisiest.
    """
    loss, rng = digits_loss(), np.random.default_rng(seed)
    epochs = (minibatches(loss.examples, batch_size, rng) for _ in count())
    full = (rows for epoch in epochs for rows in epoch if len(rows) == batch_size)
    return [loss.batch(rows) for rows in islice(full, steps)]


def told(loss: float) -> str:
    """Write a loss of the network, and say so where guessing does as well.

    >>> told(0.3456), told(2.5)
    ('0.346', '2.5, no better than ten equal guesses (2.30)')
    """
    return three_figures(loss) + (
        f", no better than ten equal guesses ({GUESSING:.2f})" if loss >= GUESSING else ""
    )


def loss_axis(ax, lowest: float) -> None:
    """Make the vertical axis one of losses up to 6, logarithmic with plain numbers."""
    ax.set(ylabel="loss on all images", yscale="log", ylim=(lowest, 6))
    ax.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    ax.minorticks_off()


TEST_STEPS = 100
NEIGHBOURS = 9


def range_test() -> Explorer:
    """A learning-rate range test, and a short run at the rate that the learner reads off it."""
    shape = {"size": (9.2, 4.2), "width_ratios": (1.3, 1)}
    fig, (test, run) = figures.subplots(columns=2, sharey=True, **shape)
    test.set(title="Where does the loss fall fastest?", xscale="log", xlim=(1e-5, 10**1.5))
    test.set(xlabel="learning rate, raised at every step", ylabel="loss on the batch", ylim=(0, 4))
    run.set(title=f"Your rate, kept for {TEST_STEPS} steps", xlabel="step", xlim=(0, TEST_STEPS))
    stage = Stage(fig, name="A learning-rate range test, and a short run at one rate")
    low = log_slider("Lowest rate", 1e-3, -5, -2, 0.25)
    high = log_slider("Highest rate", 10.0, -1, 1.5, 0.25)
    size = choice("Batch size", [8, 16, 32, 64], 32)
    again = again_button("Another order of the images")
    picked = {"rate": 0.02}

    def update():
        rising, steps = rising_rate(low.value, high.value), np.arange(TEST_STEPS)
        rates = rising(steps)
        losses, _ = short_run(rising, size.value, again.value)
        kept, end = short_run(Constant(picked["rate"]), size.value, again.value)
        label = f"median of {NEIGHBOURS} batches side by side"
        draw_run("test", test, rates, losses, color=figures.BLUE, label=label)
        draw_run("run", run, steps, kept, color=figures.ORANGE, label="the same, at your rate")
        stage.curve(
            "picked", test, [picked["rate"]] * 2, [0, 4], color=figures.ORANGE, dash="dashed"
        )
        handle = {"color": figures.BLACK, "name": "your rate", "along": "x"}
        stage.handle("rate", test, picked["rate"], 0.4, on_drag=pick, **handle)
        stage.say(
            f"{landmarks(rates, smoothed(losses))} At your rate {picked['rate']:.2g} the loss on "
            f"all images after {TEST_STEPS} steps is {told(end)}."
        )

    def draw_run(key, ax, x, losses, color, label):
        stage.dots(f"{key} batches", ax, x, losses, color=color, size=3, alpha=0.5)
        stage.curve(key, ax, x, smoothed(losses), color=color, label=label)

    def pick(x, _):
        picked["rate"] = x
        update()

    return Explorer(stage, [low, high, size, again], update)


def rising_rate(low: float, high: float) -> Schedule:
    """Return the schedule of a range test, from low to high in equal ratios.

    >>> rising_rate(0.01, 1.0)(np.array([0, TEST_STEPS - 1]))
    array([0.01, 1.  ])
    """
    return ExponentialDecay(low, decay_steps=TEST_STEPS - 1, decay_rate=high / low)


# Kept, because dragging the picked rate leaves the range test as it is, and the other way round.
@lru_cache(maxsize=20)
def short_run(schedule: Schedule, batch_size: int, seed: int) -> tuple[np.ndarray, float]:
    """Return the loss on each batch before its step, and the loss on all images at the end."""
    objectives = batches(batch_size, TEST_STEPS, seed)
    points = walk(objectives, SGD(schedule), START)
    losses = [batch.value(w) for batch, w in zip(objectives, points[:-1], strict=True)]
    return np.array(losses), float(digits_loss().value(points[-1]))


def smoothed(losses: np.ndarray) -> np.ndarray:
    """Return the running median of neighbours, which a few wild batches do not move.

    >>> smoothed(np.array([1.0] * 9 + [50.0] + [1.0] * 9)).max()
    np.float64(1.0)
    """
    padded = np.pad(losses, NEIGHBOURS // 2, mode="reflect")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS), axis=-1)


def landmarks(rates: np.ndarray, losses: np.ndarray) -> str:
    """Say in words where a range test's smoothed loss falls fastest, is lowest and blows up."""
    lowest = int(losses.argmin())
    fall = losses[: -2 * NEIGHBOURS] - losses[2 * NEIGHBOURS :]
    # A wiggle of the first batches is no fall: look where a fifth of the way down is made.
    begun = int(np.argmax(losses < losses[0] - 0.2 * (losses[0] - losses[lowest])))
    first = min(max(begun - 2 * NEIGHBOURS, 0), lowest)
    last = max(lowest - NEIGHBOURS, first + 1)
    fastest = first + int(fall[first:last].argmax()) + NEIGHBOURS
    above = lowest + np.flatnonzero(losses[lowest:] > losses[0])
    end = (
        f"and from {rates[above[0]]:.2g} on it is higher than at the start."
        if len(above)
        else "and it never gets higher than at the start."
    )
    return (
        f"The loss falls fastest near the rate {rates[fastest]:.2g}, is lowest near "
        f"{rates[lowest]:.2g}, {end}"
    )


EPOCH = 168  # steps through the 1,347 images in batches of 8
LOOK_EVERY = 12


def schedule_designer() -> Explorer:
    """Design a schedule, and see it train beside the constant rate."""
    shape = {"size": (8.0, 5.4), "height_ratios": (1, 1.5)}
    fig, (upper, lower) = figures.subplots(rows=2, sharex=True, **shape)
    upper.set(title="Your schedule", ylabel="rate / peak", xlim=(0, EPOCH), ylim=(0, 1.08))
    lower.set(title="Does it beat the constant rate?", xlabel="step (8 images each)")
    loss_axis(lower, lowest=0.1)
    stage = Stage(fig, name="A learning-rate schedule and the training loss it leads to")
    kind = choice("Schedule", [*DECAYS, ONE_CYCLE], "Cosine")
    peak = log_slider("Peak rate", 0.5, np.log10(0.005), np.log10(5))
    last = log_slider("Last rate / peak", 0.01, -3, -0.1, 0.1)
    warm_up = slider("Warm-up, share of the steps", 0.0, 0.0, 0.5, 0.05)

    def update():
        schedule = designed(kind.value, peak.value, last.value, warm_up.value)
        steps, looks = np.arange(EPOCH), np.arange(0, EPOCH + 1, LOOK_EVERY)
        rates, losses = schedule(steps), race(schedule, peak.value)
        grey = {"color": figures.GREY, "dash": "dashed", "width": 1.5}
        stage.curve("constant rate", upper, steps, np.ones(EPOCH), label="constant rate", **grey)
        stage.curve("constant loss", lower, looks, losses[:, 1], **grey)
        label = "your schedule"
        stage.curve("rate", upper, steps, rates / peak.value, color=figures.BLUE, label=label)
        stage.curve("loss", lower, looks, losses[:, 0], color=figures.BLUE)
        unused = " The slider for the last rate has no effect." if kind.value == "Constant" else ""
        mine, constant = losses[-1]
        stage.say(
            f"{kind.value}: the rate starts at {rates[0]:.2g} and ends at {rates[-1]:.2g}.{unused} "
            f"After one epoch the loss on all images is {told(mine)}. "
            f"At the constant rate {peak.value:.2g} it is {told(constant)}."
        )

    return Explorer(stage, [kind, peak, last, warm_up], update)


# Each falls from the peak rate to the share `last` of it, in so many steps.
DECAYS: dict[str, Callable[[float, float, int], Schedule]] = {
    "Constant": lambda peak, last, steps: Constant(peak),
    "Step": lambda peak, last, steps: PiecewiseConstantDecay(
        (steps // 3, 2 * steps // 3), (peak, peak * last**0.5, peak * last)
    ),
    "Exponential": lambda peak, last, steps: ExponentialDecay(peak, steps, last),
    "Inverse time": lambda peak, last, steps: InverseTimeDecay(peak, steps, 1 / last - 1),
    "Polynomial (power 1, a line)": lambda peak, last, steps: PolynomialDecay(
        peak, steps, peak * last
    ),
    "Cosine": lambda peak, last, steps: CosineDecay(peak, steps, alpha=last),
    # Each decay takes twice as long as the one before: 1 + 2 + 4 = 7 parts.
    "Cosine restarts": lambda peak, last, steps: CosineDecayRestarts(
        peak, -(-steps // 7), alpha=last
    ),
}
ONE_CYCLE = "One-cycle"


def designed(kind: str, peak: float, last: float, warm_up: float) -> Schedule:
    """Return the schedule of one epoch that the controls describe, with its warm-up."""
    if kind == ONE_CYCLE:
        rising_share = max(warm_up, 1 / EPOCH)
        return OneCycle(peak, EPOCH, rising_share, end_divisor=1 / (last * OneCycle.start_divisor))
    rising_steps = round(warm_up * EPOCH)
    decay = DECAYS[kind](peak, last, EPOCH - rising_steps)
    return LinearWarmup(decay, rising_steps) if rising_steps else decay


def race(schedule: Schedule, constant: float) -> np.ndarray:
    """Return the loss on all images during an epoch at both rates, shape (looks, 2)."""

    def both(step):
        return np.array([schedule(step), constant])

    starts = np.stack([START, START])
    points = walk(batches(8, EPOCH, seed=0), SGD(both), starts, every=LOOK_EVERY)
    return digits_loss().value(points)


SIZES = (8, 16, 32, 64, 128, 256)
# Powers of two, as the batch sizes: along the dashed line both double from cell to cell.
RATES = 2.0 ** np.arange(-6, 3)
EPOCHS, EQUAL_STEPS = 3, 60
BUDGETS = {
    f"Equal epochs ({EPOCHS})": "At small rates: one loss along the line",
    f"Equal steps ({EQUAL_STEPS})": "At small rates: one loss in each row",
}
LOOKS = 12
BLUES = LinearSegmentedColormap.from_list("blues", [figures.BLUE, "white"])
HANDLE_HEIGHT = 0.72  # in its cell of height 1, above the number


def rate_and_batch() -> Explorer:
    """Choose a rate and a batch size on the map of what all of them lead to."""
    by_epochs, by_steps = BUDGETS
    runs = {
        by_epochs: [sweep(size, EPOCHS * (digits_loss().examples // size)) for size in SIZES],
        by_steps: [sweep(size, EQUAL_STEPS) for size in SIZES],
    }
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.2, 4.8), width_ratios=(1.35, 1))
    stage = Stage(fig, name="Training loss by learning rate and batch size, and one of the runs")
    budget = choice("Every run gets", list(BUDGETS), by_epochs)
    drawn = {"budget": None, "column": 2, "row": 3}

    def draw_background():
        plane.clear()
        curve.clear()
        loss_map(plane, np.stack([losses[-1] for _, losses in runs[budget.value]], axis=-1))
        plane.set_title(BUDGETS[budget.value])
        curve.set(title="The run of your cell", xlabel="step", xlim=(0, EQUAL_STEPS))
        loss_axis(curve, lowest=0.05)
        if budget.value == by_epochs:
            curve.set(xlabel="epochs of data seen", xlim=(0, EPOCHS))
        stage.background_changed()

    def update():
        if drawn["budget"] != budget.value:
            drawn["budget"] = budget.value
            draw_background()
        column, row = drawn["column"], drawn["row"]
        steps, losses = runs[budget.value][column]
        x = steps / steps[-1] * curve.get_xlim()[1]
        others = np.delete(losses, row, axis=1).T
        grey = {"color": figures.FAINT, "width": 1, "label": "other rates, same batch size"}
        stage.curve("others", curve, x, others, **grey)
        stage.curve("run", curve, x, losses[:, row], color=figures.BLUE, label="your cell")
        at = column + 0.5, row + HANDLE_HEIGHT
        dashed = {"color": figures.RED, "dash": "dashed", "label": "rate ∝ batch size"}
        ends = np.array([0, len(SIZES)])
        stage.curve("line", plane, ends, at[1] + ends - at[0], **dashed)
        stage.handle("cell", plane, *at, color=figures.BLACK, name="your cell", on_drag=choose)
        stage.say(cell(runs[budget.value], column, row))

    def choose(x, y):
        drawn.update(column=min(int(x), len(SIZES) - 1), row=min(int(y), len(RATES) - 1))
        update()

    return Explorer(stage, [budget], update)


def cell(runs: list[tuple[np.ndarray, np.ndarray]], column: int, row: int) -> str:
    """Say in words how one run ended, beside its column and along the line through it."""
    steps, losses = runs[column][0][-1], np.stack([losses[-1] for _, losses in runs])
    best = losses[column].argmin()
    reading = (
        f"Batch size {SIZES[column]}, rate {three_figures(RATES[row])}: after {steps} steps the "
        f"loss is {told(losses[column, row])}. For this batch size the rate "
        f"{three_figures(RATES[best])} is best, with {three_figures(losses[column, best])}."
    )
    line = [c for c in range(len(SIZES)) if 0 <= row + c - column < len(RATES)]
    if len(line) == 1:
        return reading
    along = ", ".join(f"{losses[c, row + c - column]:.2f}" for c in line)
    return (
        f"{reading} On the dashed line, from batch size {SIZES[line[0]]} to {SIZES[line[-1]]}, "
        f"the losses are {along}."
    )


@cache
def sweep(batch_size: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Train one network a rate; return the steps of the looks and the losses (looks, rates)."""
    every = steps // LOOKS
    points = walk(batches(batch_size, steps, seed=0), SGD(RATES), START, every)
    looks = np.append(np.arange(0, steps, every), steps)
    return looks, digits_loss().value(points)


def loss_map(ax, losses: np.ndarray) -> None:
    """Draw losses (rates, batch sizes) as a map with numbers, each column's least in a frame."""
    ax.pcolormesh(losses, norm=LogNorm(0.06, 2.5), cmap=BLUES, edgecolors="white")
    for (row, column), loss in np.ndenumerate(losses):
        best = row == losses[:, column].argmin()
        ax.text(
            column + 0.5,
            row + 0.3,
            f"{loss:.2f}",
            color="white" if loss < 0.2 else "black",
            weight="bold" if best else "normal",
            fontsize=8.5,
            ha="center",
            va="center",
        )
        if best:
            frame = Rectangle((column + 0.04, row + 0.04), 0.92, 0.92, fill=False)
            ax.add_patch(frame).set(edgecolor=figures.ORANGE, linewidth=2)
    middles = [np.arange(count) + 0.5 for count in losses.T.shape]
    ax.set(xlabel="batch size", ylabel="learning rate")
    ax.set_xticks(middles[0], SIZES)
    ax.set_yticks(middles[1], [three_figures(rate) for rate in RATES])
    ax.grid(False)
