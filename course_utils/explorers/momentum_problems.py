"""What lesson 04's explorers show: factors, best pairs, conventions, two valleys; no drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_utils.descent import Path, minimize
from course_utils.explorers.controls import among, log_values
from course_utils.explorers.gradient_descent import TwoWeights
from course_utils.hyperparameters import LearningRate, rate_at
from course_utils.landscapes import Landscape, double_well, plateau, saddle
from course_utils.optimizers import SGD
from course_utils.schedules import Constant, LinearWarmup, PiecewiseConstantDecay, Schedule


def factor_per_step(rate_times_curvature, beta):
    """Return what one step multiplies the distance by in the long run, along one curvature.

    It is the larger magnitude of the two roots z of z² − (1 + β − ηλ) z + β = 0.

    >>> factor_per_step(0.5, np.array([0.0, 0.81]))  # 1 − ηλ, then √β
    array([0.5, 0.9])

    Source: Polyak 1964.
    """
    trace = 1 + beta - rate_times_curvature
    root = np.sqrt(trace**2 - 4 * beta + 0j)
    return np.maximum(np.abs(trace + root), np.abs(trace - root)) / 2


def best_of_each(condition_number: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the best rates and β of gradient descent and momentum, curvatures from 1 to κ.

    >>> best_of_each(9.0)
    (array([0.2 , 0.25]), array([0.  , 0.25]))

    Source: Polyak 1964.
    """
    root = np.sqrt(condition_number)
    rates = np.array([2 / (condition_number + 1), (2 / (root + 1)) ** 2])
    return rates, np.array([0.0, ((root - 1) / (root + 1)) ** 2])


def onward(landscape: Landscape, sgd: SGD, point, velocity, steps: int) -> np.ndarray:
    """Go on from a point with a velocity; return the points, shape (steps + 1, 2 runs, 2).

    The first run takes its gradient at w, the heavy ball; the second at w + βv, Nesterov's
    momentum. The rule of the step is the same.
    """
    ahead = np.array([[0.0], [sgd.momentum]])
    w, state = np.stack([point, point]), sgd.State(0, np.stack([velocity, velocity]))
    points = [w]
    for _ in range(steps):
        w, state = sgd.update(landscape.gradient(w + ahead * state.velocity), state, w)
        points.append(w)
    return np.array(points)


class Buffer(NamedTuple):
    """The number of steps taken and the sum, or the average, of the gradients."""

    step: int
    buffer: np.ndarray


@dataclass(frozen=True)
class RateOutside:
    """Momentum whose buffer b holds no learning rate: b ← βb + s·g, then w ← w − ηb.

    With the share s = 1 it is PyTorch's, with s = 1 − β an exponential average of the gradients.

    Source: PyTorch's documentation of torch.optim.SGD.
    """

    learning_rate: LearningRate
    momentum: float
    share: float = 1.0

    def init(self, params: np.ndarray) -> Buffer:
        """Return the state before the first step: an empty buffer."""
        return Buffer(0, np.zeros_like(params))

    def update(self, gradient, state: Buffer, params) -> tuple[np.ndarray, Buffer]:
        """Return the next point and state."""
        buffer = self.momentum * state.buffer + self.share * gradient
        params = params - rate_at(self.learning_rate, state.step) * buffer
        return params, Buffer(state.step + 1, buffer)


STREAM_STEPS = 60


@dataclass(frozen=True)
class Stream:
    """Objectives, one a step, with a start and a rate, and the limits of what is drawn of them."""

    objectives: Sequence
    start: tuple[float, ...]
    rate: float
    steps: tuple[float, float]
    weights: tuple[float, float]


def streams() -> dict[str, Stream]:
    """Return the streams by their names in the menu; the patients' first weight is body mass."""
    slope = Landscape("Slope", lambda w: -w[..., 0], lambda w: -np.ones_like(w), ((0.0, 1.0),))
    batches = TwoWeights.load().batches(epochs=3, batch_size=16, seed=0)[:STREAM_STEPS]
    return {
        "constant slope −1": Stream([slope] * STREAM_STEPS, (0.0,), 1.0, (0, 21), (0, 840)),
        "mini-batches of patients": Stream(batches, (-0.6, 0.9), 0.02, (-0.1, 0.2), (-0.8, 1.2)),
    }


CONSTANT, DROP, WARM_UP = "constant", "a tenth from the change on", "warm-up until the change"


def rates_by_step(kind: str, rate: float, change: int) -> Schedule:
    """Return the schedule whose rate is a new one at step `change`, the first step being 0.

    >>> rates_by_step(DROP, 1.0, change=2)(np.arange(4))
    array([1. , 1. , 0.1, 0.1])
    >>> rates_by_step(WARM_UP, 1.0, change=2)(np.arange(4))
    array([0. , 0.5, 1. , 1. ])
    """
    if kind == DROP:
        return PiecewiseConstantDecay((change - 1,), (rate, rate / 10))
    return LinearWarmup(Constant(rate), change) if kind == WARM_UP else Constant(rate)


def two_valleys() -> Landscape:
    """Return ¼x⁴ − ½x² + 0.1x + ½y²: a deep valley on the left, a shallow one on the right.

    >>> valleys = two_valleys()
    >>> valleys.value(np.array(valleys.minima)).round(3)
    array([-0.352, -0.153])
    """
    curve = double_well(tilt=0.1)

    def gradient(points):
        return np.concatenate([curve.gradient(points[..., :1]), points[..., 1:]], axis=-1)

    return Landscape(
        "Two valleys",
        lambda points: curve.value(points[..., :1]) + 0.5 * points[..., 1] ** 2,
        gradient,
        window=((-1.9, 1.9), (-1.4, 1.4)),
        minima=tuple((x, 0.0) for (x,) in curve.minima),
    )


@dataclass(frozen=True)
class Crossing:
    """A landscape with something to cross, what the picture asks, and how the runs begin."""

    landscape: Landscape
    title: str
    start: tuple[float, float]
    steps: int


CROSSINGS = {
    "Saddle": Crossing(saddle(), "Who leaves the saddle first?", (-1.5, 1e-6), 300),
    "Plateau": Crossing(plateau(), "Who finds the pit first?", (-3.0, 2.0), 300),
    "Two valleys": Crossing(two_valleys(), "Who ends in A, the deep valley?", (-1.7, 0.8), 100),
}
CROSSING_RATES = log_values(-2, 0)  # as a slider has them


def crossed(
    where: str, start: tuple[float, float], rate: float, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points without and with momentum, (steps + 1, 2, 2), and the landscape there.

    All CROSSING_RATES are run at once: any of them costs nothing after the first.
    """
    rates, which = among(CROSSING_RATES, rate)
    path = _crossed(where, start, tuple(rates), beta)
    return path.points[:, :, which], path.values[:, :, which]


@lru_cache(maxsize=20)
def _crossed(where: str, start: tuple[float, float], rates: tuple[float, ...], beta: float) -> Path:
    here, betas = CROSSINGS[where], np.array([[0.0], [beta]])
    return minimize(here.landscape, SGD(np.array(rates), betas), start, here.steps)
