"""The problems that lesson 06's explorers solve exactly or by steps; no drawing, no network."""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from course_utils.datasets import Dataset, diabetes, standardised
from course_utils.descent import walk
from course_utils.explorers.adaptive_problems import Given
from course_utils.hyperparameters import rate_at
from course_utils.losses import mean_squared_error
from course_utils.optimizers import SGD, Adam, AdamW

# Polynomials through noisy points of a curve

DEGREES = np.arange(21)
MOST_POINTS = 60
VALIDATION_POINTS = 30


def true_curve(x: np.ndarray) -> np.ndarray:
    """Return the curve behind the points, which no polynomial of a low degree follows."""
    return np.sin(4 * x)


class Points(NamedTuple):
    """Places and heights of training and validation points, shape (points,) each."""

    x: np.ndarray
    y: np.ndarray
    validation_x: np.ndarray
    validation_y: np.ndarray


def noisy_points(number: int, noise: float, seed: int) -> Points:
    """Draw points of `true_curve` at random places in -1 to 1, with normal noise on the heights.

    The points of a seed stay where they are when their number or the noise changes: more points
    join them, and the same errors are scaled.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(-1, 1, MOST_POINTS + VALIDATION_POINTS)
    heights = true_curve(places) + noise * rng.standard_normal(len(places))
    kept, held_out = slice(number), slice(MOST_POINTS, None)
    return Points(places[kept], heights[kept], places[held_out], heights[held_out])


def polynomial(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    """Return the Legendre coefficients of the least-squares polynomial, shape (degree + 1,).

    Where many polynomials fit equally well, it is the one with the smallest coefficients.

    >>> x = np.array([-1.0, 0.0, 1.0])
    >>> polynomial(x, 2 * x, degree=1).round(6) + 0.0
    array([0., 2.])
    """
    columns = np.polynomial.legendre.legvander(x, degree)
    return np.linalg.lstsq(columns, y, rcond=None)[0]


def heights(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the height of a polynomial, given by Legendre coefficients, at each x."""
    return np.polynomial.legendre.legval(x, coefficients)


def root_mean_square(errors: np.ndarray) -> np.ndarray:
    """Return the root of the mean square over the last axis.

    >>> float(root_mean_square(np.array([3.0, -3.0])))
    3.0
    """
    return np.sqrt(mean_squared_error(errors[..., None], np.zeros((errors.shape[-1], 1)))[0])


def errors_by_degree(points: Points) -> tuple[np.ndarray, np.ndarray]:
    """Return the training and the validation error of the fit of each of DEGREES."""
    fits = [polynomial(points.x, points.y, degree) for degree in DEGREES]
    return tuple(
        np.array([root_mean_square(heights(x, fit) - y) for fit in fits])
        for x, y in ((points.x, points.y), (points.validation_x, points.validation_y))
    )


# Penalties on a linear model of the diabetes patients

STRENGTHS = 10 ** np.linspace(-2, 1, 61)
VALIDATION_PATIENTS = 111
PLAIN, CROSSED = "10 measurements", "64: with squares and products"


class PenaltyPath(NamedTuple):
    """The best weights for each of STRENGTHS, and their errors in points of the score.

    Shapes: weights (strengths, features), errors (strengths,).
    """

    weights: np.ndarray
    training: np.ndarray
    validation: np.ndarray


@cache
def patients(inputs: str, number: int) -> Dataset:
    """Return patients to train on, and 111 others to validate with as the test part.

    Means and deviations are those of the patients to train on.

    Args:
        inputs: PLAIN, or CROSSED, which adds squares and products of two; the square of sex, which
            has only two values, says nothing new and is left out.
        number: how many patients to train on, 220 at most.
    """
    data = diabetes()
    held_out = slice(len(data.train_inputs) - VALIDATION_PATIENTS, None)
    plain = standardised(
        replace(
            data,
            train_inputs=data.train_inputs[:number],
            train_targets=data.train_targets[:number],
            test_inputs=data.train_inputs[held_out],
            test_targets=data.train_targets[held_out],
        )
    )
    if inputs == PLAIN:
        return plain
    pairs = list(combinations_with_replacement(range(len(plain.features)), 2))
    pairs.remove((plain.features.index("sex"),) * 2)
    left, right = np.transpose(pairs)
    training, validation = (
        np.column_stack([columns, columns[:, left] * columns[:, right]])
        for columns in (plain.train_inputs, plain.test_inputs)
    )
    names = plain.features + tuple(f"{plain.features[i]} · {plain.features[j]}" for i, j in pairs)
    crossed = replace(plain, train_inputs=training, test_inputs=validation, features=names)
    return standardised(crossed)


