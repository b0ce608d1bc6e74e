import re

import numpy as np
import pytest

from course_utils import schedules
from course_utils.descent import minimize
from course_utils.keras_twin import keras_optimizer, keras_schedule
from course_utils.landscapes import bowl
from course_utils.optimizers import SGD

WITH_A_TWIN = {
    "piecewise": schedules.PiecewiseConstantDecay((10, 25, 60), (0.5, 0.25, 0.1, 0.01)),
    "exponential": schedules.ExponentialDecay(0.5, decay_steps=20, decay_rate=0.7),
    "exponential staircase": schedules.ExponentialDecay(0.5, 20, 0.7, staircase=True),
    "inverse time": schedules.InverseTimeDecay(0.5, decay_steps=20, decay_rate=0.7),
    "inverse time staircase": schedules.InverseTimeDecay(0.5, 20, 0.7, staircase=True),
    "polynomial": schedules.PolynomialDecay(0.5, decay_steps=50),
    "polynomial squared": schedules.PolynomialDecay(0.5, 50, end_learning_rate=0.1, power=2.0),
    "polynomial cycle": schedules.PolynomialDecay(0.5, 30, end_learning_rate=0.1, cycle=True),
    "cosine": schedules.CosineDecay(0.5, decay_steps=60),
    "cosine alpha": schedules.CosineDecay(0.5, decay_steps=60, alpha=0.2),
    "cosine warm-up": schedules.CosineDecay(0.1, 60, 0.1, warmup_target=0.5, warmup_steps=15),
    "restarts": schedules.CosineDecayRestarts(0.5, first_decay_steps=12),
    "restarts equal": schedules.CosineDecayRestarts(0.5, 12, t_mul=1.0, m_mul=0.8),
    "restarts alpha": schedules.CosineDecayRestarts(0.5, 12, t_mul=1.5, m_mul=0.8, alpha=0.1),
}
WITHOUT = {
    "constant": schedules.Constant(0.3),
    "one cycle": schedules.OneCycle(0.5, total_steps=80),
    "warm-up": schedules.LinearWarmup(schedules.ExponentialDecay(0.5, 20, 0.7), warmup_steps=10),
}
STEPS = np.arange(100)
initial_rate = 0.5


@pytest.mark.parametrize("name", WITH_A_TWIN)
def test_equals_keras_at_every_step(name):
    schedule = WITH_A_TWIN[name]
    twin = keras_schedule(schedule)
    theirs = np.array([float(twin(step)) for step in STEPS])
    np.testing.assert_allclose(schedule(STEPS), theirs, rtol=0, atol=1e-6 * initial_rate)


@pytest.mark.parametrize("name", WITH_A_TWIN | WITHOUT)
def test_one_step_at_a_time_equals_all_at_once(name):
    schedule = (WITH_A_TWIN | WITHOUT)[name]
    rates = schedule(STEPS)
    assert rates.shape == STEPS.shape
    assert [float(schedule(int(step))) for step in STEPS] == rates.tolist()


def test_one_cycle_rises_to_its_top_and_falls_to_almost_nothing():
    cycle = schedules.OneCycle(0.5, total_steps=100, rising_share=0.3)
    rates = cycle(np.arange(120))
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates.argmax() == 30
    assert rates[30] == pytest.approx(0.5)
    assert rates[15] == pytest.approx((0.5 + 0.5 / 25) / 2)
    assert rates[65] == pytest.approx((0.5 + 0.5 / 25 / 1e4) / 2)
    assert np.all(np.diff(rates[:31]) > 0)
    assert np.all(np.diff(rates[30:101]) < 0)
    np.testing.assert_allclose(rates[100:], 0.5 / 25 / 1e4)


def test_warm_up_leads_into_the_schedule_from_its_beginning():
    decay = schedules.ExponentialDecay(0.5, 20, 0.7)
    rates = schedules.LinearWarmup(decay, warmup_steps=10)(STEPS)
    np.testing.assert_allclose(rates[:11], np.linspace(0, 0.5, 11))
    np.testing.assert_allclose(rates[10:], decay(STEPS[:-10]))


def test_an_optimizer_follows_its_schedule():
    schedule = schedules.PiecewiseConstantDecay((2,), (0.5, 0.25))
    path = minimize(bowl(condition_number=1), SGD(schedule), [1.0, 0.0], 5)
    assert path.points[:, 0].tolist() == [1, 0.5, 0.25, 0.125, 0.09375, 0.0703125]


def test_keras_gets_the_schedule_with_the_optimizer():
    twin = keras_optimizer(SGD(WITH_A_TWIN["exponential"]))
    assert twin.get_config()["learning_rate"]["class_name"] == "ExponentialDecay"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.Constant(0.0), "learning_rate must be positive, got 0.0"),
        (
            lambda: schedules.ExponentialDecay(0.1, 0, 0.5),
            "decay_steps must be positive, got 0",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay((1, 2), (0.1, 0.2)),
            "values must be one more than boundaries, got 2 values for 2 boundaries",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay((2, 1), (1, 2, 3)),
            "boundaries must rise, got (2, 1)",
        ),
        (
            lambda: schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5),
            "t_mul must be at least 1, got 0.5",
        ),
        (
            lambda: schedules.OneCycle(0.1, 10, rising_share=1.0),
            "rising_share must lie between 0 and 1, got 1.0",
        ),
        (
            lambda: schedules.LinearWarmup(schedules.Constant(0.1), 0),
            "warmup_steps must be positive, got 0",
        ),
        (
            lambda: schedules.CosineDecay(0.1, 10, warmup_target=0.2),
            "warmup_steps must be positive, got 0",
        ),
        (
            lambda: schedules.InverseTimeDecay(0.1, 10, -1.0),
            "decay_rate must be positive, got -1.0",
        ),
        (
            lambda: schedules.PolynomialDecay(0.1, 10, power=0.0),
            "power must be positive, got 0.0",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay((1,), (0.1, -0.2)),
            "values must not be negative, got -0.2",
        ),
        (
            lambda: schedules.PolynomialDecay(0.1, 10, end_learning_rate=-0.1),
            "end_learning_rate must not be negative, got -0.1",
        ),
        (
            lambda: schedules.CosineDecay(-0.1, 10),
            "initial_learning_rate must not be negative, got -0.1",
        ),
        (
            lambda: schedules.CosineDecay(0.1, 10, alpha=-0.5),
            "alpha must not be negative, got -0.5",
        ),
        (
            lambda: schedules.CosineDecayRestarts(0.1, 10, alpha=-0.5),
            "alpha must not be negative, got -0.5",
        ),
    ],
)
def test_refuses_a_wrong_setting_by_name(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_warm_up_needs_a_schedule_to_lead_into():
    with pytest.raises(TypeError, match=r"schedule must take .*, got 0.1: .* Constant\(0.1\)"):
        schedules.LinearWarmup(0.1, 4)
