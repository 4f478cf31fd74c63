"""What stands behind a dot: reading and writing attributes of every kind of value."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.arrays import ARRAY_ATTRIBUTES, ARRAY_METHODS, CHANCE_METHODS
from vizcore.autograd.containers import methods_of
from vizcore.autograd.datasets import DataLoader, Dataset
from vizcore.autograd.explanations import explain
from vizcore.autograd.faults import unknown_word
from vizcore.autograd.items import Items
from vizcore.autograd.machine import kind_of
from vizcore.autograd.optimizers import Optimizer
from vizcore.autograd.parsing import CLASS_TO_BE_NAMED
from vizcore.autograd.schedulers import Scheduler
from vizcore.autograd.tensor_facts import is_leaf_of
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    NO_VALUE,
    BoundFunction,
    Chance,
    Context,
    Device,
    ErrorClass,
    ErrorValue,
    Function,
    GradMode,
    GraphNode,
    Handle,
    Instance,
    Method,
    Progress,
    Silent,
    Super,
    TypeOf,
    UserClass,
)
from vizcore.autograd.vocabulary import (
    MODULE_ATTRIBUTES,
    MODULE_METHODS,
    SETTABLE_MODULE_ATTRIBUTES,
    SETTABLE_TENSOR_ATTRIBUTES,
    TENSOR_ATTRIBUTES,
    TENSOR_METHODS,
)
from vizcore.autograd.words import Namespace, Word

_RESULT_WORDS = "values indices eigenvalues eigenvectors Q R U S Vh sign logabsdet min max"
_RESULT_FIELDS = frozenset(_RESULT_WORDS.split())
_NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't "
    "be populated during autograd.backward()."
)
_CUDA = "There is only one device here, the processor; leave .cuda() out, or write .to('cpu')."
OPTIMIZER_METHODS = frozenset(["step", "zero_grad", "state_dict", "load_state_dict", "add_param_group"])
_PROGRESS_WORDS = "set_description set_postfix set_postfix_str update write close refresh"
PROGRESS_METHODS = frozenset(_PROGRESS_WORDS.split())
SCHEDULER_METHODS = frozenset(["step", "get_last_lr"])
CONTEXT_METHODS = frozenset(["save_for_backward", "mark_dirty", "mark_non_differentiable", "set_materialize_grads"])


class Attributes(Items):
    """The part of the interpreter that reads and writes attributes."""

    def _evaluate_attribute(self, node: ast.Attribute) -> Any:
        return self._get_attribute(node, self._evaluate(node.value))

    def _get_attribute(self, node: ast.Attribute, owner: Any) -> Any:
        name = node.attr
        if isinstance(owner, Namespace):
            if name not in owner.words:
                message, suggestion = unknown_word(name, owner.path, owner.words)
                raise self._fault("name", message, node, suggestion=suggestion, cause=AttributeError(name))
            return owner.words[name]
        if isinstance(owner, Tensor):
            return self._get_tensor_attribute(node, owner)
        if name == CLASS_TO_BE_NAMED:
            return self._type_of(node, (owner,), {})
        if isinstance(owner, GraphNode) and name.startswith("_saved_"):
            return self._get_saved(node, owner)
        if isinstance(owner, (Instance, UserClass, Super, nn.Module, Context)):
            return self._get_user_attribute(node, owner)
        if name == "__name__" and isinstance(owner, (TypeOf, ErrorClass, Function, BoundFunction, Word)):
            return _bare_name(owner)
        if name.startswith("_"):
            raise self._fault(
                "unsupported",
                Message("Names that begin with an underscore are torch's own affair: {word}.", {"word": name}),
                node,
            )
        if isinstance(owner, GraphNode):
            return self._get_node_attribute(node, owner)
        if isinstance(owner, (Optimizer, Scheduler)):
            return self._get_optimizer_attribute(node, owner)
        words = methods_of(owner)
        if words is not None and name in words:
            return Method(owner, name)
        if isinstance(owner, tuple) and type(owner).__module__ == "torch.return_types" and name in _RESULT_FIELDS:
            return self._call_python(node, lambda: getattr(owner, name))
        if isinstance(owner, torch.Size) and name == "numel":
            return Method(owner, name)
        if isinstance(owner, (np.ndarray, np.generic)):
            return self._get_array_attribute(node, owner)
        simple = _simple_attribute(owner, name)
        if simple is not MISSING:
            return simple
        if isinstance(owner, (Word, Method, GradMode, Function, BoundFunction, TypeOf, ErrorClass)):
            raise self._fault("unsupported", Message("There is nothing behind the dot here."), node)
        kind = kind_of(owner)
        text = f"'{kind}' object has no attribute '{name}'"
        if words:
            message, suggestion = unknown_word(name, kind, words)
            if suggestion:
                raise self._fault("value", message, node, suggestion=suggestion, cause=AttributeError(text))
        raise self._raised(node, AttributeError(text))

    def _get_tensor_attribute(self, node: ast.Attribute, owner: Tensor) -> Any:
        name = node.attr
        if name in TENSOR_METHODS:
            return Method(owner, name)
        if name == "cuda":
            raise self._fault("unsupported", Message(_CUDA), node)
        if name not in TENSOR_ATTRIBUTES:
            self._unknown_attribute(node, "Tensor", TENSOR_METHODS | TENSOR_ATTRIBUTES)
        if name == "grad":
            if not is_leaf_of(owner) and not owner.retains_grad and owner.requires_grad:
                self._recorder.add_warnings([_NON_LEAF_GRAD])
                return None
            return owner.grad
        if name == "grad_fn":
            function = self._call_python(node, lambda: owner.grad_fn)
            return None if function is None else GraphNode(function)
        if name == "device":
            return Device()
        if name == "_base" and owner._base is None:
            return None
        return self._call_torch(node, getattr, (owner, name))

    def _type_of(self, node: ast.AST, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _get_saved(self, node: ast.Attribute, owner: GraphNode) -> Any:
        """What a node keeps for the way back, under torch's own names (``_saved_self``, ``_saved_result``, …)."""
        words = [word for word in dir(owner.node) if word.startswith("_saved_")]
        if node.attr not in words:
            self._unknown_attribute(node, "grad_fn", words)
        value = self._call_torch(node, getattr, (owner.node, node.attr))
        return list(value) if isinstance(value, tuple) else value

    def _get_node_attribute(self, node: ast.Attribute, owner: GraphNode) -> Any:
        if node.attr == "name":
            return Method(owner, "name")
        if node.attr == "next_functions":
            pairs = owner.node.next_functions
            return tuple((None if following is None else GraphNode(following), index) for following, index in pairs)
        if node.attr == "variable" and hasattr(owner.node, "variable"):
            return self._admit(owner.node.variable, node)
        self._unknown_attribute(node, "grad_fn", ("name", "next_functions", "variable"))
        return None

    def _get_optimizer_attribute(self, node: ast.Attribute, owner: Optimizer | Scheduler) -> Any:
        name = node.attr
        methods = OPTIMIZER_METHODS if isinstance(owner, Optimizer) else SCHEDULER_METHODS
        if name in methods:
            return Method(owner, name)
        if isinstance(owner, Optimizer) and name == "param_groups":
            return owner.param_groups
        if isinstance(owner, Optimizer) and name == "state":
            return owner.states()
        if isinstance(owner, Scheduler) and name == "last_epoch":
            return owner.last_epoch
        self._unknown_attribute(node, owner.name, methods | {"param_groups"})
        return None

    def _get_array_attribute(self, node: ast.Attribute, owner: Any) -> Any:
        name = node.attr
        if name in ARRAY_METHODS:
            return Method(owner, name)
        if name in ARRAY_ATTRIBUTES:
            value = self._call_python(node, lambda: getattr(owner, name))
            return TypeOf(str(value), str(value)) if name == "dtype" else self._admit(value, node)
        self._unknown_attribute(node, "np.ndarray", ARRAY_METHODS | ARRAY_ATTRIBUTES)
        return None

    def _get_user_attribute(self, node: ast.Attribute, owner: Any) -> Any:
        """Attributes of what classes of the learner's make, and of torch's modules."""
        name = node.attr
        if isinstance(owner, Super):
            value = owner.start.find(name)
            if isinstance(value, Function):
                return BoundFunction(owner.instance, value)
            return Method(owner, name)
        if isinstance(owner, UserClass):
            if name == "__name__":
                return owner.name
            value = owner.find(name)
            if isinstance(value, Function):
                return BoundFunction(owner, value) if value.binding == "class" else value
            if value is not MISSING:
                return value
            if name == "apply" and isinstance(owner.native, type):
                return Method(owner, name)
            self._unknown_attribute(node, owner.name, owner.members)
        if isinstance(owner, Context):
            if name in owner.fields:
                return owner.fields[name]
            if name in CONTEXT_METHODS:
                return Method(owner, name)
            if name in ("saved_tensors", "needs_input_grad"):
                return self._admit(self._call_torch(node, getattr, (owner.context, name)), node)
            self._unknown_attribute(node, "ctx", {*CONTEXT_METHODS, *owner.fields, "saved_tensors", "needs_input_grad"})
        fields, kind = fields_of(owner), class_of(owner)
        if name in fields:
            return fields[name]
        if kind is not None:
            value = kind.find(name)
            if isinstance(value, Function):
                if value.binding == "property":
                    return self._call_function(node, value, (owner,), {})
                if value.binding == "static":
                    return value
                return BoundFunction(kind if value.binding == "class" else owner, value)
            if value is not MISSING:
                return value
        if isinstance(owner, nn.Module):
            return self._get_module_attribute(node, owner)
        text = f"'{owner.type.name}' object has no attribute '{name}'"
        message, suggestion = unknown_word(name, owner.type.name, [*fields, *owner.type.members])
        if suggestion:
            raise self._fault("name", message, node, suggestion=suggestion, cause=AttributeError(text))
        raise self._raised(node, AttributeError(text))

    def _get_module_attribute(self, node: ast.Attribute, owner: nn.Module) -> Any:
        name = node.attr
        for kept in (owner._modules, owner._parameters, owner._buffers):
            if name in kept and not name.startswith("_"):
                return kept[name]
        if name in MODULE_METHODS:
            return Method(owner, name)
        if name == "cuda":
            raise self._fault("unsupported", Message(_CUDA), node)
        if name in MODULE_ATTRIBUTES or (isinstance(owner, nn.RNNBase) and name.startswith(("weight_", "bias_"))):
            return self._admit(self._call_python(node, lambda: getattr(owner, name)), node)
        own = (*owner._modules, *owner._parameters, *owner._buffers, *fields_of(owner))
        self._unknown_attribute(node, kind_of(owner), MODULE_ATTRIBUTES | MODULE_METHODS | frozenset(own))
        return None

    def _unknown_attribute(self, node: ast.Attribute, path: str, words: Iterable[str]) -> None:
        message, suggestion = unknown_word(node.attr, path, words)
        cause = AttributeError(f"'{path}' object has no attribute '{node.attr}'")
        raise self._fault("name", message, node, suggestion=suggestion, cause=cause)

    def _set_attribute(self, node: ast.Attribute, owner: Any, value: Any) -> None:
        name = node.attr
        if name.startswith("__"):
            raise self._fault("unsupported", Message("{path} cannot be changed.", {"path": name}), node)
        if isinstance(owner, Instance):
            owner.fields[name] = value
            self._check_lists(node, owner.fields, value)
            return
        if isinstance(owner, Context):
            owner.fields[name] = value
            return
        if isinstance(owner, UserClass) and not name.startswith("_"):
            owner.members[name] = value
            return
        if class_of(owner) is not None:
            self._set_module_field(node, owner, value)
            return
        if isinstance(owner, Silent):
            return
        if isinstance(owner, Tensor) and name in SETTABLE_TENSOR_ATTRIBUTES:
            allowed: tuple[type, ...] = {"grad": (Tensor, type(None)), "data": (Tensor,), "requires_grad": (bool,)}[
                name
            ]
        elif isinstance(owner, nn.Module) and name in SETTABLE_MODULE_ATTRIBUTES and hasattr(owner, name):
            allowed = {
                "weight": (nn.Parameter,),
                "bias": (nn.Parameter, type(None)),
                "training": (bool,),
                "p": (float, int),
            }[name]
        else:
            self._refuse_setting(node, owner)
        if not isinstance(value, allowed):
            text = f"assigned {kind_of(value)} to {name}"
            raise self._fault(
                "value",
                Message("{path} cannot hold a {kind}.", {"path": name, "kind": kind_of(value)}),
                node,
                explanation=explain(text),
                cause=TypeError(text),
            )
        if isinstance(value, Tensor) and (limits.is_wrapped(value) or limits.is_wrapped(owner)):
            # torch ends the process over a tensor whose memory is one of these
            message = "Inside a function of torch.func, .data and .grad cannot be set; return the value instead."
            raise self._fault("unsupported", Message(message), node)
        if name == "data" and isinstance(value, Tensor) and value.shape != owner.shape:
            with self._limits(node):  # what is kept of it for the way back, and its gradient, would broadcast with it
                limits.check_elements((max(owner.numel(), 1), max(value.numel(), 1)))
        self._call_torch(node, setattr, (owner, name, value))
        self._forget_modules()

    def _refuse_setting(self, node: ast.Attribute, owner: Any) -> None:
        """A misspelt attribute of a tensor (``x.requires_gard = True``) has its nearest word."""
        settable = SETTABLE_TENSOR_ATTRIBUTES if isinstance(owner, Tensor) else SETTABLE_MODULE_ATTRIBUTES
        if isinstance(owner, (Tensor, nn.Module)) and node.attr not in settable:
            message, suggestion = unknown_word(node.attr, kind_of(owner), settable)
            if suggestion:
                raise self._fault("name", message, node, suggestion=suggestion)
        raise self._fault("unsupported", Message("{path} cannot be changed.", {"path": node.attr}), node)

    def _set_module_field(self, node: ast.Attribute, owner: nn.Module, value: Any) -> None:
        """What a module of the learner's keeps: modules and parameters with torch, the rest with us."""
        name = node.attr
        fields = fields_of(owner)
        is_kept = name in owner._modules or name in owner._parameters or name in owner._buffers
        if name == "training" and isinstance(value, bool):
            owner.training = value
            self._forget_modules()
        elif isinstance(value, (nn.Module, nn.Parameter)) or is_kept:
            if hasattr(nn.Module, name) or name.startswith("_"):
                raise self._fault("unsupported", Message("{path} cannot be changed.", {"path": name}), node)
            if not isinstance(value, (nn.Module, Tensor, type(None))):
                text = f"cannot assign '{kind_of(value)}' as '{name}'"
                raise self._raised(node, TypeError(text))
            fields.pop(name, None)
            self._call_torch(node, setattr, (owner, name, value))
            self._forget_modules()
            self._admit(owner, node)
        else:
            fields[name] = value
            with self._limits(node):
                if len(fields) > limits.MAX_LIST:
                    raise limits.too_long_a_list()


