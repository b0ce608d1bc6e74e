"""The exercises of lesson 04: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

import numpy as np

from course_utils.exercises.exercise import Exercise, Mistake, observe_steps, solutions, stream

LESSON = "04_momentum"
SOLUTIONS = solutions(LESSON)


# One step of momentum


def _momentum_cases(rng):
    return [
        (
            np.array([1.0, -2.0]),
            np.zeros(2),
            stream([2, -1], [1, 0.5], [-3, 2]),
            0.1,
            0.9,
        ),
        (
            np.array([0.5, 0.0, -1.0]),
            np.array([0.3, -0.2, 0.1]),
            stream([1, 0, -2], [0.5, 1, 1]),
            0.5,
            0.8,
        ),
    ]


def _wrong_momentum(
    velocity=lambda v, gradient, rate, beta: beta * v - rate * gradient,
    move=lambda new, old, gradient, rate, beta: new,
    returned=lambda w, new, old: (w, new),
):
    """Make a step of momentum with one wrong part: `move` is how far the point goes."""

    def momentum_step(w, old, gradient, learning_rate, beta):
        new = velocity(old, gradient, learning_rate, beta)
        return returned(w + move(new, old, gradient, learning_rate, beta), new, old)

    return momentum_step


MOMENTUM_STEP = Exercise(
    id="mom-step",
    lesson=LESSON,
    objective="mom.heavy-ball",
    title="One step of momentum",
    stub='''\
def momentum_step(w, velocity, gradient, learning_rate, beta):
    """Return w and velocity after one step of momentum, as Keras has it.

    The velocity is the step itself: the learning rate is already in it. It is 0 at the start.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.momentum_step,
    cases=_momentum_cases,
    observe=observe_steps("w", "velocity"),
    hints=(
        "Two lines in this order: compute the new velocity, then move w by it.",
        "The new velocity has two parts. The share beta of the old velocity stays, and the step of "
        "plain gradient descent comes in.",
        "The step of plain gradient descent is -learning_rate * gradient. The new velocity is "
        "beta * velocity plus this step.",
        "velocity = beta * velocity - learning_rate * gradient, then "
        "return w + velocity, velocity.",
    ),
    mistakes=(
        Mistake(
            "sign-flipped",
            _wrong_momentum(lambda v, gradient, rate, beta: beta * v + rate * gradient),
            "The gradient points uphill, and you add it to the velocity. Subtract it.",
        ),
        Mistake(
            "velocity-subtracted",
            _wrong_momentum(move=lambda new, old, gradient, rate, beta: -new),
            "The velocity is right, but w moves against it. The minus sign is already in the "
            "velocity, so add it: w + velocity.",
        ),
        Mistake(
            "velocity-of-the-other-sign",
            _wrong_momentum(
                lambda v, gradient, rate, beta: beta * v + rate * gradient,
                lambda new, old, gradient, rate, beta: -new,
            ),
            "Your velocity points uphill, and you subtract it. From rest the path is the same. But "
            "Keras's velocity points where w goes: velocity = beta * velocity - ..., w + velocity.",
        ),
        Mistake(
            "one-minus-beta",
            _wrong_momentum(
                lambda v, gradient, rate, beta: beta * v - (1 - beta) * rate * gradient
            ),
            "You multiply the gradient by 1 - beta. That makes the velocity an average. In Keras "
            "the gradient comes in whole, so the steps can add up.",
        ),
        Mistake(
            "form-of-the-average",
            _wrong_momentum(
                lambda v, gradient, rate, beta: beta * v + (1 - beta) * gradient,
                lambda new, old, gradient, rate, beta: -rate * new,
            ),
            "That is an exponential average of gradients, with the rate outside. In Keras the "
            "whole gradient, times the rate, enters: beta * velocity - learning_rate * gradient.",
        ),
        Mistake(
            "form-of-pytorch",
            _wrong_momentum(
                lambda v, gradient, rate, beta: beta * v + gradient,
                lambda new, old, gradient, rate, beta: -rate * new,
            ),
            "That is PyTorch's form: it sums gradients and multiplies by the rate at the end. "
            "Keras has the rate inside the velocity: beta * velocity - learning_rate * gradient.",
        ),
        Mistake(
            "learning-rate-outside-the-velocity",
            _wrong_momentum(
                lambda v, gradient, rate, beta: beta * v - gradient,
                lambda new, old, gradient, rate, beta: rate * new,
            ),
            "You multiply the whole velocity by the learning rate at the end. In Keras only the "
            "gradient is multiplied by it, when it enters the velocity.",
        ),
        Mistake(
            "learning-rate-missing",
            _wrong_momentum(lambda v, gradient, rate, beta: beta * v - gradient),
            "The whole gradient enters the velocity. Multiply it by the learning rate.",
        ),
        Mistake(
            "learning-rate-twice",
            _wrong_momentum(move=lambda new, old, gradient, rate, beta: rate * new),
            "The learning rate enters twice: in the velocity and again when w moves. The velocity "
            "already is the step: w + velocity.",
        ),
        Mistake(
            "moved-by-the-old-velocity",
            _wrong_momentum(move=lambda new, old, gradient, rate, beta: old),
            "You move w by the velocity from before this step, so each gradient acts one step "
            "late. Compute the new velocity first.",
        ),
        Mistake(
            "velocity-not-kept",
            _wrong_momentum(returned=lambda w, new, old: (w, old)),
            "You return the velocity that came in, so the next step knows nothing of this one. "
            "Return the new velocity.",
        ),
        Mistake(
            "plain-descent",
            _wrong_momentum(lambda v, gradient, rate, beta: -rate * gradient),
            "The old velocity is forgotten, so this is plain gradient descent. Keep the share beta "
            "of it: beta * velocity.",
        ),
        Mistake(
            "beta-missing",
            _wrong_momentum(lambda v, gradient, rate, beta: v - rate * gradient),
            "The velocity never fades, so w never comes to rest. Multiply the old velocity by "
            "beta.",
        ),
        Mistake(
            "beta-times-both-parts",
            _wrong_momentum(lambda v, gradient, rate, beta: beta * (v - rate * gradient)),
            "You multiply the new step by beta too. Beta belongs to the old velocity only: "
            "beta * velocity - learning_rate * gradient, without brackets.",
        ),
        Mistake(
            "gradient-step-twice",
            _wrong_momentum(move=lambda new, old, gradient, rate, beta: new - rate * gradient),
            "The step of gradient descent is counted twice: in the velocity and again when w "
            "moves. Move w by the velocity alone.",
        ),
        Mistake(
            "nesterov-in-the-form-of-keras",
            _wrong_momentum(
                move=lambda new, old, gradient, rate, beta: beta * new - rate * gradient
            ),
            "The velocity is right, but that move is Nesterov's, as Keras writes it. In plain "
            "momentum w moves by the new velocity: w + velocity.",
        ),
        Mistake(
            "values-in-the-other-order",
            _wrong_momentum(returned=lambda w, new, old: (new, w)),
            "Both values are right, but the caller expects w first: return w, velocity.",
        ),
    ),
)


