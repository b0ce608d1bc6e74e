from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from course_utils.datasets import diabetes, digits, with_label_noise, with_outliers
from course_utils.descent import EarlyStopping, History, accuracy
from course_utils.explorers import generalization as explorers
from course_utils.explorers import generalization_problems as problems
from course_utils.explorers import generalization_runs as runs
from course_utils.losses import mean_squared_error
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import Adam


def drag(explorer, key, x, y):
    explorer.stage.attempt(partial(explorer.stage.layers[key].on_drag, x, y))


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("degree", [0, 3, 8])
def test_a_fit_of_the_capacity_is_the_least_squares_polynomial(degree):
    explorer = explorers.capacity()
    explorer.controls[0].value = degree
    layers = explorer.stage.layers
    points, held_out, curve = (
        layers[key] for key in ("training points", "validation points", "fit")
    )
    fit = np.polynomial.Polynomial.fit(points.x, points.y, degree)
    np.testing.assert_allclose(curve.y, fit(curve.x), rtol=1e-6)
    assert layers["training"].y[degree] == pytest.approx(rms(fit(points.x) - points.y))
    assert layers["validation"].y[degree] == pytest.approx(rms(fit(held_out.x) - held_out.y))
    assert layers["now"].x.tolist() == [degree] * 2


def test_more_capacity_never_raises_the_training_error_but_the_validation_error():
    layers = explorers.capacity().stage.layers
    assert np.all(np.diff(layers["training"].y) <= 1e-9)
    validation = layers["validation"].y
    best = validation.argmin()
    assert 3 < best < 10
    assert validation[0] > 2 * validation[best]
    assert validation[-1] > 100 * validation[best]


def test_points_of_a_seed_stay_and_their_errors_are_scaled():
    few, many = (problems.noisy_points(number, 0.3, 5) for number in (12, 40))
    np.testing.assert_array_equal(many.x[:12], few.x)
    np.testing.assert_array_equal(many.validation_y, few.validation_y)
    loud = problems.noisy_points(12, 0.6, 5)
    np.testing.assert_allclose(loud.y - np.sin(4 * few.x), 2 * (few.y - np.sin(4 * few.x)))
    assert problems.noisy_points(60, 0.3, 5).x.max() <= 1
    assert (
        rms(problems.noisy_points(60, 0.3, 5).y - np.sin(4 * problems.noisy_points(60, 0.3, 5).x))
        < 0.4
    )


def test_the_dragged_point_is_trained_on_until_other_points_are_drawn():
    explorer = explorers.capacity()
    before = explorer.stage.layers["training points"]
    drag(explorer, "point", -0.5, 2.5)
    after = explorer.stage.layers["training points"]
    assert (after.x[0], after.y[0]) == (-0.5, 2.5)
    np.testing.assert_array_equal(after.y[1:], before.y[1:])
    explorer.controls[3].click()
    fresh = explorer.stage.layers["training points"]
    assert (fresh.x[0], fresh.y[0]) != (-0.5, 2.5)
    assert not np.any(fresh.x == before.x)


def test_the_capacity_says_both_errors_and_the_best_degree():
    explorer = explorers.capacity()
    assert explorer.stage.reading == (
        "Degree 3, 25 training points, noise 0.3: the training error is 0.31, the validation error "
        "0.37. The lowest validation error is 0.29, at degree 7."
    )
    explorer.controls[0].value = 7
    assert explorer.stage.reading.endswith("the validation error 0.29, the lowest of all degrees.")
    explorer.controls[0].value, explorer.controls[1].value = 14, 12
    assert "the training error is below 0.03, " in explorer.stage.reading


@pytest.mark.parametrize("inputs", [problems.PLAIN, problems.CROSSED])
@pytest.mark.parametrize("place", [0, 20, 45])
def test_no_small_change_of_the_penalised_weights_lowers_the_penalised_loss(inputs, place):
    data, strength = problems.patients(inputs, 100), problems.STRENGTHS[place]
    targets = data.train_targets / data.train_targets.std()
    line = MLP((data.train_inputs.shape[1], 1))
    loss = NetworkLoss(line, data.train_inputs, targets, mean_squared_error)
    for name, path in problems.penalised_paths(inputs, 100).items():
        weights = path.weights[place]
        params = np.append(weights, targets.mean())
        if name == "L2":
            slopes = replace(loss, l2=strength).gradient(params)
            np.testing.assert_allclose(slopes, 0, atol=1e-9)
        else:
            slopes, zero = loss.gradient(params)[:-1], weights == 0
            np.testing.assert_allclose(
                slopes[~zero], -strength * np.sign(weights[~zero]), atol=0.02
            )
            assert np.all(np.abs(slopes[zero]) < strength + 1e-6)


