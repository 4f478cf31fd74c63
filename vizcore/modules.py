"""``nn.Xxx`` beside ``nn.functional.xxx``: the same small network built both ways, and what then differs.

A module is state (parameters, buffers, a training flag, hooks) plus a call of the function; the function is the
arithmetic alone. Given equal weights both compute the same numbers, bit for bit. What differs is everything that
needs the state, and it differs silently: a plain tensor is not in ``parameters()``, does not move with ``.to()``,
is not saved; ``F.dropout`` keeps dropping in ``eval()``. ``compare_networks`` builds both from one choice, runs
both and measures each of these.

Reference:
    Paszke, Gross, Massa et al., PyTorch: An Imperative Style, High-Performance Deep Learning Library, NeurIPS 2019,
    arXiv 1912.01703.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vizcore.seeding import seeded

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
NUM_PASSES = 20
NUM_BATCHES = 10
LEARNING_RATE = 0.1
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


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a network, by name.

    Attributes:
        name: Its key, such as ``"0.weight"``.
        shape: Its shape.
        dtype: Its dtype without the ``torch.`` prefix.
        num_values: How many numbers it holds.
        num_bytes: How many bytes they take.
        same_as: Name of an earlier entry that is the same tensor, or ``""``.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    num_values: int
    num_bytes: int
    same_as: str = ""


@dataclass(frozen=True, eq=False)
class NetworkReport:
    """One of the two networks, with everything that was measured on it.

    Attributes:
        name: ``"module"`` or ``"functional"``.
        source: The program that builds it and prints its outputs; runs in a fresh interpreter.
        text: What ``repr`` prints.
        tensors: Every tensor the outputs depend on, whether torch knows of it or not.
        parameters: What ``parameters()`` yields, with names.
        state: What ``state_dict()`` holds.
        output: ``[6, 3]`` in ``eval()``.
        output_train: ``[6, 3]`` in ``train()``.
        output_without_dropout: ``[6, 3]`` in ``eval()`` with dropout probability 0: the arithmetic alone.
        passes_eval: ``[20]`` one output element, twenty passes of the same input in ``eval()``.
        passes_train: ``[20]`` the same in ``train()``.
        training_flags: How many modules ``eval()`` told that training is over.
        hook_calls: Class name and number of calls of each forward hook in one call of the network.
        hook_calls_forward: All forward hook calls when ``.forward(x)`` is called instead of ``(x)``.
        dtypes_after_to: ``tensors`` again, after ``.to(torch.float64)``.
        error_after_to: Torch's own error when the converted network meets a float64 input, or ``""``.
        step_changes: Name and L2 norm of the change of each weight in one SGD step.
        step_error: Torch's own error from ``torch.optim.SGD(net.parameters())``, or ``""``.
        restored_difference: Largest difference in outputs after ``state_dict()`` was loaded into a new network.
        running_mean: ``[11, hidden]`` of the batch normalisation: at first and after each of ten training batches,
            or empty.
    """

    name: str
    source: str
    text: str
    tensors: tuple[TensorEntry, ...]
    parameters: tuple[TensorEntry, ...]
    state: tuple[TensorEntry, ...]
    output: np.ndarray
    output_train: np.ndarray
    output_without_dropout: np.ndarray
    passes_eval: np.ndarray
    passes_train: np.ndarray
    training_flags: int
    hook_calls: tuple[tuple[str, int], ...]
    hook_calls_forward: int
    dtypes_after_to: tuple[TensorEntry, ...]
    error_after_to: str
    step_changes: tuple[tuple[str, float], ...]
    step_error: str
    restored_difference: float
    running_mean: np.ndarray


@dataclass(frozen=True)
class Difference:
    """One aspect of both networks.

    Attributes:
        aspect: Its name, such as ``"eval_passes"``.
        module: The measured number on the module's side.
        functional: The same on the functional side.
        same: Whether they agree where a learner would expect it.
        repairable: Whether the functional network can be written so that they agree; if not, the difference lies in
            the nature of functions.
    """

    aspect: str
    module: float
    functional: float
    same: bool
    repairable: bool


@dataclass(frozen=True, eq=False)
class NetworkComparison:
    """Both networks and where they differ.

    Attributes:
        choice: What was built.
        seed: Seed of weights, input and dropout.
        input: ``[6, 4]`` or ``[6, 1, 5, 5]``.
        module: The network of modules.
        functional: The network of functions.
        differences: Aspect by aspect.
    """

    choice: NetworkChoice
    seed: int
    input: np.ndarray
    module: NetworkReport
    functional: NetworkReport
    differences: tuple[Difference, ...]


@dataclass(frozen=True, eq=False)
class NetworkTiming:
    """Time of one forward pass in ``eval()``, both ways.

    Attributes:
        module: ``[repeats]`` microseconds.
        functional: ``[repeats]`` microseconds, measured in turn with the module's.
    """

    module: np.ndarray
    functional: np.ndarray

    def quartiles(self, name: Literal["module", "functional"]) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of one of the two, in microseconds."""
        low, median, high = np.percentile(self.module if name == "module" else self.functional, [25, 50, 75])
        return float(low), float(median), float(high)


