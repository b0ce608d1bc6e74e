import math
from functools import partial

import numpy as np
import pytest
from scipy.optimize import least_squares, linprog, minimize_scalar

from course_utils.curvature import filter_normalised_direction
from course_utils.datasets import digits
from course_utils.descent import train
from course_utils.losses import (
    binary_cross_entropy,
    mean_absolute_error,
    mean_squared_error,
    softmax_cross_entropy,
)
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.drawings import find_figure
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "01_loss_minimization"
PREDICTIONS = {
    "loss-predict-random",
    "loss-predict-one-number",
    "loss-predict-confident",
    "loss-predict-between",
    "loss-predict-directions",
}
ASKED_AT_THE_END = {
    "loss-what-moves",
    "loss-outlier-fit",
    "loss-softmax-value",
    "loss-slice-minimum",
    "loss-read-slice",
    "loss-why-saddles",
    "loss-proxy",
    "loss-why-outside",
}
DIGITS_NETWORK = MLP((64, 32, 10))


def digits_loss(network=DIGITS_NETWORK):
    data = digits()
    return NetworkLoss(network, data.train_inputs, data.train_targets)


def squared_error_slope(n, prediction, target, h=1e-20):
    """The slope at one of n predictions by the complex step; the others are right."""
    return ((prediction + 1j * h - target) ** 2 / n).imag / h


def huber_by_area(error, delta):
    """The area under the slope min(e, δ) from 0 to the size of the error."""
    e = np.linspace(0, abs(error), 10_001)
    return np.trapezoid(np.minimum(e, delta), e)


def least_value(limit, goal):
    return max(0, goal - limit) ** 2


def size_of_a_cosine(weights):
    """The root mean square over all axes, which is the same for every gradient."""
    gradient = np.random.default_rng(5).normal(size=weights)
    return np.sqrt(np.mean((gradient / np.linalg.norm(gradient)) ** 2))


# Each key again, by another way than the generator's.
KEYS = {
    "loss_parameter_count": lambda inputs, hidden, outputs: (
        (inputs + 1) * hidden + (hidden + 1) * outputs
    ),
    "loss_mse_value": lambda p1, p2, p3, t1, t2, t3: math.dist((p1, p2, p3), (t1, t2, t3)) ** 2 / 3,
    "loss_mse_slope": squared_error_slope,
    "loss_huber_value": huber_by_area,
    "loss_softmax_value": lambda a, b, c: math.log(1 + math.exp(b - a) + math.exp(c - a)),
    "loss_chord_gap": lambda target, u, v: (v - u) ** 2 / 4,
    "loss_random_cosine": size_of_a_cosine,
    "loss_penalty_minimum": lambda goal, limit, strength: (
        minimize_scalar(
            lambda x: (x - goal) ** 2 + strength * max(0, x - limit) ** 2, options={"xtol": 1e-10}
        ).x
    ),
    "loss_multiplier": lambda goal, limit, h=1e-4: (
        (least_value(limit - h, goal) - least_value(limit + h, goal)) / (2 * h)
    ),
}


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert 36 <= len(types) <= 42
    assert types.keys() >= ASKED_AT_THE_END
    objectives = {find_question(question_id).objective for question_id in ASKED_AT_THE_END}
    assert objectives == {objective.id for objective in find_bank(LESSON).objectives}
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    assert_key_agrees(name, KEYS[name], seeds=100)


def test_the_best_of_a_thousand_random_networks_reads_a_quarter():
    assert right_option("loss-predict-random") == "About 25 %"
    data = digits()
    starts = np.stack([DIGITS_NETWORK.initial(seed) for seed in range(1000)])
    shares = np.concatenate(
        [
            DIGITS_NETWORK.accuracy(fifty, data.test_inputs, data.test_targets)
            for fifty in np.split(starts, 20)
        ]
    )
    assert len(data.test_inputs) == 450
    assert 0.2 < shares.max() < 0.3
    assert shares.mean() == pytest.approx(0.1, abs=0.005)
    assert np.sum(shares > 0.2) < 10


def test_the_median_has_the_least_absolute_error_and_the_mean_the_least_squared():
    targets = np.array([[1.0], [2.0], [3.0], [4.0], [90.0]])

    def cost(loss, number):
        return loss(np.full(targets.shape, float(number)), targets)[0]

    numbers = [option.text for option in find_question("loss-predict-one-number").options]
    assert sorted(numbers) == ["2.5", "20", "3", "45.5"]
    best = min(numbers, key=partial(cost, mean_absolute_error))
    assert best == right_option("loss-predict-one-number") == "3"
    assert min(numbers, key=partial(cost, mean_squared_error)) == "20"
    largest = [np.abs(targets - float(number)).max() for number in numbers]
    assert numbers[np.argmin(largest)] == "45.5"


