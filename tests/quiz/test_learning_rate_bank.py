import math

import numpy as np
import pytest

from course_utils.curvature import largest_eigenvalue
from course_utils.datasets import diabetes, digits
from course_utils.descent import minimize, train
from course_utils.landscapes import Landscape, bowl
from course_utils.losses import mean_squared_error, one_hot
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.drawings import find_figure
from course_utils.schedules import (
    Constant,
    CosineDecayRestarts,
    LinearWarmup,
    OneCycle,
    PiecewiseConstantDecay,
)
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "03_learning_rate"
PREDICTIONS = {
    "rate-predict-two-percent",
    "rate-predict-steepest",
    "rate-predict-sharpness",
    "rate-predict-drop",
    "rate-predict-batch-rate",
}
ASKED_AT_THE_END = {
    "rate-read-curves",
    "rate-limit-value",
    "rate-units",
    "rate-why-guide",
    "rate-read-range-test",
    "rate-cosine-value",
    "rate-why-warm-up",
    "rate-linear-scaling",
}


def limit_by_bisection(a, b, low=0.0, high=10.0):
    """The largest rate at which one step on a w² − b w does not end farther from its minimum."""
    minimum = b / (2 * a)
    for _ in range(60):
        rate = (low + high) / 2
        start = minimum + 1
        nearer = abs(start - rate * (2 * a * start - b) - minimum) <= 1
        low, high = (rate, high) if nearer else (low, rate)
    return low


def steps_along_the_flat_direction(condition_number):
    """How many steps of descent it takes until the flat direction of a bowl is at 1 %."""
    rate = SGD(1 / condition_number)
    path = minimize(bowl(condition_number), rate, [1.0, 0.0], steps=5 * condition_number)
    return np.argmax(path.points[:, 0] <= 0.01)