@dataclass(frozen=True)
class Recommendation:
    """One line of "which for what", with what was measured for it.

    Attributes:
        need: What the learner wants to write, such as ``"weighted_layer"``.
        choose: ``"module"``, ``"functional"`` or ``"either"``.
        module: The measured value on the module's side; a number or torch's own error text.
        functional: The same on the functional side.
    """

    need: str
    choose: Literal["module", "functional", "either"]
    module: float | str
    functional: float | str


@dataclass(frozen=True)
class Trap:
    """A mistake that both forms allow, with what was measured for it.

    Attributes:
        name: Such as ``"parameter_list"``.
        mistaken: The measured value with the mistake; a number or torch's own error text.
        intended: The measured value without it.
    """

    name: str
    mistaken: float | str
    intended: float


def build_module_network(choice: NetworkChoice) -> nn.Sequential:
    """Builds the network from modules."""
    size = choice.hidden
    layers: list[nn.Module] = [_weighted_module(choice, _in_size(choice), size)]
    if choice.normalization == "batch_norm":
        layers.append(nn.BatchNorm1d(size) if choice.layer == "linear" else nn.BatchNorm2d(size))
    elif choice.normalization == "group_norm":
        layers.append(nn.GroupNorm(NUM_GROUPS, size))
    layers.append(_ACTIVATION_MODULES[choice.activation]())
    if choice.middle == "shared":
        middle = _weighted_module(choice, size, size)
        layers += [middle, _ACTIVATION_MODULES[choice.activation](), middle, _ACTIVATION_MODULES[choice.activation]()]
    elif choice.middle == "separate":
        for _ in range(2):
            layers += [_weighted_module(choice, size, size), _ACTIVATION_MODULES[choice.activation]()]
    layers.append(nn.Dropout(choice.dropout))
    if choice.layer == "conv2d":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers.append(nn.Linear(size, OUT_FEATURES, bias=choice.bias))
    return nn.Sequential(*layers)


class FunctionalNetwork(nn.Module):
    """The same network from functions: every weight and flag handled by hand, well or badly, as chosen."""

    norm_weight: Tensor
    norm_bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    weight_last: Tensor

    def __init__(self, choice: NetworkChoice) -> None:
        """Draws the weights in the order in which the modules would."""
        super().__init__()
        self.choice = choice
        for name, shape in _weight_shapes(choice):
            self._keep(name, _initial_weight(name, shape, _weight_shapes(choice)))
        if choice.normalization == "batch_norm":
            for name, tensor in (
                ("running_mean", torch.zeros(choice.hidden)),
                ("running_var", torch.ones(choice.hidden)),
            ):
                if choice.registered:
                    self.register_buffer(name, tensor)
                else:
                    setattr(self, name, tensor)

    def _get_name(self) -> str:
        """The name that ``repr`` prints: that of the class in the shown program."""
        return "Net"

    def _keep(self, name: str, tensor: Tensor) -> None:
        setattr(self, name, nn.Parameter(tensor) if self.choice.registered else tensor.requires_grad_())

    def forward(self, x: Tensor) -> Tensor:
        """Calls the functions one after another."""
        choice = self.choice
        activation = _ACTIVATION_FUNCTIONS[choice.activation]
        x = self._weighted(x, "1")
        if choice.normalization == "batch_norm":
            flag = {"training": self.training} if choice.pass_training else {}
            x = F.batch_norm(x, self.running_mean, self.running_var, self.norm_weight, self.norm_bias, **flag)
        elif choice.normalization == "group_norm":
            x = F.group_norm(x, NUM_GROUPS, self.norm_weight, self.norm_bias)
        x = activation(x)
        for place in _middle_places(choice):
            x = activation(self._weighted(x, place))
        x = F.dropout(x, choice.dropout, **({"training": self.training} if choice.pass_training else {}))
        if choice.layer == "conv2d":
            x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.linear(x, self.weight_last, getattr(self, "bias_last", None))

    def _weighted(self, x: Tensor, place: str) -> Tensor:
        weight, bias = getattr(self, f"weight_{place}"), getattr(self, f"bias_{place}", None)
        return F.linear(x, weight, bias) if self.choice.layer == "linear" else F.conv2d(x, weight, bias, padding=1)


