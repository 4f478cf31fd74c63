"""What the lesson says of torch, measured."""

from __future__ import annotations

import torch
from torch import nn


def saved_activations(*, record: bool) -> int:
    """Bytes that a forward pass saves for the way back, besides its input and the weights."""
    network = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    batch = torch.zeros(64, 256)
    known = {tensor.untyped_storage().data_ptr() for tensor in (batch, *network.parameters())}
    saved: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), torch.set_grad_enabled(record):
        output = network(batch)
    assert output.requires_grad == record
    return sum(size for pointer, size in saved.items() if pointer not in known)


def test_no_grad_saves_the_memory_of_the_activations() -> None:
    assert saved_activations(record=True) == 131_072  # two hidden layers of 64 × 256 floats
    assert saved_activations(record=False) == 0


def test_backward_frees_what_was_saved_and_not_the_nodes() -> None:
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    ((node, _),) = y.grad_fn.next_functions
    assert node.name() == "MulBackward0"
    assert len(node.next_functions) == 2
