import math
from collections import Counter

import numpy as np
import pytest

from course_utils.curvature import largest_eigenvalue
from course_utils.datasets import digits, rare_events
from course_utils.descent import minibatches, minimize, train
from course_utils.gradients import clip_by_global_norm
from course_utils.landscapes import Landscape, rastrigin
from course_utils.losses import binary_cross_entropy, mean_squared_error, softmax_cross_entropy
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop
from course_utils.quiz.bank import find_bank, find_question, load_banks
from course_utils.quiz.drawings import find_figure
from course_utils.schedules import CosineDecay
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "07_capstone"
LESSONS = [
    "01_loss_minimization",
    "02_gradient_descent",
    "03_learning_rate",
    "04_momentum",
    "05_rmsprop_and_adam",
    "06_generalization",
]
PREDICTIONS = {
    "cap-predict-accuracy",
    "cap-predict-best-of-many",
    "cap-predict-random-grid",
    "cap-predict-cost",
}


def feedback_on_key(question_id):
    (feedback,) = [o.feedback for o in find_question(question_id).options if o.correct]
    return feedback


def moves(optimizer, gradients):
    """How far an optimizer moves a weight at each of these gradients."""
    points = [np.zeros(1)]
    state = optimizer.init(points[0])
    for gradient in gradients:
        point, state = optimizer.update(np.array([float(gradient)]), state, points[-1])
        points.append(point)
    return np.diff(points, axis=0)[:, 0]


def parabola(curvature):
    return Landscape(
        "parabola",
        lambda w: curvature * w[..., 0] ** 2 / 2,
        lambda w: curvature * w,
        ((-1.0, 1.0),),
    )


# Each key again, by another way than the generator's.


def mean_cross_entropy(most, sure, missed):
    return math.log(sure**-most / missed) / (most + 1)


def limit_from_factor(rate, factor):
    """The rate at which the distance neither grows nor shrinks, found by trying rates."""
    landscape = parabola((1 - factor) / rate)
    rates = np.linspace(0, 5 * rate, 200_001)[1:]
    ends = minimize(landscape, SGD(rates), np.ones((len(rates), 1)), steps=1).end[:, 0]
    return rates[np.abs(ends) <= 1].max()


def shifted_power(first, shift, second):
    """From a Hessian with these two extreme eigenvalues."""
    eigenvalues = np.array([first, 0.5, second - shift])
    hessian = Landscape("quadratic", lambda w: 0.0, lambda w: eigenvalues * w, ((-1.0, 1.0),) * 3)
    largest, _ = largest_eigenvalue(hessian, np.zeros(3), steps=500)
    return 2 / largest


def best_pair_rate(smallest, largest):
    """The rate of the pair whose slowest direction is fastest, by a search over pairs."""
    rates, betas = np.meshgrid(np.geomspace(1 / largest, 4 / largest, 800), np.linspace(0, 1, 801))
    worst = np.zeros_like(rates)
    for curvature in (smallest, largest):
        trace = 1 + betas - rates * curvature
        root = np.sqrt(trace.astype(complex) ** 2 - 4 * betas)
        worst = np.maximum(worst, np.maximum(abs(trace + root), abs(trace - root)) / 2)
    return rates.flat[worst.argmin()]


def second_step(rate, first, second):
    mean = (0.09 * first + 0.1 * second) / 0.19
    square = (0.000999 * first**2 + 0.001 * second**2) / 0.001999
    return -rate * mean / math.sqrt(square)


def decay_for_the_same_shrink(rate, decay, new_rate):
    """Compared with AdamW itself, where no gradient but the decay acts."""

    def shrink(rate, decay):
        adamw = AdamW(rate, weight_decay=decay)
        return adamw.update(np.zeros(1), adamw.init(np.ones(1)), np.ones(1))[0][0]

    wanted = decay * rate / new_rate
    assert shrink(new_rate, wanted) == pytest.approx(shrink(rate, decay), abs=1e-12)
    return wanted


