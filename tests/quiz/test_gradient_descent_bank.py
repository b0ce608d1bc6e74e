import math

import numpy as np
import pytest

from course_utils.datasets import digits
from course_utils.descent import minimize, train
from course_utils.landscapes import double_well, himmelblau
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.drawings import find_figure
from tests.quiz.answers import assert_key_agrees, generators_of, right_option

LESSON = "02_gradient_descent"
PREDICTIONS = {
    "gd-predict-steep-step",
    "gd-predict-bad-h",
    "gd-predict-batch-one",
    "gd-predict-two-starts",
    "gd-predict-zero-init",
}
ASKED_AT_THE_END = {
    "gd-step-sign",
    "gd-one-step-value",
    "gd-check-central",
    "gd-backprop-relu",
    "gd-steps-per-epoch",
    "gd-noise-floor",
    "gd-basin-start",
    "gd-keras-sgd-one-step",
    "gd-read-curve",
}


def log_loss_slope(p, h=1e-6):
    """The slope of the cross-entropy at the first of two logits, by central differences."""
    logit = math.log(p / (1 - p))

    def loss(z):
        return math.log1p(math.exp(-z))

    return (loss(logit + h) - loss(logit - h)) / (2 * h)


def squared_error_slope(x, w1, w2, target, h=1e-20):
    """The slope at w1 by the complex step; the relu is open."""
    assert w1 * x > 0
    return ((w2 * (w1 + 1j * h) * x - target) ** 2).imag / h


def hovering_level(rate):
    """Half the stationary variance of w - rate * (w + noise), noise of variance 1."""
    return 0.5 * rate**2 / (1 - (1 - rate) ** 2)


# Each key again, by another way than the generator's.
KEYS = {
    "gd_quadratic_step": lambda a, w0, eta: w0 * (1 - 2 * a * eta),
    "gd_central_difference": lambda w, h: 3 * w**2 + h**2,
    "gd_chain_rule": squared_error_slope,
    "gd_logit_gradient": log_loss_slope,
    "gd_he_deviation": lambda inputs, units: (inputs / 2) ** -0.5,
    "gd_layer_factors": lambda factor, layers: math.exp(layers * math.log(factor)),
    "gd_update_count": lambda examples, batch_size, epochs: (
        epochs * len(range(0, examples, batch_size))
    ),
    "gd_batch_deviation": lambda deviation, batch_size: (deviation**2 / batch_size) ** 0.5,
    "gd_noise_floor": lambda level, cut: level * hovering_level(1e-6 / cut) / hovering_level(1e-6),
    "gd_saddle_escape": lambda y0, eta, steps: (
        np.linalg.matrix_power(np.eye(2) - eta * np.diag([2.0, -2.0]), steps) @ [1.0, y0]
    )[1],
    "gd_two_equal_gradients": lambda w0, rate, slope: w0 - 2 * rate * slope,
    "gd_untrained_loss": lambda classes: math.log(classes),
}


def test_the_bank_holds_what_the_lesson_asks():
    types = {question.id: question.type for question in find_bank(LESSON).questions}
    assert len(types) >= 34
    assert types.keys() >= ASKED_AT_THE_END
    assert {types[question_id] for question_id in PREDICTIONS} == {"single"}


def test_every_key_of_the_bank_is_computed_again_here():
    assert generators_of(LESSON) == KEYS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_keys_agree_with_another_computation(name):
    assert_key_agrees(name, KEYS[name], seeds=200)


def test_steps_get_shorter_on_the_parabola():
    assert right_option("gd-predict-steep-step") == "The steps get shorter."
    w = [2.0]
    for _ in range(20):
        w.append(w[-1] - 0.1 * 2 * w[-1])
    assert (np.diff(np.abs(np.diff(w))) < 0).all()


