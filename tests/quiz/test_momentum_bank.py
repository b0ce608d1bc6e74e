import math

import numpy as np
import pytest

from course_utils.datasets import digits
from course_utils.descent import minimize, train
from course_utils.landscapes import Landscape, bowl, double_well, saddle
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.drawings import find_figure
from course_utils.schedules import Constant, CosineDecay, LinearWarmup
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "04_momentum"
PREDICTIONS = {
    "mom-predict-ravine",
    "mom-predict-memory",
    "mom-predict-ball",
    "mom-predict-conventions",
    "mom-predict-saddle",
}
ASKED_AT_THE_END = {
    "mom-velocity-value",
    "mom-why-zigzag",
    "mom-nesterov-where",
    "mom-best-pair",
    "mom-regime-map",
    "mom-torch-to-keras",
    "mom-after-rate-drop",
    "mom-read-path",
}


def parabola(curvature=1.0):
    return Landscape(
        "parabola",
        lambda w: curvature * w[..., 0] ** 2 / 2,
        lambda w: curvature * w,
        ((-1.0, 1.0),),
    )


def slope(gradient=1.0):
    return Landscape(
        "slope", lambda w: gradient * w[..., 0], lambda w: gradient + 0 * w, ((-1.0, 1.0),)
    )


def best_pair(smallest, largest):
    root_sum = math.sqrt(smallest) + math.sqrt(largest)
    return (2 / root_sum) ** 2, ((math.sqrt(largest) - math.sqrt(smallest)) / root_sum) ** 2


def turns(path):
    """Where a path of one weight turns round."""
    moves = np.diff(path)
    return path[1:-1][moves[1:] * moves[:-1] < 0]


def pytorch_walk(rates, gradients, beta, start=0.0):
    """The weights that PyTorch's momentum passes, with gradients given as functions of w."""
    w, buffer, walk = start, 0.0, [start]
    for rate, gradient in zip(rates, gradients, strict=True):
        buffer = beta * buffer + gradient(w)
        w = w - rate * buffer
        walk.append(w)
    return np.array(walk)


def keras_walk(rates, gradients, beta, start=0.0, correction=lambda step: 1.0):
    """The same for Keras's momentum; a correction multiplies the velocity before a step."""
    params, optimizer = np.array([start]), SGD(lambda step: rates[step], momentum=beta)
    state, walk = optimizer.init(params), [start]
    for step, gradient in enumerate(gradients):
        state = state._replace(velocity=state.velocity * correction(step))
        params, state = optimizer.update(gradient(params), state, params)
        walk.append(params[0])
    return np.array(walk)


def look_ahead_step(a, w, v, rate, beta):
    """One step of Nesterov's momentum as Sutskever et al. write it."""
    return w + beta * v - rate * a * (w + beta * v)


def best_momentum_by_bisection(smallest, largest):
    """The β whose swinging range, (1 − √β)² to (1 + √β)², just spans the two curvatures."""
    low, high = 0.0, 1.0
    for _ in range(60):
        root = (low + high) / 2
        narrow = ((1 + root) / (1 - root)) ** 2 < largest / smallest
        low, high = (root, high) if narrow else (low, root)
    return low**2


def limit_by_eigenvalues(beta, curvature, low=0.0, high=10.0):
    """The rate from which on a step of the heavy ball has an eigenvalue larger than 1."""
    for _ in range(60):
        rate = (low + high) / 2
        pull = -rate * curvature
        step = np.array([[1 + pull, beta], [pull, beta]])
        stable = np.abs(np.linalg.eigvals(step)).max() <= 1 + 1e-12
        low, high = (rate, high) if stable else (low, rate)
    return low


def velocity_from_the_next_step(rate, beta, buffer, gradient=0.7):
    """The velocity with which Keras's next step is PyTorch's."""
    next_step = -rate * (beta * buffer + gradient)
    return (next_step + rate * gradient) / beta


