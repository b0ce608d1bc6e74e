import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.linear_model import Lasso, LogisticRegression, Ridge

from course_utils.curvature import filter_normalised_direction
from course_utils.datasets import breast_cancer, diabetes, digits, with_label_noise, with_outliers
from course_utils.descent import EarlyStopping, accuracy, train
from course_utils.gradients import SAM
from course_utils.losses import huber, mean_squared_error
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam, AdamW
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.drawings import find_figure
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "06_generalization"
PREDICTIONS = {
    "gen-predict-random-labels",
    "gen-predict-penalty",
    "gen-predict-noisy-labels",
    "gen-predict-dropout",
    "gen-predict-flatness",
}
ASKED_AT_THE_END = {
    "gen-read-curves",
    "gen-split-order",
    "gen-l1-gradient",
    "gen-adam-decay",
    "gen-dropout-scale",
    "gen-keep-best",
    "gen-what-flatness-shows",
    "gen-outlier-or-noise",
}


def slope_by_differences(w, slope, strength):
    """The slope of a parabola with an L1 penalty, from two values."""

    def penalised(x):
        return slope * x + (x - w) ** 2 + strength * abs(x)

    return (penalised(w + 1e-4) - penalised(w - 1e-4)) / 2e-4


def strength_at_which_a_tiny_weight_gains_nothing(target):
    """What a tiny weight takes off the squared error, divided by the weight."""
    return (target**2 - (target - 1e-6) ** 2) / 1e-6


def decay_of_one_step(strength, rate):
    """The share of a weight that a step of SGD with the penalty takes, divided by the rate."""
    loss = NetworkLoss(
        MLP((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)), mean_squared_error, l2=strength
    )
    sgd, params = SGD(rate), np.array([1.0, 0.0])
    after, _ = sgd.update(loss.gradient(params), sgd.init(params), params)
    return (1 - after[0]) / rate


def epoch_of_the_stop(patience, **losses):
    """The epoch at which the course's callback stops a run with these validation losses."""
    script = iter([math.inf, *losses.values()])
    validation = SimpleNamespace(value=lambda params: next(script))
    zeros = np.zeros((1, 1))
    return train(
        NetworkLoss(MLP((1, 1)), zeros, zeros, mean_squared_error),
        SGD(0.1),
        np.zeros(2),
        epochs=10,
        batch_size=1,
        validation=validation,
        callbacks=[EarlyStopping(patience)],
    ).epochs


# Each key again, by another way than the generator's.
KEYS = {
    "gen_standard_error": lambda accuracy, number: (
        100 * binom(number, accuracy / 100).std() / number
    ),
    "gen_l1_gradient": slope_by_differences,
    "gen_l1_threshold": strength_at_which_a_tiny_weight_gains_nothing,
    "gen_matching_decay": decay_of_one_step,
    "gen_dropout_scale": lambda rate, activation: activation / (1 - rate),
    "gen_patience_epoch": epoch_of_the_stop,
    "gen_sam_gradient": lambda curvature, w, radius: curvature * w + curvature * radius,
    "gen_imputed_test": lambda a, b, c, d, e: (a + b + c) / 3,
    "gen_complete_rows": lambda columns, share: 100 * math.prod([1 - share / 100] * columns),
}


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert 38 <= len(types) <= 42
    assert types.keys() >= ASKED_AT_THE_END
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    assert_key_agrees(name, KEYS[name], seeds=40)


DIGITS = digits()
TRAIN = DIGITS.train_inputs, DIGITS.train_targets
TEST = DIGITS.test_inputs, DIGITS.test_targets
VALIDATION = TRAIN[0][-300:], TRAIN[1][-300:]


def starts(network, seeds):
    return np.stack([network.initial(seed) for seed in range(seeds)])