def test_the_confident_classifier_pays_more_for_the_same_right_answers():
    assert right_option("loss-predict-confident").startswith("That of B")
    is_right = np.arange(100)[:, None] < 95

    def cross_entropy(p):
        logits = np.full(is_right.shape, math.log(p / (1 - p)))
        return binary_cross_entropy(logits, is_right.astype(float))[0]

    assert cross_entropy(0.999) == pytest.approx(0.35, abs=0.005)
    assert cross_entropy(0.95) == pytest.approx(0.20, abs=0.005)


def test_a_hill_lies_between_two_trained_networks():
    assert right_option("loss-predict-between") == "It rises to a hill, then falls again."
    loss = digits_loss()
    first, second = (
        train(loss, SGD(0.5), DIGITS_NETWORK.initial(seed), epochs=10, batch_size=32).params
        for seed in (0, 1)
    )
    share = np.linspace(0, 1, 21)[:, None]
    way = loss.value((1 - share) * first + share * second)
    assert way[0] == pytest.approx(way[-1], abs=0.02)
    top = way.argmax()
    assert way[top] > 5 * max(way[0], way[-1])
    assert (np.diff(way[: top + 1]) > 0).all()
    assert (np.diff(way[top:]) < 0).all()


def test_the_best_of_a_hundred_directions_gets_a_twentieth_of_the_descent(rng):
    assert right_option("loss-predict-directions") == "About 5 %"
    loss = digits_loss()
    assert loss.size == 2410
    start = DIGITS_NETWORK.initial(seed=0)
    gradient = loss.gradient(start)
    steps = rng.normal(size=(100, loss.size))
    steps = np.vstack([steps, -gradient])
    steps *= 1e-3 / np.linalg.norm(steps, axis=1, keepdims=True)
    *random, steepest = loss.value(start) - loss.value(start + steps)
    assert 0.03 < max(random) / steepest < 0.08
    assert np.mean(np.array(random) > 0) == pytest.approx(0.5, abs=0.15)
    cosines = rng.normal(size=(500, 100, 50))
    cosines = cosines[..., 0] / np.linalg.norm(cosines, axis=-1)
    assert cosines.max(axis=1).mean() * math.sqrt(50) == pytest.approx(2.5, abs=0.15)


def run(code, **names):
    with np.errstate(over="ignore", invalid="ignore"):
        exec(code, {"np": np}, names)
    return names


def test_the_broadcast_code_prints_what_its_question_says(capsys):
    question = find_question("loss-why-broadcast")
    shown = run(question.code)
    assert capsys.readouterr().out == "1.33\n"
    assert "1.33" in question.stem
    differences = shown["predictions"] - shown["targets"]
    assert differences.size == 9
    assert "table of 9 differences" in right_option(question.id)
    assert np.sum(differences**2) == 12


def test_the_overflowing_softmax_is_mended_by_subtracting_the_largest_logit(capsys):
    question = find_question("loss-why-overflow")
    shown = run(question.code)
    assert capsys.readouterr().out.startswith("[nan ")
    run(question.code.replace("\nprint", "\nz = z - z.max()\nprint"))
    assert capsys.readouterr().out == "[1. 0.]\n"
    assert "overflow" in right_option(question.id)
    assert np.isfinite(np.exp(shown["z"] * 0.709)).all()


def fits():
    (ax,) = find_figure("loss_three_fits")().axes
    data, *lines = ax.lines
    slopes = {line.get_label()[-1]: np.diff(line.get_ydata()) / 13 for line in lines}
    return *data.get_data(), {line.get_label()[-1]: line for line in lines}, slopes


def test_each_line_of_the_outlier_question_is_the_least_of_its_loss():
    x, y, lines, slopes = fits()
    letters = dict(
        part.split(" is ")[::-1] for part in right_option("loss-outlier-fit")[:-1].split(", ")
    )
    design = np.stack([x, np.ones_like(x)], axis=1)
    n = len(x)
    absolute = linprog(
        np.r_[0, 0, np.ones(n)],
        np.block([[design, -np.eye(n)], [-design, -np.eye(n)]]),
        np.r_[y, -y],
        bounds=[(None, None)] * 2 + [(0, None)] * n,
    ).x[:2]
    assert r"\delta=6" in find_question("loss-outlier-fit").stem
    clipped = least_squares(lambda line: design @ line - y, [1, 0], loss="huber", f_scale=6)
    best = {"MSE": np.polyfit(x, y, 1), "MAE": absolute, "Huber": clipped.x}
    for name, (slope, intercept) in best.items():
        drawn = lines[letters[name]].get_ydata()
        assert drawn == pytest.approx([intercept, 13 * slope + intercept], abs=1e-3), name
    assert slopes[letters["MSE"]] < slopes[letters["Huber"]] < slopes[letters["MAE"]]


