"""The exercises of lesson 05: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

import copy
from collections.abc import Iterator

import numpy as np

from course_utils.exercises.exercise import Exercise, Mistake, observe_steps, solutions, stream

LESSON = "05_rmsprop_and_adam"
SOLUTIONS = solutions(LESSON)


# What Adagrad and RMSprop share: a state of squares, and the division by its root.
# Gradients are small and epsilons large, for at the usual ones nobody can see where epsilon stands.


def _wrong_rule(
    state,
    move=lambda step, new, old, epsilon: step / np.sqrt(new + epsilon),
    returned=lambda w, new, old: (w, new),
):
    """Make an update rule from its new state, how far w goes down, and what it returns.

    `step` is the rate times the gradient. What stands between the rate and epsilon among the
    arguments belongs to the state.
    """

    def rule(w, old, gradient, learning_rate, *settings):
        *of_the_state, epsilon = settings
        new = state(old, gradient, *of_the_state)
        step = learning_rate * gradient
        return returned(w - move(step, new, old, epsilon), new, old)

    return rule


def _mistakes_after_the_state(state, name):
    """Return the mistakes of a rule whose new state is right; `name` is what its stub calls it."""
    return (
        Mistake(
            "sign-flipped",
            _wrong_rule(state, lambda step, new, old, eps: -step / np.sqrt(new + eps)),
            "The gradient points uphill, and you add the step. Subtract it.",
        ),
        Mistake(
            "epsilon-outside-the-root",
            _wrong_rule(state, lambda step, new, old, eps: step / (np.sqrt(new) + eps)),
            f"You add epsilon to the root, as Adam's paper does. Here it stands inside, as in "
            f"Keras: np.sqrt({name} + epsilon).",
        ),
        Mistake(
            "epsilon-added-to-w",
            _wrong_rule(state, lambda step, new, old, eps: step / np.sqrt(new) - eps),
            f"Division comes before addition, so epsilon is added to w at the end. Bring it inside "
            f"the root: np.sqrt({name} + epsilon).",
        ),
        Mistake(
            "epsilon-added-to-the-step",
            _wrong_rule(state, lambda step, new, old, eps: step / np.sqrt(new) + eps),
            f"Division comes before addition, so epsilon is added to the finished step. Bring it "
            f"inside the root: np.sqrt({name} + epsilon).",
        ),
        Mistake(
            "epsilon-missing",
            _wrong_rule(state, lambda step, new, old, eps: step / np.sqrt(new)),
            f"There is no epsilon. A parameter whose gradients were all 0 then gets 0/0, which is "
            f"nan. Divide by np.sqrt({name} + epsilon).",
        ),
        Mistake(
            "root-missing",
            _wrong_rule(state, lambda step, new, old, eps: step / (new + eps)),
            "You divide by the squares themselves, so a large gradient makes a short step. Divide "
            "by their root: then the size of the gradient cancels.",
        ),
        Mistake(
            "old-state-in-the-root",
            _wrong_rule(state, lambda step, new, old, eps: step / np.sqrt(old + eps)),
            f"You divide by the {name} from before this step. Let the new gradient enter it first, "
            "then divide.",
        ),
        Mistake(
            "state-not-kept",
            _wrong_rule(state, returned=lambda w, new, old: (w, old)),
            f"You return the {name} that came in, so the next step knows nothing of this one. "
            f"Return the new {name}.",
        ),
        Mistake(
            "values-in-the-other-order",
            _wrong_rule(state, returned=lambda w, new, old: (new, w)),
            f"Both values are right, but the caller expects w first: return w, {name}.",
        ),
    )


# Adagrad


def _adagrad_cases(rng):
    return [
        (
            np.array([1.0, -2.0]),
            np.zeros(2),
            stream([0.3, -0.2], [0.1, 0.4], [-0.5, 0.2]),
            0.5,
            0.1,
        ),
        (
            np.array([0.5, 1.0, -1.0]),
            np.array([0.4, 0.0, 0.1]),
            stream([0.2, 0, -0.6], [-0.1, 0, 0.5]),
            0.2,
            0.05,
        ),
    ]


def _epsilon_kept(w, accumulator, gradient, learning_rate, epsilon):
    accumulator = accumulator + gradient**2 + epsilon
    return w - learning_rate * gradient / np.sqrt(accumulator), accumulator


ADAGRAD_STEP = Exercise(
    id="adam-adagrad",
    lesson=LESSON,
    objective="adam.adagrad",
    title="One step of Adagrad",
    stub='''\
def adagrad_step(w, accumulator, gradient, learning_rate, epsilon):
    """Return w and accumulator after one step of Adagrad.

    The accumulator has one entry for each parameter. As in Keras, epsilon is added inside the
    root.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.adagrad_step,
    cases=_adagrad_cases,
    observe=observe_steps("w", "accumulator"),
    hints=(
        "Two lines in this order: let the new gradient enter the accumulator, then move w.",
        "The accumulator is the sum of all squared gradients so far. gradient**2 squares each "
        "entry by itself.",
        "Each parameter has its own rate: learning_rate divided by the root of its entry of the "
        "accumulator. Epsilon is added before the root is taken.",
        "accumulator = accumulator + gradient**2, then w is moved by "
        "-learning_rate * gradient / np.sqrt(accumulator + epsilon).",
    ),
    mistakes=(
        *_mistakes_after_the_state(lambda old, g: old + g**2, "accumulator"),
        Mistake(
            "gradient-not-squared",
            _wrong_rule(lambda old, g: old + g),
            "You sum the gradients, so positive and negative ones cancel, and the root of a "
            "negative sum is nan. Sum their squares.",
        ),
        Mistake(
            "absolute-values-for-squares",
            _wrong_rule(lambda old, g: old + np.abs(g)),
            "You sum the sizes of the gradients. Sum their squares, gradient**2: the root is meant "
            "for squares.",
        ),
        Mistake(
            "accumulator-replaced",
            _wrong_rule(lambda old, g: g**2),
            "Your accumulator holds only the last squared gradient. Add it to what came before.",
        ),
        Mistake(
            "one-rate-for-all-parameters",
            _wrong_rule(lambda old, g: old + np.sum(g**2)),
            "You add the same sum to every entry, so all parameters have one rate. Each entry adds "
            "the square of its own gradient: gradient**2, without np.sum.",
        ),
        Mistake(
            "epsilon-kept-in-the-accumulator",
            _epsilon_kept,
            "You store the accumulator with epsilon in it, so one more epsilon comes in at every "
            "step. Add it only inside the root.",
        ),
    ),
)


