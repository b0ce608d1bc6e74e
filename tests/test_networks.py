from functools import partial

import numpy as np
import pytest

from course_utils import losses
from course_utils.keras_twin import keras, keras_network, tf
from course_utils.networks import MLP, NetworkLoss

LOSSES = {
    "mse": (losses.mean_squared_error, keras.losses.MeanSquaredError(dtype="float64")),
    "mae": (losses.mean_absolute_error, keras.losses.MeanAbsoluteError(dtype="float64")),
    "huber": (partial(losses.huber, delta=0.7), keras.losses.Huber(delta=0.7, dtype="float64")),
    "binary": (
        losses.binary_cross_entropy,
        keras.losses.BinaryCrossentropy(from_logits=True, dtype="float64"),
    ),
    "softmax": (
        losses.softmax_cross_entropy,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64"),
    ),
}


def problem(network, name, rng, examples=30, **options):
    inputs = rng.normal(size=(examples, network.layers[0]))
    units = network.layers[-1]
    targets = {
        "binary": rng.integers(0, 2, (examples, units)).astype(float),
        "softmax": rng.integers(0, units, examples),
    }.get(name, rng.normal(size=(examples, units)))
    return NetworkLoss(network, inputs, targets, LOSSES[name][0], **options)


def tensorflow_value_and_gradient(objective, loss, params):
    """The same by TensorFlow's tape, layer by layer where units are dropped."""
    model = keras_network(objective.network, params, dtype="float64")
    with tf.GradientTape() as tape:
        outputs = tf.constant(objective.inputs)
        for i, layer in enumerate(model.layers):
            outputs = layer(outputs)
            if objective.masks is not None and i < len(model.layers) - 1:
                outputs = outputs * objective.masks[i]
        value = loss(objective.targets, outputs)
        for layer in model.layers:
            value += objective.l1 * tf.reduce_sum(tf.abs(layer.kernel))
            value += objective.l2 * tf.reduce_sum(layer.kernel**2)
    weights = [weight.value for weight in model.trainable_variables]
    gradient = [part.numpy().ravel() for part in tape.gradient(value, weights)]
    return float(value), np.concatenate(gradient)


def assert_equals_the_tape(objective, loss, params):
    value, gradient = objective.value_and_gradient(params)
    expected_value, expected = tensorflow_value_and_gradient(objective, loss, params)
    assert value == pytest.approx(expected_value, rel=1e-6)
    assert np.abs(gradient - expected).max() < 1e-6 * np.abs(expected).max()
    assert objective.value(params) == pytest.approx(value, rel=1e-12)
    np.testing.assert_array_equal(objective.gradient(params), gradient)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
@pytest.mark.parametrize("layers", [(5, 3), (5, 8, 3), (5, 8, 6, 4, 3)])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("options", [{}, {"l1": 0.02, "l2": 0.1, "dropout": 0.4}], ids=["", "all"])
def test_gradient_equals_tensorflows_tape(activation, layers, name, options, rng):
    network = MLP(layers, activation)
    whole = problem(network, name, rng, **options)
    objective = whole.batch(np.arange(25), rng)
    assert (objective.masks is not None) == bool(options)
    assert_equals_the_tape(objective, LOSSES[name][1], rng.normal(size=network.size))


@pytest.mark.parametrize("options", [{"l1": 0.1}, {"l2": 0.1}, {"l1": 0.02, "l2": 0.3}])
def test_gradient_with_penalties_equals_tensorflows_tape(options, rng):
    network = MLP((5, 8, 3))
    objective = problem(network, "softmax", rng, **options)
    assert_equals_the_tape(objective, LOSSES["softmax"][1], rng.normal(size=network.size))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_gradient_with_dropped_units_equals_tensorflows_tape(activation, rng):
    network = MLP((5, 8, 6, 3), activation)
    objective = problem(network, "softmax", rng, dropout=0.4, l2=0.01)
    dropped = objective.batch(np.arange(20), rng)
    assert_equals_the_tape(dropped, LOSSES["softmax"][1], rng.normal(size=network.size))


def test_penalties_leave_biases_free(rng):
    network = MLP((5, 8, 3))
    biases = rng.normal(size=network.size) * (1 - network.is_weight)
    plain = problem(network, "mse", rng)
    penalised = NetworkLoss(network, plain.inputs, plain.targets, plain.loss, l1=9.0, l2=9.0)
    assert penalised.value(biases) == plain.value(biases)
    np.testing.assert_array_equal(penalised.gradient(biases), plain.gradient(biases))


def test_a_penalty_may_differ_from_run_to_run(rng):
    network = MLP((5, 3))
    params = rng.normal(size=(2, network.size))
    both = problem(network, "mse", rng, l2=np.array([0.1, 0.5]))
    for i, l2 in enumerate([0.1, 0.5]):
        alone = NetworkLoss(network, both.inputs, both.targets, both.loss, l2=l2)
        assert both.value(params)[i] == pytest.approx(alone.value(params[i]))
        np.testing.assert_allclose(both.gradient(params)[i], alone.gradient(params[i]))


