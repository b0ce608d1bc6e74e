import numpy as np
import pytest

from course_utils.explorers import start_here


@pytest.fixture
def neuron():
    return start_here.neuron()


def set_to(explorer, weight, bias, activation="tanh"):
    for control, value in zip(explorer.controls, (weight, bias, activation), strict=True):
        control.value = value


@pytest.mark.parametrize(
    ("activation", "bend"),
    [
        ("tanh", np.tanh),
        ("relu", lambda z: np.where(z > 0, z, 0)),
        ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
        ("linear", lambda z: z),
    ],
)
def test_the_output_is_the_activation_of_the_line(neuron, activation, bend):
    set_to(neuron, -2.0, 0.5, activation)
    line, output = neuron.stage.layers["sum"], neuron.stage.layers["output"]
    np.testing.assert_allclose(line.y, -2.0 * line.x + 0.5)
    np.testing.assert_allclose(output.y, bend(-2.0 * output.x + 0.5))


def test_the_activations_are_those_of_the_networks(neuron):
    assert list(neuron.controls[2].options) == ["relu", "tanh", "sigmoid", "linear"]


def test_the_reading_gives_input_weighted_sum_and_output(neuron):
    assert neuron.stage.reading.startswith("Input 1.20, weighted sum 1.20, output 0.83.")


def test_dragging_the_input_moves_both_marks(neuron):
    set_to(neuron, 2.0, 1.0)
    neuron.stage.layers["input"].on_drag(-1.0, 0.0)
    layers = neuron.stage.layers
    assert (layers["input"].x, layers["input"].y) == (-1.0, 0.0)
    assert layers["sum here"].x.tolist() == layers["output here"].x.tolist() == [-1.0, -1.0]
    assert layers["sum here"].y[-1] == -1.0
    assert layers["output here"].y[-1] == pytest.approx(np.tanh(-1.0))
    assert neuron.stage.reading.startswith("Input −1.00, weighted sum −1.00, output −0.76.")


def test_the_reading_says_where_the_weighted_sum_is_zero(neuron):
    set_to(neuron, 2.0, 1.0)
    assert neuron.stage.reading.endswith("The weighted sum is zero at the input −0.50.")


@pytest.mark.parametrize("weight", [0.0, 4e-16])
def test_a_neuron_without_weight_ignores_its_input(neuron, weight):
    set_to(neuron, weight, 1.0)
    assert np.ptp(neuron.stage.layers["output"].y) < 1e-12
    assert neuron.stage.reading.endswith("the output is the same for every input.")
