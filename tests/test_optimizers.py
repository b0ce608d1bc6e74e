import re

import numpy as np
import pytest

from course_utils.descent import minimize
from course_utils.keras_twin import follow_gradients
from course_utils.landscapes import bowl, rosenbrock
from course_utils.optimizers import SGD, Adam, run_shape

RATE, BETA_1, BETA_2 = 2.0**-10, 1 - 2.0**-3, 1 - 2.0**-10


def half_rate_after(steps, rate):
    return lambda step: rate if step < steps else rate / 2


# Each row: a name, the optimizer with hyperparameters that float32 holds exactly, and the same
# with Keras's defaults.
CASES = {
    "SGD": (SGD, {}),
    "momentum": (SGD, {"momentum": 1 - 2.0**-3}),
    "nesterov": (SGD, {"momentum": 1 - 2.0**-3, "nesterov": True}),
    "Adam": (Adam, {"beta_1": BETA_1, "beta_2": BETA_2}),
}
DEFAULTS = {
    "SGD": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "Adam": Adam(),
}


def gradient_stream(rng, steps=1000):
    """Gradients of both signs whose sizes run from 1e-8 to 1e2."""
    sizes = 10 ** rng.uniform(-8, 2, (steps, 12))
    return sizes * rng.choice([-1, 1], sizes.shape) + 0.1 * sizes


def follow(optimizer, gradients, start):
    params, state = start, optimizer.init(start)
    points = [params]
    for gradient in gradients:
        params, state = optimizer.update(gradient, state, params)
        points.append(params)
    return np.array(points)


def assert_same_moves(ours, theirs, share):
    moved = np.abs(theirs - theirs[0]).max(axis=0)
    assert np.all(moved > 0)
    assert np.all(np.abs(ours - theirs) <= share * moved)


@pytest.mark.parametrize("name", CASES)
def test_equals_keras_to_ten_digits_where_float32_holds_the_hyperparameters(name, rng):
    rule, hyperparameters = CASES[name]
    optimizer = rule(learning_rate=half_rate_after(500, RATE), **hyperparameters)
    gradients, start = gradient_stream(rng), np.zeros(12)
    keras_points = follow_gradients(optimizer, gradients, start)
    assert_same_moves(follow(optimizer, gradients, start), keras_points, share=1e-10)


@pytest.mark.parametrize("name", DEFAULTS)
def test_equals_keras_with_its_defaults(name, rng):
    optimizer, gradients, start = DEFAULTS[name], gradient_stream(rng), np.zeros(12)
    keras_points = follow_gradients(optimizer, gradients, start)
    assert_same_moves(follow(optimizer, gradients, start), keras_points, share=1e-5)


@pytest.mark.parametrize("rule", [SGD, Adam])
def test_defaults_are_those_of_keras(rule):
    from course_utils.keras_twin import keras

    config = getattr(keras.optimizers, rule.__name__)().get_config()
    ours = rule()
    for name in ours.__dataclass_fields__:
        assert getattr(ours, name) == pytest.approx(config[name]), name


@pytest.mark.parametrize("name", CASES)
def test_a_sweep_of_rates_equals_single_runs_to_the_bit(name):
    rule, hyperparameters = CASES[name]
    rates = np.geomspace(1e-5, 1e-3, 7)
    swept = minimize(rosenbrock(), rule(rates, **hyperparameters), [-1.0, 1.5], 50)
    for i, rate in enumerate(rates):
        alone = minimize(rosenbrock(), rule(float(rate), **hyperparameters), [-1.0, 1.5], 50)
        assert np.array_equal(swept.points[:, i], alone.points)
        assert np.array_equal(swept.values[:, i], alone.values)


def test_a_sweep_of_another_hyperparameter_equals_single_runs():
    momenta = np.array([0.0, 0.5, 0.9])
    swept = minimize(bowl(), SGD(0.01, momentum=momenta), [2.0, 1.0], 50)
    for i, momentum in enumerate(momenta):
        alone = minimize(bowl(), SGD(0.01, momentum=float(momentum)), [2.0, 1.0], 50)
        np.testing.assert_allclose(swept.points[:, i], alone.points, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_update_is_pure(name, rng):
    rule, hyperparameters = CASES[name]
    optimizer = rule(RATE, **hyperparameters)
    gradient, params = rng.normal(size=(2, 3, 4))
    state = optimizer.init(params)
    kept = gradient.copy(), params.copy()
    first, first_state = optimizer.update(gradient, state, params)
    second, second_state = optimizer.update(gradient, state, params)
    assert np.array_equal(first, second)
    assert np.array_equal(first_state[1], second_state[1])
    assert np.array_equal(gradient, kept[0])
    assert np.array_equal(params, kept[1])
    assert first_state.step == 1
    assert state.step == 0


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("landscape", [bowl(condition_number=10), rosenbrock()])
def test_descends(name, landscape):
    rule, hyperparameters = CASES[name]
    rate = 2e-4 if rule is SGD else 0.01
    path = minimize(landscape, rule(rate, **hyperparameters), [-1.5, 1.5], 1000)
    assert path.values[-1] < 0.7 * path.values[0]


def test_nesterov_looks_ahead():
    heavy = minimize(bowl(), SGD(0.05, momentum=0.9), [2.0, 1.0], 20)
    nesterov = minimize(bowl(), SGD(0.05, momentum=0.9, nesterov=True), [2.0, 1.0], 20)
    assert not np.allclose(heavy.points, nesterov.points)


def test_run_shape_spans_all_hyperparameters():
    assert run_shape(SGD(np.ones((5, 1)), momentum=np.zeros(3))) == (5, 3)
    assert run_shape(Adam()) == ()


@pytest.mark.parametrize(
    ("rule", "hyperparameter", "message"),
    [
        (SGD, {"learning_rate": -0.1}, "learning_rate must be positive, got -0.1"),
        (SGD, {"learning_rate": np.array([0.1, -0.2])}, "learning_rate must be positive, got -0.2"),
        (SGD, {"learning_rate": np.nan}, "learning_rate must be positive, got nan"),
        (SGD, {"learning_rate": np.inf}, "learning_rate must be positive, got inf"),
        (SGD, {"momentum": 1.5}, "momentum must lie between 0 and 1, got 1.5"),
        (Adam, {"learning_rate": 0}, "learning_rate must be positive, got 0"),
        (Adam, {"beta_1": 1.0}, "beta_1 must be at least 0 and below 1, got 1.0"),
        (Adam, {"beta_2": -0.1}, "beta_2 must be at least 0 and below 1, got -0.1"),
        (Adam, {"epsilon": 0.0}, "epsilon must be positive, got 0.0"),
    ],
)
def test_refuses_a_wrong_hyperparameter_by_name(rule, hyperparameter, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        rule(**hyperparameter)


def test_refuses_a_hyperparameter_that_is_no_number():
    with pytest.raises(TypeError, match="learning_rate must be a number"):
        SGD(learning_rate="0.1")
