from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import pytest

from course_utils.datasets import digits
from course_utils.descent import (
    EarlyStopping,
    ReduceLROnPlateau,
    accuracy,
    minibatches,
    minimize,
    train,
    walk,
)
from course_utils.gradients import SAM
from course_utils.keras_twin import keras, keras_minimize, keras_network, keras_optimizer
from course_utils.landscapes import bowl, double_well, himmelblau, rosenbrock
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam, AdamW, RMSprop
from course_utils.schedules import ExponentialDecay


def test_gradient_descent_on_a_bowl_follows_its_closed_form():
    path = minimize(bowl(condition_number=10), SGD(learning_rate=0.05), [2.0, 1.0], 30)
    steps = np.arange(31)
    np.testing.assert_allclose(path.points[:, 0], 2.0 * (1 - 0.05) ** steps)
    np.testing.assert_allclose(path.points[:, 1], (1 - 0.05 * 10) ** steps)
    assert np.array_equal(path.steps, steps)
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
        (lambda: walk([bowl()], SGD(), [1, 2], 0), "every must be a whole number .* got 0"),
        (lambda: walk([], SGD(), [1, 2]), "objectives must hold one for each step, got none"),
    ],
)
def test_refuses_bad_input_and_names_it(call, message):
    with pytest.raises(ValueError, match=message):
        call()


THREE = np.array([0.1, 0.2, 0.3])
SMALL = NetworkLoss(MLP((2, 3)), np.ones((4, 2)), np.array([0, 1, 2, 0]))


@pytest.mark.parametrize(
    ("objective", "optimizer"),
    [
        (SMALL, SGD(lambda step: THREE)),
        (replace(SMALL, l2=THREE), SGD()),
        (SAM(SMALL, THREE), SGD()),
    ],
    ids=["schedule", "penalty", "radius"],
)
def test_runs_that_no_hyperparameter_of_the_optimizer_shows_need_a_start_each(objective, optimizer):
    message = r"start has shape \(9,\), and .* to \(3, 9\): give start one row a run"
    with pytest.raises(ValueError, match=message):
        minimize(objective, optimizer, np.zeros(9), 2)
    with pytest.raises(ValueError, match=message):
        train(objective, optimizer, np.zeros(9), 1, 2)
    assert minimize(objective, optimizer, np.zeros((3, 9)), 2).values.shape == (3, 3)
    assert train(objective, optimizer, np.zeros((3, 9)), 1, 2).losses.shape == (2, 3)


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


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1), SGD(0.05, momentum=0.9), RMSprop(0.002), Adam(0.002), AdamW(0.002)],
    ids=lambda rule: type(rule).__name__ + (" momentum" if getattr(rule, "momentum", 0) else ""),
)
def test_training_equals_keras_on_the_same_batches(digits_loss, optimizer):
    start = digits_loss.network.initial(seed=0)
    ours = train(digits_loss, optimizer, start, epochs=3, batch_size=64, seed=7)
    model = keras_network(digits_loss.network, start)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_optimizer(optimizer), loss)
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
    np.testing.assert_allclose(swept.gradient_norms[:, 1], alone.gradient_norms)


