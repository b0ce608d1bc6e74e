import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from course_utils.datasets import digits
from course_utils.descent import accuracy, minimize, train
from course_utils.gradients import clip_by_global_norm, clip_by_norm, clip_by_value
from course_utils.landscapes import cliff, himmelblau, ravine, rosenbrock
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adagrad, Adam, AdamW, Lion, RMSprop
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.drawings import find_figure
from course_utils.quiz.markup import fill_code
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "05_rmsprop_and_adam"
PREDICTIONS = {
    "adam-predict-first-step",
    "adam-predict-adagrad",
    "adam-predict-no-correction",
    "adam-predict-scale",
    "adam-predict-race",
}
ASKED_AT_THE_END = {
    "adam-effective-rate",
    "adam-why-rate-dies",
    "adam-bias-value",
    "adam-epsilon-place",
    "adam-predict-l2-or-decay",
    "adam-global-norm",
    "adam-read-race",
    "adam-what-remains",
}


def moves(optimizer, gradients):
    """How far an optimizer moves its weights at each of these gradients."""
    gradients = np.asarray(gradients, dtype=float).reshape(len(gradients), -1)
    points = [np.zeros(gradients.shape[1])]
    state = optimizer.init(points[0])
    for gradient in gradients:
        point, state = optimizer.update(gradient, state, points[-1])
        points.append(point)
    return np.diff(points, axis=0)


@cache
def long_run_step(beta_1, beta_2):
    """The last step of the question's code, as a multiple of its rate."""
    code = find_question("adam-stuck-counter").code
    names = {"g": 3.0, "w": 0.0, "rate": 1.0}
    exec(fill_code(code, {"beta_1": beta_1, "beta_2": beta_2}), names)
    return names["m_hat"] / names["v_hat"] ** 0.5


def megabytes_of_state(millions):
    """Four bytes for each array that Adam keeps from step to step, times the weights."""
    adam, weights = Adam(), np.zeros(3)
    _, (_, *arrays) = adam.update(weights, adam.init(weights), weights)
    return 4 * millions * len({id(array) for array in arrays})


# Each key again, by another way than the generator's.
KEYS = {
    "adam_adagrad_rate": lambda g1, g2, g3, rate: rate / math.hypot(g1, g2, g3),
    "adam_first_step_of_rmsprop": lambda rate, rho: rate / math.sqrt(1 - rho),
    "adam_uncorrected_mean": lambda gradient, beta, steps: gradient * (1 - beta**steps),
    "adam_counter_that_stands_still": long_run_step,
    "adam_epsilon_hat": lambda rate, gradient, epsilon: rate / (1 + epsilon / (0.1 * gradient)),
    "adam_decay_alone": lambda rate, decay, start, steps: start * (1 - rate * decay) ** steps,
    "adam_clipped_layer": lambda first, second, limit: limit * math.cos(math.atan2(second, first)),
    "adam_memory": megabytes_of_state,
}


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert len(types) >= 34
    assert types.keys() >= ASKED_AT_THE_END
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    assert_key_agrees(name, KEYS[name], seeds=40)


def test_the_hundredth_step_of_adagrad_is_a_tenth_of_the_first():
    assert right_option("adam-predict-adagrad") == "A tenth as long"
    steps = moves(Adagrad(0.3, initial_accumulator_value=0.0), [7.0] * 100)
    assert steps[99] / steps[0] == pytest.approx(0.1)


def test_a_rare_word_keeps_a_long_step_under_adagrad():
    assert right_option("adam-rare-word").startswith("That of the rare word")
    common, rare = np.arange(2000) % 2 == 0, np.arange(2000) % 1000 == 0
    steps = np.abs(moves(Adagrad(0.1), np.stack([common, rare], axis=1))[1000])
    assert steps[1] > 10 * steps[0] > 0


@pytest.mark.parametrize("landscape", [himmelblau(), ravine(), rosenbrock()])
def test_a_loss_times_1000_changes_the_paths_of_sgd_and_momentum_only(landscape):
    assert right_option("adam-predict-scale") == "SGD and momentum, but neither RMSprop nor Adam"
    scaled = replace(landscape, gradient=lambda w: 1000 * landscape.gradient(w))

    def change(optimizer):
        paths = [
            minimize(objective, optimizer, [-1.2, 1.0], steps=100).points
            for objective in (landscape, scaled)
        ]
        with np.errstate(invalid="ignore"):
            return np.abs(paths[0] - paths[1])[:3].max()

    for optimizer in (SGD(1e-4), SGD(1e-4, momentum=0.9)):
        assert change(optimizer) > 0.1
    for optimizer in (RMSprop(0.01), Adam(0.01)):
        assert change(optimizer) < 1e-4


