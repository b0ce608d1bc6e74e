"""The speed of the engine beside Keras, measured side by side in one run; prints a table.

    python tests/benchmarks/engine.py

Each row is the median of five measurements of both sides, taken in turns. Where the other side
would take minutes, it is measured on fewer runs or points and scaled up, and the row says so.
"""

import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

from course_utils import curvature
from course_utils.datasets import digits
from course_utils.descent import minimize, train
from course_utils.keras_twin import keras, keras_network, keras_optimizer, tf
from course_utils.landscapes import rosenbrock
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import Adam

ROUNDS = 5
START = np.array([-1.0, 2.0])
DATA = digits()
NETWORK = MLP((64, 32, 10))
LOSS = NetworkLoss(NETWORK, DATA.train_inputs, DATA.train_targets)
INITIAL = NETWORK.initial(seed=0)
EPOCHS = 10  # of 20 batches of 64: 200 steps
BATCHES = NetworkLoss(NETWORK, DATA.train_inputs[:1280], DATA.train_targets[:1280])


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def keras_loop(steps=1000):
    """A Keras optimizer on Rosenbrock's function, eagerly, as a lesson on Keras would write it."""
    point = keras.Variable(START, dtype="float64")
    optimizer = keras_optimizer(Adam(0.01))
    for _ in range(steps):
        with tf.GradientTape() as tape:
            x, y = point[0], point[1]
            value = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        optimizer.apply([tape.gradient(value, point.value)], [point])


def compiled_model():
    model = keras_network(NETWORK, INITIAL)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_optimizer(Adam(0.001)), loss)
    return model


def fit(model):
    model.fit(BATCHES.inputs, BATCHES.targets, batch_size=64, epochs=EPOCHS, verbose=0)


def one_run(rate=0.01, start=START):
    minimize(rosenbrock(), Adam(rate), start, 1000)


def compare_single_run():
    return seconds(one_run), seconds(keras_loop)


def compare_sweep():
    rates = np.geomspace(1e-4, 1, 256)
    return seconds(lambda: one_run(rates)), seconds(lambda: [one_run(rate) for rate in rates])


def compare_starts():
    starts = np.random.default_rng(0).uniform(-2, 2, (10_000, 2))
    together = seconds(lambda: minimize(rosenbrock(), Adam(0.01), starts, 1000, every=50))
    return together, 200 * seconds(lambda: [one_run(start=start) for start in starts[:50]])


def compare_training():
    model = compiled_model()
    fit(model)  # traces the graph, which is not what is compared
    ours = seconds(lambda: train(BATCHES, Adam(0.001), INITIAL, EPOCHS, 64))
    return ours, seconds(lambda: fit(model))


def compare_training_sweep():
    model = compiled_model()
    fit(model)
    rates = np.geomspace(1e-4, 1e-1, 64)
    ours = seconds(lambda: train(BATCHES, Adam(rates), INITIAL, EPOCHS, 64))
    return ours, 64 * seconds(lambda: fit(model))


def compare_plane():
    objective = NetworkLoss(NETWORK, DATA.train_inputs[:1000], DATA.train_targets[:1000])
    across, up = (
        curvature.filter_normalised_direction(NETWORK, INITIAL, seed=seed) for seed in (1, 2)
    )
    plane = curvature.loss_plane(objective, INITIAL, across, up)
    axis = np.linspace(-1, 1, 150)
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    model = compiled_model()

    def keras_points(count=150):
        for point in points.reshape(-1, 2)[:count]:
            model.set_weights(NETWORK.views(INITIAL + point @ np.stack([across, up])))
            model.test_on_batch(objective.inputs, objective.targets)

    keras_points(2)
    return seconds(lambda: plane.value(points)), 150 * seconds(keras_points)


def import_seconds():
    """The time of `import course_utils`, and the same in a Python that imports nothing."""
    bare, ours = (
        seconds(lambda code=code: subprocess.run([sys.executable, "-c", code], check=True))
        for code in ("pass", "import course_utils")
    )
    return ours - bare


ROWS = [
    ("1,000 Adam steps on Rosenbrock", "Keras eager loop", 200, compare_single_run),
    ("the same for 256 rates at once", "our own runs one by one", 60, compare_sweep),
    ("the same from 10,000 starts", "our own runs, 50 scaled up", 400, compare_starts),
    ("64-32-10 network, 200 Adam steps of 64", "Keras fit", 25, compare_training),
    ("64 such networks at 64 rates", "64 Keras fits, 1 scaled up", 50, compare_training_sweep),
    ("150 × 150 plane over 1,000 images", "Keras loop, 150 points scaled up", 20, compare_plane),
]


def main():
    print(f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, Python", end=" ")
    print(f"{platform.python_version()}, NumPy {np.__version__}, TensorFlow {tf.__version__}\n")
    print("| work | against | ours | theirs | times faster | aim |")
    print("| --- | --- | --- | --- | --- | --- |")
    for work, against, aim, compare in ROWS:
        pairs = [compare() for _ in range(ROUNDS)]
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(their / our for our, their in pairs)
        print(f"| {work} | {against} | {ours:.3g} s | {theirs:.3g} s | {ratio:.0f} | {aim} |")
    imports = statistics.median(import_seconds() for _ in range(ROUNDS))
    print(f"| `import course_utils` | bare Python | {imports:.3f} s | – | – | 0.3 s |")


if __name__ == "__main__":
    main()
