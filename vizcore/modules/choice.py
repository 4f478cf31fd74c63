"""What the learner chose, and the sizes that are not for choosing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layer = Literal["linear", "conv2d"]
Activation = Literal["relu", "gelu", "tanh", "sigmoid"]
Normalization = Literal["none", "batch_norm", "group_norm"]
Middle = Literal["none", "separate", "shared"]

LAYERS: tuple[Layer, ...] = ("linear", "conv2d")
ACTIVATIONS: tuple[Activation, ...] = ("relu", "gelu", "tanh", "sigmoid")
NORMALIZATIONS: tuple[Normalization, ...] = ("none", "batch_norm", "group_norm")
MIDDLES: tuple[Middle, ...] = ("none", "separate", "shared")
HIDDEN_SIZES = (4, 8, 16)

IN_FEATURES = 4
OUT_FEATURES = 3
BATCH = 6
IMAGE_SIZE = 5
NUM_GROUPS = 2


@dataclass(frozen=True)
class NetworkChoice:
    """What the learner chose: one network, to be built as modules and as functions.

    Attributes:
        layer: ``"linear"`` on 4 features, or ``"conv2d"`` (3 x 3) on a 5 x 5 image with one channel.
        hidden: Hidden features or channels, even.
        activation: The activation after each hidden layer.
        normalization: The normalisation after the first layer.
        dropout: Probability that ``dropout`` sets an element to zero, in [0, 1).
        bias: Whether the weighted layers have a bias.
        middle: Two more hidden layers: none, two ``separate`` ones, or one layer ``shared`` by both places.
        registered: Whether the functional network wraps its weights in ``nn.Parameter`` and its running statistics
            in buffers, or keeps plain tensors.
        pass_training: Whether the functional network passes ``training=self.training`` on, or leaves the default.
    """

    layer: Layer = "linear"
    hidden: int = 8
    activation: Activation = "relu"
    normalization: Normalization = "batch_norm"
    dropout: float = 0.5
    bias: bool = True
    middle: Middle = "none"
    registered: bool = False
    pass_training: bool = False

    def __post_init__(self) -> None:
        """Refuses what torch would refuse later and less clearly."""
        if self.hidden < NUM_GROUPS or self.hidden % NUM_GROUPS:
            raise ValueError(f"hidden must be a positive multiple of {NUM_GROUPS}, got {self.hidden}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout}")
        for value, allowed in (
            (self.layer, LAYERS),
            (self.activation, ACTIVATIONS),
            (self.normalization, NORMALIZATIONS),
            (self.middle, MIDDLES),
        ):
            if value not in allowed:
                raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")


def input_shape(choice: NetworkChoice) -> tuple[int, ...]:
    """Shape of the input of a network."""
    return (BATCH, IN_FEATURES) if choice.layer == "linear" else (BATCH, 1, IMAGE_SIZE, IMAGE_SIZE)


def in_size(choice: NetworkChoice) -> int:
    """Input features or channels."""
    return IN_FEATURES if choice.layer == "linear" else 1


def middle_places(choice: NetworkChoice) -> tuple[str, ...]:
    """Names of the weights of the two middle layers."""
    return {"none": (), "separate": ("2", "3"), "shared": ("2", "2")}[choice.middle]
