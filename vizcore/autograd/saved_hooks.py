"""``saved_tensors_hooks``: functions of the program's that pack what a node keeps for the way back, and unpack it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.machine import kind_of
from vizcore.autograd.method_calls import LOOKING, RESHAPING
from vizcore.autograd.recorder import Recorder
from vizcore.autograd.sampling import Sampling
from vizcore.autograd.trace import Message
from vizcore.autograd.values import SavedHooks
from vizcore.autograd.words import Word

_PATH = "torch.autograd.graph.saved_tensors_hooks"
_READING = LOOKING | {"state_dict", "forward"}
_UNCHANGED = "While saved tensors are packed or unpacked, modules, .data, .grad and shapes stay as they are."


class Packed:
    """What torch keeps in place of a saved tensor.

    Attributes:
        value: what the program's function made of it.
        shape: of the tensor.
        stride: of the tensor.
        dtype: of the tensor.
        whole: a copy of indices and masks, None for other tensors: a kernel trusts them.
    """

    def __init__(self, value: Any, tensor: Tensor) -> None:
        """Notes what the tensor was like."""
        self.value = value
        self.shape, self.stride, self.dtype = tensor.shape, tensor.stride(), tensor.dtype
        self.whole = None if tensor.is_floating_point() else tensor.detach().clone()

    def forget(self) -> None:
        """After the run: an output that is packed as itself would hold its own node for ever."""
        self.value = self.whole = None

    def checked(self, result: Any) -> Tensor:
        """What the program's function unpacked, laid out in memory as the tensor was and out of the program's reach.

        Raises:
            TypeError: if it is no tensor.
            RuntimeError: if it has another shape or dtype, or other indices.
        """
        if not isinstance(result, Tensor) or limits.is_wrapped(result):
            kind = kind_of(result)
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {kind}")
        if result.shape != self.shape or result.dtype != self.dtype:
            raise RuntimeError(
                f"unpack_hook has to return a tensor like the one that was packed, {list(self.shape)} of {self.dtype}, "
                f"not {list(result.shape)} of {result.dtype}"
            )
        if self.whole is not None:
            if not torch.equal(result, self.whole):
                raise RuntimeError("unpack_hook has to return indices and masks as they were packed")
            return self.whole
        if 0 in self.stride:
            return result.detach().clone()
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype).copy_(result.detach())


class _Pair:
    """Two functions of the program's as torch calls them; torch's nodes hold this, and through it a whole run."""

    def __init__(self, pack: Any, unpack: Any, recorder: Recorder, within: Callable[[], Any]) -> None:
        self._pack, self._unpack = pack, unpack
        self._within: Any = within
        self._recorder: Any = recorder

    def packed(self, tensor: Tensor) -> Packed:
        """What torch keeps instead of a tensor."""
        with self._within():
            kept = Packed(self._pack(tensor), tensor)
        self._recorder.packed.add(kept)
        return kept

    def unpacked(self, kept: Packed) -> Tensor:
        """The tensor again; for the record what stands in for it, without the program's function."""
        if self._recorder.is_reading:
            self._recorder.num_read += 1
            return kept.checked(kept.value)
        with self._within():
            return kept.checked(self._unpack(kept.value))

    def forget(self) -> None:
        """After the run: lets go of it."""
        self._pack = self._unpack = self._within = self._recorder = None


class SavedTensorHooks(Sampling):
    """The part of the interpreter that runs hooks of saved tensors.

    torch calls them in the middle of an operation, with a node that is only half made. What they do is therefore not
    recorded line by line, and nothing that the operation is about to use may change in them.
    """

    _num_packing = 0

    def _call_word(self, node: ast.AST, word: Word, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if word.path != _PATH:
            return super()._call_word(node, word, args, kwargs)
        self._check_keywords(node, word, kwargs)
        given = {**dict(zip(("pack_hook", "unpack_hook"), args, strict=False)), **kwargs}
        if len(args) + len(kwargs) != 2 or given.keys() != {"pack_hook", "unpack_hook"}:
            raise self._raised(node, TypeError("saved_tensors_hooks() takes a pack_hook and an unpack_hook"))
        for function in given.values():
            self._callable(function, node)
        return SavedHooks(given["pack_hook"], given["unpack_hook"])

    def _packing(self, node: ast.AST, hooks: SavedHooks) -> torch.autograd.graph.saved_tensors_hooks:
        """Torch's own context around two functions of the program's."""
        pack, unpack = (self._callable(function, node) for function in (hooks.pack, hooks.unpack))
        pair = _Pair(pack, unpack, self._recorder, self._within_hook)
        self._recorder.packed.add(pair)
        return torch.autograd.graph.saved_tensors_hooks(pair.packed, pair.unpacked)

    @contextmanager
    def _within_hook(self) -> Iterator[None]:
        recorder, current = self._recorder, self.current
        before, recorder.is_paused = recorder.is_paused, True
        self._num_packing += 1
        self._guard.check_time()
        try:
            yield
        finally:
            recorder.is_paused = before
            self._num_packing -= 1
        self.current = current

    def _set_attribute(self, node: ast.Attribute, owner: Any, value: Any) -> None:
        if self._num_packing and isinstance(owner, (Tensor, nn.Module)):
            raise self._fault("unsupported", Message(_UNCHANGED), node)
        super()._set_attribute(node, owner, value)

    def _call_tensor_method(
        self, node: ast.AST, owner: Tensor, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._num_packing and name in RESHAPING:
            raise self._fault("unsupported", Message(_UNCHANGED), node)
        return super()._call_tensor_method(node, owner, name, args, kwargs)

    def _call_module_method(
        self, node: ast.AST, owner: nn.Module, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._num_packing and name not in _READING:
            raise self._fault("unsupported", Message(_UNCHANGED), node)
        return super()._call_module_method(node, owner, name, args, kwargs)
