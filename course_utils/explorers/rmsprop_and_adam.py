"""The explorers of lesson 05: a race, Adam in parts, rare features, clipping, effective rates."""

from functools import partial

import numpy as np

from course_utils import figures
from course_utils.descent import minimize
from course_utils.explorers.adaptive_problems import (
    BAR_RATE,
    BAR_STEPS,
    CHANGE,
    CLIPS,
    EXAMPLES,
    LAST,
    PLACES,
    RACE_STEPS,
    RACERS,
    RACES,
    RATES,
    RULES,
    SPARSE_RULES,
    SPIKE,
    SPIKE_AT,
    STREAM,
    STREAMS,
    WITHOUT_MEAN,
    Clipped,
    dissect,
    moves,
    race_run,
    rare_sweep,
)
from course_utils.explorers.controls import again_button, choice, log_slider, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number, place, three_figures
from course_utils.landscapes import cliff
from course_utils.optimizers import SGD

SHOWN = {
    "all five": tuple(RACERS),
    "SGD and Momentum": ("SGD", "Momentum"),
    "Adagrad, RMSprop, Adam": ("Adagrad", "RMSprop", "Adam"),
} | {name: (name,) for name in RACERS}
RACER_MARKERS = dict(zip(RACERS, ("circle", "triangle", "diamond", "square", None), strict=True))
SAME_RATE = 0.01
LOWEST, HIGHEST = 1e-8, 1e4  # the heights in the pictures; zero has no place on their axes


def race() -> Explorer:
    """Five optimizers from one start: at the same rate, then each at its own best one."""
    shape = {"size": (9.8, 4.4), "width_ratios": (1.45, 1, 1)}
    fig, (plane, curve, rates) = figures.subplots(columns=3, **shape)
    curve.set(title="Who is lower, and when?", xlabel="step", xlim=(0, RACE_STEPS))
    curve.set(ylabel="height above the minimum")
    rates.set(title="Drag each one's rate", xlabel="learning rate", xscale="log")
    rates.set(ylabel=f"highest of the last {LAST} steps", xlim=(RATES[0], RATES[-1]))
    for ax in (curve, rates):
        ax.set(yscale="log", ylim=(LOWEST, HIGHEST), yticks=[1e-8, 1e-4, 1, 1e4])
        ax.minorticks_off()
    stage = Stage(fig, name="A race of five optimizers, their heights by step and by rate")
    course_choice = choice("Landscape", list(RACES), "Ravine, turned by 30°")
    shown = choice("Shown", list(SHOWN), "all five")
    factor = log_slider("Factor on every rate", 1.0, -1, 1)
    tune = again_button("Tune each one's rate from this start")
    now = {"course": None, "start": None, "rates": None, "tuned": None, "by hand": set()}

    def draw_background(course):
        plane.clear()
        figures.contours(plane, course.landscape)
        plane.set_title("One start for all")
        stage.background_changed()

    def update():
        course = RACES[course_choice.value]
        if now["course"] != course_choice.value:
            everyone = dict.fromkeys(RACERS, SAME_RATE)
            now.update(course=course_choice.value, start=course.start, rates=everyone, tuned=None)
            now["by hand"].clear()
            draw_background(course)
        if tune.take_press():
            now.update(tuned=now["start"])
            now["rates"] = {name: RATES[run(name).ends.argmin()] for name in RACERS}
            now["by hand"].clear()
        ends = {}
        for name in RACERS:
            if name in SHOWN[shown.value]:
                raced = run(name, factor.value)
                draw(name, factor.value * now["rates"][name], raced)
                ends[name] = raced.end
            else:
                for part in ("path", "height", "sweep", "now", "rate"):
                    stage.remove(f"{part} {name}")
        start = {"color": figures.BLACK, "name": "start", "on_drag": move}
        stage.handle("start", plane, *now["start"], **start)
        how = chosen(now["rates"], now["start"], now["tuned"], factor.value, now["by hand"])
        stage.say(f"{how} {won(ends)}")

    def run(name, factor=1.0):
        return race_run(name, now["course"], now["start"], now["rates"][name], factor)

    def draw(name, rate, run):
        color, dash = figures.OPTIMIZER_STYLES[name]
        look = {"color": color, "dash": dash, "width": 1.7}
        heights, ends = (np.maximum(values, LOWEST / 10) for values in (run.heights, run.ends))
        walked = look | {"marker": RACER_MARKERS[name], "stepped": True}
        # A path that flies apart would cover the picture.
        points = np.where(run.heights[:, None] > HIGHEST, np.nan, run.points)
        stage.curve(f"path {name}", plane, *points.T, label=name, **walked)
        stage.curve(f"height {name}", curve, np.arange(RACE_STEPS + 1), heights, **walked)
        stage.curve(f"sweep {name}", rates, RATES, ends, **look)
        here = np.clip([run.end], LOWEST, HIGHEST)
        marker = {"color": color, "marker": RACER_MARKERS[name] or "circle", "width": 4}
        stage.curve(f"now {name}", rates, [rate], here, **marker)
        handle = {"color": color, "name": f"rate of {name}", "along": "x"}
        on_drag = partial(set_rate, name)
        stage.handle(f"rate {name}", rates, rate, here[0], on_drag=on_drag, **handle)

    def set_rate(name, rate, _):
        now["rates"][name] = rate / factor.value
        now["by hand"].add(name)
        update()

    def move(x, y):
        now["start"] = (x, y)
        update()

    return Explorer(stage, [course_choice, shown, factor, tune], update)


