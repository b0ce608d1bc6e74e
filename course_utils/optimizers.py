"""The update rules, in the order they are taught; running them is the business of descent.py.

An optimizer is a frozen set of hyperparameters with two methods:

    state = optimizer.init(params)
    params, state = optimizer.update(gradient, state, params)

Parameters lie on the last axis; every axis before it is a run of its own. A hyperparameter is a
number, or an array with one entry a run, so a sweep over 256 learning rates is one call. A learning
rate may also be a schedule: a function from the step (0, 1, 2, ...) to the rate. Names, defaults
and formulas are those of Keras.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from course_utils.hyperparameters import (
    Hyperparameter,
    LearningRate,
    per_run,
    rate_at,
    require_below_1,
    require_between_0_and_1,
    require_not_negative,
    require_positive,
)


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
class Adagrad:
    r"""A step size for each parameter that shrinks with all the gradients it has seen.

    .. math::
        a_t = a_{t-1} + g_t^2, \qquad w_t = w_{t-1} - \eta \frac{g_t}{\sqrt{a_t + \epsilon}}

    Args:
        learning_rate: the step size η, positive.
        initial_accumulator_value: a₀, not negative.
        epsilon: keeps the root away from zero, positive.

    >>> adagrad = Adagrad(learning_rate=1.0, initial_accumulator_value=0.0)
    >>> params, state = np.array([0.0]), adagrad.init(np.array([0.0]))
    >>> for _ in range(3):  # equal gradients: steps of 1, 1/√2, 1/√3
    ...     params, state = adagrad.update(np.array([5.0]), state, params)
    >>> params.round(3)
    array([-2.284])

    Source: Duchi, Hazan and Singer 2011.
    """

    learning_rate: LearningRate = 0.001
    initial_accumulator_value: Hyperparameter = 0.1
    epsilon: Hyperparameter = 1e-7

    class State(NamedTuple):
        """The number of steps taken and the sum a of the squared gradients."""

        step: int
        accumulator: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate", "epsilon")
        require_not_negative(self, "initial_accumulator_value")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: the initial sum for every parameter."""
        return self.State(0, np.zeros_like(params) + per_run(self.initial_accumulator_value))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        accumulator = state.accumulator + gradient * gradient
        rate = rate_at(self.learning_rate, state.step)
        params = params - rate * gradient / np.sqrt(accumulator + per_run(self.epsilon))
        return params, self.State(state.step + 1, accumulator)


@dataclass(frozen=True)
class RMSprop:
    r"""A step size for each parameter from a running mean of its squared gradients.

    .. math::
        s_t = \rho s_{t-1} + (1-\rho) g_t^2, \qquad
        v_t = \mu v_{t-1} + \eta \frac{g_t}{\sqrt{s_t + \epsilon}}, \qquad
        w_t = w_{t-1} - v_t

    With ``centered`` the root holds an estimate of the variance, :math:`s_t - m_t^2 + \epsilon`,
    where :math:`m_t` is the running mean of the gradients.

    Args:
        learning_rate: the step size η, positive.
        rho: the decay of the running means, from 0 up to, not including, 1.
        momentum: the share μ of the last step that is kept, between 0 and 1.
        epsilon: keeps the root away from zero, positive.
        centered: divide by the standard deviation instead of the root mean square.

    >>> rmsprop = RMSprop(learning_rate=0.1)
    >>> params = np.zeros(2)
    >>> params, state = rmsprop.update(np.array([1e-2, -1e2]), rmsprop.init(params), params)
    >>> params.round(3)  # a long first step, of the same length for both: rate / √(1 − ρ)
    array([-0.315,  0.316])

    Sources: Tieleman and Hinton 2012; Graves 2013 (centered).
    """

    learning_rate: LearningRate = 0.001
    rho: Hyperparameter = 0.9
    momentum: Hyperparameter = 0.0
    epsilon: Hyperparameter = 1e-7
    centered: bool = False

    class State(NamedTuple):
        """The number of steps taken, the running means s and m, and the last step v."""

        step: int
        mean_square: np.ndarray
        mean: np.ndarray
        velocity: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate", "epsilon")
        require_below_1(self, "rho")
        require_between_0_and_1(self, "momentum")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: means and velocity zero."""
        return self.State(0, *(np.zeros_like(params) for _ in range(3)))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        rho = per_run(self.rho)
        mean_square = rho * state.mean_square + (1 - rho) * gradient * gradient
        mean = rho * state.mean + (1 - rho) * gradient if self.centered else state.mean
        root = np.sqrt(mean_square - mean * mean + per_run(self.epsilon))
        step = rate_at(self.learning_rate, state.step) * gradient / root
        velocity = per_run(self.momentum) * state.velocity + step
        return params - velocity, self.State(state.step + 1, mean_square, mean, velocity)


@dataclass(frozen=True)
class Adadelta:
    r"""RMSprop whose rate is the running size of its own past steps.

    .. math::
        s_t &= \rho s_{t-1} + (1-\rho) g_t^2, \qquad
        d_t = \frac{\sqrt{u_{t-1} + \epsilon}}{\sqrt{s_t + \epsilon}}\, g_t \\
        u_t &= \rho u_{t-1} + (1-\rho) d_t^2, \qquad w_t = w_{t-1} - \eta d_t

    Args:
        learning_rate: multiplies the step; the paper has 1, Keras's default is 0.001. Positive.
        rho: the decay of both running means, from 0 up to, not including, 1.
        epsilon: starts the steps and keeps the root away from zero, positive.

    >>> adadelta = Adadelta(learning_rate=1.0)
    >>> params = np.zeros(1)
    >>> params, state = adadelta.update(np.array([3.0]), adadelta.init(params), params)
    >>> bool(abs(params[0]) < 0.01)  # it starts slowly: u is still zero
    True

    Source: Zeiler 2012.
    """

    learning_rate: LearningRate = 0.001
    rho: Hyperparameter = 0.95
    epsilon: Hyperparameter = 1e-7

    class State(NamedTuple):
        """The number of steps taken and the mean squares s of gradients and u of steps."""

        step: int
        mean_square: np.ndarray
        mean_square_step: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate", "epsilon")
        require_below_1(self, "rho")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: both means zero."""
        return self.State(0, np.zeros_like(params), np.zeros_like(params))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        rho, epsilon = per_run(self.rho), per_run(self.epsilon)
        mean_square = rho * state.mean_square + (1 - rho) * gradient * gradient
        ratio = np.sqrt(state.mean_square_step + epsilon) / np.sqrt(mean_square + epsilon)
        step = ratio * gradient
        mean_square_step = rho * state.mean_square_step + (1 - rho) * step * step
        params = params - rate_at(self.learning_rate, state.step) * step
        return params, self.State(state.step + 1, mean_square, mean_square_step)


