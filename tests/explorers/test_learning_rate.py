import re

import numpy as np
import pytest

from course_utils.datasets import digits
from course_utils.explorers import learning_rate as explorers
from course_utils.networks import NetworkLoss
from course_utils.schedules import Constant, CosineDecay, OneCycle

KINDS = [*explorers.DECAYS, explorers.ONE_CYCLE]


def drag(explorer, key, x, y):
    explorer.stage.layers[key].on_drag(x, y)


def trained_by_hand(rate_of_step, batch_size, steps, seed=0):
    """Return the loss before each step on its batch, and on all images at the end."""
    data, order = digits(), np.random.default_rng(seed)
    w, losses = explorers.NETWORK.initial(seed=0), []
    while len(losses) < steps:
        rows_of_all = order.permutation(len(data.train_inputs))
        for batch in range(len(rows_of_all) // batch_size):
            rows = rows_of_all[batch * batch_size : (batch + 1) * batch_size]
            batch_loss = NetworkLoss(
                explorers.NETWORK, data.train_inputs[rows], data.train_targets[rows]
            )
            value, gradient = batch_loss.value_and_gradient(w)
            w = w - rate_of_step(len(losses)) * gradient
            losses.append(value)
            if len(losses) == steps:
                break
    whole = NetworkLoss(explorers.NETWORK, data.train_inputs, data.train_targets)
    return losses, whole.value(w)


@pytest.mark.parametrize(("curvature", "rate"), [(0.5, 1.0), (2.0, 0.8), (16.0, 0.15)])
def test_on_a_parabola_each_step_multiplies_the_distance_by_one_minus_rate_times_curvature(
    curvature, rate
):
    explorer = explorers.stability()
    explorer.controls[0].value, explorer.controls[1].value = curvature, rate
    drag(explorer, "start", 1.2, 0.0)
    expected = 1.2 * (1 - rate * curvature) ** np.arange(explorers.JUMPS + 1)
    path, distance = explorer.stage.layers["path"], explorer.stage.layers["distance"]
    np.testing.assert_allclose(path.x, expected, atol=1e-12)
    np.testing.assert_allclose(path.y, curvature * expected**2 / 2, atol=1e-12)
    np.testing.assert_allclose(distance.y, np.abs(expected), atol=2e-12)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (
            0.1,
            "by 0.800: w stays on its side, and the distance shrinks. After 30 steps it is 0.002",
        ),
        (0.5, "by 0: one step reaches the minimum."),
        (0.8, "by −0.600: w changes sides, and the distance shrinks."),
        (1.0, "by −1: w changes sides, and the distance stays."),
        (1.2, "by −1.400: w changes sides, and the distance grows. After 30 steps it is 4.36e+04."),
        (5.0, "by −9: w changes sides, and the distance grows. After 30 steps it is more than a"),
    ],
)
def test_the_reading_says_what_each_step_does_on_a_parabola_of_curvature_two(rate, said):
    explorer = explorers.stability()
    explorer.controls[1].value = rate
    assert f"Each step multiplies w {said}" in explorer.stage.reading


def test_at_the_minimum_no_step_moves_and_high_starts_are_drawn_at_the_top():
    explorer = explorers.stability()
    drag(explorer, "start", 0.0, 0.0)
    assert "The start is the minimum" in explorer.stage.reading
    drag(explorer, "start", 3.0, 0.0)
    assert explorer.stage.layers["start"].y == explorers.HIGHEST
    assert explorer.stage.reading.endswith("The start lies above the picture.")


def test_every_batch_is_full_and_holds_no_image_twice_in_an_epoch():
    batches = explorers.batches(256, 12, seed=3)
    assert [batch.examples for batch in batches] == [256] * 12
    epoch = np.concatenate([batch.inputs for batch in batches[:5]])
    everything = np.unique(digits().train_inputs, axis=0)
    doubles = len(digits().train_inputs) - len(everything)
    assert len(np.unique(epoch, axis=0)) >= len(epoch) - doubles


