import re

import numpy as np
import pytest

from course_utils.descent import minimize
from course_utils.explorers import momentum as explorers
from course_utils.explorers import momentum_problems as problems
from course_utils.landscapes import bowl, ravine
from course_utils.optimizers import SGD
from course_utils.schedules import PiecewiseConstantDecay


def drag(explorer, key, x, y):
    explorer.stage.layers[key].on_drag(x, y)


def heavy_ball(gradient, start, rate, beta, steps):
    """Return the points of Keras's momentum, worked out beside the course's own optimizers."""
    w, v, points = np.array(start, dtype=float), 0.0, []
    for step in range(steps + 1):
        points.append(w)
        v = beta * v - rate(step) * gradient(w)
        w = w + v
    return np.array(points)


def measured_factor(rate, beta, steps=2000):
    """Return the factor per step that a long run from 1 at rest shows, as a geometric mean."""
    w, v, logarithm = 1.0, 0.0, 0.0
    for _ in range(steps):
        v = beta * v - rate * w
        w = w + v
        size = np.hypot(w, v)
        logarithm, w, v = logarithm + np.log(size), w / size, v / size
    return np.exp(logarithm / steps)


@pytest.mark.parametrize(
    ("rate", "beta"), [(0.5, 0.0), (0.02, 0.6), (0.1, 0.9), (1.0, 0.49), (2.1, 0.1), (3.5, 0.7)]
)
def test_the_factor_per_step_is_the_one_that_a_long_run_shows(rate, beta):
    factor = problems.factor_per_step(rate, beta)
    assert factor == pytest.approx(measured_factor(rate, beta), rel=3e-3)


def test_momentum_converges_exactly_below_twice_one_plus_beta():
    beta = np.linspace(0, 0.99, 12)
    limit = 2 * (1 + beta)
    assert np.all(problems.factor_per_step(0.999 * limit, beta) < 1)
    assert np.all(problems.factor_per_step(1.001 * limit, beta) > 1)


def test_the_best_pair_beats_every_other_pair_on_a_grid():
    kappa = 30.0
    curvatures = np.array([1.0, kappa])
    rates, betas = problems.best_of_each(kappa)
    mine = problems.factor_per_step(rates * curvatures[:, None], betas).max(axis=0)
    root = np.sqrt(kappa)
    assert mine == pytest.approx([(kappa - 1) / (kappa + 1), (root - 1) / (root + 1)], abs=1e-6)
    steepness = np.linspace(0.01, 4, 200)[:, None, None] * curvatures / kappa
    grid = problems.factor_per_step(steepness, np.linspace(0, 0.99, 100)[:, None]).max(axis=-1)
    assert mine[0] <= grid[:, 0].min() + 1e-6
    assert mine[1] <= grid.min() + 1e-6


def test_both_planes_of_the_ravine_show_the_walk_of_their_optimizer_from_the_dragged_start():
    explorer = explorers.ravine()
    narrow, _, rate, beta = explorer.controls
    narrow.value, rate.value, beta.value = 20.0, 1.2, 0.8
    drag(explorer, "Momentum start", -1.0, 0.4)
    layers = explorer.stage.layers
    for name, b in (("SGD", 0.0), ("Momentum", 0.8)):
        expected = heavy_ball(
            bowl(20).gradient, (-1.0, 0.4), lambda step: 1.2 / 20, b, explorers.RACE_STEPS
        )
        path = np.stack([layers[f"{name} path"].x, layers[f"{name} path"].y], axis=1)
        np.testing.assert_allclose(path, expected, atol=1e-12)
        far = np.linalg.norm(expected, axis=1) / np.hypot(1.0, 0.4)
        np.testing.assert_allclose(layers[name].y, far, atol=1e-12)
        assert (layers[f"{name} start"].x, layers[f"{name} start"].y) == (-1.0, 0.4)


def test_a_ring_of_the_ravine_is_a_level_line():
    explorer = explorers.ravine()
    explorer.controls[0].value = 80.0
    rings = explorer.stage.layers["SGD rings"]
    heights = bowl(80.0).value(np.stack([rings.x, rings.y], axis=-1))
    np.testing.assert_allclose(np.ptp(heights, axis=1), 0, atol=1e-9)


