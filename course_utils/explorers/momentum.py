"""The explorers of lesson 04: a ravine, the regimes, the look-ahead, conventions, crossings."""

import numpy as np

from course_utils import figures, landscapes
from course_utils.descent import minimize, walk
from course_utils.explorers.controls import choice, log_slider, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.gradient_descent import which_minimum
from course_utils.explorers.learning_rate import parabola
from course_utils.explorers.momentum_problems import (
    CONSTANT,
    CROSSINGS,
    DROP,
    STREAM_STEPS,
    WARM_UP,
    RateOutside,
    best_of_each,
    crossed,
    factor_per_step,
    onward,
    rates_by_step,
    streams,
)
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number, place, three_figures
from course_utils.optimizers import SGD

ROUNDING = 1e-9  # a run exactly at its limit does not count as one beyond it


def style(optimizer: str, **more) -> dict:
    """Return the look of an optimizer's curves, the same in the whole course."""
    color, dash = figures.OPTIMIZER_STYLES[optimizer]
    return {"color": color, "dash": dash, "stepped": True, **more}


RACE_STEPS = 700
MILLIONTH = 1e-6
BEST, SLIDERS = "each one's best", "from the sliders"
TURN = np.linspace(0, 2 * np.pi, 121)
RINGS = np.geomspace(0.3, 40, 11)[:, None]


def ravine() -> Explorer:
    """Gradient descent and momentum from one start, in a ravine as narrow as the learner likes."""
    fig, ((upper, curve), (lower, unused)) = figures.subplots(
        2, 2, size=(9.6, 5.0), width_ratios=(1.25, 1)
    )
    unused.remove()
    curve.set_subplotspec(curve.get_gridspec()[:, 1])
    upper.set(title="In a ravine the slope points across")
    lower.set(title="Velocity adds up along it, cancels across", xlabel="$x$, flat")
    for plane in (upper, lower):
        plane.set(xlim=(-3, 3), ylim=(-1.2, 1.2), ylabel="$y$, steep")
        plane.plot(0, 0, "*", color="#333333", markersize=11, markeredgecolor="white")
        plane.grid(False)
    curve.set(title="Who gets to a millionth first?", xlabel="step", yscale="log")
    curve.set(ylabel="distance / distance of the start", xlim=(0, RACE_STEPS), ylim=(1e-8, 10))
    curve.axhline(MILLIONTH, color=figures.GREY, linewidth=1)
    stage = Stage(fig, name="Gradient descent and momentum in a ravine, and their distances")
    # 34 steps from 1 to 50 and as many beyond: a slider must start on one of its steps.
    narrow = log_slider("Condition number κ", 50, 0, np.log10(2500), np.log10(50) / 34)
    setting = choice("Rates and β", [SLIDERS, BEST], SLIDERS)
    rate = slider("Rate × steepest curvature, ηL", 1.8, 0.05, 4.0, 0.05)
    beta = slider("Momentum β", 0.7, 0.0, 0.99, 0.01)
    start = {"point": (-2.6, 0.5)}

    def update():
        kappa = narrow.value
        if setting.value == BEST:
            rates, betas = best_of_each(kappa)
        else:
            rates, betas = np.full(2, rate.value / kappa), np.array([0.0, beta.value])
        path = minimize(landscapes.bowl(kappa), SGD(rates, betas), start["point"], RACE_STEPS)
        with np.errstate(all="ignore"):  # a run that diverges ends at infinity
            far = np.linalg.norm(path.points, axis=-1)
            far = far / max(far[0, 0], 1e-300)
        rings = RINGS * np.cos(TURN), RINGS * np.sin(TURN) / np.sqrt(kappa)
        runs = (("SGD", upper, "gradient descent"), ("Momentum", lower, "momentum"))
        for run, (name, plane, label) in enumerate(runs):
            stage.curve(f"{name} rings", plane, *rings, color=figures.FAINT, width=0.7)
            points = path.points[:, run].T
            stage.curve(f"{name} path", plane, *points, **style(name, dash="solid", width=1.3))
            stage.curve(name, curve, path.steps, far[:, run], **style(name, label=label))
            handle = {"color": figures.BLACK, "name": "start", "on_drag": move}
            stage.handle(f"{name} start", plane, *start["point"], **handle)
        steepness = rates * np.array([[1.0], [kappa]])
        unused = " The sliders for ηL and β have no effect." if setting.value == BEST else ""
        factors = factor_per_step(steepness, betas).max(axis=0)
        stage.say(raced(kappa, steepness[1], betas[1], factors, far) + unused)

    def move(x, y):
        start["point"] = (x, y)
        update()

    return Explorer(stage, [narrow, setting, rate, beta], update)