def test_the_range_test_raises_the_rate_in_equal_ratios_and_takes_the_loss_before_each_step():
    explorer = explorers.range_test()
    explorer.controls[0].value, explorer.controls[1].value = 1e-2, 1.0
    rates = np.geomspace(1e-2, 1.0, explorers.TEST_STEPS)
    losses, _ = trained_by_hand(lambda step: rates[step], 32, explorers.TEST_STEPS)
    dots = explorer.stage.layers["test batches"]
    np.testing.assert_allclose(dots.x, rates)
    np.testing.assert_allclose(dots.y, losses)


def test_the_run_beside_keeps_the_picked_rate_from_the_start_on():
    explorer = explorers.range_test()
    explorer.controls[2].value = 16
    before = explorer.stage.layers["test"].y
    drag(explorer, "rate", 0.3, 0.0)
    losses, end = trained_by_hand(lambda step: 0.3, 16, explorers.TEST_STEPS)
    np.testing.assert_allclose(explorer.stage.layers["run batches"].y, losses)
    assert f"At your rate 0.3 the loss on all images after 100 steps is {end:.3g}." in (
        explorer.stage.reading
    )
    np.testing.assert_array_equal(explorer.stage.layers["test"].y, before)


def test_another_order_gives_other_batches_to_both_runs():
    explorer = explorers.range_test()
    before = explorer.stage.layers
    explorer.controls[3].click()
    for key in ("test batches", "run batches"):
        assert not np.array_equal(before[key].y, explorer.stage.layers[key].y)


def test_the_landmarks_of_a_range_test_are_where_the_curve_has_them():
    rates = np.geomspace(1e-4, 10, explorers.TEST_STEPS)
    neighbour = rates[1] / rates[0]
    place = np.log10(rates)
    falling = 2.3 - 1 / (1 + np.exp(-6 * (place + 1.5)))  # steepest at 10^-1.5
    valley = falling + 2 * np.maximum(place - 0.2, 0)  # as high as at the start at 10^0.7
    said = explorers.landmarks(rates, valley)
    numbers = re.fullmatch(
        "The loss falls fastest near the rate (.*), is lowest near (.*), "
        "and from (.*) on it is higher than at the start.",
        said,
    )
    np.testing.assert_allclose(
        np.log([float(number) for number in numbers.groups()]),
        np.log([10**-1.5, 10**0.2, 10**0.7]),
        atol=np.log(neighbour),
    )
    assert explorers.landmarks(rates, falling).endswith(
        "is lowest near 10, and it never gets higher than at the start."
    )


def test_a_rate_that_is_far_too_large_is_said_to_be_no_better_than_guessing():
    explorer = explorers.range_test()
    drag(explorer, "rate", 20.0, 0.0)
    assert explorer.stage.reading.endswith("no better than ten equal guesses (2.30).")
    drag(explorer, "rate", 0.1, 0.0)
    assert "guesses" not in explorer.stage.reading


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warm_up", [0.0, 0.25])
def test_every_schedule_has_its_peak_after_the_warm_up_and_ends_at_the_last_rate(kind, warm_up):
    schedule = explorers.designed(kind, 0.4, 0.05, warm_up)
    rates = schedule(np.arange(explorers.EPOCH))
    top = round(warm_up * explorers.EPOCH)
    if kind == "One-cycle":
        assert rates[0] == pytest.approx(0.4 / OneCycle.start_divisor)
    else:
        np.testing.assert_allclose(
            rates[: top + 1], np.linspace(0.4 if top == 0 else 0, 0.4, top + 1)
        )
    assert rates[max(top, 1) if kind == "One-cycle" else top] == rates.max() == pytest.approx(0.4)
    if kind == "Constant":
        assert rates[-1] == 0.4
    elif kind == "Cosine restarts":  # which starts again after the last step
        assert rates[-1] == pytest.approx(0.02, rel=0.02)
    else:
        assert schedule(explorers.EPOCH) == pytest.approx(0.02)


