"""The trainings that lesson 06's explorers show: wrong labels, flat minima, faults; no drawing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from course_utils.curvature import filter_normalised_direction
from course_utils.datasets import (
    Dataset,
    diabetes,
    digits,
    imputed,
    with_label_noise,
    with_missing,
    with_outliers,
)
from course_utils.descent import accuracy, epochs_without_improvement, train
from course_utils.explorers.generalization_problems import root_mean_square
from course_utils.gradients import SAM
from course_utils.losses import huber
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam
from course_utils.schedules import CosineDecay

# Digits with wrong labels, to stop early

EPOCHS = 60
WRONG_LABELS = {"none": 0.0, "20 %": 0.2, "40 %": 0.4}
PARTS = ("training", "validation", "test")


class Curves(NamedTuple):
    """Losses and accuracies by epoch, from 0: name of the part -> shape (epochs + 1,)."""

    losses: dict[str, np.ndarray]
    accuracies: dict[str, np.ndarray]


@cache
def wrong_label_run(share: float) -> Curves:
    """Train on 600 digits of which this share has a wrong label.

    300 more, with as many wrong labels, are the validation part; all test labels are right.
    """
    data, network = digits(), MLP((64, 128, 10))
    inputs = data.train_inputs[:900]
    labels = with_label_noise(data.train_targets[:900], share)
    training = NetworkLoss(network, inputs[:600], labels[:600])
    validation = NetworkLoss(network, inputs[600:], labels[600:])
    test = NetworkLoss(network, data.test_inputs, data.test_targets)
    metrics = {
        "accuracy": accuracy,
        "test loss": lambda _, params: test.value(params),
        "test accuracy": lambda _, params: accuracy(test, params),
    }
    history = train(
        training,
        Adam(learning_rate=0.01),
        network.initial(seed=0),
        epochs=EPOCHS,
        batch_size=60,
        validation=validation,
        metrics=metrics,
    )
    seen, held_out = history.metrics, history.validation_metrics
    losses = history.losses, history.validation_losses, seen["test loss"]
    accuracies = seen["accuracy"], held_out["accuracy"], seen["test accuracy"]
    return Curves(*(dict(zip(PARTS, curves, strict=True)) for curves in (losses, accuracies)))


def stopped_by_patience(losses: np.ndarray, patience: int) -> tuple[int, int]:
    """Return the epoch after which early stopping ends a run, and the one whose weights it keeps.

    Args:
        losses: the validation loss by epoch, before training first.
        patience: how many epochs without a new lowest loss to wait.

    >>> stopped_by_patience(np.array([9.0, 3.0, 1.0, 2.0, 1.5, 0.5]), patience=2)
    (4, 2)
    """
    for epoch in range(1, len(losses)):
        if epochs_without_improvement(losses[1 : epoch + 1]) >= patience:
            break
    return epoch, 1 + int(losses[1 : epoch + 1].argmin())


# Flat and sharp minima of the digits network

IMAGES = 300
SEEDS = 5
RANDOM_DIRECTIONS = 5
RADII = 10 ** np.linspace(-1.5, 0, 13)
FILTER, EQUAL = "scaled to each unit's weights", "of one length for all networks"
FLAT_NETWORK = MLP((64, 32, 10))


@dataclass(frozen=True)
class Way:
    """A way to train: the batch size, the peak of the rate, the epochs, and SAM's radius or 0."""

    batch_size: int
    rate: float
    epochs: int
    radius: float = 0.0


# Rates and epochs at which all reach the same training loss, about 0.008.
WAYS = {
    "batches of 16": Way(16, 0.1, 30),
    "all 300 at once": Way(IMAGES, 0.2, 300),
    "SAM, batches of 16": Way(16, 0.1, 30, radius=0.1),
}


class Minima(NamedTuple):
    """What five trainings of one way reach, with the seeds on the last axis.

    Args:
        training_loss: shape (seeds,).
        test_error: in per cent of the images that none of them has seen, shape (seeds,).
        rises: of the training loss at each of RADII, for both kinds of directions, shape (radii,
            seeds), the mean over random directions.
    """

    training_loss: np.ndarray
    test_error: np.ndarray
    rises: dict[str, np.ndarray]