def raced(kappa: float, steepness, beta: float, factors, far: np.ndarray) -> str:
    """Say in words how fast both runs are, and when they came to a millionth of the distance."""
    if not far.any():
        return "The start is the minimum. The slope there is zero, so no step moves the point."
    ends = []
    for distances, factor in zip(far.T, factors, strict=True):
        above = np.flatnonzero(~(distances <= MILLIONTH))
        if above[-1] < RACE_STEPS:
            ends.append(f"from step {above[-1] + 1} on")
        else:
            ends.append(
                "never (it diverges)" if factor > 1 + ROUNDING else f"not in {RACE_STEPS} steps"
            )
    return (
        f"κ = {round(kappa, 1):g}. In the long run a step multiplies the distance by "
        f"{factors[0]:.3f} for gradient descent (ηL = {number(steepness[0])}) and by "
        f"{factors[1]:.3f} for momentum (ηL = {number(steepness[1])}, β = {number(beta)}). "
        f"Below a millionth: gradient descent {ends[0]}, momentum {ends[1]}."
    )


SWINGS = 60
MAP_EDGES = (-2.0, 0.8)  # powers of ten


def phase_portrait() -> Explorer:
    """The map of all rates and β for one curvature, and the run of the point picked on it."""
    fig, (plane, phase, curve) = figures.subplots(
        columns=3, size=(9.8, 3.9), width_ratios=(1.6, 1, 1)
    )
    draw_regimes(plane)
    phase.set(title="Inward or outward?", xlabel="weight $w$", xlim=(-1.5, 1.5), ylim=(-2, 2))
    phase.set(ylabel=r"velocity $v/\sqrt{\eta\lambda}$")
    curve.set(title="Does $w$ swing?", xlabel="step", ylabel="weight $w$")
    curve.set(xlim=(0, SWINGS), ylim=(-1.5, 1.5))
    for ax in (phase, curve):
        ax.axhline(0, color=figures.GREY, linewidth=0.8)
    stage = Stage(fig, name="Map of momentum's regimes, and one run as a path and by step")
    rate = log_slider("Rate × curvature, ηλ", 0.1, *MAP_EDGES, 0.01)
    beta = slider("Momentum β", 0.9, 0.0, 1.0, 0.01)

    def update():
        path = minimize(parabola(1.0), SGD(rate.value, beta.value), [1.0], SWINGS)
        w = path.points[:, 0]
        velocity = np.diff(w, prepend=w[0]) / np.sqrt(rate.value)
        look = style("Momentum", dash="solid", marker="circle", width=1)
        stage.curve("path", phase, w, velocity, label="momentum, from w = 1 at rest", **look)
        stage.curve("weight", curve, path.steps, w, **look)
        handle = {"color": figures.BLACK, "name": "rate and β", "on_drag": move}
        stage.handle("pair", plane, rate.value, beta.value, **handle)
        stage.say(regime(rate.value, beta.value))

    def move(x, y):
        rate.value, beta.value = 10 ** round(np.log10(x), 2), round(y, 2)  # as the sliders step
        update()  # also where rounding leaves both as they were

    return Explorer(stage, [rate, beta], update)


def draw_regimes(ax) -> None:
    """Draw the exact boundaries of the regimes and level lines of the factor per step."""
    beta, ends = np.linspace(0, 1, 401), 10.0 ** np.array(MAP_EDGES)
    low, high, limit = (1 - beta**0.5) ** 2, (1 + beta**0.5) ** 2, 2 * (1 + beta)
    left, right = np.full_like(beta, ends[0]), np.full_like(beta, ends[1])
    sides = (left, np.maximum(low, left), high, limit, right)
    for i, color in enumerate(("#DDEBE7", "#FBE6D9", "#E3E6F5", "#DADADA")):
        ax.fill_betweenx(beta, sides[i], sides[i + 1], color=color, linewidth=0)
    for edge, dash in ((low, "dashed"), (high, "dashed"), (limit, "solid")):
        ax.plot(edge, beta, color=figures.BLACK, linestyle=dash, linewidth=1.3)
    rates, levels = np.geomspace(*ends, 401), [0.3, 0.5, 0.7, 0.8, 0.9, 0.95]
    factors = factor_per_step(rates, beta[:, None])
    lines = ax.contour(rates, beta, factors, levels, colors=figures.GREY, linewidths=0.6)
    ax.clabel(lines, fmt="%g", fontsize=7.5, manual=[(0.9, level**2) for level in levels])
    ax.text(0.025, 0.2, "glides", fontsize=10, backgroundcolor="#DDEBE7")
    ax.text(0.3, 0.57, "swings", fontsize=10)
    ax.text(4.1, 0.6, "diverges", fontsize=10, rotation=90, va="center")
    arrow = {"arrowstyle": "-", "color": figures.BLACK}
    ax.annotate("jumps across", (1.7, 0.03), (0.33, 0.37), fontsize=10, arrowprops=arrow)
    ax.set(title="Where does momentum converge?", xlabel=r"rate × curvature, $\eta\lambda$")
    ax.set(ylabel=r"momentum $\beta$", xscale="log", xlim=ends, ylim=(0, 1))
    ax.set_xticks([0.01, 0.1, 1, 2, 4], ["0.01", "0.1", "1", "2", "4"])
    ax.minorticks_off()
    ax.grid(False)