def test_the_cosine_restarts_twice_each_decay_twice_as_long_as_the_one_before():
    rates = explorers.designed("Cosine restarts", 0.4, 0.05, 0.0)(np.arange(explorers.EPOCH))
    starts = np.flatnonzero(rates == rates.max())
    assert starts.tolist() == [0, explorers.EPOCH // 7, 3 * explorers.EPOCH // 7]


def test_the_race_trains_both_rates_on_the_same_batches():
    cosine = CosineDecay(0.5, explorers.EPOCH)
    losses = explorers.race(cosine, 0.5)
    for column, rate_of_step in enumerate((cosine, Constant(0.5))):
        _, end = trained_by_hand(rate_of_step, 8, explorers.EPOCH)
        assert losses[-1, column] == pytest.approx(end)
    assert len(losses) == explorers.EPOCH / explorers.LOOK_EVERY + 1


def test_at_the_default_peak_the_decay_beats_the_constant_rate():
    explorer = explorers.schedule_designer()
    mine, constant = (explorer.stage.layers[key].y for key in ("loss", "constant loss"))
    assert mine[-1] < 0.75 * constant[-1]
    shown = explorer.stage.layers["rate"]
    np.testing.assert_allclose(shown.y, CosineDecay(1.0, explorers.EPOCH, alpha=0.01)(shown.x))
    assert f"is {mine[-1]:.3g}. At the constant rate 0.5 it is {constant[-1]:.3g}." in (
        explorer.stage.reading
    )
    explorer.controls[0].value = "Constant"
    layers = explorer.stage.layers
    np.testing.assert_allclose(layers["loss"].y, layers["constant loss"].y)
    assert "slider for the last rate has no effect" in explorer.stage.reading


@pytest.mark.parametrize(("size", "row"), [(8, 4), (64, 6), (256, 5)])
def test_a_cell_of_the_map_is_what_training_it_alone_gives(size, row):
    for steps in (explorers.EPOCHS * (1347 // size), explorers.EQUAL_STEPS):
        looks, losses = explorers.sweep(size, steps)
        _, end = trained_by_hand(lambda step: explorers.RATES[row], size, steps)
        assert looks[-1] == steps
        assert losses[-1, row] == pytest.approx(end)


def last_losses(steps_of_size):
    """Return the losses at the end of all runs, shape (sizes, rates)."""
    return np.stack([explorers.sweep(size, steps_of_size(size))[1][-1] for size in explorers.SIZES])


def test_the_titles_of_the_map_are_true():
    epochs = last_losses(lambda size: explorers.EPOCHS * (1347 // size))
    best = explorers.RATES[epochs.argmin(axis=1)]
    assert best[-1] == 4 * best[0]
    steps = last_losses(lambda size: explorers.EQUAL_STEPS)
    small = explorers.RATES <= 1 / 16
    spread = np.ptp(steps[:, small], axis=0) / steps[:, small].mean(axis=0)
    assert np.all(spread < 0.06)


def test_doubling_rate_and_batch_size_together_keeps_the_loss_until_the_rate_is_too_large():
    losses = last_losses(lambda size: explorers.EPOCHS * (1347 // size))
    line = [losses[column, column + 1] for column in range(len(explorers.SIZES))]
    assert np.ptp(line[:4]) < 0.02 * line[0]
    assert line[4] > 1.1 * line[0]
    assert line[5] > 1.7 * line[0]


def test_the_picked_cell_snaps_and_its_line_doubles_rate_and_batch_size_together():
    explorer = explorers.rate_and_batch()
    drag(explorer, "cell", 2.9, 3.05)
    layers = explorer.stage.layers
    assert int(layers["cell"].x) == 2
    assert int(layers["cell"].y) == 3
    slope = np.diff(layers["line"].y) / np.diff(layers["line"].x)
    assert slope == pytest.approx(1)
    np.testing.assert_allclose(np.diff(np.log2(explorers.SIZES)), 1)
    np.testing.assert_allclose(np.diff(np.log2(explorers.RATES)), 1)
    losses = last_losses(lambda size: explorers.EPOCHS * (1347 // size))
    assert layers["run"].y[-1] == losses[2, 3]
    np.testing.assert_array_equal(layers["others"].y[:, -1], np.delete(losses[2], 3))
    along = ", ".join(f"{losses[column, column + 1]:.2f}" for column in range(6))
    assert explorer.stage.reading == (
        f"Batch size 32, rate 0.125: after 126 steps the loss is {losses[2, 3]:.3g}. For this "
        f"batch size the rate {explorers.RATES[losses[2].argmin()]:.3g} is best, with "
        f"{losses[2].min():.3g}. On the dashed line, from batch size 8 to 256, the losses are "
        f"{along}."
    )
    drag(explorer, "cell", 0.0, 9.0)
    assert "dashed line" not in explorer.stage.reading