def chosen(rates: dict[str, float], start, tuned_at, factor: float, by_hand: set[str]) -> str:
    """Say in words how the learning rates of a race were chosen."""
    times = "" if abs(factor - 1) < 1e-9 else f", times {factor:.2g}"
    own, others = (
        ", ".join(f"{name} {rate:.2g}" for name, rate in rates.items() if (name in by_hand) is set_)
        for set_ in (True, False)
    )
    hand = f"Set by hand: {own}{times}. " if own else ""
    if not others:
        return hand.rstrip()
    if tuned_at is None:
        whose = "the others have" if own else "every optimizer has"
        return f"{hand}Not tuned: {whose} the same rate {SAME_RATE}{times}."
    where = "this start" if tuned_at == start else f"the start {place(tuned_at)}"
    return (
        f"{hand}Each rate is the best of the same {len(RATES)} from {RATES[0]:.2g} to "
        f"{RATES[-1]:.2g} for {where}: {others}{times}."
    )


def won(ends: dict[str, float]) -> str:
    """Say in words who ends lowest and who highest."""
    lowest, highest = min(ends, key=ends.get), max(ends, key=ends.get)
    opening = f"In the last {LAST} of {RACE_STEPS} steps"
    if ends[lowest] > HIGHEST:
        return f"{opening} all of these runs rise above {HIGHEST:,.0f}."
    return (
        f"{opening} the highest point of {lowest} is {height(ends[lowest])}, the least of all, and "
        f"that of {highest} is {height(ends[highest])}, the most."
    )


def height(value: float) -> str:
    """Write a height, and one that is outside the picture as such.

    >>> height(0.0123), height(1e-12), height(np.inf)
    ('0.012', 'below 1e-08', 'above 10,000')
    """
    if value < LOWEST:
        return f"below {LOWEST:.0e}"
    return f"above {HIGHEST:,.0f}" if value > HIGHEST else f"{value:.2g}"


PLACE_LOOKS = dict(
    zip(
        PLACES,
        [(figures.BLACK, "solid"), (figures.RED, "dashed"), (figures.SKY, "dotted")],
        strict=True,
    )
)


