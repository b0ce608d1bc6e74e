"""The explorer of lesson 00: one neuron, the smallest network there is."""

import numpy as np

from course_utils import figures
from course_utils.explorers.controls import choice, slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import number
from course_utils.networks import ACTIVATIONS

REACH = 3.0  # the inputs and the heights that are drawn go from -REACH to REACH


def neuron() -> Explorer:
    """One neuron: its weight, bias and activation as controls, its input as a point to drag."""
    fig, ax = figures.subplots(size=(6.4, 4.0))
    ax.axhline(0, color=figures.GREY, linewidth=0.8)
    ax.set(title="Weight and bias make a line, the activation bends it")
    ax.set(
        xlabel="input $x$",
        ylabel="weighted sum, output",
        xlim=(-REACH, REACH),
        ylim=(-REACH, REACH),
    )
    stage = Stage(fig, name="The weighted sum of a neuron and its output, over its input")
    weight = slider("Weight w", 1.0, -3.0, 3.0, 0.1)
    bias = slider("Bias b", 0.0, -3.0, 3.0, 0.1)
    activation = choice("Activation", list(ACTIVATIONS), "tanh")
    here = {"x": 1.2}

    def update():
        activate, _ = ACTIVATIONS[activation.value]
        inputs = np.linspace(-REACH, REACH, 241)
        sums = weight.value * inputs + bias.value
        sum_here = weight.value * here["x"] + bias.value
        output_here = activate(np.array([sum_here]))[0]
        stage.curve(
            "sum",
            ax,
            inputs,
            sums,
            color=figures.ORANGE,
            dash="dashed",
            label="weighted sum w x + b",
        )
        stage.curve(
            "output",
            ax,
            inputs,
            activate(sums),
            color=figures.BLUE,
            width=3,
            label="output",
        )
        for key, height, color, marker in (
            ("sum here", sum_here, figures.ORANGE, "diamond"),
            ("output here", output_here, figures.BLUE, "square"),
        ):
            stage.curve(
                key,
                ax,
                [here["x"], here["x"]],
                [0, height],
                color=color,
                width=1.2,
                dash="dotted",
                marker=marker,
            )
        stage.handle(
            "input", ax, here["x"], 0, color=figures.BLACK, name="input x", on_drag=move, along="x"
        )
        stage.say(
            f"Input {number(here['x'])}, weighted sum {number(sum_here)}, "
            f"output {number(output_here)}. {crossing(weight.value, bias.value)}"
        )

    def move(x, _):
        here["x"] = x
        update()

    return Explorer(stage, [weight, bias, activation], update)


def crossing(weight: float, bias: float) -> str:
    """Say in words for which input the weighted sum is zero.

    >>> crossing(2.0, -1.0)
    'The weighted sum is zero at the input 0.50.'
    """
    if abs(weight) < 1e-9:  # a slider comes to zero by steps of 0.1, up to rounding
        return "With weight 0 the output is the same for every input."
    return f"The weighted sum is zero at the input {number(-bias / weight)}."
