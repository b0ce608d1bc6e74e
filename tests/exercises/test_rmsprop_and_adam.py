"""Lesson 05's exercises: their formulas, and what their checks accept and name."""

import math

import numpy as np
import pytest

from course_utils import gradients, optimizers
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge

lesson_05 = solutions("05_rmsprop_and_adam")


# The formulas


def assert_same_walk(optimizer, rule, state, stream):
    """Compare `rule(w, *state, gradient, step)` with the course's optimizer, step for step."""
    w = point = np.array([1.0, -2.0, 0.5])
    courses = optimizer.init(point)
    for step, gradient in enumerate(stream, 1):
        w, *state = rule(w, *state, gradient, step)
        point, courses = optimizer.update(gradient, courses, point)
        np.testing.assert_allclose(w, point, rtol=1e-10)
    return state, courses


@pytest.fixture
def stream(rng):
    """Give 30 gradients whose sizes run from a thousandth to ten."""
    return rng.normal(size=(30, 3)) * np.geomspace(1e-3, 10, 30)[:, None]


@pytest.mark.parametrize("begin", [0.0, 0.1])
@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_adagrad_is_the_courses(begin, epsilon, stream):
    (accumulator,), courses = assert_same_walk(
        optimizers.Adagrad(0.3, begin, epsilon),
        lambda w, a, gradient, step: lesson_05.adagrad_step(w, a, gradient, 0.3, epsilon),
        [np.full(3, begin)],
        stream,
    )
    np.testing.assert_allclose(accumulator, courses.accumulator)


@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_rmsprop_is_the_courses(epsilon, stream):
    (average,), courses = assert_same_walk(
        optimizers.RMSprop(0.3, rho=0.8, epsilon=epsilon),
        lambda w, s, gradient, step: lesson_05.rmsprop_step(w, s, gradient, 0.3, 0.8, epsilon),
        [np.zeros(3)],
        stream,
    )
    np.testing.assert_allclose(average, courses.mean_square)


# The course's Adam has Keras's epsilon, which is the paper's times the root of v's correction.


@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_adam_is_the_courses_once_epsilon_is_converted(epsilon, stream):
    def rule(w, m, v, step, gradient, number):
        of_the_paper = epsilon / math.sqrt(1 - 0.99**number)
        return lesson_05.adam_step(w, m, v, step, gradient, 0.3, 0.9, 0.99, of_the_paper)

    adam = optimizers.Adam(0.3, 0.9, 0.99, epsilon)
    state, courses = assert_same_walk(adam, rule, [np.zeros(3), np.zeros(3), 0], stream)
    for ours, theirs in zip(state, (courses.mean, courses.mean_square, courses.step), strict=True):
        np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_adamw_is_the_courses_once_epsilon_is_converted(epsilon, stream):
    def rule(w, m, v, step, gradient, number):
        of_the_paper = epsilon / math.sqrt(1 - 0.99**number)
        settings = 0.3, 0.9, 0.99, of_the_paper, 0.2
        return lesson_05.adamw_step(w, m, v, step, gradient, *settings)

    adamw = optimizers.AdamW(0.3, 0.9, 0.99, epsilon, weight_decay=0.2)
    assert_same_walk(adamw, rule, [np.zeros(3), np.zeros(3), 0], stream)


@pytest.mark.parametrize("limit", [0.01, 1.0, 100.0])
def test_clipping_is_the_courses(limit, rng):
    arrays = [rng.normal(size=(3, 4)), 10 * rng.normal(size=4), np.zeros(2)]
    ours = lesson_05.clip_global_norm(arrays, limit)
    theirs = gradients.clip_by_global_norm(arrays, limit)
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours)


# Right answers in another style


def adagrad_by_powers(w, accumulator, gradient, learning_rate, epsilon):
    total = accumulator + gradient * gradient
    return w - learning_rate * (total + epsilon) ** -0.5 * gradient, total


def adagrad_in_a_loop(w, accumulator, gradient, learning_rate, epsilon):
    w, accumulator = w.copy(), accumulator.copy()
    for i, g in enumerate(gradient):
        accumulator[i] += g * g
        w[i] -= learning_rate / math.sqrt(accumulator[i] + epsilon) * g
    return w, accumulator


def rmsprop_by_the_difference(w, average, gradient, learning_rate, rho, epsilon):
    average = average + (1 - rho) * (np.square(gradient) - average)
    rate = learning_rate / np.sqrt(epsilon + average)
    return [w - rate * gradient, average]


