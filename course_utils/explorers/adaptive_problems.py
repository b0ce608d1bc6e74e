"""The problems that lesson 05's explorers show: a race, Adam's parts, rare features; no drawing."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from course_utils.descent import minimize, walk
from course_utils.explorers.controls import among, log_values
from course_utils.explorers.gradient_descent import Course
from course_utils.gradients import clip_by_norm, clip_by_value
from course_utils.landscapes import Landscape, bowl, ravine, rosenbrock, saddle
from course_utils.losses import mean_squared_error
from course_utils.optimizers import SGD, Adagrad, Adam, RMSprop

# A race on a landscape

RACES = {
    "Ravine along the axes": Course(bowl(condition_number=50), (-2.6, 1.4)),
    "Ravine, turned by 30°": Course(ravine(condition_number=50), (-2.6, 0.4)),
    "Rosenbrock's curved valley": Course(rosenbrock(), (-1.2, 1.0)),
    "Saddle": Course(saddle(), (-1.5, 0.02)),
}
RACERS = {
    "SGD": SGD,
    "Momentum": partial(SGD, momentum=0.9),
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
}
RACE_STEPS = 100
LAST = 10
RATES = 10 ** np.linspace(-3, 1, 21)
FACTORS = log_values(-1, 1)  # on every rate, as a slider has them


class Run(NamedTuple):
    """One optimizer's race: its points and heights by step, and how it ends, also at each of RATES.

    A height is counted from the lowest minimum; it is infinite where the run has diverged. The end
    is the highest of the last LAST heights, so that a run that just passes low does not win by it.
    """

    points: np.ndarray
    heights: np.ndarray
    end: float
    ends: np.ndarray


def race_run(racer: str, course: str, start: tuple[float, float], rate: float, factor=1.0) -> Run:
    """Race one optimizer from a start at its rate and, for comparison, at each of RATES.

    Args:
        racer: one of RACERS.
        course: one of RACES.
        start: a point of the plane.
        rate: the learning rate, positive.
        factor: what it is multiplied by; one of FACTORS costs nothing after the first of them.
    """
    factors, which = among(FACTORS, factor)
    points, heights, ends = _raced(racer, course, start, (*RATES, *(rate * factors)))
    run = len(RATES) + which
    return Run(points[:, run], heights[:, run], ends[run], ends[: len(RATES)])


@lru_cache(maxsize=100)
def _raced(racer: str, course: str, start: tuple, rates: tuple) -> tuple[np.ndarray, ...]:
    """Return one optimizer's points, heights and ends, one column a rate."""
    landscape, floor = RACES[course].landscape, RACES[course].floor
    path = minimize(landscape, RACERS[racer](np.array(rates)), start, RACE_STEPS)
    heights = np.where(np.isfinite(path.values), path.values - floor, np.inf)
    return path.points, heights, heights[-LAST:].max(axis=0)


# Steps on a given stream of gradients


@dataclass(frozen=True)
class Given:
    """An objective that has this gradient everywhere: a link of a stream that is made up.

    >>> steps = walk([Given(np.array([2.0]))] * 2, SGD(learning_rate=0.5), [0.0])
    >>> steps[:, 0]
    array([ 0., -1., -2.])
    """

    slope: np.ndarray

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return len(self.slope)

    def gradient(self, params: np.ndarray) -> np.ndarray:
        """Return the gradient, the same at all points."""
        return np.broadcast_to(self.slope, params.shape)


def moves(gradients: np.ndarray, optimizer) -> np.ndarray:
    """Return the steps of an optimizer on a stream of gradients, both of shape (steps, n)."""
    points = walk([Given(row) for row in gradients], optimizer, np.zeros(gradients.shape[1]))
    return np.diff(points, axis=0)


STREAM = 60
SPIKE_AT = 20
STREAMS = {
    "constant": np.ones(STREAM),
    "alternating": (-1.0) ** np.arange(STREAM),
    "small, with one spike": np.full(STREAM, 0.3),
    "rare: every twelfth step": np.where(np.arange(1, STREAM + 1) % 12 == 0, 1.0, 0.0),
    "noise around 0.3": 0.3 + np.random.default_rng(0).standard_normal(STREAM),
}
SPIKE = {"small, with one spike": 4.0}


class Parts(NamedTuple):
    """Adam taken to pieces, each of shape (steps,); `moves` has one column for each of PLACES."""

    mean: np.ndarray
    corrected_mean: np.ndarray
    root: np.ndarray
    corrected_root: np.ndarray
    moves: np.ndarray


PLACES = ("after the root (paper)", "before the correction (Keras)", "inside the root")


