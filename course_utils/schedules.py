"""Learning-rate schedules: each takes a step (0, 1, 2, ...), or an array of steps, to a rate.

Names, defaults and formulas are those of Keras where Keras has the schedule. Lowering the rate when
the loss stalls needs the loss, so it is a callback in descent.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Schedule = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Constant:
    """The same rate at every step.

    >>> Constant(0.1)(np.arange(3))
    array([0.1, 0.1, 0.1])
    """

    learning_rate: float

    def __post_init__(self):
        """Refuse a rate that is not positive."""
        _require_positive(learning_rate=self.learning_rate)

    def __call__(self, step):
        """Return the rate at this step."""
        return self.learning_rate * np.ones_like(step, dtype=float)


@dataclass(frozen=True)
class PiecewiseConstantDecay:
    """One value up to and including each boundary, and the last value after them.

    >>> PiecewiseConstantDecay((10, 20), (1.0, 0.5, 0.1))(np.array([0, 10, 11, 21]))
    array([1. , 1. , 0.5, 0.1])
    """

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self):
        """Refuse boundaries that do not rise or do not fit the values, and rates below 0."""
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values must be one more than boundaries, got {len(self.values)} values "
                f"for {len(self.boundaries)} boundaries"
            )
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError(f"boundaries must rise, got {self.boundaries}")
        for value in self.values:
            _require_not_negative(values=value)

    def __call__(self, step):
        """Return the rate at this step."""
        return np.asarray(self.values)[np.searchsorted(self.boundaries, step, side="left")]


@dataclass(frozen=True)
class _TimedDecay:
    """What the exponential and the inverse-time decay share: their settings and their clock."""

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __post_init__(self):
        """Refuse a rate, a decay or a number of steps that is not positive."""
        _require_positive(
            initial_learning_rate=self.initial_learning_rate,
            decay_steps=self.decay_steps,
            decay_rate=self.decay_rate,
        )

    def _progress(self, step):
        progress = np.asarray(step) / self.decay_steps
        return np.floor(progress) if self.staircase else progress


@dataclass(frozen=True)
class ExponentialDecay(_TimedDecay):
    r"""A rate that is multiplied by γ every so many steps: :math:`\eta_0 \gamma^{t/T}`.

    With ``staircase`` the exponent is rounded down.

    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(np.array([0, 10, 20]))
    array([0.1  , 0.05 , 0.025])
    """

    def __call__(self, step):
        """Return the rate at this step."""
        return self.initial_learning_rate * self.decay_rate ** self._progress(step)


@dataclass(frozen=True)
class InverseTimeDecay(_TimedDecay):
    r"""A rate that falls like one over the step: :math:`\eta_0 / (1 + \gamma t/T)`.

    With ``staircase`` the fraction t/T is rounded down.

    >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=1.0)(np.array([0, 10, 90]))
    array([0.1 , 0.05, 0.01])

    Source: Robbins and Monro 1951 (rates of this kind).
    """

    def __call__(self, step):
        """Return the rate at this step."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._progress(step))


@dataclass(frozen=True)
class PolynomialDecay:
    r"""From the initial to the end rate along :math:`(1 - t/T)^p`, then level.

    With ``cycle`` it starts again, T becoming the next multiple of the decay steps.

    >>> PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(np.array([0, 5, 10, 99]))
    array([0.1 , 0.05, 0.  , 0.  ])
    """

    initial_learning_rate: float
    decay_steps: int
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self):
        """Refuse a rate, a power or a number of steps that is not positive, and an end below 0."""
        _require_positive(
            initial_learning_rate=self.initial_learning_rate,
            decay_steps=self.decay_steps,
            power=self.power,
        )
        _require_not_negative(end_learning_rate=self.end_learning_rate)

    def __call__(self, step):
        """Return the rate at this step."""
        progress = np.asarray(step) / self.decay_steps
        if self.cycle:
            progress = progress / np.maximum(1, np.ceil(progress))
        remaining = (1 - np.minimum(progress, 1)) ** self.power
        return self.end_learning_rate + remaining * (
            self.initial_learning_rate - self.end_learning_rate
        )