def test_dropout_keeps_the_mean_and_is_off_at_test_time(rng):
    network = MLP((5, 2000, 3))
    (mask,) = network.masks(0.3, examples=50, rng=rng)
    assert set(np.unique(mask)) == {0, 1 / 0.7}
    assert mask.mean() == pytest.approx(1, abs=0.01)
    assert np.mean(mask == 0) == pytest.approx(0.3, abs=0.01)
    objective = problem(network, "mse", rng, dropout=0.3)
    params = network.initial(seed=0)
    plain = NetworkLoss(network, objective.inputs, objective.targets, objective.loss)
    assert objective.value(params) == plain.value(params)
    assert objective.batch(np.arange(30)).value(params) == plain.value(params)
    assert objective.batch(np.arange(30), rng).value(params) != plain.value(params)


def test_many_networks_at_once_equal_each_alone(rng, monkeypatch):
    objective = problem(MLP((4, 6, 3)), "softmax", rng)
    params = rng.normal(size=(2, 5, objective.size))
    values, gradients = objective.value_and_gradient(params)
    assert values.shape == (2, 5)
    for i in np.ndindex(2, 5):
        value, gradient = objective.value_and_gradient(params[i])
        assert values[i] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(gradients[i], gradient, rtol=1e-9, atol=1e-14)
    monkeypatch.setattr("course_utils.networks.BYTES_AT_ONCE", 1)
    np.testing.assert_allclose(objective.value(params), values, rtol=1e-12)


def test_a_batch_is_the_loss_over_its_rows(rng):
    objective = problem(MLP((4, 3)), "softmax", rng)
    params = rng.normal(size=objective.size)
    rows = np.array([3, 7, 8])
    alone = [objective.batch(np.array([row])).gradient(params) for row in rows]
    np.testing.assert_allclose(objective.batch(rows).gradient(params), np.mean(alone, axis=0))


def test_views_share_the_flat_vector():
    network = MLP((2, 3, 1))
    params = np.zeros((4, network.size))
    network.views(params)[2][...] = 7
    assert params.sum() == 4 * 3 * 7


def first_and_second_deviation(network, **options):
    arrays = network.views(network.initial(seed=1, **options))
    assert not arrays[1].any()
    return arrays[0].std(), arrays[2].std()


def test_initial_weights_have_hes_and_glorots_spread():
    relu, tanh = MLP((400, 300, 200)), MLP((400, 300, 200), "tanh")
    he, glorot = (2 / 400, 2 / 300), (2 / 700, 2 / 500)
    for network, options, variances in [
        (relu, {}, he),
        (tanh, {}, glorot),
        (tanh, {"scheme": "he"}, he),
        (relu, {"scheme": "glorot"}, glorot),
        (relu, {"scale": 0.3}, (0.09, 0.09)),
    ]:
        deviations = first_and_second_deviation(network, **options)
        assert deviations == pytest.approx(np.sqrt(variances), rel=0.01)


def test_initial_weights_depend_on_the_seed_alone():
    network = MLP((3, 4, 2))
    assert np.array_equal(network.initial(seed=5), network.initial(seed=5))
    assert not np.array_equal(network.initial(seed=5), network.initial(seed=6))
    assert not network.initial(seed=5, scale=0.0).any()


def test_accuracy_counts_the_right_answers():
    network = MLP((2, 2))
    identity = np.array([1.0, 0, 0, 1, 0, 0])
    inputs = np.array([[3.0, 1], [0, 2], [5, 4], [1, 2]])
    assert network.accuracy(identity, inputs, np.array([0, 1, 1, 0])) == 0.5


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_accuracy_of_one_output_takes_labels_as_a_row_or_as_a_column(shape):
    network, params = MLP((1, 1)), np.array([1.0, 0.0])
    inputs, labels = np.array([[3.0], [-1.0], [2.0], [-2.0]]), np.array([1, 0, 0, 0])
    assert network.accuracy(params, inputs, labels.reshape(shape)) == 0.75
    both = network.accuracy(np.stack([params, -params]), inputs, labels.reshape(shape))
    assert both.tolist() == [0.75, 0.25]


ZEROS = np.zeros((4, 3)), np.zeros(4, int)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP((3,)), r"layers must be two or more positive sizes, got \(3,\)"),
        (lambda: MLP((3, 0, 2)), r"layers must be two or more positive sizes, got \(3, 0, 2\)"),
        (lambda: MLP((3, 2), "relus"), "activation must be one of relu, .*, got 'relus'"),
        (lambda: MLP((3, 2)).initial(0, scheme="xe"), "scheme must be one of he, glorot, got 'xe'"),
        (lambda: MLP((3, 2)).views(np.zeros(7)), r"params must end in an axis of 8, got shape \(7"),
        (
            lambda: NetworkLoss(MLP((3, 2)), np.zeros((4, 5)), np.zeros(4, int)),
            r"inputs must have shape \(examples, 3\), got \(4, 5\)",
        ),
        (
            lambda: NetworkLoss(MLP((3, 2)), np.zeros((4, 3)), np.zeros(5, int)),
            "got 5 targets for 4 examples",
        ),
        (lambda: NetworkLoss(MLP((3, 2)), *ZEROS, l2=-1.0), "l2 must not be negative, got -1.0"),
        (lambda: NetworkLoss(MLP((3, 2)), *ZEROS, dropout=1.0), "dropout must be at least 0"),
    ],
)
def test_refuses_what_does_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", ["inputs", "targets"])
def test_refuses_a_list_by_name(name):
    given = dict(zip(("inputs", "targets"), ZEROS, strict=True))
    given[name] = given[name].tolist()
    with pytest.raises(TypeError, match=rf"{name} must be .*, got list: give np.asarray.{name}."):
        NetworkLoss(MLP((3, 2)), **given)
