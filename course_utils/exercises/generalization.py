"""The exercises of lesson 06: stubs, cases, hints, mistakes. Their solutions stand in notebooks."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from course_utils.exercises.exercise import (
    Exercise,
    Mistake,
    as_numbers,
    readable,
    solutions,
    tenths,
)

LESSON = "06_generalization"
SOLUTIONS = solutions(LESSON)


# An L2 penalty and its gradients


def _l2_cases(rng):
    layers = [(2, 3), (3,), (3, 2), (2,)]
    return [
        ([tenths(rng, *shape) for shape in layers], 0.1),
        ([tenths(rng, 3, 1), tenths(rng, 1)], 0.5),
        ([tenths(rng, *shape) for shape in [(1, 2), (2,), (2, 2), (2,), (2, 1), (1,)]], 3.0),
    ]


def _observe_penalty(l2_penalty, arrays, strength):
    """Compare array by array, for arrays of different shapes make no common array."""
    given = copy.deepcopy(arrays)
    answer = l2_penalty(arrays, strength)
    if not isinstance(answer, tuple | list):
        return {"what it returned": type(answer).__name__}
    seen = {"what it returned": f"{len(answer)} values"}
    if len(answer) != 2:
        return seen
    seen["value"], gradients = answer
    if not isinstance(gradients, list | tuple | Iterator):
        return seen | {"gradients": type(gradients).__name__}
    gradients = list(gradients)
    seen["gradients"] = f"list of {len(gradients)} arrays"
    for place, gradient in enumerate(gradients):
        seen[f"gradient of {'Wb'[place % 2]}{place // 2 + 1}"] = gradient
    seen["the given arrays are as before"] = all(map(np.array_equal, arrays, given))
    return seen


def _sum_of_squares(weights):
    return sum(np.sum(W**2) for W in weights)


def _wrong_penalty(value=_sum_of_squares, gradient=lambda W: 2 * W, bias=np.zeros_like, every=2):
    """Make an l2_penalty with one wrong part; `every` is 1 where biases enter the value."""

    def l2_penalty(arrays, strength):
        parts = (bias if place % 2 else gradient for place in range(len(arrays)))
        gradients = [strength * part(array) for part, array in zip(parts, arrays, strict=True)]
        return strength * value(arrays[::every]), gradients

    return l2_penalty


def _gradient_without_strength(arrays, strength):
    return SOLUTIONS.l2_penalty(arrays, strength)[0], SOLUTIONS.l2_penalty(arrays, 1)[1]


def _only_the_gradients_of_weights(arrays, strength):
    value, gradients = SOLUTIONS.l2_penalty(arrays, strength)
    return value, gradients[::2]


def _scaled_in_place(arrays, strength):
    value = strength * _sum_of_squares(arrays[::2])
    for place, array in enumerate(arrays):
        array *= 0 if place % 2 else 2 * strength
    return value, arrays


L2_PENALTY = Exercise(
    id="gen-l2",
    lesson=LESSON,
    objective="gen.penalties",
    title="An L2 penalty and its gradients",
    stub='''\
def l2_penalty(arrays, strength):
    """Return an L2 penalty on the weights of a network: its value and its gradients.

    arrays is a list [W1, b1, W2, b2, ...]: weights and biases in turn. The penalty is strength
    times the sum of all squared weights. Biases are not penalised. Return the value, a number,
    and a list with one gradient for each array, of the same shape: all 0 for a bias.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.l2_penalty,
    cases=_l2_cases,
    observe=_observe_penalty,
    hints=(
        "Go through the arrays one by one. Weights and biases are treated in different ways, and "
        "weights stand at the places 0, 2, 4, ...",
        "A weight array adds strength * np.sum(W**2) to the value. All weight arrays add to the "
        "same value.",
        "The derivative of strength * w**2 is 2 * strength * w. It holds for each entry of W by "
        "itself.",
        "For weights append 2 * strength * array to the list of gradients, for a bias "
        "np.zeros(array.shape). At the end return value, gradients.",
    ),
    mistakes=(
        Mistake(
            "factor-two-missing",
            _wrong_penalty(gradient=lambda W: W),
            "The gradients are half of what they should be. The derivative of w**2 is 2 * w.",
        ),
        Mistake(
            "half-in-front",
            _wrong_penalty(lambda weights: _sum_of_squares(weights) / 2, lambda W: W),
            "That is half the penalty, with its gradients. Some books put the 1/2 there so that "
            "the 2 of the derivative cancels. This penalty has no 1/2.",
        ),
        Mistake(
            "biases-penalised",
            _wrong_penalty(bias=lambda b: 2 * b, every=1),
            "The biases are penalised too. A bias only shifts a unit, it does not make the "
            "network's answer steeper. Leave them out of the value, and give them gradients of 0.",
        ),
        Mistake(
            "biases-in-the-gradients",
            _wrong_penalty(bias=lambda b: 2 * b),
            "The value is right, but the biases have gradients. They are not in the value, so "
            "their gradients are 0.",
        ),
        Mistake(
            "biases-in-the-value",
            _wrong_penalty(every=1),
            "The gradients are right, but the value counts the biases too. Only arrays[0], "
            "arrays[2] and so on belong to it.",
        ),
        Mistake(
            "strength-missing",
            lambda arrays, strength: SOLUTIONS.l2_penalty(arrays, 1),
            "The strength plays no part. Multiply the value and every gradient by it.",
        ),
        Mistake(
            "strength-missing-in-the-gradients",
            _gradient_without_strength,
            "The value is right, but the gradients know nothing of the strength. The derivative of "
            "strength * w**2 is 2 * strength * w.",
        ),
        Mistake(
            "strength-twice",
            lambda arrays, strength: SOLUTIONS.l2_penalty(arrays, strength**2),
            "The strength enters twice. Multiply by it once.",
        ),
        Mistake(
            "mean-instead-of-sum",
            _wrong_penalty(
                lambda weights: sum(np.mean(W**2) for W in weights), lambda W: 2 * W / W.size
            ),
            "You take the mean of each array, so a weight of a large layer counts less. Keras's "
            "L2 and this one take the sum.",
        ),
        Mistake(
            "mean-in-the-value",
            _wrong_penalty(lambda weights: sum(np.mean(W**2) for W in weights)),
            "The gradients belong to a sum, but the value takes the mean of each array. Use "
            "np.sum.",
        ),
        Mistake(
            "root-of-the-sum",
            _wrong_penalty(lambda weights: np.sqrt(_sum_of_squares(weights))),
            "The value holds the length of the weights, the root of the sum of squares. The "
            "penalty takes the sum itself: leave out the root.",
        ),
        Mistake(
            "lengths-not-squared",
            _wrong_penalty(lambda weights: sum(map(np.linalg.norm, weights))),
            "np.linalg.norm gives the length of an array, which is a root. The penalty takes the "
            "sum of squares: np.sum(W**2).",
        ),
        Mistake(
            "squared-after-the-sum",
            _wrong_penalty(lambda weights: sum(np.sum(W) ** 2 for W in weights)),
            "You add the weights first and square then, so positive and negative ones cancel. "
            "Square each entry first: np.sum(W**2).",
        ),
        Mistake(
            "only-the-last-layer",
            _wrong_penalty(lambda weights: _sum_of_squares(weights[-1:])),
            "The value counts only the last weights: each layer overwrites what came before. Add "
            "to it with +=.",
        ),
        Mistake(
            "only-the-first-layer",
            _wrong_penalty(lambda weights: _sum_of_squares(weights[:1])),
            "The value counts only the first weights. Go through all layers before you return.",
        ),
        Mistake(
            "sign-flipped",
            _wrong_penalty(gradient=lambda W: -2 * W),
            "The signs of the gradients are wrong. The penalty grows with the size of a weight, so "
            "its gradient points away from 0: the step against it shrinks the weight.",
        ),
        Mistake(
            "gradient-still-squared",
            _wrong_penalty(gradient=lambda W: 2 * W**2),
            "The weights in your gradients are still squared. The derivative of w**2 is 2 * w.",
        ),
        Mistake(
            "l1-penalty",
            _wrong_penalty(lambda weights: sum(np.abs(W).sum() for W in weights), np.sign),
            "That is an L1 penalty: absolute values, and a gradient that is the sign. L2 squares "
            "the weights.",
        ),
        Mistake(
            "gradients-of-the-biases-left-out",
            _only_the_gradients_of_weights,
            "Your list has gradients for the weights only. The optimizer needs one for each array: "
            "add an array of zeros for each bias, at its place.",
        ),
        Mistake(
            "given-arrays-changed",
            _scaled_in_place,
            "The values are right, but you change what the caller gave you: array *= ... and "
            "arrays[i] = ... both do so, and the network's weights are gone. Make a new list.",
        ),
    ),
)