# Each key again, by another way than the generator's.
KEYS = {
    "mom_factor_of_gradient_descent": lambda smallest, largest: (
        (largest - smallest) / (largest + smallest)
    ),
    "mom_velocity": lambda rate, beta, g1, g2: -rate * (beta * g1 + g2),
    "mom_nesterov_step": look_ahead_step,
    "mom_best_momentum": best_momentum_by_bisection,
    "mom_limit": limit_by_eigenvalues,
    "mom_velocity_from_buffer": velocity_from_the_next_step,
    "mom_coast": lambda beta, last: last * beta / (1 - beta),
    "mom_equal_rate": lambda rate, beta: rate * (1 - beta),
}


@pytest.fixture(scope="module")
def digits_loss():
    """The loss of the digits network with relu, on all training images."""
    data = digits()
    return NetworkLoss(MLP((64, 32, 10)), data.train_inputs, data.train_targets)


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert 34 <= len(types) <= 40
    assert types.keys() >= ASKED_AT_THE_END
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    assert_key_agrees(name, KEYS[name], seeds=40)


@pytest.mark.parametrize("start", [(1.0, 1.0), (1.0, 0.01), (3.0, -1.0)])
def test_in_a_ravine_of_100_momentum_needs_90_steps_instead_of_690(start):
    question = find_question("mom-predict-ravine")
    assert right_option(question.id) == "About 90"
    assert "needs 690 steps" in question.stem
    rate, beta = best_pair(1, 100)
    optimizers = SGD(np.array([2 / 101, rate]), momentum=np.array([0.0, beta]))
    points = minimize(bowl(100), optimizers, start, steps=900).points
    distances = np.linalg.norm(points, axis=-1) / np.linalg.norm(start)
    plain, heavy_ball = (distances > 1e-6).sum(axis=0)
    assert plain == pytest.approx(690, abs=2)
    assert heavy_ball == pytest.approx(90, abs=8)


@pytest.mark.parametrize(
    ("part", "holds"),
    [
        ("nearly opposite", lambda g, p, values: (cosines(g[:-1], g[1:]) < -0.99).all()),
        ("The loss goes up", lambda g, p, values: (np.diff(values) > 0).any()),
        ("keeps its sign", lambda g, p, values: (g[:, 0] > 0).all()),
        ("at the minimum", lambda g, p, values: (cosines(g, p) > 0.8).any()),
    ],
)
def test_the_record_of_a_zigzag_shows_what_the_options_say(part, holds):
    (option,) = [o for o in find_question("mom-ravine-signs").options if part in o.text]
    path = minimize(bowl(100), SGD(2 / 101), [1.0, 1.0], steps=40)
    assert option.correct == holds(bowl(100).gradient(path.points), path.points, path.values)


def cosines(one, other):
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return (one * other).sum(axis=-1) / lengths


def test_the_best_rate_lets_the_steepest_and_the_flattest_direction_shrink_equally():
    assert right_option("mom-why-best-rate").startswith("It makes the flattest and the steepest")
    rates = np.array([0.97, 1.0, 1.01]) * 2 / 101
    points = np.abs(minimize(bowl(100), SGD(rates), [1.0, 1.0], steps=100).end)
    assert points[1, 0] == pytest.approx(points[1, 1])
    assert points.max(axis=-1).argmin() == 1


def test_on_an_even_slope_steps_grow_to_ten_times_the_plain_ones():
    assert right_option("mom-predict-memory").startswith("They get 10 times as long")
    path = minimize(slope(), SGD(0.1, momentum=0.9), [0.0], steps=200).points[:, 0]
    steps = -np.diff(path) / 0.1
    assert steps[:2] == pytest.approx([1, 1.9])
    assert steps[-20:] == pytest.approx(10)
    assert (np.diff(steps) > -1e-9).all()


def test_alternating_gradients_cancel_in_the_velocity_and_equal_ones_add_up():
    assert right_option("mom-why-both").startswith("In the velocity, opposite gradients cancel")
    alternating = [slope((-1) ** step).gradient for step in range(200)]
    equal = [slope().gradient] * 200
    across, along = (
        np.abs(np.diff(keras_walk(np.ones(200), gradients, 0.9)))[-10:]
        for gradients in (alternating, equal)
    )
    assert across == pytest.approx(1 / 1.9)
    assert along == pytest.approx(10)


