"""The figures that the questions on loss minimization show; no number that is asked for."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.figures import BLACK, GREY, PURPLE, RED, SKY, subplots
from course_utils.landscapes import himmelblau
from course_utils.lines import absolute_line, heights, huber_line, squares_line
from course_utils.quiz.drawings import figure

OUTLIER_DELTA = 6.0


ON_SCREEN = {"textcoords": "offset points", "fontweight": "bold"}


@figure("loss_three_fits")
def three_fits() -> Figure:
    """Lines through the same points, one of them an outlier: A by Huber, B by MSE, C by MAE."""
    x, y = points_with_outlier()
    fits = (
        ("A", huber_line(x, y, OUTLIER_DELTA), PURPLE, "solid"),
        ("B", squares_line(x, y), BLACK, "dashdot"),
        ("C", absolute_line(x, y), RED, (0, (6, 2))),
    )
    fig, ax = subplots()
    ax.plot(x, y, "o", color=GREY, label="data")
    ends = np.array([0.0, 13.0])
    for name, line, color, dash in fits:
        height = heights(line, ends)
        ax.plot(ends, height, color=color, linestyle=dash, label=f"line {name}")
        ax.annotate(name, (ends[1], height[1]), (5, -4), **ON_SCREEN)
    ax.set(xlabel="input $x$", ylabel="target $y$", xlim=(0, 13.6))
    ax.set_title("Three losses, the same twelve points")
    ax.legend(loc="upper left")
    return fig


@figure("loss_slice_chords")
def slice_chords() -> Figure:
    """A slice of a loss with two valleys, four points on it, and the chords between them."""
    landscape = himmelblau()
    start, end = np.array([3.0, 2.6]), np.array([-3.1, 2.4])

    def curve(t):
        return landscape.value(start + t[:, None] * (end - start))

    t = np.linspace(-0.22, 1.18, 400)
    marks = {
        "P": (-0.18, (8, 6)),
        "Q": (0.2, (2, -16)),
        "R": (0.74, (-8, -17)),
        "S": (1.14, (9, -9)),
    }
    fig, ax = subplots()
    ax.plot(t, curve(t), color=BLACK)
    for first, last in (("P", "Q"), ("Q", "R"), ("R", "S"), ("P", "S")):
        ends = np.array([marks[first][0], marks[last][0]])
        ax.plot(ends, curve(ends), color=SKY, linestyle="dashed")
    for name, (place, shift) in marks.items():
        height = curve(np.array([place]))[0]
        ax.plot(place, height, "o", color=BLACK, markersize=7)
        ax.annotate(name, (place, height), shift, **ON_SCREEN)
    ax.set(xlabel="place on the line through weight space", ylabel="loss")
    ax.set_title("The loss along one line, and four chords")
    return fig


def points_with_outlier() -> tuple[np.ndarray, np.ndarray]:
    """Return twelve points near a rising line, the last but one of them far below it."""
    scatter = [0.5, -0.6, 0.2, 0.7, -0.4, -0.3, 0.6, -0.7, 0.3, 0.4, -20.0, -0.2]
    x = np.arange(1.0, 13.0)
    return x, 2 + 1.5 * x + scatter
