"""The exercises of lesson 07: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

import copy

import numpy as np

from course_utils.exercises.exercise import Exercise, Mistake, as_numbers, readable, solutions

LESSON = "07_capstone"
SOLUTIONS = solutions(LESSON)


# Learning rates for a random search


def _rates_cases(rng):
    return [
        (low, high, number, np.random.default_rng(rng.integers(1000)))
        for low, high, number in [(1e-4, 1.0, 900), (0.01, 0.5, 800)]
    ]


def _observe_rates(random_rates, low, high, number, rng):
    """Compare the statistics that any right draw has, so coarse that chance does not decide."""
    same_seed = copy.deepcopy(rng)
    # Five calls, for among 4,000 rates a rounded share is the same at every draw.
    first, *others, repeated = (
        random_rates(low, high, number, generator) for generator in [*[rng] * 5, same_seed]
    )
    rates = as_numbers(first)
    if rates is None:
        return {"what it returned": type(first).__name__}
    seen = {"what it returned": f"array of shape {rates.shape}"}
    if rates.shape != (number,):
        return seen
    drawn = np.array([rates, *others])
    for share in (0.2, 0.5, 0.8):
        cut = low * (high / low) ** share
        seen[f"share of the rates below {readable(cut)}"] = np.mean(drawn < cut).round(1)
    return seen | {
        "no rate lies outside low to high": np.all(
            (drawn > low * (1 - 1e-9)) & (drawn < high * (1 + 1e-9))
        ),
        "smallest rate, as a power of 10": np.log10(drawn.min()).round(1),
        "largest rate, as a power of 10": np.log10(drawn.max()).round(1),
        "no rate comes twice": len(np.unique(rates)) == number,
        "neighbours differ by many factors": np.ptp(np.diff(np.sort(np.log(rates)))) > 1e-9,
        "other rates at the next call": not np.array_equal(np.sort(rates), np.sort(others[0])),
        "the same rates from the same seed": np.array_equal(rates, repeated),
    }


def _bell_on_the_scale(low, high, number, rng):
    low, high = np.log(low), np.log(high)
    return np.exp(rng.normal((low + high) / 2, (high - low) / 4, size=number))


RANDOM_RATES = Exercise(
    id="cap-random-search",
    lesson=LESSON,
    objective="cap.budget",
    title="Learning rates for a random search",
    stub='''\
def random_rates(low, high, number, rng):
    """Return learning rates between low and high, drawn at random on a logarithmic scale.

    Return an array of length number. The logarithm of a rate is uniform: each factor of 10 gets
    the same share of the rates. Draw with rng.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.random_rates,
    cases=_rates_cases,
    observe=_observe_rates,
    hints=(
        "Rates differ by factors. Draw where you are on the logarithmic scale, then turn it into "
        "a rate.",
        "rng.uniform(a, b, size=number) draws numbers between a and b, all equally likely. Here a "
        "and b are the logarithms of low and high.",
        "np.exp undoes np.log. With np.log10 it is 10 ** ...: take both of one kind.",
        "Return np.exp(rng.uniform(np.log(low), np.log(high), size=number)).",
    ),
    mistakes=(
        Mistake(
            "uniform-scale",
            lambda low, high, number, rng: rng.uniform(low, high, number),
            "The rates themselves are uniform, so almost all of them are large and the small ones "
            "are never tried. Draw their logarithms.",
        ),
        Mistake(
            "logarithms-returned",
            lambda low, high, number, rng: rng.uniform(np.log(low), np.log(high), number),
            "You return the logarithms, which are negative here. Turn them into rates: np.exp "
            "undoes np.log, and 10 ** undoes np.log10.",
        ),
        Mistake(
            "log10-and-exp",
            lambda low, high, number, rng: np.exp(
                rng.uniform(np.log10(low), np.log10(high), number)
            ),
            "np.exp undoes np.log, not np.log10. Your rates are too large. Take both of one kind.",
        ),
        Mistake(
            "log-and-power-of-10",
            lambda low, high, number, rng: 10 ** rng.uniform(np.log(low), np.log(high), number),
            "10 ** undoes np.log10, not np.log. Your rates are far too small. Take both of one "
            "kind.",
        ),
        Mistake(
            "limits-taken-as-powers-of-10",
            lambda low, high, number, rng: 10 ** rng.uniform(low, high, number),
            "You use low and high themselves as powers of 10, so every rate is above 1. Use their "
            "logarithms.",
        ),
        Mistake(
            "limits-taken-as-logarithms",
            lambda low, high, number, rng: np.exp(rng.uniform(low, high, number)),
            "You use low and high themselves as logarithms, so every rate is above 1. Use "
            "np.log(low) and np.log(high).",
        ),
        Mistake(
            "one-draw-repeated",
            lambda low, high, number, rng: np.full(
                number, SOLUTIONS.random_rates(low, high, 1, rng)
            ),
            "You draw one rate and repeat it, so all runs are the same. Draw anew for each run: "
            "size=number.",
        ),
        Mistake(
            "only-one-rate",
            lambda low, high, number, rng: SOLUTIONS.random_rates(low, high, None, rng),
            "You return a single rate. Draw an array of them: size=number.",
        ),
        Mistake(
            "grid",
            lambda low, high, number, rng: np.geomspace(low, high, number),
            "That is a grid: neighbours always differ by the same factor, and every call gives the "
            "same rates. In a random search they are drawn, with rng.uniform.",
        ),
        Mistake(
            "whole-powers-of-10",
            lambda low, high, number, rng: (
                10.0 ** rng.integers(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1, number)
            ),
            "You draw whole powers of 10, so the same few rates come again and again. Draw the "
            "power with rng.uniform.",
        ),
        Mistake(
            "bell-on-the-scale",
            _bell_on_the_scale,
            "The rates gather in the middle of the range, because you draw from a normal "
            "distribution. Draw from a uniform one: rng.uniform.",
        ),
        Mistake(
            "same-rates-at-every-call",
            lambda low, high, number, rng: SOLUTIONS.random_rates(
                low, high, number, np.random.default_rng(0)
            ),
            "Every call gives the same rates, because you make a generator with a fixed seed "
            "inside. Draw from the rng that the function is given.",
        ),
        Mistake(
            "rng-not-used",
            lambda low, high, number, rng: SOLUTIONS.random_rates(
                low, high, number, np.random.default_rng()
            ),
            "The rates are right, but the same seed does not give them again. Draw from the rng "
            "that the function is given, so that a search can be repeated.",
        ),
    ),
)


