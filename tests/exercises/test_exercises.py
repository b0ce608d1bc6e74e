"""Every exercise of the course: its stub, its solution, its mistakes. And lesson 02's formulas."""

import inspect
import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from course_utils import descent, networks, optimizers
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge
from course_utils.places import shipped

ALL = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=list(EXERCISES))
lesson_02 = solutions("02_gradient_descent")


def function_of_the_stub(exercise):
    namespace = {"np": np}
    exec(exercise.stub, namespace)
    return namespace[exercise.reference.__name__]


@ALL
def test_the_stub_is_not_solved_yet(exercise):
    assert judge(exercise, function_of_the_stub(exercise)).kind == "unfinished"


@ALL
def test_the_stub_has_the_parameters_and_the_first_line_of_the_solution(exercise):
    stub, reference = function_of_the_stub(exercise), exercise.reference
    assert inspect.signature(stub) == inspect.signature(reference)
    assert inspect.getdoc(stub).splitlines()[0] == inspect.getdoc(reference).splitlines()[0]


@ALL
def test_the_solution_is_solved(exercise):
    assert judge(exercise, exercise.reference).kind == "solved"


@ALL
def test_the_solution_is_the_one_of_the_lesson(exercise):
    shown = getattr(solutions(exercise.lesson), exercise.reference.__name__)
    assert inspect.getsource(shown) == inspect.getsource(exercise.reference)


@ALL
def test_every_mistake_is_named_and_no_two_give_the_same_output(exercise):
    # The first mistake that fits is named, so both orders show that only one fits.
    assert len(exercise.mistakes) >= 3
    for mistakes in (exercise.mistakes, exercise.mistakes[::-1]):
        for mistake in mistakes:
            verdict = judge(replace(exercise, mistakes=mistakes), mistake.implementation)
            assert verdict.mistake == mistake.name
            assert mistake.hint in verdict.text


@ALL
def test_no_mistake_of_an_exercise_passes_when_it_has_no_name(exercise):
    for mistake in exercise.mistakes:
        verdict = judge(replace(exercise, mistakes=()), mistake.implementation)
        assert verdict.kind == "different"


@ALL
def test_a_verdict_shows_at_most_three_significant_figures(exercise):
    def spoiled(output):
        if isinstance(output, list):
            return output[1:]
        if isinstance(output, tuple):
            return [spoiled(part) for part in output]
        return 1.234567 * output + 0.7654321

    text = judge(exercise, lambda *arguments: spoiled(exercise.reference(*arguments))).text
    assert text.startswith("Not right yet. With")
    for number in re.findall(r"[\d.]+", text.split("hint(")[0]):
        assert len(number.replace(".", "").lstrip("0")) <= 3, text


@ALL
def test_the_objective_stands_in_the_bank_of_the_lesson(exercise):
    bank = tomllib.loads((shipped("quizzes") / f"{exercise.lesson}.toml").read_text("utf-8"))
    assert exercise.objective in {objective["id"] for objective in bank["objective"]}


def difference_in_place(f, w, h):
    gradient = []
    for i in range(len(w)):
        w[i] += h
        above = f(w)
        w[i] -= 2 * h
        gradient.append((above - f(w)) / (2 * h))
        w[i] += h
    return gradient


def shuffled_lists(n, batch_size, rng):
    order = list(range(n))
    rng.shuffle(order)
    for start in range(0, n, batch_size):
        yield sorted(order[start : start + batch_size])


def backprop_with_indices(X, y, W1, b1, W2, b2):
    h = np.maximum(X @ W1 + b1, 0)
    logits = h @ W2 + b2
    error = np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
    error[np.arange(len(y)), y] -= 1
    dh = error @ W2.T
    dh[h <= 0] = 0
    return [X.T @ dh / len(y), dh.mean(0), h.T @ error / len(y), error.mean(0)]


