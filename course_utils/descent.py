"""Running an optimizer on an objective: `minimize` walks, `train` goes through data in batches.

An objective has ``size``, ``value(params)`` and ``gradient(params)``; landscapes.py and networks.py
make them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from course_utils.optimizers import run_shape


@dataclass(frozen=True)
class Path:
    """Where an optimizer went: the start and the point after every step.

    Args:
        points: shape (steps + 1, *runs, n).
        values: the objective there, shape (steps + 1, *runs).
    """

    points: np.ndarray
    values: np.ndarray

    @property
    def end(self) -> np.ndarray:
        """Return the last point, shape (*runs, n)."""
        return self.points[-1]

    @property
    def steps(self) -> int:
        """Return the number of steps taken."""
        return len(self.points) - 1


@dataclass(frozen=True)
class History:
    """What a training run showed.

    Args:
        params: the weights at the end, shape (*runs, n).
        batch_losses: the loss on each batch before its step, shape (steps, *runs).
        losses: the loss on all training data before training and after each epoch, shape
            (epochs + 1, *runs).
        validation_losses: the same on the validation data; None without them.
    """

    params: np.ndarray
    batch_losses: np.ndarray
    losses: np.ndarray
    validation_losses: np.ndarray | None = None


def minimize(objective, optimizer, start, steps: int) -> Path:
    """Follow the optimizer from start for a number of steps.

    A run that diverges is returned as it is, infinities included, without a warning.

    Args:
        objective: the function to minimize.
        optimizer: the update rule.
        start: shape (n,), or (*runs, n) for many runs at once.
        steps: how many updates, at least 1.

    >>> from course_utils.landscapes import bowl
    >>> from course_utils.optimizers import SGD
    >>> path = minimize(bowl(condition_number=1), SGD(learning_rate=0.5), start=[2.0, 1.0], steps=3)
    >>> path.points[:, 0]  # halved at each step
    array([2.  , 1.  , 0.5 , 0.25])
    """
    _require_count("steps", steps)
    points = walk([objective] * steps, optimizer, start)
    with np.errstate(all="ignore"):
        return Path(points, objective.value(points))


def walk(objectives, optimizer, start) -> np.ndarray:
    """Take one step on each objective in turn, for example on one mini-batch after another.

    Args:
        objectives: as many as there are steps, all of the same size.
        optimizer: the update rule.
        start: shape (n,), or (*runs, n) for many runs at once.

    Returns:
        The points, start included, shape (steps + 1, *runs, n).
    """
    params = starting_points(objectives[0], optimizer, start)
    points = np.empty((len(objectives) + 1, *params.shape))
    points[0] = params
    state = optimizer.init(params)
    with np.errstate(all="ignore"):
        for step, objective in enumerate(objectives, start=1):
            params, state = optimizer.update(objective.gradient(params), state, params)
            points[step] = params
    return points


def train(
    objective, optimizer, start, epochs: int, batch_size: int, seed: int = 0, validation=None
) -> History:
    """Train on mini-batches, every example once an epoch, in an order drawn anew each epoch.

    Args:
        objective: a loss over examples (`networks.NetworkLoss`).
        optimizer: the update rule.
        start: the initial weights, shape (n,), or (*runs, n) for many networks at once.
        epochs: how many times to go through the data, at least 1.
        batch_size: examples a step; the last batch of an epoch may be smaller.
        seed: equal seeds give equal batches.
        validation: the same loss over data that is not trained on.

    Source: Bottou, Curtis and Nocedal 2018.
    """
    _require_count("epochs", epochs)
    params = starting_points(objective, optimizer, start)
    rng = np.random.default_rng(seed)
    state = optimizer.init(params)
    batch_losses, losses, validation_losses = [], [], []

    def look():
        losses.append(objective.value(params))
        if validation is not None:
            validation_losses.append(validation.value(params))

    with np.errstate(all="ignore"):
        look()
        for _ in range(epochs):
            for rows in minibatches(objective.examples, batch_size, rng):
                value, gradient = objective.batch(rows).value_and_gradient(params)
                params, state = optimizer.update(gradient, state, params)
                batch_losses.append(value)
            look()
    return History(
        params,
        np.array(batch_losses),
        np.array(losses),
        None if validation is None else np.array(validation_losses),
    )


def minibatches(examples: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the row numbers of one epoch's batches: every example once, in random order.

    >>> [len(rows) for rows in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4, 2]
    """
    _require_count("batch_size", batch_size)
    order = rng.permutation(examples)
    for first in range(0, examples, batch_size):
        yield order[first : first + batch_size]


def starting_points(objective, optimizer, start) -> np.ndarray:
    """Return start as an array with one row a run, for starts and hyperparameters alike.

    >>> from course_utils.landscapes import saddle
    >>> from course_utils.optimizers import SGD
    >>> sweep = SGD(learning_rate=np.array([0.1, 0.2, 0.3]))
    >>> starting_points(saddle(), sweep, [1.0, 0.5]).shape
    (3, 2)
    """
    start = np.asarray(start, dtype=float)
    if start.shape[-1:] != (objective.size,):
        raise ValueError(f"start must end in an axis of {objective.size}, got shape {start.shape}")
    if not np.isfinite(start).all():
        raise ValueError(f"start must be finite, got {start}")
    runs = np.broadcast_shapes(start.shape[:-1], run_shape(optimizer))
    return np.broadcast_to(start, (*runs, objective.size)).copy()


def _require_count(name: str, value: int) -> None:
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
