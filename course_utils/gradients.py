"""What changes a gradient before an optimizer sees it: clipping, and the worst neighbour of SAM.

Clipping takes a list of arrays, as ``network.views(gradient)`` gives them: on one flat vector the
norm of each array and the global norm would be the same.
"""

from dataclasses import dataclass

import numpy as np

from course_utils.hyperparameters import Hyperparameter, per_run, require_positive

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class SAM:
    r"""An objective as its worst neighbour sees it: sharpness-aware minimization.

    .. math::
        L_{SAM}(w) = L(w + \hat e), \qquad
        \hat e = \rho\, \nabla L(w) / \lVert \nabla L(w) \rVert

    The gradient is the loss's at that neighbour, as in the paper: how ê changes with w is left out.

    Args:
        objective: any objective.
        radius: ρ, the distance of the neighbour, positive, a number or one a run.

    >>> from course_utils.landscapes import bowl
    >>> SAM(bowl(condition_number=1), radius=0.5).gradient(np.array([3.0, 4.0]))  # of (3.3, 4.4)
    array([3.3, 4.4])

    Source: Foret, Kleiner, Mobahi and Neyshabur 2021.
    """

    objective: object
    radius: Hyperparameter = 0.05

    def __post_init__(self):
        """Refuse a radius that is not positive."""
        require_positive(self, "radius")

    def __getattr__(self, name):
        """Take everything else (size, examples, ...) from the objective."""
        # Copying asks for special methods, and that before there is an objective.
        if name == "objective" or name.startswith("__"):
            raise AttributeError(f"SAM has no attribute {name}")
        return getattr(self.objective, name)

    def worst_neighbour(self, params: np.ndarray) -> np.ndarray:
        """Return the point a radius uphill; the point itself where the gradient is zero."""
        gradient = self.objective.gradient(params)
        length = np.linalg.norm(gradient, axis=-1, keepdims=True)
        return params + per_run(self.radius) * gradient / np.where(length == 0, 1, length)

    def batch(self, *arguments) -> "SAM":
        """Return the same over some examples only."""
        return SAM(self.objective.batch(*arguments), self.radius)

    def value(self, params: np.ndarray) -> np.ndarray:
        """Return the loss at the worst neighbour."""
        return self.objective.value(self.worst_neighbour(params))

    def gradient(self, params: np.ndarray) -> np.ndarray:
        """Return the loss's gradient at the worst neighbour."""
        return self.objective.gradient(self.worst_neighbour(params))

    def value_and_gradient(self, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both."""
        return self.objective.value_and_gradient(self.worst_neighbour(params))


def clip_by_value(arrays: Arrays, limit: float) -> Arrays:
    """Cut every entry to the range from -limit to limit.

    >>> clip_by_value([np.array([3.0, -0.5])], limit=1.0)
    [array([ 1. , -0.5])]
    """
    _require_limit(limit)
    return [np.clip(array, -limit, limit) for array in arrays]


def clip_by_norm(arrays: Arrays, limit: float) -> Arrays:
    """Shorten each array by itself to a length of at most limit; directions stay.

    >>> clip_by_norm([np.array([3.0, 4.0]), np.array([0.1])], limit=1.0)
    [array([0.6, 0.8]), array([0.1])]
    """
    _require_limit(limit)
    return [array * _shrink(np.linalg.norm(array), limit) for array in arrays]


def clip_by_global_norm(arrays: Arrays, limit: float) -> Arrays:
    """Shorten all arrays by one factor so that their common length is at most limit.

    The direction of the whole gradient stays, which `clip_by_norm` does not promise.

    >>> clip_by_global_norm([np.array([3.0]), np.array([4.0])], limit=1.0)
    [array([0.6]), array([0.8])]

    Source: Pascanu, Mikolov and Bengio 2013.
    """
    _require_limit(limit)
    length = np.sqrt(sum(np.sum(array * array) for array in arrays))
    return [array * _shrink(length, limit) for array in arrays]


def _shrink(length: float, limit: float) -> float:
    return limit / length if length > limit else 1.0


def _require_limit(limit: float) -> None:
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