# Inverted dropout


@dataclass(frozen=True)
class _Activations:
    """The activations of a case, so many that their statistics say what was done to them."""

    rows: int
    units: int

    def __str__(self):
        return f"{self.rows} rows of {self.units} numbers"

    def draw(self):
        return np.random.default_rng(self.rows).normal(size=(self.rows, self.units))


def _dropout_cases(rng):
    # The rates keep apart what is confused: rate, 1 - rate, and 1 divided by either.
    return [
        (_Activations(rows, units), rate, training, np.random.default_rng(rng.integers(1000)))
        for rows, units, rate, training in [
            (100, 80, 0.2, True),
            (80, 100, 0.6, True),
            (100, 80, 0.2, False),
        ]
    ]


def _observe_dropout(dropout, activations, rate, training, rng):
    """Compare what any right mask has in common, from two calls and a repetition.

    Among 8,000 entries a share rounded to one decimal is the same at every draw.
    """
    given, same_seed = activations.draw(), copy.deepcopy(rng)

    def drop(rng):
        output = dropout(given.copy(), rate, training, rng)
        numbers = as_numbers(output)
        return output if numbers is None else numbers

    first, second, repeated = drop(rng), drop(rng), drop(same_seed)
    if not isinstance(first, np.ndarray):
        return {"what it returned": type(first).__name__}
    seen = {"what it returned": f"array of shape {first.shape}"}
    if first.shape != given.shape:
        return seen
    dropped = first == 0
    factors = np.array([np.nan]) if dropped.all() else (first / given)[~dropped]
    seen |= {
        "share of the activations set to 0": dropped.mean().round(1),
        "the others are all multiplied by the same number": np.ptp(factors) < 1e-4,
        "the others are multiplied by": factors.mean(),
    }
    if training:
        seen |= {
            "each row has a mask of its own": (dropped != dropped[:1]).any(),
            "in a row, each unit is drawn by itself": (dropped != dropped[:, :1]).any(),
            "another mask at the next call": not np.array_equal(first, second),
            "the same mask from the same seed": np.array_equal(first, repeated),
        }
    return seen


