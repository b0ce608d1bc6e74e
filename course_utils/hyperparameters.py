"""Hyperparameters of optimizers: lined up with the runs, and refused by name when they are bad."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np

Hyperparameter = float | np.ndarray
LearningRate = Hyperparameter | Callable[[int], Hyperparameter]


def per_run(hyperparameter: Hyperparameter) -> Hyperparameter:
    """Give an array of one value a run a last axis, so that it meets every parameter of its run.

    >>> per_run(np.array([0.1, 0.2, 0.3])).shape
    (3, 1)
    """
    return hyperparameter[..., None] if isinstance(hyperparameter, np.ndarray) else hyperparameter


def rate_at(learning_rate: LearningRate, step: int) -> Hyperparameter:
    """Return the rate of this step, whether it is a number, an array over runs or a schedule."""
    return per_run(learning_rate(step) if callable(learning_rate) else learning_rate)


def run_shape(optimizer) -> tuple[int, ...]:
    """Return the shape of the runs that the optimizer's hyperparameters span.

    >>> from course_utils.optimizers import SGD
    >>> run_shape(SGD(learning_rate=np.array([0.1, 0.2]), momentum=0.9))
    (2,)
    """
    values = (getattr(optimizer, field.name) for field in fields(optimizer))
    return np.broadcast_shapes(*(np.shape(value) for value in values if not callable(value)))


def require_positive(optimizer, *names: str) -> None:
    """Refuse a hyperparameter that is not a positive, finite number."""
    _require(
        optimizer,
        names,
        lambda value: (value > 0) & np.isfinite(value),
        "be positive",
        of_the_infinite="be positive and finite",
    )


def require_not_negative(optimizer, *names: str) -> None:
    """Refuse a hyperparameter that is negative or not finite."""
    _require(
        optimizer,
        names,
        lambda value: (value >= 0) & np.isfinite(value),
        "not be negative",
        of_the_infinite="be finite and not negative",
    )


def require_between_0_and_1(optimizer, *names: str) -> None:
    """Refuse a hyperparameter outside [0, 1]."""
    _require(optimizer, names, lambda value: (value >= 0) & (value <= 1), "lie between 0 and 1")


def require_below_1(optimizer, *names: str) -> None:
    """Refuse a hyperparameter outside [0, 1)."""
    _require(optimizer, names, lambda value: (value >= 0) & (value < 1), "be at least 0, below 1")


def _require(optimizer, names, holds, what, of_the_infinite="") -> None:
    for name in names:
        value = getattr(optimizer, name)
        if callable(value) and name == "learning_rate":  # a schedule
            continue
        if isinstance(value, list | tuple):
            value = np.array(value)
            object.__setattr__(optimizer, name, value)
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "if":
            raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}")
        if not np.all(holds(numbers)):
            offender = numbers[~holds(numbers)].flat[0] if numbers.ndim else value
            if of_the_infinite and np.isinf(offender):
                what = of_the_infinite
            raise ValueError(f"{name} must {what}, got {offender}")
