import numpy as np
import pytest
import scipy.optimize

from course_utils import landscapes

LANDSCAPES = [
    landscapes.bowl(condition_number=1),
    landscapes.bowl(condition_number=100),
    landscapes.rosenbrock(),
    landscapes.himmelblau(),
    landscapes.saddle(),
    landscapes.ravine(),
    landscapes.beale(),
    landscapes.rastrigin(),
    landscapes.styblinski_tang(),
    landscapes.monkey_saddle(),
    landscapes.plateau(),
    landscapes.cliff(),
    landscapes.double_well(),
    landscapes.double_well(tilt=0.2),
    landscapes.double_well(tilt=0.5),
]
every_landscape = pytest.mark.parametrize("landscape", LANDSCAPES, ids=lambda land: land.name)


def fmin_bfgs(landscape, start):
    with np.errstate(all="ignore"):
        found = scipy.optimize.minimize(
            landscape.value, start, jac=landscape.gradient, method="BFGS"
        )
    return found.x


def points_in(landscape, count, rng):
    low, high = np.transpose(landscape.window)
    return rng.uniform(low, high, (count, landscape.size))


@every_landscape
def test_gradient_equals_the_complex_step(landscape, rng):
    points = points_in(landscape, 1000, rng)
    gradient = landscape.gradient(points)
    largest = np.abs(gradient).max()
    for i in range(landscape.size):
        shifted = points.astype(complex)
        shifted[:, i] += 1e-30j
        slope = landscape.value(shifted).imag / 1e-30
        assert np.abs(gradient[:, i] - slope).max() < 1e-12 * largest


@every_landscape
def test_stated_minima_are_minima_inside_the_window(landscape, rng):
    largest = np.abs(landscape.gradient(points_in(landscape, 1000, rng))).max()
    for minimum in np.array(landscape.minima):
        low, high = np.transpose(landscape.window)
        assert np.all((low < minimum) & (minimum < high))
        assert np.abs(landscape.gradient(minimum)).max() < 1e-12 * largest
        around = minimum + 1e-3 * rng.normal(size=(200, landscape.size))
        assert landscape.value(minimum) < landscape.value(around).min()


def found_minima(landscape, starts):
    """Where BFGS comes to rest inside the window with the landscape curving up around it."""
    points = np.array([fmin_bfgs(landscape, start) for start in starts])
    low, high = np.transpose(landscape.window)
    points = points[np.all((low < points) & (points < high), axis=-1)]
    points = points[np.abs(landscape.gradient(points)).max(axis=-1) < 1e-3]
    around = points[:, None] + 1e-2 * np.array([[1.0], [-1.0]]) * np.ones(landscape.size)
    return points[np.all(landscape.value(around) > landscape.value(points)[:, None], axis=1)]


@every_landscape
def test_no_minimum_is_forgotten(landscape, rng):
    found = found_minima(landscape, points_in(landscape, 200, rng))
    if not landscape.minima:
        assert len(found) == 0
        return
    distance = np.abs(found[:, None] - np.array(landscape.minima)).max(axis=-1)
    assert np.all(distance.min(axis=1) < 1e-2)
    assert np.all(distance.min(axis=0) < 1e-3)


@every_landscape
def test_value_and_gradient_keep_leading_axes(landscape, rng):
    points = points_in(landscape, 12, rng).reshape(3, 4, landscape.size)
    assert landscape.value(points).shape == (3, 4)
    assert landscape.gradient(points).shape == points.shape
    np.testing.assert_array_equal(
        landscape.gradient(points)[1, 2], landscape.gradient(points[1, 2])
    )


def test_the_bowl_has_the_condition_number_asked_for():
    gradient = landscapes.bowl(condition_number=25).gradient(np.eye(2))
    assert np.linalg.cond(gradient) == pytest.approx(25)


def test_gradient_of_whole_numbers_is_not_cut_to_whole_numbers():
    gradient = landscapes.bowl(condition_number=1.5).gradient(np.array([1, 1]))
    assert gradient.tolist() == [1.0, 1.5]


def test_bowl_refuses_a_condition_number_below_1():
    with pytest.raises(ValueError, match=r"condition_number must be at least 1, got 0.5"):
        landscapes.bowl(condition_number=0.5)


def test_a_strong_tilt_leaves_one_well():
    assert len(landscapes.double_well(tilt=0.38).minima) == 2
    assert len(landscapes.double_well(tilt=0.39).minima) == 1


def test_the_ravine_runs_at_its_angle():
    along = np.array([np.cos(np.radians(30)), np.sin(np.radians(30))])
    across = np.array([-along[1], along[0]])
    ravine = landscapes.ravine(condition_number=50, degrees=30)
    np.testing.assert_allclose(ravine.gradient(along), along, atol=1e-12)
    np.testing.assert_allclose(ravine.gradient(across), 50 * across, atol=1e-12)
