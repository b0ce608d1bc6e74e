"""Every explorer can be read without seeing red from green, and its lines stand out from white."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_utils import figures
from tests.explorers.every import every_explorer, settings

EXPLORERS = every_explorer()
# Machado, Oliveira and Fernandes 2009, severity 1: what linear RGB becomes.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)
XYZ_OF_SRGB = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1, 1.08883])
APART = 10  # as CIE76 measures; 2.3 is just noticeable
OPTIMIZERS = [color for color, _ in figures.OPTIMIZER_STYLES.values()]


def linear(color):
    shares = np.array(to_rgb(color))
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def lab(color):
    """A colour as it looks with deuteranopia, in CIELAB."""
    seen = np.clip(DEUTERANOPIA @ linear(color), 0, 1)
    x, y, z = np.cbrt(XYZ_OF_SRGB @ seen / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one, other):
    return np.linalg.norm(lab(one) - lab(other)) > APART


def contrast_with_white(color):
    return 1.05 / (XYZ_OF_SRGB[1] @ linear(color) + 0.05)


@pytest.fixture(scope="module", params=EXPLORERS)
def pictures(request):
    """The layers of one explorer, as it opens and for each choice of each menu."""
    explorer = EXPLORERS[request.param]()
    seen = [list(explorer.stage.layers.values())]
    for menu in (control for control in explorer.controls if hasattr(control, "options")):
        opened = menu.value
        for value in settings(menu):
            menu.value = value
            seen.append(list(explorer.stage.layers.values()))
        menu.value = opened
    return seen


def test_the_colours_of_any_two_optimizers_stay_apart_with_deuteranopia():
    for one, other in combinations(OPTIMIZERS, 2):
        assert apart(one, other), (one, other)


def test_two_lines_with_names_differ_in_more_than_red_and_green(pictures):
    for layers in pictures:
        lines = [layer for layer in layers if layer.kind == "curve" and layer.label]
        for one, other in combinations(lines, 2):
            same_look = (one.dash, one.marker, one.width) == (other.dash, other.marker, other.width)
            if one.color != other.color:
                assert apart(one.color, other.color) or not same_look, (one.label, other.label)


def test_groups_of_dots_differ_in_more_than_red_and_green(pictures):
    for layers in pictures:
        for dots in (layer for layer in layers if layer.kind == "dots"):
            for one, other in combinations(dict.fromkeys(dots.colors), 2):
                assert apart(one, other), (one, other)


def test_lines_and_words_stand_out_from_the_white_card(pictures):
    for layers in pictures:
        for layer in layers:
            if layer.kind == "curve" and layer.label:
                assert contrast_with_white(layer.color) >= 3, layer.label
            if layer.kind == "text":
                assert contrast_with_white(layer.color) >= 4.5, layer.text
