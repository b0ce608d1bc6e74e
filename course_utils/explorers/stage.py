"""The drawing surface of every explorer and the frame that joins it to controls; no mathematics.

Matplotlib draws the background once (axes, contours, titles). What moves is a set of layers
(curves, dots, texts, points to drag) that the browser draws over it, at pixels that Python computed
with the axes' own transforms.
"""

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import ipywidgets
import numpy as np
import traitlets
from IPython.display import display
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import CircleCollection, RegularPolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, ScaledTranslation
from PIL import Image

from course_utils.explorers.wording import three_figures

# Lengths of a dash and of a gap, in line widths, as Matplotlib's own styles have them.
DASHES = {"solid": (), "dashed": (3.7, 1.6), "dotted": (1.0, 1.65), "dashdot": (6.4, 1.6, 1.0, 1.6)}
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}

SHARPNESS = 2  # pixels of a PNG for one CSS pixel, so that fine screens show a crisp picture
FARTHEST = 1e30  # CSS pixels; beyond it float32 comes near its end and the line is broken
EVERY_POINT_MARKED = 100  # a curve of more points carries MARKERS_OF_A_LONG_CURVE markers
MARKERS_OF_A_LONG_CURVE = 12
ROUND_DOTS = 1000  # more dots than this are drawn as squares, which a browser fills far faster
# 32 shades a channel look the same as 256 and make a PNG in a notebook 40 % smaller.
FEWER_SHADES = [round(round(shade * 31 / 255) * 255 / 31) for shade in range(256)]
TEXT_POINTS = 9.0
TEXT_GAP_POINTS = 5.0  # between a point and the text that stands beside it
HANDLE_POINTS = 10.0


