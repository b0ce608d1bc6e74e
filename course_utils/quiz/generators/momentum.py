"""The seeded numbers of the question bank on momentum; no question text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from steps of the course's own optimizer wherever these can give them.
"""

import numpy as np

from course_utils.descent import minimize
from course_utils.landscapes import Landscape, bowl
from course_utils.optimizers import SGD
from course_utils.quiz.generators import Variant, generator


def parabola(curvature: float = 1.0) -> Landscape:
    """Return ½ λ w² of one weight."""
    return Landscape(
        "parabola",
        lambda w: curvature * w[..., 0] ** 2 / 2,
        lambda w: curvature * w,
        ((-1.0, 1.0),),
    )


def final_velocity(optimizer: SGD, gradients, velocity: float = 0.0) -> float:
    """Return the velocity that an optimizer with this velocity has after some gradients."""
    params, state = np.zeros(1), SGD.State(0, np.array([velocity]))
    for gradient in gradients:
        params, state = optimizer.update(np.array([gradient]), state, params)
    return float(state.velocity[0])


@generator("mom_factor_of_gradient_descent")
def factor_of_gradient_descent(rng: np.random.Generator) -> Variant:
    """The factor of a step of gradient descent at its best rate, from two curvatures."""
    smallest, ratio = [(2, 9), (4, 4), (5, 9), (1, 19), (2, 19), (0.5, 49)][rng.integers(6)]
    far, near = minimize(bowl(ratio), SGD(2 / (1 + ratio)), [1.0, 1.0], steps=1).points
    root = ratio**0.5
    return Variant(
        numbers={"smallest": smallest, "largest": smallest * ratio},
        key=float(np.linalg.norm(near) / np.linalg.norm(far)),
        mistakes={
            "with_momentum": (root - 1) / (root + 1),
            "one_over_the_largest": 1 - 1 / ratio,
            "taken_off": 2 / (ratio + 1),
        },
    )


@generator("mom_velocity")
def velocity(rng: np.random.Generator) -> Variant:
    """The velocity of Keras after two gradients."""
    rate = float(rng.choice([0.1, 0.2]))
    beta = float(rng.choice([0.8, 0.9]))
    g1, g2 = int(rng.choice([2, 4])), int(rng.choice([-6, 3, 5]))
    buffer = beta * g1 + g2
    return Variant(
        numbers={"rate": rate, "beta": beta, "g1": g1, "g2": g2},
        key=final_velocity(SGD(rate, momentum=beta), [g1, g2]),
        mistakes={
            "pytorch": buffer,
            "sign": rate * buffer,
            "not_faded": -rate * (g1 + g2),
            "average": -rate * (1 - beta) * buffer,
            "forgotten": -rate * g2,
        },
    )


@generator("mom_nesterov_step")
def nesterov_step(rng: np.random.Generator) -> Variant:
    """Where a step of Nesterov's momentum in its look-ahead form leads on a parabola.

    The course's optimizer walks the points ahead, w + βv, so the key is one of these minus βv.
    """
    a, w = int(rng.choice([3, 5])), int(rng.choice([3, 4]))
    v = float(rng.choice([-2.0, -1.0]))
    rate, beta = float(rng.choice([0.1, 0.3])), float(rng.choice([0.5, 0.8]))
    ahead = np.array([w + beta * v])
    next_ahead, state = SGD(rate, momentum=beta, nesterov=True).update(
        parabola(a).gradient(ahead), SGD.State(0, np.array([v])), ahead
    )
    key, new_velocity = float(next_ahead[0] - beta * state.velocity[0]), float(state.velocity[0])
    return Variant(
        numbers={"a": a, "w": w, "v": v, "rate": rate, "beta": beta},
        key=key,
        mistakes={
            "heavy_ball": w + beta * v - rate * a * w,
            "whole_velocity": w + beta * v - rate * a * (w + v),
            "velocity": new_velocity,
            "added_to_the_point_ahead": w + beta * v + new_velocity,
        },
    )


@generator("mom_best_momentum")
def best_momentum(rng: np.random.Generator) -> Variant:
    """The momentum of the heavy ball's best pair, from two curvatures."""
    smallest, ratio = [(4, 9), (5, 16), (2, 25), (3, 36), (2, 49)][rng.integers(5)]
    root = ratio**0.5
    factor = (root - 1) / (root + 1)
    return Variant(
        numbers={"smallest": smallest, "largest": smallest * ratio},
        key=factor**2,
        mistakes={
            "not_squared": factor,
            "root_left_out": ((ratio - 1) / (ratio + 1)) ** 2,
            "rate": 4 / (smallest * (root + 1) ** 2),
        },
    )


@generator("mom_limit")
def limit(rng: np.random.Generator) -> Variant:
    """The rate above which the heavy ball diverges on a parabola."""
    beta = float(rng.choice([0.25, 0.5, 0.6, 0.8]))
    curvature = int(rng.choice([4, 5, 8, 10]))
    return Variant(
        numbers={"beta": beta, "curvature": curvature},
        key=2 * (1 + beta) / curvature,
        mistakes={
            "without_momentum": 2 / curvature,
            "one_minus_beta": 2 * (1 - beta) / curvature,
            "divided": 2 / (1 - beta) / curvature,
        },
    )


@generator("mom_velocity_from_buffer")
def velocity_from_buffer(rng: np.random.Generator) -> Variant:
    """The velocity with which Keras goes on as PyTorch does with its momentum buffer."""
    rate = float(rng.choice([0.02, 0.05, 0.1]))
    beta = float(rng.choice([0.8, 0.9]))
    buffer = int(rng.choice([-6, -4, 3, 8]))
    # Seen as the sum that came in as one gradient, the buffer makes this velocity in Keras.
    key = final_velocity(SGD(rate, momentum=beta), [buffer])
    return Variant(
        numbers={"rate": rate, "beta": beta, "buffer": buffer},
        key=key,
        mistakes={
            "sign": -key,
            "buffer": -float(buffer),
            "faded": beta * key,
            "average": (1 - beta) * key,
        },
    )


@generator("mom_coast")
def coast(rng: np.random.Generator) -> Variant:
    """How far momentum carries a weight where there is no gradient any more."""
    beta = float(rng.choice([0.75, 0.8, 0.9, 0.95]))
    last = float(rng.choice([0.2, 0.4, 0.6]))
    optimizer, params = SGD(momentum=beta), np.zeros(1)
    state = SGD.State(0, np.array([last]))
    for _ in range(300):
        params, state = optimizer.update(np.zeros(1), state, params)
    return Variant(
        numbers={"beta": beta, "last": last},
        key=float(params[0]),
        mistakes={
            "last_step_counted": last / (1 - beta),
            "one_step": beta * last,
            "no_step": 0.0,
        },
    )


@generator("mom_equal_rate")
def equal_rate(rng: np.random.Generator) -> Variant:
    """The rate at which the steps of momentum on an even slope become those of plain descent."""
    rate = float(rng.choice([0.1, 0.2, 0.5]))
    beta = float(rng.choice([0.8, 0.9, 0.95]))
    growth = -final_velocity(SGD(1.0, momentum=beta), np.ones(300))
    return Variant(
        numbers={"rate": rate, "beta": beta},
        key=rate / growth,
        mistakes={
            "unchanged": rate,
            "divided": rate * growth,
            "times_beta": rate * beta,
        },
    )
