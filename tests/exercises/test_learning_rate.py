"""Lesson 03's exercises: their formulas, and what their checks accept and name."""

import math

import numpy as np
import pytest

from course_utils import schedules
from course_utils.curvature import hessian_vector, largest_eigenvalue
from course_utils.descent import minimize
from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge
from course_utils.keras_twin import keras_schedule
from course_utils.landscapes import ravine, rosenbrock, saddle
from course_utils.optimizers import SGD

lesson_03 = solutions("03_learning_rate")
STEPS = 200


def ends_no_farther(gradient, start, rate):
    w = start
    for _ in range(STEPS):
        w = w - rate * gradient(w)
    return np.linalg.norm(w) <= np.linalg.norm(start)


def bisection(
    is_stable=ends_no_farther,
    middle=lambda low, high: (low + high) / 2,
    close_enough=lambda low, high: high - low <= 0.001 * low,
    answer=lambda low, high: low,
):
    """Make a largest_stable_rate with one part written in another way."""

    def largest_stable_rate(gradient, start, low, high):
        while not close_enough(low, high):
            rate = middle(low, high)
            if is_stable(gradient, start, rate):
                low = rate
            else:
                high = rate
        return answer(low, high)

    return largest_stable_rate


def with_largest_entry(gradient, start, rate):
    w = start.copy()
    for _ in range(STEPS):
        w -= rate * gradient(w)
    return np.abs(w).max() <= np.abs(start).max()


def given_up_when_far(gradient, start, rate):
    w = start
    for _ in range(STEPS):
        w = w - rate * gradient(w)
        if np.linalg.norm(w) > 1e6:
            return False
    return np.linalg.norm(w) <= np.linalg.norm(start)


def cosine_of_arrays(step, peak, warm_up_steps, total_steps):
    fall = (step - warm_up_steps) / (total_steps - warm_up_steps)
    return np.where(
        step < warm_up_steps,
        step / warm_up_steps * peak,
        peak * np.cos(np.pi / 2 * np.clip(fall, 0, 1)) ** 2,
    )


def cosine_in_three_parts(step, peak, warm_up_steps, total_steps):
    if step >= total_steps:
        return 0
    if step <= warm_up_steps:
        return peak / warm_up_steps * step
    angle = math.pi * (step - warm_up_steps) / (total_steps - warm_up_steps)
    return peak / 2 + peak / 2 * math.cos(angle)


def courses_cosine(step, peak, warm_up_steps, total_steps):
    return schedules.CosineDecay(
        0.0, total_steps - warm_up_steps, warmup_target=peak, warmup_steps=warm_up_steps
    )(step)


def range_test_by_multiplying(loss_and_gradient, w, low, high, steps):
    factor = (high / low) ** (1 / (steps - 1))
    rates, losses, rate = [], [], low
    loss, gradient = loss_and_gradient(w)
    for _ in range(steps):
        rates.append(rate)
        losses.append(loss)
        w = w - rate * gradient
        rate *= factor
        loss, gradient = loss_and_gradient(w)
    return rates, losses


def range_test_by_logarithms(loss_and_gradient, w, low, high, steps):
    w, losses = w.copy(), np.zeros(steps)
    rates = 10 ** np.linspace(np.log10(low), np.log10(high), steps)
    for i in range(steps):
        losses[i], gradient = loss_and_gradient(w)
        gradient *= rates[i]
        w -= gradient
    return [rates, losses]


def power_iteration_by_largest_entry(multiply, vector, steps):
    for _ in range(steps):
        product = multiply(vector)
        place = np.abs(product).argmax()
        eigenvalue = product[place] / vector[place]
        vector = product / product[place]
    return eigenvalue