def test_with_the_best_settings_momentum_needs_an_eighth_of_the_steps_at_condition_number_100():
    explorer = explorers.ravine()
    narrow, setting, rate, _ = explorer.controls
    narrow.value, setting.value = 100.0, explorers.BEST
    assert explorer.stage.reading == (
        "κ = 100. In the long run a step multiplies the distance by 0.980 for gradient descent "
        "(ηL = 1.98) and by 0.818 for momentum (ηL = 3.31, β = 0.67). Below a millionth: gradient "
        "descent from step 691 on, momentum from step 87 on. The sliders for ηL and β have no "
        "effect."
    )
    layers = explorer.stage.layers
    for name, step in (("SGD", 691), ("Momentum", 87)):
        assert layers[name].y[step - 1] > 1e-6
        assert np.all(layers[name].y[step:] <= 1e-6)
    before = layers["SGD"].y
    rate.value = 0.5
    np.testing.assert_array_equal(explorer.stage.layers["SGD"].y, before)


def test_beyond_its_limit_of_two_gradient_descent_is_said_to_diverge_while_momentum_arrives():
    explorer = explorers.ravine()
    explorer.controls[2].value, explorer.controls[3].value = 2.5, 0.9
    assert "gradient descent never (it diverges), momentum from step" in explorer.stage.reading
    explorer.controls[2].value, explorer.controls[3].value = 0.05, 0.0
    assert "gradient descent not in 700 steps, momentum not in 700" in explorer.stage.reading
    drag(explorer, "SGD start", 0.0, 0.0)
    assert explorer.stage.reading.startswith("The start is the minimum.")


@pytest.mark.parametrize(
    ("rate", "beta", "said"),
    [
        (0.1, 0.9, "w swings to and fro once in 19.5 steps. In the long run each step multiplies "
                   "its distance by 0.949 = √β."),
        (0.01, 0.8, "w glides towards the minimum and never crosses it."),
        (2.0, 0.1, "w jumps across the minimum at every step."),
        (3.9, 0.9, "by 1.316, so it diverges."),
        (0.5, 1.0, "w swings to and fro once in 8.7 steps. In the long run each step multiplies "
                   "its distance by 1.000 = √β."),
    ],
)  # fmt: skip
def test_the_reading_names_the_regime_and_the_run_does_what_it_says(rate, beta, said):
    explorer = explorers.phase_portrait()
    explorer.controls[0].value, explorer.controls[1].value = rate, beta
    assert said in explorer.stage.reading
    w = explorer.stage.layers["weight"].y
    expected = heavy_ball(lambda w: w, 1.0, lambda step: rate, beta, explorers.SWINGS)
    np.testing.assert_allclose(w, expected, rtol=1e-9, atol=1e-12)
    signs = np.sign(w)
    if "glides" in said:
        assert np.all(signs > 0)
    if "jumps" in said:
        assert np.all(signs[1:] == -signs[:-1])
    if "swings" in said:
        period = float(re.search(r"once in ([\d.]+) steps", said)[1])
        crossings = np.count_nonzero(signs[1:] != signs[:-1])
        assert crossings == pytest.approx(2 * explorers.SWINGS / period, abs=1)


def test_the_path_shows_position_and_velocity_of_every_step():
    explorer = explorers.phase_portrait()
    explorer.controls[0].value, explorer.controls[1].value = 0.25, 0.5
    path = explorer.stage.layers["path"]
    assert path.y[:3] == pytest.approx([0, -0.25 / 0.5, (0.5 * -0.25 - 0.25 * 0.75) / 0.5])
    assert path.x[:3] == pytest.approx([1, 0.75, 0.75 - 0.3125])


def test_dragging_the_pair_moves_the_sliders_and_snaps_to_their_numbers():
    explorer = explorers.phase_portrait()
    stage, (rate, beta) = explorer.stage, explorer.controls
    place = stage._place(stage.layers["pair"].ax)
    for serial, x in enumerate((0.50001, 0.50002), start=1):
        left, top = place.pixels(np.array(x), np.array(0.301)).tolist()
        stage._moves = {"pair": [serial, left, top]}
        pair = stage.layers["pair"]
        assert (rate.value, beta.value) == (pair.x, pair.y) == (10**-0.3, 0.3)


