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


def ravine(condition_number: float = 50.0, degrees: float = 30.0) -> Landscape:
    """Return a quadratic valley whose long axis is turned, so that no coordinate lies along it.

    With u and v the coordinates along and across the valley: ½(u² + κv²).

    >>> ravine(condition_number=50).value(np.array([0.0, 0.0]))
    np.float64(0.0)
    """
    flat = bowl(condition_number)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Landscape(
        f"Ravine (condition number {condition_number:g})",
        lambda points: flat.value(points @ turn),
        lambda points: flat.gradient(points @ turn) @ turn.T,
        window=((-3.0, 3.0), (-2.5, 2.5)),
        minima=((0.0, 0.0),),
        equation=rf"\frac{{1}}{{2}}\left(u^2 + {condition_number:g}\,v^2\right)",
    )


def beale() -> Landscape:
    """Return Beale's function: a sharp-edged plateau around a narrow valley (Beale 1958).

    >>> beale().value(np.array([3.0, 0.5]))
    np.float64(0.0)
    """
    targets = (1.5, 2.25, 2.625)

    def residuals(x, y):
        return [target - x + x * y**k for k, target in enumerate(targets, start=1)]

    def value(points):
        x, y = coordinates(points)
        return sum(residual * residual for residual in residuals(x, y))

    def gradient(points):
        x, y = coordinates(points)
        terms = list(enumerate(residuals(x, y), start=1))
        along_x = sum(2 * residual * (y**k - 1) for k, residual in terms)
        along_y = sum(2 * residual * k * x * y ** (k - 1) for k, residual in terms)
        return stack_like(points, along_x, along_y)

    return Landscape(
        "Beale's function",
        value,
        gradient,
        window=((-1.0, 4.5), (-1.5, 1.5)),
        minima=((3.0, 0.5),),
        equation=r"(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
    )


def rastrigin() -> Landscape:
    """Return Rastrigin's egg box: a bowl covered with a grid of local minima (Rastrigin 1974).

    >>> rastrigin().minima[0], len(rastrigin().minima)
    ((0.0, 0.0), 25)
    """

    def value(points):
        return np.sum(points * points - 10 * np.cos(2 * np.pi * points) + 10, axis=-1)

    def gradient(points):
        return 2 * points + 20 * np.pi * np.sin(2 * np.pi * points)

    # One coordinate's minima solve w + 10π sin 2πw = 0 near the whole numbers: Newton's method.
    w = np.arange(-2.0, 3.0)
    for _ in range(10):
        w -= (w + 10 * np.pi * np.sin(2 * np.pi * w)) / (1 + 20 * np.pi**2 * np.cos(2 * np.pi * w))
    places = sorted(w.tolist(), key=abs)
    minima = sorted(((x, y) for x in places for y in places), key=lambda p: abs(p[0]) + abs(p[1]))
    return Landscape(
        "Rastrigin's egg box",
        value,
        gradient,
        window=((-2.4, 2.4), (-2.4, 2.4)),
        minima=tuple(minima),
        equation=r"20 + x^2 - 10\cos 2\pi x + y^2 - 10\cos 2\pi y",
    )


def styblinski_tang() -> Landscape:
    """Return ½ Σ (w⁴ − 16w² + 5w): four minima of three heights (Styblinski and Tang 1990).

    >>> styblinski_tang().value(np.array(styblinski_tang().minima[0])).round(3)
    np.float64(-78.332)
    """

    def value(points):
        return 0.5 * np.sum(points**4 - 16 * points * points + 5 * points, axis=-1)

    def gradient(points):
        return 2 * points**3 - 16 * points + 2.5

    deep, _, shallow = np.sort(np.roots([4.0, 0.0, -32.0, 5.0]).real).tolist()
    return Landscape(
        "Styblinski and Tang's function",
        value,
        gradient,
        window=((-4.5, 4.5), (-4.5, 4.5)),
        minima=((deep, deep), (deep, shallow), (shallow, deep), (shallow, shallow)),
        equation=r"\frac{1}{2}(x^4 - 16x^2 + 5x + y^4 - 16y^2 + 5y)",
    )


def monkey_saddle() -> Landscape:
    """Return x³ − 3xy²: three ways down and three up, and no curvature at all in the middle.

    >>> monkey_saddle().gradient(np.array([1.0, 0.0]))
    array([ 3., -0.])
    """

    def value(points):
        x, y = coordinates(points)
        return x**3 - 3 * x * y * y

    def gradient(points):
        x, y = coordinates(points)
        return stack_like(points, 3 * (x * x - y * y), -6 * x * y)

    return Landscape(
        "Monkey saddle",
        value,
        gradient,
        window=((-1.5, 1.5), (-1.5, 1.5)),
        equation=r"x^3 - 3xy^2",
    )


def plateau() -> Landscape:
    """Return r² / (1 + r²): a pit in a plain that is almost flat far away.

    >>> float(np.linalg.norm(plateau().gradient(np.array([5.0, 0.0]))).round(4))
    0.0148
    """

    def value(points):
        squared = np.sum(points * points, axis=-1)
        return squared / (1 + squared)

    def gradient(points):
        squared = np.sum(points * points, axis=-1, keepdims=True)
        return 2 * points / (1 + squared) ** 2

    return Landscape(
        "Pit in a plateau",
        value,
        gradient,
        window=((-5.0, 5.0), (-4.0, 4.0)),
        minima=((0.0, 0.0),),
        equation=r"\frac{x^2 + y^2}{1 + x^2 + y^2}",
    )


def cliff(height: float = 5.0, steepness: float = 20.0) -> Landscape:
    """Return a gentle bowl with a cliff in it: ½(x² + y²) / 4 + h σ(s(x − 1)).

    On the cliff the slope is up to h·s/4, so that one step from there lands far away.

    >>> cliff().gradient(np.array([1.0, 0.0]))
    array([25.25,  0.  ])
    """

    def logistic(x):
        return 0.5 + 0.5 * np.tanh(0.5 * steepness * (x - 1))

    def value(points):
        x, y = coordinates(points)
        return (x * x + y * y) / 8 + height * logistic(x)

    def gradient(points):
        x, y = coordinates(points)
        step = logistic(x)
        return stack_like(points, x / 4 + height * steepness * step * (1 - step), y / 4)

    # Newton's method: the cliff's foot pulls the minimum a little to the left of 0.
    x = 0.0
    for _ in range(50):
        step = logistic(x)
        pull = height * steepness * step * (1 - step)
        x -= (x / 4 + pull) / (1 / 4 + steepness * pull * (1 - 2 * step))
    return Landscape(
        "Cliff",
        value,
        gradient,
        window=((-3.0, 3.0), (-2.5, 2.5)),
        minima=((float(x), 0.0),),
        equation=rf"\frac{{x^2 + y^2}}{{8}} + {height:g}\,\sigma({steepness:g}(x - 1))",
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