def dissected() -> Explorer:
    """A stream of gradients to shape, what Adam remembers of it, and the steps it takes."""
    fig, axes = figures.subplots(rows=3, size=(8.4, 6.6), sharex=True, height_ratios=(1.2, 1, 1.2))
    means, roots, steps = axes
    means.set(title="Gradients (dots) and their mean $m$ over about ten steps", ylim=(-2.5, 5.2))
    roots.set(title=r"Their size: $\sqrt{v}$, a mean over about a thousand steps", ylim=(0, 5.2))
    steps.set(title=r"The step: the first divided by the second", ylim=(-3.5, 7), xlabel="step")
    steps.set(ylabel="downhill step / η", xlim=(0, STREAM + 1))
    for ax in (means, roots):
        ax.set_ylabel("in units of the size")
    for ax in (means, steps):
        ax.axhline(0, color="#888888", linewidth=0.8)
    steps.axhline(1, color="#888888", linewidth=0.8, linestyle=":")
    stage = Stage(fig, name="Gradients, the two running means of Adam, and its steps")
    kind = choice("Gradients", list(STREAMS), "constant")
    corrected = choice("Bias correction", ["on", "off"], "on")
    size = log_slider("Size of the gradients", 1.0, -8, 3, 0.25)
    epsilon = log_slider("Epsilon ε", 1e-7, -10, 0, 0.25)
    now = {"kind": None, "spike": None}
    taken = np.arange(1, STREAM + 1)

    def update():
        if now["kind"] != kind.value:
            height = SPIKE.get(kind.value, STREAMS[kind.value][SPIKE_AT - 1])
            now.update(kind=kind.value, spike=(SPIKE_AT, height))
        at, height = now["spike"]
        stream = np.where(taken == at, height, STREAMS[kind.value])
        parts = dissect(size.value * stream, epsilon.value, corrected.value == "on")
        pairs = {
            "mean": (means, stream, parts.mean, parts.corrected_mean),
            "root": (roots, np.abs(stream), parts.root, parts.corrected_root),
        }
        widths = (1.2, 2.6) if corrected.value == "on" else (2.6, 1.2)
        for key, (ax, gradients, plain, mended) in pairs.items():
            stage.dots(f"gradients {key}", ax, taken, gradients, color=figures.BLACK, size=4)
            look = {"color": figures.GREY, "dash": "dashed", "width": widths[0]}
            label = {"label": "running mean"} if ax is means else {}
            stage.curve(key, ax, taken, plain / size.value, **look, **label)
            look = {"color": figures.SKY, "width": widths[1]}
            label = {"label": "corrected for its start at 0"} if ax is means else {}
            stage.curve(f"corrected {key}", ax, taken, mended / size.value, **look, **label)
        for column, name in enumerate(PLACES):
            color, dash = PLACE_LOOKS[name]
            look = {"color": color, "dash": dash, "width": 2.4, "label": f"step, ε {name}"}
            stage.curve(f"step {name}", steps, taken, -parts.moves[:, column], **look)
        handle = {"color": figures.RED, "name": "one gradient", "on_drag": move}
        stage.handle("spike", means, at, height, **handle)
        stage.say(felt(-parts.moves, size.value, corrected.value))

    def move(x, y):
        now["spike"] = (int(np.clip(round(x), 1, STREAM)), y)
        update()

    return Explorer(stage, [kind, size, corrected, epsilon], update)


def felt(steps: np.ndarray, size: float, corrected: str) -> str:
    """Say in words how long Adam's steps are, and whether the place of epsilon matters."""
    opening = f"Gradients of size {size:.2g}, bias correction {corrected}: "
    first, last = steps[0], steps[-1]
    apart = np.ptp(steps, axis=1).max() / np.abs(steps).max()
    if apart < 0.01:
        return (
            f"{opening}the first step is {number(first[0])} η, the last {number(last[0])} η. "
            "It makes no difference here where ε stands."
        )
    firsts, lasts = (", ".join(number(step, 3) for step in row) for row in (first, last))
    return (
        f"{opening}the first step is {firsts} η and the last {lasts} η, for ε as in the paper, as "
        "in Keras and inside the root."
    )


