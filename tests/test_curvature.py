import numpy as np
import pytest

from course_utils.curvature import (
    filter_normalised_direction,
    hessian_vector,
    largest_eigenvalue,
    loss_plane,
)
from course_utils.landscapes import Landscape, bowl, rosenbrock, saddle
from course_utils.networks import MLP, NetworkLoss


@pytest.fixture
def small_loss(rng):
    network = MLP((4, 5, 3), "tanh")
    return NetworkLoss(network, rng.normal(size=(30, 4)), rng.integers(0, 3, 30))


def hessian(objective, params, h=1e-5):
    columns = [
        (objective.gradient(params + step) - objective.gradient(params - step)) / (2 * h)
        for step in h * np.eye(len(params))
    ]
    return np.array(columns)


def test_hessian_vector_product_of_a_known_hessian(rng):
    x, y = 0.7, -0.4
    exact = np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200]])
    vector = rng.normal(size=2)
    product = hessian_vector(rosenbrock(), np.array([x, y]), vector)
    np.testing.assert_allclose(product, exact @ vector, rtol=1e-6)


def test_hessian_vector_product_scales_with_the_vector(small_loss, rng):
    params, vector = rng.normal(size=(2, small_loss.size))
    product = hessian_vector(small_loss, params, vector)
    np.testing.assert_allclose(product, hessian(small_loss, params) @ vector, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(hessian_vector(small_loss, params, 7 * vector), 7 * product)
    assert not hessian_vector(small_loss, params, 0 * vector).any()


def test_largest_eigenvalue_equals_numpys(small_loss, rng):
    params = rng.normal(size=small_loss.size)
    eigenvalues, vectors = np.linalg.eigh(hessian(small_loss, params))
    value, vector = largest_eigenvalue(small_loss, params, steps=300)
    assert value == pytest.approx(eigenvalues[-1], rel=1e-4)
    assert abs(vector @ vectors[:, -1]) == pytest.approx(1, abs=1e-3)


def test_the_largest_eigenvalue_is_not_the_largest_in_magnitude():
    dome = Landscape(
        "dome",
        lambda p: 0.5 * (p[..., 0] ** 2 - 9 * p[..., 1] ** 2),
        lambda p: p * np.array([1.0, -9.0]),
        ((-1, 1), (-1, 1)),
    )
    assert largest_eigenvalue(dome, np.zeros(2))[0] == pytest.approx(1, abs=1e-6)


def test_the_largest_eigenvalue_is_found_where_one_of_the_same_magnitude_is_negative():
    found = [largest_eigenvalue(saddle(), np.zeros(2), seed=seed)[0] for seed in range(200)]
    np.testing.assert_allclose(found, 1, rtol=0, atol=1e-15)


def test_the_largest_eigenvalue_takes_a_step_at_least():
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        largest_eigenvalue(saddle(), np.zeros(2), steps=0)


def test_a_filter_normalised_direction_has_the_lengths_of_the_weights(small_loss, rng):
    network, params = small_loss.network, rng.normal(size=small_loss.size)
    direction = filter_normalised_direction(network, params, seed=3)
    for part, weights in zip(network.views(direction), network.views(params), strict=True):
        if weights.ndim == 2:
            np.testing.assert_allclose(
                np.linalg.norm(part, axis=0), np.linalg.norm(weights, axis=0)
            )
        else:
            assert not part.any()


def test_a_plane_is_the_loss_at_its_points(small_loss, rng):
    center, across, up = rng.normal(size=(3, small_loss.size))
    plane = loss_plane(small_loss, center, across, up, radius=2)
    points = rng.normal(size=(6, 7, 2))
    values, gradients = plane.value(points), plane.gradient(points)
    assert values.shape == (6, 7)
    x, y = points[4, 2]
    assert values[4, 2] == pytest.approx(small_loss.value(center + x * across + y * up))
    h = 1e-6 * np.eye(2)
    slopes = (plane.value(points[4, 2] + h) - plane.value(points[4, 2] - h)) / 2e-6
    np.testing.assert_allclose(gradients[4, 2], slopes, rtol=1e-5, atol=1e-8)
    assert plane.window == ((-2, 2), (-2, 2))


def test_a_plane_of_a_bowl_has_its_curvature():
    plane = loss_plane(bowl(4), np.zeros(2), np.array([1.0, 0]), np.array([0, 2.0]))
    assert plane.value(np.array([1.0, 1.0])) == 8.5
