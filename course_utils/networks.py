"""A multilayer perceptron over one flat parameter vector, and its loss as an objective.

Because all weights lie in one vector, the loss of a network is an objective like any landscape: the
same optimizers train it, and leading axes of the vector train many networks at once. The losses
stand in losses.py; taking a step is the business of descent.py.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from course_utils.hyperparameters import Hyperparameter, per_run, require_not_negative
from course_utils.losses import softmax_cross_entropy

# Activations may work in place. Their derivatives are written in terms of their own output a.
ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0, out=z), lambda a: a > 0),
    "tanh": (lambda z: np.tanh(z, out=z), lambda a: 1 - a * a),
    "sigmoid": (lambda z: 0.5 + 0.5 * np.tanh(0.5 * z), lambda a: a * (1 - a)),
    "linear": (lambda z: z, lambda a: 1.0),
}

INITIAL_VARIANCES = {
    "he": lambda inputs, outputs: 2 / inputs,
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),
}

# One forward pass holds this many bytes of activations at most; more networks go in turns.
BYTES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class MLP:
    r"""A network of dense layers: :math:`a_{l+1} = \sigma(a_l W_l + b_l)`, the last one linear.

    Args:
        layers: the number of units of every layer, from the inputs to the outputs.
        activation: σ of the hidden layers, "relu", "tanh", "sigmoid" or "linear".

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
        _require_known("activation", self.activation, ACTIVATIONS)

    @cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of W₁, b₁, W₂, b₂, ..., in the order of the flat vector."""
        return [shape for n, m in pairwise(self.layers) for shape in ((n, m), (m,))]

    @cached_property
    def ends(self) -> list[int]:
        """Return where each of these arrays ends in the flat vector."""
        return np.cumsum([np.prod(shape) for shape in self.shapes]).tolist()

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return self.ends[-1]

    def views(self, params: np.ndarray) -> list[np.ndarray]:
        """Return W₁, b₁, W₂, b₂, ... as views into the flat vector(s), of shape (..., *shape)."""
        if params.shape[-1:] != (self.size,):
            raise ValueError(f"params must end in an axis of {self.size}, got shape {params.shape}")
        runs = params.shape[:-1]
        return [
            params[..., start:end].reshape(runs + shape)
            for start, end, shape in zip([0, *self.ends], self.ends, self.shapes, strict=False)
        ]

    @cached_property
    def is_weight(self) -> np.ndarray:
        """Return a flat vector that is 1 at weights and 0 at biases."""
        mask = np.zeros(self.size)
        for weights in self.views(mask)[::2]:
            weights[...] = 1
        return mask

    def initial(
        self, seed: int, scale: float | None = None, scheme: str | None = None
    ) -> np.ndarray:
        """Return random normal weights with zero biases.

        Args:
            seed: equal seeds give equal weights.
            scale: the standard deviation of every weight, where no scheme is wanted.
            scheme: "he", √(2 / inputs of the layer), or "glorot", √(2 / (inputs + outputs)). Left
                out, it is "he" for relu and "glorot" for the others.

        Sources: Glorot and Bengio 2010; He et al. 2015.
        """
        scheme = scheme or ("he" if self.activation == "relu" else "glorot")
        _require_known("scheme", scheme, INITIAL_VARIANCES)
        rng = np.random.default_rng(seed)
        params = np.zeros(self.size)
        for weights in self.views(params)[::2]:
            deviation = INITIAL_VARIANCES[scheme](*weights.shape) ** 0.5 if scale is None else scale
            weights[...] = deviation * rng.standard_normal(weights.shape)
        return params

    def masks(self, rate: float, examples: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Return inverted dropout for each hidden layer: 0 with this rate, else 1 / (1 - rate).

        Source: Srivastava et al. 2014 (who rescale at test time; this rescales in training).
        """
        return [(rng.random((examples, units)) >= rate) / (1 - rate) for units in self.layers[1:-1]]

    def forward(self, params: np.ndarray, inputs: np.ndarray, masks=None) -> list[np.ndarray]:
        """Return what every layer puts out, inputs first: shapes (..., examples, units)."""
        arrays = self.views(params)
        activate = ACTIVATIONS[self.activation][0]
        outputs = [inputs]
        for layer, (weights, biases) in enumerate(zip(arrays[::2], arrays[1::2], strict=True)):
            sums = outputs[-1] @ weights
            sums += biases[..., None, :]
            if layer == len(self.layers) - 2:
                return [*outputs, sums]
            activations = activate(sums)
            outputs.append(activations if masks is None else activations * masks[layer])

    def predict(self, params: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of the last layer (logits, for a classifier)."""
        return self.forward(params, inputs)[-1]

    def accuracy(self, params: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the share of examples that are classified rightly, one a run.

        The largest output decides, a single output by its sign. Targets are labels (examples,), or
        have the shape of the outputs.
        """
        if params.ndim > 1:  # run by run, so that the outputs of thousands need no memory
            return np.array([self.accuracy(run, inputs, targets) for run in params])
        outputs = self.predict(params, inputs)
        if outputs.shape[-1] == 1:
            return np.mean((outputs[..., 0] > 0) == (targets.reshape(-1) > 0.5), axis=-1)
        labels = targets if targets.ndim == 1 else targets.argmax(axis=-1)
        return np.mean(outputs.argmax(axis=-1) == labels, axis=-1)


@dataclass(frozen=True)
class NetworkLoss:
    r"""The mean loss of a network over some examples, as an objective over its flat parameters.

    With penalties it is the mean loss plus :math:`\lambda_1 \sum |w| + \lambda_2 \sum w^2` over all
    weights; biases are free.

    Args:
        network: the network.
        inputs: one example a row, shape (examples, features).
        targets: what the loss takes: labels (examples,), or numbers (examples, outputs).
        loss: one of those in losses.py.
        l1: λ₁, a number or one a run.
        l2: λ₂, a number or one a run.
        dropout: the share of hidden units that `train` switches off at each step.
        masks: which units are switched off, and how the others are scaled; `batch` draws them.

    >>> network = MLP((2, 3))
    >>> objective = NetworkLoss(network, np.ones((4, 2)), np.array([0, 1, 2, 0]))
    >>> objective.value(np.zeros(network.size)).round(3)  # three equal guesses: log 3
    np.float64(1.099)
    """

    network: MLP
    inputs: np.ndarray
    targets: np.ndarray
    loss: object = softmax_cross_entropy
    l1: Hyperparameter = 0.0
    l2: Hyperparameter = 0.0
    dropout: float = 0.0
    masks: list | None = None

    def __post_init__(self):
        """Refuse what is no array, shapes that do not fit and penalties that reward."""
        for name, given in (("inputs", self.inputs), ("targets", self.targets)):
            if not isinstance(given, np.ndarray):
                raise TypeError(
                    f"{name} must be a NumPy array, got {type(given).__name__}: "
                    f"give np.asarray({name})"
                )
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
        if self.penalised:
            require_not_negative(self, "l1", "l2")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0, below 1, got {self.dropout}")

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return self.network.size

    @property
    def penalised(self) -> bool:
        """Whether there is a penalty on the weights."""
        return any(isinstance(rate, np.ndarray) or rate != 0 for rate in (self.l1, self.l2))

    @property
    def examples(self) -> int:
        """Return the number of examples."""
        return len(self.inputs)

    def batch(self, rows: np.ndarray, rng: np.random.Generator | None = None) -> "NetworkLoss":
        """Return the loss over these rows only, with units dropped at random where rng is given."""
        masks = None
        if self.dropout and rng is not None:
            masks = self.network.masks(self.dropout, len(rows), rng)
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows], masks=masks)

    def value(self, params: np.ndarray) -> np.ndarray:
        """Return the loss, one for each leading index of params; many networks go in turns."""
        runs = params.shape[:-1]
        flat = params.reshape(-1, self.size)
        at_once = max(1, BYTES_AT_ONCE // (8 * self.examples * max(self.network.layers)))
        values = np.empty(len(flat))
        for first in range(0, len(flat), at_once):
            part = flat[first : first + at_once]
            outputs = self.network.forward(part, self.inputs, self.masks)[-1]
            values[first : first + at_once] = self.loss(outputs, self.targets)[0]
        return values.reshape(runs)[()] + self._penalty(params)

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
        outputs = self.network.forward(params, self.inputs, self.masks)
        value, delta = self.loss(outputs[-1], self.targets)
        arrays = self.network.views(params)
        gradient = np.empty_like(params)
        parts = self.network.views(gradient)
        for layer in range(len(outputs) - 2, -1, -1):
            below = outputs[layer]
            np.matmul(below.swapaxes(-1, -2), delta, out=parts[2 * layer])
            parts[2 * layer + 1][...] = delta.sum(axis=-2)
            if layer > 0:
                delta = delta @ arrays[2 * layer].swapaxes(-1, -2)
                if self.masks is not None:
                    mask = self.masks[layer - 1]
                    delta = delta * mask
                    below = below * (1 - self.dropout)  # the activation before the mask's scale
                delta = delta * slope(below)
        if self.penalised:
            weights = params * self.network.is_weight
            penalty = per_run(self.l1) * np.sign(weights) + 2 * per_run(self.l2) * weights
            # Into the penalty: its rates may span more runs than the params do.
            gradient = np.add(gradient, penalty, out=penalty)
        return value + self._penalty(params), gradient

    def _penalty(self, params):
        if not self.penalised:
            return 0.0
        weights = params * self.network.is_weight
        return self.l1 * np.abs(weights).sum(axis=-1) + self.l2 * (weights * weights).sum(axis=-1)


def _require_known(name, value, known) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
