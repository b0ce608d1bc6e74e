"""The figures that the questions in lesson 00 show; no number that is asked for."""

from matplotlib.figure import Figure

from course_utils.datasets import digits, with_label_noise
from course_utils.descent import train
from course_utils.figures import BLACK, BLUE, ORANGE, subplots
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import Adam
from course_utils.quiz.drawings import figure


@figure("start_overfitting_run")
def overfitting_run() -> Figure:
    """A small network on 150 digits, one label in five wrong, with four moments marked."""
    data, examples = digits(), 150
    labels = with_label_noise(data.train_targets[:350], share=0.2)
    network = MLP((64, 32, 10))
    objective, validation = (
        NetworkLoss(network, data.train_inputs[:350][rows], labels[rows])
        for rows in (slice(examples), slice(examples, None))
    )
    start = network.initial(seed=0)
    history = train(objective, Adam(0.007), start, 40, batch_size=32, validation=validation)
    fig, ax = subplots()
    ax.plot(history.losses, color=BLUE, label="training")
    ax.plot(history.validation_losses, color=ORANGE, linestyle="dashed", label="validation")
    for name, epoch in (("A", 3), ("B", 12), ("C", 25), ("D", 40)):
        ax.axvline(epoch, color=BLACK, linewidth=0.9, linestyle="dotted")
        ax.annotate(name, (epoch, 2.5), (0, 4), textcoords="offset points", ha="center")
    ax.set(xlabel="epoch", ylabel="loss", xlim=(0, 41), ylim=(0, 2.5))
    ax.set_title("One training run, four moments", pad=22)
    ax.legend(loc="lower left")
    return fig