def test_equal_seeds_train_equally(digits_loss):
    start = digits_loss.network.initial(seed=0)
    runs = [train(digits_loss, SGD(0.1), start, 1, 64, seed=seed).params for seed in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_only_every_so_manieth_point_is_kept():
    whole = minimize(bowl(), SGD(0.05), [2.0, 1.0], 10)
    for every in (1, 3, 5, 100):
        thin = minimize(bowl(), SGD(0.05), [2.0, 1.0], 10, every=every)
        assert thin.steps.tolist() == sorted({*range(0, 11, every), 10})
        assert np.array_equal(thin.points, whole.points[thin.steps])
        assert np.array_equal(thin.values, whole.values[thin.steps])


def test_a_path_that_would_fill_the_memory_is_refused_with_its_size_and_the_remedy():
    starts = np.zeros((100_000, 2))
    message = "would take 1,601,600,000 bytes, more than 500,000,000: raise `every` .now 1."
    with pytest.raises(ValueError, match=message):
        minimize(bowl(), SGD(0.05), starts, 1000)


def test_the_history_holds_metrics_rates_and_gradient_norms(digits_loss):
    data = digits()
    watched = NetworkLoss(digits_loss.network, data.test_inputs, data.test_targets)
    start = digits_loss.network.initial(seed=0)
    schedule = ExponentialDecay(0.2, decay_steps=10, decay_rate=0.5)
    history = train(
        digits_loss, SGD(schedule), start, 2, 64, validation=watched, metrics={"accuracy": accuracy}
    )
    assert history.epochs == 2
    assert history.metrics["accuracy"].shape == history.validation_metrics["accuracy"].shape == (3,)
    final = digits_loss.network.accuracy(history.params, data.test_inputs, data.test_targets)
    assert history.validation_metrics["accuracy"][-1] == final
    np.testing.assert_allclose(history.rates, schedule(np.arange(44)))
    rows = next(minibatches(digits_loss.examples, 64, np.random.default_rng(0)))
    first = digits_loss.batch(rows).gradient(start)
    assert history.gradient_norms[0] == pytest.approx(np.linalg.norm(first))
    assert history.gradient_norms.shape == (44,)


def test_accuracy_reads_one_output_and_one_hot_labels_too(rng):
    inputs = rng.normal(size=(50, 2))
    classes = (inputs[:, 0] > 0).astype(int)
    one = NetworkLoss(MLP((2, 1)), inputs, classes[:, None])
    assert accuracy(one, np.array([1.0, 0, 0])) == 1
    two = NetworkLoss(MLP((2, 2)), inputs, np.eye(2)[classes])
    assert accuracy(two, np.array([-1.0, 1, 0, 0, 0, 0])) == 1
    assert accuracy(two, np.array([1.0, -1, 0, 0, 0, 0])) == 0


@pytest.fixture
def overfitting(rng):
    """A network that learns random labels, and validation data on which it can only get worse."""
    network = MLP((5, 40, 2))
    inputs, labels = rng.normal(size=(60, 5)), rng.integers(0, 2, 60)
    training = NetworkLoss(network, inputs[:40], labels[:40])
    return training, NetworkLoss(network, inputs[40:], labels[40:]), network.initial(seed=0)


def test_early_stopping_returns_the_best_weights_not_the_last(overfitting):
    training, validation, start = overfitting
    history = train(
        training, Adam(0.01), start, 200, 10, validation=validation,
        callbacks=[EarlyStopping(patience=4)],
    )  # fmt: skip
    seen = history.validation_losses[1:]
    assert history.epochs < 200
    assert seen.argmin() == len(seen) - 5
    assert validation.value(history.params) == seen.min()
    assert f"epoch {seen.argmin() + 1}" in history.stopped


def test_early_stopping_returns_the_best_weights_when_the_epochs_run_out_first(overfitting):
    training, validation, start = overfitting
    history = train(
        training, Adam(0.01), start, 60, 10, validation=validation,
        callbacks=[EarlyStopping(patience=1000)],
    )  # fmt: skip
    seen = history.validation_losses[1:]
    assert history.epochs == 60
    assert not history.stopped
    assert seen.argmin() < 59
    assert validation.value(history.params) == seen.min()


def test_early_stopping_ends_a_run_that_diverges_at_once(overfitting):
    training, validation, start = overfitting
    history = train(
        training, SGD(1e300), start, 50, 10, validation=validation,
        callbacks=[EarlyStopping(patience=3)],
    )  # fmt: skip
    assert np.isnan(history.validation_losses[1:]).all()
    assert history.epochs == 3
    assert history.stopped


def test_reduce_on_plateau_says_what_it_needs(overfitting):
    training, _, start = overfitting
    for rate in (np.array([0.1, 0.2]), ExponentialDecay(0.1, 10, 0.5)):
        with pytest.raises(ValueError, match="needs one network and a rate that is a number"):
            train(training, SGD(rate), start, 2, 10, callbacks=[ReduceLROnPlateau()])


def test_early_stopping_says_what_it_needs(overfitting):
    training, _, start = overfitting
    with pytest.raises(ValueError, match="needs one network and validation data"):
        train(training, Adam(), start, 2, 10, callbacks=[EarlyStopping()])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize(
    "settings",
    [
        {"factor": 0.5, "patience": 2},
        {"factor": 0.1, "patience": 1, "cooldown": 2},
        {"factor": 0.5, "patience": 3, "min_delta": 0.3, "min_lr": 0.01},
    ],
)
def test_reduce_on_plateau_equals_keras_on_the_same_losses(settings, rng):
    losses = 2 + np.cumsum(rng.normal(-0.02, 0.2, 40))
    theirs = keras.callbacks.ReduceLROnPlateau(monitor="loss", mode="min", **settings)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    theirs.set_model(model)
    theirs.on_train_begin()
    ours, rate = ReduceLROnPlateau(**settings), 0.5
    reductions = 0
    for epoch in range(len(losses)):
        theirs.on_epoch_end(epoch, {"loss": losses[epoch]})
        if ours.reduces(losses[: epoch + 1]):
            rate, reductions = max(rate * ours.factor, ours.min_lr), reductions + 1
        assert rate == pytest.approx(float(model.optimizer.learning_rate.numpy()), rel=1e-5)
    assert reductions > 2


def test_reduce_on_plateau_lowers_the_rate_of_a_run(overfitting):
    training, validation, start = overfitting
    history = train(
        training, SGD(0.5), start, 40, 10, validation=validation,
        callbacks=[ReduceLROnPlateau(factor=0.5, patience=3)],
    )  # fmt: skip
    assert history.rates[0] == 0.5
    assert set(history.rates) <= {0.5 * 0.5**k for k in range(20)}
    assert history.rates[-1] < 0.5


def test_reduce_on_plateau_leaves_a_rate_that_is_below_its_least_as_it_is(overfitting):
    training, _, start = overfitting
    plateau = ReduceLROnPlateau(patience=1, min_delta=100, min_lr=0.01)
    history = train(training, SGD(0.001), start, 4, 10, callbacks=[plateau])
    assert set(history.rates) == {0.001}


def test_an_interruption_returns_what_was_reached(digits_loss):
    start = digits_loss.network.initial(seed=0)

    def interrupt(history):
        if history.epochs == 2:
            raise KeyboardInterrupt

    history = train(digits_loss, SGD(0.1), start, 50, 64, callbacks=[interrupt])
    assert history.stopped == "interrupted after 2 of 50 epochs"
    uninterrupted = train(digits_loss, SGD(0.1), start, 2, 64)
    assert np.array_equal(history.params, uninterrupted.params)
    assert len(history.losses) == 3


@dataclass(frozen=True)
class Interrupted:
    """An objective or an optimizer that is interrupted at the third call of one of its methods."""

    whole: object
    method: str
    calls: count = field(default_factory=lambda: count(1))

    def __getattr__(self, name):
        if name == self.method and next(self.calls) == 3:
            raise KeyboardInterrupt
        return getattr(self.whole, name)


def test_an_interruption_leaves_the_curves_equally_long():
    rule = Interrupted(SGD(), "update")
    history = train(SMALL, rule, np.zeros(9), 5, 2)
    lengths = map(len, (history.rates, history.batch_losses, history.gradient_norms))
    assert list(lengths) == [2, 2, 2]
    for validation in (Interrupted(SMALL, "value"), Interrupted(SMALL, "network")):
        history = train(
            SMALL, SGD(), np.zeros(9), 5, 2, validation=validation, metrics={"accuracy": accuracy}
        )
        curves = history.losses, history.validation_losses
        curves += history.metrics["accuracy"], history.validation_metrics["accuracy"]
        assert [len(curve) for curve in curves] == [2, 2, 2, 2]


def test_dropout_changes_training_and_repeats_with_the_seed(digits_loss):
    start = digits_loss.network.initial(seed=0)
    dropping = NetworkLoss(
        digits_loss.network, digits_loss.inputs, digits_loss.targets, dropout=0.5
    )
    plain = train(digits_loss, SGD(0.1), start, 1, 64)
    first, again = (train(dropping, SGD(0.1), start, 1, 64) for _ in range(2))
    assert np.array_equal(first.params, again.params)
    assert not np.allclose(first.params, plain.params)


def test_dropout_leaves_the_order_of_the_examples_as_it_is(digits_loss, monkeypatch):
    start, seen = digits_loss.network.initial(seed=0), []
    batch = NetworkLoss.batch

    def watched(objective, rows, *rng):
        seen.append(rows)
        return batch(objective, rows, *rng)

    monkeypatch.setattr(NetworkLoss, "batch", watched)
    for dropout in (0.0, 0.5):
        train(replace(digits_loss, dropout=dropout), SGD(0.1), start, 2, 500)
    assert np.array_equal(np.concatenate(seen[:6]), np.concatenate(seen[6:]))


def test_a_progress_bar_is_shown_on_request(digits_loss, capsys):
    start = digits_loss.network.initial(seed=0)
    train(digits_loss, SGD(0.1), start, 1, 512)
    assert capsys.readouterr().err == ""
    train(digits_loss, SGD(0.1), start, 1, 512, progress=True)
    assert "epochs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(patience=0), "patience must be a whole number .* got 0"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta must not be negative, got -1"),
        (lambda: ReduceLROnPlateau(factor=1.5), "factor must lie between 0 and 1, got 1.5"),
        (lambda: ReduceLROnPlateau(min_delta=-1), "min_delta must not be negative, got -1"),
        (lambda: ReduceLROnPlateau(cooldown=-3), "cooldown must not be negative, got -3"),
        (lambda: ReduceLROnPlateau(min_lr=-0.1), "min_lr must not be negative, got -0.1"),
    ],
)
def test_callbacks_refuse_wrong_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
