"""The seeded numbers of the diagnostic questions in lesson 00; no question text and no figure.

Keys come from the course's own optimizer and training.
"""

import numpy as np

from course_utils.descent import minimize
from course_utils.landscapes import Landscape
from course_utils.optimizers import SGD
from course_utils.quiz.generators import Variant, generator


@generator("start_second_weight")
def second_weight(rng: np.random.Generator) -> Variant:
    """The second of two weights after one step of gradient descent."""
    w1, w2 = (int(rng.choice(values)) for values in ([5, 7], [1, 2]))
    g1, g2 = (int(rng.choice(values)) for values in ([2, 6], [-8, -4, 4, 8]))
    eta = float(rng.choice([0.1, 0.2]))
    gradient = np.array([g1, g2])
    plane = Landscape(
        "plane", lambda w: w @ gradient, lambda w: gradient + 0.0 * w, ((-9.0, 9.0),) * 2
    )
    _, key = minimize(plane, SGD(eta), [w1, w2], steps=1).end
    return Variant(
        numbers={"w1": w1, "w2": w2, "g1": g1, "g2": g2, "eta": eta},
        key=float(key),
        mistakes={
            "wrong_sign": w2 + eta * g2,
            "rate_left_out": float(w2 - g2),
            "first_weight": w1 - eta * g1,
            "step_only": -eta * g2,
        },
    )


@generator("start_half_rate")
def half_rate(rng: np.random.Generator) -> Variant:
    """The factor of one step on a parabola, when the rate is half of one that overshoots."""
    factor = float(rng.choice([-0.9, -0.8, -0.6, -0.4]))
    parabola = Landscape("parabola", lambda w: w[..., 0] ** 2 / 2, lambda w: w, ((-1.0, 1.0),))
    (key,) = minimize(parabola, SGD((1 - factor) / 2), [1.0], steps=1).end
    return Variant(
        numbers={"factor": factor},
        key=float(key),
        mistakes={"factor_halved": factor / 2, "sign_dropped": -factor, "both": -factor / 2},
    )