def courses_rmsprop(w, average, gradient, learning_rate, rho, epsilon):
    rmsprop = optimizers.RMSprop(learning_rate, rho, epsilon=epsilon)
    state = rmsprop.init(w)._replace(mean_square=average)
    w, state = rmsprop.update(gradient, state, w)
    return w, state.mean_square


def adam_of_copies(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    w, m, v = w.copy(), m.copy(), v.copy()
    step += 1
    m += (1 - beta1) * (gradient - m)
    v += (1 - beta2) * (gradient**2 - v)
    w -= learning_rate / (1 - beta1**step) * m / ((v / (1 - beta2**step)) ** 0.5 + epsilon)
    return [w, m, v, step]


def adam_in_the_faster_order(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    m, v = (1 - beta1) * gradient + beta1 * m, (1 - beta2) * gradient * gradient + beta2 * v
    root = math.sqrt(1 - beta2 ** (step + 1))
    rate = learning_rate * root / (1 - beta1 ** (step + 1))
    return w - rate * m / (np.sqrt(v) + epsilon * root), m, v, step + 1


def adamw_that_decays_first(w, *case):
    *of_adam, weight_decay = case
    learning_rate = case[4]
    return adam_in_the_faster_order(w * (1 - learning_rate * weight_decay), *of_adam)


def clipping_of_one_vector(arrays, limit):
    norm = np.linalg.norm(np.concatenate([array.ravel() for array in arrays]))
    return tuple(array / max(1, norm / limit) for array in arrays)


def clipping_of_pytorch(arrays, limit):
    norm = math.sqrt(sum((array**2).sum() for array in arrays))
    return [array * min(1, limit / (norm + 1e-6)) for array in arrays]


def clipping_as_lists(arrays, limit):
    return [array.tolist() for array in gradients.clip_by_global_norm(arrays, limit)]


def clipping_that_gives_short_ones_back(arrays, limit):
    norm = np.sqrt(sum(np.vdot(array, array) for array in arrays))
    if norm <= limit:
        return arrays
    return [array / norm * limit for array in arrays]


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("adam-adagrad", adagrad_by_powers),
        ("adam-adagrad", adagrad_in_a_loop),
        ("adam-rmsprop", rmsprop_by_the_difference),
        ("adam-rmsprop", courses_rmsprop),
        ("adam-adam", adam_of_copies),
        ("adam-adam", adam_in_the_faster_order),
        ("adam-adamw", adamw_that_decays_first),
        ("adam-clip", clipping_of_one_vector),
        ("adam-clip", clipping_of_pytorch),
        ("adam-clip", clipping_as_lists),
        ("adam-clip", clipping_that_gives_short_ones_back),
        ("adam-clip", lambda arrays, limit: map(np.array, clipping_as_lists(arrays, limit))),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


# Wrong answers


def courses_adam(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    adam = optimizers.Adam(learning_rate, beta1, beta2, epsilon)
    w, state = adam.update(gradient, adam.State(step, m, v, v), w)
    return w, state.mean, state.mean_square, state.step


def adam_with_one_name_for_both(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    step += 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m = m / (1 - beta1**step)
    v = v / (1 - beta2**step)
    return w - learning_rate * m / (np.sqrt(v) + epsilon), m, v, step


def adam_that_counts_at_the_end(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v, step + 1


def adam_without_brackets(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    _, m, v, step = lesson_05.adam_step(
        w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon
    )
    m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
    return w - learning_rate * m_hat / np.sqrt(v_hat) + epsilon, m, v, step


def adamw_with_a_penalty(w, m, v, step, gradient, *settings):
    *of_adam, weight_decay = settings
    return lesson_05.adam_step(w, m, v, step, gradient + weight_decay * w, *of_adam)


def adamw_after_the_step(w, *case):
    *of_adam, weight_decay = case
    w, *state = lesson_05.adam_step(w, *of_adam)
    return w - case[4] * weight_decay * w, *state


def adamw_on_the_faster_adam(w, *case):
    *of_adam, weight_decay = case
    moved, *state = courses_adam(w, *of_adam)
    return moved - case[4] * weight_decay * w, *state


def clipping_with_the_sum_begun_anew(arrays, limit):
    for array in arrays:
        total = 0
        total += np.sum(array**2)
    norm = np.sqrt(total)
    return [array * limit / norm if norm > limit else array for array in arrays]


def clipping_in_place(arrays, limit):
    norm = np.sqrt(sum(np.sum(array**2) for array in arrays))
    if norm > limit:
        for array in arrays:
            array *= limit / norm
    return arrays


@pytest.mark.parametrize(
    ("exercise_id", "answer", "mistake"),
    [
        (
            "adam-adagrad",
            lambda w, a, g, rate, eps: (w - rate * g / np.sqrt(a + g * g) + eps, a + g * g),
            "epsilon-added-to-w",
        ),
        (
            "adam-adagrad",
            lambda w, a, g, rate, eps: (w - rate * g / (np.sqrt(a + g * g) + eps), a + g * g),
            "epsilon-outside-the-root",
        ),
        (
            "adam-rmsprop",
            lambda w, s, g, rate, rho, eps: lesson_05.adagrad_step(w, s, g, rate, eps),
            "summed-as-in-adagrad",
        ),
        (
            "adam-rmsprop",
            lambda w, s, g, rate, rho, eps: lesson_05.rmsprop_step(w, s, g, rate, 1 - rho, eps),
            "shares-swapped",
        ),
        ("adam-adam", courses_adam, "epsilon-of-keras"),
        ("adam-adam", adam_with_one_name_for_both, "corrected-means-kept"),
        ("adam-adam", adam_that_counts_at_the_end, "step-counted-from-0"),
        ("adam-adam", adam_without_brackets, "epsilon-added-to-w"),
        ("adam-adamw", adamw_with_a_penalty, "penalty-in-the-gradient"),
        ("adam-adamw", adamw_after_the_step, "decay-of-the-moved-point"),
        ("adam-adamw", adamw_on_the_faster_adam, "epsilon-of-keras"),
        ("adam-clip", gradients.clip_by_norm, "each-array-by-itself"),
        ("adam-clip", gradients.clip_by_value, "clipped-by-value"),
        ("adam-clip", clipping_with_the_sum_begun_anew, "norm-of-the-last-array"),
        ("adam-clip", clipping_in_place, "given-arrays-changed"),
    ],
)
def test_a_mistake_written_in_another_way_is_named(exercise_id, answer, mistake):
    assert judge(EXERCISES[exercise_id], answer).mistake == mistake


def adagrad_in_place(w, accumulator, gradient, learning_rate, epsilon):
    accumulator += gradient**2
    return w - learning_rate * gradient / np.sqrt(accumulator + epsilon), accumulator


def adam_in_place(w, m, v, step, gradient, *settings):
    moved, m[:], v[:], step = lesson_05.adam_step(w, m, v, step, gradient, *settings)
    return moved, m, v, step


@pytest.mark.parametrize(
    ("exercise_id", "answer", "changed"),
    [("adam-adagrad", adagrad_in_place, "accumulator"), ("adam-adam", adam_in_place, "m")],
)
def test_an_answer_that_changes_its_input_is_told_so(exercise_id, answer, changed):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "changed input"
    assert f"changes its input {changed}," in verdict.text


def adam_corrected_once(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    """Correct as in the first step, whatever the step: right in the first step only."""
    _, m, v, step = lesson_05.adam_step(
        w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon
    )
    m_hat, v_hat = m / (1 - beta1), v / (1 - beta2)
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v, step


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        (
            "adam-adam",
            adam_corrected_once,
            "    step = 0\n    gradient = [0.3, -0.2], then [0.1, 0.4], then [-0.5, 0.2]\n",
        ),
        ("adam-adam", adam_corrected_once, "\nw after step 2: "),
        (
            "adam-adam",
            lambda *case: lesson_05.adam_step(*case)[:3],
            "number of values that it returns: 3 (expected 4)",
        ),
        (
            "adam-rmsprop",
            lambda w, s, g, rate, rho, eps: lesson_05.rmsprop_step(w, s, g, 2 * rate, rho, eps),
            "    rho = 0.9\n    epsilon = 0.1\nw after step 1: ",
        ),
        (
            "adam-adamw",
            lambda *case: lesson_05.adamw_step(*case[:-1], 2 * case[-1]),
            "    weight_decay = 0.4\nw after step 1: ",
        ),
        (
            "adam-clip",
            lambda arrays, limit: np.concatenate([array.ravel() for array in arrays]),
            "    gradients = [[0.5, -1], [[3, -4], [0, 12]], [2]]\n    limit = 1.5\n"
            "what it returned: ndarray (expected list of 3 arrays)\n",
        ),
        (
            "adam-clip",
            lambda arrays, limit: lesson_05.clip_global_norm(arrays, limit)[:1],
            "what it returned: list of 1 arrays (expected list of 3 arrays)\n",
        ),
        (
            "adam-clip",
            lambda arrays, limit: lesson_05.clip_global_norm(arrays, 2 * limit),
            "array 1: [0.114, -0.227] (expected [0.0568, -0.114])\n",
        ),
    ],
)
def test_any_other_wrong_answer_is_shown_with_the_case(exercise_id, answer, says):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "different"
    assert says in verdict.text