def compare_networks(choice: NetworkChoice, *, seed: int = 0) -> NetworkComparison:
    """Builds the chosen network both ways, runs both and measures where they differ.

    Args:
        choice: What to build.
        seed: Seed of the weights, the input and the dropped elements; both networks get the same.

    Returns:
        Both reports and the differences.
    """
    module = _report("module", choice, seed)
    functional = _report("functional", choice, seed)
    return NetworkComparison(
        choice=choice,
        seed=seed,
        input=_draw_input(choice, seed).numpy(),
        module=module,
        functional=functional,
        differences=_differences(module, functional),
    )


def time_networks(choice: NetworkChoice, *, seed: int = 0, repeats: int = 200) -> NetworkTiming:
    """Times one forward pass in ``eval()`` both ways, in turn, so that both meet the same machine.

    The functional network is timed as it should be written (``registered`` and ``pass_training``), so that both do
    the same work.
    """
    sound = replace(choice, registered=True, pass_training=True)
    x = _draw_input(sound, seed)
    networks = (_build("module", sound, seed).eval(), _build("functional", sound, seed).eval())
    times = np.empty((repeats, 2))
    with torch.inference_mode():
        for network in networks:
            for _ in range(5):
                network(x)
        for repeat in range(repeats):
            for column, network in enumerate(networks):
                start = time.perf_counter()
                network(x)
                times[repeat, column] = time.perf_counter() - start
    return NetworkTiming(module=times[:, 0] * 1e6, functional=times[:, 1] * 1e6)


def measure_recommendations(*, seed: int = 0) -> tuple[Recommendation, ...]:
    """Measures, need by need, why one of the two ways is the better one.

    Returns:
        One line per need. The values are counts, differences or torch's own error text:
        ``weighted_layer`` numbers that an optimiser would see; ``dropout`` different results in twenty passes in
        ``eval()``; ``batch_norm`` running values saved; ``activation`` numbers to save, and the difference of
        results; ``in_sequential`` torch's answer to ``nn.Sequential(nn.Linear(4, 8), …)``; ``computed_weight``
        torch's answer to a weight that another network computed, against the gradient norm that reaches that
        network; ``tied_weight`` numbers to learn in an autoencoder whose decoder uses the encoder's weight,
        transposed; ``inspect`` forward hooks that fire; ``loss`` the difference of the two cross entropies.
    """
    sound = NetworkChoice(registered=True, pass_training=True)
    naive = NetworkChoice()
    modules, functions = compare_networks(sound, seed=seed).module, compare_networks(naive, seed=seed).functional
    with seeded(seed):
        x, target = torch.randn(BATCH, IN_FEATURES), torch.randint(IN_FEATURES, (BATCH,))
        code = torch.randn(2)
        hyper = nn.Linear(2, OUT_FEATURES * IN_FEATURES)
    computed = hyper(code).view(OUT_FEATURES, IN_FEATURES)
    F.linear(x, computed).square().mean().backward()
    hyper_gradient = hyper.weight.grad
    assert hyper_gradient is not None

    def assign_computed() -> None:
        nn.Linear(IN_FEATURES, OUT_FEATURES).weight = computed  # type: ignore[assignment]

    def put_function() -> None:
        nn.Sequential(nn.Linear(IN_FEATURES, 8), F.relu)  # type: ignore[call-overload]

    encoder, decoder = nn.Linear(IN_FEATURES, 2, bias=False), nn.Linear(2, IN_FEATURES, bias=False)
    activation_difference = float((nn.ReLU()(x) - F.relu(x)).abs().max())
    loss_difference = nn.CrossEntropyLoss()(x, target) - F.cross_entropy(x, target)
    return (
        Recommendation("weighted_layer", "module", _num_values(modules.parameters), _num_values(functions.parameters)),
        Recommendation("dropout", "module", num_distinct(modules.passes_eval), num_distinct(functions.passes_eval)),
        Recommendation("batch_norm", "module", _num_running(modules.state), _num_running(functions.state)),
        Recommendation("in_sequential", "module", "", _error_of(put_function)),
        Recommendation("inspect", "module", _total(modules.hook_calls), _total(functions.hook_calls)),
        Recommendation("computed_weight", "functional", _error_of(assign_computed), float(hyper_gradient.norm())),
        Recommendation(
            "tied_weight", "functional", encoder.weight.numel() + decoder.weight.numel(), encoder.weight.numel()
        ),
        Recommendation("activation", "either", float(len(nn.ReLU().state_dict())), activation_difference),
        Recommendation("loss", "either", float(loss_difference), float(loss_difference)),
    )