def test_rmsprop_forgets_a_spike_after_some_130_steps_and_adagrad_never():
    assert right_option("adam-spike") == "Very short at first, as before after some 130 steps"
    gradients = np.ones(600)
    gradients[200] = 1000
    rmsprop = -moves(RMSprop(1.0, rho=0.9), gradients)[:, 0]
    assert rmsprop[199] == pytest.approx(1)
    assert rmsprop[201] < 0.01
    assert rmsprop[[280, 310, 330]] == pytest.approx([0.2, 0.71, 0.95], abs=0.03)
    assert -moves(Adagrad(1.0), gradients)[599, 0] < 0.002


def test_the_square_of_the_average_makes_steps_19_times_too_long():
    assert right_option("adam-square-of-average").startswith("The steps are too long")
    code = find_question("adam-square-of-average").code
    gradients = [(-1.0) ** step for step in range(200)]
    names = {"np": np, "average": 0.0, "rate": 1.0, "w": 0.0}
    for names["gradient"] in gradients:
        before = names["w"]
        exec(code, names)
    usual = moves(RMSprop(1.0, rho=0.9), gradients)[-1, 0]
    assert (names["w"] - before) / usual == pytest.approx(19, rel=0.01)


@pytest.mark.parametrize("gradient", [0.001, 1000.0])
def test_the_first_step_of_adam_has_the_length_of_the_rate(gradient):
    assert right_option("adam-predict-first-step") == "Both have the length of the rate."
    assert -moves(Adam(0.01), [gradient])[0, 0] == pytest.approx(0.01, rel=0.01)


def test_without_the_correction_the_first_step_is_three_times_as_long():
    assert right_option("adam-predict-no-correction") == "It is about 3.2 times as long."
    adam, params = Adam(0.01), np.zeros(1)
    _, state = adam.update(np.array([5.0]), adam.init(params), params)
    assert state.mean / np.sqrt(state.mean_square) == pytest.approx(3.16, abs=0.01)


def test_changing_signs_shorten_the_steps_of_adam_to_a_twentieth():
    assert right_option("adam-why-short-in-noise").startswith("Its gradients cancel in $m$")
    gradients = np.ones((5000, 2))
    gradients[1::2, 0] = -1
    steps = np.abs(moves(Adam(1.0), gradients))[-1]
    assert steps[1] / steps[0] == pytest.approx(20, abs=1.5)


def test_epsilon_stands_where_the_epsilon_question_says():
    assert right_option("adam-epsilon-place") == r"To $\sqrt{v_t}$, before the bias correction"
    gradient, epsilon = 0.01, 0.003
    m, root = 0.1 * gradient, math.sqrt(0.001) * gradient
    expected = math.sqrt(0.001) / 0.1 * m / (root + epsilon)
    assert -moves(Adam(1.0, epsilon=epsilon), [gradient])[0, 0] == pytest.approx(expected)


def test_with_a_huge_epsilon_adam_steps_along_the_momentum(rng):
    assert right_option("adam-why-large-epsilon").endswith("by nearly the same number.")
    gradients = rng.normal(size=(200, 3)) * [0.1, 1, 10] + [0.1, 1, 10]
    momentum = moves(SGD(1.0, momentum=0.9), gradients)[-1]
    huge, usual = (moves(Adam(1.0, epsilon=e), gradients)[-1] / momentum for e in (1e3, 1e-7))
    assert huge.max() / huge.min() < 1.01
    assert usual.max() / usual.min() > 50


def test_an_l2_penalty_spares_the_weight_with_large_gradients_and_adamw_does_not(rng):
    assert right_option("adam-predict-l2-or-decay").startswith(
        "The penalty hardly shrinks the first,"
    )
    noise = rng.normal(size=(3000, 2)) * [10, 0.1]

    def end(optimizer, penalty):
        params = np.ones(2)
        state = optimizer.init(params)
        for gradient in noise:
            params, state = optimizer.update(gradient + penalty * params, state, params)
        return params

    unpenalized = end(Adam(), 0.0)
    penalty, decay = (
        unpenalized - end(optimizer, l2)
        for optimizer, l2 in ((Adam(), 0.1), (AdamW(weight_decay=0.1), 0.0))
    )
    assert penalty[0] < 0.1 * penalty[1]
    assert decay == pytest.approx([0.25, 0.25], abs=0.03)


def test_only_the_global_norm_keeps_the_direction():
    assert right_option("adam-clip-direction") == "Only clipping by the global norm"
    arrays = [np.array([3.0, 40.0]), np.array([5.0, 6.0])]
    whole = np.concatenate(arrays)

    def cosine(clip):
        clipped = np.concatenate(clip(arrays, 1.0))
        return clipped @ whole / np.linalg.norm(clipped) / np.linalg.norm(whole)

    assert cosine(clip_by_global_norm) == pytest.approx(1)
    assert max(cosine(clip_by_norm), cosine(clip_by_value)) < 0.9


