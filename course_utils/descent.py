"""Running an optimizer on an objective: `minimize` walks, `train` goes through data in batches.

An objective has ``size``, ``value(params)`` and ``gradient(params)``; landscapes.py and networks.py
make them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from course_utils.hyperparameters import rate_at, require_not_negative, run_shape

LARGEST_PATH = 500_000_000  # bytes


@dataclass(frozen=True)
class Path:
    """Where an optimizer went: the start and the points it passed.

    Args:
        points: shape (kept points, *runs, n), the start first.
        values: the objective there, shape (kept points, *runs).
        steps: how many steps were taken before each point, shape (kept points,).
    """

    points: np.ndarray
    values: np.ndarray
    steps: np.ndarray

    @property
    def end(self) -> np.ndarray:
        """Return the last point, shape (*runs, n)."""
        return self.points[-1]


def minimize(objective, optimizer, start, steps: int, every: int = 1) -> Path:
    """Follow the optimizer from start for a number of steps.

    A run that diverges is returned as it is, infinities included, without a warning.

    Args:
        objective: the function to minimize.
        optimizer: the update rule.
        start: shape (n,), or (*runs, n) for many runs at once.
        steps: how many updates, at least 1.
        every: keep every so many steps one point, and the last one. The points take
            8 · (steps / every + 1) · runs · n bytes; more than 500 MB is refused.

    >>> from course_utils.landscapes import bowl
    >>> from course_utils.optimizers import SGD
    >>> path = minimize(bowl(condition_number=1), SGD(learning_rate=0.5), start=[2.0, 1.0], steps=3)
    >>> path.points[:, 0]  # halved at each step
    array([2.  , 1.  , 0.5 , 0.25])
    """
    _require_count("steps", steps)
    _require_count("every", every)
    points = walk([objective] * steps, optimizer, start, every)
    with np.errstate(all="ignore"):
        return Path(points, objective.value(points), _kept(steps, every))


def walk(objectives: Sequence, optimizer, start, every: int = 1) -> np.ndarray:
    """Take one step on each objective in turn, for example on one mini-batch after another.

    Args:
        objectives: as many as there are steps, all of the same size.
        optimizer: the update rule.
        start: shape (n,), or (*runs, n) for many runs at once.
        every: keep every so many steps one point, and the last one.

    Returns:
        The points, start included, shape (kept points, *runs, n).
    """
    if not len(objectives):
        raise ValueError("objectives must hold one for each step, got none")
    _require_count("every", every)
    params = starting_points(objectives[0], optimizer, start)
    kept = _kept(len(objectives), every)
    size = len(kept) * params.nbytes
    if size > LARGEST_PATH:
        raise ValueError(
            f"the path would take {size:,} bytes, more than {LARGEST_PATH:,}: "
            f"raise `every` (now {every}) to keep fewer points"
        )
    points = np.empty((len(kept), *params.shape))
    points[0] = params
    place = iter(points[1:])
    state = optimizer.init(params)
    with np.errstate(all="ignore"):
        for step, objective in enumerate(objectives, start=1):
            params, state = optimizer.update(objective.gradient(params), state, params)
            if step == 1:
                _require_a_row_a_run(points[0], params)
            if step % every == 0 or step == len(objectives):
                next(place)[...] = params
    return points


@dataclass
class History:
    """What a training run showed, and what a callback may change while it goes on.

    The curves are arrays with one entry an epoch, before training first: shape (epochs + 1, *runs).

    Args:
        params: the weights now; after `train`, those at the end or, with early stopping, the best.
        optimizer: the update rule of the next step; a callback may replace it.
        losses: the loss on all training data.
        validation_losses: the same on the validation data; empty without them.
        metrics: name -> the metric on the training data.
        validation_metrics: name -> the metric on the validation data.
        batch_losses: the loss on each batch before its step, shape (steps, *runs).
        gradient_norms: the length of each batch's gradient, shape (steps, *runs).
        rates: the learning rate of each step.
        best_params: the weights to return instead of the last, which a callback may set.
        stopped: why training ended before its last epoch; empty if it did not. A callback that
            sets it ends the training.
    """

    params: np.ndarray
    optimizer: object
    losses: list = field(default_factory=list)
    validation_losses: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    validation_metrics: dict = field(default_factory=dict)
    batch_losses: list = field(default_factory=list)
    gradient_norms: list = field(default_factory=list)
    rates: list = field(default_factory=list)
    best_params: np.ndarray | None = None
    stopped: str = ""

    @property
    def epochs(self) -> int:
        """Return the number of epochs that were finished."""
        return len(self.losses) - 1


Callback = Callable[[History], None]


def train(
    objective,
    optimizer,
    start,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    validation=None,
    metrics: Mapping[str, Callable] | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = False,
) -> History:
    """Train on mini-batches, every example once an epoch, in an order drawn anew each epoch.

    Interrupting the kernel (Ctrl-C) returns what was reached.

    Args:
        objective: a loss over examples (`networks.NetworkLoss`).
        optimizer: the update rule.
        start: the initial weights, shape (n,), or (*runs, n) for many networks at once.
        epochs: how many times to go through the data, at least 1.
        batch_size: examples a step; the last batch of an epoch may be smaller.
        seed: equal seeds give equal batches and equal dropout.
        validation: the same loss over data that is not trained on.
        metrics: name -> function of (objective, params), for example `accuracy`.
        callbacks: called with the history after each epoch, for example `EarlyStopping`.
        progress: show a progress bar.

    Source: Bottou, Curtis and Nocedal 2018.
    """
    _require_count("epochs", epochs)
    order, dropping = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    history = History(starting_points(objective, optimizer, start), optimizer)
    state = optimizer.init(history.params)
    with np.errstate(all="ignore"):
        _look(history, objective, validation, metrics or {})
        try:
            for _ in _counted(epochs, progress):
                params = history.params
                for rows in minibatches(objective.examples, batch_size, order):
                    batch = objective.batch(rows, dropping)
                    value, gradient = batch.value_and_gradient(params)
                    rate = rate_at(history.optimizer.learning_rate, state.step)
                    norm = np.linalg.norm(gradient, axis=-1)
                    params, state = history.optimizer.update(gradient, state, params)
                    if not history.rates:
                        _require_a_row_a_run(history.params, params)
                    # All at the end: an interruption must not leave one curve longer than another.
                    history.params = params
                    history.batch_losses.append(value)
                    history.gradient_norms.append(norm)
                    history.rates.append(rate)
                _look(history, objective, validation, metrics or {})
                for callback in callbacks:
                    callback(history)
                if history.stopped:
                    break
        except KeyboardInterrupt:
            history.stopped = f"interrupted after {history.epochs} of {epochs} epochs"
    if history.best_params is not None:
        history.params = history.best_params
    return _as_arrays(history)


def _look(history, objective, validation, metrics) -> None:
    """Append the losses and metrics of the weights as they are."""
    looks = [(objective, history.losses, history.metrics)]
    if validation is not None:
        looks.append((validation, history.validation_losses, history.validation_metrics))
    # All values first: an interruption must not leave one curve longer than another.
    seen = [
        (loss.value(history.params), [metric(loss, history.params) for metric in metrics.values()])
        for loss, _, _ in looks
    ]
    for (_, losses, curves), (value, measured) in zip(looks, seen, strict=True):
        losses.append(value)
        for name, number in zip(metrics, measured, strict=True):
            curves.setdefault(name, []).append(number)


def _counted(epochs: int, progress: bool):
    if not progress:
        return range(epochs)
    from tqdm.auto import trange

    return trange(epochs, desc="epochs", leave=False)


def _as_arrays(history: History) -> History:
    curves = ("losses", "validation_losses", "batch_losses", "gradient_norms")
    for name in curves:
        setattr(history, name, np.array(getattr(history, name)))
    history.rates = np.array([np.squeeze(rate) for rate in history.rates])
    for metrics in (history.metrics, history.validation_metrics):
        metrics.update({name: np.array(values) for name, values in metrics.items()})
    return history


def accuracy(objective, params) -> np.ndarray:
    """Return the share of its examples that an objective's network classifies rightly.

    A metric for `train`.
    """
    return objective.network.accuracy(params, objective.inputs, objective.targets)


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for some epochs, and take the best weights.

    A callback for the training of one network with validation data. The best weights are taken
    also when training ends before the patience does.

    Args:
        patience: how many epochs without a new lowest loss to wait, at least 1.
        min_delta: how much lower a loss must be to count as new.

    Source: Prechelt 1998.
    """

    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self):
        """Refuse no patience and a negative difference."""
        _require_count("patience", self.patience)
        require_not_negative(self, "min_delta")

    def __call__(self, history: History) -> None:
        """Look at the newest validation loss, and stop or go on."""
        if np.shape(history.losses[0]) or not history.validation_losses:
            raise ValueError("EarlyStopping needs one network and validation data, see `train`")
        waited = epochs_without_improvement(history.validation_losses[1:], self.min_delta)
        if waited == 0 or history.best_params is None:
            history.best_params = history.params
        if waited >= self.patience:
            history.stopped = (
                f"no lower validation loss for {waited} epochs: the weights are those after "
                f"epoch {max(history.epochs - waited, 1)}"
            )