@dataclass(frozen=True)
class Adam:
    r"""Momentum and a step size for each parameter, both corrected for their start at zero.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1-\beta_1) g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1-\beta_2) g_t^2 \\
        w_t &= w_{t-1} - \eta \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}
        \frac{m_t}{\sqrt{v_t} + \epsilon}

    This is the paper's rule in the faster order of its section 2: epsilon is the paper's "epsilon
    hat", added to the root before the bias correction, as Keras does. With ``amsgrad`` the root
    holds the largest :math:`v` so far.

    Args:
        learning_rate: the step size η, positive.
        beta_1: the decay of the mean of the gradients, from 0 up to, not including, 1.
        beta_2: the decay of the mean of the squared gradients, likewise.
        epsilon: keeps the division away from zero, positive.
        amsgrad: never let the step size of a parameter grow again.

    >>> adam = Adam(learning_rate=0.1)
    >>> params = np.array([1.0, -2.0])
    >>> params, state = adam.update(np.array([1e-3, -1e3]), adam.init(params), params)
    >>> params.round(3)  # the first step has the length of the rate, whatever the gradient
    array([ 0.9, -1.9])

    Sources: Kingma and Ba 2015; Reddi, Kale and Kumar 2018 (AMSGrad).
    """

    learning_rate: LearningRate = 0.001
    beta_1: Hyperparameter = 0.9
    beta_2: Hyperparameter = 0.999
    epsilon: Hyperparameter = 1e-7
    amsgrad: bool = False

    class State(NamedTuple):
        """The steps taken, the mean gradient m, the mean square v and, for AMSGrad, its largest."""

        step: int
        mean: np.ndarray
        mean_square: np.ndarray
        largest: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate", "epsilon")
        require_below_1(self, "beta_1", "beta_2")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: the means zero."""
        return self.State(0, *(np.zeros_like(params) for _ in range(3)))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        beta_1, beta_2 = per_run(self.beta_1), per_run(self.beta_2)
        step = state.step + 1
        mean = state.mean + (1 - beta_1) * (gradient - state.mean)
        mean_square = state.mean_square + (1 - beta_2) * (gradient * gradient - state.mean_square)
        largest = np.maximum(state.largest, mean_square) if self.amsgrad else mean_square
        rate = rate_at(self.learning_rate, state.step)
        rate = rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
        params = params - rate * mean / (np.sqrt(largest) + per_run(self.epsilon))
        return params, self.State(step, mean, mean_square, largest)


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with decoupled weight decay: every parameter also shrinks by :math:`\eta \lambda w`.

    .. math::
        w_t = (1 - \eta \lambda)\, w_{t-1} - (\text{Adam's step})

    The decay does not pass through Adam's division, unlike the gradient of an L2 penalty. As in
    Keras it acts on every parameter, biases too.

    Args:
        learning_rate: as for `Adam`.
        beta_1: as for `Adam`.
        beta_2: as for `Adam`.
        epsilon: as for `Adam`.
        amsgrad: as for `Adam`.
        weight_decay: λ, not negative.

    >>> adamw = AdamW(learning_rate=0.1, weight_decay=0.5)
    >>> params, state = adamw.update(np.zeros(1), adamw.init(np.ones(1)), np.ones(1))
    >>> params  # no gradient: the decay alone
    array([0.95])

    Source: Loshchilov and Hutter 2019.
    """

    weight_decay: Hyperparameter = 0.004

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        super().__post_init__()
        require_not_negative(self, "weight_decay")

    def update(self, gradient, state: Adam.State, params) -> tuple[np.ndarray, Adam.State]:
        """Return the next point and state."""
        decay = rate_at(self.learning_rate, state.step) * per_run(self.weight_decay)
        return super().update(gradient, state, params - decay * params)