def _wrong_dropout(
    kept=lambda rng, rate, shape: rng.random(shape) >= rate,
    factor=lambda rate: 1 / (1 - rate),
    at_test_time=lambda a, rate: a,
):
    """Make a dropout with another mask, another factor or another end of training."""

    def dropout(activations, rate, training, rng):
        if not training:
            return at_test_time(activations, rate)
        return activations * kept(rng, rate, activations.shape) * factor(rate)

    return dropout


DROPOUT = Exercise(
    id="gen-dropout",
    lesson=LESSON,
    objective="gen.dropout",
    title="Inverted dropout",
    stub='''\
def dropout(activations, rate, training, rng):
    """Return the activations after inverted dropout.

    activations has one row per example and one column per unit. In training each entry becomes 0
    with probability rate, drawn by itself with rng. The others grow so that the expected value
    of each entry stays the same. If training is False, nothing is dropped.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.dropout,
    cases=_dropout_cases,
    observe=_observe_dropout,
    hints=(
        "Two cases. If training is False, return the activations as they are. Else draw a mask.",
        "rng.random(activations.shape) draws one number between 0 and 1 for each entry. It is "
        "below rate with probability rate: these entries become 0.",
        "An entry is kept with probability 1 - rate, so on average only this share of it remains. "
        "Divide what is kept by 1 - rate to make up for it.",
        "kept = rng.random(activations.shape) >= rate, then return "
        "activations * kept / (1 - rate).",
    ),
    mistakes=(
        Mistake(
            "not-rescaled",
            _wrong_dropout(factor=lambda rate: 1),
            "What is kept stays as it was, so in training the next layer gets less than at test "
            "time. Divide what is kept by 1 - rate.",
        ),
        Mistake(
            "rescaled-at-test-time",
            _wrong_dropout(factor=lambda rate: 1, at_test_time=lambda a, rate: a * (1 - rate)),
            "That is the first form of dropout: nothing in training, times 1 - rate at test time. "
            "Inverted dropout divides by 1 - rate in training and does nothing at test time.",
        ),
        Mistake(
            "rescaled-twice",
            _wrong_dropout(at_test_time=lambda a, rate: a * (1 - rate)),
            "You rescale in training and at test time too. Training has already made up for the "
            "dropped entries, so at test time return the activations as they are.",
        ),
        Mistake(
            "enlarged-at-test-time",
            _wrong_dropout(at_test_time=lambda a, rate: a / (1 - rate)),
            "At test time no entry is dropped, so there is nothing to make up for. Return the "
            "activations as they are.",
        ),
        Mistake(
            "active-at-test-time",
            lambda activations, rate, training, rng: SOLUTIONS.dropout(
                activations, rate, True, rng
            ),
            "You drop entries at test time too, so the same example gets another prediction each "
            "time. If training is False, return the activations as they are.",
        ),
        Mistake(
            "active-only-at-test-time",
            lambda activations, rate, training, rng: SOLUTIONS.dropout(
                activations, rate, not training, rng
            ),
            "The cases are swapped: you drop entries at test time and none in training.",
        ),
        Mistake(
            "never-active",
            lambda activations, rate, training, rng: activations,
            "Nothing is dropped. If training is True, draw a mask and set the dropped entries to "
            "0.",
        ),
        Mistake(
            "rate-is-the-share-kept",
            lambda activations, rate, training, rng: SOLUTIONS.dropout(
                activations, 1 - rate, training, rng
            ),
            "You keep the share rate and drop the rest. (Srivastava et al. 2014 give the share "
            "kept.) Here, as in Keras, rate is the share that is dropped.",
        ),
        Mistake(
            "mask-the-wrong-way-round",
            _wrong_dropout(kept=lambda rng, rate, shape: rng.random(shape) < rate),
            "The factor is right, but the mask keeps what it should drop. A random number is below "
            "rate with probability rate: keep where rng.random(...) >= rate.",
        ),
        Mistake(
            "divided-by-the-rate",
            _wrong_dropout(factor=lambda rate: 1 / rate),
            "You divide by rate, the share that is dropped. Divide by 1 - rate, the share that is "
            "kept.",
        ),
        Mistake(
            "multiplied-by-the-share-kept",
            _wrong_dropout(factor=lambda rate: 1 - rate),
            "You multiply by 1 - rate, which makes the kept entries smaller still. Divide by it.",
        ),
        Mistake(
            "one-mask-for-all-rows",
            _wrong_dropout(kept=lambda rng, rate, shape: rng.random(shape[1:]) >= rate),
            "All rows lose the same units: you draw one number for each column. Draw one for each "
            "entry: rng.random(activations.shape).",
        ),
        Mistake(
            "whole-rows-dropped",
            _wrong_dropout(kept=lambda rng, rate, shape: rng.random((shape[0], 1)) >= rate),
            "You draw one number for each row, so an example loses all its units or none. Draw one "
            "for each entry: rng.random(activations.shape).",
        ),
        Mistake(
            "one-draw-for-all",
            _wrong_dropout(kept=lambda rng, rate, shape: rng.random() >= rate),
            "rng.random() draws a single number, so all entries are kept or all are dropped. Draw "
            "one for each entry: rng.random(activations.shape).",
        ),
        Mistake(
            "same-mask-at-every-call",
            _wrong_dropout(
                kept=lambda rng, rate, shape: np.random.default_rng(0).random(shape) >= rate
            ),
            "Every call drops the same entries, because you make a generator with a fixed seed "
            "inside. Draw from the rng that the function is given.",
        ),
        Mistake(
            "rng-not-used",
            _wrong_dropout(
                kept=lambda rng, rate, shape: np.random.default_rng().random(shape) >= rate
            ),
            "The mask is random, but the same seed does not give it again. Draw from the rng that "
            "the function is given, so that a run can be repeated.",
        ),
    ),
)


# Early stopping


def _an_epoch(params):
    """adds [1, -0.5, 2] to the params"""
    return params + np.array([1, -0.5, 2])


class _AnEpochInOneArray:
    """adds [1, -0.5, 2] to the params, and returns the same array each time"""

    # An object, because a copy of it has its own array; a function's copy would not.
    def __init__(self):
        self.array = np.zeros(3)

    def __call__(self, params):
        self.array[:] = _an_epoch(params)
        return self.array


def _losses(*losses):
    """Make a validation loss that has these values after 0, 1, 2, ... epochs from [0, 2, 1]."""

    def validation_loss(params):
        return losses[min(round(params[0]), len(losses) - 1)]

    validation_loss.__doc__ = f"after 0, 1, 2, ... epochs {readable(list(losses))}"
    return validation_loss


def _patience_cases(rng):
    # Most series have a lower loss after the place where training must end.
    return [
        (train_epoch, _losses(*losses), np.array([0.0, 2.0, 1.0]), patience, epochs)
        for train_epoch, losses, patience, epochs in [
            (_an_epoch, (5, 4, 4.5, 3, 3.5, 2.5, 3, 3.2, 1), 2, 9),
            (_an_epoch, (1, 2, 3, 2.5, 2.7, 0.5, 3, 2), 3, 7),
            (_an_epoch, (6, 5, 5.5, 4, 4.5, 4.6, 3), 3, 8),
            (_an_epoch, (3, 2, 2, 2, 1.5), 2, 4),
            (_an_epoch, (4, 3, 2, 1, 0.5), 5, 3),
            (_AnEpochInOneArray(), (5, 3, 4, 4.5, 4.6, 2), 2, 6),
        ]
    ]


def _wrong_patience(
    better=lambda loss, lowest, previous: loss < lowest,
    resets=lambda loss, lowest, previous: loss < lowest,
    stops=lambda waited, patience: waited >= patience,
    before_training=lambda loss: loss,
    trained=lambda params, start: params,
    last_epoch=lambda epochs: epochs,
    keep=np.copy,
    returned=lambda best, last: best,
):
    """Make a train_with_patience with one wrong part.

    `better` says when to keep the params, `resets` when to wait anew, `trained` which params the
    next epoch begins with. `best` and `last` are pairs of params and epoch.
    """

    def train_with_patience(train_epoch, validation_loss, params, patience, epochs):
        start, best, waited = params, (np.copy(params), 0), 0
        lowest = previous = before_training(validation_loss(params))
        for epoch in range(1, last_epoch(epochs) + 1):
            params = train_epoch(trained(params, start))
            loss = validation_loss(params)
            is_better = better(loss, lowest, previous)
            waited = 0 if resets(loss, lowest, previous) else waited + (not is_better)
            if is_better:
                best, lowest = (keep(params), epoch), loss
            previous = loss
            if stops(waited, patience):
                break
        return returned(best, (params, epoch))

    return train_with_patience


TRAIN_WITH_PATIENCE = Exercise(
    id="gen-early-stopping",
    lesson=LESSON,
    objective="gen.early-stopping",
    title="Early stopping that keeps the best weights",
    stub='''\
def train_with_patience(train_epoch, validation_loss, params, patience, epochs):
    """Return the params of the lowest validation loss, and the epoch they come from.

    train_epoch(params) returns the params after one more epoch. It may return the same array each
    time, with new numbers in it. validation_loss(params) returns a number. Train for at most
    epochs epochs, and stop when patience epochs in a row gave no loss below the lowest so far.
    The given params count too, as epoch 0. If two losses are equal, the earlier epoch wins.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.train_with_patience,
    cases=_patience_cases,
    outputs=("params", "epoch"),
    hints=(
        "Before the first epoch the best params are the given ones, their epoch is 0, and the "
        "lowest loss is theirs. Then train epoch by epoch.",
        "After each epoch compare its loss with the lowest so far. If it is lower, it is the new "
        "best: keep the loss, the epoch and a copy of the params, params.copy().",
        "To know when to stop, count the epochs since the best one. A new best sets the count back "
        "to 0. When the count reaches patience, leave the loop with break.",
        "for epoch in range(1, epochs + 1): params = train_epoch(params), loss = "
        "validation_loss(params), then the two questions: is it lower, is it time to stop?",
    ),
    mistakes=(
        Mistake(
            "last-params-returned",
            _wrong_patience(returned=lambda best, last: (last[0], best[1])),
            "The epoch is right, but you return the params of the last epoch. Those have been "
            "trained past the best ones. Keep a copy of the best and return it.",
        ),
        Mistake(
            "last-params-and-epoch-returned",
            _wrong_patience(returned=lambda best, last: last),
            "You return the last epoch and its params. Return the ones of the lowest loss, which "
            "came earlier.",
        ),
        Mistake(
            "epoch-of-the-stop-returned",
            _wrong_patience(returned=lambda best, last: (best[0], last[1])),
            "The params are right, but the epoch is the one where training stopped. Keep the "
            "number of the best epoch too.",
        ),
        Mistake(
            "best-params-not-copied",
            _wrong_patience(keep=lambda params: params),
            "best = params gives the same array a second name. If train_epoch writes into that "
            "array, your best params change with it. Keep params.copy().",
        ),
        Mistake(
            "never-stops",
            _wrong_patience(stops=lambda waited, patience: False),
            "You train all epochs, so the patience plays no part. Stop when patience epochs in a "
            "row gave no lower loss.",
        ),
        Mistake(
            "patience-counts-all-bad-epochs",
            _wrong_patience(resets=lambda *losses: False),
            "You count all epochs without a lower loss, also those before the best one. Only "
            "epochs in a row count: a new lowest loss sets the count back to 0.",
        ),
        Mistake(
            "one-epoch-too-many",
            _wrong_patience(stops=lambda waited, patience: waited > patience),
            "You wait one epoch too long. Stop as soon as patience epochs have passed without a "
            "lower loss: >=, not >.",
        ),
        Mistake(
            "stops-one-epoch-early",
            _wrong_patience(stops=lambda waited, patience: waited >= patience - 1),
            "You stop one epoch too early. With patience 2 there may be two epochs in a row "
            "without a lower loss, and the second one is the last.",
        ),
        Mistake(
            "stops-at-the-first-rise",
            _wrong_patience(stops=lambda waited, patience: waited >= 1),
            "You stop at the first epoch that is not lower. Validation losses jump: go on until "
            "patience epochs in a row were no better.",
        ),
        Mistake(
            "compared-with-the-previous-epoch",
            _wrong_patience(
                better=lambda loss, lowest, previous: loss < previous,
                resets=lambda loss, lowest, previous: loss < previous,
            ),
            "You compare with the epoch before, so a fall after a high loss counts as the best. "
            "Compare with the lowest loss so far.",
        ),
        Mistake(
            "count-set-back-by-any-fall",
            _wrong_patience(resets=lambda loss, lowest, previous: loss < previous),
            "A loss below the one before sets your count back to 0, even if it is above the "
            "lowest. Only a new lowest loss sets it back.",
        ),
        Mistake(
            "later-of-equal-losses",
            _wrong_patience(
                better=lambda loss, lowest, previous: loss <= lowest,
                resets=lambda loss, lowest, previous: loss <= lowest,
            ),
            "A loss that equals the lowest counts as better, so the later epoch wins. Only a loss "
            "below it does: <, not <=.",
        ),
        Mistake(
            "highest-loss-kept",
            _wrong_patience(
                better=lambda loss, lowest, previous: loss > lowest,
                resets=lambda loss, lowest, previous: loss > lowest,
            ),
            "You keep the params of the highest loss. That is right for an accuracy; of a loss, "
            "keep the lowest.",
        ),
        Mistake(
            "start-not-counted",
            _wrong_patience(before_training=lambda loss: np.inf),
            "You begin with a lowest loss of infinity, so the first epoch always counts as better "
            "than the start. Begin with validation_loss(params).",
        ),
        Mistake(
            "epochs-counted-from-0",
            _wrong_patience(returned=lambda best, last: (best[0], max(best[1] - 1, 0))),
            "The params are right, but the epoch is one too small. Epoch 0 is the start: the first "
            "epoch of training is epoch 1, so use range(1, epochs + 1).",
        ),
        Mistake(
            "one-epoch-missing",
            _wrong_patience(last_epoch=lambda epochs: epochs - 1),
            "The last epoch is never trained. range(1, epochs) ends before epochs: use "
            "range(1, epochs + 1).",
        ),
        Mistake(
            "epochs-without-a-limit",
            _wrong_patience(last_epoch=lambda epochs: epochs + 1000),
            "You train on after the given number of epochs, until the patience ends. Both can end "
            "the training: at most epochs epochs.",
        ),
        Mistake(
            "each-epoch-from-the-start",
            _wrong_patience(trained=lambda params, start: start),
            "Each epoch begins with the given params, so all epochs give the same. Use the params "
            "that the last epoch returned: params = train_epoch(params).",
        ),
    ),
)


# Standardisation without a leak


def _standardise_cases(rng):
    # Few rows, so that n - 1 for n shows. The last column never changes in training: a number
    # that a float holds exactly has a deviation of exactly 0.
    cases = []
    for rows, tests, features in [(4, 2, 2), (5, 3, 3), (3, 4, 1)]:
        training = 3 + 2 * tenths(rng, rows, features + 1)
        test = 4 + 3 * tenths(rng, tests, features + 1)
        training[:, -1] = 2
        test[:, -1] = 2
        test[0, -1] = 5
        cases.append((training, test))
    return cases


def _column_mean(array):
    return array.mean(axis=0)


def _column_deviation(array):
    deviation = array.std(axis=0)
    return np.where(deviation == 0, 1, deviation)


def _wrong_standardise(
    mean=_column_mean, deviation=_column_deviation, fitted=lambda training, test: training
):
    """Make a standardise with other statistics, or taken from other data."""

    def standardise(training, test):
        data = fitted(training, test)
        return tuple((array - mean(data)) / deviation(data) for array in (training, test))

    return standardise


def _each_by(mean, deviation):
    """Make a standardise that gives training and test statistics of their own."""

    def standardise(training, test):
        return tuple((array - mean(array)) / deviation(array) for array in (training, test))

    return standardise


def _constant_column_emptied(training, test):
    changes = training.std(axis=0) > 0
    return tuple(array * changes for array in SOLUTIONS.standardise(training, test))


def _deviation_of_the_sample(array):
    deviation = array.std(axis=0, ddof=1)
    return np.where(deviation == 0, 1, deviation)


def _range_of_the_columns(array):
    width = np.ptp(array, axis=0)
    return np.where(width == 0, 1, width)


STANDARDISE = Exercise(
    id="gen-standardise",
    lesson=LESSON,
    objective="gen.split",
    title="Standardise without a leak",
    stub='''\
def standardise(training, test):
    """Return training and test, each column standardised by its mean and deviation in training.

    Both arrays have one row per example and one column per feature. The deviation is the root of
    the mean squared distance from the mean, as np.std gives it. A column that never changes in
    training has deviation 0: only subtract its mean. Return two new arrays.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.standardise,
    cases=_standardise_cases,
    outputs=("training", "test"),
    hints=(
        "One mean and one deviation for each column, both from the training data. The test data "
        "must not take part in them.",
        "training.mean(axis=0) and training.std(axis=0) give one number per column. Compute both "
        "before you change anything.",
        "Where the deviation is 0, divide by 1 instead: np.where(deviation == 0, 1, deviation).",
        "Return (training - mean) / deviation and (test - mean) / deviation, with the same mean "
        "and deviation.",
    ),
    mistakes=(
        Mistake(
            "fitted-on-both",
            _wrong_standardise(fitted=lambda *both: np.concatenate(both)),
            "Mean and deviation come from training and test together. So the test data take part "
            "in the training: a leak. Use the training data only.",
        ),
        Mistake(
            "fitted-on-the-test-data",
            _wrong_standardise(fitted=lambda training, test: test),
            "Mean and deviation come from the test data. Use those of the training data for both.",
        ),
        Mistake(
            "test-by-its-own-mean",
            _each_by(_column_mean, _column_deviation),
            "You give the test data a mean and a deviation of their own, so the same value means "
            "something else there. Use those of the training data for both.",
        ),
        Mistake(
            "test-as-it-was",
            lambda training, test: (SOLUTIONS.standardise(training, test)[0], test),
            "The test data come back as they were. Subtract the mean of the training data and "
            "divide by its deviation. Compute both before you overwrite training: afterwards they "
            "are 0 and 1.",
        ),
        Mistake(
            "all-columns-together",
            _wrong_standardise(np.mean, np.std),
            "You take one mean and one deviation of all numbers, so a feature with large values "
            "decides. Each column has its own: axis=0.",
        ),
        Mistake(
            "rows-for-columns",
            _each_by(
                lambda array: array.mean(axis=1, keepdims=True),
                lambda array: array.std(axis=1, keepdims=True),
            ),
            "You standardise each row, which is an example. Each column, a feature, has its own "
            "mean: axis=0.",
        ),
        Mistake(
            "divided-by-the-variance",
            _wrong_standardise(deviation=lambda array: _column_deviation(array) ** 2),
            "You divide by the variance. Divide by the deviation, its root: np.std.",
        ),
        Mistake(
            "deviation-of-a-sample",
            _wrong_standardise(deviation=_deviation_of_the_sample),
            "Your deviation divides by n - 1 (ddof=1), as statistics does for a sample. Here, as "
            "in NumPy and scikit-learn, it divides by n.",
        ),
        Mistake(
            "constant-column-divided-by-0",
            _wrong_standardise(deviation=lambda array: array.std(axis=0)),
            "Right but for the column that never changes: its deviation is 0, and 0/0 gives nan. "
            "Divide it by 1 instead.",
        ),
        Mistake(
            "constant-column-and-epsilon",
            _wrong_standardise(deviation=lambda array: array.std(axis=0) + 1e-8),
            "A small number added to the deviation, or put in the place of 0, avoids 0/0. But if a "
            "column that never changed in training changes in the test data, its value becomes "
            "huge. Divide it by 1.",
        ),
        Mistake(
            "constant-column-always-0",
            _constant_column_emptied,
            "You set the column that never changes in training to 0 in the test data too. There "
            "it may change: only subtract its mean.",
        ),
        Mistake(
            "not-centred",
            _wrong_standardise(mean=lambda array: 0),
            "You only divide. Subtract the mean first, so that each column has mean 0.",
        ),
        Mistake(
            "only-centred",
            _wrong_standardise(deviation=lambda array: 1),
            "You only subtract the mean. Divide by the deviation too, so that all columns have "
            "the same spread.",
        ),
        Mistake(
            "mean-not-in-brackets",
            lambda training, test: tuple(
                array - _column_mean(training) / _column_deviation(training)
                for array in (training, test)
            ),
            "Division comes before subtraction, so only the mean is divided. It needs brackets: "
            "(training - mean) / deviation.",
        ),
        Mistake(
            "minimum-and-range",
            _wrong_standardise(lambda array: array.min(axis=0), _range_of_the_columns),
            "You bring each column to the range from 0 to 1. That is another scaling, which one "
            "outlier can spoil. Use mean and deviation.",
        ),
        Mistake(
            "mean-and-range",
            _wrong_standardise(deviation=_range_of_the_columns),
            "You divide by the range of each column, from its smallest to its largest value. "
            "Divide by the deviation, np.std.",
        ),
    ),
)