def rate_for_the_sum(rate, batch_size):
    """The rate that takes the same step on a sum of squared errors as on their mean."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(2, batch_size))
    slopes = 2 * (0.3 * inputs - targets) * inputs
    return rate * slopes.mean() / slopes.sum()


# Each key again, by another way than the generator's.
KEYS = {
    "rate_limit_of_a_parabola": limit_by_bisection,
    "rate_steps_along_the_flat_direction": steps_along_the_flat_direction,
    "rate_power_iteration": lambda a, b, c: max(np.linalg.eigvalsh(np.diag([a, b, c])), key=abs),
    "rate_in_a_range_test": lambda low, high, at: np.geomspace(low, high, 101)[at],
    "rate_cosine": lambda top, total, step: top * math.cos(math.pi * step / total / 2) ** 2,
    "rate_staircase": lambda start, length, factor, step: math.prod(
        [start, *(factor for _ in range(length, step + 1, length))]
    ),
    "rate_cosine_after_warm_up": lambda peak, warm_up, decay, step: (
        peak * math.cos(math.pi * (step - warm_up) / decay / 2) ** 2
    ),
    "rate_linear_rule": lambda rate, batch_size, larger: larger * (rate / batch_size),
    "rate_for_a_summed_loss": rate_for_the_sum,
}


@pytest.fixture(scope="module")
def relu_digits():
    """The loss of the digits network with relu, on all training images."""
    data = digits()
    return NetworkLoss(MLP((64, 32, 10)), data.train_inputs, data.train_targets)


@pytest.fixture(scope="module")
def few_digits(relu_digits):
    """The same on 120 images, whose matrices are too small to be spread over threads."""
    return relu_digits.batch(np.arange(120))


@pytest.fixture(scope="module")
def squared_error_digits():
    """The squared error of the digits network with tanh, on 120 training images."""
    data = digits()
    targets = one_hot(data.train_targets[:120], 10)
    network = MLP((64, 32, 10), "tanh")
    return NetworkLoss(network, data.train_inputs[:120], targets, mean_squared_error)


def sharpness(objective, params):
    return largest_eigenvalue(objective, params, steps=30)[0]


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert len(types) >= 36
    assert types.keys() >= ASKED_AT_THE_END
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    assert_key_agrees(name, KEYS[name], seeds=40)


def test_two_percent_of_the_rate_decide_between_arriving_and_diverging():
    assert right_option("rate-predict-two-percent") == "About 0.002 and about 380"
    curvature = 5.0
    parabola = Landscape(
        "parabola", lambda w: curvature * w[..., 0] ** 2 / 2, lambda w: curvature * w, ((-1, 1),)
    )
    rates = np.array([0.99, 1.01]) * 2 / curvature
    ends = np.abs(minimize(parabola, SGD(rates), [1.0], steps=300).end[:, 0])
    assert ends == pytest.approx([0.0023, 380], rel=0.02)


def test_the_steep_direction_diverges_first_and_wherever_the_run_starts():
    assert right_option("rate-predict-steepest").startswith("Along the steep one, $y$")
    start = np.array([50.0, 0.01])
    below, above = minimize(bowl(100), SGD(np.array([0.0199, 0.0201])), start, steps=300).end
    assert (np.abs(below) < np.abs(start)).all()
    assert abs(above[0]) < abs(start[0])
    assert abs(above[1]) > 10 * abs(start[1])


def test_at_the_rate_of_the_bowl_question_one_direction_creeps_and_one_changes_sides():
    assert right_option("rate-two-directions").startswith("$x$ creeps on one side, $y$ changes")
    x, y = minimize(bowl(100), SGD(0.019), [1.0, 1.0], steps=20).points.T
    assert (np.diff(np.abs([x, y])) < 0).all()
    assert (x > 0.6).all()
    assert (y[1:] * y[:-1] < 0).all()


def test_the_largest_curvature_rises_to_the_limit_and_stays_there(squared_error_digits):
    assert right_option("rate-predict-sharpness").startswith("It rises to about 2")
    start = squared_error_digits.network.initial(seed=0, scale=0.05)
    path = minimize(squared_error_digits, SGD(1.0), start, steps=900, every=150)
    first, *_, before_last, last = (sharpness(squared_error_digits, w) for w in path.points)
    assert first == pytest.approx(0.7, abs=0.05)
    assert [before_last, last] == pytest.approx([2, 2], abs=0.2)
    assert path.values[-1] < 0.3 * path.values[0]


def test_power_iteration_without_the_shift_misses_the_largest_eigenvalue():
    assert "largest in size" in right_option("rate-why-shift")
    hessian = np.diag([-5.0, 1.0, 4.0])
    loss = Landscape(
        "saddle", lambda w: ((w @ hessian) * w).sum(-1) / 2, lambda w: w @ hessian, ((-1, 1),) * 3
    )
    vector = np.ones(3)
    for _ in range(200):
        vector = hessian @ vector / np.linalg.norm(hessian @ vector)
    assert vector @ hessian @ vector == pytest.approx(-5)
    assert largest_eigenvalue(loss, np.zeros(3))[0] == pytest.approx(4)


def test_the_range_test_looks_as_its_alt_text_says():
    (ax,) = find_figure("rate_range_test")().axes
    assert ax.get_xscale() == "log"
    rates, losses = ax.lines[1].get_data()
    assert losses[rates < 0.03] == pytest.approx(2.3, abs=0.1)
    lowest = losses.argmin()
    assert 0.7 < rates[lowest] < 1.1
    assert losses[np.abs(np.log(rates / 0.8)) < 0.15] == pytest.approx(1.1, abs=0.06)
    assert losses[rates > 2.5].min() > ax.get_ylim()[1]
    falls = np.gradient(losses[:lowest], np.log(rates[:lowest]))
    assert 0.2 < rates[falls.argmin()] < 0.45
    marks = {text.get_text(): text.xy for text in ax.texts}
    assert marks["P"] == pytest.approx((0.001, 2.3), abs=0.05)
    assert marks["Q"] == pytest.approx((0.03, 2.2), abs=0.05)
    assert marks["R"] == pytest.approx((0.3, 1.5), abs=0.05)
    assert marks["S"] == pytest.approx((2, 5), abs=0.5)


def test_the_chosen_mark_of_the_range_test_trains_best():
    (ax,) = find_figure("rate_range_test")().axes
    marks = {text.get_text(): text.xy[0] for text in ax.texts}
    data = digits()
    network = MLP((64, 32, 10), "tanh")
    objective = NetworkLoss(network, data.train_inputs, data.train_targets)
    rates = SGD(np.array(list(marks.values())))
    history = train(objective, rates, network.initial(seed=1), epochs=3, batch_size=32)
    ends = dict(zip(marks, history.losses[-1], strict=True))
    assert right_option("rate-read-range-test") == f"The rate at {min(ends, key=ends.get)}"
    assert ends["R"] < 0.5
    assert ends["Q"] > 1
    assert ends["P"] > 2
    assert ends["S"] > history.losses[0][0]


def test_the_faulty_range_test_leaves_out_the_small_rates():
    assert right_option("rate-range-bug") == "Evenly spaced rates are 0.1 apart."
    names = {"np": np, "w": 0.0, "loss_and_gradient": lambda w: (0.0, 0.0)}
    exec(find_question("rate-range-bug").code, names)
    assert len(names["losses"]) == len(names["rates"]) == 101
    assert np.diff(names["rates"]) == pytest.approx(0.1, rel=1e-4)
    assert np.mean(names["rates"] > 1) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_drops_at_once_when_the_rate_does(seed):
    assert right_option("rate-predict-drop").startswith("It drops at once")
    data = diabetes()
    scores = (data.train_targets - data.train_targets.mean()) / data.train_targets.std()
    line = MLP((10, 1), "linear")
    loss = NetworkLoss(line, data.train_inputs, scores, mean_squared_error)
    steps = 30 * -(-loss.examples // 8)
    dropping = PiecewiseConstantDecay((steps - 1,), (0.05, 0.005))
    losses = train(loss, SGD(dropping), line.initial(seed), 40, batch_size=8, seed=seed).losses
    before, after = losses[10:31], losses[33:]
    assert after.max() < before.min()
    assert np.ptp(after) < 0.1 * np.ptp(before)


@pytest.mark.parametrize("top", [0.1, 3.0])
def test_only_one_line_is_the_linear_decay(top):
    t = np.arange(0, 30)
    expected = np.maximum(top * (1 - t / 20), 0)
    for option in find_question("rate-linear-line").options:
        rates = [eval(option.text.strip("`"), {"t": step, "T": 20, "top": top}) for step in t]
        assert np.allclose(rates, expected) == option.correct, option.text


def test_restarts_jump_up_and_one_cycle_ends_below_its_start():
    assert right_option("rate-restarts").startswith("The rate jumps up again")
    rates = CosineDecayRestarts(0.1, first_decay_steps=10)(np.arange(31))
    assert [9 + np.argmax(np.diff(rates[9:12])), *rates[[10, 30]]] == pytest.approx([9, 0.1, 0.1])
    assert right_option("rate-one-cycle") == "Up to a peak, then down to far below its start"
    first, *_, last = OneCycle(1.0, total_steps=100)(np.arange(101))
    assert last < 0.01 * first < 0.01


def test_a_warm_up_saves_a_run_that_would_diverge(squared_error_digits):
    assert right_option("rate-why-warm-up").endswith("where the loss curves less by then.")
    start = squared_error_digits.network.initial(seed=0)
    warm = SGD(LinearWarmup(Constant(1.0), warmup_steps=200))
    path = minimize(squared_error_digits, warm, start, steps=500, every=100)
    assert 2 / sharpness(squared_error_digits, start) < 0.5
    assert 2 / sharpness(squared_error_digits, path.points[3]) == pytest.approx(1, rel=0.15)
    assert path.values[-1] < 0.9 * path.values[2] < path.values[0]
    constant = minimize(squared_error_digits, SGD(1.0), start, steps=500, every=500)
    assert not constant.values[-1] < 1e3


def test_no_warm_up_saves_a_rate_above_the_limit_of_a_parabola():
    (claim,) = [o for o in find_question("rate-warm-up-true").options if "any peak" in o.text]
    slow = SGD(LinearWarmup(Constant(0.021), warmup_steps=100))
    end = minimize(bowl(100), slow, [1.0, 1.0], steps=3000, every=3000).end
    assert claim.correct == bool(np.abs(end).max() < 1)


def test_a_warm_up_that_is_not_needed_costs_a_little(relu_digits, few_digits):
    assert right_option("rate-warm-up-why-slower").startswith("It shortens steps that were safe")
    start = relu_digits.network.initial(seed=0)
    steps = -(-relu_digits.examples // 32)
    plain, warm = (
        train(relu_digits, SGD(rate), start, epochs=10, batch_size=32).losses[-1]
        for rate in (0.1, LinearWarmup(Constant(0.1), steps))
    )
    assert plain < warm < 1.1 * plain
    assert 2 / sharpness(few_digits, start) > 0.5


def test_four_times_the_batch_asks_for_four_times_the_rate(relu_digits):
    assert right_option("rate-predict-batch-rate").startswith("0.2, four times")
    start = relu_digits.network.initial(seed=0)
    aim = train(relu_digits, SGD(0.05), start, epochs=10, batch_size=8).losses[-1]
    rates = np.array([0.0125, 0.05, 0.1, 0.2])
    ends = train(relu_digits, SGD(rates), start, epochs=10, batch_size=32).losses[-1]
    assert ends[3] == pytest.approx(aim, rel=0.2)
    assert (ends[:3] > 1.3 * aim).all()


def test_the_linear_rule_holds_to_32_and_fails_at_512(relu_digits, few_digits):
    assert right_option("rate-batch-why-ends").endswith("no rate as large as 3.2.")
    start = relu_digits.network.initial(seed=0)
    base, scaled, failed = (
        train(relu_digits, SGD(0.05 * factor), start, epochs=10, batch_size=8 * factor).losses[-1]
        for factor in (1, 4, 64)
    )
    assert scaled < 1.3 * base < 0.2
    assert failed > 0.9 * relu_digits.value(start)
    assert 0.4 < 2 / sharpness(few_digits, start) < 3.2
    full = minimize(relu_digits, SGD(3.2), start, steps=30, every=30).values[-1]
    assert full > 0.9 * relu_digits.value(start)


@pytest.mark.parametrize(
    ("option", "rate", "batch_size"),
    [
        ("Divide the rate by 4.", 1 / 4, 1),
        ("Make the batch 4 times larger.", 1, 4),
        ("Make the batch 16 times larger.", 1, 16),
        ("Divide the rate by 2 and make the batch 2 times larger.", 1 / 2, 2),
        ("Make the rate and the batch 4 times larger.", 4, 4),
    ],
)
def test_the_level_of_the_noise_follows_rate_over_batch_size(option, rate, batch_size):
    def level(rate, batch_size):
        """Half the stationary variance of w − rate · (w + noise), noise of variance 1 / size."""
        return 0.5 * rate**2 / batch_size / (1 - (1 - rate) ** 2)

    (chosen,) = [o for o in find_question("rate-batch-noise").options if o.text == option]
    share = level(1e-3 * rate, batch_size) / level(1e-3, 1)
    assert chosen.correct == (share == pytest.approx(0.25, rel=0.01))


def test_the_defaults_and_what_a_first_step_with_them_does():
    assert right_option("rate-default-sgd") == f"{SGD().learning_rate}"
    stem = find_question("rate-why-adam").stem
    assert f"SGD is {SGD().learning_rate} and that of Adam is {Adam().learning_rate}" in stem
    gradient, params = np.array([1e-3]), np.zeros(1)
    sgd, adam = (
        abs(optimizer.update(gradient, optimizer.init(params), params)[0][0])
        for optimizer in (SGD(), Adam())
    )
    assert adam == pytest.approx(Adam().learning_rate, rel=0.01)
    assert sgd < 0.1 * adam


def test_inputs_ten_times_larger_lower_the_limit_a_hundredfold(rng):
    assert right_option("rate-units") == "It is a hundredth of what it was."
    inputs = rng.normal(size=(50, 3))

    def limit(inputs):
        def gradient(w):
            return 2 * inputs.T @ (inputs @ w) / len(inputs)

        loss = Landscape("mean squared error", None, gradient, ((-1, 1),) * 3)
        return 2 / largest_eigenvalue(loss, np.zeros(3))[0]

    assert limit(10 * inputs) == pytest.approx(limit(inputs) / 100, rel=1e-6)


def test_the_four_runs_look_as_their_alt_text_says():
    (ax,) = find_figure("rate_four_runs")().axes
    assert (ax.get_xlabel(), ax.get_yscale()) == ("epoch", "log")
    runs = {line.get_label()[-1]: line.get_ydata() for line in ax.lines}
    assert [values[0] for values in runs.values()] == pytest.approx([5.85] * 4, abs=0.01)
    assert {len(values) for values in runs.values()} == {26}
    assert runs["A"][2:] == pytest.approx(0.21, abs=0.015)
    assert runs["B"][1:].min() > ax.get_ylim()[1]
    assert (np.diff(runs["C"]) < 0).all()
    assert runs["C"][-1] == pytest.approx(1.1, abs=0.05)
    assert runs["D"][1] == pytest.approx(0.6, abs=0.06)
    assert 0.25 < runs["D"][1:].min() < 0.35 < 1.5 < runs["D"][1:].max() < 2.5
    assert right_option("rate-read-curves") == "C, A, D, B"
