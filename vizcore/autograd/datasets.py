"""Data sets and loaders of a program: tensors cut into batches, shuffled with the program's own random numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vizcore.autograd.guard import Guard
from vizcore.autograd.limits import MAX_LIST, LimitError, check_batched


class Dataset:
    """Items that belong together: row i of every tensor."""

    def __init__(self, item: Callable[[int], Any], length: int, *, num_parts: int, num_elements: int) -> None:
        """Keeps how an item is taken, how many there are, and what all of them weigh.

        Args:
            item: gives one.
            length: how many there are.
            num_parts: tensors and numbers in one item.
            num_elements: elements in all items together.
        """
        self.item = item
        self._length = length
        self._num_parts = num_parts
        self._num_elements = num_elements
        self._base: Dataset | None = None
        self._places: list[int] | None = None

    @classmethod
    def of_tensors(cls, *tensors: Tensor) -> Dataset:
        """``TensorDataset``.

        Raises:
            AssertionError: if the tensors have unequal first sizes, in torch's own words.
        """
        if not tensors or not all(isinstance(tensor, Tensor) and tensor.dim() for tensor in tensors):
            raise TypeError("TensorDataset takes tensors with at least one dimension")
        if any(tensor.shape[0] != tensors[0].shape[0] for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        return cls(
            lambda index: tuple(tensor[index] for tensor in tensors),
            tensors[0].shape[0],
            num_parts=len(tensors),
            num_elements=sum(tensor.numel() for tensor in tensors),
        )

    @classmethod
    def of_items(cls, items: list[Any]) -> Dataset:
        """Items that exist already."""
        parts, stack = [], list(items)
        while stack:
            part = stack.pop()
            if isinstance(part, (list, tuple)):
                stack.extend(part)
            else:
                parts.append(part.numel() if isinstance(part, Tensor) else 1)
        return cls(lambda index: items[index], len(items), num_parts=1, num_elements=sum(parts))

    def chosen(self, places: list[int]) -> Dataset:
        """Some of the items, as ``Subset`` has them."""
        share = -(-self._num_elements * len(places) // max(self._length, 1))
        base, within = self._base or self, self._places
        places = places if within is None else [within[place] for place in places]
        item = base.item
        part = Dataset(lambda index: item(places[index]), len(places), num_parts=self._num_parts, num_elements=share)
        part._base, part._places = base, places
        return part

    def check_pass(self) -> None:
        """Raises LimitError if one pass would make more tensors, or larger ones, than a program may have."""
        if self._length * self._num_parts > 4 * MAX_LIST or self._length > MAX_LIST:
            raise LimitError("A list may have at most {limit} elements.", limit=f"{MAX_LIST:,}")
        check_batched(self._num_elements)

    def __len__(self) -> int:
        """How many items there are."""
        return self._length


class DataLoader:
    """Batches of a data set, anew for every pass."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        num_workers: int = 0,
    ) -> None:
        """Keeps how the batches are cut; ``num_workers`` changes nothing here."""
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)

    def __len__(self) -> int:
        """How many batches a pass has."""
        return self.count_batches(len(self.dataset))

    def count_batches(self, length: int) -> int:
        """How many batches so many items make."""
        whole, rest = divmod(length, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def batches(self, guard: Guard) -> list[list[Any]]:
        """One pass.

        Raises:
            LimitError: for more items than a list may have, or larger ones than a pass may have.
        """
        num = len(self.dataset)
        if isinstance(self.dataset, Dataset):
            self.dataset.check_pass()
        with guard.randomness():  # as torch draws: a seed for the pass, then, shuffling, one for the order
            torch.empty((), dtype=torch.int64).random_()
            order = list(range(num))
            if self.shuffle:
                seed = int(torch.empty((), dtype=torch.int64).random_().item())
                order = torch.randperm(num, generator=torch.Generator().manual_seed(seed)).tolist()
        count = len(self) * self.batch_size
        chosen = order[:count]
        item = self.dataset.item
        return [
            _collate([item(index) for index in chosen[first : first + self.batch_size]])
            for first in range(0, len(chosen), self.batch_size)
        ]


def random_split(dataset: Any, lengths: Any, guard: Guard) -> list[Dataset]:
    """``random_split``: the items in a random order, cut into parts.

    Raises:
        ValueError: if the lengths do not add up, in torch's own words.
    """
    dataset = Dataset.of_items(dataset) if isinstance(dataset, list) else dataset
    if not isinstance(dataset, Dataset) or not isinstance(lengths, (list, tuple)) or not lengths:
        raise TypeError("random_split takes a data set and a list of lengths")
    num = len(dataset)
    dataset.check_pass()
    if all(isinstance(length, float) for length in lengths) and math.isclose(sum(lengths), 1):
        counts = [math.floor(num * length) for length in lengths]
        for place in range(num - sum(counts)):
            counts[place % len(counts)] += 1
        lengths = counts
    if not all(isinstance(length, int) and length >= 0 for length in lengths) or sum(lengths) != num:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    with guard.randomness():
        order = torch.randperm(num).tolist()
    ends = list(itertools.accumulate(lengths))
    return [dataset.chosen(order[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


def _collate(items: list[Any]) -> Any:
    """A batch of items, as torch's default does it."""
    first = items[0]
    if isinstance(first, Tensor):
        return torch.stack(items)
    if isinstance(first, float):
        return torch.tensor(items, dtype=torch.float64)
    if isinstance(first, int):
        return torch.tensor(items)
    if isinstance(first, (tuple, list)):
        return [_collate([item[place] for item in items]) for place in range(len(first))]
    return items