def test_the_fits_look_as_their_alt_text_says():
    x, y, lines, _ = fits()
    alt = find_question("loss-outlier-fit").alt
    for letter, line in lines.items():
        assert f"{line.get_ydata()[1]:.1f}" in alt, letter
    assert y[x == 11] == pytest.approx(-1.5)
    others = x != 11
    slope, intercept = np.polyfit(x[others], y[others], 1)
    assert np.abs(slope * x + intercept - y)[others].max() < 1
    assert "Eleven of them lie close to a rising line, from 4 at input 1 to 20 at input 12" in alt
    assert y[[0, -1]] == pytest.approx([4, 20], abs=0.5)


def slice_and_chords():
    (ax,) = find_figure("loss_slice_chords")().axes
    curve, *dashed = ax.lines[:5]
    marks = {text.get_text(): text.xy for text in ax.texts}
    letters = {place: letter for letter, (place, _) in marks.items()}
    chords = {" to ".join(letters[place] for place in line.get_xdata()): line for line in dashed}
    return curve.get_data(), chords, marks


def test_only_one_of_the_four_chords_has_the_curve_above_it():
    (place, height), chords, _ = slice_and_chords()
    answers = {
        option.text.removeprefix("The chord from "): option.correct
        for option in find_question("loss-read-slice").options
    }
    assert answers.keys() == chords.keys()
    for name, chord in chords.items():
        at = np.linspace(*chord.get_xdata(), 51)[1:-1]
        gap = np.interp(at, place, height) - np.interp(at, *chord.get_data())
        assert (gap.max() > 0) == answers[name], name


def test_the_slice_looks_as_its_alt_text_says():
    (place, height), _, marks = slice_and_chords()
    middle = (place > 0.2) & (place < 0.8)
    left, hill, right = (
        place[part][pick(height[part])]
        for part, pick in ((place < 0.5, np.argmin), (middle, np.argmax), (place > 0.5, np.argmin))
    )
    heights = np.interp([left, hill, right], place, height)
    assert (left, hill, right) == pytest.approx((0.03, 0.5, 0.95), abs=0.01)
    assert heights == pytest.approx([7, 73, 16], abs=0.5)
    assert [marks[name][1] for name in "PQRS"] == pytest.approx([87, 30, 45, 77], abs=0.6)
    assert marks["P"][0] < left < marks["Q"][0] < hill < marks["R"][0] < right < marks["S"][0]


def test_random_networks_pay_more_than_equal_probabilities():
    loss = digits_loss()
    starts = np.stack([DIGITS_NETWORK.initial(seed) for seed in range(100)])
    assert loss.value(starts).mean() == pytest.approx(2.5, abs=0.01)
    assert loss.value(np.zeros(loss.size)) == pytest.approx(2.30, abs=0.005)
    assert "2.50 on average" in find_question("loss-why-above-chance").stem
    assert "are unequal" in right_option("loss-why-above-chance")


def test_the_squared_error_of_a_sure_wrong_answer_is_flat_at_the_logit():
    assert "flat sigmoid" in right_option("loss-why-cross-entropy")
    logit = math.log(0.001 / 0.999)

    def squared(z):
        return (1 / (1 + math.exp(-z)) - 1) ** 2

    flat = (squared(logit + 1e-4) - squared(logit - 1e-4)) / 2e-4
    _, steep = binary_cross_entropy(np.array([[logit]]), np.array([[1.0]]))
    assert -0.003 < flat < 0
    assert steep[0, 0] == pytest.approx(-1, abs=0.01)
    assert squared(logit) == pytest.approx(1, abs=0.01)


def test_softmax_looks_at_differences_of_logits_only(rng):
    assert right_option("loss-softmax-shift") == "Any number, the same one for each logit"
    logits, labels = rng.normal(size=(5, 4)), np.array([0, 1, 2, 3, 0])
    shifted = logits - 3.7
    assert softmax_cross_entropy(shifted, labels)[0] == pytest.approx(
        softmax_cross_entropy(logits, labels)[0]
    )
    shifted = logits.copy()
    shifted[:, 0] -= 3.7
    assert softmax_cross_entropy(shifted, labels)[0] != pytest.approx(
        softmax_cross_entropy(logits, labels)[0]
    )


