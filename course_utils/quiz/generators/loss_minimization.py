"""The seeded numbers of the question bank on loss minimization; no question text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from the course's own losses, networks and descent wherever these can give them.
"""

import numpy as np

from course_utils.descent import minimize
from course_utils.landscapes import Landscape
from course_utils.losses import huber, mean_squared_error, softmax_cross_entropy
from course_utils.networks import MLP
from course_utils.optimizers import SGD
from course_utils.quiz.generators import Variant, generator


@generator("loss_parameter_count")
def parameter_count(rng: np.random.Generator) -> Variant:
    """The weights and biases of a network with one hidden layer."""
    inputs = int(rng.choice([20, 30, 64]))
    hidden = int(rng.choice([8, 16, 32]))
    outputs = int(rng.choice([3, 5, 10]))
    size = MLP((inputs, hidden, outputs)).size
    return Variant(
        numbers={"inputs": inputs, "hidden": hidden, "outputs": outputs},
        key=float(size),
        mistakes={
            "biases_left_out": float(inputs * hidden + hidden * outputs),
            "inputs_with_biases": float(size + inputs),
            "units_counted": float(inputs + hidden + outputs),
            "first_layer_only": float(inputs * hidden + hidden),
        },
    )


@generator("loss_mse_value")
def mse_value(rng: np.random.Generator) -> Variant:
    """The mean squared error of three predictions, with errors of both signs."""
    sizes = rng.permutation([(1, 2, 4), (1, 3, 5), (2, 3, 6)][rng.integers(3)])
    signs = [(-1, 1, 1), (1, -1, 1), (1, 1, -1)][rng.integers(3)]
    errors = sizes * signs
    targets = rng.choice([2, 5, 7, 8, 9], 3, replace=False)
    key, _ = mean_squared_error((targets + errors)[:, None], targets[:, None])
    predicted = {f"p{i}": int(p) for i, p in enumerate(targets + errors, start=1)}
    wanted = {f"t{i}": int(t) for i, t in enumerate(targets, start=1)}
    return Variant(
        numbers=predicted | wanted,
        key=float(key),
        mistakes={
            "not_averaged": float(3 * key),
            "absolute": float(np.abs(errors).mean()),
            "root_taken": float(np.sqrt(key)),
            "halved": float(key / 2),
            "averaged_before_squaring": float(errors.mean() ** 2),
        },
    )


@generator("loss_mse_slope")
def mse_slope(rng: np.random.Generator) -> Variant:
    """The slope of the mean squared error at one of several predictions."""
    n = int(rng.choice([4, 5, 10]))
    error = int(rng.choice([-6, -3, 3, 6]))
    target = int(rng.choice([10, 12, 15]))
    targets = np.full((n, 1), target)
    _, gradient = mean_squared_error(targets + error * np.eye(n, 1), targets)
    return Variant(
        numbers={"n": n, "prediction": target + error, "target": target},
        key=float(gradient[0, 0]),
        mistakes={
            "not_averaged": 2.0 * error,
            "factor_two_lost": error / n,
            "sign_flipped": -2 * error / n,
            "share_of_the_loss": error**2 / n,
        },
    )


@generator("loss_huber_value")
def huber_value(rng: np.random.Generator) -> Variant:
    """The Huber loss of one error beyond δ."""
    delta, size = [(2, 3), (2, 5), (3, 5), (3, 8), (0.5, 3)][rng.integers(5)]
    error = int(rng.choice([-1, 1])) * size
    key, _ = huber(np.array([[error]]), np.zeros((1, 1)), delta)
    return Variant(
        numbers={"error": error, "delta": delta},
        key=float(key),
        mistakes={
            "parabola": size**2 / 2,
            "line_not_joined": float(delta * size),
            "absolute": float(size),
            "clipped": delta**2 / 2,
        },
    )


@generator("loss_softmax_value")
def softmax_value(rng: np.random.Generator) -> Variant:
    """The cross-entropy of three logits, the first of the true class."""
    triples = [(1, 2, 3), (2, 1, 1), (3, 1, 2), (1, 1, 2), (2, 3, 1), (1, 3, 1), (2, 4, 1)]
    a, b, c = triples[rng.integers(len(triples))]
    key, _ = softmax_cross_entropy(np.array([[a, b, c]], float), np.array([0]))
    return Variant(
        numbers={"a": a, "b": b, "c": c},
        key=float(key),
        mistakes={
            "probability": float(np.exp(-key)),
            "sign_lost": float(-key),
            "base_ten": float(key / np.log(10)),
            "shares_of_logits": float(np.log((a + b + c) / a)),
        },
    )


@generator("loss_chord_gap")
def chord_gap(rng: np.random.Generator) -> Variant:
    """How far the middle of a chord lies above the squared error of one prediction."""
    target = int(rng.choice([1, 2, 3]))
    u = target + int(rng.choice([1, 2]))
    v = u + int(rng.choice([2, 4, 6]))

    def loss(w):
        return float(mean_squared_error(np.array([[w]]), np.array([[target]]))[0])

    chord, curve = (loss(u) + loss(v)) / 2, loss((u + v) / 2)
    return Variant(
        numbers={"target": target, "u": u, "v": v},
        key=chord - curve,
        mistakes={
            "chord_height": chord,
            "curve_height": curve,
            "sign_flipped": curve - chord,
        },
    )


@generator("loss_random_cosine")
def random_cosine(rng: np.random.Generator) -> Variant:
    """The root mean square of the cosine between a random direction and any fixed one."""
    weights = int(rng.choice([100, 400, 900, 2500, 10_000]))
    return Variant(
        numbers={"weights": weights},
        key=float(1 / np.sqrt(weights)),
        mistakes={
            "root_left_out": 1 / weights,
            "upside_down": float(np.sqrt(weights)),
            "best_of_hundred": float(2.5 / np.sqrt(weights)),
        },
    )


@generator("loss_penalty_minimum")
def penalty_minimum(rng: np.random.Generator) -> Variant:
    """The minimum of (x - goal)² with the limit on x replaced by a quadratic penalty."""
    limit = int(rng.choice([1, 2, 3]))
    goal = limit + int(rng.choice([5, 10]))
    strength = int(rng.choice([3, 4, 9]))

    def value(x):
        return (x[..., 0] - goal) ** 2 + strength * np.maximum(0, x[..., 0] - limit) ** 2

    def gradient(x):
        return 2 * (x - goal) + 2 * strength * np.maximum(0, x - limit)

    penalised = Landscape("penalised", value, gradient, ((limit, goal),))
    (key,) = minimize(penalised, SGD(0.5 / (1 + strength)), [float(goal)], steps=50).end
    return Variant(
        numbers={"goal": goal, "limit": limit, "strength": strength},
        key=float(key),
        mistakes={
            "exact_constraint": float(limit),
            "penalty_forgotten": float(goal),
            "pulls_swapped": (limit + strength * goal) / (1 + strength),
            "strength_forgotten": (limit + goal) / 2,
        },
    )


@generator("loss_multiplier")
def multiplier(rng: np.random.Generator) -> Variant:
    """The Lagrange multiplier of x ≤ limit where (x - goal)² is minimized."""
    limit = int(rng.choice([1, 2, 4]))
    gap = int(rng.choice([3, 4, 5]))
    goal = limit + gap
    _, slope = mean_squared_error(np.array([[limit]]), np.array([[goal]]))
    return Variant(
        numbers={"goal": goal, "limit": limit},
        key=-float(slope[0, 0]),
        mistakes={
            "sign_flipped": float(slope[0, 0]),
            "factor_two_lost": float(gap),
            "least_value": float(gap**2),
        },
    )
