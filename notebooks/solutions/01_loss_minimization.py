"""Solutions of the exercises of lesson 01, under the names of their stubs; nothing else."""

import numpy as np


def mean_squared_error(predictions, targets):
    """Return the mean squared error and its gradient at the predictions."""
    error = predictions - targets
    return np.mean(error**2), 2 * error / len(error)


def softmax_cross_entropy(logits, labels):
    """Return the mean cross-entropy of the softmax of the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return np.mean(np.log(np.exp(shifted).sum(axis=1)) - right)


def best_cosine(gradient, directions):
    """Return the largest cosine between -gradient and a row of directions."""
    lengths = np.linalg.norm(directions, axis=1) * np.linalg.norm(gradient)
    return np.max(directions @ -gradient / lengths)


def huber(error, delta):
    """Return the Huber loss of each error, and its slope there."""
    inside = np.abs(error) <= delta
    value = np.where(inside, error**2 / 2, delta * np.abs(error) - delta**2 / 2)
    slope = np.where(inside, error, delta * np.sign(error))
    return value, slope


def penalised_gradient(x, gradient, A, b, strength):
    """Return the gradient of f(x) + strength * sum(max(0, A x - b)^2)."""
    violation = np.maximum(0, A @ x - b)
    return gradient + 2 * strength * A.T @ violation