# RMSprop


def _rmsprop_cases(rng):
    return [
        (
            np.array([1.0, -2.0]),
            np.zeros(2),
            stream([0.3, -0.2], [0.1, 0.4], [-0.5, 0.2]),
            0.5,
            0.9,
            0.1,
        ),
        (
            np.array([0.5, 1.0, -1.0]),
            np.array([0.4, 0.0, 0.1]),
            stream([0.2, 0, -0.6], [-0.1, 0, 0.5]),
            0.2,
            0.8,
            0.05,
        ),
    ]


def _mean_square(old, gradient, rho):
    return rho * old + (1 - rho) * gradient**2


def _begun_at_the_first_square(old, gradient, rho):
    return _mean_square(old, gradient, rho) if old.any() else gradient**2


RMSPROP_STEP = Exercise(
    id="adam-rmsprop",
    lesson=LESSON,
    objective="adam.rmsprop",
    title="One step of RMSprop",
    stub='''\
def rmsprop_step(w, average, gradient, learning_rate, rho, epsilon):
    """Return w and average after one step of RMSprop.

    average is the running average of the squared gradients, one entry for each parameter. It is
    0 at the start, and rho is the share of it that stays. As in Keras, epsilon is added inside
    the root.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.rmsprop_step,
    cases=_rmsprop_cases,
    observe=observe_steps("w", "average"),
    hints=(
        "It is Adagrad with one line changed: the squares are averaged, not summed.",
        "A running average keeps the share rho of its old value and takes in the share 1 - rho of "
        "the new one. Here the new one is gradient**2.",
        "average = rho * average + (1 - rho) * gradient**2. Then w moves as in Adagrad, with "
        "average in the place of accumulator.",
        "The move is -learning_rate * gradient / np.sqrt(average + epsilon).",
    ),
    mistakes=(
        *_mistakes_after_the_state(_mean_square, "average"),
        Mistake(
            "shares-swapped",
            _wrong_rule(lambda old, g, rho: (1 - rho) * old + rho * g**2),
            "The shares are swapped, so the average forgets almost at once. The old average keeps "
            "rho, the new square enters with 1 - rho.",
        ),
        Mistake(
            "one-minus-rho-missing",
            _wrong_rule(lambda old, g, rho: rho * old + g**2),
            "The new square enters whole, so this is a fading sum and far too large for an "
            "average. Multiply the square by 1 - rho.",
        ),
        Mistake(
            "rho-missing",
            _wrong_rule(lambda old, g, rho: old + (1 - rho) * g**2),
            "The old average stays whole, so it can only grow, as in Adagrad. Multiply it by rho.",
        ),
        Mistake(
            "summed-as-in-adagrad",
            _wrong_rule(lambda old, g, rho: old + g**2),
            "That is Adagrad: a sum of squares, which only grows. RMSprop averages: the share rho "
            "of the old value and the share 1 - rho of the new square.",
        ),
        Mistake(
            "squared-average",
            _wrong_rule(
                lambda old, g, rho: rho * old + (1 - rho) * g,
                lambda step, new, old, eps: step / np.sqrt(new**2 + eps),
            ),
            "You average the gradients and square the average. Then positive and negative "
            "gradients cancel. Square each gradient first, then average the squares.",
        ),
        Mistake(
            "gradient-not-squared",
            _wrong_rule(lambda old, g, rho: rho * old + (1 - rho) * g),
            "You average the gradients themselves, and the root of a negative average is nan. "
            "Average their squares.",
        ),
        Mistake(
            "share-squared-too",
            _wrong_rule(lambda old, g, rho: rho * old + ((1 - rho) * g) ** 2),
            "The share 1 - rho is squared together with the gradient. Only the gradient is "
            "squared: (1 - rho) * gradient**2.",
        ),
        Mistake(
            "begun-at-the-first-square",
            _wrong_rule(_begun_at_the_first_square),
            "In the first step you set the average to gradient**2. Here it begins at 0, so the "
            "first square too enters with the share 1 - rho.",
        ),
    ),
)


# Adam


def _adam_cases(rng):
    return [
        (
            np.array([1.0, -2.0]),
            np.zeros(2),
            np.zeros(2),
            0,
            stream([0.3, -0.2], [0.1, 0.4], [-0.5, 0.2]),
            0.5,
            0.9,
            0.99,
            0.1,
        ),
        (
            np.array([0.5, 1.0, -1.0]),
            np.array([0.1, 0.0, -0.2]),
            np.array([0.02, 0.0, 0.05]),
            4,
            stream([0.2, 0, -0.6], [-0.1, 0, 0.5]),
            0.2,
            0.8,
            0.95,
            0.05,
        ),
    ]


def _moments(m, v, step, g, beta1, beta2):
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


def _begun_at_the_first_square_in_adam(m, v, step, g, beta1, beta2):
    m, later = _moments(m, v, step, g, beta1, beta2)
    return m, later if step else g**2


def _mean_squared(m, v, step, g, beta1, beta2):
    m = beta1 * m + (1 - beta1) * g
    return m, beta2 * v + (1 - beta2) * m**2


def _move(m_hat, v_hat, c2, g, epsilon):
    return m_hat / (np.sqrt(v_hat) + epsilon)


def _wrong_adam(
    moments=_moments,
    corrections=lambda beta1, beta2, t: (1 - beta1**t, 1 - beta2**t),
    move=_move,
    kept=lambda new, given, hats: new,
    after=lambda moved, epsilon: moved,
):
    """Make a step of Adam with one wrong part.

    `corrections` are what m and v are divided by, `move` is how far w goes down at a rate of 1
    (`c2` corrects v), `after` is what comes to w at last, `kept` are the m, v and step returned.
    """

    def adam_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
        new = *moments(m, v, step, gradient, beta1, beta2), step + 1
        c1, c2 = corrections(beta1, beta2, step + 1)
        hats = new[0] / c1, new[1] / c2
        moved = w - learning_rate * move(*hats, c2, gradient, epsilon)
        return after(moved, epsilon), *kept(new, (m, v, step), hats)

    return adam_step


_ADAM_MISTAKES = (
    Mistake(
        "step-not-advanced",
        _wrong_adam(kept=lambda new, given, hats: (*new[:2], given[2])),
        "You return the step that came in, so every step is corrected like the first. Return "
        "step + 1.",
    ),
    Mistake(
        "step-counted-from-0",
        _wrong_adam(
            corrections=lambda beta1, beta2, t: (1 - beta1 ** (t - 1), 1 - beta2 ** (t - 1))
        ),
        "You correct with the number of steps before this one. In the first step that is 0, and "
        "1 - beta**0 is 0. Add 1 to step before you use it.",
    ),
    Mistake(
        "no-bias-correction",
        _wrong_adam(corrections=lambda beta1, beta2, t: (1, 1)),
        "Both means begin at 0 and are too small in the first steps. Correct them: divide m by "
        "1 - beta1**step and v by 1 - beta2**step.",
    ),
    Mistake(
        "only-m-corrected",
        _wrong_adam(corrections=lambda beta1, beta2, t: (1 - beta1**t, 1)),
        "You correct m but not v. v begins at 0 too: divide it by 1 - beta2**step.",
    ),
    Mistake(
        "only-v-corrected",
        _wrong_adam(corrections=lambda beta1, beta2, t: (1, 1 - beta2**t)),
        "You correct v but not m. m begins at 0 too: divide it by 1 - beta1**step.",
    ),
    Mistake(
        "one-correction-for-both",
        _wrong_adam(corrections=lambda beta1, beta2, t: (1 - beta1**t, 1 - beta1**t)),
        "You correct v with beta1. Each mean has its own beta: divide v by 1 - beta2**step.",
    ),
    Mistake(
        "multiplied-by-the-correction",
        _wrong_adam(corrections=lambda beta1, beta2, t: (1 / (1 - beta1**t), 1 / (1 - beta2**t))),
        "The means are too small at first, and you make them smaller. Divide by 1 - beta**step.",
    ),
    Mistake(
        "beta-times-step",
        _wrong_adam(corrections=lambda beta1, beta2, t: (1 - beta1 * t, 1 - beta2 * t)),
        "You multiply beta by the step. The correction holds a power: 1 - beta**step.",
    ),
    Mistake(
        "corrected-means-kept",
        _wrong_adam(kept=lambda new, given, hats: (*hats, new[2])),
        "You return the corrected means, so the next step corrects them again. Give them names of "
        "their own, m_hat and v_hat, and return m and v as they were before.",
    ),
    Mistake(
        "means-not-kept",
        _wrong_adam(kept=lambda new, given, hats: (*given[:2], new[2])),
        "You return the m and v that came in, so the next step knows nothing of this one. Return "
        "the new ones.",
    ),
    Mistake(
        "one-minus-beta1-missing",
        _wrong_adam(lambda m, v, step, g, b1, b2: (b1 * m + g, b2 * v + (1 - b2) * g**2)),
        "The gradient enters m whole, as in Keras's momentum. In Adam m is an average: multiply "
        "the gradient by 1 - beta1.",
    ),
    Mistake(
        "one-minus-beta2-missing",
        _wrong_adam(lambda m, v, step, g, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + g**2)),
        "The square enters v whole. v is an average: multiply the square by 1 - beta2.",
    ),
    Mistake(
        "one-minus-beta-missing-in-both",
        _wrong_adam(lambda m, v, step, g, b1, b2: (b1 * m + g, b2 * v + g**2)),
        "Both m and v are sums here. They are averages: multiply the gradient by 1 - beta1 and its "
        "square by 1 - beta2.",
    ),
    Mistake(
        "betas-swapped",
        _wrong_adam(
            lambda m, v, step, g, b1, b2: _moments(m, v, step, g, b2, b1),
            lambda b1, b2, t: (1 - b2**t, 1 - b1**t),
        ),
        "The betas are swapped. beta1 belongs to m, the mean of the gradients, and beta2 to v, the "
        "mean of their squares.",
    ),
    Mistake(
        "shares-swapped",
        _wrong_adam(lambda m, v, step, g, b1, b2: _moments(m, v, step, g, 1 - b1, 1 - b2)),
        "The shares are swapped, so the means forget almost at once. The old mean keeps beta, the "
        "new value enters with 1 - beta.",
    ),
    Mistake(
        "gradient-not-squared",
        _wrong_adam(lambda m, v, step, g, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g)),
        "v averages the gradients themselves, and the root of a negative mean is nan. Average "
        "their squares.",
    ),
    Mistake(
        "squared-mean",
        _wrong_adam(_mean_squared),
        "v takes in the square of m, in which positive and negative gradients have cancelled. It "
        "is the mean of squares: take in gradient**2.",
    ),
    Mistake(
        "share-squared-too",
        _wrong_adam(
            lambda m, v, step, g, b1, b2: (b1 * m + (1 - b1) * g, b2 * v + ((1 - b2) * g) ** 2)
        ),
        "The share 1 - beta2 is squared together with the gradient. Only the gradient is squared: "
        "(1 - beta2) * gradient**2.",
    ),
    Mistake(
        "v-begun-at-the-first-square",
        _wrong_adam(_begun_at_the_first_square_in_adam),
        "In the first step you set v to gradient**2, and the bias correction enlarges it once "
        "more. v begins at 0: its first square too enters with 1 - beta2.",
    ),
    Mistake(
        "gradient-for-m",
        _wrong_adam(move=lambda m_hat, v_hat, c2, g, eps: _move(g, v_hat, c2, g, eps)),
        "w moves by the gradient, as in RMSprop, and m is never used. Adam moves by the corrected "
        "mean m_hat.",
    ),
    Mistake(
        "sign-flipped",
        _wrong_adam(move=lambda *parts: -_move(*parts)),
        "The gradients point uphill, and you add the step. Subtract it.",
    ),
    Mistake(
        "root-missing",
        _wrong_adam(move=lambda m_hat, v_hat, c2, g, eps: m_hat / (v_hat + eps)),
        "You divide by the squares themselves. Divide by their root, np.sqrt(v_hat): then the size "
        "of the gradient cancels.",
    ),
    Mistake(
        "epsilon-inside-the-root",
        _wrong_adam(move=lambda m_hat, v_hat, c2, g, eps: m_hat / np.sqrt(v_hat + eps)),
        "Epsilon stands inside the root, as in Keras's RMSprop. In Adam it is added to the root: "
        "np.sqrt(v_hat) + epsilon.",
    ),
    Mistake(
        "epsilon-of-keras",
        _wrong_adam(move=lambda m_hat, v_hat, c2, g, eps: m_hat / (np.sqrt(v_hat) + eps / c2**0.5)),
        "That is the faster form, which Keras has: epsilon is added to the root of v before the "
        "correction. Here it is added to the root of the corrected v_hat.",
    ),
    Mistake(
        "epsilon-added-to-w",
        _wrong_adam(
            move=lambda m_hat, v_hat, c2, g, eps: m_hat / np.sqrt(v_hat),
            after=lambda moved, epsilon: moved + epsilon,
        ),
        "Division comes before addition, so epsilon is added to w at the end. It needs brackets: "
        "(np.sqrt(v_hat) + epsilon).",
    ),
    Mistake(
        "epsilon-added-to-the-step",
        _wrong_adam(
            move=lambda m_hat, v_hat, c2, g, eps: m_hat / np.sqrt(v_hat),
            after=lambda moved, epsilon: moved - epsilon,
        ),
        "Division comes before addition, so epsilon is added to the finished step. It needs "
        "brackets: (np.sqrt(v_hat) + epsilon).",
    ),
    Mistake(
        "epsilon-added-to-the-quotient",
        _wrong_adam(move=lambda m_hat, v_hat, c2, g, eps: m_hat / np.sqrt(v_hat) + eps),
        "Division comes before addition, so epsilon is added to the quotient. It needs brackets: "
        "m_hat / (np.sqrt(v_hat) + epsilon).",
    ),
    Mistake(
        "epsilon-missing",
        _wrong_adam(move=lambda m_hat, v_hat, c2, g, eps: m_hat / np.sqrt(v_hat)),
        "There is no epsilon. A parameter whose gradients were all 0 then gets 0/0, which is nan. "
        "Divide by (np.sqrt(v_hat) + epsilon).",
    ),
)


ADAM_STEP = Exercise(
    id="adam-adam",
    lesson=LESSON,
    objective="adam.adam",
    title="One step of Adam",
    stub='''\
def adam_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    """Return w, m, v and step after one step of Adam.

    m is the running mean of the gradients, v that of their squares. Both are 0 at the start.
    step counts the finished steps: 0 before the first, 1 after it. Use the paper's form: epsilon
    is added to the root of the corrected v.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.adam_step,
    cases=_adam_cases,
    observe=observe_steps("w", "m", "v", "step"),
    hints=(
        "Four jobs in this order: count the step, update both means, correct their start at 0, "
        "move w.",
        "m takes in the share 1 - beta1 of the gradient, v the share 1 - beta2 of gradient**2. "
        "The shares beta1 and beta2 of the old means stay.",
        "m_hat = m / (1 - beta1**step), where step is 1 in the first step, and v_hat in the same "
        "way with beta2. Use them only to move w, and return m and v themselves.",
        "w = w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), then return w, m, v, step.",
    ),
    mistakes=_ADAM_MISTAKES,
)


# Clipping by the global norm


def _clip_cases(rng):
    return [
        ([np.array([0.5, -1.0]), np.array([[3.0, -4.0], [0.0, 12.0]]), np.array([2.0])], 1.5),
        ([np.array([0.3, -0.4]), np.array([[0.5], [0.1]])], 1.0),
        ([np.array([0.6, 0.2]), np.array([0.9]), np.array([[-0.7, 0.1]])], 1.0),
        ([np.zeros((2, 2)), np.zeros(1)], 0.5),
    ]


def _observe_clipping(clip_global_norm, gradients, limit):
    """Compare array by array, for arrays of different shapes make no common array."""
    given = copy.deepcopy(gradients)
    clipped = clip_global_norm(gradients, limit)
    seen = {"what it returned": type(clipped).__name__}
    if isinstance(clipped, list | tuple | Iterator):
        clipped = list(clipped)
        seen = {"what it returned": f"list of {len(clipped)} arrays"}
        seen |= {f"array {number}": array for number, array in enumerate(clipped, 1)}
    seen["the given arrays are as before"] = all(map(np.array_equal, gradients, given))
    return seen


def _norms(gradients):
    return [np.linalg.norm(array) for array in gradients]


def _global_norm(gradients):
    return np.linalg.norm(_norms(gradients))


def _wrong_clipping(norm=_global_norm, factor=lambda norm, limit: limit / max(norm, limit)):
    def clip_global_norm(gradients, limit):
        share = factor(norm(gradients), limit)
        return [share * array for array in gradients]

    return clip_global_norm


def _each_array_by_itself(gradients, limit):
    clip = _wrong_clipping()
    return [clip([array], limit)[0] for array in gradients]


def _clipped_in_place(gradients, limit):
    share = limit / max(_global_norm(gradients), limit)
    for array in gradients:
        array *= share
    return gradients


CLIP_GLOBAL_NORM = Exercise(
    id="adam-clip",
    lesson=LESSON,
    objective="adam.clipping",
    title="Clipping by the global norm",
    stub='''\
def clip_global_norm(gradients, limit):
    """Return the gradients, scaled so that their global norm is at most limit.

    gradients is a list of arrays, such as weights and biases layer by layer. Their global norm is
    the length of all entries together. Return a list of new arrays.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.clip_global_norm,
    cases=_clip_cases,
    observe=_observe_clipping,
    hints=(
        "Two jobs: compute one norm from all arrays, then multiply every array by one factor.",
        "Each array gives the sum of its squared entries, np.sum(array**2). Add these sums for all "
        "arrays, then take the root.",
        "If the norm is above the limit, the factor limit / norm brings it to the limit. If not, "
        "nothing changes: the factor is 1.",
        "norm = np.sqrt(sum(np.sum(g**2) for g in gradients)), and the answer is "
        "[factor * g for g in gradients].",
    ),
    mistakes=(
        Mistake(
            "each-array-by-itself",
            _each_array_by_itself,
            "You clip each array by its own norm, which turns the direction of the whole gradient. "
            "Compute one norm from all arrays and use one factor.",
        ),
        Mistake(
            "clipped-by-value",
            lambda gradients, limit: [np.clip(array, -limit, limit) for array in gradients],
            "You cut each entry to the range from -limit to limit. Here the length counts: "
            "multiply all arrays by one factor.",
        ),
        Mistake(
            "short-gradients-lengthened",
            _wrong_clipping(factor=lambda norm, limit: limit / norm),
            "You always scale to the limit, so short gradients grow (and 0 becomes nan). Scale "
            "only if the norm is above the limit.",
        ),
        Mistake(
            "scaled-when-below-the-limit",
            _wrong_clipping(factor=lambda norm, limit: limit / norm if norm < limit else 1),
            "The comparison is the wrong way round: you scale short gradients and leave long ones "
            "as they are. Scale if norm > limit.",
        ),
        Mistake(
            "length-one-instead-of-the-limit",
            _wrong_clipping(factor=lambda norm, limit: 1 / norm if norm > limit else 1),
            "Long gradients come out with length 1. They shall have the length limit: multiply by "
            "limit / norm.",
        ),
        Mistake(
            "factor-upside-down",
            _wrong_clipping(factor=lambda norm, limit: norm / limit if norm > limit else 1),
            "Your factor is above 1, so long gradients get longer. It is limit / norm.",
        ),
        Mistake(
            "multiplied-by-the-limit",
            _wrong_clipping(factor=lambda norm, limit: limit if norm > limit else 1),
            "You multiply by the limit, but the length depends on the norm too. The factor is "
            "limit / norm.",
        ),
        Mistake(
            "root-missing",
            _wrong_clipping(lambda gradients: _global_norm(gradients) ** 2),
            "You use the sum of the squares as norm. The norm is its root, np.sqrt.",
        ),
        Mistake(
            "norms-added",
            _wrong_clipping(lambda gradients: sum(_norms(gradients))),
            "You add the norms of the arrays. Lengths at right angles do not add: sum the squares "
            "of all entries, and take one root at the end.",
        ),
        Mistake(
            "largest-norm",
            _wrong_clipping(lambda gradients: max(_norms(gradients))),
            "You use the norm of the longest array. All entries of all arrays belong to the global "
            "norm.",
        ),
        Mistake(
            "norm-of-the-first-array",
            _wrong_clipping(lambda gradients: _norms(gradients)[0]),
            "Only the first array enters your norm. Sum the squares of all arrays before you take "
            "the root.",
        ),
        Mistake(
            "norm-of-the-last-array",
            _wrong_clipping(lambda gradients: _norms(gradients)[-1]),
            "Only the last array enters your norm: the loop begins the sum anew for each array. "
            "Add to one sum, and take the root after the loop.",
        ),
        Mistake(
            "given-arrays-changed",
            _clipped_in_place,
            "The values are right, but you change what the caller gave you: array *= factor and "
            "gradients[i] = ... both do so. Make a new list of new arrays, each factor * array.",
        ),
    ),
)