def measure_traps(*, seed: int = 0) -> tuple[Trap, ...]:
    """Measures mistakes that neither form protects from.

    Returns:
        One line per trap: ``parameter_list`` numbers that ``parameters()`` finds in a Python list and in an
        ``nn.ParameterList``; ``eval_keeps_gradients`` the length of a gradient computed in ``eval()`` and how many
        tensors ``torch.no_grad()`` records instead; ``softmax_before_loss`` the cross entropy of softmax outputs
        and of logits; ``broadcast_loss`` the mean squared error of ``[N, 1]`` against ``[N]`` and of equal shapes;
        ``batch_of_one`` torch's answer to one sample in ``train()``, and the output's length in ``eval()``;
        ``forgotten_zero_grad`` the length of a weight's gradient after two ``backward()`` calls and after one.
    """
    with seeded(seed):
        layer, other = nn.Linear(IN_FEATURES, OUT_FEATURES), nn.Linear(IN_FEATURES, 1)
        norm = nn.BatchNorm1d(IN_FEATURES)
        x, target = torch.randn(BATCH, IN_FEATURES), torch.randint(OUT_FEATURES, (BATCH,))
        values = torch.randn(BATCH)

    class Holder(nn.Module):
        def __init__(self, weights: object) -> None:
            super().__init__()
            self.weights = weights

    in_list = Holder([layer.weight, layer.bias])
    in_parameter_list = Holder(nn.ParameterList([layer.weight, layer.bias]))
    layer.eval()
    layer(x).square().mean().backward()
    once = _gradient_length(layer)
    layer(x).square().mean().backward()
    twice = _gradient_length(layer)
    with torch.no_grad():
        recorded = int(layer(x).requires_grad)
        logits, column = layer(x), other(x)
        alone = norm.eval()(x[:1]).norm()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns of the very mistake that is measured here
        broadcast = F.mse_loss(column, values)
    return (
        Trap("parameter_list", _count(in_list), _count(in_parameter_list)),
        Trap("eval_keeps_gradients", once, recorded),
        Trap("forgotten_zero_grad", twice, once),
        Trap(
            "softmax_before_loss",
            float(F.cross_entropy(logits.softmax(1), target)),
            float(F.cross_entropy(logits, target)),
        ),
        Trap("broadcast_loss", float(broadcast), float(F.mse_loss(column.squeeze(1), values))),
        Trap("batch_of_one", _error_of(lambda: norm.train()(x[:1])), float(alone)),
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _gradient_length(layer: nn.Linear) -> float:
    assert layer.weight.grad is not None
    return float(layer.weight.grad.norm())


def num_distinct(values: Float[np.ndarray, "*shape"]) -> int:
    """How many different numbers an array holds."""
    return len(np.unique(values))


# --- building -------------------------------------------------------------------------------------

_ACTIVATION_MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
_ACTIVATION_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def _in_size(choice: NetworkChoice) -> int:
    return IN_FEATURES if choice.layer == "linear" else 1


def _weighted_module(choice: NetworkChoice, inputs: int, outputs: int) -> nn.Module:
    if choice.layer == "linear":
        return nn.Linear(inputs, outputs, bias=choice.bias)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=choice.bias)


def _middle_places(choice: NetworkChoice) -> tuple[str, ...]:
    return {"none": (), "separate": ("2", "3"), "shared": ("2", "2")}[choice.middle]


def _weight_shapes(choice: NetworkChoice) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the functional network's weights, in the order in which the modules draw theirs."""
    kernel = () if choice.layer == "linear" else (3, 3)
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def add(place: str, weight: tuple[int, ...]) -> None:
        shapes.append((f"weight_{place}", weight))
        if choice.bias:
            shapes.append((f"bias_{place}", weight[:1]))

    add("1", (choice.hidden, _in_size(choice), *kernel))
    if choice.normalization != "none":
        shapes.append(("norm_weight", (choice.hidden,)))
        shapes.append(("norm_bias", (choice.hidden,)))
    for place in dict.fromkeys(_middle_places(choice)):
        add(place, (choice.hidden, choice.hidden, *kernel))
    add("last", (OUT_FEATURES, choice.hidden))
    return shapes


