"""Solutions of the exercises of lesson 04, under the names of their stubs; nothing else."""

import numpy as np


def momentum_step(w, velocity, gradient, learning_rate, beta):
    """Return w and velocity after one step of momentum, as Keras has it."""
    velocity = beta * velocity - learning_rate * gradient
    return w + velocity, velocity


def nesterov_step(w, velocity, gradient_at, learning_rate, beta):
    """Return w and velocity after one step of Nesterov's momentum."""
    look_ahead = w + beta * velocity
    velocity = beta * velocity - learning_rate * gradient_at(look_ahead)
    return w + velocity, velocity


def best_pair(smallest, largest):
    """Return the learning rate and the beta with which momentum is fastest on a quadratic."""
    learning_rate = (2 / (np.sqrt(largest) + np.sqrt(smallest))) ** 2
    root = np.sqrt(largest / smallest)
    beta = ((root - 1) / (root + 1)) ** 2
    return learning_rate, beta


def convert(velocity, learning_rate, beta):
    """Return pytorch_buffer, pytorch_rate, average, average_rate for Keras's momentum."""
    pytorch_buffer = -velocity / learning_rate
    pytorch_rate = learning_rate
    average = (1 - beta) * pytorch_buffer
    average_rate = learning_rate / (1 - beta)
    return pytorch_buffer, pytorch_rate, average, average_rate
