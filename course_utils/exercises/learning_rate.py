"""The exercises of lesson 03: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

import math

import numpy as np

from course_utils.exercises.exercise import Exercise, Mistake, readable, solutions

LESSON = "03_learning_rate"
SOLUTIONS = solutions(LESSON)


# The largest stable rate, by bisection


def _parabola(w):
    """1e5 * w"""
    return 1e5 * w


_CURVATURES = np.array([0.5, 2.0])


def _bowl(w):
    """[0.5, 2] * w"""
    return _CURVATURES * w


def _quartic(w):
    """w + w**3"""
    return w + w * w * w


def _stable_cases(rng):
    # The brackets are so wide that a mistake gives the same, whichever way the learner bisects:
    # their middle, arithmetic or geometric, overflows (or converges on the quartic).
    return [
        (_parabola, np.array([1.0]), 1e-8, 50.0),
        (_bowl, np.array([1.0, -2.0]), 0.5, 950.0),
        (_bowl, np.array([-1.0, 2.0]), 0.5, 950.0),
        (_quartic, np.array([1.0]), 0.1, 1.5),
    ]


def _descend(gradient, w, learning_rate, steps=200):
    for _ in range(steps):
        w = w - learning_rate * gradient(w)
    return w


def _ends_no_farther(gradient, start, learning_rate, steps=200):
    end = _descend(gradient, start, learning_rate, steps)
    return np.linalg.norm(end) <= np.linalg.norm(start)


def _ends_not_farther_even_if_nan(gradient, start, learning_rate):
    end = _descend(gradient, start, learning_rate)
    return not np.linalg.norm(end) > np.linalg.norm(start)


def _search(is_stable, close_enough=lambda low, high: high <= 1.001 * low):
    """Make a bisection with another test of stability, or another end."""

    def largest_stable_rate(gradient, start, low, high):
        while not close_enough(low, high):
            middle = math.sqrt(low * high)
            if is_stable(gradient, start, middle):
                low = middle
            else:
                high = middle
        return low

    return largest_stable_rate


def _not_restarted(gradient, start, low, high):
    w = start
    while high > 1.001 * low:
        middle = math.sqrt(low * high)
        w = _descend(gradient, w, middle)
        if np.linalg.norm(w) <= np.linalg.norm(start):
            low = middle
        else:
            high = middle
    return low


LARGEST_STABLE_RATE = Exercise(
    id="rate-largest-stable",
    lesson=LESSON,
    objective="rate.limit",
    title="The largest stable learning rate",
    stub='''\
def largest_stable_rate(gradient, start, low, high):
    """Return, to 0.1 %, the largest stable learning rate between low and high.

    A rate is stable if 200 steps of descent from start end no farther from the minimum
    than start is. The minimum is at 0, low is stable, high is not.
    gradient(w) returns the gradient at w, an array like start.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.largest_stable_rate,
    cases=_stable_cases,
    # Two right answers are within 0.1 % of the limit, on either side of it.
    rtol=0.0025,
    hints=(
        "Two jobs. First say for one rate whether it is stable. Then narrow the range from low to "
        "high until its ends are 0.1 % apart.",
        "For one rate: begin with w = start, make 200 steps w = w - rate * gradient(w), then "
        "compare np.linalg.norm(w) with np.linalg.norm(start).",
        "To narrow the range, test a rate in its middle. If that rate is stable, it becomes the "
        "new low. If not, it becomes the new high.",
        "Repeat this while high > 1.001 * low, then return low. A good middle is "
        "np.sqrt(low * high), because rates differ by factors.",
    ),
    mistakes=(
        Mistake(
            "only-one-step",
            _search(lambda *case: _ends_no_farther(*case, steps=1)),
            "You judge a rate after one step. In several dimensions the steep direction can grow "
            "while the flat one shrinks, and one step does not show which wins. Make 200.",
        ),
        Mistake(
            "changing-sides-counts-as-unstable",
            _search(
                lambda gradient, start, learning_rate: np.all(
                    _descend(gradient, start, learning_rate, steps=1) * start >= 0
                )
            ),
            "Your rate is half of the limit, where w begins to jump over the minimum. A jump to "
            "the other side is stable if it lands nearer to 0. Compare distances.",
        ),
        Mistake(
            "compared-without-lengths",
            _search(
                lambda gradient, start, learning_rate: np.all(
                    _descend(gradient, start, learning_rate) <= start
                )
            ),
            "You compare w with start itself. A negative number is not nearer to 0 than a positive "
            "one: compare lengths, np.linalg.norm.",
        ),
        Mistake(
            "ends-swapped",
            _search(lambda *case: not _ends_no_farther(*case)),
            "You move the wrong end. If the rate in the middle is stable, the limit lies above it, "
            "so it becomes the new low. If it is not, it becomes the new high.",
        ),
        Mistake(
            "nan-counts-as-stable",
            _search(_ends_not_farther_even_if_nan),
            "At a large rate w overflows and becomes nan. Then norm(w) > norm(start) is False, as "
            "if the rate were stable. Ask the other way round: is norm(w) <= norm(start)?",
        ),
        Mistake(
            "not-restarted",
            _not_restarted,
            "Each rate goes on from where the last one ended, near 0 or at nan. Begin each rate "
            "with w = start, and step with w = w - ...: w -= ... would change start as well.",
        ),
        Mistake(
            "any-coordinate-decides",
            _search(
                lambda gradient, start, learning_rate: np.any(
                    np.abs(_descend(gradient, start, learning_rate)) <= np.abs(start)
                )
            ),
            "A rate passes if one coordinate shrinks, so the flattest direction decides. The "
            "steepest one must shrink too: compare the lengths, np.linalg.norm.",
        ),
        Mistake(
            "stopped-too-early",
            _search(_ends_no_farther, lambda low, high: high - low <= 0.001),
            "You stop too early: when high - low is 0.001, or after too few halvings. That is too "
            "coarse for a limit of 0.00002. For 0.1 % compare the ratio: go on while "
            "high > 1.001 * low.",
        ),
    ),
)