def test_the_error_of_central_differences_falls_and_then_rises():
    assert right_option("gd-predict-bad-h") == "It falls, and then rises."
    h = 10.0 ** -np.arange(1, 16)
    error = np.abs((np.exp(0.1 + h) - np.exp(0.1 - h)) / (2 * h) - np.exp(0.1))
    best = error.argmin()
    assert 1e-6 <= h[best] <= 1e-4
    assert error[0] > 1e3 * error[best]
    assert error[-1] > 1e3 * error[best]


@pytest.mark.parametrize(
    ("option", "order"),
    [
        (r"$\frac{L(w+h)-L(w)}{h}$", 1),
        (r"$\frac{L(w+2h)-L(w-h)}{3h}$", 1),
        (r"$\frac{L(w+h)-L(w-h)}{h}$", 0),
        (r"$\frac{L(w+h)-L(w-h)}{2h}$", 2),
    ],
)
def test_only_the_central_difference_is_of_second_order(option, order):
    python = option.strip("$").replace(r"\frac{", "(").replace("}{", ")/(").replace("}", ")")
    python = python.replace("2h", "2*h").replace("3h", "3*h")

    def error(h):
        return abs(eval(python, {"L": np.exp, "w": 0.3, "h": h}) - np.exp(0.3))

    assert error(1e-3) / error(5e-4) == pytest.approx(2**order, rel=0.01)
    assert (option == right_option("gd-check-central")) == (order == 2)


def test_a_network_that_starts_at_zero_learns_output_biases_only():
    assert right_option("gd-predict-zero-init") == "Nothing: their weights stay at zero"
    data = digits()
    for activation in ("tanh", "relu"):
        network = MLP((64, 5, 10), activation)
        objective = NetworkLoss(network, data.train_inputs, data.train_targets)
        history = train(objective, SGD(0.5), np.zeros(network.size), epochs=1, batch_size=100)
        *hidden, output_biases = network.views(history.params)
        assert not any(array.any() for array in hidden)
        assert output_biases.all()


def test_batch_size_one_gets_further_in_five_epochs():
    assert right_option("gd-predict-batch-one").startswith("Batch size 1")
    data = digits()
    network = MLP((64, 16, 10))
    objective = NetworkLoss(network, data.train_inputs[:300], data.train_targets[:300])
    start = network.initial(seed=0)
    single = train(objective, SGD(0.02), start, epochs=5, batch_size=1)
    full = train(objective, SGD(0.02), start, epochs=5, batch_size=objective.examples)
    assert single.losses[-1] < 0.2 * full.losses[-1]


def test_two_starts_on_two_sides_of_a_ridge_end_far_apart():
    assert right_option("gd-predict-two-starts").startswith("Several units apart")
    saddle = np.array([3.385154, 0.073852])
    starts = saddle + np.array([[0.0, 0.01], [0.0, -0.01]])
    ends = minimize(himmelblau(), SGD(0.005), starts, steps=2000).end
    assert np.linalg.norm(ends[0] - ends[1]) > 3


@pytest.mark.parametrize(
    ("option", "alike"),
    [
        ("Random weights into the layer, equal nonzero weights out of it", (False, True)),
        ("Equal nonzero weights into the layer and out of it", (True, True)),
        ("Equal nonzero weights into the layer, random weights out of it", (True, False)),
    ],
)
def test_one_random_layer_is_enough_to_make_hidden_units_differ(option, alike, rng):
    (chosen,) = [o for o in find_question("gd-init-symmetry").options if o.text == option]
    data = digits()
    network = MLP((64, 4, 10), "tanh")
    start = network.initial(seed=1)
    weights_in, _, weights_out, _ = network.views(start)
    if alike[0]:
        weights_in[...] = 0.01
    if alike[1]:
        weights_out[...] = 0.01
    objective = NetworkLoss(network, data.train_inputs, data.train_targets)
    end = train(objective, SGD(0.5), start, epochs=2, batch_size=32).params
    trained = network.views(end)[0]
    assert chosen.correct == bool((np.ptp(trained, axis=1) > 1e-9).any())


def run(code, **names):
    exec(code, {"np": np}, names)
    return names


