"""Lesson 07's exercises: their formulas, and what their checks accept and name."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binomtest, kstest, loguniform, norm
from sklearn.metrics import confusion_matrix

from course_utils.exercises import EXERCISES
from course_utils.exercises.exercise import solutions
from course_utils.exercises.verdicts import judge

lesson_07 = solutions("07_capstone")


# The formulas


@pytest.mark.parametrize(("low", "high"), [(1e-5, 1.0), (0.02, 0.3)])
def test_the_logarithms_of_the_rates_are_uniform(low, high, rng):
    rates = lesson_07.random_rates(low, high, 20_000, rng)
    assert kstest(rates, loguniform(low, high).cdf).pvalue > 0.01


def cost_of(threshold, probabilities, labels, cost_missed, cost_alarm):
    counts = confusion_matrix(labels, probabilities >= threshold, labels=[0, 1])
    return cost_missed * counts[1, 0] + cost_alarm * counts[0, 1]


def test_no_threshold_is_cheaper_and_none_as_cheap_is_smaller(rng):
    for _ in range(50):
        probabilities = rng.integers(1, 10, size=8) / 10
        labels = rng.integers(2, size=8)
        costs = rng.integers(1, 6, size=2)
        threshold = lesson_07.cheapest_threshold(probabilities, labels, *costs)
        tried = sorted({*probabilities, np.inf})
        cost = {t: cost_of(t, probabilities, labels, *costs) for t in tried}
        assert threshold == min(t for t in tried if cost[t] == min(cost.values()))


@pytest.mark.parametrize(("cost_missed", "cost_alarm"), [(50, 1), (4, 1), (1, 1)])
def test_with_probabilities_that_are_true_the_costs_give_the_threshold(
    cost_missed, cost_alarm, rng
):
    # An alarm at probability p saves p * cost_missed and costs (1 - p) * cost_alarm.
    expected = cost_alarm / (cost_alarm + cost_missed)
    probabilities = rng.uniform(0, 2 * expected, size=1000)
    found = []
    for _ in range(15):
        labels = (rng.random(1000) < probabilities).astype(int)
        found.append(lesson_07.cheapest_threshold(probabilities, labels, cost_missed, cost_alarm))
    assert np.median(found) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(("right", "total"), [(0, 5), (3, 7), (90, 100), (100, 100), (870, 1000)])
def test_at_the_ends_of_the_interval_the_distance_is_1_96_standard_errors(right, total):
    def distance(a):
        return (right / total - a) ** 2 - 1.96**2 * a * (1 - a) / total

    low, high = lesson_07.accuracy_interval(right, total)
    if right:
        assert low == pytest.approx(brentq(distance, 1e-9, right / total - 1e-9))
    else:
        assert low == pytest.approx(0, abs=1e-12)
    if right < total:
        assert high == pytest.approx(brentq(distance, right / total + 1e-9, 1 - 1e-9))
    else:
        assert high == pytest.approx(1)


@pytest.mark.parametrize(("right", "total"), [(0, 5), (3, 7), (90, 100), (100, 100), (870, 1000)])
def test_the_interval_is_the_wilson_interval_of_scipy(right, total):
    scipys = binomtest(right, total).proportion_ci(0.95, method="wilson")
    ours = lesson_07.accuracy_interval(right, total)
    np.testing.assert_allclose(ours, (scipys.low, scipys.high), rtol=1e-4, atol=1e-9)


def test_the_interval_holds_the_accuracy_in_about_95_of_100_test_sets(rng):
    right = rng.binomial(150, 0.95, size=4000)
    low, high = lesson_07.accuracy_interval(right, 150)
    assert np.mean((low <= 0.95) & (high >= 0.95)) == pytest.approx(0.95, abs=0.02)


# Right answers in another style


def rates_one_by_one(low, high, number, rng):
    return [10 ** rng.uniform(math.log10(low), math.log10(high)) for _ in range(number)]


def thresholds_by_hand(probabilities, labels, cost_missed, cost_alarm):
    costs = {}
    for threshold in [math.inf, *probabilities]:
        cost = 0
        for p, label in zip(probabilities, labels, strict=True):
            if label and p < threshold:
                cost += cost_missed
            if not label and p >= threshold:
                cost += cost_alarm
        costs[float(threshold)] = cost
    return min(costs, key=lambda threshold: (costs[threshold], threshold))


def thresholds_at_once(probabilities, labels, cost_missed, cost_alarm):
    tried = np.append(np.unique(probabilities), np.inf)
    alarm = probabilities[None] >= tried[:, None]
    costs = cost_missed * (1 - alarm) @ labels + cost_alarm * alarm @ (1 - labels)
    return tried[costs.argmin()]


def threshold_by_cumulative_sums(probabilities, labels, cost_missed, cost_alarm):
    order = np.argsort(probabilities)
    change = np.where(labels[order] == 1, cost_missed, -cost_alarm)
    costs = cost_alarm * np.sum(labels == 0) + np.concatenate([[0], np.cumsum(change)])
    tried = np.append(probabilities[order], np.inf)
    first = np.searchsorted(tried, tried)
    return tried[first[np.argmin(costs[first])]]


def interval_by_roots(right, total):
    share = 1.96**2 / total
    p = right / total
    return np.sort(np.roots([1 + share, -(2 * p + share), p**2]).real)


def interval_of_counts(right, total):
    z = norm.ppf(0.975)
    wrong = total - right
    middle = (right + z * z / 2) / (total + z * z)
    half = z / (total + z * z) * math.sqrt(right * wrong / total + z * z / 4)
    return [middle - half, middle + half]


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("cap-random-search", rates_one_by_one),
        (
            "cap-random-search",
            lambda low, high, number, rng: low * (high / low) ** rng.random(number),
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: loguniform.rvs(low, high, size=number, random_state=rng),
        ),
        ("cap-threshold", thresholds_by_hand),
        ("cap-threshold", thresholds_at_once),
        ("cap-threshold", threshold_by_cumulative_sums),
        ("cap-interval", interval_by_roots),
        ("cap-interval", interval_of_counts),
        (
            "cap-interval",
            lambda right, total: tuple(
                binomtest(right, total).proportion_ci(0.95, method="wilson")
            ),
        ),
    ],
)
def test_another_right_way_to_write_it_is_solved(exercise_id, answer):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind == "solved", verdict.text


@pytest.mark.parametrize("seed", range(5))
def test_chance_does_not_decide_whether_the_rates_are_solved(seed):
    def from_another_stream(low, high, number, rng):
        rng.random(seed)
        return lesson_07.random_rates(low, high, number, rng)

    assert judge(EXERCISES["cap-random-search"], from_another_stream).kind == "solved"


# Wrong answers


def threshold_of_the_labels(probabilities, labels, cost_missed, cost_alarm):
    costs = [np.sum((probabilities >= t) != labels) for t in [*np.sort(probabilities), math.inf]]
    return [*np.sort(probabilities), math.inf][np.argmin(costs)]


def threshold_from_large_to_small(probabilities, labels, cost_missed, cost_alarm):
    costs = cost_missed, cost_alarm
    tried = [math.inf, *np.sort(probabilities)[::-1]]
    return min(tried, key=lambda t: cost_of(t, probabilities, labels, *costs))


def threshold_that_counts(missed, false_alarms):
    """Make a cheapest_threshold with these rules for whom to count as missed and as false."""

    def cheapest_threshold(probabilities, labels, cost_missed, cost_alarm):
        costs = {}
        for threshold in [*sorted(probabilities), math.inf]:
            alarm = probabilities >= threshold
            counts = sum(missed(alarm, labels)), sum(false_alarms(alarm, labels))
            costs[threshold] = cost_missed * counts[0] + cost_alarm * counts[1]
        return min(costs, key=costs.get)

    return cheapest_threshold


def plain_interval(right, total):
    p = right / total
    half = 1.96 * math.sqrt(p * (1 - p) / total)
    return p - half, p + half


@pytest.mark.parametrize(
    ("exercise_id", "answer", "mistake"),
    [
        (
            "cap-random-search",
            lambda low, high, number, rng: [rng.uniform(low, high) for _ in range(number)],
            "uniform-scale",
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: rng.permutation(np.geomspace(low, high, number)),
            "grid",
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: rng.uniform(np.log10(low), np.log10(high), number),
            "logarithms-returned",
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: np.exp(rng.uniform(np.log(low), np.log(high))),
            "only-one-rate",
        ),
        ("cap-threshold", threshold_of_the_labels, "fewest-errors"),
        ("cap-threshold", threshold_from_large_to_small, "largest-of-equally-cheap"),
        (
            "cap-threshold",
            lambda probabilities, labels, cost_missed, cost_alarm: lesson_07.cheapest_threshold(
                probabilities, labels, cost_missed, 1
            ),
            "alarm-cost-forgotten",
        ),
        (
            "cap-threshold",
            lambda probabilities, labels, *costs: lesson_07.cheapest_threshold(
                probabilities, 1 - labels, *costs
            ),
            "labels-swapped",
        ),
        (
            "cap-threshold",
            threshold_that_counts(lambda alarm, labels: ~alarm, lambda alarm, labels: alarm),
            "labels-forgotten",
        ),
        (
            "cap-threshold",
            threshold_that_counts(
                lambda alarm, labels: ~alarm, lambda alarm, labels: alarm & (labels == 0)
            ),
            "labels-forgotten-in-the-missed-frauds",
        ),
        ("cap-interval", plain_interval, "plain-normal-interval"),
        (
            "cap-interval",
            lambda right, total: tuple(np.clip(plain_interval(right, total), 0, 1)),
            "plain-normal-interval-cut-off",
        ),
        (
            "cap-interval",
            lambda right, total: lesson_07.accuracy_interval(total - right, total),
            "errors-for-accuracy",
        ),
    ],
)
def test_a_mistake_written_in_another_way_is_named(exercise_id, answer, mistake):
    assert judge(EXERCISES[exercise_id], answer).mistake == mistake


def threshold_that_sorts_its_input(probabilities, labels, cost_missed, cost_alarm):
    threshold = lesson_07.cheapest_threshold(probabilities, labels, cost_missed, cost_alarm)
    probabilities.sort()
    return threshold


def test_an_answer_that_changes_its_input_is_told_so():
    verdict = judge(EXERCISES["cap-threshold"], threshold_that_sorts_its_input)
    assert verdict.kind == "changed input"
    assert "changes its input probabilities," in verdict.text


@pytest.mark.parametrize(
    ("exercise_id", "answer", "says"),
    [
        (
            "cap-random-search",
            lambda low, high, number, rng: "rates",
            "    low = 0.0001\n    high = 1\n    number = 900\n    rng = a random generator\n"
            "what it returned: str (expected array of shape (900,))\n",
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: lesson_07.random_rates(low, high, (number, 1), rng),
            "what it returned: array of shape (900, 1) (expected array of shape (900,))\n",
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: lesson_07.random_rates(low, high, number, rng) ** 0.5,
            "\nshare of the rates below 0.000631: 0 (expected 0.2)\n",
        ),
        (
            "cap-random-search",
            lambda low, high, number, rng: 1.01 * lesson_07.random_rates(low, high, number, rng),
            "\nno rate lies outside low to high: no (expected yes)\n",
        ),
        (
            "cap-threshold",
            lambda probabilities, labels, cost_missed, cost_alarm: probabilities,
            "what it returned: array of shape (9,) (expected a number)\n",
        ),
        (
            "cap-threshold",
            lambda probabilities, labels, cost_missed, cost_alarm: "0.5",
            "what it returned: str (expected a number)\n",
        ),
        (
            "cap-threshold",
            lambda probabilities, labels, cost_missed, cost_alarm: math.inf,
            "    labels = [0, 0, 0, 0, 0, 1, 0, 1, 1]\n    cost_missed = 2\n    cost_alarm = 1\n"
            "threshold: inf (expected 0.7)\n",
        ),
        (
            "cap-interval",
            lambda right, total: lesson_07.accuracy_interval(right, total)[0],
            "    right = 17\n    total = 20\nyour function returned 1 of the 2 values: low, high\n",
        ),
        (
            "cap-interval",
            lambda right, total: (lesson_07.accuracy_interval(right, total)[0], right / total),
            "right: low\nyour high is\n    0.85\nexpected\n    0.948\n",
        ),
    ],
)
def test_any_other_wrong_answer_is_shown_with_the_case(exercise_id, answer, says):
    verdict = judge(EXERCISES[exercise_id], answer)
    assert verdict.kind in ("different", "mistake")
    assert says in verdict.text, verdict.text