@dataclass(frozen=True)
class ReduceLROnPlateau:
    """Multiply the learning rate by a factor when the loss has not fallen for some epochs.

    A callback. It watches the validation loss or, without validation data, the training loss.

    Args:
        factor: between 0 and 1.
        patience: how many epochs without a new lowest loss to wait, at least 1.
        min_delta: how much lower a loss must be to count as new.
        cooldown: epochs after a reduction in which it does not count.
        min_lr: the rate is never lowered below it.

    Source: Keras's callback of this name.
    """

    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0

    def __post_init__(self):
        """Refuse a factor that does not reduce, no patience, and what is negative."""
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must lie between 0 and 1, got {self.factor}")
        _require_count("patience", self.patience)
        require_not_negative(self, "min_delta", "cooldown", "min_lr")

    def __call__(self, history: History) -> None:
        """Reduce the rate of the history's optimizer if it is time."""
        rate = history.optimizer.learning_rate
        if callable(rate) or np.shape(history.losses[0]):
            raise ValueError("ReduceLROnPlateau needs one network and a rate that is a number")
        losses = history.validation_losses or history.losses
        if rate > self.min_lr and self.reduces(losses[1:]):
            lower = max(rate * self.factor, self.min_lr)
            history.optimizer = replace(history.optimizer, learning_rate=lower)

    def reduces(self, losses: Sequence[float]) -> bool:
        """Say whether the rate is reduced after the last of these losses, one an epoch.

        >>> plateau = ReduceLROnPlateau(patience=2)
        >>> [plateau.reduces([3.0, 2.0, 2.0, 2.0][:n]) for n in range(1, 5)]
        [False, False, False, True]
        """
        best, waited, cooling, reduced = np.inf, 0, 0, False
        for loss in losses:
            reduced = False
            if cooling:
                cooling, waited = cooling - 1, 0
            if loss < best - self.min_delta:
                best, waited = loss, 0
            elif not cooling:
                waited += 1
                if waited >= self.patience:
                    cooling, waited, reduced = self.cooldown, 0, True
        return reduced


