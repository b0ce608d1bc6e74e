import numpy as np
import pytest

from course_utils.explorers import gradient_descent as explorers
from course_utils.landscapes import himmelblau


def drag(explorer, key, x, y):
    explorer.stage.layers[key].on_drag(x, y)


def test_the_step_shown_is_minus_rate_times_slope():
    explorer = explorers.slope()
    explorer.controls[0].value = 0.5
    drag(explorer, "w", 1.6, 0.0)
    x = explorer.stage.layers["step"].x
    assert x[0] == 1.6
    assert x[1] - x[0] == pytest.approx(-0.5 * (1.6**3 - 1.6 + 0.15))
    tangent = explorer.stage.layers["tangent"]
    assert np.diff(tangent.y)[0] / np.diff(tangent.x)[0] == pytest.approx(1.6**3 - 1.6 + 0.15)


def test_dragging_the_start_moves_the_path():
    explorer = explorers.descent()
    drag(explorer, "start", -3.0, 3.0)
    path = explorer.stage.layers["path"]
    assert (path.x[0], path.y[0]) == (-3.0, 3.0)
    assert (path.x[-1], path.y[-1]) == pytest.approx(himmelblau().minima[1], abs=1e-3)
    assert "reaches the minimum at (−2.81, 3.13)" in explorer.stage.reading


def test_too_large_a_rate_is_called_divergence():
    explorer = explorers.descent()
    explorer.controls[1].value = 1.0
    assert "diverges" in explorer.stage.reading


def test_another_landscape_brings_its_own_start():
    explorer = explorers.descent()
    before = explorer.stage.to_png()
    explorer.controls[0].value = "Saddle"
    assert explorer.stage.layers["path"].x[0] == explorers.COURSES["Saddle"].start[0]
    assert explorer.stage.to_png() != before


def test_a_linear_models_batches_average_to_the_whole():
    problem = explorers.TwoWeights.load()
    whole, *_ = problem.batches(1, len(problem.targets), seed=0)
    single = problem.batches(1, 1, seed=0)
    at = np.array([0.3, -0.7])
    gradients = [batch.gradient(at) for batch in single]
    np.testing.assert_allclose(np.mean(gradients, axis=0), whole.gradient(at))
    np.testing.assert_allclose(whole.gradient(problem.best), 0, atol=1e-12)
    step = 1e-6 * np.eye(2)
    slopes = (problem.value(at + step) - problem.value(at - step)) / 2e-6
    np.testing.assert_allclose(whole.gradient(at), slopes, rtol=1e-6)


def test_small_batches_climb_now_and_then_and_the_whole_set_never_does():
    explorer = explorers.noise()
    size = explorer.controls[0]
    whole = size.options[-1][1]
    for value in (1, whole):
        size.value = value
        loss = explorer.stage.layers["loss"].y
        assert len(loss) - 1 == explorers.EPOCHS * -(-whole // value)
        assert np.any(np.diff(loss) > 0) == (value == 1)


def test_another_order_draws_another_path():
    explorer = explorers.noise()
    before = explorer.stage.layers["path"].x.copy()
    explorer.controls[2].click()
    assert not np.array_equal(before, explorer.stage.layers["path"].x)


def test_every_start_is_coloured_by_the_minimum_it_reaches():
    starts = explorers.start_grid(himmelblau())
    assert starts.shape == (2_500, 2)
    reached = explorers.which_minimum(np.array(himmelblau().minima), himmelblau().minima)
    assert reached.tolist() == [0, 1, 2, 3]
    explorer = explorers.basins()
    drag(explorer, "probe start", -3.0, -3.0)
    assert explorer.stage.reading.endswith("Your start (−3.00, −3.00) ends at C.")


def test_the_points_on_their_way_keep_the_colour_of_their_end():
    swarm = explorers.basins().stage.layers["swarm"]
    assert swarm.x.shape == (11, 289)
    ends = np.stack([swarm.x[-1], swarm.y[-1]], axis=-1)
    groups = np.repeat(np.arange(len(swarm.counts)), swarm.counts)
    assert np.array_equal(explorers.which_minimum(ends, himmelblau().minima), groups)


def test_the_census_leaves_out_what_would_read_as_zero_percent():
    text = explorers.census(np.array([0] * 999 + [2]), 0, (0, 0), ((0, 0), (2, 2)))
    assert text.startswith("1,000 starts end: 100% at A. ")


def test_the_census_adds_up():
    text = explorers.census(np.array([0, 0, 1, 2]), 1, (0, 0), ((0, 0), (2, 2)))
    assert text == (
        "4 starts end: 50% at A, 25% at B, 25% at none of them. Your start (0.00, 0.00) ends at B."
    )
