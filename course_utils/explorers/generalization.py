"""The explorers of lesson 06: capacity, penalties, decay, early stopping, flatness, faulty data."""

from functools import partial

import numpy as np

from course_utils import figures
from course_utils.explorers.controls import again_button, choice, log_slider, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.generalization_problems import (
    CROSSED,
    DECAY_RULES,
    DECAY_STEPS,
    DEGREES,
    MOST_POINTS,
    PLAIN,
    SIZES,
    STRENGTHS,
    PenaltyPath,
    errors_by_degree,
    heights,
    noisy_points,
    patients,
    penalised_paths,
    polynomial,
    shrinking,
    true_curve,
)
from course_utils.explorers.generalization_runs import (
    EPOCHS,
    EQUAL,
    FAULTS,
    FILTER,
    PARTS,
    RADII,
    SEEDS,
    SHARES,
    SPLITS,
    WRONG_LABELS,
    Curves,
    Minima,
    fault_errors,
    minima,
    stopped_by_patience,
    wrong_label_run,
)
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number

PART_LOOKS = {
    "training": {"color": figures.BLUE, "dash": "solid"},
    "validation": {"color": figures.ORANGE, "dash": "dashed"},
    "test": {"color": figures.GREEN, "dash": "dotted"},
}
MARK = {"color": figures.GREY, "width": 1.2}
LEAST_ERROR, LARGEST_ERROR = 0.03, 30.0


def capacity() -> Explorer:
    """A polynomial through noisy points: its degree against training and validation error."""
    fig, (plane, errors) = figures.subplots(columns=2, size=(9.6, 4.5), width_ratios=(1.15, 1))
    x = np.linspace(-1, 1, 241)
    plane.set(title="A polynomial, fitted to the training points", xlabel="x", ylabel="y")
    plane.set(xlim=(-1.04, 1.04), ylim=(-2.8, 2.8))
    errors.set(title="The error of the fit of each degree", xlabel="degree", yscale="log")
    errors.set(ylabel="root mean squared error", xlim=(-0.5, DEGREES[-1] + 0.5))
    errors.set(ylim=(LEAST_ERROR, LARGEST_ERROR), xticks=DEGREES[::5])
    stage = Stage(fig, name="A polynomial through points, and the errors of all degrees")
    degree = slider("Degree", 3, 0, int(DEGREES[-1]), 1)
    points_slider = slider("Training points", 25, 10, MOST_POINTS, 1)
    noise = slider("Noise", 0.3, 0.05, 0.6, 0.05)
    again = again_button("Other points")
    now = {"seed": None, "moved": None, "points": None, "errors": None}

    def update():
        if now["seed"] != again.value:
            now.update(seed=again.value, moved=None)
        points = noisy_points(points_slider.value, noise.value, again.value)
        points.x[0], points.y[0] = now["moved"] or (points.x[0], points.y[0])
        fit = polynomial(points.x, points.y, degree.value)
        blue, orange = (PART_LOOKS[part]["color"] for part in PARTS[:2])
        stage.dots("training points", plane, points.x, points.y, color=blue, size=6)
        held_out = points.validation_x, points.validation_y
        stage.dots("validation points", plane, *held_out, color=orange, size=4)
        look = {"color": figures.FAINT, "width": 1, "label": "curve behind the points"}
        stage.curve("truth", plane, x, true_curve(x), **look)
        look = {"color": figures.BLACK, "width": 2.2, "label": "fitted polynomial"}
        stage.curve("fit", plane, x, heights(x, fit), **look)
        drawn = points_slider.value, noise.value, again.value, now["moved"]
        if now["points"] != drawn:
            now.update(points=drawn, errors=errors_by_degree(points))
        by_degree = dict(zip(PARTS, now["errors"], strict=False))
        for part, values in by_degree.items():
            look = PART_LOOKS[part] | {"label": f"{part} (dots and error)"}
            stage.curve(part, errors, DEGREES, np.maximum(values, LEAST_ERROR / 10), **look)
        dotted = {
            "color": figures.GREY,
            "dash": "dotted",
            "width": 1.5,
            "label": "deviation of the noise",
        }
        stage.curve("noise", errors, errors.get_xlim(), [noise.value] * 2, **dotted)
        mark = MARK | {"label": "your degree"}
        stage.curve("now", errors, [degree.value] * 2, errors.get_ylim(), **mark)
        handle = {"color": figures.BLUE, "name": "a training point", "on_drag": move}
        stage.handle("point", plane, points.x[0], points.y[0], **handle)
        stage.say(fitted(degree.value, len(points.x), noise.value, by_degree))

    def move(x, y):
        now["moved"] = (x, y)
        update()

    return Explorer(stage, [degree, points_slider, noise, again], update)