@dataclass(frozen=True)
class CosineDecay:
    r"""Half a cosine from the initial rate down to the share α of it, then level.

    .. math::
        \eta_0 \left((1-\alpha)\,\tfrac12 (1 + \cos \pi t/T) + \alpha\right)

    With ``warmup_target`` the rate first rises from the initial rate to the target in a straight
    line over ``warmup_steps``, and the cosine starts there.

    >>> CosineDecay(0.1, decay_steps=10)(np.array([0, 5, 10]))
    array([0.1 , 0.05, 0.  ])
    >>> CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=4)(np.array([0, 2, 4, 14]))
    array([0.  , 0.05, 0.1 , 0.  ])

    Source: Loshchilov and Hutter 2017.
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self):
        """Refuse a number of steps that is not positive, and rates below 0."""
        _require_positive(decay_steps=self.decay_steps)
        _require_not_negative(initial_learning_rate=self.initial_learning_rate, alpha=self.alpha)
        if self.warmup_target is not None:
            _require_positive(warmup_steps=self.warmup_steps, warmup_target=self.warmup_target)

    def __call__(self, step):
        """Return the rate at this step."""
        if self.warmup_target is None:
            return self._decay(self.initial_learning_rate, step)
        rise = (self.warmup_target - self.initial_learning_rate) * np.asarray(step)
        return np.where(
            np.asarray(step) < self.warmup_steps,
            self.initial_learning_rate + rise / self.warmup_steps,
            self._decay(self.warmup_target, np.asarray(step) - self.warmup_steps),
        )

    def _decay(self, top, step):
        progress = np.clip(np.asarray(step) / self.decay_steps, 0, 1)
        return top * ((1 - self.alpha) * _half_cosine(progress) + self.alpha)


@dataclass(frozen=True)
class CosineDecayRestarts:
    """Cosine decay that starts again, each time over more steps and from a lower rate if wished.

    Args:
        initial_learning_rate: at the first start.
        first_decay_steps: the length of the first decay.
        t_mul: each decay is this many times longer than the one before, at least 1.
        m_mul: each start is this many times higher than the one before.
        alpha: the share of the initial rate that is never undercut.

    >>> CosineDecayRestarts(0.1, first_decay_steps=10)(np.array([0, 5, 10, 20, 30]))
    array([0.1 , 0.05, 0.1 , 0.05, 0.1 ])

    Source: Loshchilov and Hutter 2017 (SGDR).
    """

    initial_learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0

    def __post_init__(self):
        """Refuse steps and rates that are not positive, and decays that get shorter."""
        _require_positive(
            initial_learning_rate=self.initial_learning_rate,
            first_decay_steps=self.first_decay_steps,
            m_mul=self.m_mul,
        )
        _require_not_negative(alpha=self.alpha)
        if not self.t_mul >= 1:
            raise ValueError(f"t_mul must be at least 1, got {self.t_mul}")

    def __call__(self, step):
        """Return the rate at this step."""
        elapsed = np.asarray(step) / self.first_decay_steps
        if self.t_mul == 1:
            restarts = np.floor(elapsed)
            progress = elapsed - restarts
        else:
            # The decays before restart i took 1 + t + ... + t^(i-1) = (t^i - 1) / (t - 1).
            growth = self.t_mul - 1
            restarts = np.floor(np.log1p(growth * elapsed) / np.log(self.t_mul) + 1e-12)
            progress = (elapsed - (self.t_mul**restarts - 1) / growth) / self.t_mul**restarts
        top = self.m_mul**restarts
        decayed = (1 - self.alpha) * top * _half_cosine(progress) + self.alpha
        return self.initial_learning_rate * decayed


@dataclass(frozen=True)
class OneCycle:
    """Up to a large rate and down again to almost nothing, both along half a cosine.

    Args:
        maximal_learning_rate: the top of the cycle.
        total_steps: the length of the cycle; the rate stays at its end value afterwards.
        rising_share: the share of the steps before the top.
        start_divisor: the first rate is the maximal one divided by this.
        end_divisor: the last rate is the first one divided by this.

    >>> OneCycle(1.0, total_steps=100, rising_share=0.25)(np.array([0, 25, 100])).round(6)
    array([4.e-02, 1.e+00, 4.e-06])

    Source: Smith and Topin 2019, in the form with cosines that PyTorch's OneCycleLR has.
    """

    maximal_learning_rate: float
    total_steps: int
    rising_share: float = 0.3
    start_divisor: float = 25.0
    end_divisor: float = 1e4

    def __post_init__(self):
        """Refuse a rate, a divisor or a number of steps that is not positive."""
        _require_positive(
            maximal_learning_rate=self.maximal_learning_rate,
            total_steps=self.total_steps,
            start_divisor=self.start_divisor,
            end_divisor=self.end_divisor,
        )
        if not 0 < self.rising_share < 1:
            raise ValueError(f"rising_share must lie between 0 and 1, got {self.rising_share}")

    def __call__(self, step):
        """Return the rate at this step."""
        top, first = self.maximal_learning_rate, self.maximal_learning_rate / self.start_divisor
        last = first / self.end_divisor
        share = np.minimum(np.asarray(step) / self.total_steps, 1)
        rise = np.minimum(share / self.rising_share, 1)
        fall = np.maximum(share - self.rising_share, 0) / (1 - self.rising_share)
        rising = top + (first - top) * _half_cosine(rise)
        falling = last + (top - last) * _half_cosine(fall)
        return np.where(share < self.rising_share, rising, falling)


@dataclass(frozen=True)
class LinearWarmup:
    """A straight rise from zero to the first rate of another schedule, which then begins.

    >>> LinearWarmup(Constant(0.1), warmup_steps=4)(np.arange(6)).round(3)
    array([0.   , 0.025, 0.05 , 0.075, 0.1  , 0.1  ])
    """

    schedule: Schedule
    warmup_steps: int

    def __post_init__(self):
        """Refuse what is no schedule, and a number of steps that is not positive."""
        if not callable(self.schedule):
            raise TypeError(
                f"schedule must take a step to a rate, got {self.schedule!r}: "
                "write one rate for all steps as Constant(0.1)"
            )
        _require_positive(warmup_steps=self.warmup_steps)

    def __call__(self, step):
        """Return the rate at this step."""
        step = np.asarray(step)
        top = self.schedule(np.maximum(step - self.warmup_steps, 0))
        return top * np.minimum(step / self.warmup_steps, 1)


def _half_cosine(progress):
    """Fall from 1 to 0 as progress goes from 0 to 1."""
    return 0.5 * (1 + np.cos(np.pi * progress))


def _require_positive(**values) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def _require_not_negative(**values) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}")
