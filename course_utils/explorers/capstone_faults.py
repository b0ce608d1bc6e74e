"""Eight broken trainings of a digits network for lesson 07, with signs and remedies; no drawing."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from course_utils.datasets import digits, standardised
from course_utils.descent import minibatches, walk
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.schedules import CosineDecay

EPOCHS = 30
STEPS = 20  # an epoch
VALIDATION = 200
NETWORK = MLP((64, 32, 10))
LOUD_INPUT, LOUDNESS = 20, 1000  # the pixel in another unit, and how many times larger it is


@dataclass(frozen=True)
class Training:
    """A training by SGD with a cosine schedule; as it stands here it is sound.

    Args:
        rate: the learning rate at the start.
        random_start: whether the first weights are random, else 0.
        standardised: whether all inputs are, else one is 1,000 times larger.
        paired: whether the training labels belong to their inputs, else they are shuffled.
        separate: whether the validation rows are kept out of the training set.
        examples: how many rows there are to train on.
        decay_share: the share of the training after which the schedule has reached 0.
    """

    rate: float = 0.1
    random_start: bool = True
    standardised: bool = True
    paired: bool = True
    separate: bool = True
    examples: int = 400
    decay_share: float = 1.0


SOUND = Training()


class Fault(NamedTuple):
    """A broken training, what in its curves gives the fault away, and why the remedy mends it."""

    training: Training
    sign: str
    cure: str


FAULTS = {
    "The learning rate is too large": Fault(
        Training(rate=10.0),
        "the losses begin as usual, near 2.8, and are thrown up in the first epochs",
        "A hundred times smaller, the steps no longer jump over the valley",
    ),
    "The learning rate is too small": Fault(
        Training(rate=0.001),
        "both losses fall together, slowly and smoothly, and are still far up at the end",
        "A hundred times larger, the steps arrive within the same epochs",
    ),
    "All weights start at 0": Fault(
        Training(random_start=False),
        "both losses begin at log 10 = 2.30, what ten equal guesses give, and stay there",
        "Units with different weights get different gradients; with zeros no gradient reaches any "
        "weight, only the last biases learn",
    ),
    "One input is 1,000 times larger": Fault(
        Training(standardised=False),
        "the losses stand in the hundreds before the first step",
        "Now one rate suits the weights of all inputs",
    ),
    "Labels and inputs do not belong together": Fault(
        Training(paired=False),
        "the training loss falls, but the validation accuracy does not rise above guessing, 10 %",
        "Now there is something to learn that holds for new images too",
    ),
    "There are too few examples": Fault(
        Training(examples=40),
        "the training accuracy is soon 100 %, and the validation curves stay far from the "
        "training curves",
        "Ten times as many images show more of the ways to write each digit",
    ),
    "Validation rows are in the training set": Fault(
        Training(separate=False),
        "the validation curves lie on the training curves to the end, without the usual gap",
        "The accuracy is lower and now true: these images are new to the network",
    ),
    "The schedule ends too soon": Fault(
        Training(decay_share=0.05),
        "the losses fall fast and then, from one epoch to the next, do not move at all",
        "Now the rate reaches 0 with the last step, not with the 30th of 600",
    ),
}
REMEDIES = {
    "dividing the learning rate by 100": lambda run: replace(run, rate=run.rate / 100),
    "multiplying the learning rate by 100": lambda run: replace(run, rate=run.rate * 100),
    "drawing random first weights": partial(replace, random_start=True),
    "standardising all inputs": partial(replace, standardised=True),
    "reading inputs and labels in one order": partial(replace, paired=True),
    "training on 400 examples": partial(replace, examples=SOUND.examples),
    "taking validation rows out of training": partial(replace, separate=True),
    "letting the schedule end with the training": partial(replace, decay_share=1.0),
}
# The order of the menus would give the fault away.
RUNS = dict(
    zip(
        [f"Run {number}" for number in range(1, 9)],
        [list(FAULTS)[place] for place in (1, 5, 0, 2, 6, 4, 7, 3)],
        strict=True,
    )
)


class Curves(NamedTuple):
    """Losses and accuracies (in %) before training and after each epoch, shape (EPOCHS + 1,)."""

    losses: np.ndarray
    validation_losses: np.ndarray
    accuracies: np.ndarray
    validation_accuracies: np.ndarray


@lru_cache(maxsize=80)
def curves(training: Training) -> Curves:
    """Train as it is set and return the curves, NaN where the run has left all numbers behind."""
    objective, validation = _objectives(training)
    rng = np.random.default_rng(0)
    batch = training.examples // STEPS
    rows = [part for _ in range(EPOCHS) for part in minibatches(training.examples, batch, rng)]
    decay = CosineDecay(training.rate, round(training.decay_share * len(rows)))
    start = NETWORK.initial(seed=0) if training.random_start else np.zeros(NETWORK.size)
    points = walk([objective.batch(part) for part in rows], SGD(decay), start, every=STEPS)
    with np.errstate(all="ignore"):
        losses = [part.value(points) for part in (objective, validation)]
        shares = [
            NETWORK.accuracy(points, part.inputs, part.targets) for part in (objective, validation)
        ]
    return Curves(*losses, *(100 * share for share in shares))


def _objectives(training: Training) -> tuple[NetworkLoss, NetworkLoss]:
    """Return the losses on the training and on the validation images, with the faults put in."""
    data = standardised(digits())
    inputs, labels = data.train_inputs.copy(), data.train_targets
    if not training.standardised:
        inputs[:, LOUD_INPUT] *= LOUDNESS
    first = VALIDATION if training.separate else 0
    rows = slice(first, first + training.examples)
    taught = labels[rows]
    if not training.paired:
        taught = np.random.default_rng(0).permutation(taught)
    return (
        NetworkLoss(NETWORK, inputs[rows], taught),
        NetworkLoss(NETWORK, inputs[:VALIDATION], labels[:VALIDATION]),
    )
