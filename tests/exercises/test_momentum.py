"""Lesson 04's exercises: their formulas, and what their checks accept and name."""

import numpy as np
import pytest

from course_utils.descent import minimize
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge
from course_utils.landscapes import ravine, rosenbrock
from course_utils.optimizers import SGD

lesson_04 = solutions("04_momentum")


# The formulas


def test_momentum_is_the_courses_on_a_stream_of_gradients(rng):
    sgd, start = SGD(0.05, momentum=0.9), rng.normal(size=4)
    w, velocity = start, np.zeros(4)
    point, state = start, sgd.init(start)
    for gradient in rng.normal(size=(30, 4)):
        w, velocity = lesson_04.momentum_step(w, velocity, gradient, 0.05, 0.9)
        point, state = sgd.update(gradient, state, point)
        np.testing.assert_allclose(w, point, rtol=1e-12)
        np.testing.assert_allclose(velocity, state.velocity, rtol=1e-12)


@pytest.mark.parametrize(
    ("landscape", "rate", "beta"),
    [(ravine(), 0.02, 0.9), (rosenbrock(), 2e-4, 0.8)],
    ids=["ravine", "rosenbrock"],
)
def test_the_courses_nesterov_walks_through_the_look_ahead_points(landscape, rate, beta):
    start = np.array([-1.0, 0.8])
    path = minimize(landscape, SGD(rate, momentum=beta, nesterov=True), start, 40)
    w, velocity = start, np.zeros(2)
    for point in path.points:
        np.testing.assert_allclose(w + beta * velocity, point, rtol=1e-9)
        w, velocity = lesson_04.nesterov_step(w, velocity, landscape.gradient, rate, beta)


def share_left_per_step(rate, beta, curvatures):
    """Return the largest magnitude of an eigenvalue of a step, over the curvatures."""
    return max(
        np.abs(np.linalg.eigvals([[1 - rate * c, beta], [-rate * c, beta]])).max()
        for c in curvatures
    )


@pytest.mark.parametrize(("smallest", "largest"), [(1.0, 100.0), (0.5, 8.0), (3.0, 4.0)])
def test_no_other_pair_shrinks_the_slowest_direction_faster_than_the_best(smallest, largest, rng):
    curvatures = np.linspace(smallest, largest, 7)
    rate, beta = lesson_04.best_pair(smallest, largest)
    best = share_left_per_step(rate, beta, curvatures)
    # The eigenvalue is double there, so rounding shows at its root.
    assert best == pytest.approx(np.sqrt(beta), abs=1e-6)
    for factor, shift in zip(
        np.exp(0.3 * rng.normal(size=200)), 0.1 * rng.normal(size=200), strict=True
    ):
        other = share_left_per_step(rate * factor, np.clip(beta + shift, 0, 0.999), curvatures)
        assert other > best - 1e-6


def test_equal_curvatures_need_no_momentum():
    assert lesson_04.best_pair(4.0, 4.0) == pytest.approx((0.25, 0))


