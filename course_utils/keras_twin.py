"""The same optimizers, networks and runs, by Keras: the only module that imports TensorFlow.

``from course_utils.keras_twin import keras`` gives Keras without TensorFlow's start-up log.
"""

import os
import sys
import warnings
from contextlib import contextmanager
from dataclasses import fields, replace

import numpy as np

from course_utils import descent, networks


@contextmanager
def _quiet_start():
    """Send file descriptor 2 to nowhere: TensorFlow's C++ log does not pass through sys.stderr."""
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A reader may have chosen another backend for other work, and the course does not install it.
os.environ["KERAS_BACKEND"] = "tensorflow"
with _quiet_start():
    import keras
    import tensorflow as tf

    tf.zeros(1)  # the first operation looks for a GPU, and logs


def keras_optimizer(optimizer) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer of the same name with the same hyperparameters and schedule.

    >>> from course_utils.optimizers import SGD
    >>> float(keras_optimizer(SGD(learning_rate=0.5, momentum=0.25)).momentum)
    0.25
    """
    hyperparameters = {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in _settings(optimizer).items()
    }
    if callable(optimizer.learning_rate):
        hyperparameters["learning_rate"] = keras_schedule(optimizer.learning_rate)
    return _twin_class(keras.optimizers, "optimizer", optimizer)(**hyperparameters)


def keras_schedule(schedule) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return Keras's schedule of the same name with the same settings.

    >>> from course_utils.schedules import ExponentialDecay
    >>> round(float(keras_schedule(ExponentialDecay(0.5, 10, 0.5))(20)), 6)
    0.125
    """
    return _twin_class(keras.optimizers.schedules, "schedule", schedule)(**_settings(schedule))


def _twin_class(module, kind: str, ours) -> type:
    name = type(ours).__name__
    if not hasattr(module, name):
        raise ValueError(f"Keras has no {kind} named {name}")
    return getattr(module, name)


def _settings(dataclass_object) -> dict:
    return {field.name: getattr(dataclass_object, field.name) for field in fields(dataclass_object)}


def follow_gradients(optimizer, gradients, start) -> np.ndarray:
    """Feed Keras's twin of an optimizer a fixed stream of gradients.

    Args:
        optimizer: one of ours.
        gradients: shape (steps, n).
        start: shape (n,).

    Returns:
        The points in float64, start included, shape (steps + 1, n).
    """
    return _walk(optimizer, start, len(gradients), lambda step, point: gradients[step])


def keras_minimize(objective, optimizer, start, steps: int) -> descent.Path:
    """Do what `descent.minimize` does, with Keras's twin taking the steps in float64."""
    points = _walk(optimizer, start, steps, lambda step, point: objective.gradient(point))
    return descent.Path(points, objective.value(points), np.arange(steps + 1))


def _walk(optimizer, start, steps, gradient_at) -> np.ndarray:
    scheduled = callable(optimizer.learning_rate)
    # A schedule's rate is set before each step; its first may be 0, which an optimizer refuses.
    first = 1.0 if scheduled else optimizer.learning_rate
    twin = keras_optimizer(replace(optimizer, learning_rate=first))
    variable = keras.Variable(np.asarray(start, dtype="float64"), dtype="float64")
    points = [variable.numpy()]
    for step in range(steps):
        if scheduled:
            twin.learning_rate = optimizer.learning_rate(step)
        twin.apply([tf.constant(gradient_at(step, points[-1]), "float64")], [variable])
        points.append(variable.numpy())
    return np.array(points)


def keras_network(network: networks.MLP, params, dtype: str = "float32") -> keras.Sequential:
    """Return the same network with the same weights as a Keras model.

    >>> model = keras_network(networks.MLP((4, 3, 2)), np.zeros(23))
    >>> [layer.units for layer in model.layers]
    [3, 2]
    """
    *hidden, outputs = network.layers[1:]
    model = keras.Sequential([keras.Input((network.layers[0],), dtype=dtype)])
    for units in hidden:
        model.add(keras.layers.Dense(units, activation=network.activation, dtype=dtype))
    model.add(keras.layers.Dense(outputs, dtype=dtype))
    model.set_weights(network.views(np.asarray(params)))
    return model
