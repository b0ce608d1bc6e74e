import numpy as np
import pytest

from course_utils.lines import absolute_line, heights, huber_line, line_loss, squares_line
from course_utils.losses import huber, mean_absolute_error, mean_squared_error


def points_with_outlier_at(y):
    x = np.arange(1.0, 12.0)
    noise = np.random.default_rng(7).normal(scale=0.6, size=x.size)
    return x, np.append((2 + 0.6 * x + noise)[:-1], y)


@pytest.mark.parametrize("delta", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("y", [0.0, 7.0, 16.0])
def test_each_line_has_the_least_loss(y, delta):
    x, y = points_with_outlier_at(y)
    nearby = 0.01 * np.random.default_rng(0).standard_normal((500, 2))
    for line, loss in (
        (squares_line(x, y), mean_squared_error),
        (absolute_line(x, y), mean_absolute_error),
        (huber_line(x, y, delta), lambda *pair: huber(*pair, delta=delta)),
    ):
        least = line_loss(loss, line, x, y)
        assert np.all(line_loss(loss, line + nearby, x, y) >= least - 1e-12)


def test_hubers_line_leaves_no_slope_of_its_loss():
    x, y = points_with_outlier_at(14.0)
    delta = 1.0
    line = huber_line(x, y, delta)
    _, pulls = huber(heights(line, x)[:, None], y[:, None], delta)
    assert [pulls.sum(), x @ pulls[:, 0]] == pytest.approx([0, 0], abs=1e-8)


@pytest.mark.parametrize("fit", [squares_line, absolute_line, lambda x, y: huber_line(x, y, 1.0)])
def test_points_above_one_another_have_no_line(fit):
    with pytest.raises(ValueError, match=r"two or more different x, got x = \[3\. 3\.\]"):
        fit(np.array([3.0, 3.0]), np.array([0.0, 1.0]))


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan])
def test_hubers_line_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match=f"delta must be positive, got {delta}"):
        huber_line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), delta)
