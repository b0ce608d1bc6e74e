import numpy as np
import pytest

from course_utils import figures, landscapes
from course_utils.descent import minimize
from course_utils.optimizers import SGD


@pytest.fixture
def ax():
    return figures.subplots()[1]


def test_show_displays_the_picture_and_then_its_caption(ax, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda bundle, **_: shown.append(bundle))
    assert figures.show(ax.figure, "A line falls.") is None
    picture, caption = shown
    assert picture["image/png"].startswith(b"\x89PNG")
    assert caption["text/markdown"] == "*A line falls.*"
    assert picture["text/plain"] == caption["text/plain"] == "A line falls."


def test_show_refuses_an_empty_caption(ax):
    with pytest.raises(ValueError, match="caption must say in words what the figure shows"):
        figures.show(ax.figure, " ")


def test_contours_mark_every_minimum_and_name_the_axes(ax):
    himmelblau = landscapes.himmelblau()
    assert figures.contours(ax, himmelblau) is ax
    stars = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "*"]
    np.testing.assert_allclose(stars, himmelblau.minima)
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_a_path_is_drawn_through_its_points(ax):
    walked = minimize(landscapes.bowl(), SGD(0.05), [2.0, 1.0], 5)
    assert figures.path(ax, walked) is ax
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), walked.points)


def test_a_path_of_one_weight_lies_on_the_curve(ax):
    walked = minimize(landscapes.double_well(), SGD(0.05), [0.5], 5)
    figures.path(figures.slope_curve(ax, landscapes.double_well()), walked)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), walked.values)


def test_losses_are_drawn_on_a_logarithmic_scale(ax):
    assert figures.losses(ax, [3.0, 2.0, 1.0]) is ax
    assert ax.get_yscale() == "log"


def test_weights_are_drawn_as_images():
    axes = figures.subplots(columns=2)[1]
    weights = np.arange(8.0).reshape(4, 2)
    figures.weight_images(axes, weights, shape=(2, 2))
    np.testing.assert_array_equal(axes[1].images[0].get_array(), [[1, 3], [5, 7]])


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [style[0] for style in figures.OPTIMIZER_STYLES.values()])
def test_lines_stand_out_from_white(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3


def test_no_two_optimizers_share_colour_and_dash():
    assert len(set(figures.OPTIMIZER_STYLES.values())) == len(figures.OPTIMIZER_STYLES)
