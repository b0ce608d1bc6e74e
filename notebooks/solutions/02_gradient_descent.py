"""Solutions of the exercises of lesson 02, under the names of their stubs; nothing else."""

import numpy as np


def gradient_step(w, gradient, learning_rate):
    """Return the point after one step of gradient descent."""
    return w - learning_rate * gradient


def numerical_gradient(f, w, h):
    """Return the gradient of f at w by central differences, one coordinate at a time."""
    gradient = np.zeros(len(w))
    for i in range(len(w)):
        step = np.zeros(len(w))
        step[i] = h
        gradient[i] = (f(w + step) - f(w - step)) / (2 * h)
    return gradient


def mse_gradient(w, X, y):
    """Return the gradient of mean((X w - y)^2) with respect to w."""
    residual = X @ w - y
    return 2 / len(y) * X.T @ residual


def minibatches(n, batch_size, rng):
    """Return one epoch: the indices 0 to n-1 in random order, cut into a list of batches."""
    order = rng.permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


def backprop(X, y, W1, b1, W2, b2):
    """Return dW1, db1, dW2, db2, the gradient of the mean cross-entropy."""
    n = len(y)
    a = X @ W1 + b1
    h = np.maximum(a, 0)
    logits = h @ W2 + b2

    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    one_hot = np.eye(len(b2))[y]
    dlogits = (probabilities - one_hot) / n

    dW2 = h.T @ dlogits
    db2 = dlogits.sum(axis=0)
    da = (dlogits @ W2.T) * (a > 0)
    dW1 = X.T @ da
    db1 = da.sum(axis=0)
    return dW1, db1, dW2, db2


def initial_weights(fan_in, fan_out, rng):
    """Return a matrix (fan_in, fan_out) drawn from He's normal distribution."""
    return rng.normal(0, np.sqrt(2 / fan_in), size=(fan_in, fan_out))