def test_the_errors_of_a_penalised_model_are_in_points_of_the_score():
    data = problems.patients(problems.PLAIN, 120)
    path = problems.penalised_paths(problems.PLAIN, 120)["L2"]
    weights = path.weights[30] * data.train_targets.std()
    for inputs, targets, errors in (
        (data.train_inputs, data.train_targets, path.training),
        (data.test_inputs, data.test_targets, path.validation),
    ):
        found = inputs @ weights + data.train_targets.mean() - targets[:, 0]
        assert errors[30] == pytest.approx(rms(found))


@pytest.mark.parametrize(("inputs", "columns"), [(problems.PLAIN, 10), (problems.CROSSED, 64)])
def test_patients_to_validate_with_are_others_and_are_not_looked_at_to_standardise(inputs, columns):
    data = problems.patients(inputs, 80)
    assert data.train_inputs.shape == (80, columns)
    assert data.test_inputs.shape == (111, columns)
    np.testing.assert_allclose(data.train_inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train_inputs.std(axis=0), 1)
    assert len(data.features) == columns
    known = diabetes().train_targets
    np.testing.assert_array_equal(data.train_targets, known[:80])
    np.testing.assert_array_equal(data.test_targets, known[220:])


def test_l1_makes_more_and_more_weights_exactly_zero_and_l2_none():
    paths = problems.penalised_paths(problems.CROSSED, 80)
    zeros = np.sum(paths["L1"].weights == 0, axis=1)
    assert zeros[0] < 30
    assert zeros[20] > 40
    assert zeros[-1] == 64
    assert np.all(paths["L2"].weights != 0)
    lengths = np.linalg.norm(paths["L2"].weights, axis=1)
    assert np.all(np.diff(lengths) < 0)


def test_weights_that_are_zero_at_this_strength_are_drawn_apart():
    explorer = explorers.penalty_paths()
    explorer.controls[2].value = 10**-0.4
    weights = problems.penalised_paths(problems.PLAIN, 80)["L1"].weights
    zero = weights[32] == 0
    assert 0 < zero.sum() < 10
    for key, expected in (("zero", zero), ("kept", ~zero)):
        drawn = np.isfinite(explorer.stage.layers[f"L1 {key}"].y).all(axis=1)
        np.testing.assert_array_equal(drawn, expected)
    assert f"L1: {zero.sum()} of 10 weights are exactly 0" in explorer.stage.reading


def test_the_penalties_are_compared_in_words():
    explorer = explorers.penalty_paths()
    assert explorer.stage.reading == (
        "80 training patients, λ = 0.1. L1: 3 of 10 weights are exactly 0, the largest bmi, s3, "
        "s5; training error 53, validation error 60, at best 59 with λ = 0.22. L2: none of 10 "
        "weights is exactly 0, the largest bmi, s3, s5; training error 52, validation error 63, at "
        "best 57 with λ = 0.89."
    )
    explorer.controls[2].value = 10.0
    assert "L1: 10 of 10 weights are exactly 0; training error" in explorer.stage.reading


def shrunk_by_hand(rule, size, strength, decoupled):
    """Return a weight after 200 steps of the rate 0.01 from 1, without the course's optimizers."""
    w, m, v = 1.0, 0.0, 0.0
    for t in range(1, 201):
        g = size if t % 2 else -size
        if decoupled:
            w *= 1 - 0.01 * 2 * strength
        else:
            g += 2 * strength * w
        if rule == "SGD":
            w -= 0.01 * g
            continue
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    return w


@pytest.mark.parametrize("rule", ["Adam", "SGD"])
@pytest.mark.parametrize("place", [0, 15, 30])
@pytest.mark.parametrize("strength", [0.05, 1.0])
def test_a_penalty_and_a_decay_shrink_as_their_equations_say(rule, place, strength):
    points = problems.shrinking(rule, strength)
    for name, decoupled in (("L2", False), ("decay", True)):
        expected = shrunk_by_hand(rule, problems.SIZES[place], strength, decoupled)
        assert points[name][-1, place] == pytest.approx(expected, abs=1e-9)


