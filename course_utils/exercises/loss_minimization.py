"""The exercises of lesson 01: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

from functools import partial

import numpy as np

from course_utils.exercises.exercise import Exercise, Mistake, solutions, tenths

LESSON = "01_loss_minimization"
SOLUTIONS = solutions(LESSON)


# The mean squared error


def _mse_cases(rng):
    # With two examples 2/n is 1, which would hide a missing factor.
    return [(tenths(rng, n), tenths(rng, n)) for n in (3, 5, 4)]


def _mean_square(error):
    return np.mean(error**2)


def _mean_square_slope(error):
    return 2 * error / len(error)


def _wrong_mse(value=_mean_square, gradient=_mean_square_slope):
    """Make a mean_squared_error with a wrong value or gradient, each a function of the error."""

    def mean_squared_error(predictions, targets):
        error = predictions - targets
        return value(error), gradient(error)

    return mean_squared_error


MEAN_SQUARED_ERROR = Exercise(
    id="loss-mse",
    lesson=LESSON,
    objective="loss.regression",
    title="The mean squared error and its gradient",
    stub='''\
def mean_squared_error(predictions, targets):
    """Return the mean squared error and its gradient at the predictions.

    Both inputs hold one number per example. So does the gradient.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.mean_squared_error,
    cases=_mse_cases,
    outputs=("value", "gradient"),
    hints=(
        "Begin with the error of each example: predictions - targets. The value is one number; "
        "the gradient has one entry per example.",
        "The value: square each error, then take the mean. For the gradient, ask how the value "
        "changes when one prediction moves and the others stay.",
        "One prediction enters one of the n terms error**2 / n. Its derivative is 2 * error / n.",
        "The last line is: return np.mean(error**2), 2 * error / len(error).",
    ),
    mistakes=(
        Mistake(
            "factor-two-missing",
            _wrong_mse(gradient=lambda error: error / len(error)),
            "The gradient is half of what it should be. The derivative of error**2 is 2 * error.",
        ),
        Mistake(
            "half-in-front",
            _wrong_mse(lambda error: _mean_square(error) / 2, lambda error: error / len(error)),
            "That is half the mean squared error, with its gradient. Some books put the 1/2 there "
            "so that the 2 of the derivative cancels. This loss has no 1/2.",
        ),
        Mistake(
            "gradient-is-the-error",
            _wrong_mse(gradient=lambda error: error),
            "Your gradient is the error itself. The derivative of error**2 is 2 * error, and the "
            "mean divides it by the number of examples.",
        ),
        Mistake(
            "gradient-not-averaged",
            _wrong_mse(gradient=lambda error: 2 * error),
            "The value is a mean, but the gradient is that of the sum. Divide the gradient by the "
            "number of examples too.",
        ),
        Mistake(
            "value-not-averaged",
            _wrong_mse(lambda error: np.sum(error**2)),
            "The gradient belongs to the mean, but the value is the sum. Divide it by the number "
            "of examples.",
        ),
        Mistake(
            "summed",
            _wrong_mse(lambda error: np.sum(error**2), lambda error: 2 * error),
            "That is the sum of the squared errors, with its gradient. It grows with the number of "
            "examples. Take the mean: divide both by the number of examples.",
        ),
        Mistake(
            "sign-flipped",
            _wrong_mse(gradient=lambda error: -_mean_square_slope(error)),
            "Each sign of the gradient is wrong. A prediction above its target has a positive "
            "slope: raising it raises the loss. Use predictions - targets.",
        ),
        Mistake(
            "gradient-still-squared",
            _wrong_mse(gradient=lambda error: 2 * error**2 / len(error)),
            "The errors in your gradient are still squared. The derivative of error**2 is "
            "2 * error: the power falls by one.",
        ),
        Mistake(
            "gradient-as-one-number",
            _wrong_mse(gradient=lambda error: np.mean(2 * error)),
            "You average the gradient into one number. Each prediction has a slope of its own: "
            "divide by the number of examples, but do not add them up.",
        ),
        Mistake(
            "absolute-error",
            _wrong_mse(
                lambda error: np.mean(np.abs(error)), lambda error: np.sign(error) / len(error)
            ),
            "That is the mean absolute error. Here each error is squared.",
        ),
        Mistake(
            "errors-not-squared",
            _wrong_mse(np.mean),
            "The value is the mean of the errors themselves, so errors above and below cancel. "
            "Square each error first.",
        ),
        Mistake(
            "squared-after-the-mean",
            _wrong_mse(lambda error: np.mean(error) ** 2),
            "You take the mean first and square it then, so errors above and below cancel. Square "
            "each error, then take the mean.",
        ),
        Mistake(
            "root-of-the-mean",
            _wrong_mse(lambda error: np.sqrt(_mean_square(error))),
            "The value is the root of the mean squared error. Leave out the root.",
        ),
        Mistake(
            "order-swapped",
            lambda predictions, targets: _wrong_mse()(predictions, targets)[::-1],
            "Both are right, but in the other order. Return the value first, then the gradient.",
        ),
        Mistake(
            "only-the-gradient",
            lambda predictions, targets: _mean_square_slope(predictions - targets),
            "You return the gradient alone. Return two things: return value, gradient.",
        ),
    ),
)