def test_the_relu_question_has_the_gradient_of_its_code():
    question = find_question("gd-backprop-relu")
    shown = run(question.code)
    gradient = shown["dH"] * (shown["Z"] > 0)
    assert right_option(question.id) == f"`{[float(g) for g in gradient]}`"


def test_the_shape_question_has_the_gradient_of_its_code(rng):
    question = find_question("gd-backprop-shape")
    X, W, b, dZ = (rng.normal(size=shape) for shape in ((5, 3), (3, 2), 2, (5, 2)))
    expected = np.empty_like(W)
    for place in np.ndindex(W.shape):
        step = np.zeros(W.shape, complex)
        step[place] = 1e-20j
        Z = run(question.code, X=X, W=W + step, b=b)["Z"]
        expected[place] = (Z * dZ).sum().imag / 1e-20
    for option in question.options:
        gradient = eval(option.text.strip("`"), {"X": X, "W": W, "dZ": dZ})
        right = gradient.shape == W.shape and np.allclose(gradient, expected)
        assert right == option.correct, option.text


def test_the_faulty_code_is_mended_by_the_line_that_the_key_names(rng):
    question = find_question("gd-backprop-bug")
    X, T = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    W1, b1, W2, b2 = (rng.normal(size=shape) for shape in ((3, 4), 4, (4, 2), 2))

    def slope(name):
        given = {"X": X, "T": T, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
        given[name] = given[name].astype(complex)
        given[name][0, 0] += 1e-20j
        P = run(question.code, **given)["P"]
        return (((P - T) ** 2).sum() / (2 * len(X))).imag / 1e-20

    def gradients(code):
        names = run(code, X=X, T=T, W1=W1, b1=b1, W2=W2, b2=b2)
        return names["dW1"][0, 0], names["dW2"][0, 0]

    assert "((P - T)**2).sum() / (2 * len(X))" in question.stem
    shown = gradients(question.code)
    assert shown[0] != pytest.approx(slope("W1"), rel=1e-3)
    assert shown[1] == pytest.approx(slope("W2"))
    mended = question.code.replace("dZ = dH * (1 - Z**2)", "dZ = dH * (1 - H**2)")
    assert gradients(mended) == pytest.approx((slope("W1"), slope("W2")))
    assert right_option(question.id) == "The line of `dZ`"


def test_descent_from_the_dot_in_the_figure_ends_at_the_valley_of_the_key():
    (ax,) = find_figure("gd_double_well_start")().axes
    marks = {text.get_text(): text.xy[0] for text in ax.texts}
    end = minimize(double_well(tilt=0.15), SGD(0.05), [marks["start"]], steps=2000).end[0]
    assert end == pytest.approx(marks["R"], abs=1e-6)
    assert right_option("gd-basin-start").startswith("At R")
    alt = find_question("gd-basin-start").alt
    for name in ("P", "Q", "R", "start"):
        assert f"{marks[name]:.2f}".rstrip("0") in alt


def test_the_curves_look_as_their_alt_text_says():
    (ax,) = find_figure("gd_batch_size_curves")().axes
    assert (ax.get_xlabel(), ax.get_yscale()) == ("epoch", "log")
    a, b, c = (line.get_ydata() for line in ax.lines)
    assert [line.get_label() for line in ax.lines] == ["run A", "run B", "run C"]
    assert a[0] == b[0] == c[0] == pytest.approx(6, abs=0.3)
    assert (np.diff(a) < 0).all()
    assert a[-1] == pytest.approx(0.23, abs=0.005)
    assert b[1] == pytest.approx(0.3, abs=0.005)
    assert 0.2 < b[1:].min() < b[1:].max() < 0.34
    assert np.ptp(b[5:]) > 10 * np.ptp(c[6:])
    assert c[5:] == pytest.approx(0.21, abs=0.005)


def test_the_digits_make_the_number_of_updates_that_keras_prints():
    images = len(digits().train_inputs)
    stem = find_question("gd-keras-progress").stem
    assert f"{images:,}" in stem
    assert f"`{-(-images // 32)}/{-(-images // 32)}`" in stem
