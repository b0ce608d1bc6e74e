import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from course_utils.descent import minimize
from course_utils.hyperparameters import run_shape
from course_utils.keras_twin import follow_gradients
from course_utils.landscapes import bowl, rosenbrock
from course_utils.optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop

RATE, BETA_1, BETA_2 = 2.0**-10, 1 - 2.0**-3, 1 - 2.0**-10


def half_rate_after(steps, rate):
    return lambda step: rate if step < steps else rate / 2


# Each row: a name, the rule, its hyperparameters where float32 holds them exactly, and how closely
# it follows Keras then, as a share of the distance moved.
CASES = {
    "SGD": (SGD, {}, 1e-10),
    "momentum": (SGD, {"momentum": BETA_1}, 1e-10),
    "nesterov": (SGD, {"momentum": BETA_1, "nesterov": True}, 1e-10),
    "Adagrad": (Adagrad, {"initial_accumulator_value": 2.0**-3}, 1e-10),
    "Adagrad from 0": (Adagrad, {"initial_accumulator_value": 0.0}, 1e-10),
    "RMSprop": (RMSprop, {"rho": BETA_1}, 1e-10),
    "RMSprop momentum": (RMSprop, {"rho": BETA_1, "momentum": BETA_1}, 1e-10),
    "RMSprop centered": (RMSprop, {"rho": BETA_1, "centered": True}, 1e-10),
    "Adadelta": (Adadelta, {"rho": BETA_1}, 1e-10),
    "Adam": (Adam, {"beta_1": BETA_1, "beta_2": BETA_2}, 1e-10),
    "AMSGrad": (Adam, {"beta_1": BETA_1, "beta_2": BETA_2, "amsgrad": True}, 1e-10),
    "AdamW": (AdamW, {"beta_1": BETA_1, "beta_2": BETA_2, "weight_decay": 2.0**-3}, 1e-10),
    "Nadam": (Nadam, {"beta_1": BETA_1, "beta_2": BETA_2}, 1e-6),  # Keras's 0.96 is float32
    "Lion": (Lion, {"beta_1": BETA_1, "beta_2": BETA_2}, 1e-10),
}
RULES = sorted({rule for rule, _, _ in CASES.values()}, key=lambda rule: rule.__name__)


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
    rule, hyperparameters, share = CASES[name]
    optimizer = rule(learning_rate=half_rate_after(500, RATE), **hyperparameters)
    gradients, start = gradient_stream(rng), np.zeros(12)
    keras_points = follow_gradients(optimizer, gradients, start)
    assert_same_moves(follow(optimizer, gradients, start), keras_points, share)


