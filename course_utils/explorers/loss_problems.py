"""The problems that lesson 01's explorers show: data, fits, planes, a programme; no drawing."""

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import combinations
from typing import ClassVar

import numpy as np

from course_utils.curvature import filter_normalised_direction, loss_plane
from course_utils.datasets import digits
from course_utils.descent import minimize, train
from course_utils.explorers.controls import among, log_values
from course_utils.hyperparameters import Hyperparameter, per_run
from course_utils.landscapes import Landscape
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD


def body_mass_and_score() -> tuple[np.ndarray, np.ndarray]:
    """Return the body mass index in kg/m² and the progression score of 442 diabetes patients.

    >>> body_mass, score = body_mass_and_score()
    >>> [float(end) for values in (body_mass, score) for end in (values.min(), values.max())]
    [18.0, 42.2, 25.0, 346.0]

    Source: Efron, Hastie, Johnstone and Tibshirani 2004.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    return bunch.data[:, bunch.feature_names.index("bmi")], bunch.target


# Planes through the weights of the digits network


@dataclass(frozen=True)
class Plane:
    """The loss on a plane through the weights of a network, and its heights on a grid.

    Args:
        landscape: the loss at the points of the plane.
        grid: the coordinates of the grid's lines, the same both ways.
        heights: the loss on the grid, shape (up, across).
    """

    landscape: Landscape
    grid: np.ndarray
    heights: np.ndarray


NETWORK = MLP((64, 32, 10))
TWO_TRAINED, ONE_TRAINED, RANDOM = "two trained networks", "one trained network", "random weights"


@cache
def trained(seed: int) -> np.ndarray:
    """Return the weights of the digits network after ten epochs of training."""
    data = digits()
    objective = NetworkLoss(NETWORK, data.train_inputs, data.train_targets)
    start = NETWORK.initial(seed)
    sgd = SGD(learning_rate=0.1, momentum=0.9)
    return train(objective, sgd, start, epochs=10, batch_size=32, seed=seed).params


@cache
def weight_plane(kind: str) -> Plane:
    """Return the loss of 200 training images on one of three planes.

    TWO_TRAINED has a trained network at (0, 0) and a second one at (1, 0), ONE_TRAINED a trained
    network and RANDOM an untrained one at (0, 0). All other directions are random and filter
    normalised (Li et al. 2018).
    """
    data = digits()
    objective = NetworkLoss(NETWORK, data.train_inputs[:200], data.train_targets[:200])
    center = NETWORK.initial(seed=0) if kind == RANDOM else trained(0)
    across, up = (filter_normalised_direction(NETWORK, center, seed) for seed in (0, 1))
    if kind == TWO_TRAINED:
        across = trained(1) - center
    landscape = loss_plane(objective, center, across, up, radius=2.0)
    grid = np.linspace(-2, 2, 41)
    return Plane(landscape, grid, landscape.value(np.stack(np.meshgrid(grid, grid), axis=-1)))


def worst_chord(values: np.ndarray) -> tuple[int, int, float]:
    """Return the two ends of the chord whose middle lies deepest below a curve, and how deep.

    The curve is given at evenly spaced places. Where it is convex, no chord lies below it and the
    depth is not positive.

    >>> worst_chord(np.array([0.0, 2.0, 3.0, 2.0, 1.0]))
    (0, 4, 2.5)
    """
    chords = []
    for reach in range(1, (len(values) - 1) // 2 + 1):
        below = values[reach:-reach] - (values[: -2 * reach] + values[2 * reach :]) / 2
        start = int(below.argmax())
        chords.append((start, start + 2 * reach, float(below[start])))
    return max(chords, key=lambda chord: chord[2])


# Random directions. By symmetry only the cosine with the gradient matters, not the gradient.


def random_cosines(dimensions: int, directions: int, seed: int) -> np.ndarray:
    """Draw the cosines between a fixed direction and random ones, without drawing these in full.

    Of a vector of independent normal numbers one lies along the fixed direction; the squares of
    the others add up to a chi-squared number. So ten thousand dimensions cost two numbers each.
    """
    rng = np.random.default_rng(seed)
    along = rng.standard_normal(directions)
    return along / np.sqrt(along**2 + rng.chisquare(dimensions - 1, directions))


# Dense near 0, where many dimensions put the cosines, and near 1, where two dimensions do.
COSINES = np.union1d(np.geomspace(1e-5, 1, 200), 1 - np.geomspace(1e-6, 1, 200))


def cosine_shares(dimensions) -> np.ndarray:
    """Return which share of all directions has a cosine from 0 to each of COSINES.

    Args:
        dimensions: shape (...), each at least 2.

    Returns:
        The shares, from 0 to ½, shape (..., len(COSINES)).
    """
    from scipy.special import betainc

    dimensions = np.asarray(dimensions, dtype=float)[..., None]
    return 0.5 * betainc(0.5, (dimensions - 1) / 2, COSINES**2)


def expected_best(directions: int, shares: np.ndarray) -> np.ndarray:
    r"""Return the largest cosine of k random directions, on average over many such tries.

    .. math::
        \int_0^1 1 - (\tfrac12 + s(c))^k - (\tfrac12 - s(c))^k \, dc

    Args:
        directions: k.
        shares: s, from `cosine_shares`.

    >>> float(expected_best(1000, cosine_shares(10_000)).round(4))
    0.0324
    """
    missing = 1 - (0.5 + shares) ** directions - (0.5 - shares) ** directions
    return np.trapezoid(missing, COSINES, axis=-1)


# A linear programme


@dataclass(frozen=True)
class Workshop:
    """Chairs and tables for the most profit: maximise p · x where A x ≤ b."""

    profit: ClassVar = np.array([3.0, 2.0])
    constraints: ClassVar = ("wood", "paint", "sawing", "chairs ≥ 0", "tables ≥ 0")
    use: ClassVar = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]])
    stock: ClassVar = np.array([4.0, 7.0, 3.0, 0.0, 0.0])

    def excess(self, points: np.ndarray) -> np.ndarray:
        """Return by how much each constraint is broken, shape (..., constraints)."""
        return np.maximum(points @ self.use.T - self.stock, 0)

    @cached_property
    def corners(self) -> np.ndarray:
        """Return the corners of the points that break no constraint, in order around them."""
        pairs = [list(pair) for pair in combinations(range(len(self.stock)), 2)]
        crossing = [pair for pair in pairs if np.linalg.det(self.use[pair]) != 0]
        meetings = np.linalg.solve(self.use[crossing], self.stock[crossing][..., None])[..., 0]
        allowed = meetings[self.excess(meetings).max(axis=-1) < 1e-9]
        angles = np.arctan2(*(allowed - allowed.mean(axis=0)).T)
        return allowed[angles.argsort()]

    @cached_property
    def solution(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the best point and the multiplier of each constraint, by linear programming."""
        from scipy.optimize import linprog

        result = linprog(-self.profit, A_ub=self.use, b_ub=self.stock, bounds=(None, None))
        return result.x, -result.ineqlin.marginals


