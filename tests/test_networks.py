import numpy as np
import pytest

from course_utils.keras_twin import keras_network, tf
from course_utils.networks import MLP, NetworkLoss, mean_squared_error, softmax_cross_entropy


def classification(network, rng, examples=30):
    inputs = rng.normal(size=(examples, network.layers[0]))
    return NetworkLoss(network, inputs, rng.integers(0, network.layers[-1], examples))


def regression(network, rng, examples=30):
    inputs = rng.normal(size=(examples, network.layers[0]))
    targets = rng.normal(size=(examples, network.layers[-1]))
    return NetworkLoss(network, inputs, targets, mean_squared_error)


def tensorflow_value_and_gradient(objective, params):
    model = keras_network(objective.network, params, dtype="float64")
    with tf.GradientTape() as tape:
        outputs = model(objective.inputs)
        if objective.loss is softmax_cross_entropy:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(objective.targets, outputs)
        else:
            each = (outputs - objective.targets) ** 2
        value = tf.reduce_mean(each)
    weights = [weight.value for weight in model.trainable_variables]
    gradient = [part.numpy().ravel() for part in tape.gradient(value, weights)]
    return float(value), np.concatenate(gradient)


@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("layers", [(5, 3), (5, 8, 3), (5, 8, 6, 4, 3)])
@pytest.mark.parametrize("problem", [classification, regression])
def test_gradient_equals_tensorflows_tape(activation, layers, problem, rng):
    network = MLP(layers, activation)
    objective = problem(network, rng)
    params = rng.normal(size=network.size)
    value, gradient = objective.value_and_gradient(params)
    expected_value, expected = tensorflow_value_and_gradient(objective, params)
    assert value == pytest.approx(expected_value, rel=1e-12)
    assert np.abs(gradient - expected).max() < 1e-6 * np.abs(expected).max()
    assert objective.value(params) == value
    np.testing.assert_array_equal(objective.gradient(params), gradient)


def test_many_networks_at_once_equal_each_alone(rng):
    objective = classification(MLP((4, 6, 3)), rng)
    params = rng.normal(size=(2, 5, objective.size))
    values, gradients = objective.value_and_gradient(params)
    assert values.shape == (2, 5)
    for i in np.ndindex(2, 5):
        value, gradient = objective.value_and_gradient(params[i])
        assert values[i] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(gradients[i], gradient, rtol=1e-9, atol=1e-14)


def test_cross_entropy_survives_huge_logits():
    logits = np.array([[1e4, 0.0, -1e4], [1e300, -1e300, 0.0]])
    value, gradient = softmax_cross_entropy(logits, np.array([1, 0]))
    assert value == pytest.approx(5000)
    np.testing.assert_allclose(gradient, [[0.5, -0.5, 0], [0, 0, 0]])


def test_a_batch_is_the_loss_over_its_rows(rng):
    objective = classification(MLP((4, 3)), rng)
    params = rng.normal(size=objective.size)
    rows = np.array([3, 7, 8])
    alone = [objective.batch(np.array([row])).gradient(params) for row in rows]
    np.testing.assert_allclose(objective.batch(rows).gradient(params), np.mean(alone, axis=0))


def test_views_share_the_flat_vector():
    network = MLP((2, 3, 1))
    params = np.zeros((4, network.size))
    network.views(params)[2][...] = 7
    assert params.sum() == 4 * 3 * 7


def test_initial_weights_have_hes_and_glorots_spread():
    relu = MLP((400, 300, 200)).views(MLP((400, 300, 200)).initial(seed=1))
    tanh = MLP((400, 300), "tanh").views(MLP((400, 300), "tanh").initial(seed=1))
    assert relu[0].std() == pytest.approx(np.sqrt(2 / 400), rel=0.01)
    assert relu[2].std() == pytest.approx(np.sqrt(2 / 300), rel=0.01)
    assert tanh[0].std() == pytest.approx(np.sqrt(2 / 700), rel=0.01)
    assert not relu[1].any()


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP((3,)), r"layers must be two or more positive sizes, got \(3,\)"),
        (lambda: MLP((3, 0, 2)), r"layers must be two or more positive sizes, got \(3, 0, 2\)"),
        (lambda: MLP((3, 2), "relus"), "activation must be one of relu, tanh, linear, got 'relus'"),
        (lambda: MLP((3, 2)).views(np.zeros(7)), r"params must end in an axis of 8, got shape \(7"),
        (
            lambda: NetworkLoss(MLP((3, 2)), np.zeros((4, 5)), np.zeros(4, int)),
            r"inputs must have shape \(examples, 3\), got \(4, 5\)",
        ),
        (
            lambda: NetworkLoss(MLP((3, 2)), np.zeros((4, 3)), np.zeros(5, int)),
            "got 5 targets for 4 examples",
        ),
        (
            lambda: softmax_cross_entropy(np.zeros((4, 2)), np.zeros(4)),
            "labels must be 4 integers, got float64",
        ),
        (
            lambda: softmax_cross_entropy(np.zeros((2, 2)), np.array([0, 2])),
            "labels must lie from 0 to 1, got 0 to 2",
        ),
        (
            lambda: mean_squared_error(np.zeros((4, 1)), np.zeros(4)),
            r"targets must have shape \(4, 1\), got \(4,\)",
        ),
    ],
)
def test_refuses_shapes_that_do_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()