def rare_features() -> Explorer:
    """Sparse data: one rate for all weights against a rate for each of them."""
    fig, axes = figures.subplots(rows=2, columns=2, size=(9.4, 6.4), sharey=True)
    stage = Stage(fig, name="Errors of common and rare weights under SGD and Adagrad")
    titles = {"SGD": "SGD: one rate for all weights", "Adagrad": "Adagrad: a rate for each weight"}
    for name, (by_rate, by_step) in zip(SPARSE_RULES, axes.T, strict=True):
        by_rate.set(title=titles[name], xscale="log", xlim=(RATES[0], RATES[-1]), ylim=(0, 1.25))
        by_rate.set(xlabel="learning rate")
        by_step.set(title=f"{name} at your rate", xlabel="examples seen", xlim=(0, EXAMPLES))
    axes[0, 0].set_ylabel(f"error after {EXAMPLES} examples")
    axes[1, 0].set_ylabel("mean error of the weights")
    share = log_slider("Share of examples with a rare feature", 10**-1.7, -2, -0.3, 0.1)
    again = again_button("Other data")
    now, places = {"data": None}, {}
    groups = {"common weights": (figures.SKY, "solid"), "rare weights": (figures.RED, "dashed")}

    def update():
        data = share.value, again.value
        errors = rare_sweep(*data)
        if now["data"] != data:
            now["data"] = data
            places.update({name: best(by_rate) for name, by_rate in errors.items()})
        for name, (by_rate, by_step) in zip(SPARSE_RULES, axes.T, strict=True):
            rate = RATES[places[name]]
            for column, (group, (color, dash)) in enumerate(groups.items()):
                look = {"color": color, "dash": dash}
                label = {"label": group} if name == "SGD" else {}
                ends, course = errors[name][-1, :, column], errors[name][:, places[name], column]
                stage.curve(f"{name} {group}", by_rate, RATES, ends, **look, **label)
                stage.curve(f"{name} {group} by step", by_step, range(EXAMPLES + 1), course, **look)
            grey = {"color": figures.GREY, "width": 1}
            stage.curve(f"{name} line", by_rate, [rate] * 2, [0, 1.25], **grey)
            handle = {"color": figures.BLACK, "name": f"rate of {name}", "along": "x"}
            stage.handle(name, by_rate, rate, 1.12, on_drag=partial(pick, name), **handle)
        stage.say(learned(errors, places, round(share.value * EXAMPLES)))

    def pick(name, rate, _):
        places[name] = int(np.abs(np.log(RATES / rate)).argmin())
        update()

    return Explorer(stage, [share, again], update)


def best(errors: np.ndarray) -> int:
    """Return the place of the rate with the least sum of both groups' errors at the end."""
    return int(errors[-1].sum(axis=-1).argmin())


def learned(errors: dict[str, np.ndarray], places: dict[str, int], times: int) -> str:
    """Say in words how well each optimizer has learned both kinds of weights."""
    said = []
    for name, by_rate in errors.items():
        common, rare = by_rate[-1, places[name]]
        its_best = ", its best" if places[name] == best(by_rate) else ""
        outcome = (
            "it diverges"
            if max(common, rare) > 10
            else f"{number(common)} common, {number(rare)} rare"
        )
        said.append(f"{name} at the rate {RATES[places[name]]:.2g}{its_best}: {outcome}")
    return (
        f"A rare feature is on in {times} of {EXAMPLES} examples. Errors of the weights, 1 at the "
        f"start: {'; '.join(said)}."
    )


CLIFF_STEPS = 60