def test_a_wide_network_memorises_random_labels():
    assert right_option("gen-predict-random-labels") == "Training nearly 100 %, test about 10 %"
    network = MLP((64, 512, 10))
    assert network.size == 38_410
    labels = np.random.default_rng(0).integers(10, size=1347)
    loss = NetworkLoss(network, TRAIN[0], labels)
    params = train(loss, Adam(0.01), network.initial(0), 80, batch_size=128).params
    assert accuracy(loss, params) > 0.98
    assert 0.04 < network.accuracy(params, *TEST) < 0.16


def test_run_a_underfits_and_run_b_overfits_as_the_alt_text_says():
    assert right_option("gen-read-curves") == "More units for A, an earlier stop for B"
    a, b = find_figure("gen_two_runs")().axes
    (a_training, a_validation), (b_training, b_validation) = (
        [line.get_ydata() for line in ax.lines] for ax in (a, b)
    )
    assert {len(curve) for curve in (a_training, b_validation)} == {61}
    for curve in (a_training, a_validation, b_training, b_validation):
        assert curve[0] == pytest.approx(2.5, abs=0.06)
    assert [a_training[20], a_validation[20]] == pytest.approx([1.7, 1.7], abs=0.06)
    assert [a_training[60], a_validation[60]] == pytest.approx([1.5, 1.6], abs=0.06)
    assert [b_training[60], b_validation[60]] == pytest.approx([0.3, 1.0], abs=0.06)
    assert b_validation.min() == pytest.approx(0.8, abs=0.06)
    assert abs(b_validation.argmin() - 26) <= 3


def test_more_units_mend_run_a():
    network = MLP((64, 32, 10))
    training = NetworkLoss(network, *(part[:1000] for part in TRAIN))
    params = train(training, Adam(0.01), network.initial(0), 60, batch_size=32).params
    assert NetworkLoss(network, *VALIDATION).value(params) < 0.3


def test_the_gap_shrinks_from_100_to_800_digits():
    assert right_option("gen-more-data").startswith("It shrinks,")
    network = MLP((64, 64, 10))
    gaps = []
    for images in (100, 800):
        training = NetworkLoss(network, *(part[:images] for part in TRAIN))
        params = train(training, Adam(), starts(network, 3), 60, batch_size=32).params
        gap = NetworkLoss(network, *VALIDATION).value(params) - training.value(params)
        gaps.append(np.median(gap))
    assert gaps == pytest.approx([0.19, 0.04], abs=0.015)


def test_columns_chosen_by_all_labels_give_about_80_percent_on_pure_chance():
    assert right_option("gen-leak-code").startswith("80 %, as all 100 labels")
    scores = []
    for seed in range(20):
        names = {"np": np, "rng": np.random.default_rng(seed)}
        names |= {"LogisticRegression": LogisticRegression, "print": scores.append}
        exec(find_question("gen-leak-code").code, names)
    assert np.mean(scores) == pytest.approx(0.8, abs=0.05)


def test_l1_makes_more_and_more_weights_exactly_0_and_l2_none():
    assert right_option("gen-predict-penalty") == "More and more under L1, none under L2"
    data = breast_cancer()
    zeros = {
        model: [
            np.sum(model(alpha).fit(data.train_inputs, data.train_targets).coef_ == 0)
            for alpha in strengths
        ]
        for model, strengths in ((Lasso, (0.003, 0.01, 0.03, 0.1)), (Ridge, (1, 100, 1e4, 1e6)))
    }
    assert zeros[Ridge] == [0, 0, 0, 0]
    assert 0 < zeros[Lasso][0] < zeros[Lasso][1] < zeros[Lasso][2] < zeros[Lasso][3] < 30


def test_an_l2_penalty_shares_a_weight_out_equally_between_copies():
    assert right_option("gen-two-copies") == "1 and 1"
    inputs = np.linspace(-1, 1, 20)[:, None] * np.ones(2)
    weights = Ridge(alpha=1e-6, fit_intercept=False).fit(inputs, 2 * inputs[:, 0]).coef_
    assert weights == pytest.approx([1, 1], abs=1e-3)