def fields_of(owner: Any) -> dict[str, Any]:
    """What an object keeps that is neither a module nor a parameter."""
    if isinstance(owner, Instance):
        return owner.fields
    return getattr(owner, "lab_fields", {}) if isinstance(owner, nn.Module) else {}


def class_of(owner: Any) -> UserClass | None:
    """The learner's class of an object, None for an object of torch's."""
    if isinstance(owner, Instance):
        return owner.type
    return getattr(owner, "lab_class", None) if isinstance(owner, nn.Module) else None


def _bare_name(owner: Any) -> str:
    if isinstance(owner, BoundFunction):
        return owner.function.name
    if isinstance(owner, ErrorClass):
        return owner.type.__name__
    if isinstance(owner, Word):
        return owner.path.rpartition(".")[2]
    return str(owner.name)


def _plain_part(value: Any) -> Any:
    """A part of an exception; of an exception of a library's it can be anything."""
    is_known = value is None or isinstance(value, (bool, int, float, str, Tensor, *NO_VALUE))
    return value if is_known or (isinstance(value, tuple) and all(map(_is_plain, value))) else str(type(value).__name__)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, Tensor))


def _simple_attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, Device):
        return "cpu" if name == "type" else None if name == "index" else MISSING
    if isinstance(owner, ErrorValue):
        return tuple(_plain_part(part) for part in owner.error.args) if name == "args" else MISSING
    if isinstance(owner, Chance) and name in CHANCE_METHODS:
        return Method(owner, name)
    if isinstance(owner, Handle) and name == "remove":
        return Method(owner, name)
    if isinstance(owner, Progress) and name in PROGRESS_METHODS:
        return Silent(f"tqdm.{name}")
    if isinstance(owner, Silent):
        return Silent(f"{owner.path}.{name}")
    if isinstance(owner, DataLoader) and name in ("dataset", "batch_size"):
        return getattr(owner, name)
    if isinstance(owner, DataLoader | Dataset) and name == "tensors":
        return MISSING
    if isinstance(owner, (bool, int, float)) and name in ("real", "is_integer", "bit_length"):
        return owner if name == "real" else Method(owner, name)
    return MISSING
