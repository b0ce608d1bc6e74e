"""The exercises of lesson 01: their formulas, and what their checks make of learners' answers."""

import math

import numpy as np
import pytest
from scipy import special

from course_utils import losses
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge

lesson_01 = solutions("01_loss_minimization")
numerical_gradient = solutions("02_gradient_descent").numerical_gradient


# The formulas


def test_the_squared_error_is_the_one_of_the_course_and_its_gradient_the_derivative(rng):
    predictions, targets = rng.normal(size=(2, 6))
    value, gradient = lesson_01.mean_squared_error(predictions, targets)
    courses = losses.mean_squared_error(predictions[:, None], targets[:, None])
    np.testing.assert_allclose(value, courses[0])
    np.testing.assert_allclose(gradient, courses[1][:, 0])
    derivative = numerical_gradient(
        lambda p: lesson_01.mean_squared_error(p, targets)[0], predictions, 1e-5
    )
    np.testing.assert_allclose(gradient, derivative, rtol=1e-8)


@pytest.mark.parametrize("scale", [1, 1000])
def test_the_cross_entropy_is_the_one_of_the_course(rng, scale):
    logits, labels = scale * rng.normal(size=(7, 4)), rng.integers(4, size=7)
    ours = lesson_01.softmax_cross_entropy(logits, labels)
    np.testing.assert_allclose(ours, losses.softmax_cross_entropy(logits, labels)[0])


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.5])
def test_the_huber_loss_is_the_one_of_the_course_and_its_slope_the_derivative(rng, delta):
    error = np.array([0.0, delta, -delta, *3 * rng.normal(size=20)])
    values, slopes = lesson_01.huber(error, delta)
    for e, value, slope in zip(error, values, slopes, strict=True):
        courses = losses.huber(np.array([[e]]), np.array([[0.0]]), delta)
        np.testing.assert_allclose([value, slope], [courses[0], courses[1].item()])
    # At ±δ the curvature jumps, and the difference is as wrong as h is long.
    derivative = numerical_gradient(lambda e: lesson_01.huber(e, delta)[0].sum(), error, 1e-6)
    np.testing.assert_allclose(slopes, derivative, atol=1e-6)


def test_the_best_cosine_is_the_share_of_the_steepest_descent_that_one_step_gets(rng):
    gradient, directions = rng.normal(size=50), rng.normal(size=(20, 50))

    def descent(direction):
        """Return how far the plane with this gradient falls over a step of length one."""
        return -gradient @ direction / np.linalg.norm(direction)

    best = max(descent(direction) for direction in directions)
    ours = lesson_01.best_cosine(gradient, directions)
    np.testing.assert_allclose(ours, best / descent(-gradient))


def test_the_penalised_gradient_is_the_derivative_of_the_penalised_loss(rng):
    A, x, target = rng.normal(size=(6, 4)), rng.normal(size=4), rng.normal(size=4)
    b = A @ x + rng.normal(size=6)

    def penalised(x):
        return np.sum((x - target) ** 2) + 7 * np.sum(np.maximum(0, A @ x - b) ** 2)

    ours = lesson_01.penalised_gradient(x, 2 * (x - target), A, b, 7)
    np.testing.assert_allclose(ours, numerical_gradient(penalised, x, 1e-5), rtol=1e-7)


# Right answers in another style


def squared_error_in_a_loop(predictions, targets):
    value, gradient = 0, []
    for prediction, target in zip(predictions, targets, strict=True):
        value += (prediction - target) ** 2 / len(targets)
        gradient.append(2 * (prediction - target) / len(targets))
    return [value, gradient]


def cross_entropy_in_a_loop(logits, labels):
    total = 0
    for row, label in zip(logits, labels, strict=True):
        largest = max(row)
        total += largest + math.log(sum(math.exp(z - largest) for z in row)) - row[label]
    return total / len(labels)


def cross_entropy_by_one_hot(logits, labels):
    one_hot = np.eye(logits.shape[1])[labels]
    return -(one_hot * special.log_softmax(logits, axis=1)).sum(axis=1).mean()


def best_cosine_in_a_loop(gradient, directions):
    best = -1
    for direction in directions:
        lengths = math.sqrt(gradient @ gradient) * math.sqrt(direction @ direction)
        best = max(best, -(gradient @ direction) / lengths)
    return best


