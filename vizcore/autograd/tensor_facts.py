"""What torch tells about a tensor or a node, read so that nothing is changed and nothing raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def to_array(tensor: Tensor) -> np.ndarray:
    """A copy of a tensor's elements; bfloat16, which NumPy does not have, becomes float32."""
    tensor = tensor.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.numpy(force=True).copy()  # forced: torch keeps some all-zero gradients without memory


def accumulator_of(leaf: Tensor) -> Any:
    """The ``AccumulateGrad`` of a leaf; None for a view taken under ``no_grad``, which claims to require a gradient."""
    try:
        return torch.autograd.graph.get_gradient_edge(leaf).node
    except (AssertionError, RuntimeError):
        return None


def version_of(tensor: Tensor) -> int:
    """Torch's count of in-place changes; 0 for a tensor made in inference mode, which has none."""
    try:
        return tensor._version
    except RuntimeError:
        return 0


def grad_fn_of(tensor: Tensor) -> Any:
    """A tensor's ``grad_fn``; None also for a stale view, whose history torch refuses to tell.

    A view that was taken under ``no_grad`` goes stale when its elements are changed through it or through its base.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def is_leaf_of(tensor: Tensor) -> bool:
    """Whether a tensor is a leaf; a stale view is none."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def grad_of(tensor: Tensor) -> Tensor | None:
    """A tensor's ``.grad`` without torch's warning where there cannot be one."""
    return tensor.grad if is_leaf_of(tensor) or tensor.retains_grad else None


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a dtype as torch writes it, without ``torch.``."""
    return str(dtype).removeprefix("torch.")


def place_of(tensor: Tensor) -> tuple[Any, ...]:
    """Equal for two tensors that are the same elements in memory."""
    if not address_of(tensor):
        return (id(tensor),)
    return (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)


def address_of(tensor: Tensor) -> int:
    """Where a tensor's memory begins; 0 for one without memory: sparse, or one of torch's all-zero gradients."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return 0


def output_shape_of(node: Any) -> tuple[int, ...] | None:
    """The shape of a node's first output, None where torch does not say."""
    metadata = node._input_metadata
    try:
        return tuple(int(size) for size in metadata[0].shape) if metadata else None
    except (RuntimeError, TypeError):  # an output that has no shape
        return None