def power_iteration_by_length(multiply, vector, steps):
    vector = vector / np.linalg.norm(vector)
    for _ in range(steps):
        previous, vector = vector, multiply(vector)
        length = np.linalg.norm(vector)
        vector = vector / length
    return math.copysign(length, previous @ vector)


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("rate-largest-stable", bisection()),
        ("rate-largest-stable", bisection(answer=lambda low, high: (low + high) / 2)),
        ("rate-largest-stable", bisection(answer=lambda low, high: np.array(high))),
        ("rate-largest-stable", bisection(close_enough=lambda low, high: high - low < 1e-12)),
        ("rate-largest-stable", bisection(middle=lambda low, high: math.sqrt(low * high))),
        ("rate-largest-stable", bisection(middle=lambda low, high: low + (high - low) / 3)),
        ("rate-largest-stable", bisection(with_largest_entry)),
        ("rate-largest-stable", bisection(given_up_when_far)),
        ("rate-cosine-warm-up", cosine_of_arrays),
        ("rate-cosine-warm-up", cosine_in_three_parts),
        ("rate-cosine-warm-up", courses_cosine),
        ("rate-range-test", range_test_by_multiplying),
        ("rate-range-test", range_test_by_logarithms),
        (
            "rate-exponential-decay",
            lambda step, first, length, factor, staircase: schedules.ExponentialDecay(
                first, length, factor, staircase
            )(step),
        ),
        (
            "rate-exponential-decay",
            lambda step, first, length, factor, staircase: (
                first * factor ** (step // length)
                if staircase
                else first * math.exp(math.log(factor) * step / length)
            ),
        ),
        ("rate-power-iteration", power_iteration_by_largest_entry),
        ("rate-power-iteration", power_iteration_by_length),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


def keeps_its_side(gradient, start, rate):
    w = start
    for _ in range(STEPS):
        w = w - rate * gradient(w)
        if (w * start < 0).any():
            return False
    return True


def end_of(gradient, start, rate):
    w = start
    for _ in range(STEPS):
        w = w - rate * gradient(w)
    return w


def going_on_from_the_last_rate(middle):
    def largest_stable_rate(gradient, start, low, high):
        w = start
        while high - low > 0.001 * low:
            rate = middle(low, high)
            w = end_of(gradient, w, rate)
            if np.linalg.norm(w) <= np.linalg.norm(start):
                low = rate
            else:
                high = rate
        return low

    return largest_stable_rate


@pytest.mark.parametrize(
    "middle",
    [lambda low, high: (low + high) / 2, lambda low, high: math.sqrt(low * high)],
    ids=["arithmetic middle", "geometric middle"],
)
@pytest.mark.parametrize(
    ("make", "mistake"),
    [
        (
            lambda middle: bisection(
                lambda gradient, w, rate: (
                    np.linalg.norm(w - rate * gradient(w)) <= np.linalg.norm(w)
                ),
                middle,
            ),
            "only-one-step",
        ),
        (lambda middle: bisection(keeps_its_side, middle), "changing-sides-counts-as-unstable"),
        (
            lambda middle: bisection(lambda *case: not ends_no_farther(*case), middle),
            "ends-swapped",
        ),
        (
            lambda middle: bisection(
                lambda gradient, w, rate: (
                    not np.linalg.norm(end_of(gradient, w, rate)) > np.linalg.norm(w)
                ),
                middle,
            ),
            "nan-counts-as-stable",
        ),
        (going_on_from_the_last_rate, "not-restarted"),
        (
            lambda middle: bisection(
                lambda gradient, w, rate: (abs(end_of(gradient, w, rate)) <= abs(w)).any(), middle
            ),
            "any-coordinate-decides",
        ),
        (
            lambda middle: bisection(
                middle=middle, close_enough=lambda low, high: high - low < 0.001
            ),
            "stopped-too-early",
        ),
    ],
)
def test_a_mistake_in_the_largest_rate_is_named_whichever_way_it_bisects(make, mistake, middle):
    assert judge(EXERCISES["rate-largest-stable"], make(middle)).mistake == mistake


def descend_in_place(gradient, start, low, high):
    def is_stable(rate):
        w = start
        for _ in range(STEPS):
            w -= rate * gradient(w)
        return np.linalg.norm(w) <= np.linalg.norm(start)

    while high > 1.001 * low:
        rate = np.sqrt(low * high)
        low, high = (rate, high) if is_stable(rate) else (low, rate)
    return low


@pytest.mark.parametrize(
    ("exercise_id", "answer", "mistake"),
    [
        ("rate-largest-stable", descend_in_place, "not-restarted"),
        (
            "rate-power-iteration",
            # Never leaves its loop's first turn: the return is indented too far.
            lambda multiply, v, steps: (
                multiply(v) @ multiply(multiply(v)) / multiply(v).dot(multiply(v))
            ),
            "only-one-step",
        ),
        (
            "rate-power-iteration",
            lambda multiply, v, steps: np.abs(
                np.linalg.eigvalsh([multiply(row) for row in np.eye(len(v))])
            ).max(),
            "sign-lost",
        ),
        (
            "rate-exponential-decay",
            lambda step, first, length, factor, staircase: first * factor ** int(step / length),
            "always-a-staircase",
        ),
        (
            "rate-cosine-warm-up",
            lambda step, peak, warm, total: (
                peak * np.interp(step, [0, warm, total], [0, 1, 0]).item()
            ),
            "straight-fall",
        ),
    ],
)
def test_a_mistake_written_in_another_way_is_named(exercise_id, answer, mistake):
    assert judge(EXERCISES[exercise_id], answer).mistake == mistake


def range_test_in_place(loss_and_gradient, w, low, high, steps):
    rates, losses = np.geomspace(low, high, steps), []
    for rate in rates:
        loss, gradient = loss_and_gradient(w)
        losses.append(loss)
        w -= rate * gradient
    return rates, losses


def power_iteration_in_place(multiply, vector, steps):
    for _ in range(steps):
        vector /= np.linalg.norm(vector)
        vector[:] = multiply(vector)
    return vector @ multiply(vector) / (vector @ vector)


@pytest.mark.parametrize(
    ("exercise_id", "answer", "changed"),
    [
        ("rate-range-test", range_test_in_place, "w"),
        ("rate-power-iteration", power_iteration_in_place, "vector"),
    ],
)
def test_an_answer_that_changes_its_input_is_told_so(exercise_id, answer, changed):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "changed input"
    assert f"changes its input {changed}," in verdict.text


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        ("rate-largest-stable", bisection(close_enough=lambda low, high: high < 1.05 * low), ""),
        (
            "rate-largest-stable",
            lambda gradient, start, low, high: low,
            "    gradient = 1e5 * w\n    start = [1]\n    low = 1e-08\n    high = 50\n"
            "your answer is\n    1e-08\nexpected\n    2e-05\n",
        ),
        (
            "rate-largest-stable",
            lambda gradient, start, low, high: (low, high),
            "your function returned shape (2,), expected ()",
        ),
        (
            "rate-cosine-warm-up",
            lambda step, peak, warm, total: courses_cosine(min(step, total - 1), peak, warm, total),
            "    step = 100\n",
        ),
        (
            "rate-range-test",
            lambda *case: lesson_03.range_test(*case)[::-1],
            "    loss_and_gradient = the loss w @ w / 2 and its gradient w\n    w = [3, -4]\n",
        ),
        (
            "rate-range-test",
            lambda *case: lesson_03.range_test(*case)[1],
            "your function returned 1 of the 2 values: list of rates, list of losses",
        ),
        (
            "rate-range-test",
            lambda *case: [part[:-1] for part in lesson_03.range_test(*case)],
            "your function returned list of rates of shape (3,), expected (4,)",
        ),
        (
            "rate-exponential-decay",
            lambda step, first, length, factor, staircase: first * factor ** -(step / length),
            "    staircase = no\nyour answer is\n    1.13\nexpected\n    0.0354\n",
        ),
        (
            "rate-power-iteration",
            lambda multiply, vector, steps: vector,
            "    multiply = v -> H @ v with H = [[2, 1], [1, 3]]\n",
        ),
    ],
)
def test_any_other_wrong_answer_is_shown_with_the_case(exercise_id, answer, says):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "different"
    assert says in verdict.text