def test_under_adam_the_pull_of_the_penalty_alone_does_not_depend_on_its_strength():
    assert right_option("gen-adam-decay") == "As fast as before"

    def distance(optimizer, strength):
        params = np.array([5.0])
        state = optimizer.init(params)
        for _ in range(100):
            params, state = optimizer.update(2 * strength * params, state, params)
        return 5 - params[0]

    weak, strong = (distance(Adam(0.001), strength) for strength in (0.001, 0.1))
    assert strong == pytest.approx(weak, rel=0.01)
    weak, strong = (distance(SGD(0.001), strength) for strength in (0.001, 0.1))
    assert strong > 90 * weak
    weak, strong = (distance(AdamW(0.001, weight_decay=decay), 0.0) for decay in (0.001, 0.1))
    assert strong > 90 * weak


def test_with_dropout_the_validation_loss_is_about_half_the_loss_in_training():
    assert right_option("gen-predict-dropout") == "About 0.17, as no unit is switched off"
    network = MLP((64, 64, 10))
    training = NetworkLoss(network, *(part[:-300] for part in TRAIN), dropout=0.5)
    validation = NetworkLoss(network, *VALIDATION)
    history = train(training, Adam(), starts(network, 5), 30, batch_size=32, validation=validation)
    in_training = history.batch_losses[-33:].mean(axis=0)
    assert np.median(in_training) == pytest.approx(0.31, abs=0.02)
    assert np.median(history.losses[-1]) == pytest.approx(0.15, abs=0.01)
    assert np.median(history.validation_losses[-1]) == pytest.approx(0.17, abs=0.01)
    assert (history.losses[-1] < history.validation_losses[-1]).all()
    assert (history.validation_losses[-1] < 0.65 * in_training).all()


@pytest.fixture(scope="module")
def networks_of_two_batch_sizes():
    """The weights of five small-batch and five large-batch runs when their loss reaches 0.02."""
    network = MLP((64, 32, 10))
    loss = NetworkLoss(network, *TRAIN)

    def weights(optimizer, batch_size):
        reached = {}

        def watch(history):
            for run in np.flatnonzero(history.losses[-1] <= 0.02):
                reached.setdefault(run, history.params[run])
            history.stopped = "all are there" if len(reached) == 5 else ""

        train(loss, optimizer, starts(network, 5), 300, batch_size, callbacks=[watch])
        return np.stack([reached[run] for run in range(5)])

    return loss, weights(SGD(0.1, momentum=0.9), 32), weights(SGD(0.3, momentum=0.9), 1347)


def test_small_batches_end_flatter_and_hardly_better(networks_of_two_batch_sizes):
    assert right_option("gen-predict-flatness").startswith("Small batches are flatter; errors less")
    loss, small, large = networks_of_two_batch_sizes

    def rise(params):
        moved = [
            params + 0.5 * filter_normalised_direction(loss.network, params, seed)
            for seed in range(10)
        ]
        return loss.value(np.stack(moved)).mean() - loss.value(params)

    small_rises, large_rises = ([rise(params) for params in runs] for runs in (small, large))
    assert max(small_rises) < 0.7 * min(large_rises)
    assert np.median(large_rises) / np.median(small_rises) == pytest.approx(2.1, abs=0.3)

    small_errors, large_errors = (
        100 - 100 * loss.network.accuracy(runs, *TEST) for runs in (small, large)
    )
    assert np.median(small_errors) == pytest.approx(2.9, abs=0.3)
    assert np.median(large_errors) == pytest.approx(3.3, abs=0.3)
    assert abs(np.median(small_errors) - np.median(large_errors)) < np.ptp(small_errors)


