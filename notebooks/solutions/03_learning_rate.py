"""Solutions of the exercises of lesson 03, under the names of their stubs; nothing else."""

import numpy as np


def largest_stable_rate(gradient, start, low, high):
    """Return, to 0.1 %, the largest stable learning rate between low and high."""

    def is_stable(learning_rate):
        w = start
        for _ in range(200):
            w = w - learning_rate * gradient(w)
        return np.linalg.norm(w) <= np.linalg.norm(start)

    while high > 1.001 * low:
        middle = np.sqrt(low * high)
        if is_stable(middle):
            low = middle
        else:
            high = middle
    return low


def cosine_with_warm_up(step, peak, warm_up_steps, total_steps):
    """Return the learning rate at this step: a linear warm-up, then half a cosine."""
    if step < warm_up_steps:
        return peak * step / warm_up_steps
    progress = (step - warm_up_steps) / (total_steps - warm_up_steps)
    return peak * 0.5 * (1 + np.cos(np.pi * min(progress, 1)))


def range_test(loss_and_gradient, w, low, high, steps):
    """Return the rates and the losses of a learning-rate range test, one of each per step."""
    rates = np.geomspace(low, high, steps)
    losses = []
    for rate in rates:
        loss, gradient = loss_and_gradient(w)
        losses.append(loss)
        w = w - rate * gradient
    return rates, np.array(losses)


def exponential_decay(step, initial_rate, decay_steps, decay_rate, staircase):
    """Return the learning rate at this step: decay_steps steps multiply it by decay_rate."""
    exponent = step / decay_steps
    if staircase:
        exponent = np.floor(exponent)
    return initial_rate * decay_rate**exponent


def power_iteration(multiply, vector, steps):
    """Return the eigenvalue of largest magnitude of a symmetric matrix H, with its sign."""
    for _ in range(steps):
        vector = multiply(vector)
        vector = vector / np.linalg.norm(vector)
    return vector @ multiply(vector)