@pytest.mark.parametrize("curvature", [0.25, 1.0, 16.0])
def test_the_largest_stable_rate_of_a_parabola_is_two_over_its_curvature(curvature):
    with np.errstate(all="ignore"):
        rate = lesson_03.largest_stable_rate(lambda w: curvature * w, np.array([3.0]), 0.01, 20.0)
    assert rate == pytest.approx(2 / curvature, rel=1e-3)


@pytest.mark.parametrize("start", [0.5, 1.0, 2.0])
def test_where_the_curvature_grows_the_limit_depends_on_the_start(start):
    with np.errstate(all="ignore"):
        rate = lesson_03.largest_stable_rate(lambda w: w + w**3, np.array([start]), 0.01, 1.9)
    assert rate == pytest.approx(2 / (1 + start**2), rel=1e-3)


def test_the_limit_of_a_ravine_is_two_over_what_power_iteration_finds():
    landscape, start = ravine(condition_number=50), np.array([1.0, -1.0])
    curvature = lesson_03.power_iteration(
        lambda v: hessian_vector(landscape, start, v), np.array([1.0, 0.0]), 50
    )
    rate = lesson_03.largest_stable_rate(landscape.gradient, start, 0.001, 0.1)
    assert curvature == pytest.approx(50, rel=1e-6)
    assert rate == pytest.approx(2 / curvature, rel=2e-3)