# A threshold from costs


def _threshold_cases(rng):
    # In the first two cases several thresholds cost the same. In the third, no alarm is cheapest.
    # In the last, a false alarm costs more than a missed fraud.
    return [
        (np.array(probabilities), np.array(labels), cost_missed, cost_alarm)
        for probabilities, labels, cost_missed, cost_alarm in [
            (
                [0.3, 0.75, 0.8, 0.05, 0.9, 0.05, 0.45, 0.7, 0.85],
                [0, 0, 0, 0, 0, 1, 0, 1, 1],
                2.0,
                1.0,
            ),
            ([0.45, 0.55, 0.3, 0.1, 0.95, 0.95, 0.35], [0, 1, 0, 0, 0, 1, 1], 2.0, 2.0),
            ([0.75, 0.5, 0.75, 0.05, 0.9], [0, 0, 1, 0, 0], 3.0, 2.0),
            ([0.02, 0.6, 0.01, 0.08, 0.15, 0.03, 0.08], [0, 1, 0, 1, 0, 0, 0], 50.0, 1.0),
            ([0.1, 0.3, 0.6, 0.7, 0.8], [0, 1, 0, 0, 1], 2.0, 3.0),
        ]
    ]


def _observe_threshold(cheapest_threshold, *case):
    threshold = cheapest_threshold(*case)
    number = as_numbers(threshold)
    if number is None:
        return {"what it returned": type(threshold).__name__}
    if number.ndim:
        return {"what it returned": f"array of shape {number.shape}"}
    return {"what it returned": "a number", "threshold": float(number)}


