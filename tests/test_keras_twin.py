import subprocess
import sys

import numpy as np

from course_utils.keras_twin import follow_gradients, keras_network, keras_optimizer
from course_utils.networks import MLP
from course_utils.optimizers import SGD, Adam


def test_importing_keras_writes_nothing():
    code = "import course_utils.keras_twin as twin; twin.keras.Sequential([twin.keras.Input((2,))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


def test_the_twin_network_computes_the_same_outputs(rng):
    network = MLP((4, 5, 3), "tanh")
    params, inputs = rng.normal(size=network.size), rng.normal(size=(7, 4))
    model = keras_network(network, params, dtype="float64")
    np.testing.assert_allclose(model(inputs).numpy(), network.predict(params, inputs), rtol=1e-12)


def test_hyperparameters_reach_keras():
    twin = keras_optimizer(SGD(0.25, momentum=0.5, nesterov=True)).get_config()
    assert (twin["learning_rate"], twin["momentum"], twin["nesterov"]) == (0.25, 0.5, True)
    assert keras_optimizer(Adam(beta_2=0.5)).get_config()["beta_2"] == 0.5


def test_a_schedule_moves_on_with_the_steps():
    points = follow_gradients(SGD(lambda step: 2.0**-step), np.ones((3, 1)), [0.0])
    assert points[:, 0].tolist() == [0, -1, -1.5, -1.75]


def test_a_whole_number_is_taken_for_a_hyperparameter():
    assert keras_optimizer(SGD(1, momentum=0)).get_config()["momentum"] == 0