# Warm-up and cosine


def _cosine_cases(rng):
    return [
        (0, 0.1, 10, 50),
        (4, 0.1, 10, 50),
        (9, 0.1, 10, 50),
        (10, 0.1, 10, 50),
        (20, 0.1, 10, 50),
        (90, 0.4, 20, 100),
        (100, 0.4, 20, 100),
        (125, 0.4, 20, 100),
    ]


def _half_cosine(progress):
    return 0.5 * (1 + np.cos(np.pi * progress))


def _wrong_cosine(
    rise=lambda step, warm_up_steps, total_steps: step / warm_up_steps,
    progress=lambda step, warm_up_steps, total_steps: min(
        (step - warm_up_steps) / (total_steps - warm_up_steps), 1
    ),
    fall=_half_cosine,
):
    """Make a cosine with warm-up with one wrong part: shares of the peak, or of the steps."""

    def cosine_with_warm_up(step, peak, *lengths):
        if step < lengths[0]:
            return peak * rise(step, *lengths)
        return peak * fall(progress(step, *lengths))

    return cosine_with_warm_up


def _warm_up_times_cosine(step, peak, warm_up_steps, total_steps):
    return peak * min(step / warm_up_steps, 1) * _half_cosine(min(step / total_steps, 1))


COSINE_WITH_WARM_UP = Exercise(
    id="rate-cosine-warm-up",
    lesson=LESSON,
    objective="rate.schedules",
    title="A warm-up, then half a cosine",
    stub='''\
def cosine_with_warm_up(step, peak, warm_up_steps, total_steps):
    """Return the learning rate at this step: a linear warm-up, then half a cosine.

    The rate is 0 at step 0 and rises in a straight line to peak at step warm_up_steps. It falls
    along half a cosine to 0 at step total_steps and stays 0. The step is one whole number.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.cosine_with_warm_up,
    cases=_cosine_cases,
    hints=(
        "Two parts, so an if: before step warm_up_steps the rate rises, from there on it falls.",
        "While it rises, the rate is the share step / warm_up_steps of the peak. For the rest, "
        "compute first which share of the falling part has passed.",
        "progress = (step - warm_up_steps) / (total_steps - warm_up_steps) runs from 0 to 1. After "
        "the last step keep it at 1, with min.",
        "Half a cosine takes progress from 0 to 1 into a share from 1 to 0: "
        "0.5 * (1 + np.cos(np.pi * progress)). Multiply it by peak.",
    ),
    mistakes=(
        Mistake(
            "cosine-not-shifted",
            _wrong_cosine(progress=lambda step, warm, total: min(step / total, 1)),
            "When the warm-up ends, the rate drops: your cosine began at step 0. It must begin at "
            "the peak, so count its steps from the end of the warm-up: step - warm_up_steps.",
        ),
        Mistake(
            "warm-up-times-cosine",
            _warm_up_times_cosine,
            "The cosine already falls while the warm-up rises, so the rate never reaches the peak. "
            "Let the cosine begin where the warm-up ends.",
        ),
        Mistake(
            "cosine-ends-late",
            _wrong_cosine(progress=lambda step, warm, total: min((step - warm) / total, 1)),
            "The cosine takes total_steps steps after the warm-up, so it reaches 0 too late. "
            "(Keras's decay_steps count like this.) Here it has total_steps - warm_up_steps steps.",
        ),
        Mistake(
            "rises-again-after-the-end",
            _wrong_cosine(progress=lambda step, warm, total: (step - warm) / (total - warm)),
            "After total_steps the rate rises again, because a cosine goes on. Keep progress at 1: "
            "min(progress, 1).",
        ),
        Mistake(
            "warm-up-below-the-peak",
            _wrong_cosine(rise=lambda step, warm, total: step / total),
            "The warm-up rises too slowly: at its end the rate jumps up to the peak. Divide the "
            "step by warm_up_steps, not by total_steps.",
        ),
        Mistake(
            "warm-up-one-step-early",
            _wrong_cosine(rise=lambda step, warm, total: (step + 1) / warm),
            "Your warm-up is one step early. Some libraries do this, so that no step is lost at "
            "rate 0. Here the rate is 0 at step 0 and peak at step warm_up_steps.",
        ),
        Mistake(
            "no-warm-up",
            _wrong_cosine(rise=lambda step, warm, total: 1),
            "The rate is at its peak from the start. Before step warm_up_steps it is the share "
            "step / warm_up_steps of the peak.",
        ),
        Mistake(
            "integer-division",
            _wrong_cosine(
                rise=lambda step, warm, total: step // warm,
                progress=lambda step, warm, total: min((step - warm) // (total - warm), 1),
            ),
            "The operator // rounds down, so the rate is 0 or the peak and nothing between. Divide "
            "with /.",
        ),
        Mistake(
            "straight-fall",
            _wrong_cosine(fall=lambda progress: 1 - progress),
            "Your rate falls in a straight line. Half a cosine is flat at both ends: "
            "0.5 * (1 + np.cos(np.pi * progress)).",
        ),
        Mistake(
            "quarter-of-a-cosine",
            _wrong_cosine(fall=lambda progress: np.cos(np.pi / 2 * progress)),
            "You use a quarter of a cosine, from angle 0 to pi/2, which ends steep. Half a cosine "
            "goes from 0 to pi. Its values run from 1 to -1: add 1 and halve.",
        ),
        Mistake(
            "not-halved",
            _wrong_cosine(fall=lambda progress: 1 + np.cos(np.pi * progress)),
            "The cosine part begins at twice the peak: 1 + cos runs from 2 to 0. Multiply by 0.5.",
        ),
        Mistake(
            "cosine-goes-negative",
            _wrong_cosine(fall=lambda progress: np.cos(np.pi * progress)),
            "The cosine itself runs from 1 to -1, and a negative rate climbs. Add 1 and halve: "
            "0.5 * (1 + np.cos(np.pi * progress)).",
        ),
    ),
)


# The range test


def _round_bowl(w):
    """the loss w @ w / 2 and its gradient w"""
    return w @ w / 2, w.copy()


def _quartic_bowl(w):
    """the loss np.sum(w**4) / 4 and its gradient w**3"""
    return np.sum(w**4) / 4, w**3


class _BatchesInTurn:
    """two batches in turn: (w - 1)**2 / 2, then (w + 1)**2 / 2, each with its gradient"""

    # An object, because a copy of it counts its own calls; a function's copy would not.
    def __init__(self):
        self.calls = 0

    def __call__(self, w):
        error = w - 1 if self.calls % 2 == 0 else w + 1
        self.calls += 1
        return np.sum(error**2) / 2, error


def _range_test_cases(rng):
    return [
        (_round_bowl, np.array([3.0, -4.0]), 0.01, 10.0, 4),
        (_quartic_bowl, np.array([1.0, -2.0]), 0.001, 0.1, 5),
        (_BatchesInTurn(), np.array([0.5]), 0.1, 2.0, 6),
    ]


def _wrong_range_test(rates=np.geomspace, sign=1):
    """Make a range test with other rates, or with the other sign of the steps."""

    def range_test(loss_and_gradient, w, low, high, steps):
        tried, losses = rates(low, high, steps), []
        for rate in tried:
            loss, gradient = loss_and_gradient(w)
            losses.append(loss)
            w = w - sign * rate * gradient
        return tried, np.array(losses)

    return range_test


def _loss_after_the_step(loss_and_gradient, w, low, high, steps):
    rates, losses = np.geomspace(low, high, steps), []
    for rate in rates:
        _, gradient = loss_and_gradient(w)
        w = w - rate * gradient
        losses.append(loss_and_gradient(w)[0])
    return rates, np.array(losses)


def _losses_one_step_late(loss_and_gradient, w, low, high, steps):
    rates, losses = np.geomspace(low, high, steps), []
    _, gradient = loss_and_gradient(w)
    for rate in rates:
        w = w - rate * gradient
        loss, gradient = loss_and_gradient(w)
        losses.append(loss)
    return rates, np.array(losses)


def _each_rate_from_the_start(loss_and_gradient, w, low, high, steps):
    rates, losses = np.geomspace(low, high, steps), []
    for rate in rates:
        _, gradient = loss_and_gradient(w)
        losses.append(loss_and_gradient(w - rate * gradient)[0])
    return rates, np.array(losses)


def _w_never_moves(loss_and_gradient, w, low, high, steps):
    losses = [loss_and_gradient(w)[0] for _ in range(steps)]
    return np.geomspace(low, high, steps), np.array(losses)


def _called_twice(loss_and_gradient, w, low, high, steps):
    rates, losses = np.geomspace(low, high, steps), []
    for rate in rates:
        losses.append(loss_and_gradient(w)[0])
        w = w - rate * loss_and_gradient(w)[1]
    return rates, np.array(losses)


RANGE_TEST = Exercise(
    id="rate-range-test",
    lesson=LESSON,
    objective="rate.range-test",
    title="A learning-rate range test",
    stub='''\
def range_test(loss_and_gradient, w, low, high, steps):
    """Return the rates and the losses of a learning-rate range test, one of each per step.

    The rates form a geometric progression from low to high. At each rate note the loss, then
    make one step of gradient descent. Each call of loss_and_gradient(w) takes the next
    mini-batch and returns two values, its loss and its gradient at w: call it once per step.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.range_test,
    cases=_range_test_cases,
    outputs=("list of rates", "list of losses"),
    hints=(
        "It is plain gradient descent, with a larger rate at each step and a list of the losses.",
        "In a geometric progression each rate is the same number of times larger than the one "
        "before. np.geomspace(low, high, steps) makes it, both ends included.",
        "For each rate, in this order: loss, gradient = loss_and_gradient(w), append the loss to a "
        "list, then w = w - rate * gradient.",
    ),
    mistakes=(
        Mistake(
            "linear-spacing",
            _wrong_range_test(rates=np.linspace),
            "Your rates have equal differences, so almost all of them are large. Rates differ by "
            "factors: use a geometric progression, np.geomspace.",
        ),
        Mistake(
            "rates-taken-as-exponents",
            _wrong_range_test(rates=np.logspace),
            "np.logspace(low, high) expects exponents: it runs from 10**low to 10**high. "
            "np.geomspace takes the first and the last number themselves.",
        ),
        Mistake(
            "high-never-reached",
            _wrong_range_test(
                rates=lambda low, high, steps: low * (high / low) ** (np.arange(steps) / steps)
            ),
            "The last rate stays below high. From the first of the rates to the last there are "
            "steps - 1 factors, not steps.",
        ),
        Mistake(
            "low-left-out",
            _wrong_range_test(
                rates=lambda low, high, steps: (
                    low * (high / low) ** (np.arange(1, steps + 1) / steps)
                )
            ),
            "Your first rate is already larger than low. Make the first step at low itself, and "
            "the last one at high: steps - 1 factors lie between.",
        ),
        Mistake(
            "loss-after-the-step",
            _loss_after_the_step,
            "You compute the loss again after the step. That takes a second call, and another "
            "mini-batch. Note the loss that came with the gradient, before the step.",
        ),
        Mistake(
            "losses-one-step-late",
            _losses_one_step_late,
            "Your first loss is the one after the first step. Begin the list with the loss at the "
            "given w: note the loss, then step.",
        ),
        Mistake(
            "w-never-moves",
            _w_never_moves,
            "Every loss is taken at the given w. Keep what the step gives, "
            "w = w - rate * gradient, and go on from there with the next rate.",
        ),
        Mistake(
            "each-rate-from-the-start",
            _each_rate_from_the_start,
            "You try each rate from the given w. A range test is one run: each step goes on from "
            "where the last one ended, at the next rate.",
        ),
        Mistake(
            "called-twice",
            _called_twice,
            "You call loss_and_gradient twice per step, so the loss and the gradient are of two "
            "mini-batches. Call it once: loss, gradient = loss_and_gradient(w).",
        ),
        Mistake(
            "sign-flipped",
            _wrong_range_test(sign=-1),
            "The loss rises from the first step, because you add the gradient. Subtract it.",
        ),
    ),
)


# Exponential decay


def _decay_cases(rng):
    return [
        (25, 0.2, 10, 0.5, False),
        (0, 0.2, 10, 0.5, False),
        (30, 0.1, 20, 0.9, True),
        (40, 0.1, 20, 0.9, True),
        (19, 0.4, 5, 0.8, True),
        (12, 0.4, 5, 0.8, True),
    ]


def _wrong_decay(exponent=None, formula=lambda initial, rate, exponent: initial * rate**exponent):
    """Make a decay with another exponent or another formula."""

    def exponential_decay(step, initial_rate, decay_steps, decay_rate, staircase):
        if exponent is not None:
            passed = exponent(step, decay_steps, staircase)
        else:
            passed = step // decay_steps if staircase else step / decay_steps
        return formula(initial_rate, decay_rate, passed)

    return exponential_decay


EXPONENTIAL_DECAY = Exercise(
    id="rate-exponential-decay",
    lesson=LESSON,
    objective="rate.schedules",
    title="Exponential decay",
    stub='''\
def exponential_decay(step, initial_rate, decay_steps, decay_rate, staircase):
    """Return the learning rate at this step: decay_steps steps multiply it by decay_rate.

    It begins with initial_rate at step 0. Without staircase it falls a little at every step.
    With staircase it stays level and falls at once after each decay_steps steps.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.exponential_decay,
    cases=_decay_cases,
    hints=(
        "After decay_steps steps the rate was multiplied by decay_rate once, after twice as many "
        "steps twice. How many times after step steps?",
        "step / decay_steps times, which need not be a whole number. It is the exponent, and "
        "decay_rate is the base.",
        "initial_rate * decay_rate ** exponent. With staircase, round the exponent down first: "
        "np.floor(exponent).",
    ),
    mistakes=(
        Mistake(
            "staircase-ignored",
            _wrong_decay(lambda step, decay_steps, staircase: step / decay_steps),
            "With staircase your rate still falls at every step. Round the exponent down when "
            "staircase is True.",
        ),
        Mistake(
            "always-a-staircase",
            _wrong_decay(lambda step, decay_steps, staircase: step // decay_steps),
            "Without staircase your rate moves in stairs too: // rounds down. Divide with /, and "
            "round down only when staircase is True.",
        ),
        Mistake(
            "staircase-the-wrong-way-round",
            _wrong_decay(
                lambda step, decay_steps, staircase: (
                    step / decay_steps if staircase else step // decay_steps
                )
            ),
            "The two cases are swapped. Round the exponent down when staircase is True, and only "
            "then.",
        ),
        Mistake(
            "rounded-up",
            _wrong_decay(
                lambda step, decay_steps, staircase: (
                    np.ceil(step / decay_steps) if staircase else step / decay_steps
                )
            ),
            "The stair comes a whole stage too early: the exponent is rounded up. Round it down, "
            "with np.floor.",
        ),
        Mistake(
            "rounded-to-the-nearest",
            _wrong_decay(
                lambda step, decay_steps, staircase: (
                    np.round(step / decay_steps) if staircase else step / decay_steps
                )
            ),
            "The stair comes half a stage too early: the exponent is rounded to the nearest "
            "number. Round it down, with np.floor.",
        ),
        Mistake(
            "decay-steps-ignored",
            _wrong_decay(lambda step, decay_steps, staircase: step),
            "You multiply by decay_rate at every step. That shall take decay_steps steps: the "
            "exponent is step / decay_steps.",
        ),
        Mistake(
            "base-and-exponent-swapped",
            _wrong_decay(formula=lambda initial, rate, exponent: initial * exponent**rate),
            "Base and exponent are swapped, so the rate grows from 0. The base is decay_rate, the "
            "exponent says how many times it is multiplied.",
        ),
        Mistake(
            "initial-rate-in-the-base",
            _wrong_decay(formula=lambda initial, rate, exponent: (initial * rate) ** exponent),
            "The initial rate is inside the power. It counts once: "
            "initial_rate * decay_rate ** exponent, where ** comes before *.",
        ),
        Mistake(
            "product-for-power",
            _wrong_decay(formula=lambda initial, rate, exponent: initial * rate * exponent),
            "You multiply by the exponent. To multiply by decay_rate so many times is a power: "
            "decay_rate ** exponent.",
        ),
        Mistake(
            "natural-exponential",
            _wrong_decay(
                formula=lambda initial, rate, exponent: initial * np.exp(-rate * exponent)
            ),
            "That is exp(-decay_rate * t), another way to write a decay. Here decay_rate is the "
            "factor itself: decay_rate ** exponent.",
        ),
        Mistake(
            "inverse-time-decay",
            _wrong_decay(formula=lambda initial, rate, exponent: initial / (1 + rate * exponent)),
            "That is inverse time decay, where each stage takes a smaller share of the rate than "
            "the one before. Here each multiplies by the same factor: decay_rate ** exponent.",
        ),
    ),
)


# Power iteration


def _multiply_by(rows):
    H = np.array(rows, dtype=float)

    def multiply(v):
        return H @ v

    multiply.__doc__ = f"v -> H @ v with H = {readable(H)}"
    return multiply


def _power_cases(rng):
    # So many steps that another one changes less than rounding does. In the last case a vector
    # that is never shortened overflows.
    return [
        (_multiply_by([[2, 1], [1, 3]]), np.array([1.0, 0.0]), 30),
        (_multiply_by([[-4, 1, 0], [1, 2, 0], [0, 0, 1]]), np.array([1.0, 2.0, 3.0]), 40),
        (_multiply_by([[300, 100], [100, -500]]), np.array([1.0, 1.0]), 100),
    ]


def _quotient(multiply, vector):
    return vector @ multiply(vector) / (vector @ vector)


def _leading_vector(multiply, vector, steps):
    for _ in range(steps):
        vector = multiply(vector)
        vector = vector / np.linalg.norm(vector)
    return vector


def _not_normalised(multiply, vector, steps):
    for _ in range(steps):
        vector = multiply(vector)
    return _quotient(multiply, vector)


def _quotient_not_divided(multiply, vector, steps):
    for _ in range(steps):
        vector = multiply(vector / np.linalg.norm(vector))
    return vector @ multiply(vector)


def _only_the_sign(multiply, vector, steps):
    vector = _leading_vector(multiply, vector, steps)
    product = multiply(vector)
    return vector @ (product / np.linalg.norm(product))


def _mean_of_ratios(multiply, vector, steps):
    vector = _leading_vector(multiply, vector, steps)
    return np.mean(multiply(vector) / vector)


def _largest_by_value(multiply, vector, steps):
    H = np.array([multiply(row) for row in np.eye(len(vector))])
    return np.linalg.eigvalsh(H).max()


POWER_ITERATION = Exercise(
    id="rate-power-iteration",
    lesson=LESSON,
    objective="rate.curvature",
    title="The largest curvature by power iteration",
    stub='''\
def power_iteration(multiply, vector, steps):
    """Return the eigenvalue of largest magnitude of a symmetric matrix H, with its sign.

    multiply(v) returns H v; H itself is not given. Begin with vector and make so many steps.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.power_iteration,
    cases=_power_cases,
    hints=(
        "Each product with H stretches the part of the vector along the leading eigenvector "
        "most. After many products almost nothing else is left.",
        "In a loop: vector = multiply(vector), then divide it by its length, np.linalg.norm, so "
        "that it neither overflows nor fades.",
        "Along an eigenvector H v = λ v, so v · (H v) = λ (v · v). Divide by v · v to get λ with "
        "its sign.",
        "After the loop return vector @ multiply(vector) / (vector @ vector). If vector has "
        "length 1, the division is not needed.",
    ),
    mistakes=(
        Mistake(
            "not-normalised",
            _not_normalised,
            "The vector grows by the factor |λ| at each product, until it overflows and gives nan. "
            "Divide it by its length at each step.",
        ),
        Mistake(
            "sign-lost",
            lambda *case: abs(SOLUTIONS.power_iteration(*case)),
            "The size is right, but the sign is lost: a length is never negative. Return "
            "vector @ multiply(vector) for a vector of length 1.",
        ),
        Mistake(
            "quotient-not-divided",
            _quotient_not_divided,
            "Your vector has length |λ| at the end, so v · (H v) is λ cubed. Divide by v · v, or "
            "divide the vector by its length after the product.",
        ),
        Mistake(
            "only-the-sign-is-left",
            _only_the_sign,
            "You divide the product by its length before you compare it with the vector. That "
            "leaves 1 or -1, the sign. Take vector @ product first, and shorten afterwards.",
        ),
        Mistake(
            "vector-never-changes",
            lambda multiply, vector, steps: _quotient(multiply, vector),
            "That is the quotient of the vector you were given. Keep each product: "
            "vector = multiply(vector), then divide it by its length.",
        ),
        Mistake(
            "only-one-step",
            lambda multiply, vector, steps: _quotient(multiply, multiply(vector)),
            "You multiply once. Repeat it steps times: each time the leading eigenvector gains on "
            "the others.",
        ),
        Mistake(
            "mean-of-the-ratios",
            _mean_of_ratios,
            "You average the ratios product / vector over the entries. Where the eigenvector is 0 "
            "a ratio means nothing. Weigh them: vector @ product / (vector @ vector).",
        ),
        Mistake(
            "largest-by-value",
            _largest_by_value,
            "That is the largest eigenvalue. Power iteration finds the one of largest magnitude, "
            "which may be negative. (With 2,410 weights H would fill 46 MB; you need only H v.)",
        ),
    ),
)


EXERCISES = (
    LARGEST_STABLE_RATE,
    COSINE_WITH_WARM_UP,
    RANGE_TEST,
    EXPONENTIAL_DECAY,
    POWER_ITERATION,
)