@dataclass(frozen=True)
class Nadam:
    r"""Adam with Nesterov's look-ahead and a momentum that warms up.

    With :math:`\mu_t = \beta_1 (1 - \tfrac12 0.96^t)`, :math:`\Pi_t = \mu_1 \cdots \mu_t` and
    Adam's :math:`m_t` and :math:`v_t`:

    .. math::
        \hat m_t = \frac{\mu_{t+1} m_t}{1 - \Pi_{t+1}} + \frac{(1 - \mu_t) g_t}{1 - \Pi_t}, \qquad
        w_t = w_{t-1} - \eta \frac{\hat m_t}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    The paper has :math:`0.96^{t/250}` in the warm-up; this is Keras's.

    Args:
        learning_rate: as for `Adam`.
        beta_1: as for `Adam`.
        beta_2: as for `Adam`.
        epsilon: as for `Adam`, here outside the bias correction.

    >>> nadam = Nadam(learning_rate=0.1)
    >>> params, state = nadam.update(np.ones(1), nadam.init(np.zeros(1)), np.zeros(1))
    >>> state.step
    1

    Source: Dozat 2016.
    """

    learning_rate: LearningRate = 0.001
    beta_1: Hyperparameter = 0.9
    beta_2: Hyperparameter = 0.999
    epsilon: Hyperparameter = 1e-7

    class State(NamedTuple):
        """The steps taken, the mean gradient m, the mean square v and the product Π."""

        step: int
        mean: np.ndarray
        mean_square: np.ndarray
        momentum_product: Hyperparameter

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate", "epsilon")
        require_below_1(self, "beta_1", "beta_2")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: the means zero, the empty product 1."""
        return self.State(0, np.zeros_like(params), np.zeros_like(params), 1.0)

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        beta_1, beta_2 = per_run(self.beta_1), per_run(self.beta_2)
        step = state.step + 1
        now, ahead = (beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product = state.momentum_product * now
        mean = state.mean + (1 - beta_1) * (gradient - state.mean)
        mean_square = state.mean_square + (1 - beta_2) * (gradient * gradient - state.mean_square)
        look_ahead = ahead * mean / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        root = np.sqrt(mean_square / (1 - beta_2**step)) + per_run(self.epsilon)
        params = params - rate_at(self.learning_rate, state.step) * look_ahead / root
        return params, self.State(step, mean, mean_square, product)


@dataclass(frozen=True)
class Lion:
    r"""The sign of a momentum: every parameter moves by the learning rate, up or down.

    .. math::
        w_t = w_{t-1} - \eta\, \mathrm{sign}(\beta_1 m_{t-1} + (1-\beta_1) g_t), \qquad
        m_t = \beta_2 m_{t-1} + (1-\beta_2) g_t

    Args:
        learning_rate: the length η of every step, positive; a tenth of Adam's is usual.
        beta_1: the share of the momentum in the sign, from 0 up to, not including, 1.
        beta_2: the decay of the momentum, likewise.

    >>> lion = Lion(learning_rate=0.1)
    >>> params, state = lion.update(np.array([1e-9, -7.0]), lion.init(np.zeros(2)), np.zeros(2))
    >>> params
    array([-0.1,  0.1])

    Source: Chen et al. 2023.
    """

    learning_rate: LearningRate = 0.001
    beta_1: Hyperparameter = 0.9
    beta_2: Hyperparameter = 0.99

    class State(NamedTuple):
        """The number of steps taken and the momentum m."""

        step: int
        momentum: np.ndarray

    def __post_init__(self):
        """Refuse hyperparameters outside their range."""
        require_positive(self, "learning_rate")
        require_below_1(self, "beta_1", "beta_2")

    def init(self, params: np.ndarray) -> State:
        """Return the state before the first step: no momentum."""
        return self.State(0, np.zeros_like(params))

    def update(self, gradient, state: State, params) -> tuple[np.ndarray, State]:
        """Return the next point and state."""
        beta_1, beta_2 = per_run(self.beta_1), per_run(self.beta_2)
        direction = np.sign(beta_1 * state.momentum + (1 - beta_1) * gradient)
        momentum = beta_2 * state.momentum + (1 - beta_2) * gradient
        params = params - rate_at(self.learning_rate, state.step) * direction
        return params, self.State(state.step + 1, momentum)
