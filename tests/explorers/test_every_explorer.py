import math
from functools import partial

import pytest

from tests.explorers.every import corners, every_explorer, is_slider, menus, picture, settings

EXPLORERS = every_explorer()


@pytest.fixture(params=EXPLORERS)
def explorer(request):
    return EXPLORERS[request.param]()


def assert_drawn(explorer):
    reading = explorer.stage.reading
    assert reading.endswith((".", "?")), reading
    assert "could not be drawn" not in reading
    assert "nan" not in reading.split(), reading
    assert explorer.stage.layers


def test_every_setting_of_every_control_is_drawn(explorer):
    defaults = [control.value for control in explorer.controls]
    for menu in menus(explorer):
        for control in explorer.controls:
            for value in [control.value] if control in menu else settings(control):
                for other, default in zip(explorer.controls, defaults, strict=True):
                    other.value = menu.get(other, default)
                control.value = menu.get(control, value)
                assert_drawn(explorer)


def test_all_sliders_at_their_ends_together_are_drawn(explorer):
    for menu in menus(explorer):
        for end in (0, -1):
            for control in explorer.controls:
                control.value = menu.get(control, settings(control)[end])
            assert_drawn(explorer)


def test_every_slider_starts_on_one_of_its_steps(explorer):
    # Elsewhere the browser moves it to the nearest step, and the picture is not the stored one.
    for slider in filter(is_slider, explorer.controls):
        base = getattr(slider, "base", None)
        value = math.log(slider.value, base) if base else slider.value
        steps = (value - slider.min) / slider.step
        assert steps == pytest.approx(round(steps), abs=1e-6), slider.description


def test_every_control_changes_the_picture(explorer):
    for control in explorer.controls:
        pictures = set()
        for menu in menus(explorer, but=control):
            for other, value in menu.items():
                other.value = value
            before = control.value
            for value in settings(control):
                control.value = value
                pictures.add((tuple(menu.values()), picture(explorer)))
            control.value = before
        shown = {seen for _, seen in pictures}
        assert len(shown) >= len(settings(control)), control.description


def test_every_handle_can_be_dragged_to_the_corners_of_its_axes(explorer):
    for menu in menus(explorer):
        for control, value in menu.items():
            control.value = value
        handles = [key for key, layer in explorer.stage.layers.items() if layer.kind == "handle"]
        for key in handles:
            pictures = set()
            for x, y in corners(explorer.stage.layers[key]):
                explorer.stage.attempt(partial(explorer.stage.layers[key].on_drag, x, y))
                assert_drawn(explorer)
                pictures.add(picture(explorer)[:2])
            assert len(pictures) > 1, key


def test_the_static_picture_is_drawn_at_the_ends_of_all_sliders(explorer):
    pictures = set()
    sliders = [control for control in explorer.controls if is_slider(control)]
    for end in (0, -1):
        for control in sliders:
            control.value = settings(control)[end]
        pictures.add(explorer.stage.to_png())
    assert len(pictures) == (2 if sliders else 1)


def test_explorers_are_found():
    assert {"gradient_descent.slope", "gradient_descent.basins"} <= EXPLORERS.keys()
