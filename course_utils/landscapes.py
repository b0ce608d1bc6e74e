"""Functions of one or two variables with exact gradients, to walk on and to draw; no drawing here.

Points lie on the last axis: ``value`` takes points of shape (..., n) to values of shape (...), and
``gradient`` to gradients of shape (..., n).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Window = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Landscape:
    """An objective that is small enough to look at.

    Args:
        name: how a figure calls it.
        value: points (..., n) to values (...).
        gradient: points (..., n) to gradients (..., n).
        window: the part worth drawing, one (low, high) for each of the n coordinates.
        minima: the local minima inside the window, each a tuple of n numbers.
        equation: the formula in LaTeX, without dollar signs.

    >>> parabola = Landscape("parabola", lambda w: w[..., 0] ** 2, lambda w: 2 * w, ((-2, 2),))
    >>> parabola.gradient(np.array([3.0]))
    array([6.])
    """

    name: str
    value: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    window: Window
    minima: tuple[tuple[float, ...], ...] = ()
    equation: str = ""

    @property
    def size(self) -> int:
        """Return the number n of coordinates."""
        return len(self.window)


def bowl(condition_number: float = 10.0) -> Landscape:
    """Return the quadratic bowl ½(x² + κy²), whose Hessian has the condition number κ.

    >>> bowl(condition_number=4.0).gradient(np.array([1.0, 1.0]))
    array([1., 4.])
    """
    if not condition_number >= 1:
        raise ValueError(f"condition_number must be at least 1, got {condition_number}")

    def value(points):
        x, y = coordinates(points)
        return 0.5 * (x * x + condition_number * y * y)

    def gradient(points):
        x, y = coordinates(points)
        return stack_like(points, x, condition_number * y)

    return Landscape(
        f"Bowl (condition number {condition_number:g})",
        value,
        gradient,
        window=((-3.0, 3.0), (-2.0, 2.0)),
        minima=((0.0, 0.0),),
        equation=rf"\frac{{1}}{{2}}\left(x^2 + {condition_number:g}\,y^2\right)",
    )


def rosenbrock() -> Landscape:
    """Return Rosenbrock's curved valley (1 − x)² + 100 (y − x²)² (Rosenbrock 1960).

    >>> rosenbrock().value(np.array([1.0, 1.0]))
    np.float64(0.0)
    """

    def value(points):
        x, y = coordinates(points)
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2

    def gradient(points):
        x, y = coordinates(points)
        off_valley = y - x * x
        return stack_like(points, -2 * (1 - x) - 400 * x * off_valley, 200 * off_valley)

    return Landscape(
        "Rosenbrock's valley",
        value,
        gradient,
        window=((-2.0, 2.0), (-1.0, 3.0)),
        minima=((1.0, 1.0),),
        equation=r"(1 - x)^2 + 100\,(y - x^2)^2",
    )


def himmelblau() -> Landscape:
    """Return Himmelblau's function, which has four minima of height 0 (Himmelblau 1972).

    >>> himmelblau().value(np.array([3.0, 2.0]))
    np.float64(0.0)
    """

    def value(points):
        x, y = coordinates(points)
        return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2

    def gradient(points):
        x, y = coordinates(points)
        first, second = x * x + y - 11, x + y * y - 7
        return stack_like(points, 4 * x * first + 2 * second, 2 * first + 4 * y * second)

    return Landscape(
        "Himmelblau's four valleys",
        value,
        gradient,
        window=((-6.0, 6.0), (-6.0, 6.0)),
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        equation=r"(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    )


def saddle() -> Landscape:
    """Return ½x² + ¼y⁴ − ½y²: a saddle at the origin between two minima at (0, ±1).

    >>> saddle().gradient(np.array([0.0, 0.0]))
    array([0., 0.])
    """

    def value(points):
        x, y = coordinates(points)
        return 0.5 * x * x + 0.25 * y**4 - 0.5 * y * y

    def gradient(points):
        x, y = coordinates(points)
        return stack_like(points, x, y**3 - y)

    return Landscape(
        "Saddle between two minima",
        value,
        gradient,
        window=((-2.0, 2.0), (-1.6, 1.6)),
        minima=((0.0, -1.0), (0.0, 1.0)),
        equation=r"\frac{1}{2}x^2 + \frac{1}{4}y^4 - \frac{1}{2}y^2",
    )


def double_well(tilt: float = 0.0) -> Landscape:
    """Return the curve ¼w⁴ − ½w² + tilt·w: two wells, one deeper when it is tilted.

    Above a tilt of 2/√27 ≈ 0.385, either way, only one well is left.

    >>> double_well().minima
    ((-1.0,), (1.0,))
    """

    def value(points):
        (w,) = coordinates(points)
        return 0.25 * w**4 - 0.5 * w * w + tilt * w

    def gradient(points):
        (w,) = coordinates(points)
        return stack_like(points, w**3 - w + tilt)

    stationary = np.roots([1.0, 0.0, -1.0, tilt])
    real = np.sort(stationary[np.abs(stationary.imag) < 1e-9].real)
    return Landscape(
        "Double well",
        value,
        gradient,
        window=((-1.8, 1.8),),
        minima=tuple((float(round(w, 14)),) for w in real if 3 * w * w > 1),
        equation=r"\frac{1}{4}w^4 - \frac{1}{2}w^2" + (rf" {tilt:+g}\,w" if tilt else ""),
    )


def coordinates(points: np.ndarray) -> tuple[np.ndarray, ...]:
    """Split points of shape (..., n) into n arrays of shape (...).

    >>> coordinates(np.array([[1, 2], [3, 4], [5, 6]]))
    (array([1, 3, 5]), array([2, 4, 6]))
    """
    return tuple(points[..., i] for i in range(points.shape[-1]))


def stack_like(points: np.ndarray, *parts: np.ndarray) -> np.ndarray:
    """Join n arrays of shape (...) into one like points, of shape (..., n)."""
    joined = np.empty(points.shape, np.result_type(*parts))
    for i, part in enumerate(parts):
        joined[..., i] = part
    return joined
