"""Lesson 06's exercises: their formulas, and what their checks accept and name."""

import itertools

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.preprocessing import StandardScaler

from course_utils import datasets, networks
from course_utils.curvature import hessian_vector
from course_utils.descent import EarlyStopping, train
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge
from course_utils.keras_twin import keras
from course_utils.optimizers import SGD

lesson_06 = solutions("06_generalization")


@pytest.fixture
def arrays(rng):
    """Give the weights and biases of a network with layers of 3, 4 and 2 units."""
    return [rng.normal(size=shape) for shape in [(3, 4), (4,), (4, 2), (2,)]]


# The formulas


def test_the_gradients_of_the_penalty_are_its_finite_differences(arrays):
    _, gradients = lesson_06.l2_penalty(arrays, 0.3)
    for place, gradient in enumerate(gradients):

        def value(flat, place=place):
            moved = [*arrays[:place], flat.reshape(arrays[place].shape), *arrays[place + 1 :]]
            return lesson_06.l2_penalty(moved, 0.3)[0]

        numerical = approx_fprime(arrays[place].ravel(), value, 1e-6)
        np.testing.assert_allclose(gradient.ravel(), numerical, rtol=1e-4, atol=1e-5)


def test_the_penalty_is_the_one_of_keras_regularizer_on_the_kernels(arrays):
    regularizer = keras.regularizers.L2(0.3)
    of_keras = sum(float(regularizer(W.astype("float32"))) for W in arrays[::2])
    assert lesson_06.l2_penalty(arrays, 0.3)[0] == pytest.approx(of_keras, rel=1e-6)


def test_the_penalty_is_the_one_of_the_courses_network(rng):
    network = networks.MLP((3, 4, 2))
    params = rng.normal(size=network.size)
    data = rng.normal(size=(5, 3)), rng.integers(2, size=5)
    plain, penalised = (networks.NetworkLoss(network, *data, l2=l2) for l2 in (0.0, 0.3))
    value, gradients = lesson_06.l2_penalty(network.views(params), 0.3)
    assert value == pytest.approx(penalised.value(params) - plain.value(params))
    flat = np.concatenate([gradient.ravel() for gradient in gradients])
    courses = penalised.gradient(params) - plain.gradient(params)
    np.testing.assert_allclose(flat, courses, atol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.8])
def test_dropout_drops_and_rescales_as_keras_layer_does(rate, rng):
    activations = rng.normal(size=(200, 100)) + 10
    layer = keras.layers.Dropout(rate, seed=0)
    for training in (True, False):
        ours = lesson_06.dropout(activations, rate, training, rng)
        theirs = np.asarray(layer(activations.astype("float32"), training=training))
        assert np.mean(ours == 0) == pytest.approx(np.mean(theirs == 0), abs=0.02)
        both = (ours != 0) & (theirs != 0)
        np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-5)


def test_dropout_leaves_the_expected_value_of_each_entry(rng):
    activations = np.array([[1.0, -2.0, 5.0]])
    draws = [lesson_06.dropout(activations, 0.3, True, rng) for _ in range(10_000)]
    np.testing.assert_allclose(np.mean(draws, axis=0), activations, rtol=0.04)


class ModelWithOneNumber:
    """What Keras's callback needs of a model: weights that it can read and put back."""

    stop_training = False

    def get_weights(self):
        return [np.array(self.epochs)]

    def set_weights(self, weights):
        (self.epochs,) = weights


