"""The drawing surface of every explorer; no mathematics.

Matplotlib draws the background once (axes, contours, titles). What moves is a set of layers
(curves, dots, labels, points to drag) that the browser draws over it, at pixels that Python
computed with the axes' own transforms.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from course_utils.explorers.layers import (
    DASHES,
    MARKERS,
    Curve,
    Dots,
    Handle,
    Label,
    Layer,
    Place,
)
from course_utils.explorers.still import background, still


class Stage(anywidget.AnyWidget):
    """A drawing surface: Matplotlib draws the background once, the browser draws what moves.

    A layer is known by its key; drawing a key again replaces the layer and keeps its order. Colours
    are Matplotlib's, widths and sizes are points, as in Matplotlib.

    >>> figure = Figure(figsize=(4, 3))
    >>> ax = figure.add_subplot(xlim=(-2, 2), ylim=(0, 4))
    >>> stage = Stage(figure, name="A parabola")
    >>> with stage.frame():
    ...     stage.curve("loss", ax, [-2, -1, 0, 1, 2], [4, 1, 0, 1, 4], color="C0", label="loss")
    ...     stage.say("The loss is least at w = 0.")
    >>> stage.reading
    'The loss is least at w = 0.'
    >>> stage.layers["loss"].y
    array([4., 1., 0., 1., 4.])
    """

    _esm = Path(__file__).with_name("stage.js")
    _css = Path(__file__).with_name("stage.css")
    _name = traitlets.Unicode().tag(sync=True)
    _background = traitlets.Bytes().tag(sync=True)
    _scene = traitlets.Dict().tag(sync=True)
    # handle's key -> [serial number of the move, pixel from the left, pixel from the top]
    _moves = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(self, figure: Figure, *, name: str):
        """Make the stage.

        Args:
            figure: A `matplotlib.figure.Figure`, made without pyplot, its axes' limits set.
            name: What the picture is, for a screen reader.
        """
        self.figure = figure
        self._reading = ""
        self._contents: dict[str, Layer] = {}
        self._places: dict[Axes, Place] = {}
        self._background_is_old = True
        self._open_frames = 0
        self._revision = 0
        self._answered = 0
        super().__init__(_name=name, _scene=self._described())

    @property
    def layers(self) -> dict[str, Layer]:
        """Return what is drawn now, key -> layer; its attributes `x`, `y` are data coordinates."""
        return dict(self._contents)

    @property
    def reading(self) -> str:
        """Return what the picture now shows, in words: the text of the last `say`."""
        return self._reading

    def curve(
        self,
        key: str,
        ax: Axes,
        x: Any,
        y: Any,
        *,
        color: Any,
        width: float = 2.0,
        dash: str = "solid",
        marker: str | None = None,
        stepped: bool = False,
        label: str | None = None,
    ) -> None:
        """Draw a polyline, or one a run where x or y has the shape (runs, n).

        Args:
            key: The layer's name.
            ax: One of the figure's axes.
            x: The horizontal data coordinates; a value that is not finite breaks the line.
            y: The vertical data coordinates.
            color: Any Matplotlib colour.
            width: Of the line, in points.
            dash: "solid", "dashed", "dotted" or "dashdot".
            marker: None, "circle", "square", "triangle" or "diamond". More than 100 points carry
                only twelve markers.
            stepped: Whether the player reveals the points one after another.
            label: The curve's name in the legend below the picture.
        """
        _check_choice("dash", dash, DASHES)
        _check_choice("marker", marker, (None, *MARKERS))
        x, y = _coordinates(x, y, dimensions=(1, 2))
        self._put(key, Curve(ax, x, y, _hex(color), width, dash, marker, stepped, label))

    def dots(
        self,
        key: str,
        ax: Axes,
        x: Any,
        y: Any,
        *,
        color: Any,
        size: float = 4.0,
        groups: Any = None,
        stepped: bool = False,
        alpha: float = 1.0,
    ) -> None:
        """Draw n dots; more than 1000 are drawn as squares.

        Args:
            key: The layer's name.
            ax: One of the figure's axes.
            x: The horizontal data coordinates, (n,), or (frames, n) where `stepped`.
            y: The vertical data coordinates, of the same shape.
            color: Any Matplotlib colour; with `groups` a list of colours.
            size: The diameter, in points.
            groups: The index of each dot's colour, (n,).
            stepped: Whether the player shows one frame after another.
            alpha: From 0, invisible, to 1, opaque.
        """
        x, y = _coordinates(x, y, dimensions=(2,) if stepped else (1,))
        count = x.shape[-1]
        if groups is None:
            colors, counts = (_hex(color),), (count,)
        else:
            groups = np.asarray(groups, dtype=int)
            colors = tuple(_hex(one) for one in color)
            if groups.shape != (count,):
                raise ValueError(f"groups must have the shape ({count},), got {groups.shape}")
            if count and not (groups.min() >= 0 and groups.max() < len(colors)):
                raise ValueError(
                    f"groups must index the {len(colors)} colours, got "
                    f"{groups.min()} to {groups.max()}"
                )
            order = np.argsort(groups, kind="stable")
            x, y = x[..., order], y[..., order]
            counts = tuple(np.bincount(groups, minlength=len(colors)).tolist())
        self._put(key, Dots(ax, x, y, colors, counts, size, alpha, stepped))

    def handle(
        self,
        key: str,
        ax: Axes,
        x: float,
        y: float,
        *,
        color: Any,
        name: str,
        on_drag: Callable[[float, float], Any],
        along: str = "both",
    ) -> None:
        """Draw a point that can be dragged by mouse, touch and arrow keys.

        Args:
            key: The layer's name.
            ax: One of the figure's axes.
            x: The horizontal data coordinate.
            y: The vertical data coordinate.
            color: Any Matplotlib colour.
            name: What is dragged, for a screen reader and as a tooltip.
            on_drag: Called as `on_drag(x, y)` with data coordinates inside the axes' window, in a
                frame of its own. The point itself has moved already.
            along: "both", "x" for a point that moves only sideways, or "y" for only up and down.
        """
        _check_choice("along", along, ("both", "x", "y"))
        self._put(key, Handle(ax, float(x), float(y), _hex(color), name, on_drag, along))

    def text(
        self,
        key: str,
        ax: Axes,
        x: float,
        y: float,
        text: str,
        *,
        color: Any = "#222222",
        align: str = "left",
    ) -> None:
        """Write a small label: right of the point, left of it (align="right") or centred on it."""
        _check_choice("align", align, ("left", "right", "center"))
        self._put(key, Label(ax, float(x), float(y), text, _hex(color), align))

    def remove(self, key: str) -> None:
        """Take a layer away; a key that is not there is no error."""
        with self.frame():
            self._contents.pop(key, None)

    def say(self, text: str) -> None:
        """Set the reading: one or two sentences below the picture on what it now shows."""
        with self.frame():
            self._reading = text

    def background_changed(self) -> None:
        """Draw the background again, because the figure's axes or artists have changed."""
        with self.frame():
            self._background_is_old = True

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Send all changes made inside to the browser as one message."""
        self._open_frames += 1
        try:
            yield
        finally:
            self._open_frames -= 1
            if self._open_frames == 0:
                self._show()

    def attempt(self, change: Callable[[], Any]) -> None:
        """Call `change` in a frame; an exception becomes one line in the reading."""
        try:
            with self.frame():
                change()
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.say(f"This picture could not be drawn: {reason}")

    def to_png(self) -> bytes:
        """Return the same picture drawn by Matplotlib, with the legend and the reading below it."""
        return still(self.figure, list(self._contents.values()), self.reading)

    def _put(self, key: str, layer: Layer) -> None:
        if layer.ax not in self.figure.axes:
            raise ValueError(f"layer {key!r}: ax must be one of the axes of the stage's figure")
        with self.frame():
            self._contents[key] = layer

    def _place(self, ax: Axes) -> Place:
        if ax not in self._places:
            self._places[ax] = Place(ax, self.figure.bbox.height)
        return self._places[ax]

    def _show(self) -> None:
        with self.hold_sync():
            if self._background_is_old:
                self._background_is_old = False
                self._background = background(self.figure)
                self._places.clear()  # drawing lays the axes out
            self._revision += 1
            self._scene = self._described()

    def _described(self) -> dict[str, Any]:
        pixel = self.figure.dpi / 72
        layers, points, length = [], [], 0
        for key, layer in self._contents.items():
            place = self._place(layer.ax)
            pixels = place.pixels(layer.x, layer.y)
            box = {side: getattr(place, side) for side in ("left", "right", "top", "bottom")}
            layers.append(
                {"key": key, "kind": layer.kind, "box": box, "start": length, **layer.style(pixel)}
            )
            points.append(pixels.ravel())
            length += pixels.size
        return {
            "revision": self._revision,  # first, so that comparing two scenes ends here
            "answered": self._answered,
            "width": self.figure.bbox.width,
            "height": self.figure.bbox.height,
            "reading": self.reading,
            "layers": layers,
            "points": np.concatenate(points).tobytes() if points else b"",
        }

    @traitlets.observe("_moves")
    def _take_moves(self, change: dict[str, Any]) -> None:
        self.attempt(partial(self._drag_handles, change["new"]))

    def _drag_handles(self, moves: dict[str, tuple[int, float, float]]) -> None:
        answered = self._answered
        self._answered = max((serial for serial, _, _ in moves.values()), default=answered)
        for key, (serial, left, top) in moves.items():
            handle = self._contents.get(key)
            if serial <= answered or not isinstance(handle, Handle):
                continue
            x, y = self._place(handle.ax).data(left, top)
            if handle.along == "x":
                y = handle.y
            if handle.along == "y":
                x = handle.x
            self._contents[key] = replace(handle, x=x, y=y)
            handle.on_drag(x, y)


def _check_choice(what: str, value: Any, choices: Any) -> None:
    if value not in choices:
        raise ValueError(f"{what} must be one of {list(choices)}, got {value!r}")


def _hex(color: Any) -> str:
    return to_hex(color, keep_alpha=True)


def _coordinates(x: Any, y: Any, dimensions: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    try:
        x, y = np.broadcast_arrays(x, y)
    except ValueError:
        raise ValueError(f"x and y must have one shape, got {x.shape} and {y.shape}") from None
    if x.ndim not in dimensions:
        expected = " or ".join(str(number) for number in dimensions)
        raise ValueError(f"x and y must have {expected} dimensions, got the shape {x.shape}")
    return x, y