def resting_place(decay, gradient):
    """Where no step of AdamW at the rate of the question moves the weight any more."""
    adamw, rest = AdamW(0.001, weight_decay=decay), np.array([1 / decay])
    state = adamw.init(rest)
    for _ in range(50):
        point, state = adamw.update(np.array([float(gradient)]), state, rest)
        assert point == pytest.approx(rest, rel=1e-9)
    return rest[0]


def dropout_noise(rate, activation):
    """From the masks that the networks of the course draw."""
    masks = MLP((1, 1000, 1)).masks(rate, 400, np.random.default_rng(0))
    return np.std(activation * masks[0])


def interval_images(accuracy, half_width):
    images = np.arange(10, 40_000)
    p = accuracy / 100
    return images[196 * np.sqrt(p * (1 - p) / images) <= half_width][0]


def chance_of_good(share, runs):
    """The binomial probabilities of one, two, ... good settings."""
    p = share / 100
    return 100 * sum(
        math.comb(runs, good) * p**good * (1 - p) ** (runs - good) for good in range(1, runs + 1)
    )


KEYS = {
    "final_wider_layer": lambda inputs, more, outputs: more * (inputs + 1 + outputs),
    "final_mean_cross_entropy": mean_cross_entropy,
    "final_logit_in_batch": lambda batch_size, true, false: false / batch_size,
    "final_steps_kept": lambda epochs, batch_size, examples, larger: epochs * larger / batch_size,
    "final_limit_from_factor": limit_from_factor,
    "final_shifted_power": shifted_power,
    "final_warm_up_cost": lambda steps, warm_up: 50 * (warm_up + 1) / steps,
    "final_total_way": lambda rate, beta, gradient, steps: steps * rate * gradient / (1 - beta),
    "final_best_pair_rate": best_pair_rate,
    "final_adagrad_way": lambda gradient, rate, steps: (
        rate * sum(t**-0.5 for t in range(1, steps + 1))
    ),
    "final_second_step": second_step,
    "final_epsilon_share": lambda gradient, epsilon: gradient / (gradient + epsilon),
    "final_same_shrink": decay_for_the_same_shrink,
    "final_l2_strength": lambda target, shrunk: target / shrunk - 1,
    "final_decay_balance": resting_place,
    "final_dropout_noise": dropout_noise,
    "cap_beats_the_mean": lambda deviation, error: 100 - 100 * error / deviation**2,
    "cap_log_uniform": lambda low, high, **of: (
        100 * (math.log10(of["to"]) - math.log10(of["from"])) / (math.log10(high) - math.log10(low))
    ),
    "cap_chance_of_good": chance_of_good,
    "cap_images_needed": interval_images,
    "cap_cost_of_rule": lambda payments, missed, alarms, price: (
        (price * missed + alarms) / (payments / 1000)
    ),
}
# The search over rates, and those that count or draw, are exact to a few parts in a thousand.
ROUGH = {
    "final_limit_from_factor",
    "final_best_pair_rate",
    "final_dropout_noise",
    "cap_images_needed",
}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    if name in ROUGH:
        assert_key_agrees(name, KEYS[name], seeds=8, rel=5e-3)
    else:
        assert_key_agrees(name, KEYS[name], seeds=40)


# What the bank holds.


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_the_bank_assesses_the_lessons_before_it():
    assert list(find_bank(LESSON).assesses) == LESSONS


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_objective_of_the_course_has_a_final_question(lesson):
    asked = {question.objective for question in find_bank(LESSON).questions}
    for objective in find_bank(lesson).objectives:
        assert objective.id in asked, objective.id


def test_the_final_questions_are_told_by_their_ids_and_stand_in_the_order_of_the_lessons():
    bank = find_bank(LESSON)
    places = [objective.id for theirs in bank.assesses.values() for objective in theirs]
    finals = [q for q in bank.questions if q.id.startswith("final-")]
    assert [q for q in bank.questions if q.objective in places] == finals
    order = [places.index(question.objective) for question in finals]
    assert order == sorted(order)


def test_no_question_of_the_bank_is_asked_elsewhere():
    stems = Counter(
        " ".join(question.stem.split()).lower()
        for bank in load_banks().values()
        for question in bank.questions
    )
    for question in find_bank(LESSON).questions:
        assert stems[" ".join(question.stem.split()).lower()] == 1, question.id


