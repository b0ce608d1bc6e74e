r"""The losses of a network's outputs: each returns its value and its gradient at the outputs.

Every loss takes outputs of shape (..., examples, units) and the targets of these examples, and
returns the mean, of shape (...), and its gradient, of the shape of the outputs. A classifier's
outputs are logits: the softmax or sigmoid is part of the loss, where it can be made stable.
"""

import numpy as np


def mean_squared_error(outputs: np.ndarray, targets: np.ndarray):
    r"""Return the mean of :math:`(\hat y - y)^2` over examples and units, and its gradient.

    >>> mean_squared_error(np.array([[3.0]]), np.array([[1.0]]))
    (np.float64(4.0), array([[4.]]))
    """
    error = _error(outputs, targets)
    return _mean(error * error), 2 * error / targets.size


def mean_absolute_error(outputs: np.ndarray, targets: np.ndarray):
    r"""Return the mean of :math:`|\hat y - y|` and its gradient, the sign of the error.

    >>> mean_absolute_error(np.array([[3.0]]), np.array([[1.0]]))
    (np.float64(2.0), array([[1.]]))
    """
    error = _error(outputs, targets)
    return _mean(np.abs(error)), np.sign(error) / targets.size


def huber(outputs: np.ndarray, targets: np.ndarray, delta: float = 1.0):
    r"""Return the mean Huber loss: a parabola for errors up to δ, straight lines beyond.

    .. math::
        \tfrac12 e^2 \text{ where } |e| \le \delta, \text{ else } \delta |e| - \tfrac12 \delta^2

    Another δ: ``functools.partial(huber, delta=0.5)``.

    >>> huber(np.array([[3.0]]), np.array([[1.0]]))
    (np.float64(1.5), array([[1.]]))

    Source: Huber 1964.
    """
    if not delta > 0:
        raise ValueError(f"delta must be positive, got {delta}")
    error = _error(outputs, targets)
    clipped = np.clip(error, -delta, delta)
    return _mean(clipped * (error - 0.5 * clipped)), clipped / targets.size


def binary_cross_entropy(logits: np.ndarray, targets: np.ndarray):
    r"""Return the mean of :math:`-y \log p - (1-y) \log(1-p)` with :math:`p = 1/(1+e^{-z})`.

    Computed as :math:`\max(z, 0) - yz + \log(1 + e^{-|z|})`, which no logit makes overflow. The
    gradient at a logit is :math:`p - y`.

    >>> binary_cross_entropy(np.array([[0.0]]), np.array([[1.0]]))
    (np.float64(0.6931471805599453), array([[-0.5]]))
    """
    _require_same_shape(logits, targets)
    if np.any((targets < 0) | (targets > 1)):
        raise ValueError(f"targets must lie from 0 to 1, got {targets.min()} to {targets.max()}")
    small = np.exp(-np.abs(logits))
    value = np.maximum(logits, 0) - logits * targets + np.log1p(small)
    probability = np.where(logits >= 0, 1.0, small) / (1 + small)
    return _mean(value), (probability - targets) / targets.size


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray):
    r"""Return the mean of :math:`-\sum_k y_k \log p_k` with :math:`p = \mathrm{softmax}(z)`.

    The largest logit is subtracted first, so that no exponential overflows. The gradient of one
    example is :math:`p - y`.

    Args:
        logits: shape (..., examples, classes).
        labels: integers, shape (examples,), or one row of probabilities y for each example, shape
            (examples, classes), for example one-hot.

    >>> value, gradient = softmax_cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    >>> gradient
    array([[ 0.5, -0.5]])
    """
    examples, classes = logits.shape[-2:]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    probabilities = np.exp(shifted)
    totals = probabilities.sum(axis=-1, keepdims=True)
    probabilities /= totals
    if labels.ndim == 1:
        _require_labels(labels, examples, classes)
        chosen = shifted[..., np.arange(examples), labels] - np.log(totals[..., 0])
        probabilities[..., np.arange(examples), labels] -= 1
    else:
        _require_same_shape(logits, labels)
        # Classes with y = 0 are left out: their logit may be so low that 0 · log p has no value.
        chosen = np.where(labels > 0, labels * (shifted - np.log(totals)), 0).sum(axis=-1)
        probabilities -= labels
    probabilities /= examples
    return -chosen.sum(axis=-1) / examples, probabilities


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return a row for each label with a 1 at its place.

    >>> one_hot(np.array([2, 0]), classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    _require_labels(labels, len(labels), classes)
    return np.eye(classes)[labels]


def _require_labels(labels: np.ndarray, examples: int, classes: int) -> None:
    if labels.dtype.kind not in "iu" or labels.shape != (examples,):
        raise ValueError(
            f"labels must be {examples} integers, got {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must lie from 0 to {classes - 1}, got {labels.min()} to {labels.max()}"
        )


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=(-2, -1))


def _error(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    _require_same_shape(outputs, targets)
    return outputs - targets


def _require_same_shape(outputs: np.ndarray, targets: np.ndarray) -> None:
    if targets.shape != outputs.shape[-2:]:
        raise ValueError(f"targets must have shape {outputs.shape[-2:]}, got {targets.shape}")
