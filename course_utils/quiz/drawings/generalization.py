"""The figures that the questions on generalization show; no number that is asked for."""

from matplotlib.figure import Figure

from course_utils.datasets import digits, with_label_noise
from course_utils.descent import train
from course_utils.figures import BLUE, ORANGE, subplots
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import Adam
from course_utils.quiz.drawings import figure


@figure("gen_two_runs")
def two_runs() -> Figure:
    """A run that underfits beside one that overfits, both on the digits."""
    data = digits()
    fig, axes = subplots(columns=2, sharey=True)
    # B overfits within 60 epochs because it sees few images, 30 % of them with a wrong label.
    for ax, name, units, images, noise, rate, batch_size in (
        (axes[0], "Run A", 2, 1000, 0.0, 0.01, 32),
        (axes[1], "Run B", 64, 150, 0.3, 0.003, 16),
    ):
        network = MLP((64, units, 10))
        labels = with_label_noise(data.train_targets[:images], noise)
        history = train(
            NetworkLoss(network, data.train_inputs[:images], labels),
            Adam(rate),
            network.initial(seed=0),
            epochs=60,
            batch_size=batch_size,
            validation=NetworkLoss(network, data.train_inputs[-300:], data.train_targets[-300:]),
        )
        ax.plot(history.losses, color=BLUE, label="training")
        ax.plot(history.validation_losses, color=ORANGE, linestyle="dashed", label="validation")
        ax.set(title=name, xlabel="epoch", ylabel="loss", ylim=(0, 2.7))
        ax.legend()
    return fig
