"""The seeded numbers of the question bank on gradient descent; no question text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from the course's own optimizers, networks and mini-batches wherever these can give them.
"""

import numpy as np

from course_utils.descent import minibatches, minimize
from course_utils.landscapes import Landscape
from course_utils.losses import mean_squared_error, softmax_cross_entropy
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.quiz.generators import Variant, generator


@generator("gd_quadratic_step")
def quadratic_step(rng: np.random.Generator) -> Variant:
    """One step of gradient descent on L(w) = a w²."""
    a = int(rng.choice([2, 3]))
    w0 = int(rng.choice([2, 3, 4, 5]))
    eta = float(rng.choice([0.05, 0.1]))
    parabola = Landscape(
        "parabola", lambda w: a * w[..., 0] ** 2, lambda w: 2 * a * w, ((-6.0, 6.0),)
    )
    (key,) = minimize(parabola, SGD(eta), [w0], steps=1).end
    return Variant(
        numbers={"a": a, "w0": w0, "eta": eta},
        key=float(key),
        mistakes={
            "wrong_sign": w0 + eta * 2 * a * w0,
            "factor_two_lost": w0 - eta * a * w0,
            "rate_left_out": w0 - 2 * a * w0,
            "step_only": eta * 2 * a * w0,
        },
    )


@generator("gd_central_difference")
def central_difference(rng: np.random.Generator) -> Variant:
    """The central difference of L(w) = w³, which misses the slope by exactly h²."""
    w = int(rng.choice([1, 2, 3]))
    h = float(rng.choice([0.5, 1.0, 2.0]))
    above, below = (w + h) ** 3, (w - h) ** 3
    return Variant(
        numbers={"w": w, "h": h},
        key=(above - below) / (2 * h),
        mistakes={
            "not_halved": (above - below) / h,
            "one_sided": (above - w**3) / h,
            "exact_slope": 3.0 * w**2,
        },
    )


@generator("gd_chain_rule")
def chain_rule(rng: np.random.Generator) -> Variant:
    """The gradient of the first weight of a network with one relu unit and no biases."""
    x = int(rng.choice([2, 3]))
    w1 = int(rng.choice([2, 3]))
    w2 = int(rng.choice([5, 7]))
    error = int(rng.choice([-6, -3, 3, 6]))
    target = w2 * w1 * x - error
    loss = NetworkLoss(
        MLP((1, 1, 1), "relu"), np.array([[x]]), np.array([[target]]), mean_squared_error
    )
    key, _, other_weight, _ = loss.gradient(np.array([w1, 0.0, w2, 0.0]))
    return Variant(
        numbers={"x": x, "w1": w1, "w2": w2, "target": target},
        key=float(key),
        mistakes={
            "outer_weight_lost": 2.0 * error * x,
            "other_weight": float(other_weight),
            "error_lost": float(w2 * x),
            "factor_two_lost": float(error * w2 * x),
        },
    )


@generator("gd_logit_gradient")
def logit_gradient(rng: np.random.Generator) -> Variant:
    """The slope of softmax cross-entropy at the logit of the true class."""
    p = float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8]))
    logits = np.log([[p, 1 - p]])
    _, gradient = softmax_cross_entropy(logits, np.array([0]))
    return Variant(
        numbers={"p": p},
        key=float(gradient[0, 0]),
        mistakes={
            "sign_flipped": 1 - p,
            "label_left_out": p,
            "slope_of_the_log": -1 / p,
            "slope_of_the_softmax": p * (1 - p),
        },
    )


@generator("gd_he_deviation")
def he_deviation(rng: np.random.Generator) -> Variant:
    """He's standard deviation for the initial weights into a relu layer."""
    inputs = int(rng.choice([32, 50, 128, 200]))
    units = int(rng.choice([10, 20]))
    return Variant(
        numbers={"inputs": inputs, "units": units},
        key=float(np.sqrt(2 / inputs)),
        mistakes={
            "variance": 2 / inputs,
            "two_lost": float(np.sqrt(1 / inputs)),
            "outputs_counted": float(np.sqrt(2 / units)),
            "glorot": float(np.sqrt(2 / (inputs + units))),
        },
    )


@generator("gd_layer_factors")
def layer_factors(rng: np.random.Generator) -> Variant:
    """The factor that a gradient picks up over many layers, the same factor at each."""
    factor = float(rng.choice([0.25, 0.5, 2.0, 3.0]))
    layers = int(rng.choice([4, 5, 6]))
    return Variant(
        numbers={"factor": factor, "layers": layers},
        key=float(np.prod(np.full(layers, factor))),
        mistakes={
            "added_up": factor * layers,
            "one_layer": factor,
            "upside_down": factor**-layers,
        },
    )


