"""The seeded numbers of the question bank on the learning rate; no question text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from the course's own schedules, optimizers and curvature wherever these can give them.
"""

import numpy as np

from course_utils.curvature import largest_eigenvalue
from course_utils.landscapes import Landscape
from course_utils.quiz.generators import Variant, generator
from course_utils.schedules import CosineDecay, ExponentialDecay


@generator("rate_limit_of_a_parabola")
def limit_of_a_parabola(rng: np.random.Generator) -> Variant:
    """The limit 2/λ of gradient descent on a w² − b w."""
    a = int(rng.choice([2, 4, 5, 8]))
    b = int(rng.choice([6, 12, 20]))
    parabola = Landscape(
        "parabola",
        lambda w: a * w[..., 0] ** 2 - b * w[..., 0],
        lambda w: 2 * a * w - b,
        ((-6.0, 6.0),),
    )
    curvature, _ = largest_eigenvalue(parabola, np.zeros(1), steps=2)
    return Variant(
        numbers={"a": a, "b": b},
        key=2 / curvature,
        mistakes={
            "a_as_curvature": 2 / a,
            "one_over_the_curvature": 1 / (2 * a),
            "curvature": 2.0 * a,
        },
    )


@generator("rate_steps_along_the_flat_direction")
def steps_along_the_flat_direction(rng: np.random.Generator) -> Variant:
    """The steps that the flattest direction of a bowl takes to a hundredth of its distance."""
    condition_number = int(rng.choice([50, 100, 200, 500]))
    factor = 1 - 1 / condition_number
    return Variant(
        numbers={"condition_number": condition_number},
        key=float(np.ceil(np.log(0.01) / np.log(factor))),
        mistakes={
            "equal_steps": 0.99 * condition_number,
            "base_ten": 2.0 * condition_number,
            "limit_as_rate": float(np.log(0.01) / np.log(1 - 2 / condition_number)),
        },
    )


@generator("rate_power_iteration")
def power_iteration(rng: np.random.Generator) -> Variant:
    """What power iteration finds where the eigenvalue of largest magnitude is negative."""
    a = int(rng.choice([3, 4, 5]))
    b = int(rng.choice([1, 2]))
    c = int(rng.choice([-6, -7, -9]))
    matrix, vector = np.diag([a, b, c]), np.ones(3)
    for _ in range(200):
        vector = matrix @ vector
        vector = vector / np.linalg.norm(vector)
    return Variant(
        numbers={"a": a, "b": b, "c": c},
        key=float(vector @ matrix @ vector),
        mistakes={
            "largest": float(a),
            "sign_lost": float(-c),
            "first_quotient": (a + b + c) / 3,
        },
    )


@generator("rate_in_a_range_test")
def rate_in_a_range_test(rng: np.random.Generator) -> Variant:
    """The rate that a range test has reached after a quarter or three quarters of its steps."""
    low, high = [(1e-4, 1.0), (1e-5, 0.1), (1e-3, 10.0), (1e-6, 100.0)][rng.integers(4)]
    at = int(rng.choice([25, 75]))
    rising = ExponentialDecay(low, decay_steps=100, decay_rate=high / low)
    return Variant(
        numbers={"low": low, "high": high, "at": at},
        key=float(rising(at)),
        mistakes={
            "straight_line": low + (high - low) * at / 100,
            "from_the_top": float(rising(100 - at)),
            "halfway": float(rising(50)),
        },
    )


@generator("rate_cosine")
def cosine(rng: np.random.Generator) -> Variant:
    """The rate on its way down half a cosine."""
    top = float(rng.choice([0.1, 0.2, 0.4]))
    total = int(rng.choice([200, 1000, 2000]))
    share = float(rng.choice([0.25, 0.4, 0.6, 0.75]))
    step = round(share * total)
    key = float(CosineDecay(top, decay_steps=total)(step))
    return Variant(
        numbers={"top": top, "total": total, "step": step},
        key=key,
        mistakes={
            "straight_line": top * (1 - share),
            "quarter_wave": float(top * np.cos(np.pi * share / 2)),
            "not_lifted": float(top * np.cos(np.pi * share)),
            "upside_down": top - key,
        },
    )


@generator("rate_staircase")
def staircase(rng: np.random.Generator) -> Variant:
    """The rate between two stairs of an exponential decay."""
    start = float(rng.choice([0.1, 0.2, 0.4]))
    length = int(rng.choice([100, 200, 500]))
    factor = float(rng.choice([0.5, 0.8]))
    stairs = int(rng.choice([2, 3]))
    step = stairs * length + length // 2
    return Variant(
        numbers={"start": start, "length": length, "factor": factor, "step": step},
        key=float(ExponentialDecay(start, length, factor, staircase=True)(step)),
        mistakes={
            "not_rounded": float(ExponentialDecay(start, length, factor)(step)),
            "rounded_up": start * factor ** (stairs + 1),
            "one_block": start * factor,
            "start_left_out": factor**stairs,
        },
    )


@generator("rate_cosine_after_warm_up")
def cosine_after_warm_up(rng: np.random.Generator) -> Variant:
    """The rate of Keras's cosine decay, some steps after its warm-up."""
    peak = float(rng.choice([0.2, 0.4, 0.8]))
    warm_up = int(rng.choice([100, 200]))
    decay = int(rng.choice([500, 1000]))
    share = float(rng.choice([0.25, 0.4]))
    step = warm_up + round(share * decay)
    schedule = CosineDecay(0.0, decay, warmup_target=peak, warmup_steps=warm_up)
    return Variant(
        numbers={"peak": peak, "warm_up": warm_up, "decay": decay, "step": step},
        key=float(schedule(step)),
        mistakes={
            "warm_up_not_subtracted": float(CosineDecay(peak, decay)(step)),
            "warm_up_inside_decay": float(CosineDecay(peak, decay - warm_up)(step - warm_up)),
            "straight_line": peak * (1 - share),
            "still_rising": peak * step / warm_up,
        },
    )


@generator("rate_linear_rule")
def linear_rule(rng: np.random.Generator) -> Variant:
    """The rate for a larger batch by the linear scaling rule."""
    rate = float(rng.choice([0.01, 0.02, 0.05]))
    batch_size = int(rng.choice([16, 32]))
    factor = int(rng.choice([4, 8, 16]))
    return Variant(
        numbers={"rate": rate, "batch_size": batch_size, "larger": factor * batch_size},
        key=rate * factor,
        mistakes={
            "square_root": float(rate * np.sqrt(factor)),
            "upside_down": rate / factor,
            "unchanged": rate,
        },
    )


@generator("rate_for_a_summed_loss")
def rate_for_a_summed_loss(rng: np.random.Generator) -> Variant:
    """The rate that takes the same steps on the sum of a batch's losses as on their mean."""
    rate = float(rng.choice([0.1, 0.2, 0.8]))
    batch_size = int(rng.choice([16, 32, 50]))
    return Variant(
        numbers={"rate": rate, "batch_size": batch_size},
        key=rate / batch_size,
        mistakes={
            "unchanged": rate,
            "multiplied": rate * batch_size,
            "square_root": float(rate / np.sqrt(batch_size)),
        },
    )