def test_under_sgd_the_penalty_is_the_decay_and_under_adam_it_spares_large_gradients():
    points = problems.shrinking("SGD", 0.5)
    np.testing.assert_allclose(points["L2"], points["decay"], atol=1e-12)
    points = problems.shrinking("Adam", 0.25)
    assert np.ptp(points["decay"][-1]) < 1e-5
    assert np.all(np.diff(points["L2"][-1][5:]) > 0)
    assert points["L2"][-1, 0] < 0.05
    assert points["L2"][-1, -1] > 0.85


def test_a_weight_gets_the_gradients_that_its_point_is_dragged_to():
    explorer = explorers.decay_or_l2()
    drag(explorer, "A", 1.05, 0.0)  # the nearest of the sizes is 1
    points = problems.shrinking("Adam", 10**-0.6)
    layer = explorer.stage.layers["L2 A"]
    np.testing.assert_array_equal(layer.x, np.arange(0, 201, 2))
    np.testing.assert_array_equal(layer.y, points["L2"][::2, 20])
    assert explorer.stage.layers["A"].x == pytest.approx(1.0)
    assert "Weight A, gradients of size 1: " in explorer.stage.reading
    assert "Weight B, gradients of size 10: " in explorer.stage.reading


def test_what_penalty_and_decay_leave_is_said():
    explorer = explorers.decay_or_l2()
    assert explorer.stage.reading == (
        "Adam, λ = 0.25, decay 2λ, both weights from 1. Weight A, gradients of size 0.1: the "
        "penalty leaves 0.02, the decay 0.36. Weight B, gradients of size 10: the penalty leaves "
        "0.89, the decay 0.36."
    )


@pytest.mark.parametrize("patience", [1, 3, 5, 30])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_patience_stops_where_the_courses_early_stopping_does(share, patience):
    losses = runs.wrong_label_run(share).losses["validation"]
    history, stopper = History(np.array([0.0]), Adam()), EarlyStopping(patience)
    for epoch, loss in enumerate(losses):
        history.params = np.array([float(epoch)])
        history.losses.append(loss)
        history.validation_losses.append(loss)
        if epoch:
            stopper(history)
        if history.stopped:
            break
    assert runs.stopped_by_patience(losses, patience) == (epoch, history.best_params[0])


def test_training_and_validation_labels_are_wrong_and_test_labels_right():
    data, network = digits(), MLP((64, 128, 10))
    labels = with_label_noise(data.train_targets[:900], 0.4)
    start, run = network.initial(0), runs.wrong_label_run(0.4)
    for part, inputs, targets in (
        ("training", data.train_inputs[:600], labels[:600]),
        ("validation", data.train_inputs[600:900], labels[600:]),
        ("test", data.test_inputs, data.test_targets),
    ):
        loss = NetworkLoss(network, inputs, targets)
        assert run.losses[part][0] == pytest.approx(loss.value(start))
        assert run.accuracies[part][0] == accuracy(loss, start)


def test_learning_wrong_labels_by_heart_costs_test_accuracy_and_stopping_early_saves_it():
    run = runs.wrong_label_run(0.4)
    _, best = runs.stopped_by_patience(run.losses["validation"], 5)
    assert run.accuracies["training"][-1] > 0.9
    assert run.accuracies["test"][-1] < 0.7
    assert run.accuracies["test"][best] > 0.8
    assert run.accuracies["training"][best] < 0.65
    clean = runs.wrong_label_run(0.0)
    _, best = runs.stopped_by_patience(clean.losses["validation"], 5)
    assert abs(clean.accuracies["test"][-1] - clean.accuracies["test"][best]) < 0.03


