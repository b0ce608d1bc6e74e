"""The figures that the questions on RMSprop and Adam show; no number that is asked for."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.datasets import digits
from course_utils.descent import accuracy, train
from course_utils.figures import OPTIMIZER_STYLES, subplots
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, Adam, RMSprop
from course_utils.quiz.drawings import figure


@figure("adam_accuracy_by_rate")
def accuracy_by_rate() -> Figure:
    """The accuracy that four rules reach on the digits, at nine rates each."""
    data = digits()
    network, rates = MLP((64, 32, 10)), np.geomspace(1e-4, 1, 9)
    training, validation = (
        NetworkLoss(network, data.train_inputs[rows], data.train_targets[rows])
        for rows in (slice(None, -300), slice(-300, None))
    )
    fig, ax = subplots()
    for name, optimizer, marker in (
        ("SGD", SGD(rates), "o"),
        ("Momentum", SGD(rates, momentum=0.9), "s"),
        ("RMSprop", RMSprop(rates), "^"),
        ("Adam", Adam(rates), "D"),
    ):
        history = train(
            training,
            optimizer,
            network.initial(seed=0),
            epochs=10,
            batch_size=32,
            validation=validation,
            metrics={"accuracy": accuracy},
        )
        reached = 100 * history.validation_metrics["accuracy"][-1]
        color, dash = OPTIMIZER_STYLES[name]
        ax.plot(rates, reached, marker, label=name, color=color, linestyle=dash)
    ax.set(xscale="log", ylim=(0, 102), xlabel="learning rate", ylabel="validation accuracy (%)")
    ax.set_title("Accuracy after ten epochs, at nine rates for each rule")
    ax.legend()
    return fig