def test_the_faulty_loop_walks_as_plain_descent_does():
    assert right_option("mom-velocity-bug") == "The velocity is set to zero again in each step."
    code = find_question("mom-velocity-bug").code
    faulty = {"w": 1.0, "gradient": lambda w: w}
    exec(code, faulty)
    assert faulty["w"] == pytest.approx(minimize(parabola(), SGD(0.1), [1.0], 100).end[0])
    mended = {"w": 1.0, "gradient": lambda w: w, "velocity": 0.0}
    exec(code.replace("    velocity = 0.0\n", ""), mended)
    heavy_ball = minimize(parabola(), SGD(0.1, momentum=0.9), [1.0], 100).end[0]
    assert mended["w"] == pytest.approx(heavy_ball)


def test_nesterov_swings_less_far_and_keras_walks_the_points_ahead():
    assert right_option("mom-nesterov-why-damps").startswith("Its gradient is taken ahead")
    assert right_option("mom-nesterov-why-keras").startswith("Its variable is itself the point")
    w, v, walk, ahead = 1.0, 0.0, [1.0], [1.0]
    for _ in range(60):
        new = look_ahead_step(1.0, w, v, 0.1, 0.9)
        w, v = new, new - w
        walk.append(w)
        ahead.append(w + 0.9 * v)
    keras = minimize(parabola(), SGD(0.1, momentum=0.9, nesterov=True), [1.0], steps=60)
    assert keras.points[:, 0] == pytest.approx(np.array(ahead))
    heavy_ball = minimize(parabola(), SGD(0.1, momentum=0.9), [1.0], steps=60).points[:, 0]
    assert [min(heavy_ball), min(walk)] == pytest.approx([-0.60, -0.35], abs=0.01)


def test_a_hundred_times_the_condition_number_costs_100_times_the_steps_or_10():
    assert right_option("mom-tuning-kappa") == "100 without momentum, 10 with it"

    def plain(condition_number):
        path = minimize(bowl(condition_number), SGD(2 / (condition_number + 1)), [1, 1], steps=1)
        return math.log(1e-6) / math.log(path.end[0])

    def heavy_ball(condition_number):
        optimizer = SGD(*best_pair(1, condition_number))
        points = minimize(bowl(condition_number), optimizer, [1, 1], steps=1500).points
        return (np.linalg.norm(points, axis=-1) > 1e-6 * math.sqrt(2)).sum()

    assert plain(10_000) / plain(100) == pytest.approx(100, rel=0.01)
    assert heavy_ball(10_000) / heavy_ball(100) == pytest.approx(10, rel=0.2)


def test_the_rate_of_the_best_pair_diverges_without_momentum_where_it_is_steep():
    assert right_option("mom-pair-forgotten") == "It diverges, along the steepest direction."
    assert best_pair(1, 100) == pytest.approx((0.033, 0.67), rel=0.01)
    flat, steep = minimize(bowl(100), SGD(0.033), [1.0, 1.0], steps=100).end
    assert abs(flat) < 0.1
    assert abs(steep) > 1e6


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 1.05, 1.2])
def test_no_other_momentum_is_as_fast_as_that_of_the_best_pair(share):
    assert right_option("mom-why-sqrt").startswith("Some direction then no longer has the factor")

    def slowest(rate, beta):
        return max(
            np.abs(np.roots([1, -(1 + beta - rate * curvature), beta])).max()
            for curvature in (1, 100)
        )

    rate, beta = best_pair(1, 100)
    assert slowest(rate * (1 - 1e-9), beta) == pytest.approx(math.sqrt(beta), rel=1e-3)
    rates = np.linspace(0.001, 0.04, 400)
    fastest = min(slowest(other, share * beta) for other in rates)
    assert fastest > math.sqrt(beta) + 0.005
    assert (share > 1) == (fastest == pytest.approx(math.sqrt(share * beta)))


