"""The update rules, in the order they are taught; running them is the business of descent.py.

An optimizer is a frozen set of hyperparameters with two methods:

    state = optimizer.init(params)
    params, state = optimizer.update(gradient, state, params)

Parameters lie on the last axis; every axis before it is a run of its own. A hyperparameter is a
number, or an array with one entry a run, so a sweep over 256 learning rates is one call. A learning
rate may also be a schedule: a function from the step (0, 1, 2, ...) to the rate. Names, defaults
and formulas are those of Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

Hyperparameter = float | np.ndarray
LearningRate = Hyperparameter | Callable[[int], Hyperparameter]


@dataclass(frozen=True)
class SGD:
    r"""Gradient descent, with heavy-ball or Nesterov momentum on request.

    .. math::
        v_{t+1} = \mu v_t - \eta g_t, \qquad w_{t+1} = w_t + v_{t+1}

    With ``nesterov`` the point moves by :math:`\mu v_{t+1} - \eta g_t` instead. Without momentum
    both are plain gradient descent, :math:`w_{t+1} = w_t - \eta g_t`.

    Args:
        learning_rate: the step size η, positive.
        momentum: the share μ of the velocity that is kept, between 0 and 1.
        nesterov: look ahead along the velocity.

    >>> sgd = SGD(learning_rate=0.1)
    >>> params = np.array([1.0, -2.0])
    >>> params, state = sgd.update(2 * params, sgd.init(params), params)
    >>> params
    array([ 0.8, -1.6])

    Sources: Cauchy 1847; Polyak 1964 (heavy ball); Sutskever et al. 2013 (this form of Nesterov's).
    """

    learning_rate: LearningRate = 0.01
    momentum: Hyperparameter = 0.0
    nesterov: bool = False

    class State(NamedTuple):
        """The number of steps taken and the velocity v."""

        step: int
        velocity: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate")
        require_between_0_and_1(self, "momentum")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: no velocity."""
        return self.State(0, np.zeros_like(params))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        momentum = per_run(self.momentum)
        step = rate_at(self.learning_rate, state.step) * gradient
        velocity = momentum * state.velocity - step
        move = momentum * velocity - step if self.nesterov else velocity
        return params + move, self.State(state.step + 1, velocity)


@dataclass(frozen=True)
class Adam:
    r"""Momentum and a step size for each parameter, both corrected for their start at zero.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1-\beta_1) g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2 \\
        w_t &= w_{t-1} - \eta \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}
        \frac{m_t}{\sqrt{v_t} + \epsilon}

    This is the paper's rule in the faster order of its section 2: epsilon is the paper's "epsilon
    hat", added to the root before the bias correction, as Keras does.

    Args:
        learning_rate: the step size η, positive.
        beta_1: the decay of the mean of the gradients, from 0 up to, not including, 1.
        beta_2: the decay of the mean of the squared gradients, likewise.
        epsilon: keeps the division away from zero, positive.

    >>> adam = Adam(learning_rate=0.1)
    >>> params = np.array([1.0, -2.0])
    >>> params, state = adam.update(np.array([1e-3, -1e3]), adam.init(params), params)
    >>> params.round(3)  # the first step has the length of the rate, whatever the gradient
    array([ 0.9, -1.9])

    Source: Kingma and Ba 2015.
    """

    learning_rate: LearningRate = 0.001
    beta_1: Hyperparameter = 0.9
    beta_2: Hyperparameter = 0.999
    epsilon: Hyperparameter = 1e-7

    class State(NamedTuple):
        """The number of steps taken, the mean gradient m and the mean squared gradient v."""

        step: int
        mean: np.ndarray
        mean_square: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate", "epsilon")
        require_below_1(self, "beta_1", "beta_2")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: both means zero."""
        return self.State(0, np.zeros_like(params), np.zeros_like(params))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        beta_1, beta_2 = per_run(self.beta_1), per_run(self.beta_2)
        step = state.step + 1
        mean = state.mean + (1 - beta_1) * (gradient - state.mean)
        mean_square = state.mean_square + (1 - beta_2) * (gradient * gradient - state.mean_square)
        rate = rate_at(self.learning_rate, state.step)
        rate = rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
        params = params - rate * mean / (np.sqrt(mean_square) + per_run(self.epsilon))
        return params, self.State(step, mean, mean_square)


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

    >>> run_shape(SGD(learning_rate=np.array([0.1, 0.2]), momentum=0.9))
    (2,)
    """
    values = (getattr(optimizer, field.name) for field in fields(optimizer))
    return np.broadcast_shapes(*(np.shape(value) for value in values if not callable(value)))


def require_positive(optimizer, *names: str) -> None:
    """Refuse a hyperparameter that is not a positive, finite number."""
    _require(optimizer, names, lambda value: (value > 0) & np.isfinite(value), "be positive")


def require_between_0_and_1(optimizer, *names: str) -> None:
    """Refuse a hyperparameter outside [0, 1]."""
    _require(optimizer, names, lambda value: (value >= 0) & (value <= 1), "lie between 0 and 1")


def require_below_1(optimizer, *names: str) -> None:
    """Refuse a hyperparameter outside [0, 1)."""
    _require(
        optimizer, names, lambda value: (value >= 0) & (value < 1), "be at least 0 and below 1"
    )


def _require(optimizer, names, holds, what) -> None:
    for name in names:
        value = getattr(optimizer, name)
        if callable(value):
            continue
        if isinstance(value, list | tuple):
            value = np.array(value)
            object.__setattr__(optimizer, name, value)
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "if":
            raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}")
        if not np.all(holds(numbers)):
            offender = numbers[~holds(numbers)].flat[0] if numbers.ndim else value
            raise ValueError(f"{name} must {what}, got {offender}")