def test_most_final_questions_ask_to_apply_or_to_analyze():
    finals = [q for q in find_bank(LESSON).questions if q.id.startswith("final-")]
    assert sum(q.level in ("apply", "analyze") for q in finals) / len(finals) > 0.8


# The predictions.


@pytest.fixture(scope="module")
def payments():
    """The probabilities of fraud that a network gives the test payments, and which are frauds."""
    data, network = rare_events(), MLP((10, 16, 2))
    objective = NetworkLoss(network, data.train_inputs, data.train_targets)
    params = train(objective, Adam(0.01), network.initial(seed=0), 10, batch_size=64).params
    logits = network.predict(params, data.test_inputs)
    return 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), data.test_targets == 1


def mistakes(payments, threshold):
    """The missed frauds and the false alarms."""
    probabilities, fraud = payments
    alarm = probabilities >= threshold
    return np.sum(fraud & ~alarm), np.sum(~fraud & alarm)


def test_a_network_that_finds_most_frauds_has_a_lower_accuracy_than_a_rule_that_finds_none(
    payments,
):
    assert right_option("cap-predict-accuracy") == "About 0.6 points lower"
    stem = find_question("cap-predict-accuracy").stem
    assert stem.startswith("Of 2,500 payments 50 are frauds.")
    assert "finds 41 of the 50 frauds, and it raises 55 false alarms" in stem
    _, fraud = payments
    assert (len(fraud), fraud.sum()) == (2500, 50)
    missed, alarms = mistakes(payments, 0.05)
    assert 50 - missed == pytest.approx(41, abs=1)
    assert alarms == pytest.approx(55, abs=3)
    lower = 100 * (9 + 55 - 50) / 2500
    assert lower == pytest.approx(0.6, abs=0.05)


def test_an_alarm_at_two_percent_is_cheaper_than_at_the_other_thresholds(payments):
    assert right_option("cap-predict-cost") == "From 0.02"
    costs = {}
    for threshold in (0.02, 0.2, 0.5, 0.98):
        missed, alarms = mistakes(payments, threshold)
        costs[threshold] = 50 * missed + alarms
    assert 2 * costs[0.02] < min(costs[0.2], costs[0.5], costs[0.98])
    # Where probabilities are right on average: an alarm pays where it costs less than silence.
    p = np.linspace(0, 1, 100_001)
    assert p[50 * p >= 1 - p][0] == pytest.approx(1 / 51, abs=1e-4)


def test_the_best_of_50_loses_about_2_points_on_images_that_chose_nothing():
    """As the notebook computes it."""
    assert right_option("cap-predict-best-of-many") == "About 2 points lower"
    data, network = digits(), MLP((64, 32, 10))
    training = NetworkLoss(network, data.train_inputs[:300], data.train_targets[:300])
    rates = 10 ** np.random.default_rng(0).uniform(-2, 0, 50)
    start = np.stack([network.initial(seed) for seed in range(50)])
    params = train(training, SGD(rates), start, epochs=20, batch_size=32).params
    answers = network.predict(params, data.train_inputs[300:]).argmax(axis=-1)
    right = answers == data.train_targets[300:]
    rng = np.random.default_rng(1)
    chosen, fresh = [], []
    for _ in range(1000):
        order = rng.permutation(right.shape[1])
        scores = right[:, order[:150]].mean(axis=1)
        chosen.append(100 * scores.max())
        fresh.append(100 * right[scores.argmax(), order[150:]].mean())
    assert "is 95.4 % on average" in find_question("cap-predict-best-of-many").stem
    assert np.mean(chosen) == pytest.approx(95.4, abs=0.08)
    assert np.mean(chosen) - np.mean(fresh) == pytest.approx(2, abs=0.3)


def test_a_grid_of_nine_runs_tries_three_rates_and_random_search_nine(rng):
    assert right_option("cap-predict-random-grid") == "3 and 9"
    grid = [(rate, dropout) for rate in (0.01, 0.1, 1) for dropout in (0, 0.2, 0.5)]
    assert (len(grid), len({rate for rate, _ in grid})) == (9, 3)
    assert len(set(10 ** rng.uniform(-2, 0, 9))) == 9