def regime(rate: float, beta: float) -> str:
    """Say in words how a run on one curvature behaves, and what a step multiplies it by."""
    trace, factor = 1 + beta - rate, float(factor_per_step(rate, beta))
    swings, root = trace**2 < 4 * beta, ""
    if swings:
        period = 2 * np.pi / np.arccos(trace / (2 * beta**0.5))
        kind, root = f"w swings to and fro once in {number(period, 1)} steps", " = √β"
    elif trace >= 0:
        kind = "w glides towards the minimum and never crosses it"
    else:
        kind = "w jumps across the minimum at every step"
    ending = ", so it diverges" if factor > 1 + ROUNDING else ""
    return (
        f"ηλ = {three_figures(rate)}, β = {number(beta)}: {kind}. In the long run each step "
        f"multiplies its distance by {factor:.3f}{root}{ending}."
    )


ONWARD = 30
DRAWN = 10  # of these steps on the plane, so that the arrows stay visible
CURVATURE = 12.0  # across the valley; along it 1
ARROW_HEAD = 0.2  # in units of the plane


def look_ahead() -> Explorer:
    """One step of the heavy ball and of Nesterov's momentum, from one point and one velocity."""
    landscape = landscapes.ravine(CURVATURE, degrees=20)
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.6, 4.4), width_ratios=(1.45, 1))
    figures.contours(plane, landscape)
    plane.set(title="Nesterov asks for the slope where it is going", aspect="equal")
    plane.set(xlim=(-2.2, 2.2), ylim=(-1.9, 1.8))  # narrow, so that the arrows are long
    curve.set(title="Which one comes to rest first?", xlabel="step", yscale="log")
    curve.set(ylabel="height above the minimum", xlim=(0, ONWARD), ylim=(1e-3, 50))
    stage = Stage(fig, name="One step of heavy-ball and of Nesterov momentum, and the steps after")
    rate = slider("Learning rate η", 0.06, 0.005, 0.2, 0.005)
    beta = slider("Momentum β", 0.7, 0.0, 0.99, 0.01)
    now = {"w": np.array([-1.5, 0.4]), "v": np.array([2.3, -1.45])}
    window = np.transpose([plane.get_xlim(), plane.get_ylim()])

    def update():
        w, velocity = now["w"], now["v"]
        points = onward(landscape, SGD(rate.value, beta.value), w, velocity, ONWARD)
        heights, carried = landscape.value(points), w + beta.value * velocity
        grey = {"color": figures.GREY, "dash": "dotted", "width": 1.5}
        black = {"color": figures.BLACK, "width": 3, "label": "velocity part βv"}
        stage.curve("velocity", plane, *arrow(w, w + velocity), **grey, label="last step v")
        stage.curve("carried", plane, *arrow(w, carried), **black)
        kinds = {"Momentum": "heavy ball: −η · slope at w", "Nesterov": "Nesterov: at w + βv"}
        for run, (name, label) in enumerate(kinds.items()):
            look = {"color": style(name)["color"], "width": 4}
            stage.curve(f"{name} slope", plane, *arrow(carried, points[1, run]), **look)
            stage.curve(f"{name} path", plane, *points[1:DRAWN, run].T, **style(name, width=0.9))
            steps = np.arange(ONWARD + 1)
            stage.curve(name, curve, steps, heights[:, run], **style(name, label=label))
        handle = {"color": figures.GREY, "name": "end of the last step"}
        stage.handle("v", plane, *(w + velocity), on_drag=move_end, **handle)
        handle = {"color": figures.BLACK, "name": "point w"}
        stage.handle("w", plane, *w, on_drag=move_point, **handle)
        stage.say(stepped(carried, heights[1], rate.value * CURVATURE, beta.value))

    def move_point(x, y):
        end = np.clip(now["v"] + [x, y], *window)
        now.update(w=np.array([x, y]), v=end - [x, y])  # the end of the last step stays in sight
        update()

    def move_end(x, y):
        now["v"] = np.array([x, y]) - now["w"]
        update()

    return Explorer(stage, [rate, beta], update)


