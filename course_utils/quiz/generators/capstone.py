"""The seeded numbers of the capstone's bank and the final questions; no text and no figure.

Every generator draws its numbers from short lists in which no named mistake comes near the key.
Keys come from the course's own optimizers, losses and schedules wherever these can give them.
"""

import numpy as np

from course_utils.losses import softmax_cross_entropy
from course_utils.networks import MLP
from course_utils.optimizers import SGD, Adagrad, Adam, AdamW
from course_utils.quiz.generators import Variant, generator
from course_utils.schedules import Constant, LinearWarmup


def _walk(optimizer, gradients) -> np.ndarray:
    """Return where these gradients lead a weight that starts at 0, step by step."""
    points = [np.zeros(1)]
    state = optimizer.init(points[0])
    for gradient in gradients:
        point, state = optimizer.update(np.array([float(gradient)]), state, points[-1])
        points.append(point)
    return np.concatenate(points)


# ---------------------------------------------------------------- the final questions


@generator("final_wider_layer")
def wider_layer(rng: np.random.Generator) -> Variant:
    """The parameters that more units of a hidden layer bring."""
    inputs = int(rng.choice([20, 30, 64]))
    more = int(rng.choice([8, 16, 32]))
    outputs = int(rng.choice([3, 5, 10]))
    return Variant(
        numbers={"inputs": inputs, "more": more, "outputs": outputs},
        key=MLP((inputs, 4 + more, outputs)).size - MLP((inputs, 4, outputs)).size,
        mistakes={
            "biases_left_out": more * (inputs + outputs),
            "next_layer_left_out": more * (inputs + 1),
            "outputs_biased": more * (inputs + 1 + outputs) + outputs,
        },
    )


@generator("final_mean_cross_entropy")
def mean_cross_entropy(rng: np.random.Generator) -> Variant:
    """The mean cross-entropy of sure answers and a very wrong one."""
    most = int(rng.choice([4, 9, 19]))
    sure = float(rng.choice([0.8, 0.9]))
    missed = float(rng.choice([0.001, 0.01]))
    true = np.array([sure] * most + [missed])
    probabilities = np.stack([true, 1 - true], axis=1)
    loss, _ = softmax_cross_entropy(np.log(probabilities), np.zeros(most + 1, int))
    return Variant(
        numbers={"most": most, "sure": sure, "missed": missed},
        key=float(loss),
        mistakes={
            "log_of_mean": float(-np.log(true.mean())),
            "sum": float(loss) * (most + 1),
            "surprise_left_out": float(-np.log(sure)),
            "base_ten": float(loss / np.log(10)),
        },
    )


@generator("final_logit_in_batch")
def logit_in_batch(rng: np.random.Generator) -> Variant:
    """The slope of a batch's mean cross-entropy along the logit of a false class."""
    batch_size = int(rng.choice([8, 16, 20]))
    true, false = [(0.5, 0.3), (0.6, 0.1), (0.7, 0.2), (0.2, 0.4)][rng.integers(4)]
    logits = np.log(np.tile([true, false, 1 - true - false], (batch_size, 1)))
    _, slopes = softmax_cross_entropy(logits, np.zeros(batch_size, int))
    key = float(slopes[0, 1])
    return Variant(
        numbers={"batch_size": batch_size, "true": true, "false": false},
        key=key,
        mistakes={
            "not_averaged": false,
            "true_class": (false - 1) / batch_size,
            "wrong_sign": -key,
        },
    )