def test_the_three_conventions_walk_on_together_after_the_conversion(rng):
    rate, beta, velocity = 0.1, 0.9, rng.normal(size=3)
    buffer, pytorch_rate, average, average_rate = lesson_04.convert(velocity, rate, beta)
    keras_w = pytorch_w = average_w = rng.normal(size=3)
    for gradient in rng.normal(size=(20, 3)):
        keras_w, velocity = lesson_04.momentum_step(keras_w, velocity, gradient, rate, beta)
        buffer = beta * buffer + gradient
        pytorch_w = pytorch_w - pytorch_rate * buffer
        average = beta * average + (1 - beta) * gradient
        average_w = average_w - average_rate * average
        np.testing.assert_allclose(pytorch_w, keras_w, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(average_w, keras_w, rtol=1e-9, atol=1e-12)


# Right answers in another style


def momentum_of_copies(w, velocity, gradient, learning_rate, beta):
    w, velocity = w.copy(), velocity.copy()
    velocity *= beta
    velocity -= learning_rate * gradient
    w += velocity
    return [w, velocity]


def momentum_in_a_loop(w, velocity, gradient, learning_rate, beta):
    moved = [beta * v - learning_rate * g for v, g in zip(velocity, gradient, strict=True)]
    return [a + b for a, b in zip(w, moved, strict=True)], moved


def courses_momentum(w, velocity, gradient, learning_rate, beta):
    sgd = SGD(learning_rate, momentum=beta)
    w, state = sgd.update(gradient, sgd.State(0, velocity), w)
    return w, state.velocity


def nesterov_by_the_distance_moved(w, velocity, gradient_at, learning_rate, beta):
    ahead = w + beta * velocity
    end = ahead - learning_rate * gradient_at(ahead)
    return end, end - w


def nesterov_by_momentum(w, velocity, gradient_at, learning_rate, beta):
    gradient = gradient_at(w + beta * velocity)
    return np.array(lesson_04.momentum_step(w, velocity, gradient, learning_rate, beta))


def pair_from_beta(smallest, largest):
    share = (np.sqrt(largest) - np.sqrt(smallest)) / (np.sqrt(largest) + np.sqrt(smallest))
    return (1 + share) ** 2 / largest, share**2


def pair_from_the_inverse_condition_number(smallest, largest):
    root = (smallest / largest) ** 0.5
    beta = ((root - 1) / (root + 1)) ** 2
    return [(1 - beta**0.5) ** 2 / smallest, beta]


def convert_by_rates(velocity, learning_rate, beta):
    average_rate = learning_rate / (1 - beta)
    return velocity / -learning_rate, learning_rate, -velocity / average_rate, average_rate


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("mom-step", momentum_of_copies),
        ("mom-step", momentum_in_a_loop),
        ("mom-step", courses_momentum),
        ("mom-nesterov", nesterov_by_the_distance_moved),
        ("mom-nesterov", nesterov_by_momentum),
        ("mom-best-pair", pair_from_beta),
        ("mom-best-pair", pair_from_the_inverse_condition_number),
        ("mom-convert", convert_by_rates),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


# Wrong answers


def momentum_that_climbs_in_place(w, velocity, gradient, learning_rate, beta):
    velocity *= beta
    velocity += learning_rate * gradient
    return w + velocity, velocity


def nesterov_from_the_look_ahead(w, velocity, gradient_at, learning_rate, beta):
    w = w + beta * velocity
    velocity = beta * velocity - learning_rate * gradient_at(w)
    return w + velocity, velocity


def nesterov_of_keras(w, velocity, gradient_at, learning_rate, beta):
    sgd = SGD(learning_rate, momentum=beta, nesterov=True)
    w, state = sgd.update(gradient_at(w), sgd.State(0, velocity), w)
    return w, state.velocity


@pytest.mark.parametrize(
    ("exercise_id", "answer", "mistake"),
    [
        ("mom-step", momentum_that_climbs_in_place, "sign-flipped"),
        ("mom-step", lambda w, v, g, rate, beta: (w - rate * g, -rate * g), "plain-descent"),
        (
            "mom-step",
            lambda w, v, g, rate, beta: (w - rate * (beta * v + g), beta * v + g),
            "form-of-pytorch",
        ),
        ("mom-nesterov", nesterov_from_the_look_ahead, "look-ahead-counted-twice"),
        ("mom-nesterov", nesterov_of_keras, "form-of-keras"),
        (
            "mom-nesterov",
            lambda w, v, gradient_at, rate, beta: lesson_04.momentum_step(
                w, v, gradient_at(w), rate, beta
            ),
            "gradient-at-w",
        ),
        (
            "mom-best-pair",
            lambda m, L: (
                (2 / (L**0.5 + m**0.5)) ** 2,
                (L**0.5 - m**0.5) / (L**0.5 + m**0.5),
            ),
            "beta-not-squared",
        ),
        ("mom-convert", lambda v, rate, beta: (v, rate, v, rate), "nothing-changed"),
        (
            "mom-convert",
            lambda v, rate, beta: (-v, rate, (beta - 1) * v, rate / (1 - beta)),
            "learning-rate-still-inside",
        ),
    ],
)
def test_a_mistake_written_in_another_way_is_named(exercise_id, answer, mistake):
    assert judge(EXERCISES[exercise_id], answer).mistake == mistake


def momentum_in_place(w, velocity, gradient, learning_rate, beta):
    velocity *= beta
    velocity -= learning_rate * gradient
    return w + velocity, velocity


def nesterov_in_place(w, velocity, gradient_at, learning_rate, beta):
    w += beta * velocity
    step = learning_rate * gradient_at(w)
    return w - step, beta * velocity - step


@pytest.mark.parametrize(
    ("exercise_id", "answer", "changed"),
    [
        ("mom-step", momentum_in_place, "velocity"),
        ("mom-nesterov", nesterov_in_place, "w"),
    ],
)
def test_an_answer_that_changes_its_input_is_told_so(exercise_id, answer, changed):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "changed input"
    assert f"changes its input {changed}," in verdict.text


def remembering_the_first_velocity(step):
    remembered = {}

    def step_of_the_first_velocity(w, velocity, *rest):
        return step(w, remembered.setdefault(len(w), velocity), *rest)

    return step_of_the_first_velocity


def one_entry_too_many(*case):
    w, velocity = lesson_04.momentum_step(*case)
    return np.append(w, 0), velocity


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        (
            "mom-step",
            remembering_the_first_velocity(lesson_04.momentum_step),
            "    gradient = [2, -1], then [1, 0.5], then [-3, 2]\n    learning_rate = 0.1\n"
            "    beta = 0.9\nvelocity after step 2: [-0.1, -0.05] (expected [-0.28, 0.04])\n",
        ),
        (
            "mom-step",
            lambda *case: lesson_04.momentum_step(*case)[0],
            "number of values that it returns: 1 (expected 2)",
        ),
        (
            "mom-step",
            lambda *case: (*lesson_04.momentum_step(*case), None),
            "number of values that it returns: 3 (expected 2)",
        ),
        (
            "mom-step",
            lambda *case: (lesson_04.momentum_step(*case)[0], None),
            "velocity after step 1: None (expected [-0.2, 0.1])",
        ),
        (
            "mom-step",
            one_entry_too_many,
            "w after step 1: [0.8, -1.9, 0] (expected [0.8, -1.9])",
        ),
        (
            "mom-nesterov",
            remembering_the_first_velocity(lesson_04.nesterov_step),
            "    gradient_at = [1, 10] * w\n    learning_rate = 0.1\n    beta = 0.9\n"
            "velocity after step 2: ",
        ),
        (
            "mom-best-pair",
            lambda *case: lesson_04.best_pair(*case)[0],
            "your function returned 1 of the 2 values: learning rate, beta",
        ),
        (
            "mom-best-pair",
            lambda *case: (lesson_04.best_pair(*case)[0], 0.9),
            "right: learning rate\nyour beta is\n    0.9\nexpected\n    0.669\n",
        ),
        (
            "mom-convert",
            lambda *case: (*lesson_04.convert(*case)[:3], 0.1),
            "right: pytorch_buffer, pytorch_rate, average\nyour average_rate is\n    0.1\n",
        ),
    ],
)
def test_any_other_wrong_answer_is_shown_with_the_case(exercise_id, answer, says):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "different"
    assert says in verdict.text