def _total_cost(missed, alarms, cost_missed, cost_alarm, labels):
    return cost_missed * missed + cost_alarm * alarms


def _wrong_threshold(
    cost=_total_cost,
    alarms=np.greater_equal,
    missed=lambda alarm, labels: ~alarm & (labels == 1),
    false_alarms=lambda alarm, labels: alarm & (labels == 0),
    candidates=lambda probabilities: np.append(np.sort(probabilities), np.inf),
    chosen=lambda candidates, costs: candidates[np.argmin(costs)],
):
    """Make a cheapest_threshold with one wrong part."""

    def cheapest_threshold(probabilities, labels, cost_missed, cost_alarm):
        tried = candidates(probabilities)
        alarm = alarms(probabilities, tried[:, None])
        counts = [errors(alarm, labels).sum(axis=1) for errors in (missed, false_alarms)]
        return chosen(tried, cost(*counts, cost_missed, cost_alarm, labels))

    return cheapest_threshold


CHEAPEST_THRESHOLD = Exercise(
    id="cap-threshold",
    lesson=LESSON,
    objective="cap.rare",
    title="The cheapest threshold",
    stub='''\
def cheapest_threshold(probabilities, labels, cost_missed, cost_alarm):
    """Return the threshold with the lowest total cost on these examples.

    probabilities holds the predicted probability of fraud of each example, labels 1 for fraud and
    0 for none. At a threshold, the examples with probability >= threshold raise an alarm. A fraud
    without an alarm costs cost_missed, an alarm without fraud costs cost_alarm. Try each of the
    probabilities as threshold, and np.inf, which never raises an alarm. If several thresholds
    cost the same, return the smallest of them.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.cheapest_threshold,
    cases=_threshold_cases,
    observe=_observe_threshold,
    hints=(
        "Compute the total cost at one threshold first. Then do it for all of them, and keep the "
        "cheapest.",
        "At a threshold, alarm = probabilities >= threshold is True for the examples with an "
        "alarm. Missed frauds are those with labels == 1 and no alarm: ~alarm & (labels == 1).",
        "The cost is cost_missed times the number of missed frauds plus cost_alarm times the "
        "number of alarms with labels == 0. np.sum counts the True entries.",
        "Go through [*np.sort(probabilities), np.inf] from small to large, and keep a threshold "
        "only if its cost is below the lowest so far. So the smallest wins if costs are equal.",
    ),
    mistakes=(
        Mistake(
            "costs-swapped",
            _wrong_threshold(
                lambda missed, alarms, cost_missed, cost_alarm, labels: (
                    cost_alarm * missed + cost_missed * alarms
                )
            ),
            "The costs are swapped: a fraud without an alarm costs cost_missed, an alarm without "
            "fraud costs cost_alarm.",
        ),
        Mistake(
            "fewest-errors",
            _wrong_threshold(lambda missed, alarms, *costs: missed + alarms),
            "You count all errors alike, which gives the highest accuracy. Weight each kind with "
            "its cost.",
        ),
        Mistake(
            "always-one-half",
            lambda probabilities, labels, cost_missed, cost_alarm: 0.5,
            "One half is the right threshold only if both errors cost the same and the "
            "probabilities can be trusted. Try the thresholds on these examples.",
        ),
        Mistake(
            "from-the-costs-alone",
            lambda probabilities, labels, cost_missed, cost_alarm: (
                cost_alarm / (cost_alarm + cost_missed)
            ),
            "That is the best threshold for probabilities that can be trusted. Here the examples "
            "decide: compute the cost of each threshold on them.",
        ),
        Mistake(
            "only-missed-frauds",
            _wrong_threshold(lambda missed, alarms, *others: missed),
            "Only missed frauds cost something in your sum, so an alarm for everybody is cheapest. "
            "Add cost_alarm for each alarm without fraud.",
        ),
        Mistake(
            "only-false-alarms",
            _wrong_threshold(lambda missed, alarms, *others: alarms),
            "Only false alarms cost something in your sum, so no alarm at all is cheapest. Add "
            "cost_missed for each fraud without an alarm.",
        ),
        Mistake(
            "alarm-cost-forgotten",
            _wrong_threshold(
                lambda missed, alarms, cost_missed, *others: cost_missed * missed + alarms
            ),
            "You count each false alarm as 1. Multiply the number of false alarms by cost_alarm.",
        ),
        Mistake(
            "labels-forgotten",
            _wrong_threshold(
                missed=lambda alarm, labels: ~alarm, false_alarms=lambda alarm, labels: alarm
            ),
            "Look at the labels in both counts. Only an example with labels == 1 can be a missed "
            "fraud, and only one with labels == 0 a false alarm.",
        ),
        Mistake(
            "labels-forgotten-in-the-missed-frauds",
            _wrong_threshold(missed=lambda alarm, labels: ~alarm),
            "You let every example without an alarm cost cost_missed. Only frauds can be missed: "
            "count the examples with labels == 1.",
        ),
        Mistake(
            "labels-swapped",
            _wrong_threshold(
                missed=lambda alarm, labels: ~alarm & (labels == 0),
                false_alarms=lambda alarm, labels: alarm & (labels == 1),
            ),
            "The labels are swapped: 1 is a fraud, 0 is none. A missed fraud has labels == 1, a "
            "false alarm labels == 0.",
        ),
        Mistake(
            "right-alarms-cost-too",
            _wrong_threshold(
                lambda missed, alarms, cost_missed, cost_alarm, labels: (
                    cost_missed * missed + cost_alarm * (alarms + np.sum(labels == 1) - missed)
                )
            ),
            "You let every alarm cost cost_alarm. An alarm for a real fraud costs nothing here: "
            "count the alarms with labels == 0.",
        ),
        Mistake(
            "alarm-only-above-the-threshold",
            _wrong_threshold(alarms=np.greater),
            "You raise an alarm only above the threshold. At the threshold itself there is one "
            "too: >=, not >.",
        ),
        Mistake(
            "alarm-below-the-threshold",
            _wrong_threshold(alarms=np.less),
            "You return the threshold with the highest cost. Look at two places: an alarm is "
            "raised where probabilities >= threshold, and the lowest cost is kept.",
        ),
        Mistake(
            "cost-returned",
            _wrong_threshold(chosen=lambda candidates, costs: costs.min()),
            "You return the lowest cost. Return the threshold that it belongs to.",
        ),
        Mistake(
            "place-returned",
            _wrong_threshold(chosen=lambda candidates, costs: np.argmin(costs)),
            "np.argmin gives a place in the list of costs. Return the threshold at that place.",
        ),
        Mistake(
            "largest-of-equally-cheap",
            _wrong_threshold(
                chosen=lambda candidates, costs: candidates[costs == costs.min()].max()
            ),
            "Several thresholds cost the same, and you return the largest. Return the smallest: "
            "compare with <, not <=, when you go from small to large.",
        ),
        Mistake(
            "thresholds-not-sorted",
            _wrong_threshold(candidates=lambda probabilities: np.append(probabilities, np.inf)),
            "Several thresholds cost the same, and you return the one that comes first in the "
            "data. Return the smallest: sort the thresholds before you try them.",
        ),
        Mistake(
            "infinity-left-out",
            _wrong_threshold(candidates=np.sort),
            "You do not try np.inf. Sometimes no alarm at all is cheapest.",
        ),
        Mistake(
            "shares-for-counts",
            _wrong_threshold(
                lambda missed, alarms, cost_missed, cost_alarm, labels: (
                    cost_missed * missed / np.sum(labels == 1)
                    + cost_alarm * alarms / np.sum(labels == 0)
                )
            ),
            "You divide the errors by the number of examples of their kind. The total cost counts "
            "each error: a missed fraud costs cost_missed, however few frauds there are.",
        ),
    ),
)


# The uncertainty of an accuracy


def _interval_cases(rng):
    return [(17, 20), (98, 100), (10, 10), (0, 8), (341, 360)]


def _wrong_interval(
    z=1.96,
    centre=lambda p, z, n: p + z**2 / (2 * n),
    variance=lambda p, z, n: p * (1 - p) / n + z**2 / (4 * n**2),
    root=np.sqrt,
    scale=lambda z, n: 1 + z**2 / n,
    ends=lambda middle, half: (middle - half, middle + half),
):
    """Make an accuracy_interval with one wrong part."""

    def accuracy_interval(right, total):
        p, divisor = right / total, scale(z, total)
        half = z * root(variance(p, z, total))
        return ends(centre(p, z, total) / divisor, half / divisor)

    return accuracy_interval


def _cut(middle, half):
    return max(middle - half, 0), min(middle + half, 1)


_NORMAL = {
    "centre": lambda p, z, n: p,
    "variance": lambda p, z, n: p * (1 - p) / n,
    "scale": lambda z, n: 1,
}


def _agresti_coull(right, total):
    z = 1.96
    n = total + z**2
    p = (right + z**2 / 2) / n
    half = z * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


ACCURACY_INTERVAL = Exercise(
    id="cap-interval",
    lesson=LESSON,
    objective="cap.test-once",
    title="The uncertainty of an accuracy",
    stub='''\
def accuracy_interval(right, total):
    """Return low and high, the ends of Wilson's 95 % interval of an accuracy.

    right of total examples were predicted right: p = right / total. With z = 1.96, the interval
    holds every accuracy a from which p is at most z * np.sqrt(a * (1 - a) / total) away.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.accuracy_interval,
    cases=_interval_cases,
    outputs=("low", "high"),
    # So that the exact 97.5 % point of the normal distribution, 1.95996, is right too.
    rtol=1e-4,
    hints=(
        "The ends are the two accuracies a at which the distance is exactly as large: "
        "(p - a)**2 = z**2 * a * (1 - a) / total. That is a quadratic equation for a.",
        "In order: (1 + z**2 / total) * a**2 - (2 * p + z**2 / total) * a + p**2 = 0. Its two "
        "solutions are low and high.",
        "The middle of both is (p + z**2 / (2 * total)) / (1 + z**2 / total), which lies nearer "
        "to one half than p.",
        "half = z * np.sqrt(p * (1 - p) / total + z**2 / (4 * total**2)) / (1 + z**2 / total). "
        "Return middle - half, middle + half.",
    ),
    mistakes=(
        Mistake(
            "plain-normal-interval",
            _wrong_interval(**_NORMAL),
            "That is the plain interval, which takes the spread at p itself. At p = 1 it has no "
            "width at all. Wilson takes the spread at the accuracy a that is asked about.",
        ),
        Mistake(
            "plain-normal-interval-cut-off",
            _wrong_interval(**_NORMAL, ends=_cut),
            "That is the plain interval, cut off at 0 and 1. At p = 1 it has no width at all. "
            "Wilson's ends never leave 0 to 1, and need no cut.",
        ),
        Mistake(
            "agresti-and-coull",
            _agresti_coull,
            "That is Agresti and Coull's interval: the plain one with z**2 / 2 right and "
            "z**2 / 2 wrong examples added. Its middle is Wilson's, but it is wider.",
        ),
        Mistake(
            "root-missing",
            _wrong_interval(root=lambda variance: variance),
            "You add and subtract a variance. The distance is its root: np.sqrt.",
        ),
        Mistake(
            "middle-not-moved",
            _wrong_interval(centre=lambda p, z, n: p * (1 + z**2 / n)),
            "Your interval has p in its middle. Wilson's middle lies nearer to one half: "
            "(p + z**2 / (2 * total)) / (1 + z**2 / total).",
        ),
        Mistake(
            "not-divided",
            _wrong_interval(scale=lambda z, n: 1),
            "Both ends are too large by one factor. Divide them by 1 + z**2 / total.",
        ),
        Mistake(
            "only-the-middle-divided",
            _wrong_interval(
                variance=lambda p, z, n: (p * (1 - p) / n + z**2 / (4 * n**2)) * (1 + z**2 / n) ** 2
            ),
            "You divide the middle by 1 + z**2 / total, but not the half width. Divide both.",
        ),
        Mistake(
            "second-term-missing-in-the-root",
            _wrong_interval(variance=lambda p, z, n: p * (1 - p) / n),
            "Under the root the term z**2 / (4 * total**2) is missing. Without it the interval "
            "has no width at p = 1.",
        ),
        Mistake(
            "total-not-squared",
            _wrong_interval(variance=lambda p, z, n: p * (1 - p) / n + z**2 / (4 * n)),
            "The second term under the root is too large: it is z**2 / (4 * total**2).",
        ),
        Mistake(
            "z-not-squared",
            _wrong_interval(
                centre=lambda p, z, n: p + z / (2 * n),
                variance=lambda p, z, n: p * (1 - p) / n + z / (4 * n**2),
                scale=lambda z, n: 1 + z / n,
            ),
            "You take z where z**2 belongs. Only in front of the root it stands as it is.",
        ),
        Mistake(
            "spread-not-divided-by-the-total",
            _wrong_interval(variance=lambda p, z, n: p * (1 - p) + z**2 / (4 * n**2)),
            "The spread does not shrink with the number of examples: p * (1 - p) is divided by "
            "total.",
        ),
        Mistake(
            "one-standard-error",
            _wrong_interval(z=1),
            "That is the interval for z = 1, which holds about 68 %. For 95 % take z = 1.96.",
        ),
        Mistake(
            "z-of-90-percent",
            _wrong_interval(z=1.645),
            "That is the interval of 90 %: its z is 1.645, as 5 % lie above it. For 95 % in the "
            "middle take z = 1.96.",
        ),
        Mistake(
            "z-of-99-percent",
            _wrong_interval(z=2.576),
            "That is the interval of 99 %. For 95 % take z = 1.96.",
        ),
        Mistake(
            "z-rounded-to-2",
            _wrong_interval(z=2),
            "You take z = 2, which is 1.96 rounded. Here z is 1.96.",
        ),
        Mistake(
            "total-minus-one",
            lambda right, total: SOLUTIONS.accuracy_interval(
                right * (total - 1) / total, total - 1
            ),
            "You divide by total - 1. That is for the spread of a sample of numbers; here it is "
            "total.",
        ),
        Mistake(
            "errors-for-accuracy",
            lambda right, total: SOLUTIONS.accuracy_interval(total - right, total),
            "That is the interval of the share of errors. Use the share of right predictions, "
            "p = right / total.",
        ),
        Mistake(
            "in-percent",
            lambda right, total: tuple(
                100 * end for end in SOLUTIONS.accuracy_interval(right, total)
            ),
            "The interval is right but in percent. Return shares between 0 and 1.",
        ),
        Mistake(
            "ends-in-the-other-order",
            lambda right, total: SOLUTIONS.accuracy_interval(right, total)[::-1],
            "Both ends are right, but the caller expects the lower one first: return low, high.",
        ),
        Mistake(
            "middle-and-half-width",
            _wrong_interval(ends=lambda middle, half: (middle, half)),
            "You return the middle and half of the width. Return both ends: middle - half and "
            "middle + half.",
        ),
    ),
)


EXERCISES = (RANDOM_RATES, CHEAPEST_THRESHOLD, ACCURACY_INTERVAL)