def test_the_drawn_boundaries_part_the_regimes():
    explorer = explorers.phase_portrait()
    low, high, limit = explorer.stage.figure.axes[0].get_lines()[:3]

    def kind(line, factor):
        rate, beta = line.get_xdata()[160] * factor, line.get_ydata()[160]
        reading = explorers.regime(rate, beta)
        return "diverges" if "diverges" in reading else reading.split(": w ")[1].split()[0]

    for line, inside, outside in (
        (low, "glides", "swings"),
        (high, "swings", "jumps"),
        (limit, "jumps", "diverges"),
    ):
        assert (kind(line, 0.999), kind(line, 1.001)) == (inside, outside)


def test_one_step_adds_the_slope_at_w_or_where_the_velocity_leads():
    explorer = explorers.look_ahead()
    rate, beta = explorer.controls
    rate.value, beta.value = 0.06, 0.5
    drag(explorer, "w", -2.0, 1.0)
    drag(explorer, "v", 0.0, 0.0)
    w, velocity = np.array([-2.0, 1.0]), np.array([2.0, -1.0])
    gradient, layers = ravine(12, degrees=20).gradient, explorer.stage.layers
    carried = w + 0.5 * velocity
    assert (layers["carried"].x[1], layers["carried"].y[1]) == pytest.approx(carried)
    for name, place in (("Momentum", w), ("Nesterov", carried)):
        landing = carried - 0.06 * gradient(place)
        slope, path = layers[f"{name} slope"], layers[f"{name} path"]
        assert (slope.x[0], slope.y[0]) == pytest.approx(carried)
        assert (slope.x[1], slope.y[1]) == pytest.approx(landing)
        assert (path.x[0], path.y[0]) == pytest.approx(landing)
        height = ravine(12, degrees=20).value(landing)
        assert layers[name].y[1] == pytest.approx(height)
        assert f"{height:.2f}" in explorer.stage.reading


def test_dragging_w_carries_the_velocity_along():
    explorer = explorers.look_ahead()
    before = explorer.stage.layers
    drag(explorer, "w", -1.2, 0.1)
    after = explorer.stage.layers
    for axis in ("x", "y"):
        tips = [
            getattr(layers["v"], axis) - getattr(layers["w"], axis) for layers in (before, after)
        ]
        assert tips[0] == pytest.approx(tips[1])


def test_the_end_of_the_last_step_stays_in_sight_wherever_w_is_dragged():
    explorer = explorers.look_ahead()
    for x, y in ((2.2, 1.8), (2.2, -1.9), (-2.2, -1.9)):
        drag(explorer, "w", x, y)
        layers = explorer.stage.layers
        assert (layers["w"].x, layers["w"].y) == (x, y)
        assert -2.2 <= layers["v"].x <= 2.2
        assert -1.9 <= layers["v"].y <= 1.8


def test_going_on_with_the_look_ahead_is_keras_nesterov_seen_at_the_place_ahead():
    landscape, sgd = ravine(12, degrees=20), SGD(0.05, 0.8)
    start, velocity = np.array([-1.0, 0.5]), np.array([0.5, -0.5])
    points = problems.onward(landscape, sgd, start, velocity, steps=20)[:, 1]
    keras, state = SGD(0.05, 0.8, nesterov=True), SGD.State(0, velocity)
    seen = start + 0.8 * velocity
    for point in points[1:]:
        seen, state = keras.update(landscape.gradient(seen), state, seen)
        np.testing.assert_allclose(seen - 0.8 * state.velocity, point, atol=1e-12)


@pytest.mark.parametrize(("times_the_limit", "said"), [(0.99, False), (1.01, True)])
def test_nesterov_is_said_to_diverge_exactly_beyond_its_own_limit(times_the_limit, said):
    beta = 0.8
    rate = times_the_limit * 2 * (1 + beta) / (1 + 2 * beta) / explorers.CURVATURE
    landscape = ravine(explorers.CURVATURE, degrees=20)
    points = problems.onward(landscape, SGD(rate, beta), [1.0, 0.0], [0.0, 0.0], steps=3000)
    heights = landscape.value(points[-1])
    assert heights[0] < 1e-3
    assert (heights[1] > 1) == said
    reading = explorers.stepped(np.zeros(2), heights, rate * explorers.CURVATURE, beta)
    assert ("Nesterov diverges" in reading) == said