def arrow(tail: np.ndarray, tip: np.ndarray) -> np.ndarray:
    """Return an arrow as one polyline, shape (2, 5)."""
    length = np.linalg.norm(tip - tail)
    along = (tip - tail) / max(length, 1e-12) * min(ARROW_HEAD, length / 2)
    across = np.array([-along[1], along[0]]) / 2
    return np.stack([tail, tip, tip - along + across, tip, tip - along - across]).T


def stepped(carried: np.ndarray, heights: np.ndarray, steepness: float, beta: float) -> str:
    """Say in words where both steps lead, and which of the two diverges."""
    reading = (
        f"The velocity carries both to {place(carried)}. With the slope of w the heavy ball lands "
        f"at height {number(heights[0])}; with the slope of that place Nesterov lands at "
        f"{number(heights[1])}."
    )
    limits = 2 * (1 + beta), 2 * (1 + beta) / (1 + 2 * beta)
    if steepness <= limits[1] + ROUNDING:
        return reading
    who = "both diverge" if steepness > limits[0] + ROUNDING else "Nesterov diverges"
    return (
        f"{reading} In the long run {who}: ηL = {number(steepness)}, the limits are "
        f"{number(limits[0])} for the heavy ball and {number(limits[1])} for Nesterov."
    )


CONVERTED, UNCONVERTED = "η / (1 − β)", "η, not converted"
LOOKS = (
    {"color": figures.SKY, "width": 5},
    {"color": figures.ORANGE, "dash": "dashed", "width": 2.5},
    {"color": figures.BLACK, "dash": "dotted", "width": 2.5},
)


def conventions() -> Explorer:
    """The momentum of Keras, of PyTorch and of an average, while the rate changes."""
    fig, (upper, middle, lower) = figures.subplots(
        rows=3, sharex=True, size=(8.4, 5.8), height_ratios=(0.5, 1.2, 1)
    )
    upper.set(title="The learning rate", ylabel="rate / η", ylim=(0, 1.2), xlim=(0, STREAM_STEPS))
    middle.set(title="Whose steps follow it at once?", ylabel="step")
    lower.set(title="Where the steps lead", ylabel="weight $w$", xlabel="number of the step")
    stage = Stage(fig, name="The steps of three conventions of momentum while the rate changes")
    sources = streams()
    source = choice("Gradients", list(sources), next(iter(sources)))
    kind = choice("Rate", [CONSTANT, DROP, WARM_UP], DROP)
    average_rate = choice("Rate of the average", [CONVERTED, UNCONVERTED], CONVERTED)
    beta = slider("Momentum β", 0.9, 0.0, 0.95, 0.01)
    change = slider("Change at step", 30, 5, 55, 1)
    drawn = {"source": None}

    def update():
        stream = sources[source.value]
        if drawn["source"] != source.value:
            drawn["source"] = source.value
            middle.set(ylim=stream.steps)
            lower.set(ylim=stream.weights)
            stage.background_changed()
        steps = np.arange(STREAM_STEPS)
        rates = rates_by_step(kind.value, stream.rate, change.value)(steps)
        share = 1 - beta.value
        unit = share if average_rate.value == CONVERTED else 1.0
        three = {
            "Keras: v ← βv − ηg": SGD(rates.item, beta.value),
            "PyTorch: b ← βb + g": RateOutside(rates.item, beta.value),
            "average: a ← βa + (1 − β)g": RateOutside((rates / unit).item, beta.value, share),
        }
        edges = np.repeat(np.arange(STREAM_STEPS + 1), 2)[1:-1]
        relative = np.repeat(rates / stream.rate, 2)
        taken = []
        stage.curve("rate", upper, edges, relative, color=figures.GREY)
        for (label, optimizer), look in zip(three.items(), LOOKS, strict=True):
            name = label.partition(":")[0]
            w = walk(stream.objectives, optimizer, stream.start)[:, 0]
            taken.append(np.diff(w))
            stage.curve(f"{name} steps", middle, steps, taken[-1], **look, stepped=True)
            stage.curve(name, lower, np.arange(len(w)), w, **look, label=label, stepped=True)
        unused = " The slider for the change has no effect." if kind.value == CONSTANT else ""
        stage.say(compared(*taken, change.value, unit) + unused)

    return Explorer(stage, [source, kind, average_rate, beta, change], update)