@pytest.mark.parametrize("objective", [rosenbrock(), saddle()], ids=["rosenbrock", "saddle"])
def test_power_iteration_on_the_shifted_hessian_finds_the_courses_largest_eigenvalue(objective):
    here = np.array([0.3, 0.4])
    value, _ = largest_eigenvalue(objective, here)
    shifted = lesson_03.power_iteration(
        lambda v: hessian_vector(objective, here, v) + 300 * v, np.array([1.0, 0.5]), 1000
    )
    assert shifted - 300 == pytest.approx(value, rel=1e-4)


def test_power_iteration_finds_the_eigenvalue_of_largest_magnitude(rng):
    for _ in range(10):
        H = rng.normal(size=(5, 5))
        H = H + H.T
        eigenvalues = np.linalg.eigvalsh(H)
        largest = eigenvalues[np.abs(eigenvalues).argmax()]
        found = lesson_03.power_iteration(lambda v, H=H: H @ v, rng.normal(size=5), 2000)
        assert found == pytest.approx(largest, rel=1e-6)


@pytest.mark.parametrize(("peak", "warm_up_steps", "total_steps"), [(0.1, 10, 50), (0.4, 7, 31)])
def test_the_cosine_with_warm_up_is_the_courses_and_keras_own(peak, warm_up_steps, total_steps):
    schedule = schedules.CosineDecay(
        0.0, total_steps - warm_up_steps, warmup_target=peak, warmup_steps=warm_up_steps
    )
    warmed = schedules.LinearWarmup(
        schedules.CosineDecay(peak, total_steps - warm_up_steps), warm_up_steps
    )
    twin, steps = keras_schedule(schedule), range(total_steps + 10)
    ours = [lesson_03.cosine_with_warm_up(step, peak, warm_up_steps, total_steps) for step in steps]
    np.testing.assert_allclose(ours, schedule(np.array(steps)), atol=1e-12)
    np.testing.assert_allclose(ours, warmed(np.array(steps)), atol=1e-12)
    np.testing.assert_allclose(ours, [float(twin(step)) for step in steps], atol=1e-6 * peak)


@pytest.mark.parametrize("staircase", [False, True])
def test_the_exponential_decay_is_the_courses_and_keras_own(staircase):
    schedule = schedules.ExponentialDecay(0.5, 20, 0.7, staircase)
    twin, steps = keras_schedule(schedule), range(0, 90, 5)
    ours = [lesson_03.exponential_decay(step, 0.5, 20, 0.7, staircase) for step in steps]
    np.testing.assert_allclose(ours, schedule(np.array(steps)), rtol=1e-12)
    np.testing.assert_allclose(ours, [float(twin(step)) for step in steps], atol=1e-6)


def test_the_range_test_is_descent_with_a_schedule_that_rises():
    landscape, start = ravine(), np.array([1.0, -1.0])
    rates, losses = lesson_03.range_test(
        lambda w: (landscape.value(w), landscape.gradient(w)), start, 0.001, 0.5, 30
    )
    path = minimize(landscape, SGD(lambda step: rates[step]), start, 29)
    np.testing.assert_allclose(np.log(rates), np.linspace(np.log(0.001), np.log(0.5), 30))
    np.testing.assert_allclose(losses, path.values, rtol=1e-9)
