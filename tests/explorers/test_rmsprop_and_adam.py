from functools import partial

import numpy as np
import pytest

from course_utils.descent import minimize
from course_utils.explorers import adaptive_problems as problems
from course_utils.explorers import rmsprop_and_adam as explorers
from course_utils.landscapes import cliff
from course_utils.optimizers import SGD, Adagrad, Adam, RMSprop

TURNED, ALONG = "Ravine, turned by 30°", "Ravine along the axes"
BY_NAME = {
    "SGD": SGD,
    "Momentum": partial(SGD, momentum=0.9),
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
}


def drag(explorer, key, x, y):
    explorer.stage.attempt(partial(explorer.stage.layers[key].on_drag, x, y))


def heights(name, course, start, rate, steps=100):
    path = minimize(course.landscape, BY_NAME[name](rate), start, steps)
    return path, path.values - course.floor


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("factor", [0.1, 10**0.35, 10.0, 1.234])  # 1.234 can be typed only
def test_a_run_is_the_same_alone_and_among_those_of_all_factors(name, factor):
    course = problems.RACES[TURNED]
    run = problems.race_run(name, TURNED, course.start, 0.02, factor)
    path, alone = heights(name, course, course.start, 0.02 * factor)
    # RMSprop at a large rate jumps to and fro: what rounding does to it grows with the steps.
    np.testing.assert_allclose(run.points[:30], path.points[:30], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(run.heights[:30], alone[:30], rtol=1e-6, atol=1e-9)
    assert run.end == run.heights[-10:].max()


def test_the_slider_stands_at_factors_that_are_raced_at_once():
    slider = explorers.race().controls[2]
    exponents = np.log10(problems.FACTORS)
    assert (slider.min, slider.max) == pytest.approx((exponents[0], exponents[-1]))
    assert slider.step == pytest.approx(np.diff(exponents))


def best_rate(name, course, start):
    """Try each rate by itself; the best is lowest at its highest point of the last ten steps."""
    ends = [heights(name, course, start, rate)[1][-10:].max() for rate in problems.RATES]
    return problems.RATES[np.nanargmin(ends)]


@pytest.mark.parametrize("name", BY_NAME)
def test_before_tuning_every_optimizer_races_at_the_same_rate(name):
    explorer = explorers.race()
    path, above = heights(name, problems.RACES[TURNED], (1.0, -2.0), 0.01)
    drag(explorer, "start", 1.0, -2.0)
    layers = explorer.stage.layers
    np.testing.assert_allclose(
        np.transpose([layers[f"path {name}"].x, layers[f"path {name}"].y]), path.points
    )
    np.testing.assert_allclose(layers[f"height {name}"].y, above)
    assert layers[f"now {name}"].y == pytest.approx(above[-10:].max())
    assert explorer.stage.reading.startswith("Not tuned: every optimizer has the same rate 0.01. ")


def test_tuning_takes_for_each_optimizer_the_best_of_the_same_rates_from_this_start():
    explorer = explorers.race()
    drag(explorer, "start", 2.0, 1.0)
    explorer.controls[3].click()
    course = problems.RACES[TURNED]
    rates = {name: best_rate(name, course, (2.0, 1.0)) for name in BY_NAME}
    for name, rate in rates.items():
        path, _ = heights(name, course, (2.0, 1.0), rate)
        np.testing.assert_allclose(explorer.stage.layers[f"path {name}"].x, path.points[:, 0])
        assert explorer.stage.layers[f"now {name}"].x == rate
    said = ", ".join(f"{name} {rate:.2g}" for name, rate in rates.items())
    assert explorer.stage.reading.startswith(
        f"Each rate is the best of the same 21 from 0.001 to 10 for this start: {said}. "
    )


def test_a_start_moved_after_tuning_keeps_the_rates_and_the_reading_says_so():
    explorer = explorers.race()
    explorer.controls[3].click()
    before = explorer.stage.layers["now Adam"].x
    drag(explorer, "start", 1.0, 1.0)
    assert explorer.stage.layers["now Adam"].x == before
    assert " for the start (−2.60, 0.40): " in explorer.stage.reading
    explorer.controls[0].value = "Saddle"
    assert explorer.stage.reading.startswith("Not tuned")


def test_the_factor_multiplies_every_rate():
    explorer = explorers.race()
    explorer.controls[2].value = 2.0
    for name in BY_NAME:
        assert explorer.stage.layers[f"now {name}"].x == pytest.approx(0.02)
        path, _ = heights(name, problems.RACES[TURNED], (-2.6, 0.4), 0.02)
        np.testing.assert_allclose(explorer.stage.layers[f"path {name}"].x, path.points[:, 0])
    assert "the same rate 0.01, times 2." in explorer.stage.reading


def test_a_rate_can_be_set_by_hand_and_tuning_takes_it_back():
    explorer = explorers.race()
    drag(explorer, "rate Adam", 0.5, 1.0)
    path, _ = heights("Adam", problems.RACES[TURNED], (-2.6, 0.4), 0.5)
    np.testing.assert_allclose(explorer.stage.layers["path Adam"].x, path.points[:, 0])
    assert explorer.stage.layers["now SGD"].x == 0.01
    opening = "Set by hand: Adam 0.5. Not tuned: the others have the same rate 0.01. "
    assert explorer.stage.reading.startswith(opening)
    explorer.controls[2].value = 2.0
    assert explorer.stage.layers["now Adam"].x == pytest.approx(1.0)
    drag(explorer, "rate Adam", 0.3, 1.0)
    assert explorer.stage.layers["now Adam"].x == pytest.approx(0.3)
    for name in BY_NAME:
        drag(explorer, f"rate {name}", 0.3, 1.0)
    assert "tuned" not in explorer.stage.reading
    explorer.controls[3].click()
    assert "by hand" not in explorer.stage.reading


def test_each_optimizer_can_race_alone():
    explorer = explorers.race()
    for name in BY_NAME:
        explorer.controls[1].value = name
        assert {key for key in explorer.stage.layers if key.startswith("path")} == {f"path {name}"}


def test_the_sweep_shows_each_rates_end():
    explorer = explorers.race()
    sweep = explorer.stage.layers["sweep Adagrad"]
    for place in (0, 8, 20):
        _, above = heights("Adagrad", problems.RACES[TURNED], (-2.6, 0.4), sweep.x[place])
        assert sweep.y[place] == pytest.approx(above[-10:].max())


def test_heights_are_counted_from_the_lowest_minimum():
    explorer = explorers.race()
    explorer.controls[0].value = "Saddle"
    _, above = heights("SGD", problems.RACES["Saddle"], (-1.5, 0.02), 0.01)
    np.testing.assert_allclose(explorer.stage.layers["height SGD"].y, above)
    assert above[0] == pytest.approx(1.5**2 / 2 - 0.02**2 / 2 + 0.25, abs=1e-6)


def test_only_the_chosen_optimizers_are_drawn_and_compared():
    explorer = explorers.race()
    explorer.controls[1].value = "SGD and Momentum"
    drawn = {key.split()[-1] for key in explorer.stage.layers}
    assert drawn == {"SGD", "Momentum", "start"}
    assert "Adagrad" not in explorer.stage.reading.split(". ", 1)[1]


def test_a_diverging_path_is_broken_off_and_said_to_rise_above_the_picture():
    explorer = explorers.race()
    explorer.controls[0].value = "Rosenbrock's curved valley"
    assert explorer.stage.reading.endswith("and that of SGD is above 10,000, the most.")
    path, height = (explorer.stage.layers[f"{part} SGD"] for part in ("path", "height"))
    assert not np.isfinite(path.x[height.y > 1e4]).any()
    assert np.isfinite(path.x[height.y <= 1e4]).all()
    explorer.controls[1].value = "SGD and Momentum"
    assert explorer.stage.reading.endswith("all of these runs rise above 10,000.")


def test_turning_the_ravine_takes_rmsprops_advantage_away_and_leaves_sgd_as_it_was():
    ends = {}
    for name in ("SGD", "RMSprop"):
        for kind in (ALONG, TURNED):
            course = problems.RACES[kind]
            rate = best_rate(name, course, course.start)
            ends[name, kind] = heights(name, course, course.start, rate)[1][-10:].max()
    assert ends["RMSprop", ALONG] < 1e-8
    assert ends["RMSprop", TURNED] > 0.01
    assert 0.01 < ends["SGD", ALONG] < 0.1
    assert 0.01 < ends["SGD", TURNED] < 0.1


def adam_by_hand(gradients, epsilon, corrected):
    """Return the steps at rate 1 with epsilon outside, before the correction and inside."""
    m = v = 0.0
    steps = []
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        one, two = (1 - 0.9**t, 1 - 0.999**t) if corrected else (1.0, 1.0)
        steps.append(
            [
                -(m / one) / (np.sqrt(v / two) + epsilon),
                -np.sqrt(two) / one * m / (np.sqrt(v) + epsilon),
                -(m / one) / np.sqrt(v / two + epsilon),
            ]
        )
    return np.array(steps)


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_epsilon_is_felt_where_each_formula_has_it(corrected, epsilon):
    gradients = np.random.default_rng(1).standard_normal(30)
    parts = problems.dissect(gradients, epsilon, corrected)
    np.testing.assert_allclose(
        parts.moves, adam_by_hand(gradients, epsilon, corrected), rtol=1e-9, atol=1e-12
    )


def test_each_place_of_epsilon_has_its_own_curve_downhill_upwards():
    explorer = explorers.dissected()
    explorer.controls[3].value = 0.1
    expected = -adam_by_hand(np.ones(explorers.STREAM), 0.1, corrected=True)
    for column, name in enumerate(problems.PLACES):
        np.testing.assert_allclose(explorer.stage.layers[f"step {name}"].y, expected[:, column])


def test_keras_place_of_epsilon_is_the_courses_adam():
    gradients = np.random.default_rng(1).standard_normal(30)
    parts = problems.dissect(gradients, 0.1, corrected=True)
    steps = problems.moves(gradients[:, None], Adam(1.0, epsilon=0.1))
    np.testing.assert_allclose(parts.moves[:, 1], steps[:, 0])


def test_of_constant_gradients_the_corrected_means_are_exact_at_once():
    parts = problems.dissect(np.full(20, -3.0), 1e-7, corrected=False)
    np.testing.assert_allclose(parts.corrected_mean, -3)
    np.testing.assert_allclose(parts.corrected_root, 3)
    np.testing.assert_allclose(parts.mean, -3 * (1 - 0.9 ** np.arange(1, 21)))
    np.testing.assert_allclose(parts.root, 3 * np.sqrt(1 - 0.999 ** np.arange(1, 21)))


@pytest.mark.parametrize(
    ("size", "correction", "said"),
    [
        (1.0, "on", "the first step is 1.00 η, the last 1.00 η. It makes no difference"),
        (1e3, "on", "the first step is 1.00 η, the last 1.00 η. It makes no difference"),
        (1.0, "off", "the first step is 3.16 η, the last 4.14 η. It makes no difference"),
        (1e-7, "on", "the first step is 0.500, 0.031, 0.000 η and the last 0.500, 0.194, 0.000 η"),
    ],
)
def test_the_reading_says_how_long_the_steps_are(size, correction, said):
    explorer = explorers.dissected()
    explorer.controls[1].value, explorer.controls[2].value = size, correction
    assert said in explorer.stage.reading


def test_the_dragged_gradient_takes_its_place_in_the_stream_and_the_longest_are_remembered():
    explorer = explorers.dissected()
    drag(explorer, "spike", 30.4, 5.0)
    layers = explorer.stage.layers
    expected = np.ones(explorers.STREAM)
    expected[29] = 5.0
    np.testing.assert_array_equal(layers["gradients mean"].y, expected)
    assert (layers["spike"].x, layers["spike"].y) == (30, 5.0)
    mean, root = layers["corrected mean"].y, layers["corrected root"].y
    assert mean[28:].max() == mean[29]
    assert mean[-1] < 1.03  # forgotten after 30 steps
    assert root[-1] > 1.15  # which the mean of squares is not
    explorer.controls[0].value = "alternating"
    np.testing.assert_array_equal(layers["gradients mean"].x, np.arange(1, 61))
    assert explorer.stage.layers["spike"].x == explorers.SPIKE_AT


def test_the_size_of_the_gradients_leaves_the_pictures_of_the_means_as_they_are():
    explorer = explorers.dissected()
    explorer.controls[0].value = "noise around 0.3"
    before = explorer.stage.layers
    explorer.controls[1].value = 1e-4
    for key in ("mean", "corrected mean", "root", "corrected root"):
        np.testing.assert_allclose(explorer.stage.layers[key].y, before[key].y)


def fitted_by_hand(share, seed, rule, rate):
    """Return the errors of common and rare weights at the end."""
    rng = np.random.default_rng(seed)
    columns = []
    for times in [100] * 20 + [round(200 * share)] * 10:
        columns.append(rng.permutation(np.arange(200) < times))
    inputs, weights = np.transpose(columns).astype(float), rng.choice([-1.0, 1.0], 30)
    targets = inputs @ weights + 0.1 * rng.standard_normal(200)
    optimizer, w = rule(rate), np.zeros(30)
    state = optimizer.init(w)
    for x, y in zip(inputs, targets, strict=True):
        w, state = optimizer.update(2 * (x @ w - y) * x, state, w)
    away = np.abs(w - weights)
    return away[:20].mean(), away[20:].mean()


@pytest.mark.parametrize(("name", "rule"), [("SGD", SGD), ("Adagrad", Adagrad)])
def test_a_rate_of_the_sparse_sweep_is_what_fitting_alone_gives(name, rule):
    errors = problems.rare_sweep(0.05, 3)[name]
    place = 7
    expected = fitted_by_hand(0.05, 3, rule, problems.RATES[place])
    np.testing.assert_allclose(errors[-1, place], expected)
    np.testing.assert_allclose(errors[0], 1)


def test_other_data_and_other_shares_start_again_at_each_ones_best_rate():
    explorer = explorers.rare_features()
    for change in (
        lambda: setattr(explorer.controls[0], "value", 0.5),
        lambda: setattr(explorer.controls[0], "value", 0.01),
        explorer.controls[1].click,
    ):
        drag(explorer, "SGD", 1e-3, 0)
        assert "SGD at the rate 0.001: " in explorer.stage.reading
        change()
        assert explorer.stage.reading.count(", its best: ") == 2
        for name in ("SGD", "Adagrad"):
            by_group = (f"{name} common weights", f"{name} rare weights")
            summed = sum(explorer.stage.layers[key].y for key in by_group)
            assert explorer.stage.layers[name].x == problems.RATES[summed.argmin()]


def test_a_dragged_rate_snaps_to_the_nearest_of_the_sweep_and_its_run_is_shown():
    explorer = explorers.rare_features()
    drag(explorer, "Adagrad", 0.32, 0)  # between 0.25 and 0.40, nearer to 0.40 on this axis
    assert explorer.stage.layers["Adagrad"].x == problems.RATES[13]
    run = explorer.stage.layers["Adagrad rare weights by step"].y
    assert run[-1] == explorer.stage.layers["Adagrad rare weights"].y[13]
    drag(explorer, "SGD", 10.0, 0)
    assert "SGD at the rate 10: it diverges;" in explorer.stage.reading


def best_errors(share, seed):
    """Return the errors of SGD and Adagrad, each at its best rate, (optimizers, groups)."""
    sweeps = problems.rare_sweep(share, seed).values()
    return np.array([errors[-1, errors[-1].sum(axis=-1).argmin()] for errors in sweeps])


def test_a_rate_for_each_weight_helps_the_rare_ones_and_not_where_all_are_common():
    rare = np.median([best_errors(0.02, seed) for seed in range(8)], axis=0)
    common = np.median([best_errors(0.5, seed) for seed in range(8)], axis=0)
    sgd, adagrad = rare
    assert adagrad[1] < 0.75 * sgd[1]
    assert adagrad[0] < sgd[0]
    sgd, adagrad = common
    assert np.all(adagrad > sgd)


def test_the_path_is_thrown_off_the_cliff_unless_it_is_clipped():
    explorer = explorers.clipping()
    layers = explorer.stage.layers
    assert layers["wild"].x.min() < -20
    assert layers["clipped"].x.min() > -0.1
    steps = np.hypot(np.diff(layers["clipped"].x), np.diff(layers["clipped"].y))
    assert steps.max() == pytest.approx(1.0)
    assert explorer.stage.reading == (
        "Without clipping, step 4 is the longest: 23.75, to (−22.72, 0.47), outside the picture; "
        "the path is within 0.1 of the minimum from step 23 on. "
        "With clipping it is within 0.1 of the minimum from step 11 on."
    )


def test_clipping_by_norm_keeps_the_direction_and_by_value_turns_it():
    explorer = explorers.clipping()
    for kind, turns in (("by norm", False), ("by value", True)):
        explorer.controls[0].value = kind
        path = explorer.stage.layers["clipped"]
        points = np.transpose([path.x, path.y])
        gradient = cliff().gradient(points[3])
        step = points[4] - points[3]
        assert np.linalg.norm(gradient) > 20
        cosine = -step @ gradient / np.linalg.norm(step) / np.linalg.norm(gradient)
        assert (cosine < 0.999) == turns


def test_the_limit_is_drawn_over_the_unclipped_lengths_and_a_high_one_changes_nothing():
    explorer = explorers.clipping()
    explorer.controls[1].value = 100.0
    layers = explorer.stage.layers
    assert layers["limit"].y.tolist() == [100.0, 100.0]
    np.testing.assert_array_equal(layers["clipped"].x, layers["wild"].x)
    points = np.transpose([layers["wild"].x, layers["wild"].y])
    lengths = np.linalg.norm(cliff().gradient(points), axis=-1)
    np.testing.assert_allclose(layers["wild length"].y, np.maximum(lengths, 1e-12))


def test_a_low_limit_is_too_slow():
    explorer = explorers.clipping()
    explorer.controls[1].value = 0.01
    assert explorer.stage.reading.endswith("from the minimum after 60 steps.")


def effective(name, step, change=0.1):
    explorer = explorers.effective_rates()
    for control, value in zip(explorer.controls, (name, step, change), strict=True):
        control.value = value
    return explorer


def tops(explorer, key):
    return explorer.stage.layers[key].y.max(axis=1)


@pytest.mark.parametrize(
    ("name", "step", "share"),
    [
        ("SGD", 40, None),
        ("Adagrad", 1, 1.0),
        ("Adagrad", 25, 1 / 5),
        ("RMSprop", 1, 1 / np.sqrt(0.1)),
        ("RMSprop", 50, 1 / np.sqrt(1 - 0.9**50)),
        ("Adam", 1, 1.0),
        ("Adam", 50, 1.0),
    ],
)
def test_the_effective_rate_divides_by_the_size_of_the_gradients(name, step, share):
    explorer = effective(name, step)  # RMSprop's epsilon takes half a per cent off its first rate
    sizes = tops(explorer, "gradient")
    expected = np.full(8, 0.01) if share is None else 0.01 * share / sizes
    np.testing.assert_allclose(tops(explorer, "rate"), expected, rtol=6e-3)
    np.testing.assert_allclose(tops(explorer, "length"), expected * sizes, rtol=6e-3)
    by_step = explorer.stage.layers["rates"].y
    np.testing.assert_allclose(by_step[:, step - 1], tops(explorer, "rate"))


def test_after_smaller_gradients_rmsprops_rates_recover_soon_adams_slowly_and_adagrads_never():
    grown = {}
    for name in ("Adagrad", "RMSprop", "Adam"):
        rates = effective(name, 100).stage.layers["rates"].y
        grown[name] = rates[:, 99] / rates[:, 49]
    assert np.all(grown["Adagrad"] < 1)
    assert np.all(grown["RMSprop"] > 7)
    assert np.all((grown["Adam"] > 1.2) & (grown["Adam"] < 1.6))


def test_adams_effective_rate_does_not_wait_for_its_mean_of_gradients():
    rates = effective("Adam", 60).stage.layers["rates"].y
    growth = rates[:, 50] / rates[:, 49]
    assert np.all((growth > 1) & (growth < 1.05))


def test_a_dragged_gradient_changes_its_own_bars_only():
    explorer = effective("Adam", 60)
    before = {key: tops(explorer, key) for key in ("gradient", "rate", "length")}
    drag(explorer, "gradient of parameter 3", 3.0, 50.0)
    after = {key: tops(explorer, key) for key in before}
    assert after["gradient"][2] == pytest.approx(50)
    ratio = after["gradient"][2] / before["gradient"][2]
    assert after["rate"][2] == pytest.approx(before["rate"][2] / ratio, rel=1e-3)
    others = np.arange(8) != 2
    for key, values in after.items():
        np.testing.assert_array_equal(values[others], before[key][others])
    np.testing.assert_allclose(after["length"], before["length"], rtol=1e-3)


def test_the_reading_says_what_sgd_leaves_apart_and_adam_makes_equal():
    assert effective("SGD", 30).stage.reading == (
        "SGD at the rate η = 0.01 (dotted), step 30: the gradients differ by a factor of 10,000, "
        "the steps differ by a factor of 10,000. The effective rate of parameter 1 is 0.01, "
        "1 times that at step 1."
    )
    assert effective("Adagrad", 100, 1.0).stage.reading == (
        "Adagrad at the rate η = 0.01 (dotted), step 100: the gradients differ by a factor of "
        "10,000, all steps are equally long. The effective rate of parameter 1 is 0.1, "
        "0.1 times that at step 1."
    )