def compared(keras, pytorch, average, change: int, unit: float) -> str:
    """Say in words where the steps of the three conventions part."""
    tiny = ROUNDING * np.abs(keras).max()
    parted = np.flatnonzero(np.abs(keras - pytorch) > tiny)
    if len(parted):
        before, after = (
            f"{three_figures(keras[step])} by Keras's momentum and {three_figures(pytorch[step])} "
            "by PyTorch's"
            for step in (change - 1, change)
        )
        opening = (
            f"Keras's and PyTorch's steps part at step {parted[0]}. Step {change - 1} is {before}; "
            f"step {change}, the first after the change, is {after}."
        )
    else:
        opening = "Keras's and PyTorch's momentum take the same steps."
    if np.abs(pytorch - average).max() <= tiny:
        return f"{opening} The average takes PyTorch's steps."
    return f"{opening} The average steps like PyTorch's momentum with the rate (1 − β) η."


def crossing() -> Explorer:
    """A saddle, a plateau or a ridge to cross, with and without momentum."""
    fig, (plane, curve) = figures.subplots(columns=2, size=(9.6, 4.3), width_ratios=(1.25, 1))
    stage = Stage(fig, name="Paths with and without momentum on a landscape, and their heights")
    where = choice("Landscape", list(CROSSINGS), "Saddle")
    rate = log_slider("Learning rate η", 0.1, -2, 0)
    beta = slider("Momentum β", 0.9, 0.0, 0.99, 0.01)
    drawn = {"where": None, "start": None}

    def draw_background(here):
        plane.clear()
        curve.clear()
        figures.contours(plane, here.landscape)
        plane.set_title(here.title)
        if len(here.landscape.minima) > 1:
            for letter, at in zip("AB", here.landscape.minima, strict=True):
                plane.annotate(letter, at, (7, 5), textcoords="offset points", weight="bold")
        curve.set(title="Height above the lowest minimum", xlabel="step", yscale="log")
        curve.set(xlim=(0, here.steps), ylim=(1e-4, 10))
        stage.background_changed()

    def update():
        here = CROSSINGS[where.value]
        if drawn["where"] != where.value:
            drawn.update(where=where.value, start=here.start)
            draw_background(here)
        landscape = here.landscape
        points, values = crossed(where.value, drawn["start"], rate.value, beta.value)
        heights = values - landscape.value(np.array(landscape.minima)).min()
        sentences = []
        for run, (name, label) in enumerate((("SGD", "Gradient descent"), ("Momentum",) * 2)):
            look = style(name, label=label.lower())
            stage.curve(f"{name} path", plane, *points[:, run].T, **look)
            height = np.maximum(heights[:, run], 1e-12)
            stage.curve(name, curve, np.arange(len(height)), height, **style(name))
            sentences.append(f"{label} {arrival(points[:, run], landscape.minima)}")
        handle = {"color": figures.BLACK, "name": "start", "on_drag": move}
        stage.handle("start", plane, *drawn["start"], **handle)
        stage.say(" ".join(sentences))

    def move(x, y):
        drawn["start"] = (x, y)
        update()

    return Explorer(stage, [where, rate, beta], update)


def arrival(points: np.ndarray, minima) -> str:
    """Say in words at which step a path first came near a minimum, and where it stayed."""
    if not np.isfinite(points[-1]).all():
        return "diverges."
    near, nowhere, steps = which_minimum(points, minima), len(minima), len(points) - 1
    names = ["the minimum"] if nowhere == 1 else ["A", "B"]
    if (near == nowhere).all():
        return f"has not come near {' or '.join(names)} after {steps} steps."
    first, last = int(np.argmax(near < nowhere)), near[-1]
    opening = f"comes near {names[near[first]]} at step {first}"
    if last == nowhere:
        return f"{opening}, but is not near it after {steps} steps."
    settled = np.flatnonzero(np.append(nowhere, near) != last)[-1]
    if settled == first:
        return f"{opening} and stays near it."
    end = "it" if last == near[first] else names[last]
    return f"{opening}, runs past it, and stays near {end} from step {settled} on."
