"""Straight lines through points, each the best for one loss.

A line is the pair (slope, intercept) on the last axis.
"""

from itertools import combinations

import numpy as np

from course_utils.losses import mean_absolute_error


def heights(lines: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the height of each line at each x, shape (..., len(x)).

    >>> heights(np.array([2.0, 1.0]), np.array([0.0, 3.0]))
    array([1., 7.])
    """
    return lines[..., :1] * x + lines[..., 1:]


def line_loss(loss, lines: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a loss of losses.py for each line, shape (...).

    >>> x, y = np.array([0.0, 1.0]), np.array([0.0, 3.0])
    >>> line_loss(mean_absolute_error, np.array([[1.0, 0.0], [3.0, 0.0]]), x, y)
    array([1., 0.])
    """
    return loss(heights(lines, x)[..., None], y[:, None])[0]


def squares_line(x: np.ndarray, y: np.ndarray, weights: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the line of least squared error, each point counted with its weight.

    >>> squares_line(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0])).round(3)
    array([ 2.5, -0.5])
    """
    _require_two_places(x)
    root = np.sqrt(np.broadcast_to(weights, x.shape))
    columns = np.stack([x, np.ones_like(x)], axis=1)
    return np.linalg.lstsq(root[:, None] * columns, root * y, rcond=None)[0]


def absolute_line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a line of least absolute error, exactly: one of the best goes through two points.

    >>> absolute_line(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 9.0]))
    array([4.5, 0. ])
    """
    _require_two_places(x)
    first, second = np.array(list(combinations(range(len(x)), 2))).T
    apart = x[first] != x[second]
    first, second = first[apart], second[apart]
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    lines = np.stack([slopes, y[first] - slopes * x[first]], axis=1)
    return lines[line_loss(mean_absolute_error, lines, x, y).argmin()]


def huber_line(x: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return the line of least Huber loss, by least squares with weights min(1, δ / error).

    The weights make a squared error pull as hard as a Huber loss does; they and the line are
    computed in turn until they no longer change (Huber 1964 for the loss).

    >>> huber_line(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0]), delta=100.0).round(3)
    array([ 2.5, -0.5])
    """
    if not delta > 0:
        raise ValueError(f"delta must be positive, got {delta}")
    weights = np.ones_like(x)
    for _ in range(500):
        line = squares_line(x, y, weights)
        error = np.abs(heights(line, x) - y)
        old, weights = weights, delta / np.maximum(error, delta)
        if np.abs(weights - old).max() < 1e-9:
            break
    return line


def _require_two_places(x):
    if np.unique(x).size < 2:
        raise ValueError(f"a line needs points at two or more different x, got x = {x}")
