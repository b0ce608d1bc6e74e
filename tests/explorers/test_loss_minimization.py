import numpy as np
import pytest
from scipy.stats import ks_2samp

from course_utils.curvature import hessian_vector
from course_utils.datasets import digits
from course_utils.descent import minimize
from course_utils.explorers import loss_minimization as explorers
from course_utils.explorers import loss_problems as problems
from course_utils.networks import NetworkLoss
from course_utils.optimizers import SGD


def drag(explorer, key, x, y):
    explorer.stage.layers[key].on_drag(x, y)


def drawn_line(explorer, key):
    """Return slope and intercept of a straight curve."""
    layer = explorer.stage.layers[key]
    return np.polyfit(layer.x, layer.y, 1)


def point(explorer):
    return explorer.stage.layers["point"].x, explorer.stage.layers["point"].y


def test_the_point_on_the_map_is_the_line_through_the_patients():
    explorer = explorers.fit_line()
    drag(explorer, "left end", 30.0, 100.0)
    drag(explorer, "right end", 30.0, 230.0)
    assert explorer.stage.layers["line"].y.tolist() == [100.0, 230.0]
    assert point(explorer) == pytest.approx(drawn_line(explorer, "line"))
    drag(explorer, "point", 8.0, -40.0)
    assert drawn_line(explorer, "line") == pytest.approx([8.0, -40.0])
    body_mass, score = problems.body_mass_and_score()
    loss = np.mean((8 * body_mass - 40 - score) ** 2)
    assert f"mean squared error is {loss:,.0f}, " in explorer.stage.reading


def test_pulling_one_end_walks_straight_on_the_map_and_changes_both_parameters():
    explorer = explorers.fit_line()
    for height in (200, 150, 40):
        drag(explorer, "left end", 17.0, height)
    visited = explorer.stage.layers["visited"]
    assert len(visited.x) == 4
    assert len(set(visited.x)) == len(set(visited.y)) == 4
    np.testing.assert_allclose(visited.y + 43 * visited.x, 90)  # the right end stays


def test_a_line_from_the_map_stays_inside_the_picture_of_the_patients():
    explorer = explorers.fit_line()
    drag(explorer, "point", 15.0, 620.0)
    assert explorer.stage.layers["line"].y.tolist() == [360.0, 360.0]
    assert point(explorer) == pytest.approx((0, 360))


def test_the_best_line_is_shown_on_request_and_leaves_no_slope_of_the_loss():
    explorer = explorers.fit_line()
    shown = explorer.controls[0]
    assert "best" not in explorer.stage.layers
    shown.value = "shown"
    slope, intercept = drawn_line(explorer, "best")
    body_mass, score = problems.body_mass_and_score()
    errors = slope * body_mass + intercept - score
    assert [errors.mean(), (errors * body_mass).mean()] == pytest.approx([0, 0], abs=1e-8)
    drag(explorer, "point", slope, intercept)
    assert explorer.stage.reading.endswith("you have found the best line.")
    shown.value = "hidden"
    assert not {"best", "best point"} & explorer.stage.layers.keys()


def test_another_start_forgets_where_the_line_has_been():
    explorer = explorers.fit_line()
    drag(explorer, "left end", 17.0, 40.0)
    explorer.controls[1].click()
    visited = explorer.stage.layers["visited"]
    assert (visited.x, visited.y) == point(explorer)
    assert point(explorer) != point(explorers.fit_line())


def test_raising_the_outlier_turns_the_line_of_squares_alone():
    explorer = explorers.which_loss()
    drag(explorer, "red", 10.5, 11.0)
    before = {name: drawn_line(explorer, name) for name in ("MSE", "MAE", "Huber")}
    drag(explorer, "red", 10.5, 16.0)
    assert drawn_line(explorer, "MAE") == pytest.approx(before["MAE"])
    assert drawn_line(explorer, "Huber") == pytest.approx(before["Huber"])
    assert drawn_line(explorer, "MSE")[0] > before["MSE"][0] + 0.1
    assert "from 0.61 to 0.85 for MSE" in explorer.stage.reading


def test_hubers_line_goes_from_nearly_that_of_mae_to_that_of_mse():
    explorer = explorers.which_loss()
    delta = explorer.controls[0]
    delta.value = delta.base**delta.max
    assert drawn_line(explorer, "Huber") == pytest.approx(drawn_line(explorer, "MSE"))
    delta.value = delta.base**delta.min
    assert drawn_line(explorer, "Huber")[0] == pytest.approx(
        drawn_line(explorer, "MAE")[0], abs=0.03
    )


def test_the_outlier_pulls_with_twice_its_error_with_1_and_with_delta():
    explorer = explorers.which_loss()
    delta = explorer.controls[0].value
    for name, pull in (("MSE", None), ("MAE", 1.0), ("Huber", delta)):
        dot = explorer.stage.layers[f"pull now {name}"]
        slope, intercept = drawn_line(explorer, name)
        error = 14 - slope * 10.5 - intercept
        assert dot.x[0] == pytest.approx(error)
        assert dot.y[0] == pytest.approx(pull or 2 * error)