def fitted(degree: int, points: int, noise: float, errors: dict[str, np.ndarray]) -> str:
    """Say in words how well a polynomial fits what it was and what it was not fitted to."""
    training, validation = (errors[part] for part in PARTS[:2])
    best = int(validation.argmin())
    place = (
        ", the lowest of all degrees"
        if degree == best
        else f". The lowest validation error is {error(validation[best])}, at degree {best}"
    )
    return (
        f"Degree {degree}, {points} training points, noise {noise:.2g}: the training error is "
        f"{error(training[degree])}, the validation error {error(validation[degree])}{place}."
    )


def error(value: float) -> str:
    """Write an error of the fit with two figures, or that it is outside the picture.

    >>> error(0.1234), error(1e-9), error(4567.8)
    ('0.12', 'below 0.03', 'above 30')
    """
    if value < LEAST_ERROR:
        return f"below {LEAST_ERROR}"
    return f"above {LARGEST_ERROR:.0f}" if value > LARGEST_ERROR else f"{value:.2g}"


PENALTY_NAMES = {"L1": "λ Σ |w|", "L2": "λ Σ w²"}


def penalty_paths() -> Explorer:
    """Every weight of a linear model against the strength of an L1 and of an L2 penalty."""
    fig, axes = figures.subplots(rows=2, columns=2, size=(9.6, 6.2), sharex=True, sharey="row")
    for (name, formula), (weights, errors) in zip(PENALTY_NAMES.items(), axes.T, strict=True):
        weights.set(title=f"{name}: the loss plus {formula}", xscale="log", ylim=(-0.75, 0.75))
        weights.set(xlim=(STRENGTHS[0], STRENGTHS[-1]))
        errors.set(xlabel="strength λ", ylim=(25, 105))
    axes[0, 0].set_ylabel("weights")
    axes[1, 0].set_ylabel("error (points of the score)")
    stage = Stage(fig, name="Weights and errors of a linear model by the strength of a penalty")
    inputs = choice("Inputs", [PLAIN, CROSSED], PLAIN)
    training = slider("Training patients", 80, 80, 220, 20)
    strength = log_slider("Strength λ", 0.1, -2, 1)

    def update():
        data = patients(inputs.value, training.value)
        paths = penalised_paths(inputs.value, training.value)
        place = int(np.abs(np.log(STRENGTHS / strength.value)).argmin())
        for (name, path), (weights, errors) in zip(paths.items(), axes.T, strict=True):
            zero = path.weights[place] == 0
            for key, shown, look in (
                ("zero", zero, {"color": figures.GREY, "dash": "dotted", "width": 1.2}),
                ("kept", ~zero, {"color": figures.PURPLE, "width": 1.6}),
            ):
                drawn = np.where(shown, path.weights, np.nan).T
                label = {"label": f"weights, {key} at your λ"} if name == "L1" else {}
                stage.curve(f"{name} {key}", weights, STRENGTHS, drawn, **look, **label)
            for part, values in zip(PARTS, path[1:], strict=False):
                label = {"label": f"{part} error"} if name == "L1" else {}
                look = PART_LOOKS[part] | label
                stage.curve(f"{name} {part}", errors, STRENGTHS, values, **look)
            for what, ax in (("weights", weights), ("errors", errors)):
                label = {"label": "your λ"} if (name, what) == ("L1", "weights") else {}
                at = [STRENGTHS[place]] * 2
                stage.curve(f"{name} {what} now", ax, at, ax.get_ylim(), **MARK, **label)
        stage.say(kept(paths, place, data.features, len(data.train_inputs)))

    return Explorer(stage, [inputs, training, strength], update)


def kept(paths: dict[str, PenaltyPath], place: int, names: tuple[str, ...], number: int) -> str:
    """Say in words how many weights each penalty leaves, and at what error."""
    said = []
    for name, path in paths.items():
        weights = path.weights[place]
        zero = np.sum(weights == 0)
        largest = [names[feature] for feature in np.argsort(-np.abs(weights))[:3]]
        best = path.validation.argmin()
        said.append(
            f"{name}: {zero or 'none'} of {len(weights)} weights "
            f"{'is' if zero < 2 else 'are'} exactly 0"
            + (f", the largest {', '.join(largest)}" if zero < len(weights) - 2 else "")
            + f"; training error {path.training[place]:.0f}, validation error "
            f"{path.validation[place]:.0f}, at best {path.validation[best]:.0f} "
            f"with λ = {STRENGTHS[best]:.2g}."
        )
    return f"{number} training patients, λ = {STRENGTHS[place]:.2g}. {' '.join(said)}"


