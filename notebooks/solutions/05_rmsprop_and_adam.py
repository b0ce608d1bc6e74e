"""Solutions of the exercises of lesson 05, under the names of their stubs; nothing else."""

import numpy as np


def adagrad_step(w, accumulator, gradient, learning_rate, epsilon):
    """Return w and accumulator after one step of Adagrad."""
    accumulator = accumulator + gradient**2
    return w - learning_rate * gradient / np.sqrt(accumulator + epsilon), accumulator


def rmsprop_step(w, average, gradient, learning_rate, rho, epsilon):
    """Return w and average after one step of RMSprop."""
    average = rho * average + (1 - rho) * gradient**2
    return w - learning_rate * gradient / np.sqrt(average + epsilon), average


def adam_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon):
    """Return w, m, v and step after one step of Adam."""
    step = step + 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    w = w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return w, m, v, step


def clip_global_norm(gradients, limit):
    """Return the gradients, scaled so that their global norm is at most limit."""
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
    factor = limit / norm if norm > limit else 1.0
    return [factor * gradient for gradient in gradients]


def adamw_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon, weight_decay):
    """Return w, m, v and step after one step of AdamW: Adam with decoupled weight decay."""
    decay = learning_rate * weight_decay * w
    w, m, v, step = adam_step(w, m, v, step, gradient, learning_rate, beta1, beta2, epsilon)
    return w - decay, m, v, step
