"""The seeded numbers of the question bank on generalization; no question text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from the course's own losses, datasets and stopping rule wherever these can give them.
"""

from types import SimpleNamespace

import numpy as np

from course_utils.datasets import Dataset, imputed
from course_utils.descent import epochs_without_improvement
from course_utils.gradients import SAM
from course_utils.losses import mean_squared_error
from course_utils.networks import MLP, NetworkLoss
from course_utils.quiz.generators import Variant, generator


@generator("gen_standard_error")
def standard_error(rng: np.random.Generator) -> Variant:
    """The standard error of an accuracy, in percentage points."""
    accuracy, number = [(90, 400), (80, 100), (90, 900), (80, 1600), (96, 150)][rng.integers(5)]
    share = accuracy / 100
    return Variant(
        numbers={"accuracy": accuracy, "number": number},
        key=100 * (share * (1 - share) / number) ** 0.5,
        mistakes={
            "not_rooted": 100 * share * (1 - share) / number,
            "one_image": 100 / number,
            "single_example": 100 * (share * (1 - share)) ** 0.5,
            "errors_left_out": 100 * (share / number) ** 0.5,
        },
    )


@generator("gen_l1_gradient")
def l1_gradient(rng: np.random.Generator) -> Variant:
    """The gradient of a loss with an L1 penalty at a negative weight."""
    draws = [(-0.4, 1.5, 0.5), (-3, 2, 0.1), (-0.2, -1, 0.5), (-2, 3, 0.25), (-0.3, 0.8, 0.2)]
    w, slope, strength = draws[rng.integers(5)]
    # With the input 1 and the bias 0, this target gives the squared error the slope wanted.
    target = np.array([[w - slope / 2]])
    loss = NetworkLoss(MLP((1, 1)), np.ones((1, 1)), target, mean_squared_error, l1=strength)
    return Variant(
        numbers={"w": w, "slope": slope, "strength": strength},
        key=float(loss.gradient(np.array([w, 0.0]))[0]),
        mistakes={
            "sign_lost": slope + strength,
            "l2": slope + 2 * strength * w,
            "value_added": slope + strength * abs(w),
        },
    )


@generator("gen_l1_threshold")
def l1_threshold(rng: np.random.Generator) -> Variant:
    """The strength from which on an L1 penalty holds a weight at 0, for a squared error."""
    target = float(rng.choice([0.6, 1.5, 2.5, 3, 5]))
    key = 2 * target
    return Variant(
        numbers={"target": target},
        key=key,
        mistakes={
            "factor_left_out": target,
            "values_compared": target**2,
            "factor_twice": 2 * key,
        },
    )


@generator("gen_matching_decay")
def matching_decay(rng: np.random.Generator) -> Variant:
    """The decay that makes SGD take the steps of an L2 penalty in the loss."""
    strength = float(rng.choice([0.001, 0.002, 0.005, 0.03]))
    rate = float(rng.choice([0.1, 0.2]))
    return Variant(
        numbers={"strength": strength, "rate": rate},
        key=2 * strength,
        mistakes={
            "factor_left_out": strength,
            "rate_twice": 2 * rate * strength,
            "halved": strength / 2,
        },
    )


@generator("gen_dropout_scale")
def dropout_scale(rng: np.random.Generator) -> Variant:
    """The value of a unit that inverted dropout keeps."""
    rate = float(rng.choice([0.2, 0.25, 0.4]))
    activation = int(rng.choice([2, 3, 6]))
    (mask,) = MLP((1, 50, 1)).masks(rate, 1, np.random.default_rng(0))
    return Variant(
        numbers={"rate": rate, "activation": activation},
        key=float(activation * mask.max()),
        mistakes={
            "not_scaled": activation,
            "multiplied": activation * (1 - rate),
            "rate_as_keep": activation / rate,
        },
    )


@generator("gen_patience_epoch")
def patience_epoch(rng: np.random.Generator) -> Variant:
    """The epoch at which early stopping ends a training."""
    patience, losses = [
        (3, (0.9, 0.7, 0.8, 0.6, 0.65, 0.62, 0.66, 0.7, 0.72, 0.75)),
        (3, (0.95, 0.8, 0.7, 0.75, 0.6, 0.64, 0.61, 0.66, 0.68, 0.7)),
        (2, (0.9, 0.7, 0.75, 0.5, 0.6, 0.55, 0.58, 0.61, 0.63, 0.66)),
        (2, (0.9, 0.8, 0.6, 0.65, 0.5, 0.57, 0.53, 0.56, 0.6, 0.62)),
        (2, (0.8, 0.85, 0.6, 0.7, 0.65, 0.68, 0.72, 0.74, 0.78, 0.8)),
    ][rng.integers(5)]
    waited = [epochs_without_improvement(losses[:epoch]) for epoch in range(1, 11)]
    key = waited.index(patience) + 1
    rises = np.append(False, np.diff(losses) > 0)
    in_a_row = [rises[epoch - patience : epoch].all() for epoch in range(patience, 11)]
    return Variant(
        numbers={"patience": patience} | {f"l{epoch}": x for epoch, x in enumerate(losses, 1)},
        key=key,
        mistakes={
            "best": key - patience,
            "total": int(np.flatnonzero(waited)[patience - 1]) + 1,
            "previous": in_a_row.index(True) + patience,
            "one_too_many": key + 1,
        },
    )


@generator("gen_sam_gradient")
def sam_gradient(rng: np.random.Generator) -> Variant:
    """The gradient of SAM on a parabola."""
    curvature, w, radius = [(3, 2, 0.1), (4, 1, 0.5), (5, 3, 0.2), (2, 4, 0.5)][rng.integers(4)]
    parabola = SimpleNamespace(gradient=lambda params: curvature * params)
    return Variant(
        numbers={"curvature": curvature, "w": w, "radius": radius},
        key=float(SAM(parabola, radius).gradient(np.array([float(w)]))[0]),
        mistakes={
            "plain": curvature * w,
            "downhill": curvature * (w - radius),
            "not_normalised": curvature * (w + radius * curvature * w),
        },
    )


@generator("gen_imputed_test")
def imputed_test(rng: np.random.Generator) -> Variant:
    """The number that fills a hole in the test rows."""
    rows = [(2, 4, 9, 10, 20), (1, 3, 8, 12, 14), (3, 6, 12, 20, 24), (4, 5, 15, 30, 34)]
    a, b, c, d, e = values = rows[rng.integers(4)]
    training, test = (np.array([column]).T for column in ([a, b, np.nan, c], [np.nan, d, e]))
    data = Dataset("column", training, np.zeros(4), test, np.zeros(3), "made up")
    return Variant(
        numbers=dict(zip("abcde", values, strict=True)),
        key=float(imputed(data, indicator=False).test_inputs[0, 0]),
        mistakes={
            "of_the_test": (d + e) / 2,
            "of_all": sum(values) / 5,
            "counted_as_zero": (a + b + c) / 4,
        },
    )


@generator("gen_complete_rows")
def complete_rows(rng: np.random.Generator) -> Variant:
    """The share of rows without a hole, in percent."""
    columns, share = [(10, 5), (20, 2), (5, 10), (8, 10), (15, 4)][rng.integers(5)]
    key = 100 * (1 - share / 100) ** columns
    return Variant(
        numbers={"columns": columns, "share": share},
        key=key,
        mistakes={
            "one_column": 100 - share,
            "added": 100 - columns * share,
            "dropped": 100 - key,
        },
    )
