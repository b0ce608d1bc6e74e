"""The figures that the questions of the capstone show; no number that is asked for."""

import numpy as np
from matplotlib.figure import Figure

from course_utils.datasets import digits, rare_events
from course_utils.descent import accuracy, train
from course_utils.figures import BLACK, BLUE, ORANGE, subplots
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import Adam
from course_utils.quiz.drawings import figure


@figure("cap_thresholds")
def thresholds() -> Figure:
    """Missed frauds and false alarms of a network by its threshold, four of them marked."""
    data, network = rare_events(), MLP((10, 16, 2))
    objective = NetworkLoss(network, data.train_inputs, data.train_targets)
    params = train(objective, Adam(0.01), network.initial(seed=0), 10, batch_size=64).params
    logits = network.predict(params, data.test_inputs)
    probabilities = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    fraud = data.test_targets == 1

    def counts(threshold):
        alarm = probabilities >= threshold
        return np.sum(fraud & ~alarm), np.sum(~fraud & alarm)

    candidates = np.geomspace(0.002, 0.9, 200)
    missed, alarms = np.transpose([counts(threshold) for threshold in candidates])
    fig, ax = subplots()
    ax.plot(candidates, missed, color=BLUE, label="missed frauds")
    ax.plot(candidates, alarms, color=ORANGE, linestyle="dashed", label="false alarms")
    for name, threshold in (("A", 0.005), ("B", 0.02), ("C", 0.1), ("D", 0.5)):
        ax.axvline(threshold, color=BLACK, linewidth=0.9, linestyle="dotted")
        few, many = counts(threshold)
        ax.annotate(
            f"{name}: {few} missed\n{many} alarms", (threshold, 330), (4, 0),
            textcoords="offset points", size=9,
        )  # fmt: skip
    ax.set(xscale="log", xlabel="threshold on the probability of fraud", ylabel="payments")
    ax.set(xlim=(0.002, 2.2), ylim=(-8, 420))
    ax.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    ax.set_title("The mistakes on 2,500 payments, 50 of them frauds")
    ax.legend(loc="center right", frameon=True, framealpha=1, edgecolor="white")
    return fig


@figure("cap_broken_runs")
def broken_runs() -> Figure:
    """Four runs on 300 digits: too large a rate, too small a one, shuffled labels, and sound."""
    data, network = digits(), MLP((64, 32, 10))
    inputs, labels = data.train_inputs[:300], data.train_targets[:300]
    shuffled = np.random.default_rng(0).permutation(labels)
    validation = NetworkLoss(network, data.train_inputs[-300:], data.train_targets[-300:])

    def accuracies(targets, rates):
        history = train(
            NetworkLoss(network, inputs, targets),
            Adam(np.array(rates)),
            np.tile(network.initial(seed=0), (len(rates), 1)),
            epochs=60,
            batch_size=32,
            validation=validation,
            metrics={"accuracy": accuracy},
        )
        return [
            100 * np.transpose(seen["accuracy"])
            for seen in (history.metrics, history.validation_metrics)
        ]

    sound, broken = accuracies(labels, [3.0, 1e-4, 0.005]), accuracies(shuffled, [0.005])
    runs = [
        (both[0][run], both[1][run])
        for both, run in ((sound, 0), (sound, 1), (broken, 0), (sound, 2))
    ]
    fig, axes = subplots(2, 2, size=(7.2, 4.8), sharex=True, sharey=True)
    for ax, name, (training, reached) in zip(axes.flat, "PQRS", runs, strict=True):
        ax.plot(training, color=BLUE, label="training")
        ax.plot(reached, color=ORANGE, linestyle="dashed", label="validation")
        ax.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(0, 104))
        ax.set_title(f"Run {name}")
    axes[0, 0].legend()
    return fig