# The claims of the other questions.


def test_the_marked_thresholds_have_the_mistakes_that_the_question_counts(payments):
    marked = {"A": 0.005, "B": 0.02, "C": 0.1, "D": 0.5}
    seen = {name: mistakes(payments, threshold) for name, threshold in marked.items()}
    costs = {name: 5 * missed + alarms for name, (missed, alarms) in seen.items()}
    assert right_option("cap-read-thresholds") == "The threshold C"
    assert min(costs, key=costs.get) == "C"
    (ax,) = find_figure("cap_thresholds")().axes
    alt = find_question("cap-read-thresholds").alt
    for text, (name, (missed, alarms)) in zip(ax.texts, seen.items(), strict=True):
        assert text.get_text() == f"{name}: {missed} missed\n{alarms} alarms"
        assert f"{missed} missed, {alarms} alarms" in alt
    for option in find_question("cap-read-thresholds").options:
        missed, alarms = seen[option.text[-1]]
        assert rf"$5\cdot {missed}+{alarms}" in option.feedback


def test_the_broken_runs_look_as_the_alt_text_says():
    assert right_option("cap-read-broken") == "R, as only training gets better"
    runs = {}
    for ax in find_figure("cap_broken_runs")().axes:
        runs[ax.get_title("left")[-1]] = [np.asarray(line.get_ydata()) for line in ax.lines]
    assert max(np.max(line) for line in runs["P"]) < 20
    assert [line[-1] for line in runs["Q"]] == pytest.approx([55, 51], abs=2.5)
    training, validation = runs["R"]
    assert training[-1] == pytest.approx(65, abs=2.5)
    assert (validation.min(), validation.max()) == pytest.approx((8, 18), abs=1.5)
    assert [line[-1] for line in runs["S"]] == pytest.approx([100, 95], abs=1)