def test_stopping_is_told_and_the_test_curves_wait_until_they_are_asked_for():
    explorer = explorers.stop_early()
    assert explorer.stage.reading == (
        "Wrong labels: 40 %. You stop after epoch 30; labels matched: training 80 %, validation "
        "44 %. Patience 5 ends the training after epoch 10 and keeps the weights of epoch 5: "
        "training 60 %, validation 52 %."
    )
    assert "losses test" not in explorer.stage.layers
    explorer.controls[1].value, explorer.controls[3].value = 20, "shown"
    layers = explorer.stage.layers
    run = runs.wrong_label_run(0.4)
    np.testing.assert_array_equal(layers["accuracies test"].y, 100 * run.accuracies["test"])
    assert "You stop after epoch 20; labels matched: training 69 %" in explorer.stage.reading
    assert "test 79 %. Patience" in explorer.stage.reading
    assert (layers["loss yours"].x[0], layers["loss ended"].x[0], layers["loss best"].x[0]) == (
        20,
        10,
        5,
    )
    explorer.controls[3].value = "hidden"
    assert not {"losses test", "accuracies test"} & explorer.stage.layers.keys()


def test_each_ways_networks_are_equally_well_trained():
    losses = np.array([one.training_loss for one in runs.minima().values()])
    assert losses.shape == (3, 5)
    assert losses.max() < 1.7 * losses.min()


def test_a_minimum_is_measured_by_the_mean_loss_around_it_and_on_images_not_trained_on():
    data = digits()
    training = NetworkLoss(runs.FLAT_NETWORK, data.train_inputs[:300], data.train_targets[:300])
    starts = np.stack([runs.FLAT_NETWORK.initial(seed) for seed in range(5)])
    name = "batches of 16"
    params = runs.trained(training, starts, runs.WAYS[name])[3]
    shares = []
    for direction in runs.directions(runs.FILTER, params, 1.0):
        shares.append(training.value(params + 10**-0.5 * direction) - training.value(params))
        for drawn, weights in zip(
            runs.FLAT_NETWORK.views(direction), runs.FLAT_NETWORK.views(params), strict=True
        ):
            if weights.ndim == 1:
                assert np.all(drawn == 0)
            else:
                lengths = (np.linalg.norm(array, axis=0) for array in (drawn, weights))
                np.testing.assert_allclose(*lengths)
    assert runs.minima()[name].rises[runs.FILTER][8, 3] == pytest.approx(np.mean(shares))
    unseen = (
        (data.train_inputs[300:], data.train_targets[300:]),
        (data.test_inputs, data.test_targets),
    )
    right = [runs.FLAT_NETWORK.predict(params, x).argmax(axis=-1) == labels for x, labels in unseen]
    found = runs.minima()[name].test_error[3]
    assert found == pytest.approx(100 * (1 - np.concatenate(right).mean()))
    equal = runs.directions(runs.EQUAL, params, 7.0)
    np.testing.assert_allclose(np.linalg.norm(equal, axis=-1), 7.0)


@pytest.mark.parametrize("kind", [runs.FILTER, runs.EQUAL])
def test_large_batches_end_sharper_and_sam_flattest_but_the_test_errors_overlap(kind):
    small, large, sam = runs.minima().values()
    rises = [np.median(one.rises[kind][8]) for one in (sam, small, large)]
    assert rises[0] < rises[1] < 0.5 * rises[2]
    errors = [one.test_error for one in (small, large, sam)]
    assert max(error.min() for error in errors) < min(error.max() for error in errors)
    assert np.median(sam.test_error) > np.median(small.test_error)


def test_the_scatter_shows_rise_and_test_error_of_each_network_at_the_radius():
    explorer = explorers.flatness()
    explorer.controls[0].value, explorer.controls[1].value = runs.EQUAL, 1.0
    for name, one in runs.minima().items():
        for seed in range(5):
            dot = explorer.stage.layers[f"{name} {seed}"]
            assert (dot.x[0], dot.y[0]) == (one.rises[runs.EQUAL][-1, seed], one.test_error[seed])
    explorer.controls[0].value, explorer.controls[1].value = runs.FILTER, 10**-0.5
    assert explorer.stage.reading.startswith(
        "Random steps scaled to each unit's weights, radius 0.32; median (lowest to highest) of 5 "
        "seeds. Rise of the loss: batches of 16 0.050 (0.042 to 0.093); all 300 at once 0.18 "
    )


def test_outliers_stay_in_the_training_targets_and_robust_losses_bear_them():
    data = diabetes(2)
    targets = with_outliers(data.train_targets, 0.2, seed=2)
    line = LinearRegression().fit(data.train_inputs, targets)
    squared, absolute, hubers = runs.outlier_errors(0.2, 2)
    assert squared == pytest.approx(rms(line.predict(data.test_inputs) - data.test_targets))
    assert max(absolute, hubers) < 0.85 * squared