def test_0_9_is_the_best_momentum_for_a_condition_number_of_1400():
    options = find_question("mom-why-not-computed").options
    (told,) = [o.feedback for o in options if o.text.startswith("A momentum of 0.9")]
    assert "about 1,400" in told
    assert best_momentum_by_bisection(1, 1400) == pytest.approx(0.9, abs=0.002)


def test_the_ball_swings_through_the_minimum_and_less_far_each_time():
    assert right_option("mom-predict-ball").startswith("It swings through 0 and back")
    path = minimize(parabola(), SGD(0.1, momentum=0.9), [1.0], steps=120).points[:, 0]
    swings = turns(path)
    assert swings[:2] == pytest.approx([-0.60, 0.36], abs=0.005)
    assert (swings[1:] * swings[:-1] < 0).all()
    assert (np.diff(np.abs(swings)) < 0).all()
    assert (path[:5] > 0).all()
    assert path[5] < 0
    assert len(turns(minimize(parabola(), SGD(0.1), [1.0], steps=120).points[:, 0])) == 0


def test_the_points_of_the_map_lie_where_the_answer_says():
    assert right_option("mom-regime-map").startswith("P creeps to the minimum, Q swings")
    (ax,) = find_figure("mom_regime_map")().axes
    marks = {text.get_text(): text.xy for text in ax.texts}
    assert marks == {"P": (0.1, 0.2), "Q": (2.6, 0.8), "R": (3.4, 0.4)}
    ends, swings = {}, {}
    for name, (rate, beta) in marks.items():
        path = minimize(parabola(), SGD(rate, momentum=beta), [1.0], steps=200).points[:, 0]
        ends[name], swings[name] = abs(path[-1]), bool((path < 0).any())
    assert (swings["P"], swings["Q"]) == (False, True)
    assert max(ends["P"], ends["Q"]) < 1e-6
    assert ends["R"] > 1e6
    solid, dashed, dotted = ax.lines[:3]
    assert [line.get_linestyle() for line in (solid, dashed, dotted)] == ["-", "--", ":"]
    for line, first, last in ((solid, 1, 0), (dashed, 1, 4), (dotted, 2, 4)):
        assert line.get_xdata()[[0, -1]] == pytest.approx([first, last])
    for line in (solid, dashed):
        for limit, beta in line.get_xydata()[1:-1:20]:
            assert abs(np.sqrt((1 + beta - limit) ** 2 - 4 * beta + 0j)) < 1e-6
    for limit, beta in dotted.get_xydata()[1:-1:20]:
        assert limit == pytest.approx(limit_by_eigenvalues(beta, 1.0), rel=1e-6)


def test_the_four_balls_look_as_their_alt_text_says():
    (ax,) = find_figure("mom_four_balls")().axes
    runs = {line.get_label()[-1]: line.get_ydata() for line in ax.lines}
    assert {len(run) for run in runs.values()} == {61}
    assert {run[0] for run in runs.values()} == {1.0}
    assert np.abs(runs["A"][13:]).max() < 0.02
    assert runs["A"].min() > -0.001
    assert turns(runs["B"])[:3] == pytest.approx([-0.87, 0.75, -0.65], abs=0.01)
    assert (np.diff(runs["C"]) < 0).all()
    assert runs["C"][[10, 50]] == pytest.approx([0.35, 0.005], abs=0.005)
    assert turns(runs["D"])[:2] == pytest.approx([-0.6, 0.36], abs=0.01)
    assert np.abs(runs["D"][50:]).max() < 0.07
    for name, beta in zip(
        right_option("mom-read-path").split(", "), (0, 0.5, 0.9, 0.97), strict=True
    ):
        expected = minimize(parabola(), SGD(0.1, momentum=beta), [1.0], steps=60).points[:, 0]
        assert runs[name] == pytest.approx(expected)


