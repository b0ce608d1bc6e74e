"""A multilayer perceptron over one flat parameter vector, its losses and their gradients.

Because all weights lie in one vector, the loss of a network is an objective like any landscape: the
same optimizers train it, and leading axes of the vector train many networks at once. Nothing here
takes a step; that is descent.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

# The derivatives are written in terms of the activation's own output a.
ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(a.dtype)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "linear": (lambda z: z, np.ones_like),
}

Loss = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray):
    r"""Return the mean of :math:`-\log p_{label}` and its gradient at the logits.

    With :math:`p = \mathrm{softmax}(z)` the gradient of one example is :math:`p` minus the one-hot
    label. The largest logit is subtracted first, so that no exponential overflows.

    Args:
        logits: shape (..., examples, classes).
        labels: integers, shape (examples,).

    >>> value, gradient = softmax_cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))
    >>> gradient
    array([[ 0.5, -0.5]])
    """
    examples, classes = logits.shape[-2:]
    if labels.shape != (examples,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {examples} integers, got {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must lie from 0 to {classes - 1}, got {labels.min()} to {labels.max()}"
        )
    shifted = logits - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=-1, keepdims=True)
    rows = np.arange(examples)
    value = np.mean(np.log(totals[..., 0]) - shifted[..., rows, labels], axis=-1)
    gradient = exponentials / totals
    gradient[..., rows, labels] -= 1
    return value, gradient / examples


def mean_squared_error(outputs: np.ndarray, targets: np.ndarray):
    r"""Return the mean of :math:`(\hat y - y)^2` over examples and outputs, and its gradient.

    >>> mean_squared_error(np.array([[3.0]]), np.array([[1.0]]))
    (np.float64(4.0), array([[4.]]))
    """
    if targets.shape != outputs.shape[-2:]:
        raise ValueError(f"targets must have shape {outputs.shape[-2:]}, got {targets.shape}")
    error = outputs - targets
    return np.mean(error * error, axis=(-2, -1)), 2 * error / targets.size


@dataclass(frozen=True)
class MLP:
    r"""A network of dense layers: :math:`a_{l+1} = \sigma(a_l W_l + b_l)`, the last one linear.

    Args:
        layers: the number of units of every layer, from the inputs to the outputs.
        activation: σ of the hidden layers, "relu", "tanh" or "linear".

    >>> network = MLP((2, 3, 1), activation="tanh")
    >>> network.size  # 2·3 weights and 3 biases, then 3·1 and 1
    13
    >>> [array.shape for array in network.views(np.zeros(13))]
    [(2, 3), (3,), (3, 1), (1,)]
    """

    layers: tuple[int, ...]
    activation: str = "relu"

    def __post_init__(self):
        """Refuse too few layers, empty layers and unknown activations."""
        if len(self.layers) < 2 or min(self.layers) < 1:
            raise ValueError(f"layers must be two or more positive sizes, got {self.layers}")
        if self.activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ValueError(f"activation must be one of {known}, got {self.activation!r}")

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of W₁, b₁, W₂, b₂, ..., in the order of the flat vector."""
        return [shape for n, m in pairwise(self.layers) for shape in ((n, m), (m,))]

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def views(self, params: np.ndarray) -> list[np.ndarray]:
        """Return W₁, b₁, W₂, b₂, ... as views into the flat vector(s), of shape (..., *shape)."""
        if params.shape[-1:] != (self.size,):
            raise ValueError(f"params must end in an axis of {self.size}, got shape {params.shape}")
        arrays, start = [], 0
        for shape in self.shapes:
            stop = start + int(np.prod(shape))
            arrays.append(params[..., start:stop].reshape(params.shape[:-1] + shape))
            start = stop
        return arrays

    def initial(self, seed: int, scale: float | None = None) -> np.ndarray:
        """Return random weights with zero biases.

        Args:
            seed: equal seeds give equal weights.
            scale: the standard deviation of every weight. Left out, each layer gets He's
                √(2 / inputs of the layer) for relu, else Glorot's √(2 / (inputs + outputs)).

        Sources: Glorot and Bengio 2010; He et al. 2015.
        """
        rng = np.random.default_rng(seed)
        params = np.zeros(self.size)
        for weights in self.views(params)[::2]:
            inputs, outputs = weights.shape
            fan = inputs if self.activation == "relu" else inputs + outputs
            deviation = np.sqrt(2 / fan) if scale is None else scale
            weights[...] = deviation * rng.standard_normal(weights.shape)
        return params

    def forward(self, params: np.ndarray, inputs: np.ndarray) -> list[np.ndarray]:
        """Return what every layer puts out, inputs first: shapes (..., examples, units)."""
        arrays = self.views(params)
        activate = ACTIVATIONS[self.activation][0]
        outputs = [inputs]
        for weights, biases in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
            outputs.append(activate(outputs[-1] @ weights + biases[..., None, :]))
        outputs.append(outputs[-1] @ arrays[-2] + arrays[-1][..., None, :])
        return outputs

    def predict(self, params: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of the last layer (logits, for a classifier)."""
        return self.forward(params, inputs)[-1]

    def accuracy(self, params: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the share of examples whose largest output is at their label, one a run."""
        return np.mean(self.predict(params, inputs).argmax(-1) == labels, axis=-1)


@dataclass(frozen=True)
class NetworkLoss:
    """The mean loss of a network over some examples, as an objective over its flat parameters.

    Args:
        network: the network.
        inputs: one example a row, shape (examples, features).
        targets: integer labels (examples,), or numbers (examples, outputs) for a regression.
        loss: `softmax_cross_entropy` or `mean_squared_error`.

    >>> network = MLP((2, 3))
    >>> objective = NetworkLoss(network, np.ones((4, 2)), np.array([0, 1, 2, 0]))
    >>> objective.value(np.zeros(network.size)).round(3)  # three equal guesses: log 3
    np.float64(1.099)
    """

    network: MLP
    inputs: np.ndarray
    targets: np.ndarray
    loss: Loss = softmax_cross_entropy

    def __post_init__(self):
        """Refuse shapes that do not fit."""
        features = self.network.layers[0]
        if self.inputs.ndim != 2 or self.inputs.shape[1] != features:
            raise ValueError(
                f"inputs must have shape (examples, {features}), got {self.inputs.shape}"
            )
        if len(self.targets) != len(self.inputs):
            raise ValueError(
                f"there must be a target for each example, got {len(self.targets)} targets "
                f"for {len(self.inputs)} examples"
            )

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return self.network.size

    @property
    def examples(self) -> int:
        """Return the number of examples."""
        return len(self.inputs)

    def batch(self, rows: np.ndarray) -> "NetworkLoss":
        """Return the same loss over these rows only: the objective of one mini-batch."""
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows])

    def value(self, params: np.ndarray) -> np.ndarray:
        """Return the loss, one for each leading index of params."""
        return self.loss(self.network.predict(params, self.inputs), self.targets)[0]

    def gradient(self, params: np.ndarray) -> np.ndarray:
        """Return the gradient, of the shape of params."""
        return self.value_and_gradient(params)[1]

    def value_and_gradient(self, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r"""Return loss and gradient by backpropagation.

        With δ the gradient at a layer's pre-activation, from the last layer down:

        .. math::
            \partial L/\partial W &= a^\top \delta, \qquad
            \partial L/\partial b = \textstyle\sum \delta, \\
            \delta_{below} &= (\delta W^\top) \odot \sigma'(a)

        Source: Rumelhart, Hinton and Williams 1986.
        """
        slope = ACTIVATIONS[self.network.activation][1]
        outputs = self.network.forward(params, self.inputs)
        value, delta = self.loss(outputs[-1], self.targets)
        arrays = self.network.views(params)
        gradient = np.empty_like(params)
        parts = self.network.views(gradient)
        for layer in range(len(outputs) - 2, -1, -1):
            below = outputs[layer]
            parts[2 * layer][...] = below.swapaxes(-1, -2) @ delta
            parts[2 * layer + 1][...] = delta.sum(axis=-2)
            if layer > 0:
                delta = (delta @ arrays[2 * layer].swapaxes(-1, -2)) * slope(below)
        return value, gradient
