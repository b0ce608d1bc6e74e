"""How a loss curves: Hessian-vector products, the largest eigenvalue, and planes to look at."""

import numpy as np

from course_utils.landscapes import Landscape


def hessian_vector(objective, params: np.ndarray, vector: np.ndarray, h: float = 1e-5):
    r"""Return the Hessian times a vector, from two gradients.

    .. math::
        H v \approx \frac{\nabla L(w + h u) - \nabla L(w - h u)}{2h} \lVert v \rVert,
        \qquad u = v / \lVert v \rVert

    It is true where the gradient is smooth over ±h. On a network of relu units a kink in between
    looks like a huge curvature, so measure with tanh.

    >>> from course_utils.landscapes import bowl
    >>> here, vector = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    >>> hessian_vector(bowl(condition_number=5), here, vector).round(6)
    array([1., 5.])

    Source: Pearlmutter 1994, section 2 (who goes on to avoid the difference).
    """
    length = np.linalg.norm(vector)
    if length == 0:
        return np.zeros_like(params)
    nudge = h * vector / length
    difference = objective.gradient(params + nudge) - objective.gradient(params - nudge)
    return difference * length / (2 * h)


def largest_eigenvalue(
    objective, params: np.ndarray, steps: int = 100, seed: int = 0
) -> tuple[float, np.ndarray]:
    """Return the Hessian's largest eigenvalue and its eigenvector, by power iteration.

    Power iteration finds the eigenvalue of largest magnitude, which may be a negative one. So it
    runs twice: the second time on H + sI, where no eigenvalue is negative and the largest one of H
    leads. The shift s is the length of Hv for the last v of the first time: it nears the largest
    magnitude also where +λ and -λ tie, and v nears no eigenvector.

    >>> from course_utils.landscapes import saddle
    >>> value, _ = largest_eigenvalue(saddle(), np.array([0.0, 0.0]))  # eigenvalues 1 and -1
    >>> round(value, 6)
    1.0

    Source: Golub and Van Loan 2013, section 7.3 (the power method).
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    start = np.random.default_rng(seed).standard_normal(params.shape)
    _, shift, _ = _power_iteration(lambda v: hessian_vector(objective, params, v), start, steps)
    shifted, _, vector = _power_iteration(
        lambda v: hessian_vector(objective, params, v) + shift * v, start, steps
    )
    return shifted - shift, vector


def _power_iteration(multiply, vector, steps) -> tuple[float, float, np.ndarray]:
    """Return the last Rayleigh quotient, the length of the last product, and its direction."""
    vector = vector / np.linalg.norm(vector)
    for _ in range(steps):
        product = multiply(vector)
        quotient = float(vector @ product)
        length = float(np.linalg.norm(product))
        if length == 0:
            return 0.0, 0.0, vector
        vector = product / length
    return quotient, length, vector


def filter_normalised_direction(network, params: np.ndarray, seed: int) -> np.ndarray:
    """Return a random direction in weight space, scaled to the weights it will change.

    The weights into each unit get the length that the trained weights into that unit have; biases
    stay as they are. Then a step of 1 means the same for networks of different scale.

    Source: Li, Xu, Taylor, Studer and Goldstein 2018.
    """
    rng = np.random.default_rng(seed)
    direction = np.zeros_like(params)
    pairs = zip(network.views(direction)[::2], network.views(params)[::2], strict=True)
    for part, weights in pairs:
        random = rng.standard_normal(weights.shape)
        part[...] = random * np.linalg.norm(weights, axis=0) / np.linalg.norm(random, axis=0)
    return direction


def loss_plane(objective, center: np.ndarray, across, up, radius: float = 1.0) -> Landscape:
    """Return the loss on the plane center + x·across + y·up, as a landscape of x and y.

    Args:
        objective: a loss over parameters of the shape of center.
        center: the parameters in the middle of the plane.
        across: the direction of x.
        up: the direction of y.
        radius: x and y run from -radius to radius.

    >>> from course_utils.landscapes import bowl
    >>> plane = loss_plane(bowl(4), np.zeros(2), across=np.array([1, 0]), up=np.array([0, 2]))
    >>> plane.value(np.array([1.0, 1.0])), plane.gradient(np.array([1.0, 1.0]))
    (np.float64(8.5), array([ 1., 16.]))
    """
    axes = np.stack([across, up])

    def value(points):
        return objective.value(center + points @ axes)

    def gradient(points):
        return objective.gradient(center + points @ axes) @ axes.T

    window = ((-radius, radius), (-radius, radius))
    return Landscape("Loss on a plane through weight space", value, gradient, window)