def stopped_by_keras(losses, patience):
    """Show Keras's callback the losses, the one of the start as that of its first epoch."""
    callback, model = (
        keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True),
        ModelWithOneNumber(),
    )
    callback.set_model(model)
    callback.on_train_begin()
    for model.epochs, loss in enumerate(losses):
        callback.on_epoch_end(model.epochs, {"val_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    return int(model.epochs), callback.best_epoch


@pytest.mark.parametrize("patience", [1, 2, 3])
@pytest.mark.parametrize("start", [1, 2, 3])
def test_early_stopping_ends_where_keras_callback_ends(patience, start):
    for later in itertools.product([1, 2, 3], repeat=5):
        losses = start, *later
        params, epoch = lesson_06.train_with_patience(
            lambda params: params + 1,
            lambda params, losses=losses: losses[params[0]],
            np.array([0]),
            patience,
            epochs=5,
        )
        assert (params[0], epoch) == stopped_by_keras(losses, patience)


@pytest.mark.parametrize("patience", [1, 5])
def test_early_stopping_takes_the_weights_that_the_courses_takes(patience, rng):
    network = networks.MLP((2, 20, 2))
    training, validation = (
        networks.NetworkLoss(network, rng.normal(size=(20, 2)), rng.integers(2, size=20))
        for _ in range(2)
    )
    # One batch an epoch, so that an epoch is one step, which needs no state.
    history = train(
        training,
        SGD(0.5),
        network.initial(0),
        epochs=60,
        batch_size=20,
        validation=validation,
        callbacks=[EarlyStopping(patience)],
    )
    params, epoch = lesson_06.train_with_patience(
        lambda params: params - 0.5 * training.gradient(params),
        validation.value,
        network.initial(0),
        patience,
        epochs=60,
    )
    assert 0 < epoch < 60
    assert history.stopped.endswith(f"after epoch {epoch}")
    np.testing.assert_allclose(params, history.params)


def test_standardise_is_scikit_learns_scaler_fitted_on_the_training_data(rng):
    training, test = 5 + 3 * rng.normal(size=(20, 4)), rng.normal(size=(7, 4))
    training[:, 2] = 1.5
    scaler = StandardScaler().fit(training)
    ours = lesson_06.standardise(training, test)
    np.testing.assert_allclose(ours[0], scaler.transform(training))
    np.testing.assert_allclose(ours[1], scaler.transform(test))


def test_standardise_is_the_courses():
    data = datasets.breast_cancer(seed=1)
    courses = datasets.standardised(data)
    ours = lesson_06.standardise(data.train_inputs, data.test_inputs)
    np.testing.assert_allclose(ours[0], courses.train_inputs)
    np.testing.assert_allclose(ours[1], courses.test_inputs)


def test_the_flatness_of_a_quadratic_is_the_mean_of_its_curvatures(rng):
    # Along the axes of the quadratic, and along random directions, whose mean is the trace.
    curvatures = np.array([1.0, 4.0, 10.0])
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    H = axes @ np.diag(curvatures) @ axes.T

    def loss(w):
        return 7 + w @ H @ w / 2

    along_axes = lesson_06.flatness(loss, np.zeros(3), 0.2, 3 * axes.T)
    assert along_axes == pytest.approx(0.2**2 / 2 * curvatures.mean())
    at_random = lesson_06.flatness(loss, np.zeros(3), 0.2, rng.normal(size=(5000, 3)))
    assert at_random == pytest.approx(along_axes, rel=0.05)


def test_the_flatness_of_a_network_is_its_slope_and_curvature_along_the_directions(rng):
    network = networks.MLP((2, 5, 2), "tanh")
    loss = networks.NetworkLoss(network, rng.normal(size=(20, 2)), rng.integers(2, size=20))
    params, directions = network.initial(0), rng.normal(size=(6, network.size))
    radius, expected = 0.01, []
    for unit in directions / np.linalg.norm(directions, axis=1)[:, None]:
        curvature = unit @ hessian_vector(loss, params, unit)
        expected.append(radius * unit @ loss.gradient(params) + radius**2 / 2 * curvature)
    ours = lesson_06.flatness(loss.value, params, radius, directions)
    assert ours == pytest.approx(np.mean(expected), rel=1e-3)


# Right answers in another style


def penalty_by_dimensions(arrays, strength):
    value = 0
    for array in arrays:
        if array.ndim == 2:
            value = value + strength * (array * array).sum()
    return [value, tuple(2.0 * strength * array * (array.ndim == 2) for array in arrays)]


def penalty_in_pairs(arrays, strength):
    total, gradients = 0, []
    for W, b in zip(arrays[::2], arrays[1::2], strict=True):
        total += np.linalg.norm(W) ** 2
        gradients += [strength * W + strength * W, 0 * b]
    return strength * total, gradients


def penalty_as_lists(arrays, strength):
    value = strength * sum(np.vdot(W, W) for W in arrays[::2])
    gradients = [a * (2 * strength, 0)[i % 2] for i, a in enumerate(arrays)]
    return value, map(np.ndarray.tolist, gradients)


def dropout_by_choice(activations, rate, training, rng):
    if training:
        factors = rng.choice([0, 1 / (1 - rate)], size=activations.shape, p=[rate, 1 - rate])
        activations = activations * factors
    return activations


def dropout_by_binomials(activations, rate, training, rng):
    keep = 1 - rate if training else 1
    return (activations * rng.binomial(1, keep, activations.shape) / keep).tolist()


def dropout_in_a_loop(activations, rate, training, rng):
    result = activations.copy()
    if not training:
        return result
    for row in result:
        for i in range(len(row)):
            row[i] = 0 if rng.uniform() < rate else row[i] / (1 - rate)
    return result


def patience_from_a_list_of_losses(train_epoch, validation_loss, params, patience, epochs):
    kept, losses = [params.copy()], [validation_loss(params)]
    while len(losses) <= epochs and len(losses) - 1 - np.argmin(losses) < patience:
        params = train_epoch(params)
        kept.append(params.copy())
        losses.append(validation_loss(params))
    best = np.argmin(losses)
    return [kept[best], best]


def patience_with_a_counter(train_epoch, validation_loss, params, patience, epochs):
    best, lowest, best_epoch, left = params, validation_loss(params), 0, patience
    for epoch in range(epochs):
        params = train_epoch(params)
        loss = validation_loss(params)
        left -= 1
        if loss < lowest:
            best, lowest, best_epoch, left = np.array(params), loss, epoch + 1, patience
        if not left:
            return best, best_epoch
    return best, best_epoch


def patience_that_looks_back(train_epoch, validation_loss, params, patience, epochs):
    history = [(validation_loss(params), 0, params.tolist())]
    for epoch in range(1, epochs + 1):
        params = train_epoch(params)
        history.append((validation_loss(params), epoch, params.tolist()))
        if min(history[-patience:])[0] >= min(history)[0] and epoch - min(history)[1] >= patience:
            break
    _, epoch, params = min(history)
    return params, epoch


def standardise_by_scikit_learn(training, test):
    scaler = StandardScaler().fit(training)
    return scaler.transform(training), scaler.transform(test)


def standardise_by_columns(training, test):
    training, test = training.copy(), test.copy()
    for j in range(training.shape[1]):
        mean, deviation = training[:, j].mean(), np.sqrt(np.var(training[:, j])) or 1.0
        training[:, j] = (training[:, j] - mean) / deviation
        test[:, j] = (test[:, j] - mean) / deviation
    return [training, test]


def standardise_centred_first(training, test):
    centred = training - np.mean(training, 0)
    scale = np.sqrt((centred**2).mean(axis=0))
    scale[scale == 0] = 1
    return centred / scale, (test - training.mean(axis=0)) / scale


def flatness_in_a_loop(loss, params, radius, directions):
    total = 0
    for direction in directions:
        direction = radius * direction / (direction @ direction) ** 0.5
        total += loss(params + direction)
    return total / len(directions) - loss(params)


def flatness_at_once(loss, params, radius, directions):
    lengths = np.sqrt(np.sum(directions**2, axis=1))
    return (loss(params + radius * (directions.T / lengths).T) - loss(params)).mean()


def flatness_in_place(loss, params, radius, directions):
    params, rises = params.copy(), []
    before = loss(params)
    for direction in directions:
        step = radius / np.linalg.norm(direction) * direction
        params += step
        rises.append(loss(params) - before)
        params -= step
    return sum(rises) / len(rises)


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("gen-l2", penalty_by_dimensions),
        ("gen-l2", penalty_in_pairs),
        ("gen-l2", penalty_as_lists),
        ("gen-dropout", dropout_by_choice),
        ("gen-dropout", dropout_by_binomials),
        ("gen-dropout", dropout_in_a_loop),
        ("gen-early-stopping", patience_from_a_list_of_losses),
        ("gen-early-stopping", patience_with_a_counter),
        ("gen-early-stopping", patience_that_looks_back),
        ("gen-standardise", standardise_by_scikit_learn),
        ("gen-standardise", standardise_by_columns),
        ("gen-standardise", standardise_centred_first),
        ("gen-flatness", flatness_in_a_loop),
        ("gen-flatness", flatness_at_once),
        ("gen-flatness", flatness_in_place),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


@pytest.mark.parametrize("seed", range(5))
def test_chance_does_not_decide_whether_dropout_is_solved(seed):
    def from_another_stream(activations, rate, training, rng):
        rng.random(seed)
        return lesson_06.dropout(activations, rate, training, rng)

    assert judge(EXERCISES["gen-dropout"], from_another_stream).kind == "solved"


# Wrong answers


def penalty_overwritten(arrays, strength):
    for W in arrays[::2]:
        value = strength * np.sum(W**2)
    return value, lesson_06.l2_penalty(arrays, strength)[1]


def penalty_of_all(arrays, strength):
    return strength * sum((a**2).sum() for a in arrays), [2 * strength * a for a in arrays]


def dropout_without_an_else(activations, rate, training, rng):
    if training:
        return activations * (rng.random(activations.shape) > rate) / (1 - rate)


def dropout_of_columns(activations, rate, training, rng):
    if not training:
        return activations
    return activations * rng.binomial(1, 1 - rate, activations.shape[1]) / (1 - rate)


def patience_of_one_name(train_epoch, validation_loss, params, patience, epochs):
    best, lowest, best_epoch, waited = params, validation_loss(params), 0, 0
    for epoch in range(1, epochs + 1):
        params = train_epoch(params)
        loss, waited = validation_loss(params), waited + 1
        if loss < lowest:
            best, lowest, best_epoch, waited = params, loss, epoch, 0
        elif waited == patience:
            break
    return best, best_epoch


def standardise_after_overwriting(training, test):
    training = (training - training.mean(0)) / np.where(training.std(0) > 0, training.std(0), 1)
    test = (test - training.mean(0)) / np.where(training.std(0) > 0, training.std(0), 1)
    return training, test


def flatness_that_walks(loss, params, radius, directions):
    before, rises = loss(params), []
    for direction in directions:
        params = params + radius * direction / np.linalg.norm(direction)
        rises.append(loss(params) - before)
    return np.mean(rises)


def flatness_returned_too_early(loss, params, radius, directions):
    for direction in directions:
        unit = direction / np.linalg.norm(direction)
        return loss(params + radius * unit) - loss(params)


@pytest.mark.parametrize(
    ("exercise_id", "answer", "mistake"),
    [
        ("gen-l2", penalty_overwritten, "only-the-last-layer"),
        ("gen-l2", penalty_of_all, "biases-penalised"),
        ("gen-dropout", dropout_of_columns, "one-mask-for-all-rows"),
        (
            "gen-dropout",
            lambda a, rate, training, rng: a * rng.binomial(1, 1 - rate, a.shape) / (1 - rate),
            "active-at-test-time",
        ),
        ("gen-early-stopping", patience_of_one_name, "best-params-not-copied"),
        ("gen-standardise", standardise_after_overwriting, "test-as-it-was"),
        (
            "gen-standardise",
            lambda training, test: tuple(
                StandardScaler().fit_transform(part) for part in (training, test)
            ),
            "test-by-its-own-mean",
        ),
        ("gen-flatness", flatness_that_walks, "one-step-after-the-other"),
        ("gen-flatness", flatness_returned_too_early, "only-the-first-direction"),
    ],
)
def test_a_mistake_written_in_another_way_is_named(exercise_id, answer, mistake):
    assert judge(EXERCISES[exercise_id], answer).mistake == mistake


def test_a_dropout_without_an_else_is_shown_the_case_in_which_nothing_comes_back():
    verdict = judge(EXERCISES["gen-dropout"], dropout_without_an_else)
    assert verdict.kind == "different"
    assert "    training = no\n" in verdict.text
    assert "dropout returns nothing: a way through it has no return." in verdict.text


def dropout_in_place(activations, rate, training, rng):
    if training:
        activations *= (rng.random(activations.shape) >= rate) / (1 - rate)
    return activations


def standardise_in_place(training, test):
    mean, deviation = training.mean(0), training.std(0)
    deviation[deviation == 0] = 1
    for array in (training, test):
        array -= mean
        array /= deviation
    return training, test


def flatness_in_the_given_directions(loss, params, radius, directions):
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.mean([loss(params + radius * unit) - loss(params) for unit in directions])


@pytest.mark.parametrize(
    ("exercise_id", "answer", "changed"),
    [
        ("gen-dropout", dropout_in_place, "activations"),
        ("gen-standardise", standardise_in_place, "training"),
        ("gen-flatness", flatness_in_the_given_directions, "directions"),
    ],
)
def test_an_answer_that_changes_its_input_is_told_so(exercise_id, answer, changed):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "changed input"
    assert f"changes its input {changed}," in verdict.text


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        (
            "gen-l2",
            lambda arrays, strength: lesson_06.l2_penalty(arrays, strength)[0],
            "\nwhat it returned: float64 (expected 2 values)\n",
        ),
        (
            "gen-l2",
            lambda arrays, strength: (lesson_06.l2_penalty(arrays, strength)[0], None),
            "\ngradients: NoneType (expected list of 4 arrays)\n",
        ),
        (
            "gen-l2",
            lambda arrays, strength: (None, lesson_06.l2_penalty(arrays, strength)[1]),
            "\nvalue: None (expected ",
        ),
        (
            "gen-l2",
            lambda arrays, strength: (
                lesson_06.l2_penalty(arrays, strength)[0],
                [2 * strength * a if a.ndim == 2 else 0 for a in arrays],
            ),
            "\ngradient of b1: 0 (expected [0, 0, 0])\n",
        ),
        (
            "gen-dropout",
            lambda activations, rate, training, rng: activations[0],
            "    activations = 100 rows of 80 numbers\n    rate = 0.2\n    training = yes\n"
            "    rng = a random generator\n"
            "what it returned: array of shape (80,) (expected array of shape (100, 80))\n",
        ),
        (
            "gen-dropout",
            lambda activations, rate, training, rng: "dropped",
            "what it returned: str (expected array of shape (100, 80))",
        ),
        (
            "gen-dropout",
            lambda activations, rate, training, rng: 2 * activations,
            "share of the activations set to 0: 0 (expected 0.2)\n",
        ),
        (
            "gen-dropout",
            lambda activations, rate, training, rng: 0 * activations,
            "share of the activations set to 0: 1 (expected 0.2)\n",
        ),
        (
            "gen-dropout",
            lambda activations, rate, training, rng: (
                3 * lesson_06.dropout(activations, rate, training, rng)
            ),
            "\nthe others are multiplied by: 3.75 (expected 1.25)\n",
        ),
        (
            "gen-dropout",
            lambda activations, rate, training, rng: lesson_06.dropout(
                activations + 0.1, rate, training, rng
            ),
            "\nthe others are all multiplied by the same number: no (expected yes)\n",
        ),
        (
            "gen-early-stopping",
            lambda *case: lesson_06.train_with_patience(*case)[0],
            "    train_epoch = adds [1, -0.5, 2] to the params\n"
            "    validation_loss = after 0, 1, 2, ... epochs [5, 4, 4.5, 3, 3.5, 2.5, 3, 3.2, 1]\n"
            "    params = [0, 2, 1]\n    patience = 2\n    epochs = 9\n"
            "your function returned 1 of the 2 values: params, epoch\n",
        ),
        (
            "gen-early-stopping",
            lambda *case: (None, lesson_06.train_with_patience(*case)[1]),
            "right: epoch\nyour params is still missing",
        ),
        (
            "gen-standardise",
            lambda training, test: (lesson_06.standardise(training, test)[0], test[:1]),
            "right: training\nyour function returned test of shape (1, 3), expected (2, 3)",
        ),
        (
            "gen-flatness",
            lambda loss, params, radius, directions: directions,
            "    loss = w[0]**2 + 10 * w[1]**2\n    params = [0, 0]\n    radius = 0.5\n"
            "    directions = [[3, 4], [0, -2], [5, 0]]\n"
            "your function returned shape (3, 2), expected ()\n",
        ),
    ],
)
def test_any_other_wrong_answer_is_shown_with_the_case(exercise_id, answer, says):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "different"
    assert says in verdict.text, verdict.text