# One step of Nesterov's momentum


def _ravine_gradient(w):
    """[1, 10] * w"""
    return np.array([1.0, 10.0]) * w


def _double_well_gradient(w):
    """w**3 - w"""
    return w**3 - w


def _nesterov_cases(rng):
    return [
        (np.array([1.0, -2.0]), np.zeros(2), _ravine_gradient, 0.1, 0.9),
        (np.array([1.5, 0.5, -2.0]), np.array([0.3, -0.2, 0.4]), _double_well_gradient, 0.2, 0.8),
    ]


def _ahead(w, v, rate, beta, gradient_at):
    return w + beta * v


def _wrong_nesterov(
    point=_ahead,
    velocity=lambda v, gradient, rate, beta: beta * v - rate * gradient,
    move=lambda new, old, gradient, rate, beta: new,
    returned=lambda w, new, old, step: (w, new),
):
    """Make a step of Nesterov's with one wrong part: `point` is where the gradient is taken."""

    def nesterov_step(w, old, gradient_at, learning_rate, beta):
        gradient = gradient_at(point(w, old, learning_rate, beta, gradient_at))
        new = velocity(old, gradient, learning_rate, beta)
        moved = w + move(new, old, gradient, learning_rate, beta)
        return returned(moved, new, old, -learning_rate * gradient)

    return nesterov_step


