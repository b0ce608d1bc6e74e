"""A figure as pixels, and the still picture of a stage: its layers, legend and reading."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from PIL import Image

from course_utils.explorers.layers import Curve, Layer

SHARPNESS = 2  # pixels of a PNG for one CSS pixel, so that fine screens show a crisp picture
# 32 shades a channel look the same as 256 and make a PNG in a notebook 40 % smaller.
FEWER_SHADES = [round(round(shade * 31 / 255) * 255 / 31) for shade in range(256)]


def background(figure: Figure) -> bytes:
    """Return the figure as a PNG that is quick to make, not small."""
    return _png(Image.fromarray(_drawn(figure)), compression=1)


def still(figure: Figure, layers: Sequence[Layer], reading: str) -> bytes:
    """Return a PNG of the figure with the layers over it, the legend and the reading below it."""
    artists = []
    for order, layer in enumerate(layers):
        for artist in layer.artists():
            artist.set_zorder(100 + order + 1000 * (layer.kind == "handle"))
            artist.set_in_layout(False)
            artists.append(layer.ax.add_artist(artist))
    try:
        picture = _drawn(figure)
    finally:
        for artist in artists:
            artist.remove()
    labelled = [layer for layer in layers if isinstance(layer, Curve) and layer.label]
    below = _drawn(_words_below(figure, labelled, reading))
    whole = Image.fromarray(np.concatenate([picture, below])).convert("RGB")
    return _png(whole.point(FEWER_SHADES * 3), compression=6)


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


def _words_below(picture: Figure, curves: list[Curve], reading: str) -> Figure:
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