def truncated_normal(fan_in, fan_out, rng):
    draws = rng.standard_normal(2 * fan_in * fan_out)
    draws = draws[np.abs(draws) < 2][: fan_in * fan_out]
    return draws.reshape(fan_in, fan_out) * np.sqrt(2 / fan_in) / 0.8796


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("gd-step", lambda w, g, rate: [a - rate * b for a, b in zip(w, g, strict=True)]),
        ("gd-numerical-gradient", difference_in_place),
        ("gd-mse-gradient", lambda w, X, y: -2 * ((y - X @ w)[:, None] * X).mean(axis=0)),
        ("gd-minibatches", shuffled_lists),
        ("gd-minibatches", lambda *arguments: list(descent.minibatches(*arguments))),
        ("gd-backprop", backprop_with_indices),
        ("gd-initial-scale", truncated_normal),
        ("gd-initial-scale", lambda n, m, rng: rng.standard_normal((n, m)) * (2 / n) ** 0.5),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        ("gd-minibatches", lambda n, size, rng: rng.permutation(n), "what it returned: list"),
        ("gd-minibatches", lambda n, size, rng: 3, "what it returned: int"),
        ("gd-minibatches", lambda n, size, rng: [rng.permutation(n)], "[50] (expected [4, 4, 4"),
        (
            "gd-minibatches",
            lambda n, size, rng: [[], *lesson_02.minibatches(n, size, rng)],
            "2, 0] (expected [4, 4, 4",
        ),
        (
            "gd-minibatches",
            lambda n, size, rng: [b + 1 for b in lesson_02.minibatches(n, size, rng)],
            "no index lies outside 0 to n-1: no (expected yes)",
        ),
        ("gd-initial-scale", lambda n, m, rng: "weights", "what it returned: str"),
        (
            "gd-initial-scale",
            lambda n, m, rng: lesson_02.initial_weights(n, m, rng).T,
            "shape: [100, 300] (expected [300, 100])",
        ),
        (
            "gd-initial-scale",
            lambda n, m, rng: lesson_02.initial_weights(n, m, rng) + 0.1,
            "the mean is near 0: no (expected yes)",
        ),
        (
            "gd-initial-scale",
            lambda n, m, rng: lesson_02.initial_weights(n, m, np.random.default_rng(1)),
            "new weights at the next call: no (expected yes)",
        ),
    ],
)
def test_a_random_answer_is_told_the_property_it_lacks(exercise_id, answer, says):
    assert says in judge(EXERCISES[exercise_id], answer).text


def test_an_interrupt_inside_a_property_based_exercise_is_told_as_such():
    def endless(n, batch_size, rng):
        raise KeyboardInterrupt

    assert judge(EXERCISES["gd-minibatches"], endless).kind == "stopped"


def complex_gradient(loss, array):
    """Differentiate a real analytic loss by a complex step, exact to rounding."""
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        moved = array.astype(complex)
        moved[index] += 1e-30j
        gradient[index] = loss(moved).imag / 1e-30
    return gradient


def test_the_gradient_of_the_mean_squared_error_is_its_derivative(rng):
    X, y, w = rng.normal(size=(7, 3)), rng.normal(size=7), rng.normal(size=3)
    derivative = complex_gradient(lambda w: np.mean((X @ w - y) ** 2), w)
    np.testing.assert_allclose(lesson_02.mse_gradient(w, X, y), derivative, rtol=1e-12)


def test_backpropagation_gives_the_derivative_of_the_cross_entropy(rng):
    X, y = rng.normal(size=(6, 3)), rng.integers(4, size=6)
    weights = [rng.normal(size=shape) for shape in [(3, 5), (5,), (5, 4), (4,)]]

    def loss(W1, b1, W2, b2):
        a = X @ W1 + b1
        logits = (a * (a.real > 0)) @ W2 + b2
        return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y])

    for i, gradient in enumerate(lesson_02.backprop(X, y, *weights)):
        derivative = complex_gradient(
            lambda array, i=i: loss(*weights[:i], array, *weights[i + 1 :]), weights[i]
        )
        np.testing.assert_allclose(gradient, derivative, rtol=1e-12, atol=1e-15)


def test_no_case_of_backpropagation_puts_a_unit_on_the_kink_of_the_relu():
    exercise = EXERCISES["gd-backprop"]
    for seed in range(20):
        for X, _, W1, b1, _, _ in exercise.cases(np.random.default_rng(seed)):
            assert np.abs(X @ W1 + b1).min() > 1e-3


def test_the_step_is_the_one_of_the_courses_optimizer(rng):
    w, gradient = rng.normal(size=(2, 5))
    sgd = optimizers.SGD(learning_rate=0.3)
    np.testing.assert_allclose(
        lesson_02.gradient_step(w, gradient, 0.3), sgd.update(gradient, sgd.init(w), w)[0]
    )


def test_the_batches_are_the_ones_the_course_trains_on():
    ours = lesson_02.minibatches(23, 5, np.random.default_rng(3))
    theirs = list(descent.minibatches(23, 5, np.random.default_rng(3)))
    np.testing.assert_equal(ours, theirs)


def test_backpropagation_agrees_with_the_courses_network(rng):
    network = networks.MLP((3, 5, 4))
    X, y, params = rng.normal(size=(6, 3)), rng.integers(4, size=6), network.initial(0)
    _, gradient = networks.NetworkLoss(network, X, y).value_and_gradient(params)
    ours = lesson_02.backprop(X, y, *network.views(params))
    np.testing.assert_allclose(np.concatenate([part.ravel() for part in ours]), gradient)


def test_the_first_weights_are_drawn_as_the_courses_network_draws_them():
    W1 = networks.MLP((30, 20, 10)).initial(seed=4)[: 30 * 20].reshape(30, 20)
    ours = lesson_02.initial_weights(30, 20, np.random.default_rng(4))
    np.testing.assert_allclose(ours, W1)