def test_the_rate_does_not_change_how_fast_swings_shrink():
    assert right_option("mom-swing-factor").startswith("Just as fast")
    for rate in (0.3, 0.6):
        step = np.array([[1 - rate, 0.9], [-rate, 0.9]])
        values = np.linalg.eigvals(step)
        assert np.abs(values.imag).min() > 0
        assert np.abs(values) == pytest.approx(math.sqrt(0.9))


def test_above_the_limit_of_plain_descent_the_velocity_works_against_each_pull():
    assert right_option("mom-why-higher-limit").startswith("The velocity works against each pull")
    ends = minimize(parabola(), SGD(2.5, momentum=np.array([0.0, 0.5])), [1.0], steps=100).end
    assert abs(ends[0, 0]) > 1e6
    assert abs(ends[1, 0]) < 1e-6
    path = minimize(parabola(), SGD(2.999, momentum=0.5), [1.0], steps=60).points[20:, 0]
    carried, pulled = 0.5 * np.diff(path)[:-1], -2.999 * path[1:-1]
    assert (carried * pulled < 0).all()


def test_after_a_drop_of_the_rate_pytorch_is_short_at_once_and_keras_fades():
    assert right_option("mom-predict-conventions").startswith("PyTorch's are a tenth at once")
    rates, gradients = np.repeat([0.1, 0.01], 200), [slope().gradient] * 400
    keras, pytorch = (-np.diff(walk(rates, gradients, 0.9)) for walk in (keras_walk, pytorch_walk))
    assert keras[:200] == pytest.approx(pytorch[:200])
    assert pytorch[200:] == pytest.approx(0.1 * pytorch[199])
    assert keras[200] == pytest.approx(0.91 * keras[199])
    assert keras[219] == pytest.approx(2 * pytorch[219], rel=0.1)
    assert keras[-1] == pytest.approx(pytorch[-1], rel=1e-3)


@pytest.mark.parametrize(
    ("option", "changes"),
    [
        ("Set its velocity to zero once.", {"correction": lambda step: float(step != 50)}),
        ("Divide all later gradients by 10.", {"gradient": 0.1}),
        ("Divide its velocity by 10 once.", {"correction": lambda s: 0.1 if s == 50 else 1.0}),
        ("Divide its momentum by 10.", {"correction": lambda step: 0.1 if step >= 50 else 1.0}),
    ],
)
def test_one_correction_makes_keras_follow_pytorch_after_a_drop(option, changes):
    (chosen,) = [o for o in find_question("mom-after-rate-drop").options if o.text == option]
    later, correction = changes.get("gradient", 1.0), changes.get("correction", lambda step: 1.0)
    rates = np.repeat([0.1, 0.01], 50)
    gradients = [parabola().gradient] * 50 + [parabola(later).gradient] * 50
    pytorch = pytorch_walk(rates, [parabola().gradient] * 100, 0.9, start=1.0)
    keras = keras_walk(rates, gradients, 0.9, start=1.0, correction=correction)
    assert chosen.correct == np.allclose(keras, pytorch, rtol=0, atol=1e-9)


def test_the_average_of_the_paper_walks_as_one_of_the_optimizers():
    w, m, walk = 1.0, 0.0, [1.0]
    for _ in range(50):
        m = 0.9 * m + 0.1 * w
        w = w - 0.5 * m
        walk.append(w)
    for option in find_question("mom-average-rate").options:
        optimizer = eval(option.text.strip("`"), {"SGD": SGD})
        same = np.allclose(minimize(parabola(), optimizer, [1.0], steps=50).points[:, 0], walk)
        assert same == option.correct, option.text


@pytest.mark.parametrize(
    ("part", "rate", "beta"),
    [
        ("cosine", CosineDecay(0.1, decay_steps=100), 0.9),
        ("0.99", Constant(0.1), 0.99),
        ("warm-up", LinearWarmup(Constant(0.1), warmup_steps=50), 0.9),
        ("noisy", Constant(0.1), 0.9),
    ],
)
def test_the_conventions_differ_where_the_rate_changes(part, rate, beta, rng):
    (option,) = [o for o in find_question("mom-conventions-differ").options if part in o.text]
    rates = np.array([float(rate(step)) for step in range(100)])
    noise = rng.normal(size=100)
    gradients = [lambda w, n=n: w + n for n in noise]
    keras, pytorch = (walk(rates, gradients, beta, 1.0) for walk in (keras_walk, pytorch_walk))
    assert option.correct == (np.abs(keras - pytorch).max() > 1e-3)