def test_a_run_exactly_at_its_limit_is_not_said_to_diverge():
    explorer = explorers.ravine()
    explorer.controls[2].value, explorer.controls[3].value = 3.4, 0.7
    assert "by 1.000 for momentum" in explorer.stage.reading
    assert "momentum not in 700 steps" in explorer.stage.reading
    assert "diverges" not in explorers.regime(2.4, 0.2)
    explorer = explorers.look_ahead()
    explorer.controls[0].value, explorer.controls[1].value = 0.2, 0.2
    assert "Nesterov diverges: ηL = 2.40, the limits are 2.40" in explorer.stage.reading


def test_an_arrow_ends_at_its_tip_and_one_of_no_length_is_a_point():
    shaft = explorers.arrow(np.array([1.0, 1.0]), np.array([4.0, 5.0]))
    assert shaft[:, :2].T.tolist() == [[1, 1], [4, 5]]
    barbs = np.linalg.norm(shaft[:, [2, 4]].T - [4, 5], axis=1)
    assert barbs == pytest.approx(explorers.ARROW_HEAD * np.sqrt(1.25))
    still = explorers.arrow(np.ones(2), np.ones(2))
    assert np.all(still == 1)


def steps_taken(explorer):
    layers = explorer.stage.layers
    return [layers[f"{name} steps"].y for name in ("Keras", "PyTorch", "average")]


def test_on_a_constant_slope_the_steps_grow_to_one_over_one_minus_beta():
    explorer = explorers.conventions()
    _, kind, _, beta, _ = explorer.controls
    kind.value, beta.value = problems.CONSTANT, 0.8
    for steps in steps_taken(explorer):
        np.testing.assert_allclose(steps, (1 - 0.8 ** np.arange(1, 61)) / 0.2)
    assert explorer.stage.reading == (
        "Keras's and PyTorch's momentum take the same steps. The average takes PyTorch's steps. "
        "The slider for the change has no effect."
    )


def test_when_the_rate_drops_pytorch_steps_a_tenth_at_once_and_keras_forgets_by_beta():
    explorer = explorers.conventions()
    keras, pytorch, average = steps_taken(explorer)
    np.testing.assert_allclose(average, pytorch)
    np.testing.assert_allclose(keras[:30], pytorch[:30])
    buffer = (1 - 0.9 ** np.arange(1, 61)) / 0.1
    np.testing.assert_allclose(pytorch[30:], buffer[30:] / 10)
    excess = keras[30:] - 0.1 / 0.1
    np.testing.assert_allclose(excess[1:] / excess[:-1], 0.9)
    assert explorer.stage.reading == (
        "Keras's and PyTorch's steps part at step 30. Step 29 is 9.58 by Keras's momentum and 9.58 "
        "by PyTorch's; step 30, the first after the change, is 8.72 by Keras's momentum and 0.962 "
        "by PyTorch's. The average takes PyTorch's steps."
    )


@pytest.mark.parametrize("source", problems.streams())
def test_on_every_stream_the_three_agree_until_the_rate_changes_and_then_keras_parts(source):
    explorer = explorers.conventions()
    explorer.controls[0].value = source
    keras, pytorch, average = steps_taken(explorer)
    np.testing.assert_allclose(keras[:30], pytorch[:30], atol=1e-12)
    np.testing.assert_allclose(average, pytorch, atol=1e-12)
    assert np.all(np.abs(keras[30:35]) > 2 * np.abs(pytorch[30:35]))


def test_during_a_warm_up_keras_is_behind_because_its_velocity_holds_smaller_rates():
    explorer = explorers.conventions()
    explorer.controls[1].value = problems.WARM_UP
    keras, pytorch, _ = steps_taken(explorer)
    assert np.all(keras[1:] < pytorch[1:])
    assert "steps part at step 1." in explorer.stage.reading


def test_an_average_at_the_unconverted_rate_is_pytorch_momentum_at_a_smaller_rate():
    explorer = explorers.conventions()
    source, _, average_rate, beta, change = explorer.controls
    source.value, average_rate.value = "mini-batches of patients", explorers.UNCONVERTED
    beta.value, change.value = 0.8, 20
    stream = problems.streams()["mini-batches of patients"]
    rates = PiecewiseConstantDecay((19,), (0.2 * stream.rate, 0.02 * stream.rate))
    w, buffer, expected = np.array(stream.start), 0.0, []
    for step, batch in enumerate(stream.objectives):
        expected.append(w[0])
        buffer = 0.8 * buffer + batch.gradient(w)
        w = w - rates(step) * buffer
    np.testing.assert_allclose(explorer.stage.layers["average"].y[:-1], expected)
    assert explorer.stage.reading.endswith("like PyTorch's momentum with the rate (1 − β) η.")


