"""The controls of the explorers, in one look; what they change is drawn by `stage`."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets

# Side by side where there is room for two, the description in full, in letters of any size.
ROOMY = {"flex": "1 1 27em", "width": "auto", "max_width": "34em"}
IN_FULL = {"description_width": "initial"}


def slider(
    description: str,
    value: float,
    low: float,
    high: float,
    step: float,
) -> ipywidgets.IntSlider | ipywidgets.FloatSlider:
    """Return a slider; its value is an int where `value`, `low`, `high` and `step` all are.

    >>> slider("Steps", 20, 1, 100, 1).value
    20
    >>> slider("Momentum", 0.9, 0.0, 0.99, 0.01).readout_format
    '.3g'
    """
    whole = all(isinstance(number, int) for number in (value, low, high, step))
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    return kind(
        value,
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format="d" if whole else ".3g",
        style=IN_FULL,
        layout=ROOMY,
    )


def log_slider(
    description: str, value: float, low_exponent: float, high_exponent: float, step: float = 0.05
) -> ipywidgets.FloatLogSlider:
    """Return a slider over powers of ten, from 10**low_exponent to 10**high_exponent.

    >>> log_slider("Learning rate", 0.01, -4, 0).value
    0.01
    """
    return ipywidgets.FloatLogSlider(
        value,
        base=10,
        min=low_exponent,
        max=high_exponent,
        step=step,
        description=description,
        readout_format=".3g",
        style=IN_FULL,
        layout=ROOMY,
    )


def log_values(low_exponent: float, high_exponent: float, step: float = 0.05) -> np.ndarray:
    """Return the values of a `log_slider`, so that all of them can be run at once.

    >>> log_values(-1, 1, step=0.5).round(2)
    array([ 0.1 ,  0.32,  1.  ,  3.16, 10.  ])
    """
    steps = round((high_exponent - low_exponent) / step)
    return 10 ** np.linspace(low_exponent, high_exponent, steps + 1)


def among(values: np.ndarray, value: float) -> tuple[np.ndarray, int]:
    """Return the values of a slider and the place of `value` among them.

    A value that is typed may not be there: it is returned alone.

    >>> among(log_values(-1, 1, step=1.0), 1.0)
    (array([ 0.1,  1. , 10. ]), 1)
    >>> among(log_values(-1, 1, step=1.0), 1.3)
    (array([1.3]), 0)
    """
    known = np.isclose(values, value, rtol=1e-6)
    return (values, int(known.argmax())) if known.any() else (np.array([value]), 0)


def choice(description: str, options: Sequence[Any], value: Any) -> ipywidgets.Dropdown:
    """Return a list to choose one of `options` from, each a value or a pair (label, value).

    >>> choice("Landscape", ["bowl", "ravine"], "ravine").value
    'ravine'
    """
    return ipywidgets.Dropdown(
        options=options,
        value=value,
        description=description,
        style=IN_FULL,
        layout=ROOMY,
    )


class AgainButton(ipywidgets.Button):
    """A button whose `value` counts its presses, so that an explorer treats it as any control."""

    value = traitlets.Int(0)

    def __init__(self, **kwargs: Any):
        """Make the button; the arguments are those of `ipywidgets.Button`."""
        super().__init__(**kwargs)
        self._taken = 0
        self.on_click(self._count)

    def take_press(self) -> bool:
        """Say whether it was pressed since the last call, so that a press acts only once.

        >>> button = again_button("Run")
        >>> button.click()
        >>> button.take_press(), button.take_press()
        (True, False)
        """
        pressed = self.value > self._taken
        self._taken = max(self.value, self._taken)
        return pressed

    def _count(self, button: ipywidgets.Button) -> None:
        self.value += 1


def again_button(description: str) -> AgainButton:
    """Return a button that draws the picture anew, for example with another seed.

    >>> button = again_button("Another start")
    >>> button.click()
    >>> button.value
    1
    """
    return AgainButton(description=description, layout={"width": "auto"})