# How flat a minimum is


def _bowl(w):
    """w[0]**2 + 10 * w[1]**2"""
    return w[..., 0] ** 2 + 10 * w[..., 1] ** 2


def _skewed(w):
    """exp(w[0]) - w[0] + 3 * w[1]**2 + w[1]**3"""
    x, y = w[..., 0], w[..., 1]
    return np.exp(x) - x + 3 * y**2 + y**3


def _slope(w):
    """2 + w[0] * w[1] + w[2]**2"""
    return 2 + w[..., 0] * w[..., 1] + w[..., 2] ** 2


def _flatness_cases(rng):
    # On the skewed loss a direction and its opposite differ, on the slope some rises are negative.
    return [
        (_bowl, np.zeros(2), 0.5, np.array([[3.0, 4.0], [0.0, -2.0], [5.0, 0.0]])),
        (_skewed, np.zeros(2), 0.4, np.array([[0.3, -0.4], [1.0, 1.0]])),
        (
            _slope,
            np.array([1.0, -2.0, 0.5]),
            2.0,
            np.array([[1.0, 2.0, 2.0], [-6.0, 0.0, 8.0], [0.0, 0.5, 0.0], [2.0, -1.0, -2.0]]),
        ),
    ]


def _unit(directions):
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _wrong_flatness(
    scaled=_unit,
    moved=lambda params, radius, step: params + radius * step,
    rise=lambda after, before: after - before,
    total=np.mean,
):
    """Make a flatness with one wrong part."""

    def flatness(loss, params, radius, directions):
        before = loss(params)
        after = np.array([loss(moved(params, radius, step)) for step in scaled(directions)])
        return total(rise(after, before))

    return flatness