def test_the_gradient_of_the_two_valleys_is_the_slope_of_their_height():
    valleys, h = problems.two_valleys(), 1e-6
    points = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 2))
    for axis in range(2):
        nudge = h * np.eye(2)[axis]
        slope = (valleys.value(points + nudge) - valleys.value(points - nudge)) / (2 * h)
        np.testing.assert_allclose(valleys.gradient(points)[:, axis], slope, atol=1e-8)
    np.testing.assert_allclose(valleys.gradient(np.array(valleys.minima)), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("landscape", "beta", "start", "said"),
    [
        ("Saddle", 0.9, None, "Gradient descent comes near B at step 145 and stays near it. "
                              "Momentum comes near B at step 51 and stays near it."),
        ("Plateau", 0.98, None, "Gradient descent comes near the minimum at step 290 and stays "
                                "near it. Momentum comes near the minimum at step 36, runs past "
                                "it, and stays near it from step 171 on."),
        ("Two valleys", 0.8, None, "comes near A at step 12 and stays near it."),
        ("Two valleys", 0.9, None, "Gradient descent comes near A at step 10 and stays near it. "
                                   "Momentum comes near B at step 13, runs past it, and stays"),
        ("Two valleys", 0.9, (1.7, 0.8), "Gradient descent comes near B at step 10 and stays near "
                                         "it. Momentum comes near A"),
    ],
)  # fmt: skip
def test_momentum_crosses_sooner_and_runs_past_what_it_should_not_leave(
    landscape, beta, start, said
):
    explorer = explorers.crossing()
    explorer.controls[0].value, explorer.controls[2].value = landscape, beta
    if start:
        drag(explorer, "start", *start)
    assert said in explorer.stage.reading
    layers, crossed = explorer.stage.layers, explorers.CROSSINGS[landscape]
    for name, share in (("SGD", 0.0), ("Momentum", beta)):
        expected = heavy_ball(
            crossed.landscape.gradient,
            start or crossed.start,
            lambda step: 0.1,
            share,
            crossed.steps,
        )
        path = np.stack([layers[f"{name} path"].x, layers[f"{name} path"].y], axis=1)
        np.testing.assert_allclose(path, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([5, 5, 5], "has not come near A or B after 2 steps."),
        ([5, 1, 1], "comes near B at step 1 and stays near it."),
        ([0, 0, 0], "comes near A at step 0 and stays near it."),
        ([0, 5, 0], "comes near A at step 0, runs past it, and stays near it from step 2 on."),
        ([0, 5, 1], "comes near A at step 0, runs past it, and stays near B from step 2 on."),
        ([5, 0, 5], "comes near A at step 1, but is not near it after 2 steps."),
        ([0, 5, np.nan], "diverges."),
    ],
)
def test_the_arrival_of_a_path_is_told_by_where_it_was_near(line, said):
    points = np.stack([line, np.zeros(3)], axis=1)
    assert explorers.arrival(points, ((0.0, 0.0), (1.0, 0.0))) == said


def test_the_start_of_the_saddle_is_a_millionth_beside_its_ridge():
    assert explorers.crossing().stage.layers["start"].y == 1e-6


@pytest.mark.parametrize("rate", [0.01, 10**-0.55, 1.0, 0.123])  # 0.123 can be typed only
def test_a_crossing_is_the_same_alone_and_among_those_of_all_rates(rate):
    here = problems.CROSSINGS["Saddle"]
    points, values = problems.crossed("Saddle", here.start, rate, 0.9)
    for run, beta in enumerate((0.0, 0.9)):
        alone = minimize(here.landscape, SGD(rate, beta), here.start, here.steps)
        np.testing.assert_allclose(points[:, run], alone.points, rtol=1e-6)
        np.testing.assert_allclose(values[:, run], alone.values, rtol=1e-6)


def test_the_slider_stands_at_rates_that_are_run_at_once():
    slider = explorers.crossing().controls[1]
    exponents = np.log10(problems.CROSSING_RATES)
    assert (slider.min, slider.max) == pytest.approx((exponents[0], exponents[-1]))
    assert slider.step == pytest.approx(np.diff(exponents))