@cache
def minima() -> dict[str, Minima]:
    """Train digits networks in each of WAYS from the same five starts, and measure them.

    A direction changes weights only, not biases. Directions "of one length" have the mean length of
    all fifteen networks' weights; the others have in each unit the length of that unit's weights.
    """
    data = digits()
    training = NetworkLoss(FLAT_NETWORK, data.train_inputs[:IMAGES], data.train_targets[:IMAGES])
    test = NetworkLoss(
        FLAT_NETWORK,
        np.concatenate([data.train_inputs[IMAGES:], data.test_inputs]),
        np.concatenate([data.train_targets[IMAGES:], data.test_targets]),
    )
    starts = np.stack([FLAT_NETWORK.initial(seed) for seed in range(SEEDS)])
    ends = {name: trained(training, starts, way) for name, way in WAYS.items()}
    lengths = [np.linalg.norm(params * FLAT_NETWORK.is_weight, axis=-1) for params in ends.values()]
    measured = {}
    for name, params in ends.items():
        losses = training.value(params)
        rises = {
            kind: np.stack(
                [
                    mean_losses(training, one, directions(kind, one, np.mean(lengths))) - loss
                    for one, loss in zip(params, losses, strict=True)
                ],
                axis=-1,
            )
            for kind in (FILTER, EQUAL)
        }
        measured[name] = Minima(losses, 100 * (1 - accuracy(test, params)), rises)
    return measured


def trained(training: NetworkLoss, starts: np.ndarray, way: Way) -> np.ndarray:
    """Return the weights that a way of training reaches from each start."""
    objective = SAM(training, way.radius) if way.radius else training
    steps = way.epochs * -(-IMAGES // way.batch_size)
    sgd = SGD(CosineDecay(way.rate, steps), momentum=0.9)
    return train(objective, sgd, starts, way.epochs, way.batch_size).params


def directions(kind: str, params: np.ndarray, length: float) -> np.ndarray:
    """Return random directions from a network's weights, shape (RANDOM_DIRECTIONS, n)."""
    if kind == FILTER:
        drawn = [
            filter_normalised_direction(FLAT_NETWORK, params, seed)
            for seed in range(RANDOM_DIRECTIONS)
        ]
        return np.stack(drawn)
    shape = RANDOM_DIRECTIONS, params.size
    drawn = np.random.default_rng(0).standard_normal(shape) * FLAT_NETWORK.is_weight
    return length * drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)


def mean_losses(objective, params: np.ndarray, ways_out: np.ndarray) -> np.ndarray:
    """Return the mean loss over some directions at each of RADII, shape (radii,)."""
    return objective.value(params + RADII[:, None, None] * ways_out).mean(axis=-1)


# Faulty data and remedies


@dataclass(frozen=True)
class Fault:
    """A fault to put into data, and ways to train on them.

    Args:
        what: the share that is faulty, in words.
        unit: of the test error.
        remedies: the names of the ways, the one without a remedy first.
        ticks: errors to mark in the picture, from the lowest to the highest in it.
        measure: takes the share and the seed; returns the test error of each way.
    """

    what: str
    unit: str
    remedies: tuple[str, ...]
    ticks: tuple[float, ...]
    measure: Callable[[float, int], list[float]]


SHARES = np.array([0, 10, 20, 40])  # per cent
SPLITS = 5


patients, images = cache(diabetes), cache(digits)  # one reading of the files for each split