def _one_step_after_the_other(loss, params, radius, directions):
    places = params + radius * np.cumsum(_unit(directions), axis=0)
    return np.mean(loss(places)) - loss(params)


def _both_signs(loss, *arguments):
    *others, directions = arguments
    return SOLUTIONS.flatness(loss, *others, np.concatenate([directions, -directions]))


def _divided_by_the_radius(loss, params, radius, directions):
    return SOLUTIONS.flatness(loss, params, radius, directions) / radius


FLATNESS = Exercise(
    id="gen-flatness",
    lesson=LESSON,
    objective="gen.flatness",
    title="How flat a minimum is",
    stub='''\
def flatness(loss, params, radius, directions):
    """Return the mean rise of the loss at the distance radius from params.

    loss(params) returns a number for a vector of parameters. directions has one direction per
    row, of any length: scale each row to length 1. Move from params by radius along each row,
    one at a time. The rise is the loss there minus the loss at params; it may be negative.
    """
    ...  # your code here
''',
    reference=SOLUTIONS.flatness,
    cases=_flatness_cases,
    hints=(
        "One rise for each row of directions. Every move begins at params.",
        "np.linalg.norm(direction) is the length of a row. Divide the row by it, then multiply by "
        "radius: every move has the same length.",
        "The rise along one row is loss(params + radius * unit) - loss(params), where unit is the "
        "row at length 1.",
        "Collect the rises in a list: for direction in directions: ... Then return np.mean(rises).",
    ),
    mistakes=(
        Mistake(
            "directions-not-scaled",
            _wrong_flatness(scaled=lambda directions: directions),
            "The rows have different lengths, so you move by different distances, and long rows "
            "look sharp. Divide each row by its length.",
        ),
        Mistake(
            "one-length-for-all-rows",
            _wrong_flatness(scaled=lambda directions: directions / np.linalg.norm(directions)),
            "You divide all rows by the length of the whole array. Each row has its own length: "
            "np.linalg.norm(directions, axis=1, keepdims=True).",
        ),
        Mistake(
            "columns-scaled",
            _wrong_flatness(
                scaled=lambda directions: directions / np.linalg.norm(directions, axis=0)
            ),
            "You divide each column by its length. A direction is a row: use axis=1, with "
            "keepdims=True.",
        ),
        Mistake(
            "divided-by-the-squared-length",
            _wrong_flatness(
                scaled=lambda directions: directions / np.sum(directions**2, axis=1, keepdims=True)
            ),
            "You divide by the sum of squares. The length is its root: np.linalg.norm.",
        ),
        Mistake(
            "radius-missing",
            _wrong_flatness(moved=lambda params, radius, step: params + step),
            "You move by 1, whatever the radius. Multiply the scaled direction by it.",
        ),
        Mistake(
            "divided-by-the-radius",
            _divided_by_the_radius,
            "You divide by the radius, which gives a slope. Return the mean rise itself.",
        ),
        Mistake(
            "loss-for-rise",
            _wrong_flatness(rise=lambda after, before: after),
            "You average the loss around params. Subtract the loss at params, or a minimum with a "
            "high loss looks sharp.",
        ),
        Mistake(
            "sign-flipped",
            _wrong_flatness(rise=lambda after, before: before - after),
            "The sign is wrong: a rise is the loss after the move minus the loss before.",
        ),
        Mistake(
            "relative-rise",
            lambda loss, params, radius, directions: (
                SOLUTIONS.flatness(loss, params, radius, directions) / loss(params)
            ),
            "You divide by the loss at params. At a loss near 0 that is huge. Return the rise "
            "itself.",
        ),
        Mistake(
            "size-of-the-rises",
            _wrong_flatness(rise=lambda after, before: np.abs(after - before)),
            "You take absolute values, so a fall of the loss counts as a rise. Falls stay "
            "negative.",
        ),
        Mistake(
            "largest-rise",
            _wrong_flatness(total=np.max),
            "You return the largest rise, which is another measure: the sharpest direction. Here "
            "it is the mean over all directions.",
        ),
        Mistake(
            "sum-of-the-rises",
            _wrong_flatness(total=np.sum),
            "You add up the rises, so more directions give more. Take the mean.",
        ),
        Mistake(
            "only-the-last-direction",
            _wrong_flatness(total=lambda rises: rises[-1]),
            "Only the last row counts: the loop overwrites the rise each time. Collect all rises "
            "in a list, and take their mean after the loop.",
        ),
        Mistake(
            "only-the-first-direction",
            _wrong_flatness(total=lambda rises: rises[0]),
            "Only the first row counts: the return stands inside the loop. Move it behind the "
            "loop.",
        ),
        Mistake(
            "both-signs",
            _both_signs,
            "You also move against each direction. Move along the given rows only.",
        ),
        Mistake(
            "against-the-directions",
            _wrong_flatness(moved=lambda params, radius, step: params - radius * step),
            "You move against the directions. Add the step to params.",
        ),
        Mistake(
            "one-step-after-the-other",
            _one_step_after_the_other,
            "Each move begins where the last one ended, so you walk away from params. Give the "
            "moved point a name of its own, and begin each move at params.",
        ),
        Mistake(
            "mean-direction",
            _wrong_flatness(scaled=lambda directions: _unit(directions).mean(axis=0)[None]),
            "You average the directions and move once. Directions cancel each other that way: "
            "average the rises.",
        ),
    ),
)


EXERCISES = (L2_PENALTY, DROPOUT, TRAIN_WITH_PATIENCE, STANDARDISE, FLATNESS)
