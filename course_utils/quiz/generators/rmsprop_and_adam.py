"""The seeded numbers of the question bank on RMSprop and Adam; no question text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from the course's own optimizers and clipping wherever these can give them.
"""

import numpy as np

from course_utils.gradients import clip_by_global_norm
from course_utils.optimizers import Adagrad, Adam, AdamW, RMSprop
from course_utils.quiz.generators import Variant, generator


def _last_step(optimizer, gradients) -> float:
    """Return how far the last of these gradients moves a weight, up or down."""
    params = np.zeros(1)
    state = optimizer.init(params)
    for gradient in gradients:
        before = params
        params, state = optimizer.update(np.array([float(gradient)]), state, params)
    return float((params - before)[0])


@generator("adam_adagrad_rate")
def adagrad_rate(rng: np.random.Generator) -> Variant:
    """The rate that Adagrad has for a weight at its third step."""
    g1, g2, g3 = [(1, -2, 2), (2, -3, 6), (1, -4, 8), (3, -4, 12)][rng.integers(4)]
    rate = float(rng.choice([0.1, 0.3, 0.6]))
    adagrad = Adagrad(rate, initial_accumulator_value=0.0)
    squares = g1**2 + g2**2 + g3**2
    return Variant(
        numbers={"g1": g1, "g2": g2, "g3": g3, "rate": rate},
        key=-_last_step(adagrad, [g1, g2, g3]) / g3,
        mistakes={
            "not_rooted": rate / squares,
            "mean": float(rate / np.sqrt(squares / 3)),
            "last_left_out": float(rate / np.hypot(g1, g2)),
            "sizes_added": rate / (abs(g1) + abs(g2) + abs(g3)),
        },
    )


@generator("adam_first_step_of_rmsprop")
def first_step_of_rmsprop(rng: np.random.Generator) -> Variant:
    """The length of RMSprop's first step, whose average of squares starts at 0."""
    rate = float(rng.choice([0.01, 0.02, 0.05]))
    rho = float(rng.choice([0.75, 0.9, 0.96, 0.99]))
    return Variant(
        numbers={"rate": rate, "rho": rho},
        key=-_last_step(RMSprop(rate, rho=rho), [100.0]),
        mistakes={
            "rate": rate,
            "not_rooted": rate / (1 - rho),
            "multiplied": float(rate * np.sqrt(1 - rho)),
        },
    )


@generator("adam_uncorrected_mean")
def uncorrected_mean(rng: np.random.Generator) -> Variant:
    """Adam's average m of equal gradients before the bias correction."""
    gradient = int(rng.choice([2, 4, 5]))
    beta, steps = [(0.9, 2), (0.9, 3), (0.9, 5), (0.8, 2), (0.8, 3)][rng.integers(5)]
    adam, params = Adam(beta_1=beta), np.zeros(1)
    state = adam.init(params)
    for _ in range(steps):
        params, state = adam.update(np.array([float(gradient)]), state, params)
    return Variant(
        numbers={"gradient": gradient, "beta": beta, "steps": steps},
        key=float(state.mean[0]),
        mistakes={
            "corrected": float(gradient),
            "one_step": (1 - beta) * gradient,
            "steps_added": steps * (1 - beta) * gradient,
            "start_kept": beta**steps * gradient,
        },
    )


@generator("adam_counter_that_stands_still")
def counter_that_stands_still(rng: np.random.Generator) -> Variant:
    """The long-run steps, in rates, of an Adam that corrects every step as if it were the first."""
    betas = [(0.9, 0.999), (0.9, 0.9975), (0.8, 0.99), (0.8, 0.999)]
    beta_1, beta_2 = betas[rng.integers(4)]
    key = float(np.sqrt(1 - beta_2) / (1 - beta_1))
    return Variant(
        numbers={"beta_1": beta_1, "beta_2": beta_2},
        key=key,
        mistakes={
            "counter_ignored": 1.0,
            "upside_down": 1 / key,
            "not_rooted": (1 - beta_2) / (1 - beta_1),
        },
    )


@generator("adam_epsilon_hat")
def epsilon_hat(rng: np.random.Generator) -> Variant:
    """The first step of Keras's Adam where epsilon is not small beside the gradient."""
    rate = float(rng.choice([0.1, 0.2]))
    pairs = [(0.01, 0.001), (0.02, 0.001), (0.01, 0.002), (0.03, 0.001)]
    gradient, epsilon = pairs[rng.integers(4)]
    first = rate * 0.1 * gradient  # β₂ = 0.99 leaves the root of 0.01 of the first square
    return Variant(
        numbers={"rate": rate, "gradient": gradient, "epsilon": epsilon},
        key=-_last_step(Adam(rate, beta_2=0.99, epsilon=epsilon), [gradient]),
        mistakes={
            "epsilon_left_out": rate,
            "after_the_correction": rate * gradient / (gradient + epsilon),
            "inside_the_root": float(first / np.sqrt((0.1 * gradient) ** 2 + epsilon)),
        },
    )


@generator("adam_decay_alone")
def decay_alone(rng: np.random.Generator) -> Variant:
    """What AdamW's decay leaves of a weight without gradients."""
    rate = 0.1
    start = int(rng.choice([2, 4, 5]))
    decay = float(rng.choice([0.2, 0.4, 0.5]))
    steps = int(rng.choice([10, 20]))
    adamw, params = AdamW(rate, weight_decay=decay), np.array([float(start)])
    state = adamw.init(params)
    for _ in range(steps):
        params, state = adamw.update(np.zeros(1), state, params)
    return Variant(
        numbers={"rate": rate, "decay": decay, "start": start, "steps": steps},
        key=float(params[0]),
        mistakes={
            "rate_left_out": start * (1 - decay) ** steps,
            "straight_line": start * (1 - steps * rate * decay),
            "no_decay": float(start),
        },
    )


@generator("adam_clipped_layer")
def clipped_layer(rng: np.random.Generator) -> Variant:
    """The length of one of two layers' gradients after clipping by their global norm."""
    pairs = [(3, 4), (4, 3), (6, 8), (5, 12), (12, 5), (8, 15)]
    first, second = pairs[rng.integers(6)]
    limit = float(rng.choice([0.5, 1, 2]))
    clipped, _ = clip_by_global_norm([np.array([float(first)]), np.array([float(second)])], limit)
    return Variant(
        numbers={"first": first, "second": second, "limit": limit},
        key=float(clipped[0]),
        mistakes={
            "each_alone": limit,
            "lengths_added": first * limit / (first + second),
            "not_clipped": float(first),
        },
    )


@generator("adam_memory")
def memory(rng: np.random.Generator) -> Variant:
    """The megabytes of Adam's two averages in float32."""
    millions = int(rng.choice([3, 5, 12, 25, 110]))
    return Variant(
        numbers={"millions": millions},
        key=2 * 4.0 * millions,
        mistakes={
            "one_average": 4.0 * millions,
            "weights_too": 12.0 * millions,
            "numbers_not_bytes": 2.0 * millions,
        },
    )