# The cross-entropy of a softmax


def _cross_entropy_cases(rng):
    return [
        *((tenths(rng, n, k), rng.integers(k, size=n)) for n, k in [(3, 4), (5, 3), (4, 4)]),
        (np.array([[1000.0, 1000, 1000]]), np.array([2])),
        (np.array([[1000.0, 1000, 1000], [-1000, -1000, -1000]]), np.array([0, 1])),
        (np.array([[1000.0, -1000, 0], [-1000, 0, 1000]]), np.array([0, 0])),
    ]


def _largest_of_row(logits):
    return logits.max(axis=1, keepdims=True)


def _zero(logits):
    return 0


def _log_softmax(logits, subtract=_largest_of_row, axis=1):
    shifted = logits - subtract(logits)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _softmax(logits, subtract=_largest_of_row, axis=1):
    scores = np.exp(logits - subtract(logits))
    return scores / scores.sum(axis=axis, keepdims=True)


def _log_of_softmax(logits, subtract=_largest_of_row, axis=1):
    return np.log(_softmax(logits, subtract, axis))


def _chosen(log_probabilities, labels):
    return -np.mean(log_probabilities[np.arange(len(labels)), labels])


def _times_one_hot(log_probabilities, labels):
    return np.eye(log_probabilities.shape[1])[labels] * log_probabilities


def _one_hot(log_probabilities, labels):
    return -np.sum(_times_one_hot(log_probabilities, labels)) / len(labels)


def _wrong_cross_entropy(log_softmax=_log_softmax, mean=_chosen):
    return lambda logits, labels: mean(log_softmax(logits), labels)


def _in_every_draft(name, hint, mean=_chosen, axis=1):
    """Name a mistake also where the large logits go wrong at the same time, as they do at first."""
    drafts = (_log_softmax, _log_of_softmax, partial(_log_of_softmax, subtract=_zero))
    return tuple(
        Mistake(name, _wrong_cross_entropy(partial(draft, axis=axis), mean), hint)
        for draft in drafts
    )