def dissect(gradients: np.ndarray, epsilon: float, corrected: bool) -> Parts:
    """Return m, v and the steps of Adam at the rate 1 on a stream of gradients of one parameter.

    Wherever epsilon stands, the step is the one of `Adam` with an epsilon of its own at each step.

    Args:
        gradients: shape (steps,).
        epsilon: ε, positive.
        corrected: whether the means are corrected for their start at zero.
    """
    taken = np.arange(1, len(gradients) + 1)
    filled_mean, filled_square = 1 - Adam.beta_1**taken, 1 - Adam.beta_2**taken
    adam = Adam(1.0 if corrected else lambda step: (filled_mean / filled_square**0.5)[step])
    point = np.zeros((len(PLACES), 1))
    points, states = [point], [adam.init(point)]
    for gradient, filled in zip(gradients, filled_square, strict=True):
        filled = filled if corrected else 1.0
        _, ahead = adam.update(gradient, states[-1], points[-1])
        square = ahead.mean_square[0, 0]
        inside = filled * epsilon / (np.sqrt(square + filled * epsilon) + np.sqrt(square))
        placed = replace(adam, epsilon=np.array([epsilon * filled**0.5, epsilon, inside]))
        point, state = placed.update(gradient, states[-1], points[-1])
        points.append(point)
        states.append(state)
    mean = np.array([state.mean[0, 0] for state in states[1:]])
    square = np.array([state.mean_square[0, 0] for state in states[1:]])
    return Parts(
        mean,
        mean / filled_mean,
        np.sqrt(square),
        np.sqrt(square / filled_square),
        np.diff(np.array(points)[..., 0], axis=0),
    )


BAR_RATE = 0.01
BAR_STEPS = 100
CHANGE = 50
RULES = {
    "SGD": SGD(BAR_RATE),
    "Adagrad": Adagrad(BAR_RATE, initial_accumulator_value=0.0),
    "RMSprop": RMSprop(BAR_RATE),
    "Adam": Adam(BAR_RATE),
}
# Adam's first mean smooths the steps; without it a step is the effective rate times the gradient.
WITHOUT_MEAN = RULES | {"Adam": Adam(BAR_RATE, beta_1=0.0)}


# A linear model with common and rare features

COMMON, RARE = 20, 10
EXAMPLES = 200
SPARSE_RULES = {"SGD": SGD, "Adagrad": Adagrad}


@dataclass(frozen=True)
class Example:
    """The squared error of a linear model on one example, without a bias.

    >>> Example(np.array([1.0, 0.0]), target=np.array([[-3.0]])).gradient(np.array([1.0, 5.0]))
    array([8., 0.])
    """

    inputs: np.ndarray
    target: np.ndarray

    @property
    def size(self) -> int:
        """Return the number of weights."""
        return len(self.inputs)

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Return the gradient, which is 0 for every feature that is off."""
        outputs = (weights @ self.inputs)[..., None, None]
        return mean_squared_error(outputs, self.target)[1][..., 0] * self.inputs


@lru_cache(maxsize=40)
def rare_sweep(share: float, seed: int) -> dict[str, np.ndarray]:
    """Fit a linear model to sparse data, one example a step, at each of RATES.

    Each of 20 common features is on (1, else 0) in half of the 200 examples, each of 10 rare ones
    in this share of them. The true weights are +1 or -1, and the model starts at 0. The target has
    normal noise of deviation 0.1.

    Returns:
        For each optimizer the mean distance of the common and of the rare weights from the true
        ones, shape (steps + 1, rates, 2), infinite where the run has diverged.
    """
    rng = np.random.default_rng(seed)
    times = np.repeat([EXAMPLES // 2, round(share * EXAMPLES)], [COMMON, RARE])
    inputs = np.stack([rng.permutation(np.arange(EXAMPLES) < count) for count in times], axis=1)
    weights = rng.choice([-1.0, 1.0], COMMON + RARE)
    targets = inputs @ weights + 0.1 * rng.standard_normal(EXAMPLES)
    rows = zip(inputs.astype(float), targets[:, None, None], strict=True)
    examples = [Example(*row) for row in rows]
    errors = {}
    for name, rule in SPARSE_RULES.items():
        points = walk(examples, rule(RATES), np.zeros(COMMON + RARE))
        with np.errstate(all="ignore"):
            away = np.abs(points - weights)
            groups = [away[..., :COMMON].mean(axis=-1), away[..., COMMON:].mean(axis=-1)]
        ends = np.stack(groups, axis=-1)
        errors[name] = np.where(np.isfinite(ends), ends, np.inf)
    return errors


# Clipping

CLIPS = {"by norm": clip_by_norm, "by value": clip_by_value}


@dataclass(frozen=True)
class Clipped:
    """An objective whose gradient is clipped before the optimizer sees it, for a single run."""

    objective: Landscape
    clip: str
    limit: float

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return self.objective.size

    def value(self, params: np.ndarray) -> np.ndarray:
        """Return the loss, which clipping leaves as it is."""
        return self.objective.value(params)

    def gradient(self, params: np.ndarray) -> np.ndarray:
        """Return the clipped gradient."""
        return CLIPS[self.clip]([self.objective.gradient(params)], self.limit)[0]