def _initial_weight(name: str, shape: tuple[int, ...], shapes: list[tuple[str, tuple[int, ...]]]) -> Tensor:
    """The initial values that ``nn.Linear``, ``nn.Conv2d`` and the normalisations give."""
    if name == "norm_weight":
        return torch.ones(shape)
    if name == "norm_bias":
        return torch.zeros(shape)
    if name.startswith("weight"):
        return nn.init.kaiming_uniform_(torch.empty(shape), a=5**0.5)
    bound = 1 / _fan_in(dict(shapes)[name.replace("bias", "weight")]) ** 0.5
    return nn.init.uniform_(torch.empty(shape), -bound, bound)


def _fan_in(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape[1:]))


def _build(name: str, choice: NetworkChoice, seed: int) -> nn.Module:
    with seeded(seed):
        return build_module_network(choice) if name == "module" else FunctionalNetwork(choice)


def _draw_input(choice: NetworkChoice, seed: int) -> Tensor:
    shape = (BATCH, IN_FEATURES) if choice.layer == "linear" else (BATCH, 1, IMAGE_SIZE, IMAGE_SIZE)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# --- measuring ------------------------------------------------------------------------------------


def _report(name: str, choice: NetworkChoice, seed: int) -> NetworkReport:
    def build() -> nn.Module:
        return _build(name, choice, seed)

    x = _draw_input(choice, seed)
    with torch.no_grad(), seeded(seed):
        output = build().eval()(x)
    with torch.no_grad(), seeded(seed):
        output_train = build().train()(x)
    with torch.no_grad(), seeded(seed):
        plain = _build(name, replace(choice, dropout=0.0), seed).eval()(x)
    network = build()
    parameters = _entries(dict(network.named_parameters()))
    hook_calls, hook_calls_forward = _count_hooks(build(), x)
    dtypes, error_after_to = _convert(build(), x)
    step_changes, step_error = _one_step(build(), x, seed)
    flags_before = sum(module.training for module in network.modules())
    flags_after = sum(module.training for module in network.eval().modules())
    return NetworkReport(
        name=name,
        source=network_source(choice, name, seed=seed),
        text=repr(network),
        tensors=_entries(_tensors(network)),
        parameters=parameters,
        state=_entries(network.state_dict()),
        output=output.numpy(),
        output_train=output_train.numpy(),
        output_without_dropout=plain.numpy(),
        passes_eval=_repeated_passes(build().eval(), x, seed),
        passes_train=_repeated_passes(build().train(), x, seed),
        training_flags=flags_before - flags_after,
        hook_calls=hook_calls,
        hook_calls_forward=hook_calls_forward,
        dtypes_after_to=dtypes,
        error_after_to=error_after_to,
        step_changes=step_changes,
        step_error=step_error,
        restored_difference=_restore(name, choice, x, seed),
        running_mean=_follow_running_mean(build(), choice, seed),
    )


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Every floating tensor the outputs depend on: parameters, buffers and plain attributes, shared ones once."""
    found: dict[str, Tensor] = dict(network.named_parameters())
    found |= {name: buffer for name, buffer in network.named_buffers() if buffer.is_floating_point()}
    found |= {name: value for name, value in vars(network).items() if isinstance(value, Tensor)}
    return found


def _entries(tensors: dict[str, Tensor]) -> tuple[TensorEntry, ...]:
    entries: list[TensorEntry] = []
    first: dict[int, str] = {}
    for name, value in tensors.items():
        same_as = first.setdefault(value.data_ptr(), name)
        dtype = str(value.dtype).removeprefix("torch.")
        sizes = tuple(value.shape), dtype, value.numel(), value.nbytes
        entries.append(TensorEntry(name, *sizes, same_as="" if same_as == name else same_as))
    return tuple(entries)


def _repeated_passes(network: nn.Module, x: Tensor, seed: int) -> np.ndarray:
    """The first output element over twenty passes of the same input; batch normalisation may learn on the way."""
    with torch.no_grad(), seeded(seed):
        return np.array([float(network(x)[0, 0]) for _ in range(NUM_PASSES)])


def _count_hooks(network: nn.Module, x: Tensor) -> tuple[tuple[tuple[str, int], ...], int]:
    calls: dict[str, int] = {}

    def count(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            calls[name] += 1

        return hook

    for path, module in network.named_modules():
        name = f"{path} {module._get_name()}".strip()
        calls[name] = 0
        module.register_forward_hook(count(name))
    with torch.no_grad(), seeded(0):
        network(x)
        by_call = tuple(calls.items())
        before = sum(calls.values())
        network.forward(x)
    return by_call, sum(calls.values()) - before


def _convert(network: nn.Module, x: Tensor) -> tuple[tuple[TensorEntry, ...], str]:
    network.eval().to(torch.float64)
    with torch.no_grad(), seeded(0):
        error = _error_of(lambda: network(x.double()))
    return _entries(_tensors(network)), error


def _one_step(network: nn.Module, x: Tensor, seed: int) -> tuple[tuple[tuple[str, float], ...], str]:
    before = {name: value.detach().clone() for name, value in _weights(network).items()}
    with seeded(seed):
        target = torch.randn(BATCH, OUT_FEATURES)
        F.mse_loss(network.train()(x), target).backward()
    error = _error_of(lambda: torch.optim.SGD(network.parameters(), lr=LEARNING_RATE).step())
    after = _weights(network)
    return tuple((name, float((after[name].detach() - value).norm())) for name, value in before.items()), error


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in _tensors(network).items() if value.requires_grad}


def _restore(name: str, choice: NetworkChoice, x: Tensor, seed: int) -> float:
    """Trains a little, saves, loads into a network with other initial weights, and compares what both then compute.

    Dropout is off on both sides, so that only lost values can make a difference.
    """
    without_dropout = replace(choice, dropout=0.0)
    network = _build(name, without_dropout, seed)
    with torch.no_grad():
        for weight in _weights(network).values():
            weight.add_(0.25)  # stands for training, whoever is able to do it
        network.train()(x)
    fresh = _build(name, without_dropout, seed + 1)
    fresh.load_state_dict(copy.deepcopy(network.state_dict()))
    with torch.no_grad():
        return float((network.eval()(x) - fresh.eval()(x)).abs().max())


def _follow_running_mean(network: nn.Module, choice: NetworkChoice, seed: int) -> np.ndarray:
    if choice.normalization != "batch_norm":
        return np.empty((0, choice.hidden))
    running = _tensors(network)["running_mean" if isinstance(network, FunctionalNetwork) else "1.running_mean"]
    means = [running.clone()]
    network.train()
    with torch.no_grad():
        for batch in range(NUM_BATCHES):
            network(_draw_input(choice, seed + batch) + 1.0)  # inputs around 1, so that there is a mean to find
            means.append(running.clone())
    return torch.stack(means).numpy()


def _error_of(action: Callable[[], object]) -> str:
    try:
        action()
    except (RuntimeError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _num_values(entries: tuple[TensorEntry, ...]) -> int:
    return sum(entry.num_values for entry in entries)


def _needed(state: tuple[TensorEntry, ...]) -> tuple[TensorEntry, ...]:
    """Without counters, which no output depends on, and each shared tensor once."""
    return tuple(entry for entry in state if entry.dtype.startswith("float") and not entry.same_as)


def _num_running(entries: tuple[TensorEntry, ...]) -> int:
    return sum(entry.num_values for entry in entries if "running" in entry.name)


def _total(calls: tuple[tuple[str, int], ...]) -> int:
    return sum(count for _, count in calls)


def _differences(module: NetworkReport, functional: NetworkReport) -> tuple[Difference, ...]:
    def both(aspect: str, measure: Callable[[NetworkReport], float], *, repairable: bool = True) -> Difference:
        ours, theirs = measure(module), measure(functional)
        return Difference(aspect, float(ours), float(theirs), bool(ours == theirs), repairable)

    def outputs(aspect: str, a: np.ndarray, b: np.ndarray) -> Difference:
        gap = float(np.abs(a - b).max())
        return Difference(aspect, 0.0, gap, bool(np.array_equal(a, b)), True)

    return (
        outputs("arithmetic", module.output_without_dropout, functional.output_without_dropout),
        outputs("output_eval", module.output, functional.output),
        outputs("output_train", module.output_train, functional.output_train),
        both("eval_passes", lambda report: num_distinct(report.passes_eval)),
        both("parameters", lambda report: _num_values(report.parameters)),
        both("optimiser_step", lambda report: sum(change > 0 for _, change in report.step_changes)),
        both("saved", lambda report: _num_values(_needed(report.state))),
        both("restored", lambda report: report.restored_difference),
        both("to_float64", lambda report: sum(entry.dtype == "float64" for entry in report.dtypes_after_to)),
        both("running_mean", lambda report: float(np.abs(report.running_mean[-1:]).sum())),
        both("shared_keys", lambda report: sum(bool(entry.same_as) for entry in report.state), repairable=False),
        both("hooks", lambda report: _total(report.hook_calls), repairable=False),
        both("repr", lambda report: report.text.count("\n") + 1, repairable=False),
    )


# --- the programs ---------------------------------------------------------------------------------


def network_source(choice: NetworkChoice, name: str, *, seed: int = 0) -> str:
    """The program that builds one of the two networks and prints its outputs.

    Args:
        choice: What to build.
        name: ``"module"`` or ``"functional"``.
        seed: Seed of weights, input and dropped elements.

    Returns:
        Python that runs in a fresh interpreter and prints ``[6, 3]`` numbers in ``eval()``, then in ``train()``.
    """
    build = _module_source(choice) if name == "module" else _functional_source(choice)
    imports = ["import torch", "import torch.nn.functional as F"][: 1 if name == "module" else 2]
    return "\n".join(
        [
            *imports,
            "from torch import nn",
            "",
            "",
            *build,
            "",
            "",
            f"x = torch.randn({_input_shape(choice)}, generator=torch.Generator().manual_seed({seed}))",
            f"torch.manual_seed({seed})",
            "net = make_net()",
            f"torch.manual_seed({seed})",
            "print(net.eval()(x).tolist())",
            f"torch.manual_seed({seed})",
            "net = make_net()",
            f"torch.manual_seed({seed})",
            "print(net.train()(x).tolist())",
            "",
        ]
    )


def comparison_source(choice: NetworkChoice, *, seed: int = 0) -> str:
    """One program that builds both networks and prints the compared numbers.

    Args:
        choice: What to build.
        seed: Seed of weights, input and dropped elements.

    Returns:
        Python that runs in a fresh interpreter. For each network, the module first, it prints four lines: the first
        output element of twenty passes in ``eval()``, the same in ``train()``, how many numbers ``parameters()``
        yields, and the keys of ``state_dict()``.
    """
    first, second = _module_source(choice), _functional_source(choice)
    return "\n".join(
        [
            "import torch",
            "import torch.nn.functional as F",
            "from torch import nn",
            "",
            "",
            first[0].replace("make_net", "make_module_net"),
            *first[1:],
            "",
            "",
            *(line.replace("make_net", "make_functional_net") for line in second),
            "",
            "",
            f"x = torch.randn({_input_shape(choice)}, generator=torch.Generator().manual_seed({seed}))",
            "for make_net in (make_module_net, make_functional_net):",
            "    for training in (False, True):",
            f"        torch.manual_seed({seed})",
            "        net = make_net().train(training)",
            f"        torch.manual_seed({seed})",
            "        with torch.no_grad():",
            f"            print([net(x)[0, 0].item() for _ in range({NUM_PASSES})])",
            "    print(sum(parameter.numel() for parameter in net.parameters()))",
            "    print(list(net.state_dict()))",
            "",
        ]
    )


def _input_shape(choice: NetworkChoice) -> str:
    return f"{BATCH}, {IN_FEATURES}" if choice.layer == "linear" else f"{BATCH}, 1, {IMAGE_SIZE}, {IMAGE_SIZE}"


def _module_source(choice: NetworkChoice) -> list[str]:
    size = choice.hidden
    bias = "" if choice.bias else ", bias=False"

    def weighted(inputs: int) -> str:
        if choice.layer == "linear":
            return f"nn.Linear({inputs}, {size}{bias})"
        return f"nn.Conv2d({inputs}, {size}, 3, padding=1{bias})"

    activation = {"relu": "nn.ReLU()", "gelu": "nn.GELU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()"}[
        choice.activation
    ]
    before: list[str] = []
    layers = [weighted(_in_size(choice))]
    if choice.normalization == "batch_norm":
        layers.append(f"nn.BatchNorm{'1d' if choice.layer == 'linear' else '2d'}({size})")
    elif choice.normalization == "group_norm":
        layers.append(f"nn.GroupNorm({NUM_GROUPS}, {size})")
    layers.append(activation)
    if choice.middle == "shared":
        # The first layer must be drawn before the shared one, as in the functional program.
        before = [f"    first = {layers[0]}", f"    shared = {weighted(size)}"]
        layers[0] = "first"
        layers += ["shared", activation, "shared", activation]
    elif choice.middle == "separate":
        layers += [weighted(size), activation, weighted(size), activation]
    layers.append(f"nn.Dropout({choice.dropout:g})")
    if choice.layer == "conv2d":
        layers += ["nn.AdaptiveAvgPool2d(1)", "nn.Flatten()"]
    layers.append(f"nn.Linear({size}, {OUT_FEATURES}{bias})")
    return [
        "def make_net():",
        *before,
        "    return nn.Sequential(",
        *(f"        {layer}," for layer in layers),
        "    )",
    ]


def _functional_source(choice: NetworkChoice) -> list[str]:
    shapes = _weight_shapes(choice)
    lines = [
        "def weight(*shape):  # drawn as nn.Linear and nn.Conv2d draw theirs",
        "    return nn.init.kaiming_uniform_(torch.empty(shape), a=5**0.5)",
        "",
        "",
    ]
    if choice.bias:
        lines += [
            "def bias(size, fan_in):",
            "    return nn.init.uniform_(torch.empty(size), -(fan_in**-0.5), fan_in**-0.5)",
            "",
            "",
        ]
    lines += ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    for name, shape in shapes:
        sizes = ", ".join(map(str, shape))
        if name == "norm_weight":
            value = f"torch.ones({sizes})"
        elif name == "norm_bias":
            value = f"torch.zeros({sizes})"
        elif name.startswith("weight"):
            value = f"weight({sizes})"
        else:
            value = f"bias({sizes}, fan_in={_fan_in(dict(shapes)[name.replace('bias', 'weight')])})"
        kept = f"nn.Parameter({value})" if choice.registered else f"{value}.requires_grad_()"
        lines.append(f"        self.{name} = {kept}")
    if choice.normalization == "batch_norm":
        for name, value in (("running_mean", "zeros"), ("running_var", "ones")):
            tensor = f"torch.{value}({choice.hidden})"
            lines.append(
                f'        self.register_buffer("{name}", {tensor})'
                if choice.registered
                else f"        self.{name} = {tensor}"
            )
    flag = ", training=self.training" if choice.pass_training else ""
    activation = {"relu": "F.relu", "gelu": "F.gelu", "tanh": "torch.tanh", "sigmoid": "torch.sigmoid"}[
        choice.activation
    ]

    def bias(place: str) -> str:
        return f", self.bias_{place}" if choice.bias else ""

    def weighted(place: str) -> str:
        if choice.layer == "linear":
            return f"F.linear(x, self.weight_{place}{bias(place)})"
        return f"F.conv2d(x, self.weight_{place}{bias(place)}, padding=1)"

    lines += ["", "    def forward(self, x):", f"        x = {weighted('1')}"]
    if choice.normalization == "batch_norm":
        stored = "self.running_mean, self.running_var, self.norm_weight, self.norm_bias"
        lines.append(f"        x = F.batch_norm(x, {stored}{flag})")
    elif choice.normalization == "group_norm":
        lines.append(f"        x = F.group_norm(x, {NUM_GROUPS}, self.norm_weight, self.norm_bias)")
    lines.append(f"        x = {activation}(x)")
    lines += [f"        x = {activation}({weighted(place)})" for place in _middle_places(choice)]
    lines.append(f"        x = F.dropout(x, {choice.dropout:g}{flag})")
    if choice.layer == "conv2d":
        lines.append("        x = F.adaptive_avg_pool2d(x, 1).flatten(1)")
    lines.append(f"        return F.linear(x, self.weight_last{bias('last')})")
    return [*lines, "", "", "def make_net():", "    return Net()"]


def lab_program(choice: NetworkChoice, name: str) -> str:
    """The same network as a flat program for the autograd lab: no classes, one loss, one ``backward()``.

    Args:
        choice: What to build.
        name: ``"module"`` or ``"functional"``.

    Returns:
        Python without imports; ``torch``, ``nn`` and ``F`` are taken as given.
    """
    lines = [f"x = torch.randn({_input_shape(choice)})"]
    if name == "module":
        source = _module_source(choice)[1:]
        lines += [line.removeprefix("    ").replace("return ", "net = ", 1) for line in source]
        lines += ["output = net(x)"]
    else:
        for weight, sizes in _weight_shapes(choice):
            maker = {"norm_weight": "ones", "norm_bias": "zeros"}.get(weight, "randn")
            lines.append(f"{weight} = torch.{maker}({', '.join(map(str, sizes))}, requires_grad=True)")
        if choice.normalization == "batch_norm":
            lines += [f"running_mean = torch.zeros({choice.hidden})", f"running_var = torch.ones({choice.hidden})"]
        source = _functional_source(choice)
        body = source[source.index("    def forward(self, x):") + 1 : source.index("def make_net():") - 2]
        for line in body:
            call = line.strip().replace("self.training", "True").replace("self.", "").replace("return ", "x = ", 1)
            name_, _, value = call.partition(" = ")
            lines.append(f"{name_.replace('x', 'h')} = {value.replace('(x,', '(h,').replace('(x)', '(h)')}")
        first = next(i for i, line in enumerate(lines) if line.startswith("h = "))
        lines[first] = lines[first].replace("(h,", "(x,", 1)
        lines.append("output = h")
    return "\n".join([*lines, "loss = output.square().mean()", "loss.backward()", ""])