@generator("gd_update_count")
def update_count(rng: np.random.Generator) -> Variant:
    """The number of updates in some epochs, with a smaller last batch in each."""
    examples = int(rng.choice([1000, 1347, 2000, 5000]))
    batch_size = int(rng.choice([32, 64, 128]))
    epochs = int(rng.choice([3, 5, 10]))
    per_epoch = sum(1 for _ in minibatches(examples, batch_size, rng))
    return Variant(
        numbers={"examples": examples, "batch_size": batch_size, "epochs": epochs},
        key=float(per_epoch * epochs),
        mistakes={
            "last_batch_dropped": float(examples // batch_size * epochs),
            "not_rounded": examples / batch_size * epochs,
            "epochs_left_out": float(per_epoch),
            "not_divided": float(examples * epochs),
        },
    )


@generator("gd_batch_deviation")
def batch_deviation(rng: np.random.Generator) -> Variant:
    """The standard deviation of the mean of a batch of independent gradients."""
    deviation = int(rng.choice([2, 3, 6, 8]))
    batch_size = int(rng.choice([4, 16, 25, 100]))
    return Variant(
        numbers={"deviation": deviation, "batch_size": batch_size},
        key=float(deviation / np.sqrt(batch_size)),
        mistakes={
            "divided_by_batch_size": deviation / batch_size,
            "unchanged": float(deviation),
            "sum_of_gradients": float(deviation * np.sqrt(batch_size)),
        },
    )


@generator("gd_noise_floor")
def noise_floor(rng: np.random.Generator) -> Variant:
    """The level at which a constant-rate run hovers, once the rate is cut."""
    level = float(rng.choice([0.12, 0.2, 0.36, 0.8]))
    cut = int(rng.choice([4, 10, 16, 20]))
    return Variant(
        numbers={"level": level, "cut": cut},
        key=level / cut,
        mistakes={
            "unchanged": level,
            "squared": level / cut**2,
            "square_root": float(level / np.sqrt(cut)),
        },
    )


@generator("gd_saddle_escape")
def saddle_escape(rng: np.random.Generator) -> Variant:
    """How far gradient descent on L(x, y) = x² − y² gets from the line y = 0."""
    y0 = float(rng.choice([0.01, 0.001]))
    eta = float(rng.choice([0.1, 0.25]))
    steps = int(rng.choice([3, 4, 5]))
    saddle = Landscape(
        "saddle",
        lambda point: point[..., 0] ** 2 - point[..., 1] ** 2,
        lambda point: point * np.array([2.0, -2.0]),
        ((-1.0, 1.0), (-1.0, 1.0)),
    )
    _, key = minimize(saddle, SGD(eta), [1.0, y0], steps).end
    return Variant(
        numbers={"y0": y0, "eta": eta, "steps": steps},
        key=float(key),
        mistakes={
            "pulled_in": y0 * (1 - 2 * eta) ** steps,
            "equal_steps": y0 * (1 + 2 * eta * steps),
            "factor_two_lost": y0 * (1 + eta) ** steps,
        },
    )


@generator("gd_two_equal_gradients")
def two_equal_gradients(rng: np.random.Generator) -> Variant:
    """Two updates of one weight with the same gradient, by SGD without momentum."""
    w0 = int(rng.choice([5, 7, 8]))
    rate = float(rng.choice([0.1, 0.2]))
    slope = int(rng.choice([2, 3]))
    plane = Landscape(
        "slope", lambda w: slope * w[..., 0], lambda w: slope * np.ones_like(w), ((-9.0, 9.0),)
    )
    (key,) = minimize(plane, SGD(rate), [w0], steps=2).end
    (with_momentum,) = minimize(plane, SGD(rate, momentum=0.9), [w0], steps=2).end
    return Variant(
        numbers={"w0": w0, "rate": rate, "slope": slope},
        key=float(key),
        mistakes={
            "one_call": w0 - rate * slope,
            "wrong_sign": w0 + 2 * rate * slope,
            "rate_left_out": float(w0 - 2 * slope),
            "momentum": float(with_momentum),
        },
    )


@generator("gd_untrained_loss")
def untrained_loss(rng: np.random.Generator) -> Variant:
    """The cross-entropy of a classifier that gives every class the same probability."""
    classes = int(rng.choice([3, 5, 10, 20]))
    key, _ = softmax_cross_entropy(np.zeros((1, classes)), np.array([0]))
    return Variant(
        numbers={"classes": classes},
        key=float(key),
        mistakes={
            "chance_accuracy": 1 / classes,
            "base_two": float(np.log2(classes)),
            "base_ten": float(np.log10(classes)),
        },
    )