def clipping() -> Explorer:
    """A path over a cliff, with and without clipping."""
    landscape = cliff()
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.6, 4.4), width_ratios=(1.25, 1))
    figures.contours(plane, landscape)
    plane.set(title="One step from the cliff throws the path away")
    plane.annotate("cliff", (1.03, -2.3), color="#333333")
    curve.set(title="The cliff is a peak of the gradient", xlabel="step", xlim=(0, CLIFF_STEPS))
    curve.set(ylabel="length of the gradient", yscale="log", ylim=(1e-3, 100))
    stage = Stage(fig, name="Gradient descent over a cliff, with and without clipping")
    kind = choice("Clip", list(CLIPS), "by norm")
    limit = log_slider("Limit", 1.0, -2, 2)
    rate = log_slider("Learning rate η", 1.0, -1, 0.5)
    now = {"start": (2.5, 1.5)}

    def update():
        runs = {
            "not clipped": (landscape, figures.RED, "dashed", "triangle"),
            f"clipped {kind.value}": (
                Clipped(landscape, kind.value, limit.value),
                figures.BLUE,
                "solid",
                "circle",
            ),
        }
        paths = []
        for key, (label, run) in zip(("wild", "clipped"), runs.items(), strict=True):
            objective, color, dash, marker = run
            path = minimize(objective, SGD(rate.value), now["start"], CLIFF_STEPS)
            look = {"color": color, "dash": dash, "marker": marker, "stepped": True, "width": 1.5}
            stage.curve(key, plane, *path.points.T, label=label, **look)
            lengths = np.linalg.norm(landscape.gradient(path.points), axis=-1)
            stage.curve(f"{key} length", curve, path.steps, np.maximum(lengths, 1e-12), **look)
            paths.append(path)
        dotted = {"color": figures.GREY, "dash": "dotted", "label": "limit"}
        stage.curve("limit", curve, [0, CLIFF_STEPS], [limit.value] * 2, **dotted)
        start = {"color": figures.BLACK, "name": "start", "on_drag": move}
        stage.handle("start", plane, *now["start"], **start)
        stage.say(thrown(*paths, landscape))

    def move(x, y):
        now["start"] = (x, y)
        update()

    return Explorer(stage, [kind, limit, rate], update)


def thrown(wild, clipped, landscape) -> str:
    """Say in words where the longest step of the free path led, and when both paths arrive."""
    jumps = np.linalg.norm(np.diff(wild.points, axis=0), axis=-1)
    longest = jumps.argmax()
    landing = wild.points[longest + 1]
    (left, right), (low, high) = landscape.window
    inside = left <= landing[0] <= right and low <= landing[1] <= high
    where = "" if inside else ", outside the picture"
    return (
        f"Without clipping, step {longest + 1} is the longest: {number(jumps[longest])}, to "
        f"{place(landing)}{where}; the path {arrival(wild, landscape)}. With clipping it "
        f"{arrival(clipped, landscape)}."
    )


def arrival(path, landscape) -> str:
    """Say in words after how many steps a path comes to rest near the minimum."""
    away = np.linalg.norm(path.points - landscape.minima[0], axis=-1)
    far = np.flatnonzero(away > 0.1)
    settled = far[-1] + 1 if len(far) else 0
    if settled > CLIFF_STEPS:
        return f"is still {number(away[-1])} from the minimum after {CLIFF_STEPS} steps"
    return f"is within 0.1 of the minimum from step {settled} on"


