"""The figures that the questions on gradient descent show; no number that is asked for."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from course_utils.descent import train
from course_utils.figures import BLACK, BLUE, GREEN, ORANGE, losses, slope_curve, subplots
from course_utils.landscapes import double_well
from course_utils.losses import mean_squared_error
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.quiz.drawings import figure


@figure("gd_batch_size_curves")
def batch_size_curves() -> Figure:
    """Three runs of linear regression on 64 examples: batch sizes 64 (A), 1 (B) and 8 (C)."""
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(64, 4))
    targets = inputs @ rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(64, 1))
    objective = NetworkLoss(MLP((4, 1)), inputs, targets, mean_squared_error)
    fig, ax = subplots()
    for name, batch_size, color, dash in (
        ("A", 64, BLUE, "solid"),
        ("B", 1, ORANGE, "solid"),
        ("C", 8, GREEN, "dashed"),
    ):
        history = train(objective, SGD(0.05), np.zeros(objective.size), 30, batch_size)
        losses(ax, history.losses, f"run {name}", color, dash)
    ax.set(xlabel="epoch", ylabel="loss on all training data")
    ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_title("Three batch sizes, one learning rate")
    ax.legend()
    return fig


@figure("gd_double_well_start")
def double_well_start() -> Figure:
    """A tilted double well, with a start on the slope of its shallower well."""
    tilt = 0.15
    well = double_well(tilt)
    stationary = np.sort(np.roots([1.0, 0.0, -1.0, tilt]).real)
    fig, ax = subplots()
    slope_curve(ax, well)
    ax.plot(0.4, well.value(np.array([0.4])), "o", color=BLACK, markersize=9)
    marks = (("P", stationary[0], -20), ("Q", stationary[1], 10), ("R", stationary[2], -20))
    for name, w, lift in (*marks, ("start", 0.4, 10)):
        height = well.value(np.array([w]))
        ax.annotate(name, (w, height), (0, lift), textcoords="offset points", ha="left")
    ax.set_ylim(-0.6, 1.0)
    ax.set_title("Where does descent end?")
    return fig
