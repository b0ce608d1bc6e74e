"""The exercises of lesson 02: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

import copy

import numpy as np

from course_utils.exercises.exercise import Exercise, Mistake, as_numbers, solutions, tenths

LESSON = "02_gradient_descent"
SOLUTIONS = solutions(LESSON)


# One step of gradient descent


def _step_cases(rng):
    return [
        (tenths(rng, size), 3 * tenths(rng, size), learning_rate)
        for size, learning_rate in [(2, 0.1), (3, 0.5), (1, 0.03), (4, 2.0)]
    ]


GRADIENT_STEP = Exercise(
    id="gd-step",
    lesson=LESSON,
    objective="gd.update-rule",
    title="One step of gradient descent",
    stub='''\
def gradient_step(w, gradient, learning_rate):
    """Return the point after one step of gradient descent."""
    ...  # your code here
''',
    reference=SOLUTIONS.gradient_step,
    cases=_step_cases,
    hints=(
        "The gradient points where the loss grows fastest. You want the loss to fall.",
        "The learning rate says how much of the gradient to use: multiply the two.",
        "Return the new point: the old point minus that product.",
    ),
    mistakes=(
        Mistake(
            "sign-flipped",
            lambda w, gradient, learning_rate: w + learning_rate * gradient,
            "The gradient points uphill, so adding it climbs. Step against it.",
        ),
        Mistake(
            "learning-rate-missing",
            lambda w, gradient, learning_rate: w - gradient,
            "You step by the whole gradient. Scale the step by the learning rate.",
        ),
        Mistake(
            "learning-rate-twice",
            lambda w, gradient, learning_rate: w - learning_rate * learning_rate * gradient,
            "The learning rate enters twice. Multiply the gradient by it once.",
        ),
        Mistake(
            "only-the-step",
            lambda w, gradient, learning_rate: -learning_rate * gradient,
            "That is the step alone. Add it to the point w where the step begins.",
        ),
        Mistake(
            "gradient-normalized",
            lambda w, gradient, learning_rate: (
                w - learning_rate * gradient / np.linalg.norm(gradient)
            ),
            "You divide the gradient by its length, so every step is equally long. In gradient "
            "descent a steep slope gives a long step and a flat one a short step.",
        ),
    ),
)


# A gradient by finite differences


def _cubic(w):
    """w[0]**3 + 2 * w[0] * w[1]**2"""
    return w[0] ** 3 + 2 * w[0] * w[1] ** 2


def _product(w):
    """w[0]**3 * w[1]**3 * w[2]**3"""
    return w[0] ** 3 * w[1] ** 3 * w[2] ** 3


def _exponential(w):
    """exp(w[0] + 2 * w[1])"""
    return np.exp(w[0] + 2 * w[1])


def _numerical_cases(rng):
    return [
        (_cubic, np.array([1.0, 2.0]), 0.1),
        (_product, 1 + tenths(rng, 3), 0.1),
        (_exponential, tenths(rng, 2), 0.2),
    ]


def _same_difference_everywhere(f, w, h):
    return np.full(len(w), (f(w + h) - f(w - h)) / (2 * h))


def _one_sided(sign):
    def numerical_gradient(f, w, h):
        steps = sign * h * np.eye(len(w))
        return np.array([(f(w + step) - f(w)) / (sign * h) for step in steps])

    return numerical_gradient


def _not_restored(f, w, h):
    moved = w.copy()
    gradient = np.zeros(len(w))
    for i in range(len(w)):
        moved[i] += h
        above = f(moved)
        moved[i] -= 2 * h
        gradient[i] = (above - f(moved)) / (2 * h)
    return gradient


NUMERICAL_GRADIENT = Exercise(
    id="gd-numerical-gradient",
    lesson=LESSON,
    objective="gd.gradient-check",
    title="A gradient by central differences",
    stub='''\
def numerical_gradient(f, w, h):
    """Return the gradient of f at w by central differences, one coordinate at a time."""
    gradient = np.zeros(len(w))
    ...  # your code here
''',
    reference=SOLUTIONS.numerical_gradient,
    cases=_numerical_cases,
    hints=(
        "One entry of the gradient is the slope of f along one coordinate. The others stay.",
        "For each i, make a vector step of zeros with h at place i. Look at f(w + step) and "
        "f(w - step).",
        "gradient[i] is the difference of these two values divided by their distance, 2 * h.",
    ),
    mistakes=(
        Mistake(
            "forward-difference",
            _one_sided(1),
            "You compare f(w + step) with f(w). That error shrinks like h. Compare f(w + step) "
            "with f(w - step): the error shrinks like h squared.",
        ),
        Mistake(
            "backward-difference",
            _one_sided(-1),
            "You compare f(w) with f(w - step). That error shrinks like h. Compare f(w + step) "
            "with f(w - step): the error shrinks like h squared.",
        ),
        Mistake(
            "divided-by-h",
            lambda f, w, h: 2 * SOLUTIONS.numerical_gradient(f, w, h),
            "The points w + step and w - step are 2 * h apart. Divide by that.",
        ),
        Mistake(
            "all-coordinates-at-once",
            _same_difference_everywhere,
            "You move every coordinate at the same time (w + h adds h to each entry). Move only "
            "coordinate i to get entry i.",
        ),
        Mistake(
            "coordinate-not-restored",
            _not_restored,
            "After coordinate i you leave it moved, so the later entries are taken at another "
            "point. Put it back, or make a new step vector for each i.",
        ),
        Mistake(
            "same-array-twice",
            lambda f, w, h: np.zeros(len(w)),
            "Every entry is 0: f sees the same point twice, or nothing is written into gradient. "
            "After plus = w and minus = w all three names mean one array. Write w + step and "
            "w - step, which are new arrays.",
        ),
    ),
)


# The gradient of the mean squared error


def _mse_cases(rng):
    return [
        (tenths(rng, features), tenths(rng, examples, features), tenths(rng, examples))
        for examples, features in [(3, 2), (5, 2), (4, 3), (6, 1)]
    ]


MSE_GRADIENT = Exercise(
    id="gd-mse-gradient",
    lesson=LESSON,
    objective="gd.batch",
    title="The gradient of the mean squared error on a batch",
    stub='''\
def mse_gradient(w, X, y):
    """Return the gradient of mean((X w - y)^2) with respect to w.

    X has one row per example, y one target per example.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.mse_gradient,
    cases=_mse_cases,
    hints=(
        "Begin with the residual X @ w - y: one number per example.",
        "The gradient of one squared residual is 2 * residual * (its row of X).",
        "Average over the examples: X.T @ residual adds them up; then multiply by 2 / len(y).",
    ),
    mistakes=(
        Mistake(
            "not-averaged",
            lambda w, X, y: 2 * X.T @ (X @ w - y),
            "That is the gradient of the sum. The loss is a mean: divide by the number of "
            "examples, or the step grows with the batch size.",
        ),
        Mistake(
            "factor-two-missing",
            lambda w, X, y: X.T @ (X @ w - y) / len(y),
            "The derivative of r^2 is 2 r. (Some books put 1/2 before the loss and have no 2; "
            "this loss has no 1/2.)",
        ),
        Mistake(
            "residual-sign-flipped",
            lambda w, X, y: 2 / len(y) * X.T @ (y - X @ w),
            "The sign is wrong. With the residual X @ w - y the inner derivative is +X; with "
            "y - X @ w it is -X.",
        ),
        Mistake(
            "averaged-over-features",
            lambda w, X, y: 2 / X.shape[1] * X.T @ (X @ w - y),
            "You divide by the number of features (columns of X). Divide by the number of "
            "examples (rows of X).",
        ),
        Mistake(
            "averaged-over-entries",
            lambda w, X, y: 2 / X.size * X.T @ (X @ w - y),
            "You divide by the number of entries of X. Divide by the number of examples, len(X).",
        ),
        Mistake(
            "product-of-averages",
            lambda w, X, y: 2 * np.mean(X @ w - y) * X.mean(axis=0),
            "You average the residuals and the rows first, and multiply then. Multiply each "
            "residual by its own row, and average the products.",
        ),
        Mistake(
            "residual-squared",
            lambda w, X, y: 2 / len(y) * X.T @ (X @ w - y) ** 2,
            "The residual is still squared. The derivative of r^2 is 2 r.",
        ),
    ),
)