class _Place:
    """Where an axes lies in the picture: data coordinates to CSS pixels (y down) and back."""

    def __init__(self, ax: Axes, picture_height: float):
        flip = Affine2D().scale(1, -1).translate(0, picture_height)
        self._to_pixels = (ax.transData + flip).frozen()
        self._to_data = self._to_pixels.inverted()
        self._window = [sorted(ax.get_xlim()), sorted(ax.get_ylim())]
        self.left, self.right = ax.bbox.x0, ax.bbox.x1
        self.top, self.bottom = picture_height - ax.bbox.y1, picture_height - ax.bbox.y0

    def pixels(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return float32 pixels, the pair on the last axis; NaN where no finite pixel exists."""
        pixels = self._to_pixels.transform(np.stack([x, y], axis=-1).reshape(-1, 2))
        near = np.abs(pixels) < FARTHEST
        pixels[~(near[:, 0] & near[:, 1])] = np.nan  # .all(axis=1) is slow along a short axis
        return pixels.astype(np.float32).reshape(*np.shape(x), 2)

    def data(self, left: float, top: float) -> tuple[float, float]:
        """Return the data coordinates of a pixel, clipped to the axes' window."""
        left = min(max(left, self.left), self.right)
        top = min(max(top, self.top), self.bottom)
        x, y = np.clip(self._to_data.transform((left, top)), *zip(*self._window, strict=True))
        return float(x), float(y)


@dataclass(frozen=True, eq=False)
class _Curve:
    """A polyline, or one a run, in data coordinates."""

    kind: ClassVar[str] = "curve"
    ax: Axes
    x: np.ndarray
    y: np.ndarray
    color: str
    width: float
    dash: str
    marker: str | None
    stepped: bool
    label: str | None

    @property
    def marker_points(self) -> float:
        return 3.0 + 1.5 * self.width

    @property
    def marked_every(self) -> int:
        count = self.x.shape[-1]
        return 1 if count <= EVERY_POINT_MARKED else -(-count // MARKERS_OF_A_LONG_CURVE)

    def style(self, pixel: float) -> dict[str, Any]:
        runs, count = np.atleast_2d(self.x).shape
        return {
            "color": self.color,
            "width": self.width * pixel,
            "dash": [length * self.width * pixel for length in DASHES[self.dash]],
            "marker": self.marker,
            "markerSize": self.marker_points * pixel,
            "markedEvery": self.marked_every,
            "runs": runs,
            "count": count,
            "steps": count if self.stepped else 0,
            "label": self.label,
        }

    def artists(self) -> list[Artist]:
        runs = zip(np.atleast_2d(self.x), np.atleast_2d(self.y), strict=True)
        return [Line2D(*run, transform=self.ax.transData, **self.look()) for run in runs]

    def look(self) -> dict[str, Any]:
        """Return how Matplotlib draws it, in the picture and in the legend."""
        return {
            "color": self.color,
            "linewidth": self.width,
            "linestyle": (0, DASHES[self.dash]) if DASHES[self.dash] else "solid",
            "marker": MARKERS.get(self.marker, ""),
            "markersize": self.marker_points,
            "markeredgecolor": "white",
            "markeredgewidth": 0.5,
            "markevery": self.marked_every,
        }


@dataclass(frozen=True, eq=False)
class _Dots:
    """Many small dots, in data coordinates, in one colour a group."""

    kind: ClassVar[str] = "dots"
    ax: Axes
    x: np.ndarray
    y: np.ndarray
    colors: tuple[str, ...]
    counts: tuple[int, ...]
    size: float
    alpha: float
    stepped: bool

    @property
    def round(self) -> bool:
        return self.x.shape[-1] <= ROUND_DOTS

    def style(self, pixel: float) -> dict[str, Any]:
        frames, count = np.atleast_2d(self.x).shape
        return {
            "colors": self.colors,
            "counts": self.counts,
            "size": self.size * pixel,
            "alpha": self.alpha,
            "round": self.round,
            "count": count,
            "steps": frames if self.stepped else 0,
        }

    def artists(self) -> list[Artist]:
        x, y = np.atleast_2d(self.x)[-1], np.atleast_2d(self.y)[-1]
        look = {
            "offsets": np.stack([x, y], axis=-1),
            "offset_transform": self.ax.transData,
            "facecolors": np.repeat(self.colors, self.counts),
            "linewidths": 0,
            "alpha": self.alpha,
            "snap": False,
        }
        area = np.pi / 4 * self.size**2
        if self.round:
            return [CircleCollection([area], **look)]
        return [RegularPolyCollection(4, rotation=np.pi / 4, sizes=[2 * area], **look)]


@dataclass(frozen=True, eq=False)
class _Handle:
    """A point that the learner drags, in data coordinates."""

    kind: ClassVar[str] = "handle"
    ax: Axes
    x: float
    y: float
    color: str
    name: str
    on_drag: Callable[[float, float], Any]
    along: str

    @property
    def position(self) -> str:
        spoken = {"x": f"x = {three_figures(self.x)}", "y": f"y = {three_figures(self.y)}"}
        return spoken.get(self.along, ", ".join(spoken.values()))

    def style(self, pixel: float) -> dict[str, Any]:
        return {
            "color": self.color,
            "size": HANDLE_POINTS * pixel,
            "name": self.name,
            "position": self.position,
            "along": self.along,
        }

    def artists(self) -> list[Artist]:
        return [
            Line2D(
                [self.x],
                [self.y],
                transform=self.ax.transData,
                clip_on=False,
                color=self.color,
                marker="o",
                markersize=HANDLE_POINTS,
                markeredgecolor="white",
                markeredgewidth=1.5,
                path_effects=[withStroke(linewidth=3, foreground="#555555")],
            )
        ]


@dataclass(frozen=True, eq=False)
class _Text:
    """A small label in the picture, at a point in data coordinates."""

    kind: ClassVar[str] = "text"
    ax: Axes
    x: float
    y: float
    text: str
    color: str
    align: str

    @property
    def gap(self) -> float:
        return {"left": TEXT_GAP_POINTS, "right": -TEXT_GAP_POINTS, "center": 0.0}[self.align]

    def style(self, pixel: float) -> dict[str, Any]:
        return {
            "text": self.text,
            "color": self.color,
            "align": self.align,
            "size": TEXT_POINTS * pixel,
            "gap": self.gap * pixel,
        }

    def artists(self) -> list[Artist]:
        (left, right), (bottom, top) = sorted(self.ax.get_xlim()), sorted(self.ax.get_ylim())
        if not (left <= self.x <= right and bottom <= self.y <= top):
            return []
        beside = ScaledTranslation(self.gap / 72, 0, self.ax.figure.dpi_scale_trans)
        return [
            Text(
                self.x,
                self.y,
                self.text,
                transform=self.ax.transData + beside,
                color=self.color,
                horizontalalignment=self.align,
                verticalalignment="center",
                fontsize=TEXT_POINTS,
                parse_math=False,
                clip_on=False,
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )
        ]


_Layer = _Curve | _Dots | _Handle | _Text


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
        self._contents: dict[str, _Layer] = {}
        self._places: dict[Axes, _Place] = {}
        self._background_is_old = True
        self._open_frames = 0
        self._revision = 0
        self._answered = 0
        super().__init__(_name=name, _scene=self._described())

    @property
    def layers(self) -> dict[str, _Layer]:
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
        self._put(key, _Curve(ax, x, y, _hex(color), width, dash, marker, stepped, label))

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
        self._put(key, _Dots(ax, x, y, colors, counts, size, alpha, stepped))

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
        self._put(key, _Handle(ax, float(x), float(y), _hex(color), name, on_drag, along))

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
        self._put(key, _Text(ax, float(x), float(y), text, _hex(color), align))

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
        artists = []
        for order, layer in enumerate(self._contents.values()):
            for artist in layer.artists():
                artist.set_zorder(100 + order + 1000 * (layer.kind == "handle"))
                artist.set_in_layout(False)
                artists.append(layer.ax.add_artist(artist))
        try:
            picture = _drawn(self.figure)
        finally:
            for artist in artists:
                artist.remove()
        curves = [layer for layer in self._contents.values() if isinstance(layer, _Curve)]
        below = _drawn(_words_below(self.figure, [c for c in curves if c.label], self.reading))
        whole = Image.fromarray(np.concatenate([picture, below])).convert("RGB")
        return _png(whole.point(FEWER_SHADES * 3), compression=6)

    def _put(self, key: str, layer: _Layer) -> None:
        if layer.ax not in self.figure.axes:
            raise ValueError(f"layer {key!r}: ax must be one of the axes of the stage's figure")
        with self.frame():
            self._contents[key] = layer

    def _place(self, ax: Axes) -> _Place:
        if ax not in self._places:
            self._places[ax] = _Place(ax, self.figure.bbox.height)
        return self._places[ax]

    def _show(self) -> None:
        with self.hold_sync():
            if self._background_is_old:
                self._background_is_old = False
                self._background = _png(Image.fromarray(_drawn(self.figure)), compression=1)
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
            if serial <= answered or not isinstance(handle, _Handle):
                continue
            x, y = self._place(handle.ax).data(left, top)
            if handle.along == "x":
                y = handle.y
            if handle.along == "y":
                x = handle.x
            self._contents[key] = replace(handle, x=x, y=y)
            handle.on_drag(x, y)


class Explorer(ipywidgets.VBox):
    """Controls above a stage: whatever a control's new value, `update` draws the picture again.

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


def _drawn(figure: Figure) -> np.ndarray:
    """Return the figure's pixels (rows, columns, 4), SHARPNESS of them for one CSS pixel."""
    canvas = FigureCanvasAgg(figure)
    dpi = figure.dpi
    figure.dpi = SHARPNESS * dpi
    try:
        canvas.draw()
        return np.array(canvas.buffer_rgba())
    finally:
        figure.dpi = dpi


def _png(image: Image.Image, compression: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "png", compress_level=compression)
    return file.getvalue()


def _words_below(picture: Figure, curves: list[_Curve], reading: str) -> Figure:
    """Return a figure as wide as the picture with the legend, then the reading."""
    size, row_height, margin, sample = 13.0, 20.0, 14.0, 34.0
    font = FontProperties(size=size)
    width = picture.bbox.width

    def wide(text: str) -> float:
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]

    words = reading.split()
    room = width - 2 * margin
    legend = list(_flow([sample + 8 + wide(curve.label) for curve in curves], 20, room))
    lines = list(_flow([wide(word) for word in words], wide(" "), room))
    legend_rows = legend[-1][1] + 1 if legend else 0
    rows = legend_rows + (lines[-1][1] + 1 if lines else 0)
    height = rows * row_height + margin
    below = Figure(figsize=(picture.get_figwidth(), height / picture.dpi), dpi=picture.dpi)

    def write(left: float, row: int, text: str) -> None:
        at = ((margin + left) / width, 1 - (row + 0.5) * row_height / height)
        points = 72 * size / picture.dpi
        below.text(*at, text, fontsize=points, color="#222222", va="center", parse_math=False)

    for curve, (left, row) in zip(curves, legend, strict=True):
        ends = (margin + left) / width, (margin + left + sample) / width
        level = 1 - (row + 0.5) * row_height / height
        look = curve.look() | {"markevery": [1]}
        line = Line2D([ends[0], sum(ends) / 2, ends[1]], [level] * 3, **look)
        below.add_artist(line)
        write(left + sample + 8, row, curve.label)
    for word, (left, row) in zip(words, lines, strict=True):
        write(left, legend_rows + row, word)
    return below


def _flow(widths: list[float], gap: float, room: float) -> Iterator[tuple[float, int]]:
    """Yield (left, row) of things set side by side, with a new row where one is full."""
    left, row = 0.0, 0
    for width in widths:
        if left > 0 and left + width > room:
            left, row = 0.0, row + 1
        yield left, row
        left += width + gap