def test_swapped_hidden_units_are_another_point_with_the_same_loss():
    assert right_option("loss-swapped-units") == "To another point, with the same loss"
    loss, point = digits_loss(), DIGITS_NETWORK.initial(seed=0)
    twin = point.copy()
    weights_in, biases, weights_out, _ = DIGITS_NETWORK.views(twin)
    for array in (weights_in.T, biases, weights_out):
        array[[3, 8]] = array[[8, 3]]
    assert not np.array_equal(twin, point)
    assert loss.value(twin) == pytest.approx(loss.value(point))


def test_filter_normalization_makes_equal_functions_look_equal():
    assert right_option("loss-why-filter").endswith("looks steeper or flatter.")
    loss, point = digits_loss(), DIGITS_NETWORK.initial(seed=0)
    rescaled = point.copy()
    weights_in, biases, weights_out, _ = DIGITS_NETWORK.views(rescaled)
    weights_in *= 10
    biases *= 10
    weights_out /= 10
    assert loss.value(rescaled) == pytest.approx(loss.value(point))
    fixed = np.random.default_rng(0).normal(size=loss.size)
    fixed /= np.linalg.norm(fixed)
    one, other = (loss.value(w + fixed) - loss.value(w) for w in (point, rescaled))
    assert abs(other) > 3 * abs(one)
    scaled = [w + filter_normalised_direction(DIGITS_NETWORK, w, 1) for w in (point, rescaled)]
    assert loss.value(scaled[0]) == pytest.approx(loss.value(scaled[1]))


@pytest.mark.parametrize(
    ("option", "network", "loss"),
    [
        ("The mean squared error of a linear model", MLP((2, 1)), mean_squared_error),
        (
            "The mean squared error of two linear layers, one after the other",
            MLP((2, 2, 1), "linear"),
            mean_squared_error,
        ),
        ("The mean absolute error of a linear model", MLP((2, 1)), mean_absolute_error),
        ("The cross-entropy of a softmax over linear outputs", MLP((2, 3)), softmax_cross_entropy),
        (
            "The cross-entropy of a network with a hidden tanh layer",
            MLP((2, 2, 3), "tanh"),
            softmax_cross_entropy,
        ),
    ],
)
def test_the_convex_losses_pass_every_chord_test_and_the_others_fail_some(option, network, loss):
    (chosen,) = [o for o in find_question("loss-convex-which").options if o.text == option]
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(6, 2))
    classifies = loss is softmax_cross_entropy
    targets = rng.integers(3, size=6) if classifies else rng.normal(size=(6, 1))
    objective = NetworkLoss(network, inputs, targets, loss)
    ends = rng.normal(size=(2, 3000, network.size))
    gap = objective.value(ends).mean(axis=0) - objective.value(ends.mean(axis=0))
    assert (gap.min() >= -1e-12) == chosen.correct


def test_all_curvatures_are_positive_more_rarely_than_by_tosses_of_a_coin(rng):
    assert "upward along every direction" in right_option("loss-why-saddles")
    for n in (2, 3, 4):
        matrices = rng.normal(size=(20_000, n, n))
        lowest = np.linalg.eigvalsh(matrices + matrices.swapaxes(1, 2))[:, 0]
        assert np.mean(lowest > 0) < 0.7 * 0.5**n


def test_the_minimum_with_a_penalty_lies_outside_and_nears_the_border():
    assert "the penalty has no slope yet" in right_option("loss-why-outside")

    def minimum(strength):
        return minimize_scalar(lambda x: (x - 5) ** 2 + strength * max(0, x - 2) ** 2).x

    ends = [minimum(strength) for strength in (1, 10, 100)]
    assert min(ends) > 2
    assert (np.diff(ends) < 0).all()


def test_a_resource_that_is_left_over_has_no_price():
    assert right_option("loss-multiplier-zero") == "A little more flour brings no more profit."

    def profit(flour, hours=10):
        return -linprog([-3, -2], [[1, 1], [2, 1]], [flour, hours]).fun

    assert profit(20.1) == pytest.approx(profit(20))
    assert profit(20, hours=10.1) > profit(20)


def test_the_digits_have_as_many_training_images_as_the_stem_says():
    assert f"{len(digits().train_inputs):,}" in find_question("loss-proxy").stem