SOFTMAX_CROSS_ENTROPY = Exercise(
    id="loss-softmax-cross-entropy",
    lesson=LESSON,
    objective="loss.classification",
    title="Softmax and cross-entropy without overflow",
    stub='''\
def softmax_cross_entropy(logits, labels):
    """Return the mean cross-entropy of the softmax of the logits.

    logits has one row per example and one column per class. labels holds the number of the
    right class of each example. Logits of 1000 and -1000 must work too.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.softmax_cross_entropy,
    cases=_cross_entropy_cases,
    hints=(
        "The loss of one example is minus the logarithm of the probability of its right class. "
        "Write this first for small logits. Then think of logits of 1000.",
        "Subtract from each row its largest logit: logits.max(axis=1, keepdims=True). The softmax "
        "stays the same, and exp of a number that is 0 or less cannot overflow.",
        "Do not compute the probability and then its logarithm: the probability may be 0. Take "
        "the logarithm on paper: log(exp(z) / total) = z - log(total).",
        "With the shifted logits, the totals are np.exp(shifted).sum(axis=1), and "
        "shifted[np.arange(len(labels)), labels] picks the right class of each row. Return the "
        "mean of np.log(totals) minus these.",
    ),
    mistakes=(
        *_in_every_draft(
            "softmax-over-the-examples",
            "Your probabilities sum to 1 over the examples. Each example's row must sum to 1: "
            "axis=1, with keepdims=True.",
            axis=0,
        ),
        *_in_every_draft(
            "softmax-over-all-entries",
            "You divide by one total of the whole array. Each row needs its own total: sum with "
            "axis=1, and keepdims=True where you divide.",
            axis=None,
        ),
        *_in_every_draft(
            "not-averaged",
            "You return the sum over the examples. Return the mean, so that the loss does not grow "
            "with their number.",
            lambda log_probabilities, labels: len(labels) * _chosen(log_probabilities, labels),
        ),
        *_in_every_draft(
            "averaged-over-the-classes-too",
            "You divide by the number of entries, examples times classes. Each example has one "
            "right class: divide by the number of examples only.",
            lambda log_probabilities, labels: -np.mean(_times_one_hot(log_probabilities, labels)),
        ),
        *_in_every_draft(
            "sign-flipped",
            "The sign is wrong. The logarithm of a probability is 0 or less, and the loss is minus "
            "that: a small probability of the right class costs much.",
            lambda log_probabilities, labels: -_chosen(log_probabilities, labels),
        ),
        *_in_every_draft(
            "every-class-counted",
            "You add up the logarithms of all classes, so the labels play no part. Only the "
            "probability of the right class counts.",
            lambda log_probabilities, labels: -np.sum(log_probabilities) / len(labels),
        ),
        *_in_every_draft(
            "every-label-in-every-row",
            "An index [:, labels] takes all the labels from every row. Pair each row with its own "
            "label: [np.arange(len(labels)), labels].",
            lambda log_probabilities, labels: -np.mean(log_probabilities[:, labels]),
        ),
        Mistake(
            "only-the-total-shifted",
            lambda logits, labels: np.mean(
                SOLUTIONS.softmax_cross_entropy(logits, labels) - logits.max(axis=1)
            ),
            "You subtract the largest logit inside the total, but not from the logit of the right "
            "class. Use the shifted logits in both places.",
        ),
        Mistake(
            "softmax-missing",
            _wrong_cross_entropy(lambda logits: logits),
            "You return minus the mean logit of the right class. The logarithm of its probability "
            "is the logit minus the logarithm of the row's total of exp.",
        ),
        Mistake(
            "logarithm-missing",
            _wrong_cross_entropy(_softmax),
            "You return minus the mean probability of the right class. Cross-entropy takes the "
            "logarithm of the probability.",
        ),
        *(
            Mistake(
                "exp-overflows",
                _wrong_cross_entropy(partial(log_softmax, subtract=_zero)),
                "Right for small logits, but exp(1000) is too large for a float. Subtract from "
                "each row its largest logit before exp: the softmax stays the same.",
            )
            for log_softmax in (_log_softmax, _log_of_softmax)
        ),
        *(
            Mistake(
                "one-maximum-for-all-rows",
                _wrong_cross_entropy(partial(log_softmax, subtract=np.max), mean),
                "You subtract the largest of all logits. In a row far below it every exp is 0, and "
                "so is their total. Subtract each row's own largest logit: "
                "logits.max(axis=1, keepdims=True).",
            )
            for log_softmax in (_log_softmax, _log_of_softmax)
            for mean in (_chosen, _one_hot)
        ),
        Mistake(
            "infinite-for-distant-logits",
            _wrong_cross_entropy(_log_of_softmax),
            "Right until the logits of a row lie far apart. Then exp(-2000) is 0 in a float, with "
            "the logarithm -inf; or, if you subtract another number than the row's largest, exp "
            "overflows. Subtract the largest, and use log(exp(z) / total) = z - log(total).",
        ),
        Mistake(
            "zero-times-log-of-zero",
            _wrong_cross_entropy(_log_of_softmax, _one_hot),
            "Nothing overflows now. But some probabilities are 0 in a float, and 0 * log(0) is "
            "nan, even for a wrong class. Use log(exp(z) / total) = z - log(total).",
        ),
        *(
            Mistake(
                "small-number-inside-the-logarithm",
                _wrong_cross_entropy(lambda logits, tiny=tiny: np.log(_softmax(logits) + tiny)),
                "The small number keeps the logarithm finite, but then no example can have a loss "
                f"above {-np.log(tiny):.3g}. Here one has 2000. "
                "Use log(exp(z) / total) = z - log(total).",
            )
            for tiny in 10.0 ** -np.arange(6, 17)
        ),
    ),
)


# Random directions against the gradient


def _direction_cases(rng):
    gradient, directions = tenths(rng, 4), tenths(rng, 3, 4)
    uphill = directions * np.sign(directions @ gradient)[:, None]
    return [
        # A short row with the best cosine beside a long one with the largest dot product.
        (np.array([-3.0, 4]), np.array([[0.4, -0.3], [5, 0], [-4, -3]])),
        # In a square an axis mixed up raises no error.
        *((tenths(rng, d), 3 * tenths(rng, n, d)) for n, d in [(3, 5), (6, 3), (3, 3)]),
        (gradient, uphill),
    ]


def _cosines(gradient, directions):
    lengths = np.linalg.norm(directions, axis=1) * np.linalg.norm(gradient)
    return directions @ -gradient / lengths


def _divided_by(lengths_of_directions, length_of_gradient=np.linalg.norm):
    """Make a best_cosine that divides the dot products by other lengths."""

    def best_cosine(gradient, directions):
        normalised = directions / lengths_of_directions(directions)
        return np.max(normalised @ -gradient) / length_of_gradient(gradient)

    return best_cosine


def _row_lengths(directions):
    return np.linalg.norm(directions, axis=1, keepdims=True)


def _one(vectors):
    return 1


BEST_COSINE = Exercise(
    id="loss-random-directions",
    lesson=LESSON,
    objective="loss.dimension",
    title="The best of many directions",
    stub='''\
def best_cosine(gradient, directions):
    """Return the largest cosine between -gradient and a row of directions.

    Each row of directions is one direction, of any length.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.best_cosine,
    cases=_direction_cases,
    hints=(
        "A cosine says how well two directions agree, whatever their lengths: 1 for the same "
        "direction, 0 for a right angle, -1 for opposite ones.",
        "The cosine of u and v is their dot product divided by both lengths. "
        "np.linalg.norm(u) is the length of u.",
        "directions @ -gradient gives all the dot products at once, and "
        "np.linalg.norm(directions, axis=1) the length of each row.",
        "Divide these dot products by the row lengths and by np.linalg.norm(gradient). Return the "
        "largest of the results, with np.max.",
    ),
    mistakes=(
        Mistake(
            "sign-flipped",
            lambda gradient, directions: np.max(-_cosines(gradient, directions)),
            "You compare with the gradient itself, which points uphill. The way down is -gradient.",
        ),
        Mistake(
            "sign-ignored",
            lambda gradient, directions: np.max(np.abs(_cosines(gradient, directions))),
            "You take the absolute value, so a direction straight uphill counts as a good one. "
            "Keep the sign of the cosine.",
        ),
        Mistake(
            "directions-not-normalised",
            _divided_by(_one),
            "You divide by the length of the gradient only, so a long row looks good because it is "
            "long. Divide each dot product by the length of its row too.",
        ),
        Mistake(
            "gradient-not-normalised",
            _divided_by(_row_lengths, _one),
            "You divide by the lengths of the rows only. A cosine lies between -1 and 1: divide by "
            "the length of the gradient too.",
        ),
        Mistake(
            "nothing-normalised",
            _divided_by(_one, _one),
            "That is the largest dot product. For a cosine, divide each dot product by the length "
            "of its row and by the length of the gradient.",
        ),
        Mistake(
            "length-of-the-whole-matrix",
            _divided_by(np.linalg.norm),
            "np.linalg.norm(directions) is one length for the whole matrix. Each row has its own: "
            "np.linalg.norm(directions, axis=1).",
        ),
        Mistake(
            "squared-lengths",
            _divided_by(
                lambda directions: _row_lengths(directions) ** 2,
                lambda gradient: np.linalg.norm(gradient) ** 2,
            ),
            "You divide by the squares of the lengths. A length is the root of the sum of squares: "
            "np.linalg.norm takes the root.",
        ),
        Mistake(
            "columns-normalised",
            _divided_by(lambda directions: np.linalg.norm(directions, axis=0)),
            "You divide by the lengths of the columns. A direction is a row: axis=1.",
        ),
        Mistake(
            "largest-dot-product-chosen",
            lambda gradient, directions: _cosines(gradient, directions)[
                np.argmax(directions @ -gradient)
            ],
            "You choose the row with the largest dot product and return its cosine. A long row can "
            "win this way. Compute all the cosines first, then choose.",
        ),
        Mistake(
            "best-begins-at-zero",
            lambda gradient, directions: max(0, np.max(_cosines(gradient, directions))),
            "When every direction points uphill, all the cosines are negative, and so is the "
            "largest. A loop that begins with best = 0 misses that: begin with best = -1.",
        ),
        Mistake(
            "smallest",
            lambda gradient, directions: np.min(_cosines(gradient, directions)),
            "That is the smallest cosine, of the worst direction. Return the largest.",
        ),
        Mistake(
            "mean",
            lambda gradient, directions: np.mean(_cosines(gradient, directions)),
            "That is the mean of the cosines. Random search keeps the best direction: return the "
            "largest.",
        ),
        Mistake(
            "position-returned",
            lambda gradient, directions: np.argmax(_cosines(gradient, directions)),
            "That is the number of the best row. Return its cosine: np.max in place of np.argmax.",
        ),
    ),
)


# The Huber loss


def _huber_cases(rng):
    def errors(delta, smallest, largest):
        return delta * rng.uniform(smallest, largest, 3).round(1) * [1, -1, -1]

    # Small errors alone and large ones alone tell any() and all() from a formula left out.
    mixed = np.concatenate([errors(1.5, 0.1, 0.9), [0], errors(1.5, 1.2, 4)])
    return [(mixed, 1.5), (errors(2.0, 0.1, 0.9), 2.0), (errors(0.5, 1.2, 4), 0.5)]


def _is_small(error, delta):
    return np.abs(error) <= delta


def _parabola(error):
    return error**2 / 2, error


def _line_value(error, delta):
    return delta * np.abs(error) - delta**2 / 2


def _line_slope(error, delta):
    return delta * np.sign(error)


def _wrong_huber(is_small=_is_small, parabola=_parabola, value=_line_value, slope=_line_slope):
    """Make a huber with one wrong part: `value` and `slope` are those of the line."""

    def huber(error, delta):
        small = is_small(error, delta)
        inside, inside_slope = parabola(error)
        return (
            np.where(small, inside, value(error, delta)),
            np.where(small, inside_slope, slope(error, delta)),
        )

    return huber


HUBER = Exercise(
    id="loss-huber",
    lesson=LESSON,
    objective="loss.regression",
    title="The Huber loss and its slope",
    stub='''\
def huber(error, delta):
    """Return the Huber loss of each error, and its slope there.

    error is an array. The loss is error^2 / 2 up to a size of delta. Beyond, it goes on as a
    straight line, without a jump and without a kink.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.huber,
    cases=_huber_cases,
    outputs=("value", "slope"),
    hints=(
        "There is one formula for small errors and one for large ones. "
        "np.where(condition, one, other) chooses for each entry.",
        "An error is small where np.abs(error) <= delta. There the slope is the error itself. "
        "Beyond, the slope stays what it was at the edge: delta or -delta.",
        "The line on the right has the slope delta and begins at (delta, delta**2 / 2), so it is "
        "delta * error - delta**2 / 2. The one on the left mirrors it: use np.abs(error).",
        "The value is np.where(small, error**2 / 2, delta * np.abs(error) - delta**2 / 2). The "
        "slope is np.where(small, error, delta * np.sign(error)).",
    ),
    mistakes=(
        Mistake(
            "negative-errors-all-small",
            _wrong_huber(is_small=lambda error, delta: error <= delta),
            "You compare error <= delta, so every negative error counts as small, even -1000. "
            "Compare its size: np.abs(error).",
        ),
        *(
            Mistake(
                "one-formula-for-the-whole-array",
                _wrong_huber(is_small=lambda error, delta, ask=ask: ask(_is_small(error, delta))),
                "You choose one formula for all errors at once. Choose for each entry: "
                "np.where(np.abs(error) <= delta, ..., ...).",
            )
            for ask in (np.all, np.any)
        ),
        Mistake(
            "formulas-swapped",
            _wrong_huber(is_small=lambda error, delta: ~_is_small(error, delta)),
            "You use the line for small errors and the parabola for large ones. It is the other "
            "way round.",
        ),
        Mistake(
            "half-missing",
            _wrong_huber(parabola=lambda error: (error**2, 2 * error)),
            "For small errors you use error**2 with its slope. The Huber loss has error**2 / 2 "
            "there; otherwise it jumps at delta.",
        ),
        Mistake(
            "half-missing-in-the-value",
            _wrong_huber(parabola=lambda error: (error**2, error)),
            "The slope is right, but for small errors the value is twice too large: it is "
            "error**2 / 2.",
        ),
        Mistake(
            "line-too-high",
            _wrong_huber(value=lambda error, delta: delta * np.abs(error)),
            "Your loss jumps at delta: the parabola ends at delta**2 / 2, but the line begins at "
            "delta**2. Lower the line by delta**2 / 2.",
        ),
        Mistake(
            "line-too-low",
            _wrong_huber(value=lambda error, delta: delta * np.abs(error) - delta**2),
            "Your loss jumps at delta: the parabola ends at delta**2 / 2, but the line begins at "
            "0. Lower the line by delta**2 / 2, not by delta**2.",
        ),
        Mistake(
            "line-not-mirrored",
            _wrong_huber(value=lambda error, delta: delta * error - delta**2 / 2),
            "For large negative errors your value is negative. The loss depends on the size of the "
            "error: write np.abs(error) in the line.",
        ),
        Mistake(
            "slope-not-mirrored",
            _wrong_huber(slope=lambda error, delta: delta),
            "The slope at a large negative error is -delta: the loss falls as the error rises "
            "towards 0. Use delta * np.sign(error).",
        ),
        Mistake(
            "left-line-missing",
            _wrong_huber(
                value=lambda error, delta: delta * error - delta**2 / 2,
                slope=lambda error, delta: delta,
            ),
            "You use the line on the right for large negative errors too. The one on the left "
            "mirrors it: np.abs(error) in the value, np.sign(error) in the slope.",
        ),
        Mistake(
            "slope-cut-on-one-side",
            lambda error, delta: (SOLUTIONS.huber(error, delta)[0], np.minimum(error, delta)),
            "For large negative errors your slope is the error itself. It must not fall below "
            "-delta, just as it does not rise above delta.",
        ),
        Mistake(
            "delta-missing-in-the-slope",
            _wrong_huber(slope=lambda error, delta: np.sign(error)),
            "For large errors your slope is 1 or -1. The line is delta * np.abs(error) minus a "
            "number, so its slope is delta or -delta.",
        ),
        Mistake(
            "slope-grows-on",
            _wrong_huber(slope=lambda error, delta: error),
            "Beyond delta your slope still grows with the error. A straight line has one slope: "
            "delta on the right, -delta on the left. So a far outlier pulls no harder.",
        ),
        Mistake(
            "delta-ignored",
            lambda error, delta: SOLUTIONS.huber(error, 1),
            "Your parabola always ends at 1. Use the delta that the function is given.",
        ),
        Mistake(
            "averaged",
            lambda error, delta: (
                np.mean(SOLUTIONS.huber(error, delta)[0]),
                SOLUTIONS.huber(error, delta)[1] / len(error),
            ),
            "You average over the errors. Here value and slope have one entry per error.",
        ),
        Mistake(
            "slope-sign-flipped",
            lambda error, delta: (
                SOLUTIONS.huber(error, delta)[0],
                -SOLUTIONS.huber(error, delta)[1],
            ),
            "The sign of the slope is wrong. For a positive error the loss rises with the error, "
            "so the slope is positive.",
        ),
        Mistake(
            "order-swapped",
            lambda error, delta: SOLUTIONS.huber(error, delta)[::-1],
            "Both are right, but in the other order. Return the value first, then the slope.",
        ),
        Mistake(
            "only-the-value",
            lambda error, delta: SOLUTIONS.huber(error, delta)[0],
            "You return the value alone. Return two things: return value, slope.",
        ),
    ),
)