@generator("final_steps_kept")
def steps_kept(rng: np.random.Generator) -> Variant:
    """The epochs that make as many steps with a larger batch."""
    epochs = int(rng.choice([5, 10, 20]))
    batch_size, factor = int(rng.choice([16, 32])), int(rng.choice([4, 8]))
    larger = batch_size * factor
    examples = larger * int(rng.choice([10, 12]))
    return Variant(
        numbers={
            "epochs": epochs,
            "batch_size": batch_size,
            "examples": examples,
            "larger": larger,
        },
        key=epochs * (examples // batch_size) / (examples // larger),
        mistakes={
            "unchanged": epochs,
            "fewer": epochs / factor,
            "square_root": float(epochs * np.sqrt(factor)),
        },
    )


@generator("final_limit_from_factor")
def limit_from_factor(rng: np.random.Generator) -> Variant:
    """The limit of the rate on a parabola, from what one step does at a known rate."""
    rate = float(rng.choice([0.02, 0.05, 0.1, 0.3]))
    factor = float(rng.choice([-0.2, -0.4, -0.6]))
    curvature = (1 - factor) / rate
    return Variant(
        numbers={"rate": rate, "factor": factor},
        key=2 / curvature,
        mistakes={
            "one_over": 1 / curvature,
            "sign_dropped": 2 * rate / (1 + factor),
            "divided": rate / -factor,
        },
    )


@generator("final_shifted_power")
def shifted_power(rng: np.random.Generator) -> Variant:
    """The limit of the rate, when the eigenvalue largest in size is negative."""
    shift = int(rng.choice([9, 12, 20]))
    largest = int(rng.choice([2, 4, 5]))
    return Variant(
        numbers={"first": -shift, "shift": shift, "second": largest + shift},
        key=2 / largest,
        mistakes={
            "shift_kept": 2 / (largest + shift),
            "largest_in_size": 2 / shift,
            "one_over": 1 / largest,
        },
    )


@generator("final_warm_up_cost")
def warm_up_cost(rng: np.random.Generator) -> Variant:
    """By how many percent a warm-up lowers the sum of all rates."""
    steps = int(rng.choice([2000, 4000, 5000]))
    warm_up = int(steps * rng.choice([0.1, 0.2, 0.3]))
    rates = LinearWarmup(Constant(1.0), warm_up)(np.arange(steps))
    return Variant(
        numbers={"steps": steps, "warm_up": warm_up},
        key=100 * float(1 - rates.mean()),
        mistakes={
            "all_lost": 100 * warm_up / steps,
            "of_the_rest": 50 * warm_up / (steps - warm_up),
            "fraction": warm_up / steps / 2,
        },
    )


@generator("final_total_way")
def total_way(rng: np.random.Generator) -> Variant:
    """How far momentum moves a weight by a few equal gradients, until it rests."""
    rate, beta = float(rng.choice([0.01, 0.02, 0.1])), float(rng.choice([0.8, 0.9]))
    gradient, steps = int(rng.choice([2, 3, 5])), int(rng.choice([3, 4]))
    way = -_walk(SGD(rate, momentum=beta), [gradient] * steps + [0] * 300)
    return Variant(
        numbers={"rate": rate, "beta": beta, "gradient": gradient, "steps": steps},
        key=float(way[-1]),
        mistakes={
            "no_memory": rate * gradient * steps,
            "one_gradient": rate * gradient / (1 - beta),
            "tail_left_out": float(way[steps]),
        },
    )


@generator("final_best_pair_rate")
def best_pair_rate(rng: np.random.Generator) -> Variant:
    """The learning rate of the best pair of the heavy ball for a bowl."""
    smallest, largest = [(1, 25), (1, 36), (4, 64), (4, 100), (9, 100)][rng.integers(5)]
    root = 2 / (np.sqrt(largest) + np.sqrt(smallest))
    return Variant(
        numbers={"smallest": smallest, "largest": largest},
        key=float(root**2),
        mistakes={
            "without_momentum": 2 / (largest + smallest),
            "not_squared": float(root),
            "limit_of_descent": 2 / largest,
        },
    )


@generator("final_adagrad_way")
def adagrad_way(rng: np.random.Generator) -> Variant:
    """How far Adagrad moves a weight by equal gradients."""
    rate, gradient = float(rng.choice([0.1, 0.3, 0.5])), int(rng.choice([2, 4, 7]))
    steps = int(rng.choice([3, 4, 5]))
    adagrad = Adagrad(rate, initial_accumulator_value=0.0)
    return Variant(
        numbers={"gradient": gradient, "rate": rate, "steps": steps},
        key=float(-_walk(adagrad, [gradient] * steps)[-1]),
        mistakes={
            "no_decay": rate * steps,
            "last_step": float(rate / np.sqrt(steps)),
            "not_rooted": float(rate * np.sum(1 / np.arange(1, steps + 1))),
        },
    )


@generator("final_second_step")
def second_step(rng: np.random.Generator) -> Variant:
    """Adam's second step, after gradients of both signs."""
    rate = float(rng.choice([0.01, 0.1]))
    first, second = [(4, -1), (5, -2), (3, -1), (6, -2)][rng.integers(4)]
    points = _walk(Adam(rate), [first, second])
    key = float(points[2] - points[1])
    mean = 0.9 * 0.1 * first + 0.1 * second
    square = 0.999 * 0.001 * first**2 + 0.001 * second**2
    return Variant(
        numbers={"rate": rate, "first": first, "second": second},
        key=key,
        mistakes={
            "counter_at_one": float(-rate * (mean / 0.1) / np.sqrt(square / 0.001)),
            "not_corrected": float(-rate * mean / np.sqrt(square)),
            "wrong_sign": -key,
            "newest_only": rate,
        },
    )


@generator("final_epsilon_share")
def epsilon_share(rng: np.random.Generator) -> Variant:
    """The length of Adam's steps, in rates, where epsilon is not small beside the gradient."""
    pairs = [(0.003, 0.001), (0.004, 0.001), (0.002, 0.006), (0.001, 0.004)]
    gradient, epsilon = pairs[rng.integers(4)]
    # In the long run the averages forget their start, whatever the decay rates are.
    points = _walk(Adam(1.0, beta_1=0.5, beta_2=0.5, epsilon=epsilon), [gradient] * 60)
    return Variant(
        numbers={"gradient": gradient, "epsilon": epsilon},
        key=float(points[-2] - points[-1]),
        mistakes={
            "epsilon_left_out": 1.0,
            "upside_down": (gradient + epsilon) / gradient,
            "inside_the_root": float(gradient / np.sqrt(gradient**2 + epsilon)),
        },
    )


@generator("final_same_shrink")
def same_shrink(rng: np.random.Generator) -> Variant:
    """The decay of AdamW that shrinks weights as before at another rate."""
    rate = float(rng.choice([0.001, 0.002]))
    factor = int(rng.choice([4, 5, 10]))
    decay = float(rng.choice([0.02, 0.1, 0.4]))
    return Variant(
        numbers={"rate": rate, "decay": decay, "new_rate": rate * factor},
        key=decay / factor,
        mistakes={
            "unchanged": decay,
            "wrong_way": decay * factor,
            "square_root": float(decay / np.sqrt(factor)),
        },
    )


@generator("final_l2_strength")
def l2_strength(rng: np.random.Generator) -> Variant:
    """The strength of an L2 penalty, from where it moves a minimum."""
    target, shrunk = [(6, 4), (10, 4), (12, 4), (9, 6), (10, 8)][rng.integers(5)]
    return Variant(
        numbers={"target": target, "shrunk": shrunk},
        key=(target - shrunk) / shrunk,
        mistakes={
            "l1": 2 * (target - shrunk),
            "ratio": target / shrunk,
            "share_lost": (target - shrunk) / target,
        },
    )


@generator("final_decay_balance")
def decay_balance(rng: np.random.Generator) -> Variant:
    """Where a constant gradient and the decay of AdamW leave a weight at rest."""
    decay = float(rng.choice([0.004, 0.01, 0.02, 0.05]))
    size = int(rng.choice([2, 3, 5]))
    # The rate decides only how soon the weight is there: this one halves the distance at each step.
    points = _walk(AdamW(0.5 / decay, weight_decay=decay), [-size] * 60)
    return Variant(
        numbers={"decay": decay, "gradient": -size},
        key=float(points[-1]),
        mistakes={
            "as_with_sgd": size / decay,
            "rate_in_the_decay_only": 1 / (0.001 * decay),
            "rate_in_the_step_only": 0.001 / decay,
        },
    )


@generator("final_dropout_noise")
def dropout_noise(rng: np.random.Generator) -> Variant:
    """The standard deviation that inverted dropout gives an activation."""
    rate = float(rng.choice([0.1, 0.2, 0.25]))
    activation = int(rng.choice([4, 6, 10]))
    factors, chances = np.array([1 / (1 - rate), 0.0]), np.array([1 - rate, rate])
    deviation = float(np.sqrt(chances @ (activation * factors - activation) ** 2))
    return Variant(
        numbers={"rate": rate, "activation": activation},
        key=deviation,
        mistakes={
            "not_rescaled": deviation * (1 - rate),
            "variance": deviation**2,
            "keep_rate": float(activation * np.sqrt((1 - rate) / rate)),
        },
    )


# ---------------------------------------------------------------- the capstone's own questions


@generator("cap_beats_the_mean")
def beats_the_mean(rng: np.random.Generator) -> Variant:
    """By how many percent a model's squared error is below that of the mean."""
    deviation = int(rng.choice([5, 10, 20]))
    left = float(rng.choice([0.2, 0.4, 0.6]))
    error = left * deviation**2
    return Variant(
        numbers={"deviation": deviation, "error": error},
        key=100 * (1 - left),
        mistakes={
            "deviation_not_squared": 100 * (1 - error / deviation),
            "share_left": 100 * left,
            "rooted": float(100 * (1 - np.sqrt(left))),
        },
    )


@generator("cap_log_uniform")
def log_uniform(rng: np.random.Generator) -> Variant:
    """The share of log-uniform rates in a part of their range."""
    low, high = [(1e-4, 1.0), (1e-5, 1.0), (1e-5, 0.1)][rng.integers(3)]
    start = float(rng.choice([1e-4, 1e-3]))
    stop = start * float(rng.choice([2, 20]))
    share = float(np.log(stop / start) / np.log(high / low))
    return Variant(
        numbers={"low": low, "high": high, "from": start, "to": stop},
        key=100 * share,
        mistakes={
            "uniform": 100 * (stop - start) / (high - low),
            "fraction": share,
            "one_power": float(100 / np.log10(high / low)),
        },
    )


@generator("cap_chance_of_good")
def chance_of_good(rng: np.random.Generator) -> Variant:
    """The probability that random trials find a good setting."""
    share, runs = int(rng.choice([4, 5, 8])), int(rng.choice([9, 12]))
    missed = (1 - share / 100) ** runs
    return Variant(
        numbers={"share": share, "runs": runs},
        key=100 * (1 - missed),
        mistakes={
            "added": share * runs,
            "all_missed": 100 * missed,
            "exactly_one": share * runs * (1 - share / 100) ** (runs - 1),
        },
    )


@generator("cap_images_needed")
def images_needed(rng: np.random.Generator) -> Variant:
    """The test images that make an interval of 95 % as narrow as wanted."""
    percent = int(rng.choice([80, 90, 95]))
    half_width = float(rng.choice([0.5, 1, 2]))
    variance = percent / 100 * (1 - percent / 100)
    needed = variance * (1.96 / (half_width / 100)) ** 2
    return Variant(
        numbers={"accuracy": percent, "half_width": half_width},
        key=needed,
        mistakes={
            "one_error": needed / 1.96**2,
            "not_squared": float(np.sqrt(needed)),
            "full_width": 4 * needed,
        },
    )


@generator("cap_cost_of_rule")
def cost_of_rule(rng: np.random.Generator) -> Variant:
    """The cost per 1,000 payments of missed frauds and false alarms."""
    payments = int(rng.choice([2000, 5000]))
    missed, alarms = int(rng.choice([6, 10])), int(rng.choice([80, 120]))
    price = int(rng.choice([20, 50]))
    total = price * missed + alarms
    return Variant(
        numbers={"payments": payments, "missed": missed, "alarms": alarms, "price": price},
        key=1000 * total / payments,
        mistakes={
            "swapped": 1000 * (missed + price * alarms) / payments,
            "equal": 1000 * (missed + alarms) / payments,
            "total": total,
        },
    )