def huber_by_masks(error, delta):
    value, slope = error**2 / 2, error.copy()
    value[error > delta] = delta * (error[error > delta] - delta / 2)
    value[error < -delta] = -delta * (error[error < -delta] + delta / 2)
    slope[error > delta] = delta
    slope[error < -delta] = -delta
    return value, slope


def huber_in_a_loop(error, delta):
    pairs = [
        (e * e / 2, e)
        if abs(e) < delta
        else (delta * abs(e) - delta**2 / 2, math.copysign(delta, e))
        for e in error
    ]
    return tuple(zip(*pairs, strict=True))


def penalised_gradient_in_a_loop(x, gradient, A, b, strength):
    total = gradient.copy()
    for row, limit in zip(A, b, strict=True):
        if row @ x > limit:
            total += 2 * strength * (row @ x - limit) * row
    return total.tolist()


def penalised_gradient_of_broken_rows(x, gradient, A, b, strength):
    broken = A @ x > b
    return gradient + strength * 2 * (A[broken] @ x - b[broken]) @ A[broken]


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("loss-mse", squared_error_in_a_loop),
        ("loss-mse", lambda p, t: (((t - p) ** 2).sum() / p.size, -2 / t.size * (t - p))),
        ("loss-softmax-cross-entropy", cross_entropy_in_a_loop),
        ("loss-softmax-cross-entropy", cross_entropy_by_one_hot),
        (
            "loss-softmax-cross-entropy",
            lambda z, y: np.mean(special.logsumexp(z, axis=1) - z[range(len(y)), y]),
        ),
        ("loss-random-directions", best_cosine_in_a_loop),
        (
            "loss-random-directions",
            lambda g, D: -min((D.T / np.linalg.norm(D, axis=1)).T @ (g / np.linalg.norm(g))),
        ),
        ("loss-huber", huber_by_masks),
        ("loss-huber", huber_in_a_loop),
        ("loss-huber", lambda e, delta: [special.huber(delta, e), np.clip(e, -delta, delta)]),
        ("loss-penalty", penalised_gradient_in_a_loop),
        ("loss-penalty", penalised_gradient_of_broken_rows),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


# The way of a learner to the stable cross-entropy


def probabilities_of(scores):
    return scores / scores.sum(axis=1, keepdims=True)


def unstable(logits):
    return probabilities_of(np.exp(logits))


def of_one_maximum(logits):
    return probabilities_of(np.exp(logits - logits.max()))


def of_row_maxima(logits):
    return probabilities_of(np.exp(logits - logits.max(axis=1, keepdims=True)))


def right_class(array, labels):
    return array[np.arange(len(labels)), labels]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda z, y: -np.log(right_class(unstable(z), y)).sum(), "not-averaged"),
        (lambda z, y: np.log(right_class(unstable(z), y)).mean(), "sign-flipped"),
        (lambda z, y: -np.log(unstable(z))[:, y].mean(), "every-label-in-every-row"),
        (lambda z, y: -np.log(right_class(unstable(z), y)).mean(), "exp-overflows"),
        (lambda z, y: (np.log(np.exp(z).sum(1)) - right_class(z, y)).mean(), "exp-overflows"),
        (
            lambda z, y: -np.log(right_class(of_one_maximum(z), y)).mean(),
            "one-maximum-for-all-rows",
        ),
        (
            lambda z, y: -np.log(right_class(of_row_maxima(z), y)).mean(),
            "infinite-for-distant-logits",
        ),
        (
            lambda z, y: np.log(np.exp(z - right_class(z, y)[:, None]).sum(axis=1)).mean(),
            "infinite-for-distant-logits",
        ),
        (
            lambda z, y: -(np.eye(z.shape[1])[y] * np.log(of_row_maxima(z))).sum(1).mean(),
            "zero-times-log-of-zero",
        ),
        (
            lambda z, y: -np.log(right_class(np.clip(of_row_maxima(z), 1e-7, 1 - 1e-7), y)).mean(),
            "small-number-inside-the-logarithm",
        ),
        (
            lambda z, y: -np.log(1e-15 + right_class(of_row_maxima(z), y)).mean(),
            "small-number-inside-the-logarithm",
        ),
    ],
)
def test_each_draft_of_a_cross_entropy_is_told_the_next_thing_to_mend(answer, mistake):
    assert judge(EXERCISES["loss-softmax-cross-entropy"], answer).mistake == mistake


