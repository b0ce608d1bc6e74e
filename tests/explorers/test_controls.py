"""The controls hold the value they were given and change it as an explorer expects."""

import ipywidgets
import pytest
from matplotlib.figure import Figure

from course_utils.explorers.controls import again_button, choice, log_slider, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage


def test_a_slider_of_whole_numbers_gives_whole_numbers():
    steps = slider("Steps", 20, 1, 100, 1)
    assert isinstance(steps.value, int)
    assert (steps.min, steps.max, steps.step, steps.readout_format) == (1, 100, 1, "d")


def test_a_slider_of_fractions_shows_three_significant_figures():
    momentum = slider("Momentum", 0.9, 0, 0.99, 0.01)
    assert isinstance(momentum.value, float)
    assert (momentum.min, momentum.max, momentum.step) == (0, 0.99, 0.01)
    assert momentum.readout_format == ".3g"


def test_a_log_slider_goes_over_powers_of_ten():
    rate = log_slider("Learning rate", 0.01, -4, 0, 0.1)
    assert (rate.value, rate.base, rate.min, rate.max, rate.step) == (0.01, 10, -4, 0, 0.1)
    assert rate.readout_format == ".3g"


def test_a_choice_gives_the_value_behind_its_label():
    size = choice("Batch size", [("one", 1), ("all", 442)], 442)
    assert (size.value, size.label) == (442, "all")
    size.label = "one"
    assert size.value == 1


@pytest.mark.parametrize(
    "control",
    [
        slider("Rate", 0.1, 0, 1, 0.1),
        slider("Steps", 1, 0, 9, 1),
        log_slider("Rate", 0.1, -3, 0),
        choice("Kind", ["a", "b"], "a"),
    ],
)
def test_a_description_has_the_room_it_needs(control):
    assert control.style.description_width == "initial"
    assert control.layout.max_width == "34em"


def test_every_press_of_the_again_button_draws_again():
    stage = Stage(Figure(), name="A picture")
    again = again_button("Another start")
    presses = []
    Explorer(stage, [again], lambda: presses.append(again.value))
    again.click()
    again.click()
    assert isinstance(again, ipywidgets.Button)
    assert presses == [0, 1, 2]


def test_each_press_of_a_button_is_taken_once():
    again = again_button("Run")
    assert not again.take_press()
    again.click()
    assert again.take_press()
    assert not again.take_press()


def test_a_count_that_is_set_back_is_no_press():
    again = again_button("Run")
    again.click()
    again.take_press()
    for value in (0, 1):
        again.value = value
        assert not again.take_press()
    again.click()
    assert again.take_press()