@lru_cache(maxsize=40)
def penalised_paths(inputs: str, number: int) -> dict[str, PenaltyPath]:
    r"""Return the best linear models under an L1 and under an L2 penalty of each strength.

    With the targets divided by their deviation, they minimise the mean squared error plus
    :math:`\lambda \sum |w|` or :math:`\lambda \sum w^2`; the bias is free.
    """
    from sklearn.linear_model import lasso_path

    data = patients(inputs, number)
    x, deviation = data.train_inputs, data.train_targets.std()
    center = data.train_targets.mean()
    y = (data.train_targets[:, 0] - center) / deviation
    # lasso_path halves the squared error, so its penalty is half of ours.
    _, lasso, _ = lasso_path(x, y, alphas=STRENGTHS[::-1] / 2, tol=1e-8, max_iter=100_000)
    spectrum, axes = np.linalg.eigh(x.T @ x / number)
    shrunk = (axes.T @ (x.T @ y) / number) / (spectrum + STRENGTHS[:, None])
    paths = {}
    for name, weights in (("L1", lasso.T[::-1]), ("L2", shrunk @ axes.T)):
        errors = [
            root_mean_square(center + deviation * weights @ part.T - targets[:, 0])
            for part, targets in (
                (data.train_inputs, data.train_targets),
                (data.test_inputs, data.test_targets),
            )
        ]
        paths[name] = PenaltyPath(weights, *errors)
    return paths


# An L2 penalty and weight decay, on weights that the data pull nowhere

DECAY_STEPS = 200
DECAY_RATE = 0.01
SIZES = 10 ** np.linspace(-2, 1, 31)


@dataclass(frozen=True)
class WithL2(Given):
    """A gradient that is given, plus that of an L2 penalty.

    >>> WithL2(np.array([3.0]), l2=0.5).gradient(np.array([2.0]))
    array([5.])
    """

    l2: float

    def gradient(self, params: np.ndarray) -> np.ndarray:
        """Return the sum of both gradients."""
        return super().gradient(params) + 2 * self.l2 * params


@dataclass(frozen=True)
class SGDW(SGD):
    """Gradient descent with decoupled weight decay, as `AdamW` is to `Adam`."""

    weight_decay: float = 0.0

    def update(self, gradient, state: SGD.State, params) -> tuple[np.ndarray, SGD.State]:
        """Return the next point and state."""
        decay = rate_at(self.learning_rate, state.step) * self.weight_decay
        return super().update(gradient, state, params - decay * params)


DECAY_RULES = {"Adam": (Adam(DECAY_RATE), AdamW), "SGD": (SGD(DECAY_RATE), SGDW)}


@lru_cache(maxsize=100)
def shrinking(name: str, strength: float) -> dict[str, np.ndarray]:
    """Return weights that start at 1, by step, under an L2 penalty λ and under a decay of 2λ.

    The data's gradient of each weight is one of SIZES, up and down in turn. With gradient descent
    both ways are the same.

    Args:
        name: one of DECAY_RULES.
        strength: λ.

    Returns:
        "L2" and "decay", each of shape (steps + 1, sizes).
    """
    plain, decoupled = DECAY_RULES[name]
    gradients = [sign * SIZES for sign in (-1.0) ** np.arange(DECAY_STEPS)]
    start = np.ones(len(SIZES))
    decaying = decoupled(plain.learning_rate, weight_decay=2 * strength)
    return {
        "L2": walk([WithL2(slope, strength) for slope in gradients], plain, start),
        "decay": walk([Given(slope) for slope in gradients], decaying, start),
    }