def test_the_hint_names_the_largest_loss_that_a_small_number_allows():
    def guarded(logits, labels):
        return -np.log(right_class(of_row_maxima(logits), labels) + 1e-12).mean()

    largest = guarded(np.array([[0.0, 2000.0]]), np.array([0]))
    text = judge(EXERCISES["loss-softmax-cross-entropy"], guarded).text
    assert f"no example can have a loss above {largest:.3g}" in text
    true_losses = [
        lesson_01.softmax_cross_entropy(row[None], label[None])
        for logits, labels in EXERCISES["loss-softmax-cross-entropy"].cases(
            np.random.default_rng(0)
        )
        for row, label in zip(logits, labels, strict=True)
    ]
    assert "Here one has 2000" in text
    assert max(true_losses) == 2000


# Other wrong answers


def cross_entropy_in_place(logits, labels):
    logits -= logits.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - right_class(logits, labels))


def huber_in_place(error, delta):
    size = np.abs(error)
    value = np.where(size <= delta, error**2 / 2, delta * size - delta**2 / 2)
    error[error > delta] = delta
    error[error < -delta] = -delta
    return value, error


def penalised_gradient_in_place(x, gradient, A, b, strength):
    gradient += 2 * strength * A.T @ np.maximum(0, A @ x - b)
    return gradient


@pytest.mark.parametrize(
    ("exercise_id", "answer", "changed"),
    [
        ("loss-softmax-cross-entropy", cross_entropy_in_place, "logits"),
        ("loss-huber", huber_in_place, "error"),
        ("loss-penalty", penalised_gradient_in_place, "gradient"),
    ],
)
def test_a_right_answer_that_changes_its_input_is_told_which(exercise_id, answer, changed):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "changed input"
    assert f"changes its input {changed}" in verdict.text


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        ("loss-mse", lambda p, t: np.mean((p - t) ** 2), "returned 1 of the 2 values"),
        ("loss-mse", lambda p, t: ((p - t) ** 2, 2 * (p - t) / len(p)), "value of shape (3,)"),
        (
            "loss-mse",
            lambda p, t: (np.mean((p - t) ** 2), 2 * (p - t)[:, None] / len(p)),
            "right: value\nyour function returned gradient of shape (3, 1), expected (3,)",
        ),
        (
            "loss-softmax-cross-entropy",
            lambda z, y: -right_class(special.log_softmax(z, axis=1), y),
            "shape (3,), expected ()",
        ),
        (
            "loss-softmax-cross-entropy",
            lambda z, y: losses.softmax_cross_entropy(z, y),
            "type tuple, expected numbers",
        ),
        (
            "loss-softmax-cross-entropy",
            lambda z, y: np.log(np.exp(z - z.max(axis=1)).sum(axis=1)).mean(),
            "could not be broadcast together with shapes (3,4) (3,)",
        ),
        (
            "loss-random-directions",
            lambda g, D: D @ -g / np.linalg.norm(D, axis=1) / np.linalg.norm(g),
            "shape (3,), expected ()",
        ),
        (
            "loss-random-directions",
            lambda g, D: np.arccos(lesson_01.best_cosine(g, D)),
            "your answer is\n    0.284\nexpected\n    0.96",
        ),
        (
            "loss-huber",
            lambda e, delta: (e**2 / 2, e) if abs(e) <= delta else (delta * abs(e), delta),
            "The truth value of an array with more than one element is ambiguous",
        ),
        (
            "loss-huber",
            lambda e, delta: (special.huber(delta, e), np.where(np.abs(e) <= delta, e, 0)),
            "right: value\nyour slope is",
        ),
        ("loss-huber", lambda e, delta: (e**2 / 2, e), "your value is"),
        (
            "loss-huber",
            lambda e, delta: (delta * abs(e) - delta**2 / 2, delta * np.sign(e)),
            "your value is",
        ),
        (
            "loss-penalty",
            lambda x, g, A, b, strength: g + 2 * strength * A @ np.maximum(0, A @ x - b),
            "ValueError: matmul",
        ),
        (
            "loss-penalty",
            lambda x, g, A, b, strength: g + 2 * strength * A.T * np.maximum(0, A @ x - b),
            "could not be broadcast",
        ),
    ],
)
def test_a_mistake_without_a_name_is_told_what_came_out(exercise_id, answer, says):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.mistake is None
    assert says in verdict.text