# Mini-batches


def _minibatch_cases(rng):
    # Enough batches that chance cannot repeat an order.
    return [
        (n, batch_size, np.random.default_rng(rng.integers(1000)))
        for n, batch_size in [(50, 4), (33, 3), (99, 7)]
    ]


def _observe_minibatches(minibatches, n, batch_size, rng):
    """Compare what any right shuffle has in common, from two epochs and a repetition.

    Batches of the right sizes in which no index comes twice hold every index.
    """
    same_seed = copy.deepcopy(rng)
    first, second, repeated = (
        minibatches(n, batch_size, generator) for generator in (rng, rng, same_seed)
    )
    try:
        first, second, repeated = (
            [np.asarray(batch).tolist() for batch in epoch] for epoch in (first, second, repeated)
        )
        indices = np.concatenate(first).tolist()
        distinct = set(indices)
    except (TypeError, ValueError):
        return {"what it returned": type(first).__name__}
    return {
        "what it returned": "list of index arrays",
        "batch sizes, largest first": sorted((len(batch) for batch in first), reverse=True),
        "no index lies outside 0 to n-1": distinct <= set(range(n)),
        "no index comes twice": len(distinct) == len(indices),
        "a batch mixes distant indices": any(np.ptp(b) >= len(b) for b in first if b),
        "another order in the next epoch": first != second,
        "the same order from the same seed": first == repeated,
    }


