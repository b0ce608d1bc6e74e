"""The figures that the questions on the learning rate show; no number that is asked for."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from course_utils.datasets import digits
from course_utils.descent import train
from course_utils.figures import BLACK, BLUE, GREEN, GREY, ORANGE, RED, losses, subplots
from course_utils.losses import mean_squared_error
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.quiz.drawings import figure
from course_utils.schedules import ExponentialDecay


@figure("rate_four_runs")
def four_runs() -> Figure:
    """Four runs of linear regression; from the smallest rate to the largest: C, A, D, B."""
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(64, 4))
    targets = inputs @ rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(64, 1))
    objective = NetworkLoss(MLP((4, 1)), inputs, targets, mean_squared_error)
    fig, ax = subplots()
    for name, rate, color, dash in (
        ("A", 0.05, BLUE, "solid"),
        ("B", 0.6, RED, "dashdot"),
        ("C", 0.001, GREEN, "dotted"),
        ("D", 0.35, ORANGE, "dashed"),
    ):
        history = train(objective, SGD(rate), np.zeros(objective.size), epochs=25, batch_size=4)
        losses(ax, history.losses, f"run {name}", color, dash)
    ax.set(xlabel="epoch", ylabel="loss on all training data", ylim=(0.1, 200))
    ax.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_title("Four runs that differ in their learning rate only")
    ax.legend()
    return fig


@figure("rate_range_test")
def range_test() -> Figure:
    """A range test of the digits network, with four rates marked."""
    data = digits()
    network = MLP((64, 32, 10), "tanh")
    objective = NetworkLoss(network, data.train_inputs, data.train_targets)
    rising = ExponentialDecay(1e-4, decay_steps=128, decay_rate=1e5)
    history = train(objective, SGD(rising), network.initial(seed=0), epochs=3, batch_size=32)
    rates, window = history.rates[3:-3], np.ones(7) / 7
    smooth = np.convolve(history.batch_losses, window, mode="valid")
    fig, ax = subplots()
    ax.plot(history.rates, history.batch_losses, color=GREY, linewidth=0.8, label="each batch")
    ax.plot(rates, smooth, color=BLUE, label="mean of seven batches")
    for name, rate in (("P", 0.001), ("Q", 0.03), ("R", 0.3), ("S", 2.0)):
        place = rate, np.interp(rate, rates, smooth)
        ax.plot(*place, "o", color=BLACK, markersize=8)
        ax.annotate(name, place, (4, -20), textcoords="offset points")
    ax.set(xscale="log", ylim=(0, 7), xlabel="learning rate", ylabel="loss of the batch")
    ax.set_title("One run with a rising learning rate")
    ax.legend()
    return fig
