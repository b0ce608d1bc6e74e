"""Static figures in the course's one style: each function takes an axes and returns it.

Importing this module sets Matplotlib to that style. Nothing here computes a step. The colours come
from Okabe and Ito's palette, some made darker to stand out from white; colour-blind readers can
tell them apart. The same optimizer has the same colour and line style in every lesson.
"""

from io import BytesIO

import numpy as np
from IPython.display import display
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK, GREY = (
    "#0072B2",
    "#D55E00",
    "#00795C",
    "#B3273B",
    "#A8557F",
    "#2B8CC4",
    "#1A1A1A",
    "#6B6B6B",
)
FAINT = "#8C8C8C"  # for lines that others are seen against, still 3 to 1 against white

# One look for each optimizer through the whole course: colour and dash.
OPTIMIZER_STYLES = {
    "SGD": (BLUE, "solid"),
    "Momentum": (ORANGE, "dashed"),
    "Nesterov": (RED, "dashdot"),
    "Adagrad": (GREEN, "dotted"),
    "RMSprop": (PURPLE, "dashed"),
    "Adam": (BLACK, "solid"),
}

STYLE = {
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelcolor": "#333333",
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "figure.facecolor": "white",
}


rcParams.update(STYLE)


def subplots(rows: int = 1, columns: int = 1, size: tuple[float, float] = (7.2, 3.8), **options):
    """Return a figure in the course's style and its axes, as `matplotlib.pyplot.subplots` does.

    Args:
        rows: of axes.
        columns: of axes.
        size: width and height in inches.
        options: what `Figure.subplots` takes (sharex, width_ratios, ...).

    >>> fig, (left, right) = subplots(columns=2)
    >>> left.set_title("Steps shrink") is not None
    True
    """
    fig = Figure(figsize=size, layout="constrained")
    return fig, fig.subplots(rows, columns, **options)


def show(fig: Figure, caption: str, quick: bool = False) -> None:
    """Display a figure as a PNG, then a caption that says in words what it shows.

    The caption is the figure's text alternative, so it must not be empty. A `quick` PNG is drawn in
    half the time and is less fine; in either an inch of the figure is 100 pixels wide.
    """
    if not caption.strip():
        raise ValueError("caption must say in words what the figure shows, got an empty one")
    caption = caption.strip()
    picture = {"image/png": quick_png(fig) if quick else png(fig), "text/plain": caption}
    width = round(fig.get_figwidth() * 100)
    display(picture, raw=True, metadata={"image/png": {"width": width}})
    display({"text/markdown": f"*{caption}*", "text/plain": caption}, raw=True)


def png(fig: Figure) -> bytes:
    """Return a figure as the bytes of a PNG with 256 colours, a third of the size of all."""
    drawn, small = BytesIO(), BytesIO()
    fig.savefig(drawn, format="png", dpi=160)
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png")
    return small.getvalue()


def quick_png(fig: Figure) -> bytes:
    """Return a figure as the bytes of a PNG that is not made small."""
    drawn = BytesIO()
    fig.savefig(drawn, format="png", dpi=110, pil_kwargs={"compress_level": 1})
    return drawn.getvalue()


def contours(ax, landscape):
    """Draw a 2-D landscape as grey level lines, evenly spaced in the logarithm of its height.

    Stars mark its minima.
    """
    (left, right), (low, high) = landscape.window
    x, y = np.linspace(left, right, 240), np.linspace(low, high, 240)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    heights = landscape.value(grid)
    heights = heights - heights.min()
    lifted = np.log10(heights + heights.max() * 1e-4)
    ax.contourf(x, y, lifted, levels=14, cmap="Greys", alpha=0.2)
    ax.contour(x, y, lifted, levels=14, colors="#8A8A8A", linewidths=0.5)
    for minimum in landscape.minima:
        ax.plot(*minimum, "*", color="#333333", markersize=11, markeredgecolor="white", zorder=5)
    ax.set(title=landscape.name, xlabel="$x$", ylabel="$y$", xlim=(left, right), ylim=(low, high))
    ax.grid(False)
    return ax


def slope_curve(ax, landscape):
    """Draw a 1-D landscape as a curve of loss over weight."""
    ((low, high),) = landscape.window
    w = np.linspace(low, high, 400)
    ax.plot(w, landscape.value(w[:, None]), color=GREY)
    ax.set(title=landscape.name, xlabel="weight $w$", ylabel="loss $L(w)$", xlim=(low, high))
    return ax


def path(ax, walked, color: str = BLUE, label: str | None = None, marker: str = "o"):
    """Draw the points of one `descent.Path`: on a plane for two weights, on the curve for one."""
    points, values = walked.points, walked.values
    x, y = (points[:, 0], points[:, 1]) if points.shape[-1] == 2 else (points[:, 0], values)
    ax.plot(x, y, color=color, marker=marker, markersize=4, linewidth=1.5, label=label)
    ax.plot(x[0], y[0], marker="s", color=color, markersize=8, markeredgecolor="white")
    return ax


def losses(ax, values, label: str | None = None, color: str = BLUE, dash: str = "solid"):
    """Draw a loss over steps (or epochs) on a logarithmic scale."""
    ax.plot(np.arange(len(values)), values, color=color, linestyle=dash, label=label)
    ax.set(yscale="log", xlabel="step", ylabel="loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def weight_images(axes, weights, shape: tuple[int, int] = (8, 8), limit: float | None = None):
    """Draw each column of a weight matrix as an image: blue negative, white zero, orange positive.

    Args:
        axes: an array of axes, one for each column drawn.
        weights: shape (pixels, units).
        shape: rows and columns of the image.
        limit: the weight drawn in full colour; the largest one where it is left out.
    """
    limit = np.abs(weights).max() if limit is None else limit
    for ax, column in zip(np.ravel(axes), weights.T, strict=False):
        ax.imshow(column.reshape(shape), cmap="PuOr_r", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    return axes