DECAY_LOOKS = {
    "L2": ("an L2 penalty", {"color": figures.PURPLE, "width": 3.2}),
    "decay": ("weight decay", {"color": figures.SKY, "width": 1.8}),
}
DASH_OF = {"A": "solid", "B": "dashed"}


def decay_or_l2() -> Explorer:
    """Weights that only a penalty or only weight decay moves, by the size of their gradients."""
    fig, (course, sizes) = figures.subplots(columns=2, size=(9.6, 4.5))
    course.set(title="Two weights shrink", xlabel="step", xlim=(0, DECAY_STEPS))
    course.set(ylabel="weight", ylim=(-0.1, 1.2))
    sizes.set(title=f"What is left after {DECAY_STEPS} steps", xscale="log")
    sizes.set(xlabel="size of the gradients that the data give")
    sizes.set(xlim=(SIZES[0] / 1.3, SIZES[-1] * 1.3))
    sizes.set(ylabel="weight", ylim=(-0.1, 1.2))
    for ax in (course, sizes):
        ax.axhline(0, color="#888888", linewidth=0.8)
    stage = Stage(fig, name="Two weights by step, and what is left of a weight by its gradients")
    rule = choice("Optimizer", list(DECAY_RULES), "Adam")
    strength = log_slider("Strength λ", 10**-0.6, -2, 0.6, 0.1)
    places = {"A": 10, "B": 30}

    def update():
        points = shrinking(rule.value, strength.value)
        for way, (label, look) in DECAY_LOOKS.items():
            for weight, place in places.items():
                drawn = look | {"dash": DASH_OF[weight], "label": f"{label}, weight {weight}"}
                steps = np.arange(0, DECAY_STEPS + 1, 2)  # an up and a down of the gradients
                stage.curve(f"{way} {weight}", course, steps, points[way][::2, place], **drawn)
            stage.curve(f"{way} left", sizes, SIZES, points[way][-1], **look)
        for weight, place in places.items():
            left = points["L2"][-1, place]
            level = left + (0.09 if weight == "A" else -0.12)  # apart where both are dragged to one
            stage.text(f"name {weight}", sizes, SIZES[place], level, weight, align="center")
            handle = {"color": figures.BLACK, "along": "x", "on_drag": partial(resize, weight)}
            name = f"gradients of weight {weight}"
            stage.handle(weight, sizes, SIZES[place], left, name=name, **handle)
        ends = {
            weight: [by_way[-1, place] for by_way in points.values()]
            for weight, place in places.items()
        }
        stage.say(shrunk(rule.value, strength.value, ends, places))

    def resize(weight, size, _):
        places[weight] = int(np.abs(np.log(SIZES / size)).argmin())
        update()

    return Explorer(stage, [rule, strength], update)


def shrunk(rule: str, strength: float, ends: dict, places: dict) -> str:
    """Say in words what an L2 penalty and weight decay have left of each weight."""
    said = [
        f"Weight {weight}, gradients of size {SIZES[places[weight]]:.2g}: the penalty leaves "
        f"{number(penalised)}, the decay {number(decayed)}."
        for weight, (penalised, decayed) in ends.items()
    ]
    return f"{rule}, λ = {strength:.2g}, decay 2λ, both weights from 1. {' '.join(said)}"


