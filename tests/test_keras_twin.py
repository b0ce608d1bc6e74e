import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from course_utils.descent import minimize
from course_utils.keras_twin import (
    follow_gradients,
    keras_minimize,
    keras_network,
    keras_optimizer,
    keras_schedule,
)
from course_utils.landscapes import bowl
from course_utils.networks import MLP
from course_utils.optimizers import SGD, Adam
from course_utils.schedules import Constant, CosineDecay, LinearWarmup


def test_importing_keras_writes_nothing_whatever_backend_is_chosen_elsewhere(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
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


@pytest.mark.parametrize(
    "schedule",
    [LinearWarmup(Constant(0.25), 2), CosineDecay(0.0, 10, warmup_target=0.25, warmup_steps=2)],
)
def test_a_schedule_may_start_at_zero(schedule):
    ours, theirs = (run(bowl(), SGD(schedule), [1.0, 1.0], 5) for run in (minimize, keras_minimize))
    assert ours.points[1].tolist() == [1, 1]
    np.testing.assert_allclose(ours.points, theirs.points, rtol=1e-6)


@dataclass(frozen=True)
class Homemade:
    learning_rate: float = 0.1


@pytest.mark.parametrize(
    ("make", "kind"), [(keras_optimizer, "optimizer"), (keras_schedule, "schedule")]
)
def test_what_keras_lacks_is_named(make, kind):
    with pytest.raises(ValueError, match=f"Keras has no {kind} named Homemade"):
        make(Homemade())
