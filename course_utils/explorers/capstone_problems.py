"""The tasks, settings, trainings and scores of lesson 07's tuning game; no drawing, no record."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from course_utils import datasets
from course_utils.descent import train
from course_utils.losses import binary_cross_entropy, softmax_cross_entropy
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam, AdamW
from course_utils.schedules import CosineDecay

BUDGET = 12
UNITS = 32  # in the hidden layer of every network
MISSED, ALARM = 50, 1  # what a missed fraud and a false alarm cost
SEED = 0  # of the first weights and the batches: the same settings give the same score


# What a learner chooses

OPTIMIZERS = {
    "SGD": SGD,
    "Momentum": partial(SGD, momentum=0.9),
    "Adam": Adam,
    "AdamW": AdamW,
}
SCHEDULES = {
    "constant": lambda rate, steps: rate,
    "cosine": lambda rate, steps: CosineDecay(rate, steps),
    "warm-up, then cosine": lambda rate, steps: CosineDecay(
        0.0, steps - steps // 5, warmup_target=rate, warmup_steps=steps // 5
    ),
}
BATCHES = (16, 32, 64, 256)
RATE_EXPONENTS = (-4, 1)
STRENGTH_EXPONENTS = (-6, 0)


@dataclass(frozen=True)
class Settings:
    """All that one run of the game takes; the strength is AdamW's decay, else the L2 penalty's.

    >>> str(Settings("Adam", 0.01, "cosine", 32, 1e-4))
    'Adam, rate 0.01, cosine, batches of 32, λ 0.0001'
    """

    optimizer: str
    rate: float
    schedule: str
    batch: int
    strength: float

    def __str__(self):
        """Name the settings as the readings do."""
        return (
            f"{self.optimizer}, rate {self.rate:.2g}, {self.schedule}, batches of {self.batch}, "
            f"λ {self.strength:.2g}"
        )


def random_settings(rng: np.random.Generator) -> Settings:
    """Draw settings: the menus' entries evenly, rate and strength evenly in their logarithm."""
    return Settings(
        optimizer=str(rng.choice(list(OPTIMIZERS))),
        rate=float(10 ** rng.uniform(*RATE_EXPONENTS)),
        schedule=str(rng.choice(list(SCHEDULES))),
        batch=int(rng.choice(BATCHES)),
        strength=float(10 ** rng.uniform(*STRENGTH_EXPONENTS)),
    )


# The tasks


class Part(NamedTuple):
    """Some examples of a task, with labels 0, 1, ..."""

    inputs: np.ndarray
    labels: np.ndarray


class Interval(NamedTuple):
    """A score on the test set and its 95 % interval."""

    score: float
    low: float
    high: float


@dataclass(frozen=True)
class Task:
    """One task of the game: a network to train for some epochs, and how it is scored.

    Args:
        name: as `tuning_game` takes it.
        load: makes the data; half of its training part becomes the validation set.
        things: what is classified, in the plural.
        epochs: how long each run trains.
        costs: whether the score is a cost for 1,000 examples, else the share of right answers in %.
        default: the settings at the opening of the game.
    """

    name: str
    load: Callable[[], datasets.Dataset]
    things: str
    epochs: int
    default: Settings
    costs: bool = False

    def parts(self) -> tuple[Part, Part, Part]:
        """Return the training, the validation and the test examples."""
        return _parts(self.load)

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return int(self.parts()[0].labels.max()) + 1

    @property
    def network(self) -> MLP:
        """Return the network: one output for two classes, else one a class."""
        outputs = 1 if self.classes == 2 else self.classes
        return MLP((self.parts()[0].inputs.shape[1], UNITS, outputs))

    @property
    def content_hash(self) -> str:
        """Return a name for what a score depends on beside the settings."""
        told = (self.network.layers, self.epochs, [len(part.labels) for part in self.parts()])
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def objective(self, part: Part, strength: float = 0.0) -> NetworkLoss:
        """Return the loss of the task's network on these examples, with an L2 penalty."""
        if self.classes == 2:
            targets, loss = part.labels[:, None].astype(float), binary_cross_entropy
        else:
            targets, loss = part.labels, softmax_cross_entropy
        return NetworkLoss(self.network, part.inputs, targets, loss, l2=strength)

    def points(self, params: np.ndarray, part: Part) -> np.ndarray:
        """Return what each example adds to the score: 100 where it is right, or what it costs."""
        with np.errstate(all="ignore"):
            logits = self.network.predict(params, part.inputs)
        if self.costs:
            # An alarm pays where p · MISSED > (1 - p) · ALARM; p above 1 / 51 is z above -log 50.
            return payment_costs(logits[:, 0] > -np.log(MISSED / ALARM), part.labels)
        said = logits[:, 0] > 0 if self.classes == 2 else logits.argmax(axis=1)
        return 100.0 * (said == part.labels)

    def score(self, params: np.ndarray, part: Part) -> float:
        """Return the score on these examples; a run that diverged to NaN has one too."""
        return float(self.points(params, part).mean())

    def majority(self) -> float:
        """Return the validation score of always answering the training set's commonest class."""
        training, validation, _ = self.parts()
        answer = np.bincount(training.labels).argmax()
        if self.costs:
            alarms = np.full(len(validation.labels), answer == 1)
            return float(payment_costs(alarms, validation.labels).mean())
        return float(100 * np.mean(validation.labels == answer))

    def best_so_far(self, scores) -> np.ndarray:
        """Return the best score up to each run; runs lie on the last axis."""
        return (np.minimum if self.costs else np.maximum).accumulate(scores, axis=-1)

    def write(self, score: float) -> str:
        """Write a score, with the unit it has."""
        return f"{score:.0f}" if self.costs else f"{score:.1f} %"