# AdamW


def _adamw_cases(rng):
    return [(*case, decay) for case, decay in zip(_adam_cases(rng), (0.4, 0.3), strict=True)]


def _wrong_adamw(
    decay=lambda w, rate, weight_decay, moved, divisor: rate * weight_decay * w,
    penalty=0,
    adam_step=SOLUTIONS.adam_step,
):
    """Make a step of AdamW with another decay, or with a penalty in the gradient.

    `moved` is where Adam alone ends, `divisor` what it divides by.
    """

    def adamw_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon, weight_decay):
        gradient = gradient + penalty * weight_decay * w
        moved, *state = adam_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon)
        divisor = np.sqrt(state[1] / (1 - beta2 ** (step + 1))) + epsilon
        return moved - decay(w, learning_rate, weight_decay, moved, divisor), *state

    return adamw_step


def _no_decay(w, rate, weight_decay, moved, divisor):
    return 0


ADAMW_STEP = Exercise(
    id="adam-adamw",
    lesson=LESSON,
    objective="adam.adamw",
    title="One step of AdamW",
    stub='''\
def adamw_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon, weight_decay):
    """Return w, m, v and step after one step of AdamW: Adam with decoupled weight decay.

    Adam's part is that of adam_step, which you may call. The decay is Keras's: it is taken of w
    as it was before the step.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.adamw_step,
    cases=_adamw_cases,
    observe=observe_steps("w", "m", "v", "step"),
    hints=(
        "Decoupled means that Adam does not see the decay: m, v and the division are as without "
        "it.",
        "So let adam_step make its step with the gradient as it is, and shrink w in addition.",
        "The decay is proportional to w, and the learning rate multiplies it as it does Adam's "
        "step: learning_rate * weight_decay * w.",
        "decay = learning_rate * weight_decay * w, then w, m, v, step = adam_step(...), and return "
        "w - decay, m, v, step.",
    ),
    mistakes=(
        Mistake(
            "penalty-in-the-gradient",
            _wrong_adamw(_no_decay, penalty=1),
            "You add weight_decay * w to the gradient. That is an L2 penalty: it enters m and v, "
            "and Adam divides it by their root. Subtract the decay from w itself.",
        ),
        Mistake(
            "penalty-in-the-gradient-with-a-factor-2",
            _wrong_adamw(_no_decay, penalty=2),
            "You add the gradient of weight_decay * sum(w**2), an L2 penalty, which enters m and "
            "v. Decay stays out of the gradient and has no 2: subtract it from w itself.",
        ),
        Mistake(
            "decay-without-the-learning-rate",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: decay * w),
            "The decay is not multiplied by the learning rate, so a schedule would not slow it. "
            "In Keras it is learning_rate * weight_decay * w.",
        ),
        Mistake(
            "learning-rate-twice-in-the-decay",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: rate * rate * decay * w),
            "The learning rate multiplies the decay twice. Once is right: "
            "learning_rate * weight_decay * w.",
        ),
        Mistake(
            "decay-of-the-moved-point",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: rate * decay * moved),
            "You shrink w after Adam has moved it, so a part of Adam's step decays too. Take the "
            "decay of w before the step.",
        ),
        Mistake(
            "decay-divided-too",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: rate * decay * w / divisor),
            "Your decay is divided by the root of v_hat, so weights with large gradients decay "
            "less. Decoupled decay stays outside that division.",
        ),
        Mistake(
            "decay-adds",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: -rate * decay * w),
            "The weights grow: you add the decay. Subtract it.",
        ),
        Mistake(
            "decay-without-w",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: rate * decay),
            "You subtract the same number from every weight, so negative ones grow in size. The "
            "decay is proportional to w: learning_rate * weight_decay * w.",
        ),
        Mistake(
            "decay-by-the-sign",
            _wrong_adamw(lambda w, rate, decay, moved, divisor: rate * decay * np.sign(w)),
            "Every weight shrinks by the same length, as with an L1 penalty. Weight decay is "
            "proportional to w itself.",
        ),
        Mistake(
            "no-decay",
            _wrong_adamw(_no_decay),
            "That is Adam: weight_decay is not used. Subtract learning_rate * weight_decay * w in "
            "addition.",
        ),
        # Whoever writes Adam's part anew, or calls an adam_step that is not right yet.
        *(
            Mistake(mistake.name, _wrong_adamw(adam_step=mistake.implementation), mistake.hint)
            for mistake in _ADAM_MISTAKES
        ),
    ),
)


EXERCISES = (ADAGRAD_STEP, RMSPROP_STEP, ADAM_STEP, CLIP_GLOBAL_NORM, ADAMW_STEP)