def stop_early() -> Explorer:
    """A network on wrong labels: when to stop, by hand and by patience."""
    runs = {name: wrong_label_run(share) for name, share in WRONG_LABELS.items()}
    fig, (losses, accuracies) = figures.subplots(columns=2, size=(9.6, 4.5))
    losses.set(title="Loss by epoch", ylabel="cross-entropy", ylim=(1e-3, 10), yscale="log")
    accuracies.set(title="Accuracy by epoch", ylabel="labels matched (%)", ylim=(0, 103))
    for ax in (losses, accuracies):
        ax.set(xlabel="epoch", xlim=(0, EPOCHS))
    stage = Stage(fig, name="Losses and accuracies of a network by epoch, and where to stop")
    wrong = choice("Wrong labels", list(WRONG_LABELS), "40 %")
    patience = slider("Patience (epochs)", 5, 1, 30, 1)
    stop = slider("You stop after epoch", EPOCHS // 2, 0, EPOCHS, 1)
    shown = choice("Test curves", ["hidden", "shown"], "hidden")
    epochs = np.arange(EPOCHS + 1)

    def update():
        run = runs[wrong.value]
        ended, best = stopped_by_patience(run.losses["validation"], patience.value)
        for part, look in PART_LOOKS.items():
            if part == "test" and shown.value == "hidden":
                stage.remove("losses test")
                stage.remove("accuracies test")
                continue
            stage.curve(f"losses {part}", losses, epochs, run.losses[part], label=part, **look)
            stage.curve(
                f"accuracies {part}", accuracies, epochs, 100 * run.accuracies[part], **look
            )
        for ax, values in ((losses, run.losses), (accuracies, run.accuracies)):
            percent = 1 if ax is losses else 100
            key = "loss" if ax is losses else "accuracy"
            label = {"label": "you stop"} if ax is losses else {}
            stage.curve(f"{key} yours", ax, [stop.value] * 2, ax.get_ylim(), **MARK, **label)
            look = {"color": figures.BLACK, "dash": "dotted", "width": 1.2}
            label = {"label": "patience ends"} if ax is losses else {}
            stage.curve(f"{key} ended", ax, [ended] * 2, ax.get_ylim(), **look, **label)
            look = {"color": figures.BLACK, "marker": "diamond", "width": 3}
            label = {"label": "weights that early stopping keeps"} if ax is losses else {}
            height = [percent * values["validation"][best]]
            stage.curve(f"{key} best", ax, [best], height, **look, **label)
        opened = shown.value == "shown"
        stage.say(stopped(wrong.value, run, stop.value, patience.value, (ended, best), opened))

    return Explorer(stage, [wrong, stop, patience, shown], update)


def stopped(wrong: str, run: Curves, yours: int, patience: int, early, opened: bool) -> str:
    """Say in words what stopping costs and brings, by hand and by patience."""
    ended, best = early
    parts = PARTS if opened else PARTS[:2]
    yours_has, best_has = (
        ", ".join(f"{part} {100 * run.accuracies[part][epoch]:.0f} %" for part in parts)
        for epoch in (yours, best)
    )
    ending = (
        f"Patience {patience} ends the training after epoch {ended}"
        if ended < EPOCHS
        else f"Patience {patience} lets the training run to its end"
    )
    return (
        f"Wrong labels: {wrong}. You stop after epoch {yours}; labels matched: {yours_has}. "
        f"{ending} and keeps the weights of epoch {best}: {best_has}."
    )


WAY_LOOKS = dict(
    zip(
        ("batches of 16", "all 300 at once", "SAM, batches of 16"),
        (
            {"color": figures.SKY, "dash": "solid", "marker": "circle"},
            {"color": figures.BLACK, "dash": "dashed", "marker": "triangle"},
            {"color": figures.PURPLE, "dash": "dotted", "marker": "square"},
        ),
        strict=True,
    )
)
LOWEST_RISE = 1e-4


def flatness() -> Explorer:
    """Three ways to train, five seeds each: how flat the minima are, and the test errors."""
    found = minima()
    fig, (rises, scatter) = figures.subplots(columns=2, size=(9.6, 4.5), width_ratios=(1.15, 1))
    rises.set(title="How the training loss rises", xlabel="radius of the step away", xscale="log")
    rises.set(ylabel="rise of the loss", yscale="log", ylim=(LOWEST_RISE, 10))
    rises.set(xlim=(RADII[0], RADII[-1]))
    scatter.set(title="Rise at your radius and test error", xlabel="rise of the loss")
    scatter.set(xscale="log", xlim=(LOWEST_RISE, 10), ylim=(4, 7), ylabel="test error (%)")
    stage = Stage(fig, name="The rise of the loss around trained networks, and their test errors")
    kind = choice("Random steps", [FILTER, EQUAL], FILTER)
    radius = log_slider("Radius", 10**-0.5, -1.5, 0, 0.125)

    def update():
        place = int(np.abs(np.log(RADII / radius.value)).argmin())
        for name, look in WAY_LOOKS.items():
            rise = np.maximum(found[name].rises[kind.value], LOWEST_RISE / 10)
            drawn = look | {"width": 2, "label": f"{name}, median of {SEEDS} seeds"}
            stage.curve(f"rise {name}", rises, RADII, np.median(rise, axis=1), **drawn)
            thin = {"color": look["color"], "dash": "dotted", "width": 0.8}
            ends = np.stack([rise.min(axis=1), rise.max(axis=1)])
            stage.curve(f"seeds {name}", rises, RADII, ends, **thin)
            for seed, at in enumerate(zip(rise[place], found[name].test_error, strict=True)):
                dot = {"color": look["color"], "marker": look["marker"], "width": 3}
                stage.curve(f"{name} {seed}", scatter, *np.transpose([at]), **dot)
        mark = MARK | {"label": "your radius"}
        stage.curve("now", rises, [radius.value] * 2, rises.get_ylim(), **mark)
        stage.say(flat(found, kind.value, place))

    return Explorer(stage, [kind, radius], update)


def flat(found: dict[str, Minima], kind: str, place: int) -> str:
    """Say in words the median and the spread over seeds of the rise and of the test error."""
    rises = {name: one.rises[kind][place] for name, one in found.items()}
    tests = {name: one.test_error for name, one in found.items()}
    return (
        f"Random steps {kind}, radius {RADII[place]:.2g}; median (lowest to highest) of {SEEDS} "
        f"seeds. Rise of the loss: {spread(rises, '{:#.2g}')}. "
        f"Test error in per cent: {spread(tests, '{:.1f}')}."
    )


def spread(values: dict[str, np.ndarray], form: str) -> str:
    """Write the median, the lowest and the highest of each array.

    >>> spread({"one way": np.array([1.0, 2.0, 4.0])}, "{:.1f}")
    'one way 2.0 (1.0 to 4.0)'
    """
    said = []
    for name, array in values.items():
        middle, low, high = (form.format(one) for one in np.quantile(array, [0.5, 0, 1]))
        said.append(f"{name} {middle} ({low} to {high})")
    return "; ".join(said)


REMEDY_LOOKS = (
    {"color": figures.BLACK, "dash": "solid", "marker": "circle"},
    {"color": figures.PURPLE, "dash": "dashed", "marker": "square"},
    {"color": figures.SKY, "dash": "dotted", "marker": "triangle"},
)


def faulty_data() -> Explorer:
    """A fault in a share of the data, and the test error of three ways to train on them."""
    errors = fault_errors()
    fig, (by_share, splits) = figures.subplots(columns=2, size=(9.6, 4.5), sharey=True)
    stage = Stage(fig, name="Test errors by the share of faulty data, and in each split")
    fault_choice = choice("Fault", list(FAULTS), next(iter(FAULTS)))
    share = choice("Share", [(f"{percent} %", percent) for percent in SHARES.tolist()], 20)
    now = {"fault": None}

    def draw_background(fault):
        by_share.set(title=f"Median of {SPLITS} random splits", xlabel=f"% {fault.what}")
        by_share.set(ylabel=f"test error ({fault.unit})", xlim=(-1, 41), xticks=SHARES)
        by_share.set(yscale="log", ylim=fault.ticks[:: len(fault.ticks) - 1])
        by_share.set_yticks(fault.ticks, [f"{tick:g}" for tick in fault.ticks])
        by_share.minorticks_off()
        splits.set(title="Your share: each split is a line", xlim=(-0.4, 2.4))
        splits.set_xticks(range(3), [name.replace(" ", "\n", 1) for name in fault.remedies])
        stage.background_changed()

    def update():
        fault = FAULTS[fault_choice.value]
        if now["fault"] != fault_choice.value:
            now["fault"] = fault_choice.value
            draw_background(fault)
        table = errors[fault_choice.value]
        chosen = table[int(np.flatnonzero(share.value == SHARES)[0])]
        grey = {"color": figures.GREY, "width": 1}
        stage.curve("splits", splits, np.tile(np.arange(3.0), (SPLITS, 1)), chosen, **grey)
        for way, (name, look) in enumerate(zip(fault.remedies, REMEDY_LOOKS, strict=True)):
            median = np.median(table[..., way], axis=1)
            stage.curve(f"median {way}", by_share, SHARES, median, label=name, **look)
            for split, height in enumerate(chosen[:, way]):
                dot = look | {"width": 2.5}
                stage.curve(f"{way} in split {split}", splits, [way], [height], **dot)
        mark = MARK | {"label": "your share"}
        stage.curve("now", by_share, [share.value] * 2, by_share.get_ylim(), **mark)
        stage.say(remedied(fault, share.value, chosen))

    return Explorer(stage, [fault_choice, share], update)


def remedied(fault, share: int, errors: np.ndarray) -> str:
    """Say in words the median error of each way, and in how many splits it beats the first."""
    medians = np.median(errors, axis=0)
    first, *others = fault.remedies
    said = [
        f"{name} {medians[way]:.0f} (lower in {np.sum(errors[:, way] < errors[:, 0])} of {SPLITS})"
        for way, name in enumerate(others, start=1)
    ]
    return (
        f"{share} % {fault.what}. Test error in {fault.unit}, median of {SPLITS} splits: "
        f"{first} {medians[0]:.0f}, {', '.join(said)}."
    )
