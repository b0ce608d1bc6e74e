import copy
import pickle

import numpy as np
import pytest

from course_utils.descent import minimize
from course_utils.gradients import SAM, clip_by_global_norm, clip_by_norm, clip_by_value
from course_utils.keras_twin import tf
from course_utils.landscapes import bowl, rosenbrock
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD

TWINS = {
    clip_by_value: lambda arrays, c: [tf.clip_by_value(array, -c, c) for array in arrays],
    clip_by_norm: lambda arrays, c: [tf.clip_by_norm(array, c) for array in arrays],
    clip_by_global_norm: lambda arrays, c: tf.clip_by_global_norm(arrays, c)[0],
}


@pytest.mark.parametrize("clip", TWINS)
@pytest.mark.parametrize("limit", [0.01, 1.0, 5.0, 100.0])
def test_clipping_equals_tensorflow(clip, limit, rng):
    arrays = [rng.normal(size=(3, 4)), 10 * rng.normal(size=4), np.zeros(2)]
    before = [array.copy() for array in arrays]
    for ours, theirs in zip(clip(arrays, limit), TWINS[clip](arrays, limit), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-15)
    assert all(np.array_equal(*pair) for pair in zip(arrays, before, strict=True))


def test_only_the_global_norm_keeps_the_direction(rng):
    arrays = [np.array([30.0, 40.0]), np.array([0.3])]
    together, each = clip_by_global_norm(arrays, 1.0), clip_by_norm(arrays, 1.0)
    assert together[0][0] / together[1][0] == pytest.approx(100)
    assert each[0][0] / each[1][0] == pytest.approx(2)


@pytest.mark.parametrize("clip", TWINS)
def test_clipping_refuses_a_limit_that_is_not_positive(clip):
    with pytest.raises(ValueError, match="limit must be positive, got -1"):
        clip([np.ones(2)], -1)


def test_sam_looks_a_radius_uphill(rng):
    sam, params = SAM(rosenbrock(), radius=0.1), rng.normal(size=(5, 2))
    away = sam.worst_neighbour(params) - params
    gradient = rosenbrock().gradient(params)
    np.testing.assert_allclose(np.linalg.norm(away, axis=-1), 0.1)
    np.testing.assert_allclose(np.sum(away * gradient, -1), 0.1 * np.linalg.norm(gradient, axis=-1))
    np.testing.assert_array_equal(sam.gradient(params), rosenbrock().gradient(params + away))
    np.testing.assert_array_equal(sam.value(params), rosenbrock().value(params + away))


def test_each_run_may_have_a_radius_of_its_own(rng):
    params = rng.normal(size=(2, 2))
    both = SAM(rosenbrock(), radius=np.array([0.1, 0.5])).gradient(params)
    for run, radius in enumerate([0.1, 0.5]):
        np.testing.assert_array_equal(both[run], SAM(rosenbrock(), radius).gradient(params[run]))


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda sam: pickle.loads(pickle.dumps(sam))]
)
def test_sam_can_be_copied(duplicate):
    objective = NetworkLoss(MLP((2, 3)), np.ones((4, 2)), np.array([0, 1, 2, 0]))
    again = duplicate(SAM(objective, radius=0.5))
    assert (type(again), again.radius, again.examples) == (SAM, 0.5, 4)


def test_sam_stays_where_the_gradient_is_zero():
    assert SAM(bowl(), 0.1).value(np.zeros(2)) == 0


def test_sam_is_an_objective_like_any_other(rng):
    path = minimize(SAM(bowl(), radius=0.01), SGD(0.05), [1.0, 1.0], 100)
    assert path.values[-1] < 1e-3
    inputs, labels = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    sam = SAM(NetworkLoss(MLP((4, 3)), inputs, labels), radius=0.5)
    part = sam.batch(np.arange(5))
    assert (sam.examples, part.examples) == (20, 5)
    params = rng.normal(size=sam.size)
    value, gradient = part.value_and_gradient(params)
    assert value == part.value(params)
    np.testing.assert_array_equal(gradient, part.gradient(params))


def test_sam_refuses_a_radius_that_is_not_positive():
    with pytest.raises(ValueError, match="radius must be positive, got 0"):
        SAM(bowl(), radius=0)