def payment_costs(alarms: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return what each payment costs, times 1,000, so that their mean is the cost of 1,000.

    >>> payment_costs(np.array([True, False, True]), np.array([1, 1, 0]))
    array([    0., 50000.,  1000.])
    """
    return 1000.0 * np.where(labels == 1, MISSED * ~alarms, ALARM * alarms)


@lru_cache
def _parts(load) -> tuple[Part, Part, Part]:
    data = load()
    half = len(data.train_inputs) // 2
    return (
        Part(data.train_inputs[half:], data.train_targets[half:]),
        Part(data.train_inputs[:half], data.train_targets[:half]),
        Part(data.test_inputs, data.test_targets),
    )


_SLOW = Settings("SGD", 0.01, "constant", 32, 1e-4)
TASKS = {
    task.name: task
    for task in (
        Task("digits", datasets.digits, "images", 10, _SLOW),
        Task("breast cancer", datasets.breast_cancer, "tumours", 5, _SLOW),
        Task("rare events", datasets.rare_events, "payments", 8, _SLOW, costs=True),
        Task("text", partial(datasets.docstrings, words=1000), "texts", 5, _SLOW),
    )
}


# Trainings


@lru_cache(maxsize=300)
def trained(name: str, settings: Settings) -> np.ndarray:
    """Return the weights after a run with these settings on the task of this name."""
    task = TASKS[name]
    training, _, _ = task.parts()
    decoupled = settings.optimizer == "AdamW"
    objective = task.objective(training, 0.0 if decoupled else settings.strength)
    steps = task.epochs * -(-objective.examples // settings.batch)
    rate = SCHEDULES[settings.schedule](settings.rate, steps)
    decay = {"weight_decay": settings.strength} if decoupled else {}
    optimizer = OPTIMIZERS[settings.optimizer](rate, **decay)
    start = task.network.initial(SEED)
    return train(objective, optimizer, start, task.epochs, settings.batch, SEED).params


def validation_score(name: str, settings: Settings) -> float:
    """Return the score on the validation set of a run with these settings."""
    _, validation, _ = TASKS[name].parts()
    return TASKS[name].score(trained(name, settings), validation)


@lru_cache
def final_score(name: str, settings: Settings) -> Interval:
    """Return the score on the test set and its 95 % interval.

    A share of right answers has Wilson's interval, a mean cost that of the normal distribution.

    Source: Wilson 1927.
    """
    from scipy.stats import binomtest

    _, _, test = TASKS[name].parts()
    points = TASKS[name].points(trained(name, settings), test)
    score = float(points.mean())
    if TASKS[name].costs:
        half = 1.96 * points.std(ddof=1) / np.sqrt(len(points))
        return Interval(score, max(score - half, 0.0), score + half)
    share = binomtest(int((points > 0).sum()), len(points)).proportion_ci(0.95, method="wilson")
    return Interval(score, 100 * float(share.low), 100 * float(share.high))


def logistic_score(name: str, on_test: bool = False) -> float:
    """Return the validation or test score of logistic regression with scikit-learn's settings."""
    from sklearn.linear_model import LogisticRegression

    task = TASKS[name]
    training, validation, test = task.parts()
    part = test if on_test else validation
    model = LogisticRegression(max_iter=5000).fit(*training)
    if task.costs:
        alarms = model.predict_proba(part.inputs)[:, 1] > ALARM / (ALARM + MISSED)
        return float(payment_costs(alarms, part.labels).mean())
    return float(100 * model.score(*part))


def random_search(name: str, seed: int) -> list[float]:
    """Return the validation scores of a random search that spends the budget."""
    rng = np.random.default_rng(seed)
    return [validation_score(name, random_settings(rng)) for _ in range(BUDGET)]