NESTEROV_STEP = Exercise(
    id="mom-nesterov",
    lesson=LESSON,
    objective="mom.nesterov",
    title="One step of Nesterov's momentum",
    stub='''\
def nesterov_step(w, velocity, gradient_at, learning_rate, beta):
    """Return w and velocity after one step of Nesterov's momentum.

    Use the look-ahead form. gradient_at is a function: gradient_at(point) returns the gradient
    at that point. The velocity has the learning rate in it, as in momentum_step.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.nesterov_step,
    cases=_nesterov_cases,
    observe=observe_steps("w", "velocity"),
    hints=(
        "It is a step of momentum in which one thing is different: the point where the gradient "
        "is taken.",
        "Before you ask for the gradient, go where the old velocity alone would carry w: its share "
        "beta, without a gradient.",
        "That point is look_ahead = w + beta * velocity. It serves only to ask for the gradient. "
        "The step itself begins at w.",
        "velocity = beta * velocity - learning_rate * gradient_at(look_ahead), then "
        "return w + velocity, velocity.",
    ),
    mistakes=(
        Mistake(
            "gradient-at-w",
            _wrong_nesterov(lambda w, v, rate, beta, gradient_at: w),
            "You take the gradient at w, so this is plain momentum. Take it at the look-ahead "
            "point, w + beta * velocity.",
        ),
        Mistake(
            "look-ahead-without-beta",
            _wrong_nesterov(lambda w, v, rate, beta, gradient_at: w + v),
            "You look ahead by the whole velocity. Only its share beta is kept in this step, so "
            "look at w + beta * velocity.",
        ),
        Mistake(
            "look-back",
            _wrong_nesterov(lambda w, v, rate, beta, gradient_at: w - beta * v),
            "You look back, to where w came from. The velocity points where w goes: add "
            "beta * velocity.",
        ),
        Mistake(
            "look-ahead-past-a-gradient-step",
            _wrong_nesterov(
                lambda w, v, rate, beta, gradient_at: w + beta * v - rate * gradient_at(w)
            ),
            "You look ahead to the end of a whole step of momentum. The look-ahead uses the "
            "velocity alone, w + beta * velocity, and one gradient is enough.",
        ),
        Mistake(
            "look-ahead-counted-twice",
            _wrong_nesterov(move=lambda new, old, gradient, rate, beta: beta * old + new),
            "The step begins at the look-ahead point, so beta * velocity is counted twice: the new "
            "velocity already holds it. Move from w: w + velocity.",
        ),
        Mistake(
            "form-of-keras",
            _wrong_nesterov(
                lambda w, v, rate, beta, gradient_at: w,
                move=lambda new, old, gradient, rate, beta: beta * new - rate * gradient,
            ),
            "That is Keras's form: the gradient at w, then a longer move. It is the same method, "
            "but its w is the look-ahead point. Here write the look-ahead itself.",
        ),
        Mistake(
            "velocity-holds-only-the-last-gradient",
            _wrong_nesterov(returned=lambda w, new, old, step: (w, step)),
            "w is right in the first step, but you return only the gradient's part as velocity. "
            "The velocity is the whole step: beta * velocity belongs to it.",
        ),
        Mistake(
            "velocity-not-kept",
            _wrong_nesterov(returned=lambda w, new, old, step: (w, old)),
            "You return the velocity that came in, so the next step knows nothing of this one. "
            "Return the new velocity.",
        ),
        Mistake(
            "sign-flipped",
            _wrong_nesterov(velocity=lambda v, gradient, rate, beta: beta * v + rate * gradient),
            "The gradient points uphill, and you add it to the velocity. Subtract it.",
        ),
        Mistake(
            "velocity-of-the-other-sign",
            _wrong_nesterov(
                lambda w, v, rate, beta, gradient_at: w - beta * v,
                lambda v, gradient, rate, beta: beta * v + rate * gradient,
                lambda new, old, gradient, rate, beta: -new,
            ),
            "Your velocity points uphill, and you subtract it everywhere. Keras's velocity points "
            "where w goes: look at w + beta * velocity, and move to w + velocity.",
        ),
        Mistake(
            "one-minus-beta",
            _wrong_nesterov(
                velocity=lambda v, gradient, rate, beta: beta * v - (1 - beta) * rate * gradient
            ),
            "You multiply the gradient by 1 - beta. That makes the velocity an average. Here the "
            "gradient comes in whole, times the learning rate.",
        ),
        Mistake(
            "beta-missing-in-the-velocity",
            _wrong_nesterov(velocity=lambda v, gradient, rate, beta: v - rate * gradient),
            "You look ahead with beta, but then keep the whole old velocity. Its share beta stays: "
            "beta * velocity.",
        ),
        Mistake(
            "learning-rate-outside-the-velocity",
            _wrong_nesterov(
                velocity=lambda v, gradient, rate, beta: beta * v - gradient,
                move=lambda new, old, gradient, rate, beta: rate * new,
            ),
            "You multiply the whole velocity by the learning rate at the end. Only the gradient is "
            "multiplied by it, when it enters the velocity.",
        ),
        Mistake(
            "values-in-the-other-order",
            _wrong_nesterov(returned=lambda w, new, old, step: (new, w)),
            "Both values are right, but the caller expects w first: return w, velocity.",
        ),
    ),
)


# The best pair


def _best_pair_cases(rng):
    return [(1.0, 100.0), (0.5, 8.0), (2.0, 50.0), (0.01, 0.04)]


def _best_rate(smallest, largest):
    return 4 / (np.sqrt(largest) + np.sqrt(smallest)) ** 2


def _best_factor(smallest, largest):
    """Return how much of the distance is left per step with the best pair: the root of beta."""
    root = np.sqrt(largest / smallest)
    return (root - 1) / (root + 1)


def _wrong_pair(rate=_best_rate, beta=lambda *ends: _best_factor(*ends) ** 2):
    def best_pair(smallest, largest):
        return rate(smallest, largest), beta(smallest, largest)

    return best_pair


BEST_PAIR = Exercise(
    id="mom-best-pair",
    lesson=LESSON,
    objective="mom.tuning",
    title="The best pair of learning rate and beta",
    stub='''\
def best_pair(smallest, largest):
    """Return the learning rate and the beta with which momentum is fastest on a quadratic.

    The curvatures of the quadratic run from smallest to largest, both positive.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.best_pair,
    cases=_best_pair_cases,
    outputs=("learning rate", "beta"),
    hints=(
        "Both numbers are given by the square roots of the two curvatures.",
        "The condition number is largest / smallest. With its root r, each step leaves the share "
        "(r - 1) / (r + 1) of the distance. This share is the root of beta.",
        "So beta = ((r - 1) / (r + 1)) ** 2. For the rate, take 2 divided by the sum of the two "
        "roots np.sqrt(largest) and np.sqrt(smallest), and square it too.",
        "learning_rate = (2 / (np.sqrt(largest) + np.sqrt(smallest))) ** 2. Return it first, then "
        "beta.",
    ),
    mistakes=(
        Mistake(
            "beta-not-squared",
            _wrong_pair(beta=_best_factor),
            "(r - 1) / (r + 1) is the share of the distance that a step leaves. That share is the "
            "root of beta, so square it.",
        ),
        Mistake(
            "beta-without-the-root",
            _wrong_pair(
                beta=lambda smallest, largest: ((largest - smallest) / (largest + smallest)) ** 2
            ),
            "Your beta is built from the condition number itself, so it is too large. Take the "
            "root of the condition number first.",
        ),
        Mistake(
            "share-of-gradient-descent-as-beta",
            _wrong_pair(beta=lambda smallest, largest: (largest - smallest) / (largest + smallest)),
            "Your beta is the share of the distance that a step of plain descent leaves. Here: "
            "take the root r of the condition number, and square (r - 1) / (r + 1).",
        ),
        Mistake(
            "beta-upside-down",
            _wrong_pair(beta=lambda *ends: _best_factor(*ends) ** -2),
            "Your beta is above 1, so the velocity grows without end. The difference r - 1 stands "
            "above the line, the sum r + 1 below it.",
        ),
        Mistake(
            "rate-of-gradient-descent",
            _wrong_pair(rate=lambda smallest, largest: 2 / (largest + smallest)),
            "2 / (largest + smallest) is the best rate of plain descent. With the best beta a "
            "larger rate is the best: take roots of the curvatures, and square at the end.",
        ),
        Mistake(
            "rate-not-squared",
            _wrong_pair(rate=lambda *ends: np.sqrt(_best_rate(*ends))),
            "The quotient 2 / (sum of the roots) must be squared. A rate is one over a curvature, "
            "and yours is one over the root of a curvature.",
        ),
        Mistake(
            "only-the-sum-of-the-roots-squared",
            _wrong_pair(rate=lambda *ends: _best_rate(*ends) / 2),
            "You square the sum of the roots but not the 2 above it, so the rate is half as large. "
            "Square the whole quotient.",
        ),
        Mistake(
            "sum-under-one-root",
            _wrong_pair(rate=lambda smallest, largest: 4 / (largest + smallest)),
            "np.sqrt(largest + smallest) is not np.sqrt(largest) + np.sqrt(smallest). Take each "
            "root by itself, then add.",
        ),
        Mistake(
            "rate-without-roots",
            _wrong_pair(rate=lambda smallest, largest: (2 / (largest + smallest)) ** 2),
            "You square the best rate of plain descent. Take the roots of the curvatures before "
            "you add them.",
        ),
        Mistake(
            "limit-of-the-rate",
            _wrong_pair(
                rate=lambda *ends: 2 * (1 + _best_factor(*ends) ** 2) / ends[1],
            ),
            "2 * (1 + beta) / largest is where momentum begins to diverge. The best rate lies "
            "below this limit.",
        ),
        Mistake(
            "rate-is-one-over-the-largest-curvature",
            _wrong_pair(rate=lambda smallest, largest: 1 / largest),
            "1 / largest is safe, but not the fastest. Both curvatures decide: square "
            "2 / (np.sqrt(largest) + np.sqrt(smallest)).",
        ),
        Mistake(
            "pair-of-nesterov",
            _wrong_pair(rate=lambda smallest, largest: 1 / largest, beta=_best_factor),
            "That is a usual pair for Nesterov's momentum. For plain momentum square both: the "
            "share (r - 1) / (r + 1), and 2 / (sum of the roots of the curvatures).",
        ),
        Mistake(
            "values-in-the-other-order",
            lambda *ends: _wrong_pair()(*ends)[::-1],
            "Both values are right, but the caller expects the learning rate first, then beta.",
        ),
    ),
)


# From one convention to the others


def _convert_cases(rng):
    return [
        (np.array([0.3, -0.6]), 0.1, 0.9),
        (np.array([-2.0, 0.5, 0.0]), 0.2, 0.75),
    ]


def _wrong_convert(
    buffer=lambda velocity, rate, beta: -velocity / rate,
    pytorch_rate=lambda rate, beta: rate,
    average=lambda buffer, beta: (1 - beta) * buffer,
    average_rate=lambda rate, beta: rate / (1 - beta),
):
    def convert(velocity, learning_rate, beta):
        b = buffer(velocity, learning_rate, beta)
        rates = pytorch_rate(learning_rate, beta), average_rate(learning_rate, beta)
        return b, rates[0], average(b, beta), rates[1]

    return convert


CONVERT = Exercise(
    id="mom-convert",
    lesson=LESSON,
    objective="mom.conventions",
    title="From Keras's momentum to the other two",
    stub='''\
def convert(velocity, learning_rate, beta):
    """Return pytorch_buffer, pytorch_rate, average, average_rate for Keras's momentum.

    With these states and rates the other two forms make the same steps from here on as Keras:
    Keras:    velocity = beta * velocity - learning_rate * gradient,  w = w + velocity
    PyTorch:  buffer = beta * buffer + gradient,                      w = w - rate * buffer
    average:  average = beta * average + (1 - beta) * gradient,       w = w - rate * average
    """
    ...  # your code here
''',
    reference=SOLUTIONS.convert,
    cases=_convert_cases,
    outputs=("pytorch_buffer", "pytorch_rate", "average", "average_rate"),
    hints=(
        "All three walk the same path, so w must move equally far in each: compare the last "
        "column of the three lines.",
        "First the rates. One new gradient moves w by learning_rate * gradient in Keras, by "
        "rate * gradient in PyTorch, and by rate * (1 - beta) * gradient with the average.",
        "Then the states. Keras moves w by velocity, PyTorch by -rate * buffer. So the buffer is "
        "-velocity / learning_rate, at the rate of Keras.",
        "The average is (1 - beta) times PyTorch's buffer, and its rate is "
        "learning_rate / (1 - beta).",
    ),
    mistakes=(
        Mistake(
            "sign-kept",
            _wrong_convert(lambda velocity, rate, beta: velocity / rate),
            "Keras adds its velocity, and the other two subtract their state. So the sign changes: "
            "the buffer is -velocity / learning_rate.",
        ),
        Mistake(
            "learning-rate-still-inside",
            _wrong_convert(lambda velocity, rate, beta: -velocity),
            "Keras's velocity has the learning rate in it, PyTorch's buffer does not. Divide by "
            "the learning rate.",
        ),
        Mistake(
            "nothing-changed-in-the-buffer",
            _wrong_convert(lambda velocity, rate, beta: velocity),
            "The buffer is not the velocity: PyTorch sums gradients, without the rate and without "
            "the minus sign. It is -velocity / learning_rate.",
        ),
        Mistake(
            "nothing-changed",
            _wrong_convert(
                lambda velocity, rate, beta: velocity,
                average=lambda buffer, beta: buffer,
                average_rate=lambda rate, beta: rate,
            ),
            "You give the other two Keras's velocity and rate as they are. But their states hold "
            "no rate and no minus sign, and the average takes in only the share 1 - beta.",
        ),
        Mistake(
            "multiplied-by-the-learning-rate",
            _wrong_convert(lambda velocity, rate, beta: -velocity * rate),
            "You multiply by the learning rate. The velocity already holds it, so divide to take "
            "it out.",
        ),
        Mistake(
            "one-step-ahead",
            _wrong_convert(lambda velocity, rate, beta: -beta * velocity / rate),
            "Your buffer has already faded by beta. PyTorch multiplies by beta in its next step "
            "itself: give it -velocity / learning_rate.",
        ),
        Mistake(
            "average-not-shortened",
            _wrong_convert(average=lambda buffer, beta: buffer),
            "Your average is PyTorch's buffer. In the average each gradient enters with the share "
            "1 - beta, so it is 1 - beta times as long.",
        ),
        Mistake(
            "average-divided",
            _wrong_convert(average=lambda buffer, beta: buffer / (1 - beta)),
            "The average is shorter than the buffer: multiply by 1 - beta.",
        ),
        Mistake(
            "average-rate-unchanged",
            _wrong_convert(average_rate=lambda rate, beta: rate),
            "The average takes in only the share 1 - beta of a new gradient. For the same step its "
            "rate must be larger: divide by 1 - beta.",
        ),
        Mistake(
            "average-rate-multiplied",
            _wrong_convert(average_rate=lambda rate, beta: rate * (1 - beta)),
            "Your rate for the average is too small: the share 1 - beta is then in the step twice. "
            "Divide by 1 - beta.",
        ),
        Mistake(
            "average-the-wrong-way-round",
            _wrong_convert(
                average=lambda buffer, beta: buffer / (1 - beta),
                average_rate=lambda rate, beta: rate * (1 - beta),
            ),
            "The old state moves w equally far, but a new gradient does not. The average is the "
            "shorter state with the larger rate: swap * and /.",
        ),
        Mistake(
            "beta-for-one-minus-beta",
            _wrong_convert(
                average=lambda buffer, beta: beta * buffer,
                average_rate=lambda rate, beta: rate / beta,
            ),
            "You use beta where 1 - beta belongs. A gradient enters the average with the share "
            "1 - beta.",
        ),
        Mistake(
            "nothing-changed-for-the-average",
            _wrong_convert(
                average=lambda buffer, beta: buffer, average_rate=lambda rate, beta: rate
            ),
            "You give the average PyTorch's buffer and rate. But it takes in only the share "
            "1 - beta of a gradient: a shorter state, and a larger rate.",
        ),
        Mistake(
            "pytorch-with-the-rate-of-the-average",
            _wrong_convert(pytorch_rate=lambda rate, beta: rate / (1 - beta)),
            "PyTorch takes in the whole gradient, as Keras does, so it keeps Keras's rate. Only "
            "the average needs rate / (1 - beta).",
        ),
    ),
)


EXERCISES = (MOMENTUM_STEP, NESTEROV_STEP, BEST_PAIR, CONVERT)