@dataclass(frozen=True)
class Penalised:
    r"""The workshop's profit as a loss without constraints.

    .. math::
        L(x) = -p \cdot x + \rho \sum_i \max(0, a_i \cdot x - b_i)^2

    Args:
        workshop: what p, A and b are.
        strength: ρ, positive; an array has one a run.
    """

    workshop: Workshop
    strength: Hyperparameter
    size: ClassVar = 2

    def value(self, points: np.ndarray) -> np.ndarray:
        """Return the loss at points of shape (..., 2)."""
        penalty = np.sum(self.workshop.excess(points) ** 2, axis=-1)
        return self.strength * penalty - points @ self.workshop.profit

    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return its gradient, of the shape of points."""
        return self.multipliers(points) @ self.workshop.use - self.workshop.profit

    def multipliers(self, points: np.ndarray) -> np.ndarray:
        """Return 2ρ times the excess, which estimates the multiplier of each constraint."""
        return 2 * per_run(self.strength) * self.workshop.excess(points)

    @property
    def largest_curvature(self) -> Hyperparameter:
        """Return a bound on the curvature: as if all constraints were broken at once."""
        return 2 * self.strength * np.linalg.eigvalsh(self.workshop.use.T @ self.workshop.use)[-1]


PENALTY_STEPS = 400
STRENGTHS = log_values(-0.5, 2)  # as a slider has them


def penalised_path(start: tuple[float, float], strength: float) -> np.ndarray:
    """Return the points of gradient descent on the workshop's penalised loss, at the rate 1/L.

    A start's paths for all STRENGTHS are walked at once: any of them costs nothing after the first.

    >>> penalised_path((0.6, 0.5), strength=1.0).shape
    (401, 2)
    """
    strengths, which = among(STRENGTHS, strength)
    return _penalised_paths(start, tuple(strengths))[:, which]


@lru_cache(maxsize=10)
def _penalised_paths(start: tuple[float, float], strengths: tuple[float, ...]) -> np.ndarray:
    loss = Penalised(Workshop(), np.array(strengths))
    return minimize(loss, SGD(1 / loss.largest_curvature), start, PENALTY_STEPS).points