def test_the_fits_with_robust_losses_are_their_minima():
    data = diabetes(1)
    clean = LinearRegression().fit(data.train_inputs, data.train_targets)
    errors = runs.outlier_errors(0.0, 1)
    assert errors[0] == pytest.approx(rms(clean.predict(data.test_inputs) - data.test_targets))
    np.testing.assert_allclose(errors[1:], errors[0], rtol=0.05)


@pytest.mark.parametrize("hidden", [runs.at_random, runs.more_often_high])
def test_missing_values_are_dropped_or_filled_with_training_means(hidden):
    data, share, seed = diabetes(3), 0.2, 3
    training, test = data.train_inputs.copy(), data.test_inputs.copy()
    training[:, 4:] = hidden(training[:, 4:], share, 6)
    test[:, 4:] = hidden(test[:, 4:], share, 7)
    means = np.nanmean(training, axis=0)
    filled = [np.where(np.isnan(part), means, part) for part in (training, test)]
    flags = [np.isnan(part[:, 4:]) for part in (training, test)]
    whole = ~np.isnan(training).any(axis=1)
    fits = (
        (filled[0][whole], data.train_targets[whole], filled[1]),
        (filled[0], data.train_targets, filled[1]),
        (np.hstack([filled[0], flags[0]]), data.train_targets, np.hstack([filled[1], flags[1]])),
    )
    expected = [
        rms(LinearRegression().fit(inputs, targets).predict(unseen) - data.test_targets)
        for inputs, targets, unseen in fits
    ]
    np.testing.assert_allclose(runs.missing_errors(hidden, share, seed), expected, rtol=1e-6)


def test_the_high_ones_go_missing_in_the_share_that_was_asked_for():
    values = np.random.default_rng(0).standard_normal((400, 6))
    holes = runs.more_often_high(values, 0.2, 1)
    missing = np.isnan(holes)
    assert np.all(values[missing] > 0)
    assert missing.mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(holes[~missing], values[~missing])


def median_errors(fault, share):
    return np.median(runs.fault_errors()[fault][list(runs.SHARES).index(share)], axis=0)


def test_what_helps_and_what_does_not():
    squared, absolute, hubers = median_errors("outliers in the targets", 40)
    assert max(absolute, hubers) < 0.7 * squared
    dropped, means, indicators = median_errors("missing values, at random", 40)
    assert means < 0.7 * dropped
    assert abs(indicators - means) < 1
    dropped, means, indicators = median_errors("missing values, the high ones", 40)
    assert indicators < means - 2
    assert means < 0.5 * dropped
    to_the_end, stopped, penalised = median_errors("wrong labels", 20)
    assert max(stopped, penalised) < to_the_end
    to_the_end, stopped, penalised = median_errors("wrong labels", 0)
    assert abs(stopped - to_the_end) < 1
    assert abs(penalised - to_the_end) < 1


def test_the_median_and_each_split_are_drawn_and_said():
    explorer = explorers.faulty_data()
    assert explorer.stage.reading == (
        "20 % of the training targets moved by ten deviations. Test error in points of the score, "
        "median of 5 splits: squared error 75, absolute error 56 (lower in 5 of 5), Huber loss 57 "
        "(lower in 5 of 5)."
    )
    explorer.controls[0].value, explorer.controls[1].value = "wrong labels", 40
    table = runs.fault_errors()["wrong labels"]
    layers = explorer.stage.layers
    np.testing.assert_array_equal(layers["median 2"].y, np.median(table[..., 2], axis=1))
    np.testing.assert_array_equal(layers["splits"].y, table[3])
    assert layers["median 1"].label == "early stopping"
    assert layers["1 in split 4"].y[0] == table[3, 4, 1]
    better = np.sum(table[3, :, 2] < table[3, :, 0])
    assert f"(lower in {better} of 5)." in explorer.stage.reading
    fault = runs.FAULTS["wrong labels"]
    ticks = explorer.stage.figure.axes[1].get_xticklabels()
    assert [tick.get_text().replace("\n", " ") for tick in ticks] == list(fault.remedies)