def epochs_without_improvement(losses: Sequence[float], min_delta: float = 0.0) -> int:
    """Return how many of the last losses were no new lowest one.

    >>> epochs_without_improvement([3.0, 1.0, 2.0, 1.5])
    2
    """
    best, waited = np.inf, 0
    for loss in losses:
        waited = 0 if loss < best - min_delta else waited + 1
        best = min(best, loss) if waited == 0 else best
    return waited


def minibatches(examples: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the row numbers of one epoch's batches: every example once, in random order.

    >>> [len(rows) for rows in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4, 2]
    """
    _require_count("batch_size", batch_size)
    order = rng.permutation(examples)
    for first in range(0, examples, batch_size):
        yield order[first : first + batch_size]


def starting_points(objective, optimizer, start) -> np.ndarray:
    """Return start as an array with one row a run, for starts and hyperparameters alike.

    >>> from course_utils.landscapes import saddle
    >>> from course_utils.optimizers import SGD
    >>> sweep = SGD(learning_rate=np.array([0.1, 0.2, 0.3]))
    >>> starting_points(saddle(), sweep, [1.0, 0.5]).shape
    (3, 2)
    """
    start = np.asarray(start, dtype=float)
    if start.shape[-1:] != (objective.size,):
        raise ValueError(f"start must end in an axis of {objective.size}, got shape {start.shape}")
    if not np.isfinite(start).all():
        raise ValueError(f"start must be finite, got {start}")
    runs = np.broadcast_shapes(start.shape[:-1], run_shape(optimizer))
    return np.broadcast_to(start, (*runs, objective.size)).copy()


def _kept(steps: int, every: int) -> np.ndarray:
    """Return after how many steps a point is kept: 0, every, 2 every, ..., and the last."""
    return np.append(np.arange(0, steps, every), steps)


def _require_a_row_a_run(start: np.ndarray, params: np.ndarray) -> None:
    """Refuse runs that came into being at the first step, from a schedule or a penalty."""
    if params.shape != start.shape:
        raise ValueError(
            f"start has shape {start.shape}, and the first step led to {params.shape}: "
            "give start one row a run"
        )


def _require_count(name: str, value: int) -> None:
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