def effective_rates() -> Explorer:
    """Eight parameters whose gradients differ in size: the rate that each of them gets."""
    fig, axes = figures.subplots(rows=2, columns=2, size=(9.4, 6.6))
    (sizes_ax, rates_ax), (steps_ax, course_ax) = axes
    titles = ("Gradients: drag them", "The rate each one gets", "The steps they take")
    for ax, title in zip((sizes_ax, rates_ax, steps_ax), titles, strict=True):
        ax.set(title=title, xlabel="parameter", xlim=(0.4, 8.6), yscale="log", xticks=range(1, 9))
    sizes_ax.set(ylabel="size of the gradient", ylim=(1e-4, 1e4))
    rates_ax.set(ylabel="effective rate", ylim=(1e-7, 1e1))
    steps_ax.set(ylabel="length of the step", ylim=(1e-6, 1e2))
    steps_ax.axhline(BAR_RATE, color="#888888", linewidth=0.8, linestyle=":")
    course_ax.set(title="The effective rates by step", xlabel="step", yscale="log")
    course_ax.set(ylabel="effective rate", ylim=(1e-7, 1e1), xlim=(0, BAR_STEPS + 1))
    stage = Stage(fig, name="Gradients, effective rates and steps of eight parameters")
    rule = choice("Optimizer", list(RULES), "Adagrad")
    step = slider("Step", 40, 1, BAR_STEPS, 1)
    change = log_slider(f"Gradients after step {CHANGE}, times", 0.1, -2, 2, 0.25)
    sizes = np.geomspace(0.01, 100, 8)

    def update():
        taken = np.arange(1, BAR_STEPS + 1)
        scales = np.where(taken > CHANGE, change.value, 1.0)
        gradients = scales[:, None] * sizes
        steps = np.abs(moves(gradients, RULES[rule.value]))
        rates = np.abs(moves(gradients, WITHOUT_MEAN[rule.value])) / gradients
        now = step.value - 1
        color, _ = figures.OPTIMIZER_STYLES[rule.value]
        for key, ax, values, shade in (
            ("gradient", sizes_ax, gradients[now], "#B0B0B0"),
            ("rate", rates_ax, rates[now], color),
            ("length", steps_ax, steps[now], color),
        ):
            stage.curve(key, ax, *bars(values, ax.get_ylim()[0]), color=shade, width=2.5)
        stage.curve("rates", course_ax, taken, rates.T, color=color, width=1.5)
        look = {"color": figures.GREY, "dash": "dashed", "width": 1}
        stage.curve("now", course_ax, [step.value] * 2, course_ax.get_ylim(), **look)
        for column, size in enumerate(gradients[now]):
            name = f"gradient of parameter {column + 1}"
            handle = {"color": figures.BLACK, "name": name, "along": "y"}
            on_drag = partial(resize, column, scales[now])
            stage.handle(name, sizes_ax, column + 1, size, on_drag=on_drag, **handle)
        stage.say(equalised(rule.value, step.value, gradients, steps, rates))

    def resize(column, scale, _, size):
        sizes[column] = size / scale
        update()

    return Explorer(stage, [rule, step, change], update)


def bars(values: np.ndarray, foot: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a bar for each value as a line that goes up and down so closely that it fills it."""
    across = np.repeat(np.linspace(-0.3, 0.3, 14), 2)
    x = np.arange(1, len(values) + 1)[:, None] + across
    upper = np.isin(np.arange(across.size) % 4, (1, 2))
    return x, np.where(upper, values[:, None], foot)


def equalised(name: str, step: int, gradients, steps, rates) -> str:
    """Say in words how far gradients and steps differ, and what became of the rates."""
    apart = [values[step - 1].max() / values[step - 1].min() for values in (gradients, steps)]
    lengths = (
        "all steps are equally long"
        if apart[1] < 1.005
        else f"the steps differ by a factor of {factor(apart[1])}"
    )
    rate, share = rates[step - 1, 0], rates[step - 1, 0] / rates[0, 0]
    return (
        f"{name} at the rate η = {BAR_RATE} (dotted), step {step}: the gradients differ by a "
        f"factor of {factor(apart[0])}, {lengths}. The effective rate of parameter 1 is "
        f"{three_figures(rate)}, {three_figures(share)} times that at step 1."
    )


def factor(value: float) -> str:
    """Write a factor, a large one as a whole number.

    >>> factor(10_000.2), factor(1.234)
    ('10,000', '1.23')
    """
    return f"{value:,.0f}" if value >= 10 else three_figures(value)
