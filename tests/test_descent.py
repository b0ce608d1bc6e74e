import numpy as np
import pytest

from course_utils.datasets import digits
from course_utils.descent import minibatches, minimize, train
from course_utils.keras_twin import keras, keras_minimize, keras_network
from course_utils.landscapes import bowl, double_well, himmelblau, rosenbrock
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam


def test_gradient_descent_on_a_bowl_follows_its_closed_form():
    path = minimize(bowl(condition_number=10), SGD(learning_rate=0.05), [2.0, 1.0], 30)
    steps = np.arange(31)
    np.testing.assert_allclose(path.points[:, 0], 2.0 * (1 - 0.05) ** steps)
    np.testing.assert_allclose(path.points[:, 1], (1 - 0.05 * 10) ** steps)
    assert path.steps == 30
    assert np.array_equal(path.end, path.points[-1])


def test_values_belong_to_their_points():
    path = minimize(himmelblau(), SGD(0.01), [0.5, 0.5], 10)
    for point, value in zip(path.points, path.values, strict=True):
        assert himmelblau().value(point) == value


def test_rates_and_starts_are_swept_together():
    rates = np.array([0.01, 0.02, 0.03])[:, None]
    starts = np.array([[1.0, 1.0], [2.0, -1.0]])
    path = minimize(bowl(), SGD(rates), starts, 5)
    assert path.points.shape == (6, 3, 2, 2)
    alone = minimize(bowl(), SGD(0.02), starts[1], 5)
    assert np.array_equal(path.points[:, 1, 1], alone.points)


def test_one_run_equals_keras():
    optimizer = Adam(2.0**-5, beta_1=1 - 2.0**-3, beta_2=1 - 2.0**-10)
    ours = minimize(rosenbrock(), optimizer, [-1.0, 2.0], 20)
    keras_path = keras_minimize(rosenbrock(), optimizer, [-1.0, 2.0], 20)
    np.testing.assert_allclose(ours.points, keras_path.points, rtol=1e-9)
    np.testing.assert_allclose(ours.values, keras_path.values, rtol=1e-8)


def test_a_run_that_diverges_is_returned_as_it_is():
    path = minimize(rosenbrock(), SGD(0.1), [-1.5, 2.0], 20)
    assert len(path.points) == 21
    assert not np.isfinite(path.end).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: minimize(bowl(), SGD(), [1.0], 5),
            r"start must end in an axis of 2, got shape \(1",
        ),
        (
            lambda: minimize(bowl(), SGD(), 1.0, 5),
            r"start must end in an axis of 2, got shape \(\)",
        ),
        (
            lambda: minimize(bowl(), SGD(), [1.0, np.nan], 5),
            r"start must be finite, got \[ 1. nan\]",
        ),
        (
            lambda: minimize(bowl(), SGD(), [1, 2], 0),
            "steps must be a whole number of at least 1, got 0",
        ),
        (lambda: minimize(bowl(), SGD(), [1, 2], 2.5), "steps must be a whole number .* got 2.5"),
        (lambda: list(minibatches(5, 0, None)), "batch_size must be a whole number .* got 0"),
    ],
)
def test_refuses_bad_input_and_names_it(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_start_is_left_as_it_was():
    start = np.array([1.0, 2.0])
    minimize(bowl(), SGD(0.1), start, 3)
    assert start.tolist() == [1.0, 2.0]


def test_one_dimension_works_too():
    path = minimize(double_well(), SGD(0.1), [0.5], 200)
    assert path.end[0] == pytest.approx(1.0, abs=1e-6)


def test_an_epoch_shows_every_example_once_in_an_order_of_its_own(rng):
    first, second = (np.concatenate(list(minibatches(100, 32, rng))) for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)


@pytest.fixture(scope="module")
def digits_loss():
    data = digits()
    return NetworkLoss(MLP((64, 16, 10)), data.train_inputs, data.train_targets)


def test_training_with_the_whole_set_as_batch_is_gradient_descent(digits_loss):
    start = digits_loss.network.initial(seed=0)
    trained = train(digits_loss, SGD(0.1), start, epochs=3, batch_size=digits_loss.examples)
    walked = minimize(digits_loss, SGD(0.1), start, 3)
    np.testing.assert_allclose(trained.params, walked.end, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trained.losses, walked.values)
    np.testing.assert_allclose(trained.batch_losses, walked.values[:-1])


def test_training_equals_keras_on_the_same_batches(digits_loss):
    start = digits_loss.network.initial(seed=0)
    ours = train(digits_loss, SGD(0.1), start, epochs=3, batch_size=64, seed=7)
    model = keras_network(digits_loss.network, start)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    rng = np.random.default_rng(7)
    for epoch in range(1, 4):
        order = np.concatenate(list(minibatches(digits_loss.examples, 64, rng)))
        inputs, labels = digits_loss.inputs[order], digits_loss.targets[order]
        model.fit(inputs, labels, batch_size=64, shuffle=False, verbose=0)
        keras_loss = model.evaluate(digits_loss.inputs, digits_loss.targets, verbose=0)
        assert ours.losses[epoch] == pytest.approx(keras_loss, rel=1e-4)


def test_training_learns_and_watches_the_validation_data(digits_loss):
    data = digits()
    watched = NetworkLoss(digits_loss.network, data.test_inputs, data.test_targets)
    start = digits_loss.network.initial(seed=0)
    history = train(digits_loss, SGD(0.2), start, epochs=10, batch_size=32, validation=watched)
    assert history.losses.shape == history.validation_losses.shape == (11,)
    assert history.batch_losses.shape == (10 * 43,)
    assert history.validation_losses[-1] == watched.value(history.params)
    assert watched.network.accuracy(history.params, data.test_inputs, data.test_targets) > 0.9


def test_a_sweep_trains_every_network_as_if_alone(digits_loss):
    start = digits_loss.network.initial(seed=0)
    swept = train(digits_loss, SGD(np.array([0.05, 0.2])), start, epochs=1, batch_size=64)
    alone = train(digits_loss, SGD(0.2), start, epochs=1, batch_size=64)
    np.testing.assert_allclose(swept.params[1], alone.params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(swept.losses[:, 1], alone.losses)


def test_equal_seeds_train_equally(digits_loss):
    start = digits_loss.network.initial(seed=0)
    runs = [train(digits_loss, SGD(0.1), start, 1, 64, seed=seed).params for seed in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