def _cut(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


MINIBATCHES = Exercise(
    id="gd-minibatches",
    lesson=LESSON,
    objective="gd.batch",
    title="The mini-batches of one epoch",
    stub='''\
def minibatches(n, batch_size, rng):
    """Return one epoch: the indices 0 to n-1 in random order, cut into a list of batches.

    Every index comes once. The last batch may be smaller.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.minibatches,
    cases=_minibatch_cases,
    observe=_observe_minibatches,
    hints=(
        "Two jobs: put the indices 0 to n-1 in a random order, then cut this order into pieces.",
        "rng.permutation(n) gives the random order. A piece begins at 0, batch_size, "
        "2 * batch_size and so on: range(0, n, batch_size).",
        "The piece that begins at start is order[start : start + batch_size]. A slice past the "
        "end just stops there, so the smaller last batch needs no extra code.",
    ),
    mistakes=(
        Mistake(
            "not-shuffled",
            lambda n, batch_size, rng: _cut(np.arange(n), batch_size),
            "The indices are in their old order. If the data are sorted by class, each batch sees "
            "one class. Begin with rng.permutation(n).",
        ),
        Mistake(
            "shuffled-after-the-cut",
            lambda n, batch_size, rng: [
                _cut(np.arange(n), batch_size)[i] for i in rng.permutation(-(-n // batch_size))
            ],
            "Each batch still holds neighbours, because you cut first and shuffle afterwards. "
            "Shuffle the indices first, then cut.",
        ),
        Mistake(
            "last-batch-dropped",
            lambda n, batch_size, rng: _cut(
                rng.permutation(n)[: n // batch_size * batch_size], batch_size
            ),
            "When batch_size does not divide n, the last examples are left out. Keep the smaller "
            "last batch.",
        ),
        Mistake(
            "with-replacement",
            lambda n, batch_size, rng: _cut(rng.integers(n, size=n), batch_size),
            "Some indices come twice and others never. In one epoch every example comes once: "
            "shuffle with rng.permutation instead of drawing anew.",
        ),
        Mistake(
            "each-batch-drawn-from-all",
            lambda n, batch_size, rng: [
                rng.choice(n, batch_size, replace=False) for _ in range(0, n, batch_size)
            ],
            "You draw each batch from all n examples, so some come twice in an epoch and others "
            "never. Shuffle once, then cut.",
        ),
        Mistake(
            "same-order-every-epoch",
            lambda n, batch_size, rng: _cut(np.random.default_rng(0).permutation(n), batch_size),
            "Every epoch has the same order, because you make a generator with a fixed seed "
            "inside. Use the rng that the function is given.",
        ),
        Mistake(
            "rng-not-used",
            lambda n, batch_size, rng: _cut(np.random.default_rng().permutation(n), batch_size),
            "The order is random, but the same seed does not give it again. Draw from the rng "
            "that the function is given, so that a run can be repeated.",
        ),
    ),
)


# Backpropagation


def _backprop_cases(rng):
    cases = []
    for n, features, hidden, classes in [(3, 2, 2, 3), (4, 3, 4, 2), (5, 2, 6, 4)]:
        y = rng.integers(classes, size=n)
        W1, W2 = tenths(rng, features, hidden), tenths(rng, hidden, classes)
        # Sums of products of tenths never hit 0.005, so no unit sits on the kink of the relu.
        b1, b2 = tenths(rng, hidden) + 0.005, tenths(rng, classes)
        cases.append((tenths(rng, n, features), y, W1, b1, W2, b2))
    # A constant added to every logit changes nothing, unless exp overflows.
    return [*cases, (*cases[0][:-1], cases[0][-1] + 800)]


def _stable_softmax(logits, axis=1):
    scores = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return scores / scores.sum(axis=axis, keepdims=True)


def _unstable_softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _wrong_backprop(
    softmax=_stable_softmax,
    error=lambda probabilities, one_hot: (probabilities - one_hot) / len(one_hot),
    through_relu=lambda dh, a: dh * (a > 0),
    bias=np.sum,
):
    """Make a backprop with one wrong part."""

    def backprop(X, y, W1, b1, W2, b2):
        a = X @ W1 + b1
        h = np.maximum(a, 0)
        dlogits = error(softmax(h @ W2 + b2), np.eye(len(b2))[y])
        dh = dlogits @ W2.T
        da = through_relu(dh, a)
        return X.T @ da, bias(da, axis=0), h.T @ dlogits, bias(dlogits, axis=0)

    return backprop


BACKPROP = Exercise(
    id="gd-backprop",
    lesson=LESSON,
    objective="gd.backprop",
    title="Backpropagation through two layers",
    stub='''\
def backprop(X, y, W1, b1, W2, b2):
    """Return dW1, db1, dW2, db2, the gradient of the mean cross-entropy."""
    n = len(y)
    a = X @ W1 + b1
    h = np.maximum(a, 0)  # relu
    logits = h @ W2 + b2  # the loss: softmax, then cross-entropy with the classes y

    # Your code here: from the loss back to the first layer.
    dW2 = ...
    db2 = ...
    dW1 = ...
    db1 = ...
    return dW1, db1, dW2, db2
''',
    reference=SOLUTIONS.backprop,
    cases=_backprop_cases,
    outputs=("dW1", "db1", "dW2", "db2"),
    hints=(
        "Go back one line of the forward pass at a time. Each gradient has the shape of the thing "
        "it belongs to: dlogits that of logits, dW2 that of W2.",
        "For softmax with cross-entropy, dlogits = (probabilities - one_hot) / n, where one_hot "
        "is np.eye(len(b2))[y]. Subtract each row's largest logit before exp.",
        "Second layer: dW2 = h.T @ dlogits, and db2 is the sum of dlogits over the examples.",
        "To the first layer: dh = dlogits @ W2.T, and da = dh where a > 0, else 0. Then dW1 and "
        "db1 come from X and da as dW2 and db2 came from h and dlogits.",
    ),
    mistakes=(
        Mistake(
            "relu-derivative-forgotten",
            _wrong_backprop(through_relu=lambda dh, a: dh),
            "The gradient passes every hidden unit. A unit with a <= 0 is off: its derivative is "
            "0, so nothing passes. Multiply by (a > 0).",
        ),
        Mistake(
            "relu-of-the-gradient",
            _wrong_backprop(through_relu=lambda dh, a: dh * (dh > 0)),
            "You keep the positive entries of the gradient. Keep the entries whose input was "
            "positive in the forward pass: (a > 0).",
        ),
        Mistake(
            "not-averaged",
            _wrong_backprop(error=lambda probabilities, one_hot: probabilities - one_hot),
            "Each gradient is n times too large. The loss is a mean over the batch: divide by n "
            "once, in dlogits.",
        ),
        Mistake(
            "bias-averaged-twice",
            _wrong_backprop(bias=np.mean),
            "The bias gradients are n times too small: dlogits already holds the 1/n. Sum over "
            "the examples, do not average again.",
        ),
        Mistake(
            "error-sign-flipped",
            _wrong_backprop(
                error=lambda probabilities, one_hot: (one_hot - probabilities) / len(one_hot)
            ),
            "Every sign is wrong. The gradient at the logits is probabilities - one_hot: raising "
            "the right class's logit lowers the loss.",
        ),
        Mistake(
            "one-hot-forgotten",
            _wrong_backprop(error=lambda probabilities, one_hot: probabilities / len(one_hot)),
            "The labels y play no part. Subtract 1 from the probability of the right class.",
        ),
        Mistake(
            "softmax-over-the-batch",
            _wrong_backprop(softmax=lambda logits: _stable_softmax(logits, axis=0)),
            "Your probabilities sum to 1 over the examples. Each example's row must sum to 1: "
            "axis=1, with keepdims=True.",
        ),
        *(
            Mistake(
                "softmax-overflows",
                _wrong_backprop(softmax=_unstable_softmax, through_relu=through_relu),
                "Right for small logits, but exp(800) overflows and inf/inf is nan. Subtract each "
                "row's largest logit before exp: the probabilities stay the same.",
            )
            for through_relu in (
                lambda dh, a: dh * (a > 0),  # nan where a unit is off
                lambda dh, a: np.where(a > 0, dh, 0),  # 0 there
            )
        ),
    ),
)


# The scale of the first weights


def _initial_cases(rng):
    # Large enough that chance moves the standard deviation by less than 1 %.
    return [
        (fan_in, fan_out, np.random.default_rng(rng.integers(1000)))
        for fan_in, fan_out in [(300, 100), (100, 300), (200, 500)]
    ]


def _observe_initial_weights(initial_weights, fan_in, fan_out, rng):
    """Compare the statistics that any right draw has."""
    same_seed = copy.deepcopy(rng)
    first, second, repeated = (
        initial_weights(fan_in, fan_out, generator) for generator in (rng, rng, same_seed)
    )
    weights = as_numbers(first)
    if weights is None:
        return {"what it returned": type(first).__name__}
    deviation = weights.std()
    # A normal draw has 32 % beyond one deviation, cut at two deviations 35 %, a uniform one 42 %.
    beyond = np.mean(np.abs(weights) > deviation)
    return {
        "what it returned": "a matrix",
        "shape": list(weights.shape),
        "standard deviation": deviation,
        "the mean is near 0": abs(weights.mean()) <= 0.05 * deviation,
        "the histogram is a bell": 0.28 < beyond < 0.38,
        "new weights at the next call": not np.array_equal(first, second),
        "the same weights from the same seed": np.array_equal(first, repeated),
    }


def _normal_with(deviation):
    """Make an initial_weights with another standard deviation, a function of fan_in and fan_out."""

    def initial_weights(fan_in, fan_out, rng):
        return rng.normal(0, deviation(fan_in, fan_out), size=(fan_in, fan_out))

    return initial_weights


def _he_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


INITIAL_WEIGHTS = Exercise(
    id="gd-initial-scale",
    lesson=LESSON,
    objective="gd.initialisation",
    title="First weights of the right size",
    stub='''\
def initial_weights(fan_in, fan_out, rng):
    """Return a matrix (fan_in, fan_out) drawn from He's normal distribution."""
    ...  # your code here
''',
    reference=SOLUTIONS.initial_weights,
    cases=_initial_cases,
    observe=_observe_initial_weights,
    rtol=0.05,
    hints=(
        "A unit adds up fan_in inputs. The more it adds, the smaller each weight must be.",
        "After a relu, a variance of 2 / fan_in keeps the size of the signal from layer to layer.",
        "rng.normal(0, deviation, size=(fan_in, fan_out)) takes the standard deviation: the root "
        "of the variance.",
    ),
    mistakes=(
        Mistake(
            "deviation-always-one",
            _normal_with(lambda fan_in, fan_out: 1),
            "The standard deviation is 1 for every layer, so the signal grows by "
            "sqrt(fan_in / 2) at each layer. Scale it with fan_in.",
        ),
        Mistake(
            "deviation-always-small",
            _normal_with(lambda fan_in, fan_out: 0.01),
            "The standard deviation is 0.01 for every layer, so in a deep network the signal "
            "fades. Scale it with fan_in.",
        ),
        Mistake(
            "variance-as-deviation",
            _normal_with(lambda fan_in, fan_out: 2 / fan_in),
            "2 / fan_in is the variance. The generator asks for the standard deviation, its "
            "square root.",
        ),
        Mistake(
            "fan-out-for-fan-in",
            _normal_with(lambda fan_in, fan_out: np.sqrt(2 / fan_out)),
            "You scale with fan_out. In the forward pass a unit adds up its fan_in inputs.",
        ),
        Mistake(
            "glorot-scale",
            _normal_with(lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out))),
            "That is Glorot's initialisation, made for tanh: variance 2 / (fan_in + fan_out). "
            "He's, made for relu, is 2 / fan_in.",
        ),
        Mistake(
            "lecun-scale",
            _normal_with(lambda fan_in, fan_out: np.sqrt(1 / fan_in)),
            "A variance of 1 / fan_in is LeCun's. A relu turns off half of its inputs, so He "
            "doubles it: 2 / fan_in.",
        ),
        Mistake(
            "all-zeros",
            lambda fan_in, fan_out, rng: np.zeros((fan_in, fan_out)),
            "All weights are 0, so all units of a layer compute the same and get the same "
            "gradient: they stay equal for ever. Draw the weights at random.",
        ),
        Mistake(
            "uniform-draw",
            _he_uniform,
            "The spread is right, but the draw is uniform. Draw from a normal distribution here "
            "(Keras has both: he_normal and he_uniform).",
        ),
        Mistake(
            "rng-not-used",
            lambda fan_in, fan_out, rng: SOLUTIONS.initial_weights(
                fan_in, fan_out, np.random.default_rng()
            ),
            "The size is right, but the same seed does not give the same weights again. Draw from "
            "the rng that the function is given.",
        ),
    ),
)


EXERCISES = (
    GRADIENT_STEP,
    NUMERICAL_GRADIENT,
    MSE_GRADIENT,
    MINIBATCHES,
    BACKPROP,
    INITIAL_WEIGHTS,
)