def test_clipping_passes_a_cliff_faster_than_the_rate_that_is_safe_there():
    assert right_option("adam-why-clip").startswith("It shortens the steps at the cliff")
    landscape = cliff()
    (minimum,) = landscape.minima

    def walk(rate, limit):
        points = [np.array([1.0, 1.5])]
        while np.linalg.norm(points[-1] - minimum) > 0.1:
            (gradient,) = clip_by_global_norm([landscape.gradient(points[-1])], limit)
            points.append(points[-1] - rate * gradient)
        return len(points), np.abs(points).max()

    (fast, near), (_, far), (slow, safe) = walk(0.5, 1.0), walk(0.5, np.inf), walk(0.005, np.inf)
    assert far > 2 * max(near, safe)
    assert slow > 20 * fast


def test_a_spike_shortens_the_steps_of_adam_for_long():
    assert right_option("adam-why-clip-adam").endswith("and shortens many later steps.")
    gradients = np.ones(6000)
    gradients[1500] = 100
    steps = -moves(Adam(1.0), gradients)[:, 0]
    assert 2 < steps[1495:1510].max() < 4
    assert steps[1550:1900].max() < 0.4
    assert [steps[1550], steps[2500]] == pytest.approx([0.3, 0.45], abs=0.03)
    assert steps[5500] > 0.9


def test_lion_moves_by_the_rate_whatever_the_gradient():
    assert right_option("adam-lion") == "By the rate, up or down"
    assert np.abs(moves(Lion(0.01), [1e-3, -50.0, 2.0])) == pytest.approx(0.01)


def test_amsgrad_divides_by_the_largest_average_so_far():
    assert right_option("adam-amsgrad").startswith("It divides by the root of the largest $v$")
    gradients = np.ones(4000)
    gradients[1000] = 100
    plain, amsgrad = (-moves(Adam(1.0, amsgrad=on), gradients)[-1, 0] for on in (False, True))
    assert amsgrad < 0.5 * plain


@pytest.fixture(scope="module")
def parts_of_digits():
    """The loss of the digits network on training images without the last 300, and on these."""
    data, network = digits(), MLP((64, 32, 10))
    return [
        NetworkLoss(network, data.train_inputs[rows], data.train_targets[rows])
        for rows in (slice(None, -300), slice(-300, None))
    ]


@pytest.fixture(scope="module")
def race(parts_of_digits):
    """The test accuracies of five seeds, each rule at the rate that its validation chose.

    The rates are those with the best median validation accuracy of nine from 1e-4 to 1.
    """
    training, _ = parts_of_digits
    data = digits()
    test = NetworkLoss(training.network, data.test_inputs, data.test_targets)
    start = np.stack([training.network.initial(seed) for seed in range(5)])
    rates = np.geomspace(1e-4, 1, 9)
    tuned = {
        "SGD": SGD(rates[7]),
        "Momentum": SGD(rates[6], momentum=0.9),
        "RMSprop": RMSprop(rates[4]),
        "Adam": Adam(rates[5]),
    }
    return {
        name: 100 * accuracy(test, train(training, optimizer, start, 10, batch_size=32).params)
        for name, optimizer in tuned.items()
    }


def test_the_tuned_race_ends_within_two_points(race):
    assert right_option("adam-predict-race") == "About 1 or 2 percentage points"
    medians = [np.median(accuracies) for accuracies in race.values()]
    assert 0.5 < max(medians) - min(medians) < 2.5
    assert min(medians) > 93


def test_the_seeds_of_rmsprop_differ_by_more_than_the_rules(race):
    stem = find_question("adam-why-seeds").stem
    assert "RMSprop reaches test accuracies from 93.8 % to 96.2 %" in stem
    assert "momentum from 94.7 % to 95.6 %. The medians are 95.8 % and 95.1 %." in stem
    rmsprop, momentum = race["RMSprop"], race["Momentum"]
    seen = [*np.quantile(rmsprop, [0, 1, 0.5]), *np.quantile(momentum, [0, 1, 0.5])]
    assert seen == pytest.approx([93.8, 96.2, 95.8, 94.7, 95.6, 95.1], abs=0.06)
    assert right_option("adam-why-seeds").startswith("The seeds change the result by more")


def test_the_accuracies_by_rate_look_as_the_alt_text_says():
    (ax,) = find_figure("adam_accuracy_by_rate")().axes
    assert ax.get_xscale() == "log"
    curves = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert {len(curve) for curve in curves.values()} == {9}
    assert curves["SGD"][[0, 2, 4, 7, 8]] == pytest.approx([13, 19, 63, 96, 98], abs=0.7)
    assert curves["Momentum"][[0, 6, 8]] == pytest.approx([19, 98, 21], abs=0.7)
    assert curves["RMSprop"][[0, 2, 4, 7]] == pytest.approx([38, 90, 98, 22], abs=0.7)
    assert curves["Adam"][[0, 2, 5, 7]] == pytest.approx([37, 92, 98, 15], abs=0.7)
    peaks = {name: curve.argmax() for name, curve in curves.items()}
    assert peaks == {"SGD": 8, "Momentum": 6, "RMSprop": 4, "Adam": 5}
    heights = [curve.max() for curve in curves.values()]
    assert max(heights) - min(heights) < 1
    assert right_option("adam-read-race").startswith("At its own best rate, each rule reaches")