@pytest.mark.parametrize("rule", RULES)
def test_equals_keras_with_its_defaults(rule, rng):
    optimizer, gradients, start = rule(), gradient_stream(rng), np.zeros(12)
    keras_points = follow_gradients(optimizer, gradients, start)
    assert_same_moves(follow(optimizer, gradients, start), keras_points, share=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_defaults_are_those_of_keras(rule):
    from course_utils.keras_twin import keras

    config = getattr(keras.optimizers, rule.__name__)().get_config()
    ours = rule()
    for name in ours.__dataclass_fields__:
        assert getattr(ours, name) == pytest.approx(config[name]), name


@pytest.mark.parametrize("name", CASES)
def test_a_sweep_of_rates_equals_single_runs_to_the_bit(name):
    rule, hyperparameters, _ = CASES[name]
    rates = np.geomspace(1e-5, 1e-3, 7)
    swept = minimize(rosenbrock(), rule(rates, **hyperparameters), [-1.0, 1.5], 50)
    for i, rate in enumerate(rates):
        alone = minimize(rosenbrock(), rule(float(rate), **hyperparameters), [-1.0, 1.5], 50)
        assert np.array_equal(swept.points[:, i], alone.points)
        assert np.array_equal(swept.values[:, i], alone.values)


SWEPT = [
    (rule, field)
    for rule in RULES
    for field in rule.__dataclass_fields__
    if field not in ("learning_rate", "nesterov", "centered", "amsgrad")
]


@pytest.mark.parametrize(
    ("rule", "field"), SWEPT, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_sweep_of_any_other_hyperparameter_equals_single_runs(rule, field):
    values = np.array([0.1, 0.5, 0.9])
    swept = minimize(rosenbrock(), rule(1e-4, **{field: values}), [-1.0, 1.5], 50)
    for i, value in enumerate(values):
        alone = minimize(rosenbrock(), rule(1e-4, **{field: float(value)}), [-1.0, 1.5], 50)
        np.testing.assert_allclose(swept.points[:, i], alone.points, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_update_is_pure(name, rng):
    rule, hyperparameters, _ = CASES[name]
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
    rule, hyperparameters, _ = CASES[name]
    rate = {SGD: 2e-4, Adadelta: 1.0, Adagrad: 0.1}.get(rule, 0.01)
    path = minimize(landscape, rule(rate, **hyperparameters), [-1.5, 1.5], 1000)
    assert path.values[-1] < 0.7 * path.values[0]


finite = st.floats(-1e150, 1e150)  # beyond it the square of a gradient is no float64
shapes = array_shapes(min_dims=1, max_dims=4, max_side=4)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data(), shape=shapes)
@settings(max_examples=30, deadline=None)
def test_no_shape_and_no_finite_value_breaks_an_update(name, data, shape):
    rule, hyperparameters, _ = CASES[name]
    optimizer = rule(RATE, **hyperparameters)
    params, *gradients = (data.draw(arrays(float, shape, elements=finite)) for _ in range(4))
    state = optimizer.init(params)
    for gradient in gradients:
        params, state = optimizer.update(gradient, state, params)
        assert params.shape == shape
        assert np.isfinite(params).all()
    assert state.step == 3


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
        (SGD, {"learning_rate": np.inf}, "learning_rate must be positive and finite, got inf"),
        (
            AdamW,
            {"weight_decay": np.array([0.1, np.inf])},
            "weight_decay must be finite and not negative, got inf",
        ),
        (SGD, {"momentum": 1.5}, "momentum must lie between 0 and 1, got 1.5"),
        (Adam, {"learning_rate": 0}, "learning_rate must be positive, got 0"),
        (Adam, {"beta_1": 1.0}, "beta_1 must be at least 0, below 1, got 1.0"),
        (Adam, {"beta_2": -0.1}, "beta_2 must be at least 0, below 1, got -0.1"),
        (Adam, {"epsilon": 0.0}, "epsilon must be positive, got 0.0"),
        (AdamW, {"weight_decay": -1e-3}, "weight_decay must not be negative, got -0.001"),
        (AdamW, {"beta_1": 2.0}, "beta_1 must be at least 0, below 1, got 2.0"),
        (Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must not be neg"),
        (Adagrad, {"epsilon": -1e-9}, "epsilon must be positive, got -1e-09"),
        (RMSprop, {"rho": 1.0}, "rho must be at least 0, below 1, got 1.0"),
        (RMSprop, {"momentum": -0.5}, "momentum must lie between 0 and 1, got -0.5"),
        (Adadelta, {"rho": np.nan}, "rho must be at least 0, below 1, got nan"),
        (Nadam, {"beta_2": 1.0}, "beta_2 must be at least 0, below 1, got 1.0"),
        (Lion, {"beta_1": -0.1}, "beta_1 must be at least 0, below 1, got -0.1"),
        (Lion, {"learning_rate": 0}, "learning_rate must be positive, got 0"),
    ],
)
def test_refuses_a_wrong_hyperparameter_by_name(rule, hyperparameter, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        rule(**hyperparameter)


@pytest.mark.parametrize(
    ("name", "value"), [("learning_rate", "0.1"), ("momentum", lambda step: 0.9)]
)
def test_refuses_a_hyperparameter_that_is_no_number(name, value):
    with pytest.raises(TypeError, match=f"{name} must be a number"):
        SGD(**{name: value})