def test_rescaling_two_layers_keeps_the_predictions_and_changes_the_sharpness(rng):
    assert right_option("gen-why-rescale").startswith("The predictions stay the same,")
    network = MLP((64, 16, 10))
    loss = NetworkLoss(network, *TRAIN)
    plain = train(loss, Adam(0.003), network.initial(0), 10, batch_size=64).params
    without_biases = plain * network.is_weight
    scaled = without_biases.copy()
    first, _, second, _ = network.views(scaled)
    first *= 10
    second /= 10
    predictions = [network.predict(params, TEST[0]) for params in (without_biases, scaled)]
    np.testing.assert_allclose(*predictions)
    step = rng.standard_normal(network.size) * network.is_weight
    step /= np.linalg.norm(step)
    small, large = (
        loss.value(params + step) - loss.value(params) for params in (without_biases, scaled)
    )
    assert abs(large) > 10 * abs(small)


def test_sam_takes_two_gradients_a_step():
    assert right_option("gen-sam-cost") == "About twice as much"
    calls = []
    counting = SimpleNamespace(gradient=lambda params: calls.append(params) or params)
    SAM(counting, 0.1).gradient(np.array([3.0, 4.0]))
    assert len(calls) == 2


def test_with_40_percent_wrong_labels_the_best_test_accuracy_is_about_93_percent():
    assert right_option("gen-predict-noisy-labels") == "About 93 %, as the right labels agree"
    network = MLP((64, 128, 10))
    loss = NetworkLoss(network, TRAIN[0], with_label_noise(TRAIN[1], 0.4))
    test = NetworkLoss(network, *TEST)
    seen = train(
        loss,
        Adam(0.003),
        starts(network, 2),
        100,
        batch_size=64,
        validation=test,
        metrics={"accuracy": accuracy},
    ).validation_metrics["accuracy"]
    assert seen.max(axis=0) == pytest.approx(0.93, abs=0.025)
    assert seen[-1] == pytest.approx(0.8, abs=0.05)
    assert (seen.argmax(axis=0) < 40).all()


def test_the_huber_loss_takes_most_of_the_harm_out_of_outliers():
    assert right_option("gen-outlier-or-noise") == "Huber loss for A, early stopping for B"
    data, network = diabetes(), MLP((10, 1))
    mean, deviation = data.train_targets.mean(), data.train_targets.std()

    def error(targets, loss):
        training = NetworkLoss(network, data.train_inputs, (targets - mean) / deviation, loss)
        params = train(training, Adam(0.02), np.zeros(network.size), 100, batch_size=32).params
        predictions = mean + deviation * network.predict(params, data.test_inputs)
        return np.abs(predictions - data.test_targets).mean()

    clean = error(data.train_targets, mean_squared_error)
    harm = {"squared": [], "huber": []}
    for seed in range(5):
        faulty = with_outliers(data.train_targets, 0.05, seed=seed)
        harm["squared"].append(error(faulty, mean_squared_error) - clean)
        harm["huber"].append(error(faulty, huber) - clean)
    assert np.median(harm["squared"]) > 5
    assert np.median(harm["huber"]) < 1


def test_keras_does_what_the_questions_say_of_it():
    from course_utils.keras_twin import keras

    assert right_option("gen-keep-best") == "Those three epochs after the best"
    assert not keras.callbacks.EarlyStopping(patience=3).restore_best_weights

    assert right_option("gen-exclude-biases") == "With its `exclude_from_weight_decay`"
    kernel, bias = (keras.Variable([1.0], name=name) for name in ("kernel", "bias"))
    adamw = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    adamw.exclude_from_weight_decay(var_names=["bias"])
    adamw.apply([keras.ops.zeros(1)] * 2, [kernel, bias])
    assert [float(kernel[0]), float(bias[0])] == pytest.approx([0.95, 1])

    assert float(keras.regularizers.L2(0.03)(keras.ops.array([2.0, 1.0]))) == pytest.approx(0.15)
    decayed = keras.Variable([1.0])
    keras.optimizers.SGD(0.1, weight_decay=0.06).apply([keras.ops.zeros(1)], [decayed])
    assert float(decayed[0]) == pytest.approx(1 - 0.1 * 2 * 0.03)