# A penalty for broken constraints


def _penalty_cases(rng):
    x, gradient = np.array([1.0, 2]), np.array([-3.0, -2])
    A = np.array([[1.0, 1], [1, 0], [0, 1]])
    cases = [(x, gradient, A, np.array([1.5, 3, 1.5]), 10.0)]
    for m, n, strength in [(4, 2, 0.5), (2, 3, 3.0), (5, 3, 20.0)]:
        some_x, some_A = tenths(rng, n), tenths(rng, m, n)
        # Every second constraint is broken.
        b = some_A @ some_x + rng.uniform(0.1, 1, m).round(1) * np.resize([-1, 1], m)
        cases.append((some_x, tenths(rng, n), some_A, b, strength))
    every_constraint_kept = np.array([4.0, 3, 2.5])
    return [*cases, (x, gradient, A, every_constraint_kept, 10.0)]


def _violation(x, A, b):
    return np.maximum(0, A @ x - b)


def _wrong_penalty(slopes):
    """Make a penalised_gradient from the penalty's slopes, a function of A x - b."""
    return lambda x, gradient, A, b, strength: gradient + strength * A.T @ slopes(A @ x - b)


PENALISED_GRADIENT = Exercise(
    id="loss-penalty",
    lesson=LESSON,
    objective="loss.constraints",
    title="The gradient of a loss with a penalty",
    stub='''\
def penalised_gradient(x, gradient, A, b, strength):
    """Return the gradient of f(x) + strength * sum(max(0, A x - b)^2).

    gradient is that of f at x. Each row of A with its entry of b is one constraint, A x <= b.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.penalised_gradient,
    cases=_penalty_cases,
    hints=(
        "The gradient of a sum is the sum of the gradients. That of f is given; that of the "
        "penalty is your work.",
        "violation = np.maximum(0, A @ x - b) has one entry per constraint, 0 where it is kept. "
        "The penalty is strength times the sum of violation**2.",
        "The derivative of violation**2 is 2 * violation times the derivative of what stands "
        "inside. For constraint i that is (row i of A) @ x - b[i], whose derivative is row i of A.",
        "A.T @ violation adds up the rows of A, each times its violation. Return "
        "gradient + 2 * strength * A.T @ violation.",
    ),
    mistakes=(
        Mistake(
            "factor-two-missing",
            _wrong_penalty(lambda excess: np.maximum(0, excess)),
            "Your penalty pulls half as hard as it should. The derivative of violation**2 is "
            "2 * violation.",
        ),
        Mistake(
            "sign-flipped",
            _wrong_penalty(lambda excess: -2 * np.maximum(0, excess)),
            "You subtract the gradient of the penalty, so descent would break the constraints even "
            "more. Add it.",
        ),
        Mistake(
            "kept-constraints-count-too",
            _wrong_penalty(lambda excess: 2 * excess),
            "Constraints that are kept pull too: A @ x - b is negative there. Cut it off at 0 with "
            "np.maximum(0, A @ x - b).",
        ),
        Mistake(
            "all-count-once-one-is-broken",
            _wrong_penalty(lambda excess: 2 * excess * np.any(excess > 0)),
            "Once one constraint is broken, you count all of them, even those that are kept. Cut "
            "off each entry of A @ x - b at 0.",
        ),
        *(
            Mistake(
                "constraints-turned-round",
                _wrong_penalty(lambda excess, sign=sign: sign * 2 * np.maximum(0, -excess)),
                "You punish the constraints that are kept and leave the broken ones alone. "
                "A x <= b is broken where A @ x - b is positive.",
            )
            for sign in (1, -1)
        ),
        Mistake(
            "violation-still-squared",
            _wrong_penalty(lambda excess: 2 * np.maximum(0, excess) ** 2),
            "The violation in your gradient is still squared. The derivative of violation**2 is "
            "2 * violation: the power falls by one.",
        ),
        Mistake(
            "penalty-not-squared",
            _wrong_penalty(lambda excess: excess > 0),
            "That is the gradient of strength * sum(violation): every broken constraint counts the "
            "same. With the square, each counts 2 * violation.",
        ),
        Mistake(
            "averaged-over-the-constraints",
            _wrong_penalty(lambda excess: 2 * np.maximum(0, excess) / len(excess)),
            "You divide by the number of constraints. The penalty is a sum over them, not a mean.",
        ),
        Mistake(
            "inner-derivative-missing",
            lambda x, gradient, A, b, strength: gradient + 2 * strength * _violation(x, A, b).sum(),
            "You add the same number to each entry: the derivative of A x is missing. Multiply "
            "each violation by its row of A, and add up: A.T @ violation.",
        ),
        Mistake(
            "value-of-the-penalty-added",
            lambda x, gradient, A, b, strength: (
                gradient + strength * np.sum(_violation(x, A, b) ** 2)
            ),
            "You add the penalty itself to the gradient. Add the gradient of the penalty.",
        ),
        Mistake(
            "only-the-penalty",
            lambda x, gradient, A, b, strength: 2 * strength * A.T @ _violation(x, A, b),
            "That is the gradient of the penalty alone. Add the gradient of f, which is given.",
        ),
        Mistake(
            "strength-missing",
            lambda x, gradient, A, b, strength: gradient + 2 * A.T @ _violation(x, A, b),
            "The strength plays no part. Multiply the gradient of the penalty by it.",
        ),
        Mistake(
            "strength-twice",
            lambda x, gradient, A, b, strength: (
                gradient + 2 * strength**2 * A.T @ _violation(x, A, b)
            ),
            "The strength enters twice. It stands outside the square: multiply by it once.",
        ),
        Mistake(
            "strength-times-everything",
            lambda x, gradient, A, b, strength: (
                strength * (gradient + 2 * A.T @ _violation(x, A, b))
            ),
            "You multiply the gradient of f by the strength too. The strength belongs to the "
            "penalty alone.",
        ),
    ),
)


EXERCISES = (
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    BEST_COSINE,
    HUBER,
    PENALISED_GRADIENT,
)