def test_starts_around_a_minimum_measure_how_far_its_basin_reaches(rng):
    assert right_option("final-around-a-minimum") == "How far its basin reaches"
    landscape = rastrigin()
    found = np.array(landscape.minima[0])
    directions = rng.normal(size=(200, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def share_that_leads_back(distance):
        ends = minimize(landscape, SGD(0.002), found + distance * directions, steps=500).end
        return np.mean(np.linalg.norm(ends - found, axis=1) < 0.01)

    assert share_that_leads_back(0.1) == 1
    assert share_that_leads_back(2) < 0.2


def test_a_cut_of_the_rate_takes_away_what_the_noise_adds_in_proportion(rng):
    key = right_option("final-why-no-more")
    assert key == "The noise was nearly gone, and 0.20 is about the lowest loss near there."
    rates = np.repeat([0.1, 0.01, 0.001], 2000)
    sgd, points = SGD(rates), np.zeros((len(rates), 1))
    state = sgd.init(points)
    for _ in range(4000):
        points, state = sgd.update(points + rng.normal(size=points.shape), state, points)
    added = (points[:, 0] ** 2).reshape(3, -1).mean(axis=1)
    assert added[:-1] / added[1:] == pytest.approx([10, 10], rel=0.12)
    stem = find_question("final-why-no-more").stem
    assert "loss of 0.30. A tenth of the rate brings it to 0.21, a hundredth to 0.20" in stem
    assert "0.10, then 0.01, then 0.001" in feedback_on_key("final-why-no-more")
    losses = 0.2 + np.array([0.10, 0.01, 0.001])
    assert losses == pytest.approx([0.30, 0.21, 0.20], abs=0.005)


def test_too_large_a_rate_raises_the_loss_of_the_batches_and_too_small_a_one_moves_nothing():
    question = find_question("final-unsuited-default")
    large, small = [option.text for option in question.options if option.correct]
    assert large == "Nearly each batch has a higher loss after its step than before it."
    assert "less than a ten-thousandth of their size" in small
    data = digits()

    def first_epoch(network, rate, pixels, targets, loss):
        """The share of the steps that raise the loss of their batch, and how far all lead."""
        start = params = network.initial(seed=0)
        raised = []
        for batch in minibatches(len(pixels), 32, np.random.default_rng(0)):
            objective = NetworkLoss(network, pixels[batch], targets[batch], loss)
            before = objective.value(params)
            params = params - rate * objective.gradient(params)
            raised.append(objective.value(params) > before)
        return np.mean(raised), np.linalg.norm(params - start) / np.linalg.norm(start)

    # The default rate of SGD, on pixels from 0 to 16 as they were scanned.
    scanned, numbers = 16 * data.train_inputs, data.train_targets[:, None]
    assert first_epoch(MLP((64, 1)), 0.01, scanned, numbers, mean_squared_error)[0] > 0.95
    network = MLP((64, 32, 10))
    rest = data.train_inputs, data.train_targets, softmax_cross_entropy
    assert first_epoch(network, 1e-6, *rest)[1] < 1e-4
    raised, moved = first_epoch(network, 0.1, *rest)
    assert raised < 0.05
    assert moved > 0.1


def test_two_flat_losses_differ_in_how_far_the_weights_went():
    assert right_option("final-two-flat-curves").startswith("The weights: those at the small rate")
    data, network = digits(), MLP((64, 32, 10))
    training = NetworkLoss(network, data.train_inputs, data.train_targets)
    start = network.initial(seed=0)
    for rate, moved in ((1e-6, 0.001), (3.0, 20)):
        history = train(training, SGD(rate), start, epochs=20, batch_size=32)
        assert 2.29 < min(history.losses) < max(history.losses[1:]) < 2.8
        distance = np.linalg.norm(history.params - start)
        assert moved / 2 < distance < moved * 2
    hidden = network.forward(history.params, data.train_inputs)[1]
    assert not hidden.any()


def test_a_push_at_a_saddle_ends_below_its_loss():
    assert right_option("final-push-at-saddle").startswith("It falls below the old value")
    curvatures = np.array([15.0, -0.3])
    saddle = Landscape(
        "saddle", lambda w: w**2 @ curvatures / 2, lambda w: curvatures * w, ((-1.0, 1.0),) * 2
    )
    path = minimize(saddle, SGD(0.05), [1e-3, 1e-3], steps=400)
    falls = -np.diff(path.values)[50:]
    assert path.values[-1] < 0
    assert falls[-1] > 10 * falls[0] > 0


def test_waves_die_out_five_times_as_fast_with_a_momentum_of_95_percent():
    assert right_option("final-long-waves") == "Take a momentum of 0.95"

    def steps_to_rest(rate, beta):
        path = minimize(parabola(1.0), SGD(rate, momentum=beta), [1.0], steps=3000)
        return np.flatnonzero(np.abs(path.points[:, 0]) > 0.01)[-1]

    usual = steps_to_rest(0.05, 0.99)
    assert steps_to_rest(0.025, 0.99) == pytest.approx(usual, rel=0.1)
    assert steps_to_rest(0.05, 0.999) > 2 * usual
    assert usual / steps_to_rest(0.05, 0.95) == pytest.approx(5, rel=0.15)


def test_ten_times_the_memory_makes_steps_of_keras_ten_times_as_long_and_leaves_an_average():
    assert right_option("final-raise-beta").startswith("Ten times as long in Keras")
    short, long = (-moves(SGD(1.0, momentum=beta), [1] * 3000)[-1] for beta in (0.9, 0.99))
    assert long / short == pytest.approx(10, rel=1e-3)
    averages = [(1 - beta) * step for beta, step in ((0.9, short), (0.99, long))]
    assert averages == pytest.approx([1, 1])


def test_heavy_ball_and_look_ahead_walk_alike_on_an_even_slope():
    assert right_option("final-even-slope").startswith("They do not differ")
    velocity = ahead = 0.0
    at = {"heavy ball": 0.0, "nesterov": 0.0}

    def slope(w):
        return 3.0

    for _ in range(20):
        velocity = 0.9 * velocity - 0.1 * slope(at["heavy ball"])
        at["heavy ball"] += velocity
        ahead = 0.9 * ahead - 0.1 * slope(at["nesterov"] + 0.9 * ahead)
        at["nesterov"] += ahead
        assert at["heavy ball"] == at["nesterov"]


def test_sigmoids_say_several_tags_at_once_and_a_softmax_shares_out_one():
    assert right_option("cap-decide-tags") == "20 sigmoid outputs and the binary cross-entropy"
    fitting = np.zeros((2, 20))
    fitting[0, [3, 7]] = 1  # two tags fit the first photo, none fits the second
    logits, shared = np.zeros((2, 20)), np.zeros((2, 20))
    for _ in range(500):
        logits -= 20 * binary_cross_entropy(logits, fitting)[1]
        # Both rows of `shared` are the first photo, once for each of its tags.
        shared -= softmax_cross_entropy(shared, np.array([3, 7]))[1].sum(axis=0)
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(fitting, abs=0.01)
    shares = np.exp(shared[0]) / np.exp(shared[0]).sum()
    assert shares[[3, 7]] == pytest.approx([0.5, 0.5], abs=0.02)


def test_trials_at_random_hit_two_good_thirds_in_one_case_of_nine(rng):
    key = right_option("final-why-search-settings")
    assert key == "With two numbers some of the trials are good, with 2,410 hardly any."
    feedback = feedback_on_key("final-why-search-settings")
    assert "one trial in nine hits both" in feedback
    assert "one trial in $3^{2410}$, a number with 1,150 digits" in feedback
    hits = (rng.random((100_000, 2)) < 1 / 3).all(axis=1)
    assert np.mean(hits) == pytest.approx(1 / 9, abs=0.005)
    assert MLP((64, 32, 10)).size == 2410
    assert len(str(3**2410)) == 1150


def test_a_plateau_takes_adam_50_steps_and_momentum_50_000():
    assert right_option("final-why-plateau").startswith("Adam divides by the size")

    def steps_to_cross(optimizer, most):
        way = -np.cumsum(moves(optimizer, [1e-4] * most))
        return np.flatnonzero(way >= 5)[0] + 1

    assert steps_to_cross(Adam(0.1), 60) == pytest.approx(50, abs=2)
    assert -moves(SGD(0.1, momentum=0.9), [1e-4] * 300)[-1] * 50_000 == pytest.approx(5, rel=1e-3)


def test_a_new_velocity_is_full_again_after_some_tens_of_steps():
    assert right_option("final-restart").startswith("The first steps are shorter")
    steps = -moves(SGD(0.01, momentum=0.9), [1] * 100) / 0.1
    assert steps[0] == pytest.approx(0.1)
    assert steps[19] == pytest.approx(0.88, abs=0.005)


def test_rmsprop_steps_three_rates_at_each_rare_word_and_adagrad_ever_less():
    assert right_option("final-rare-row").startswith("About 3 times the rate, each time")
    gradients = np.zeros(4001)
    gradients[::1000] = 1
    steps = -moves(RMSprop(1.0, rho=0.9), gradients)[1000::1000]
    assert steps == pytest.approx(3.16, abs=0.01)
    adagrad = -moves(Adagrad(1.0), gradients)[1000::1000]
    assert (np.diff(adagrad) < 0).all()


def test_the_limit_of_1_cuts_the_rare_gradient_only():
    assert right_option("final-choose-limit").startswith("1, above the usual norms")
    for norm, clipped in ((0.3, 0.3), (0.8, 0.8), (50.0, 1.0)):
        (gradient,) = clip_by_global_norm([np.array([norm, 0.0])], 1.0)
        assert np.linalg.norm(gradient) == pytest.approx(clipped)


def test_the_rules_with_one_number_a_weight_are_those_that_the_question_takes_as_right():
    def numbers(optimizer):
        """How many arrays of its state have changed and matter for the next step."""
        gradients, params = np.array([0.3, -0.2, 0.5]), np.zeros(3)
        _, state = optimizer.update(10 * gradients, optimizer.init(params), params)
        arrays = [
            name for name, part in state._asdict().items() if np.size(part) == 3 and np.any(part)
        ]
        step, _ = optimizer.update(gradients, state, params)
        others = (state._replace(**{name: getattr(state, name) + 1e3}) for name in arrays)
        return sum((optimizer.update(gradients, o, params)[0] != step).any() for o in others)

    right = {o.text for o in find_question("final-one-number").options if o.correct}
    rules = {
        "Heavy-ball momentum": SGD(momentum=0.9),
        "Lion": Lion(),
        "AMSGrad": Adam(amsgrad=True),
        "RMSprop without momentum": RMSprop(),
        "Nadam": Nadam(),
    }
    assert {name for name, rule in rules.items() if numbers(rule) == 1} == right


def test_a_rebound_name_leaves_the_weights_as_they_were():
    assert right_option("final-why-rebinding").startswith("The name `w` gets a new array")
    names = {"weights": [np.ones(2)], "gradients": [np.ones(2)], "rate": 0.1}
    exec(find_question("final-why-rebinding").code, names)
    assert (names["weights"][0] == 1).all()


def test_a_schedule_of_20_steps_is_over_within_the_first_epoch():
    assert right_option("final-why-loss-stands").startswith("The schedule counts steps")
    assert CosineDecay(0.1, 20)(np.array([19, 20, 43]))[1:] == pytest.approx(0)
    assert math.ceil(1347 / 32) == 43


def test_a_decay_over_100_epochs_is_not_over_after_31_of_them():
    assert right_option("final-stop-before-decay").startswith("The low rates at its end")
    question = find_question("final-stop-before-decay")
    assert question.stem.startswith("This run on 1,347 images ends after 31 epochs.")
    assert "batch_size=32, epochs=100, validation_split=0.2" in question.code
    images = math.floor(1347 * (1 - 0.2))  # as Keras splits
    steps = math.ceil(images / 32)
    assert f"decay_steps=100 * {steps})" in question.code
    rates = CosineDecay(0.3, 100 * steps)(steps * np.array([31, 100]))
    assert rates == pytest.approx([0.234, 0], abs=0.001)


def test_one_typing_error_squeezes_a_column():
    assert "makes the deviation huge" in right_option("final-why-squeezed")
    column = np.append(np.linspace(0, 10, 1000), 1e6)
    standardized = (column - column.mean()) / column.std()
    assert column.std() == pytest.approx(31_600, rel=1e-3)
    assert np.ptp(standardized[:-1]) < 0.001
    assert standardized[-1] == pytest.approx(31.6, rel=1e-3)


def test_standardized_inputs_make_the_ravine_of_a_linear_model_round(rng):
    assert right_option("final-why-standardise").startswith("The curvature along a weight grows")
    inputs = np.stack([rng.normal(40, 15, 500), rng.normal(40_000, 15_000, 500)], axis=1)
    standardized = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    before, after = (np.linalg.cond(x.T @ x) for x in (inputs, standardized))
    assert before > 1e6
    assert after < 1.5


def test_luck_alone_gives_one_of_two_networks_a_lead_of_4_images_in_one_case_of_8_or_more():
    assert "within the luck of the draw" in right_option("cap-why-no-winner")
    assert "network A reads 432 and network B 436" in find_question("cap-why-no-winner").stem

    def chance_of_such_a_lead(images):
        """The exact two-sided sign test, for this many images that one of the two reads."""
        most = (images + 4) // 2
        return 2 * sum(math.comb(images, k) for k in range(most, images + 1)) / 2**images

    chances = [chance_of_such_a_lead(images) for images in range(4, 31, 2)]
    assert chances[0] == 1 / 8
    assert "luck alone gives one of the two such a lead in one case of eight" in feedback_on_key(
        "cap-why-no-winner"
    )
    assert (np.diff(chances) > 0).all()


def test_a_fraud_that_counts_49_times_shifts_an_output_of_one_half_to_a_share_of_2_percent():
    assert right_option("cap-why-weights").startswith("The loss counts each fraud 49 times")
    shares = np.linspace(0.001, 0.999, 999)
    outputs = 49 * shares / (49 * shares + 1 - shares)  # where the weighted loss is lowest
    assert shares[np.abs(outputs - 0.5).argmin()] == pytest.approx(0.02, abs=1e-3)