@pytest.fixture
def images():
    data = digits()
    return NetworkLoss(problems.NETWORK, data.train_inputs[:200], data.train_targets[:200])


def slice_values(explorer):
    """Return the losses along the slice, from the curve that fills the picture."""
    layers = explorer.stage.layers
    low, high = (float(layers[key].text.split()[1]) for key in ("low", "high"))
    return low + layers["loss"].y * (high - low)


def test_a_slice_shows_the_loss_of_the_weights_it_passes(images):
    explorer = explorers.loss_slice()
    values = slice_values(explorer)
    first, second = problems.trained(0), problems.trained(1)
    between = first + 0.5 * (second - first)
    expected = images.value(np.stack([2 * first - second, first, between, second]))
    np.testing.assert_allclose(values[[0, 30, 45, 60]], expected, rtol=0.02, atol=0.01)


def test_the_slice_turns_with_the_handle_and_widens_with_the_slider():
    explorer = explorers.loss_slice()
    drag(explorer, "turn", 0.0, -1.2)
    explorer.controls[1].value = 0.5
    ends = explorer.stage.layers["slice"]
    assert ends.x[[0, -1]] == pytest.approx([0, 0])
    assert ends.y[[0, -1]] == pytest.approx([0.5, -0.5])
    drag(explorer, "turn", 0.0, 0.0)
    assert explorer.stage.layers["slice"].y[0] == pytest.approx(0.5)


def test_a_narrow_window_looks_convex_and_a_wide_one_over_the_ridge_does_not():
    explorer = explorers.loss_slice()
    zoom = explorer.controls[1]
    zoom.value = 0.1
    assert explorer.stage.reading.endswith("this window looks convex.")
    zoom.value = 1.0
    assert explorer.stage.reading.endswith("the loss is not convex.")
    layers = explorer.stage.layers
    middle = np.interp(layers["chord"].x.mean(), layers["loss"].x, layers["loss"].y)
    assert layers["chord"].y.mean() < middle - explorers.VISIBLE


def test_random_directions_see_one_valley_and_random_weights_do_not_beat_guessing():
    explorer = explorers.loss_slice()
    explorer.controls[0].value = problems.ONE_TRAINED
    drag(explorer, "turn", 1.0, 1.0)
    assert explorer.stage.reading.endswith("this window looks convex.")
    assert problems.weight_plane(problems.RANDOM).heights.min() > np.log(10) - 0.05


def test_no_chord_lies_below_a_parabola():
    x = np.linspace(-1, 2, 31)
    assert problems.worst_chord(x * x)[2] <= 1e-12
    start, end, depth = problems.worst_chord(-x * x)
    assert (start, end) == (0, 30)
    assert depth == pytest.approx(1.5**2)


def test_the_best_of_many_directions_agrees_with_what_is_known_in_two_and_three_dimensions():
    for tries in (1, 2, 10, 1000):
        in_space = problems.expected_best(tries, problems.cosine_shares(3))
        assert in_space == pytest.approx((tries - 1) / (tries + 1), abs=1e-4)
    in_plane = problems.expected_best(2, problems.cosine_shares(2))
    assert in_plane == pytest.approx(4 / np.pi**2, abs=1e-4)


@pytest.mark.parametrize("dimensions", [2, 5, 50])
def test_random_cosines_are_spread_as_those_of_whole_vectors(dimensions):
    vectors = np.random.default_rng(0).standard_normal((20_000, dimensions))
    whole = vectors[:, 0] / np.linalg.norm(vectors, axis=1)
    quick = problems.random_cosines(dimensions, 20_000, seed=1)
    assert ks_2samp(whole, quick).pvalue > 0.01


def test_the_average_best_is_the_average_of_many_draws():
    best = [problems.random_cosines(2410, 100, seed).max() for seed in range(400)]
    average = problems.expected_best(100, problems.cosine_shares(2410))
    assert average == pytest.approx(np.mean(best), rel=0.03)


def test_the_best_of_the_drawn_directions_is_marked_and_read():
    explorer = explorers.random_search()
    dimension, tries, again = explorer.controls
    dimension.value, tries.value = 2410, 100
    layers = explorer.stage.layers
    assert layers["tries"].x.shape == (100,)
    assert layers["best"].x == layers["tries"].x.max() == layers["best here"].y
    assert f"brings {layers['best'].x[0]:.1%} of" in explorer.stage.reading
    assert explorer.stage.reading.endswith("many such tries is 5.1%.")
    again.click()
    assert explorer.stage.layers["best"].x != layers["best"].x