def test_momentum_leaves_the_saddle_in_about_50_steps_instead_of_140():
    question = find_question("mom-predict-saddle")
    assert right_option(question.id) == "About 50"
    assert "about 140 steps to get 0.5 away" in question.stem
    betas = SGD(0.1, momentum=np.array([0.0, 0.9]))
    path = minimize(saddle(), betas, [0.0, 1e-6], steps=200).points[..., 1]
    assert (path > 0.5).argmax(axis=0) == pytest.approx([140, 50], abs=1)
    growth = path[31] / path[30]
    assert growth == pytest.approx([1.1, 1.32], abs=0.005)


def test_a_run_on_the_saddle_stays_there_with_momentum_too():
    assert right_option("mom-exact-saddle").startswith("It stays on the saddle")
    end = minimize(saddle(), SGD(0.1, momentum=0.9), [0.0, 0.0], steps=1000).end
    assert (end == 0).all()


def test_momentum_carries_a_run_out_of_the_near_well():
    assert right_option("mom-why-other-well").startswith("It arrives in the near well with speed")
    path = minimize(double_well(), SGD(0.1, momentum=np.array([0.0, 0.9])), [1.6], steps=400)
    assert path.end[:, 0] == pytest.approx([1, -1], abs=1e-3)
    w, values = path.points[:, 1, 0], path.values[:, 1]
    assert np.abs(np.diff(w)).max() == pytest.approx(0.3, abs=0.05)
    assert np.abs(w[:6] - 1).min() < 0.05
    assert values.max() == values[0]


@pytest.mark.parametrize("seed", [0, 1])
def test_on_the_digits_momentum_is_plain_descent_at_ten_times_the_rate(digits_loss, seed):
    question = find_question("mom-fair-comparison")
    assert right_option(question.id).startswith("Both rules at many rates")
    assert "loss of 1.4, and ten of `SGD(0.01, momentum=0.9)` with 0.18" in question.stem
    runs = SGD(np.array([0.01, 0.01, 0.1, 0.3]), momentum=np.array([0, 0.9, 0, 0]))
    start = digits_loss.network.initial(seed)
    last = train(digits_loss, runs, start, epochs=10, batch_size=32, seed=seed).losses[-1]
    slow, momentum, plain, fast = last
    assert slow == pytest.approx(1.4, abs=0.2)
    assert momentum == pytest.approx(0.18, abs=0.01)
    assert plain == pytest.approx(momentum, rel=0.3)
    assert fast == pytest.approx(0.1, abs=0.02)


def test_nesterov_without_a_momentum_is_plain_descent():
    assert right_option("mom-keras-nesterov") == "With plain descent, as its momentum is 0"
    plain, nesterov = (
        minimize(bowl(10), optimizer, [1.0, 1.0], steps=20).points
        for optimizer in (SGD(0.1), SGD(0.1, nesterov=True))
    )
    assert (plain == nesterov).all()


def test_momentum_at_the_same_rate_hovers_ten_times_as_high():
    assert right_option("mom-why-noise").startswith("The velocity carries the noise")

    def level(rate, beta):
        """The stationary mean square of w under w + noise of variance 1, by its linear equation."""
        step = np.array([[1 - rate, beta], [-rate, beta]])
        noise = rate**2 * np.ones(4)
        return np.linalg.solve(np.eye(4) - np.kron(step, step), noise)[0]

    assert level(0.01, 0.9) / level(0.01, 0.0) == pytest.approx(10, rel=0.05)
    assert level(0.001, 0.9) == pytest.approx(level(0.01, 0.0), rel=0.05)
