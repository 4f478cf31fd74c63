"""``torch.distributions`` as a program finds it: which there are, what stands behind their dot, how large it gets."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch import distributions as torch_distributions

from vizcore.autograd import limits
from vizcore.autograd.words import Namespace, Word

_COMMON = "mean mode stddev variance batch_shape event_shape has_rsample"
_OWN = {"Normal": "loc scale", "Uniform": "low high", "Bernoulli": "probs logits", "Categorical": "probs logits"}
NAMES = tuple(_OWN)
ATTRIBUTES = {name: frozenset(f"{_COMMON} {own}".split()) for name, own in _OWN.items()}
_METHODS = ("sample", "rsample", "log_prob", "entropy", "perplexity")
METHODS = {name: frozenset([*_METHODS, *(("cdf", "icdf") if name in ("Normal", "Uniform") else ())]) for name in NAMES}
SAMPLES = frozenset(["sample", "rsample"])
AT_VALUES = frozenset(["log_prob", "cdf", "icdf"])

_WORDS = {
    name: Word(f"torch.distributions.{name}", getattr(torch_distributions, name))
    for name in (*NAMES, "Distribution", "kl_divergence")
}


def _module(name: str, words: tuple[str, ...]) -> Namespace:
    path = f"torch.distributions.{name}"
    return Namespace(path, MappingProxyType({word: _WORDS[word] for word in words}))


_MODULES = {
    **{name.lower(): _module(name.lower(), (name,)) for name in NAMES},
    "distribution": _module("distribution", ("Distribution",)),
    "kl": _module("kl", ("kl_divergence",)),
}
DISTRIBUTIONS = Namespace("torch.distributions", MappingProxyType({**_WORDS, **_MODULES}))
MODULES = {"torch.distributions": DISTRIBUTIONS, **{home.path: home for home in _MODULES.values()}}
"""What can be imported, by its whole name."""
PATHS = frozenset(word.path for word in _WORDS.values())


def check_sample(distribution: Any, sample_shape: torch.Size) -> None:
    """Raises LimitError if so many samples are more than a tensor may hold."""
    shapes = _shapes(distribution)
    if isinstance(distribution, torch_distributions.Categorical):
        num = max(map(math.prod, shapes), default=1) // max(distribution._num_events, 1)
        limits.check_elements((*sample_shape, max(num, 1)))
    else:
        check_together((*sample_shape, *distribution.batch_shape), *shapes)


def check_values(distribution: Any, *values: Tensor) -> None:
    """Raises LimitError if values and parameters broadcast to more than a tensor may hold.

    Of a categorical distribution the classes count as well: on the way back they all have a gradient. The parameters
    are looked at anew, because a program can reach them and change their shapes in place.
    """
    is_categorical = isinstance(distribution, torch_distributions.Categorical)
    given = [(*value.shape, 1) if is_categorical else tuple(value.shape) for value in values]
    check_together(*given, *_shapes(distribution))


def check_pair(first: Any, second: Any) -> None:
    """Raises LimitError if the parameters of both broadcast to more than a tensor may hold."""
    check_together(*_shapes(first), *_shapes(second))


def check_together(*shapes: tuple[int, ...]) -> None:
    """Raises LimitError if shapes broadcast to too many elements; those that do not fit are torch's to refuse."""
    num_dims = max(map(len, shapes), default=0)
    padded = [(1,) * (num_dims - len(shape)) + tuple(shape) for shape in shapes]
    limits.check_elements(tuple(math.prod({*sizes, 1}) for sizes in zip(*padded, strict=True)))


def _shapes(distribution: Any) -> list[tuple[int, ...]]:
    return [tuple(value.shape) for value in vars(distribution).values() if isinstance(value, Tensor)]