def test_the_averages_are_drawn_as_far_as_the_reader_has_come():
    explorer = explorers.random_search()
    dimension, tries, _ = explorer.controls

    def farthest(key):
        return explorer.stage.layers[key].x.max()

    assert farthest("average") == farthest("usual") == 2
    dimension.value = 2410
    assert farthest("average") == farthest("usual") == 2410
    dimension.value, tries.value = 10, 1000
    assert farthest("average") == farthest("usual") == 2410
    yours, usual = (explorer.stage.layers[key].y for key in ("average", "usual"))
    assert np.all(yours > usual)
    assert yours[-1] == pytest.approx(0.066, abs=0.001)
    assert usual[-1] == pytest.approx(0.051, abs=0.001)


def test_a_best_direction_that_leads_uphill_is_called_so():
    assert "even the best one leads uphill" in explorers.searched(5, 1, -0.2, 0.0)


def test_the_workshops_best_corner_and_multipliers():
    workshop = problems.Workshop()
    corner, multipliers = workshop.solution
    assert corner == pytest.approx([3, 1])
    assert multipliers == pytest.approx([2, 0, 1, 0, 0], abs=1e-9)
    assert corner @ workshop.profit == pytest.approx(max(workshop.corners @ workshop.profit))
    assert sorted(workshop.corners.round(9).tolist()) == [[0, 0], [0, 3.5], [1, 3], [3, 0], [3, 1]]


def test_the_penalised_loss_has_the_gradient_that_it_says():
    loss = problems.Penalised(problems.Workshop(), strength=3.0)
    for at in ([0.6, 0.5], [3.4, 1.2], [-0.5, 5.0], [5.0, -0.7]):
        step = 1e-6 * np.eye(2)
        slopes = (loss.value(at + step) - loss.value(at - step)) / 2e-6
        np.testing.assert_allclose(loss.gradient(np.array(at)), slopes, rtol=1e-6, atol=1e-6)


def test_the_rate_of_the_penalty_is_safe_wherever_the_start_is():
    loss = problems.Penalised(problems.Workshop(), strength=3.0)
    for at in np.random.default_rng(0).uniform(-3, 8, (50, 2)):
        hessian = [hessian_vector(loss, at, direction) for direction in np.eye(2)]
        assert np.linalg.eigvalsh(np.array(hessian))[-1] <= loss.largest_curvature + 1e-3


@pytest.mark.parametrize("strength", [10**-0.5, 10**1.35, 100.0, 7.77])  # 7.77 can be typed only
def test_a_path_is_the_same_alone_and_among_those_of_all_strengths(strength):
    loss = problems.Penalised(problems.Workshop(), strength)
    alone = minimize(loss, SGD(1 / loss.largest_curvature), (0.6, 0.5), problems.PENALTY_STEPS)
    path = problems.penalised_path((0.6, 0.5), strength)
    np.testing.assert_allclose(path, alone.points, rtol=1e-9)


def test_the_slider_stands_at_strengths_that_are_walked_at_once():
    (slider,) = explorers.penalty().controls
    exponents = np.log10(problems.STRENGTHS)
    assert (slider.min, slider.max) == pytest.approx((exponents[0], exponents[-1]))
    assert slider.step == pytest.approx(np.diff(exponents))


@pytest.mark.parametrize("strength", [1.0, 10.0])
def test_the_end_of_the_path_is_the_penalised_minimum(strength):
    explorer = explorers.penalty()
    explorer.controls[0].value = strength
    path = explorer.stage.layers["path"]
    end = np.array([path.x[-1], path.y[-1]])
    assert end == pytest.approx(np.array([3, 1]) + 0.5 / strength, abs=1e-3)
    assert explorer.stage.layers["distance"].y[-1] == pytest.approx(np.sqrt(0.5) / strength, 0.01)
    assert "Times 2ρ that is 2.00, 1.00; the exact multipliers are 2, 1." in explorer.stage.reading


def test_a_weak_penalty_lets_a_third_constraint_pay():
    explorer = explorers.penalty()
    explorer.controls[0].value = 0.5
    assert "wood by 1.67, paint by 0.17, sawing by 1.17" in explorer.stage.reading
    assert explorer.stage.reading.endswith("1.67, 0.17, 1.17; the exact multipliers are 2, 0, 1.")


def test_a_strong_penalty_is_said_to_need_more_steps():
    explorer = explorers.penalty()
    explorer.controls[0].value = 100
    assert "still on its way" in explorer.stage.reading
    drag(explorer, "start", 3.0, 1.0)
    assert explorer.stage.layers["path"].x[0] == 3.0
    assert "still on its way" not in explorer.stage.reading


def test_level_lines_lie_at_their_level():
    x, y = np.meshgrid(np.linspace(0, 4, 30), np.linspace(0, 3, 30))
    lines = explorers.level_lines(x, y, 2 * x + y, [3.0])
    points = lines[:, np.isfinite(lines).all(axis=0)]
    assert points.shape[1] > 10
    np.testing.assert_allclose(2 * points[0] + points[1], 3)
    assert explorers.level_lines(x, y, 2 * x + y, [99.0]).shape[0] == 2
