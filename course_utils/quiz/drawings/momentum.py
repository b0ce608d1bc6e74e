"""The figures that the questions on momentum show; no number that is asked for."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.descent import minimize
from course_utils.figures import BLACK, BLUE, GREEN, ORANGE, RED, subplots
from course_utils.optimizers import SGD
from course_utils.quiz.drawings import figure
from course_utils.quiz.generators.momentum import parabola


@figure("mom_regime_map")
def regime_map() -> Figure:
    """The kinds of runs on a parabola: P is damped, Q swings, R diverges."""
    beta = np.linspace(0, 1, 201)
    fig, ax = subplots(size=(7.2, 4.0))
    ax.plot((1 - np.sqrt(beta)) ** 2, beta, color=BLUE, linestyle="solid")
    ax.plot((1 + np.sqrt(beta)) ** 2, beta, color=ORANGE, linestyle="dashed")
    ax.plot(2 * (1 + beta), beta, color=RED, linestyle="dotted")
    for name, place in (("P", (0.1, 0.2)), ("Q", (2.6, 0.8)), ("R", (3.4, 0.4))):
        ax.plot(*place, "o", color=BLACK, markersize=8)
        ax.annotate(name, place, (8, -4), textcoords="offset points")
    ax.set(xlim=(0, 4.2), ylim=(0, 1), xlabel=r"rate times curvature, $\eta\lambda$")
    ax.set(ylabel=r"momentum $\beta$", title="Pairs of rate and momentum on a parabola")
    return fig


@figure("mom_four_balls")
def four_balls() -> Figure:
    """Four runs on a parabola; from the smallest momentum to the largest: C, A, D, B."""
    fig, ax = subplots()
    for name, beta, color, dash in (
        ("A", 0.5, BLUE, "solid"),
        ("B", 0.97, RED, "dashdot"),
        ("C", 0.0, GREEN, "dotted"),
        ("D", 0.9, ORANGE, "dashed"),
    ):
        walked = minimize(parabola(), SGD(0.1, momentum=beta), [1.0], steps=60)
        ax.plot(walked.steps, walked.points[:, 0], color=color, ls=dash, label=f"run {name}")
    ax.set(xlabel="step", ylabel="weight $w$", title="Four runs that differ in their momentum only")
    ax.legend(ncols=4)
    return fig