def least_squares(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights of the linear model of least squared error, its bias last."""
    return np.linalg.lstsq(with_bias(inputs), targets[:, 0], rcond=None)[0]


def with_bias(inputs: np.ndarray) -> np.ndarray:
    """Return the inputs with a column of ones."""
    return np.column_stack([inputs, np.ones(len(inputs))])


def score_error(weights: np.ndarray, data: Dataset) -> float:
    """Return the root mean squared error on the test patients, in points of the score."""
    return root_mean_square(with_bias(data.test_inputs) @ weights - data.test_targets[:, 0])


def outlier_errors(share: float, seed: int) -> list[float]:
    """Train with the squared, the absolute and the Huber loss where targets are wild."""
    from scipy.optimize import minimize
    from sklearn.linear_model import QuantileRegressor

    data = patients(seed)
    targets = with_outliers(data.train_targets, share, seed=seed)
    median = QuantileRegressor(quantile=0.5, alpha=0).fit(data.train_inputs, targets[:, 0])
    # Huber's δ of 1 needs a unit that wild targets cannot stretch, as they do the deviation.
    low, center, high = np.quantile(targets, [0.25, 0.5, 0.75])
    unit = (high - low) / 2
    line = MLP((data.train_inputs.shape[1], 1))
    objective = NetworkLoss(line, data.train_inputs, (targets - center) / unit, huber)
    found = minimize(objective.value_and_gradient, np.zeros(line.size), jac=True).x
    return [
        score_error(weights, data)
        for weights in (
            least_squares(data.train_inputs, targets),
            np.append(median.coef_, median.intercept_),
            unit * found + np.append(np.zeros(line.size - 1), center),
        )
    ]


def missing_errors(hidden: Callable, share: float, seed: int) -> list[float]:
    """Train on complete patients only, on means put in, and on means with indicators.

    In all three, blood values are missing from the test patients too, and means are put in there.

    Args:
        hidden: which values are missing, of `at_random` and `more_often_high`.
        share: the share of the blood values that is missing.
        seed: of the split and of what is missing.
    """
    data = patients(seed)
    blood = [name.startswith("s") and name != "sex" for name in data.features]
    parts = data.train_inputs.copy(), data.test_inputs.copy()
    for place, inputs in enumerate(parts):
        inputs[:, blood] = hidden(inputs[:, blood], share, 2 * seed + place)
    holes = replace(data, train_inputs=parts[0], test_inputs=parts[1])
    means, indicated = imputed(holes, indicator=False), imputed(holes)
    complete = ~np.isnan(parts[0]).any(axis=1)
    return [
        score_error(
            least_squares(means.train_inputs[complete], data.train_targets[complete]), means
        ),
        *(
            score_error(least_squares(filled.train_inputs, data.train_targets), filled)
            for filled in (means, indicated)
        ),
    ]


def at_random(values: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return values of which this share is missing, whatever they are."""
    return with_missing(values, share, seed)


def more_often_high(values: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return standardised values of which about this share is missing, all of them above 0."""
    return np.where(values > 0, with_missing(values, 2 * share, seed), values)


def label_errors(share: float, seed: int) -> list[float]:
    """Train a digits network on wrong labels to the end, with early stopping and with L2."""
    data, network = images(seed), MLP((64, 32, 10))
    labels = with_label_noise(data.train_targets[:450], share, seed)
    penalties = np.array([0.0, 0.005])
    training = NetworkLoss(network, data.train_inputs[:300], labels[:300], l2=penalties)
    validation = NetworkLoss(network, data.train_inputs[300:450], labels[300:], l2=penalties)
    visited = []
    history = train(
        training,
        Adam(learning_rate=0.03),
        np.tile(network.initial(seed), (2, 1)),
        epochs=30,
        batch_size=100,
        seed=seed,
        validation=validation,
        callbacks=[lambda history: visited.append(history.params[0])],
    )
    free, penalised = history.params
    best = visited[history.validation_losses[1:, 0].argmin()]
    test = NetworkLoss(network, data.test_inputs, data.test_targets)
    return (100 * (1 - accuracy(test, np.stack([free, best, penalised])))).tolist()


LOSSES = ("squared error", "absolute error", "Huber loss")
FILLED = ("complete patients only", "means put in", "means and indicators")
SCORE = "points of the score"
SCORES = (45, 60, 80, 100, 150, 200, 300)
FAULTS = {
    "outliers in the targets": Fault(
        "of the training targets moved by ten deviations", SCORE, LOSSES, SCORES, outlier_errors
    ),
    "missing values, at random": Fault(
        "of the blood values missing",
        SCORE,
        FILLED,
        SCORES,
        lambda share, seed: missing_errors(at_random, share, seed),
    ),
    "missing values, the high ones": Fault(
        "of the blood values missing, all of them above the mean",
        SCORE,
        FILLED,
        SCORES,
        lambda share, seed: missing_errors(more_often_high, share, seed),
    ),
    "wrong labels": Fault(
        "of the training labels wrong",
        "% of the images",
        ("trained to the end", "early stopping", "L2 penalty"),
        (4, 6, 10, 15, 20, 30, 40),
        label_errors,
    ),
}


@cache
def fault_errors() -> dict[str, np.ndarray]:
    """Return the test error of each way to train, fault -> shape (shares, splits, ways)."""
    return {
        name: np.array(
            [[fault.measure(share / 100, seed) for seed in range(SPLITS)] for share in SHARES]
        )
        for name, fault in FAULTS.items()
    }
