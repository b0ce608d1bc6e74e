"""The frame that joins an explorer's controls to its stage; what is drawn is not decided here."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import display

from course_utils.explorers.stage import Stage


class Explorer(ipywidgets.VBox):
    """Controls above a stage: whatever a control's new value, `update` draws the picture again.

    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(4, 3))
    >>> stage = Stage(figure, name="A line")
    >>> slope = ipywidgets.FloatSlider(1.0, description="Slope")
    >>> line = Explorer(stage, [slope], lambda: stage.say(f"The slope is {slope.value}."))
    >>> slope.value = 2.0
    >>> stage.reading
    'The slope is 2.0.'
    """

    def __init__(
        self,
        stage: Stage,
        controls: Sequence[ipywidgets.Widget],
        update: Callable[[], Any],
    ):
        """Lay out the controls above the stage and draw the first picture.

        Args:
            stage: The stage that `update` draws on.
            controls: The widgets above it, in rows that wrap.
            update: Called without arguments, once at the start and whenever a `value` changes.
        """
        self.stage = stage
        self.controls = tuple(controls)
        rows = ipywidgets.Box(
            self.controls,
            layout={"flex_flow": "row wrap", "overflow": "visible", "grid_gap": "2px 24px"},
        )
        super().__init__([rows, stage], layout={"overflow": "visible"})
        self.add_class("course-explorer")
        for control in self.controls:
            control.observe(lambda change: stage.attempt(update), "value")
        stage.attempt(update)

    def show(self) -> None:
        """Display the explorer."""
        display(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = self.stage.reading
        bundle["image/png"] = base64.b64encode(self.stage.to_png()).decode()
        return bundle, {"image/png": {"width": round(self.stage.figure.bbox.width)}}
