"""What may be drawn on a stage, and where it lies: curves, dots, labels and points to drag.

Each layer tells its look twice, to the browser and to Matplotlib, so that both draw the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import CircleCollection, RegularPolyCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, ScaledTranslation

from course_utils.explorers.wording import three_figures

# Lengths of a dash and of a gap, in line widths, as Matplotlib's own styles have them.
DASHES = {"solid": (), "dashed": (3.7, 1.6), "dotted": (1.0, 1.65), "dashdot": (6.4, 1.6, 1.0, 1.6)}
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}

FARTHEST = 1e30  # CSS pixels; beyond it float32 comes near its end and the line is broken
EVERY_POINT_MARKED = 100  # a curve of more points carries MARKERS_OF_A_LONG_CURVE markers
MARKERS_OF_A_LONG_CURVE = 12
ROUND_DOTS = 1000  # more dots than this are drawn as squares, which a browser fills far faster
TEXT_POINTS = 9.0
TEXT_GAP_POINTS = 5.0  # between a point and the text that stands beside it
HANDLE_POINTS = 10.0


class Place:
    """Where an axes lies in the picture: data coordinates to CSS pixels (y down) and back."""

    def __init__(self, ax: Axes, picture_height: float):
        """Take an axes whose limits are set, in a picture of this height in CSS pixels."""
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
class Curve:
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
        """The diameter of a marker."""
        return 3.0 + 1.5 * self.width

    @property
    def marked_every(self) -> int:
        """Of how many points one carries a marker."""
        count = self.x.shape[-1]
        return 1 if count <= EVERY_POINT_MARKED else -(-count // MARKERS_OF_A_LONG_CURVE)

    def style(self, pixel: float) -> dict[str, Any]:
        """Return how the browser draws it; a point is `pixel` CSS pixels."""
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
        """Return what Matplotlib draws."""
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
class Dots:
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
        """Whether the dots are discs, and not squares."""
        return self.x.shape[-1] <= ROUND_DOTS

    def style(self, pixel: float) -> dict[str, Any]:
        """Return how the browser draws it; a point is `pixel` CSS pixels."""
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
        """Return what Matplotlib draws."""
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
class Handle:
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
        """Where the point is, as it is read aloud."""
        spoken = {"x": f"x = {three_figures(self.x)}", "y": f"y = {three_figures(self.y)}"}
        return spoken.get(self.along, ", ".join(spoken.values()))

    def style(self, pixel: float) -> dict[str, Any]:
        """Return how the browser draws it; a point is `pixel` CSS pixels."""
        return {
            "color": self.color,
            "size": HANDLE_POINTS * pixel,
            "name": self.name,
            "position": self.position,
            "along": self.along,
        }

    def artists(self) -> list[Artist]:
        """Return what Matplotlib draws."""
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
class Label:
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
        """The way from the point to the text, in points."""
        return {"left": TEXT_GAP_POINTS, "right": -TEXT_GAP_POINTS, "center": 0.0}[self.align]

    def style(self, pixel: float) -> dict[str, Any]:
        """Return how the browser draws it; a point is `pixel` CSS pixels."""
        return {
            "text": self.text,
            "color": self.color,
            "align": self.align,
            "size": TEXT_POINTS * pixel,
            "gap": self.gap * pixel,
        }

    def artists(self) -> list[Artist]:
        """Return what Matplotlib draws."""
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


Layer = Curve | Dots | Handle | Label
