"""How the readings below a stage write numbers and points; what they say stands in each lesson."""

from collections.abc import Sequence


def number(value: float, decimals: int = 2) -> str:
    """Write a number with a fixed count of decimals and a true minus sign, never minus zero.

    >>> number(-0.5), number(-0.001), number(12.345, 1)
    ('−0.50', '0.00', '12.3')
    """
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def place(point: Sequence[float]) -> str:
    """Write a point of the plane with two decimals.

    >>> place((1, -2.5))
    '(1.00, −2.50)'
    """
    return f"({number(point[0])}, {number(point[1])})"


def three_figures(value: float) -> str:
    """Write a number with three significant figures and a true minus sign.

    >>> three_figures(-0.01234)
    '−0.0123'
    """
    return f"{value:.3g}".replace("-", "−")
