from functools import partial

import numpy as np
import pytest

from course_utils import losses
from course_utils.keras_twin import keras, tf

EXAMPLES, UNITS = 40, 3
CASES = {
    "mse": (losses.mean_squared_error, keras.losses.MeanSquaredError(dtype="float64")),
    "mae": (losses.mean_absolute_error, keras.losses.MeanAbsoluteError(dtype="float64")),
    "huber": (losses.huber, keras.losses.Huber(dtype="float64")),
    "huber 0.3": (partial(losses.huber, delta=0.3), keras.losses.Huber(delta=0.3, dtype="float64")),
    "binary": (
        losses.binary_cross_entropy,
        keras.losses.BinaryCrossentropy(from_logits=True, dtype="float64"),
    ),
    "softmax": (
        losses.softmax_cross_entropy,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64"),
    ),
    "softmax one-hot": (
        losses.softmax_cross_entropy,
        keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float64"),
    ),
}


def targets_of(name, rng):
    if name == "binary":
        return rng.integers(0, 2, (EXAMPLES, UNITS)).astype(float)
    if name == "softmax":
        return rng.integers(0, UNITS, EXAMPLES)
    if name == "softmax one-hot":
        return losses.one_hot(rng.integers(0, UNITS, EXAMPLES), UNITS)
    return rng.normal(size=(EXAMPLES, UNITS))


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_equal_keras(name, rng):
    ours, theirs = CASES[name]
    outputs, targets = 3 * rng.normal(size=(EXAMPLES, UNITS)), targets_of(name, rng)
    variable = tf.Variable(outputs)
    with tf.GradientTape() as tape:
        expected = theirs(targets, variable)
    value, gradient = ours(outputs, targets)
    assert value == pytest.approx(float(expected), rel=1e-6)
    expected_gradient = tape.gradient(expected, variable).numpy()
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_central_differences(name, rng):
    loss = CASES[name][0]
    outputs, targets = rng.normal(size=(EXAMPLES, UNITS)), targets_of(name, rng)
    direction, h = rng.normal(size=outputs.shape), 1e-6
    slope = (
        loss(outputs + h * direction, targets)[0] - loss(outputs - h * direction, targets)[0]
    ) / (2 * h)
    assert np.sum(loss(outputs, targets)[1] * direction) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_many_runs_at_once_equal_each_alone(name, rng):
    loss, targets = CASES[name][0], targets_of(name, rng)
    outputs = rng.normal(size=(4, 2, EXAMPLES, UNITS))
    values, gradients = loss(outputs, targets)
    assert values.shape == (4, 2)
    value, gradient = loss(outputs[3, 1], targets)
    assert values[3, 1] == pytest.approx(value)
    np.testing.assert_allclose(gradients[3, 1], gradient)


def test_softmax_survives_huge_logits():
    logits = np.array([[1e4, 0.0, -1e4], [1e300, -1e300, 0.0]])
    for labels in (np.array([1, 0]), losses.one_hot(np.array([1, 0]), 3)):
        value, gradient = losses.softmax_cross_entropy(logits, labels)
        assert value == pytest.approx(5000)
        np.testing.assert_allclose(gradient, [[0.5, -0.5, 0], [0, 0, 0]])


def test_binary_cross_entropy_survives_huge_logits():
    logits = np.array([[1e4], [-1e4], [1e300]])
    value, gradient = losses.binary_cross_entropy(logits, np.array([[0.0], [0.0], [1.0]]))
    assert value == pytest.approx(1e4 / 3)
    np.testing.assert_allclose(gradient, [[1 / 3], [0], [0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losses.mean_squared_error(np.zeros((4, 1)), np.zeros(4)),
            r"targets must have shape \(4, 1\), got \(4,\)",
        ),
        (
            lambda: losses.softmax_cross_entropy(np.zeros((4, 2)), np.zeros(4)),
            "labels must be 4 integers, got float64",
        ),
        (
            lambda: losses.softmax_cross_entropy(np.zeros((2, 2)), np.array([0, 2])),
            "labels must lie from 0 to 1, got 0 to 2",
        ),
        (
            lambda: losses.softmax_cross_entropy(np.zeros((2, 2)), np.array([0, 1, 1])),
            r"labels must be 2 integers, got int64 of shape \(3,\)",
        ),
        (
            lambda: losses.binary_cross_entropy(np.zeros((1, 1)), np.array([[2.0]])),
            "targets must lie from 0 to 1, got 2.0 to 2.0",
        ),
        (
            lambda: losses.huber(np.zeros((1, 1)), np.zeros((1, 1)), delta=0),
            "delta must be positive, got 0",
        ),
    ],
)
def test_refuses_targets_that_do_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()
