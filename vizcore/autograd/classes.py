"""Classes of the learner's: plain ones, modules, functions with a backward of their own, and exceptions."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vizcore.autograd import limits
from vizcore.autograd.attributes import class_of
from vizcore.autograd.functions import Functions
from vizcore.autograd.machine import kind_of
from vizcore.autograd.method_calls import has_hooks
from vizcore.autograd.trace import Message
from vizcore.autograd.values import (
    MISSING,
    BoundFunction,
    Context,
    ErrorClass,
    ErrorValue,
    Function,
    Instance,
    Method,
    Scope,
    Super,
    UserClass,
)
from vizcore.autograd.vocabulary import MODULE_METHODS
from vizcore.autograd.word_calls import is_copied
from vizcore.autograd.words import Word

_NATIVE = {"nn.Module": nn.Module, "torch.autograd.Function": torch.autograd.Function}
_PLAIN_BASES = ("object", "abc.ABC", "torch.utils.data.Dataset")


class LabModule(nn.Module):
    """A module of a class of the learner's: torch keeps its parameters, the interpreter runs its methods.

    Attributes:
        lab_class: the class.
        lab_fields: what it keeps that is neither a module nor a parameter.
    """

    lab_class: UserClass
    lab_fields: dict[str, Any]
    lab_call: Callable[..., Any]

    def __init__(self, kind: UserClass, call: Callable[..., Any]) -> None:
        """Makes a module without parts."""
        super().__init__()
        object.__setattr__(self, "lab_class", kind)
        object.__setattr__(self, "lab_fields", {})
        object.__setattr__(self, "lab_call", call)

    def __deepcopy__(self, memo: dict[int, Any]) -> LabModule:
        """Copies parameters, parts and plain values; the class and whatever else it keeps are shared."""
        copied = type(self)(self.lab_class, self.lab_call)
        memo[id(self)] = copied
        for word, value in self.__dict__.items():
            if word == "lab_fields":
                parts = {
                    name: copy.deepcopy(part, memo) if is_copied(part, {}) else part for name, part in value.items()
                }
                object.__setattr__(copied, word, parts)
            elif word not in ("lab_class", "lab_call"):
                copied.__dict__[word] = copy.deepcopy(value, memo)
        return copied

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the learner's ``forward``: torch's own modules call it, as ``nn.Sequential`` does."""
        return self.lab_call(self, *args, **kwargs)


class Classes(Functions):
    """The part of the interpreter that defines classes, makes objects and finds their methods."""

    def _define_class(self, node: ast.ClassDef) -> UserClass:
        decorators = [self._evaluate(decorator) for decorator in node.decorator_list]
        is_data = [word.path for word in decorators if isinstance(word, Word)] == ["dataclasses.dataclass"]
        if node.keywords or (decorators and not is_data):
            raise self._fault("unsupported", Message("A class can only have plain bases here."), node)
        bases = [self._evaluate(base) for base in node.bases]
        if len(bases) > 1:
            raise self._fault("unsupported", Message("A class can extend one other class here."), node)
        base, native = None, None
        if bases:
            base, native = self._base_of(node.bases[0], bases[0])
        members: dict[str, Any] = {}
        outer = self.scope
        self.scope = Scope(members, outer, "class", node.name)
        try:
            self._run_block(node.body)
        finally:
            self.scope = outer
        if native is nn.Module:
            native = type(node.name, (LabModule,), {"__module__": "__main__"})
        if is_data:
            self._add_data_methods(node, members)
        kind = UserClass(node.name, base, members, native)
        for member in members.values():
            if isinstance(member, Function):
                member.owner = kind
        if base is not None and kind.native is not None and issubclass(kind.native, LabModule):
            kind.native = type(node.name, (LabModule,), {"__module__": "__main__"})
        if isinstance(native, type) and issubclass(native, torch.autograd.Function):
            kind.native = self._make_autograd_function(node, kind)
        return kind

    def _add_data_methods(self, node: ast.ClassDef, members: dict[str, Any]) -> None:
        """What ``@dataclass`` writes: ``__init__`` with the annotated names, and ``__repr__``."""
        names = [
            part.target.id
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]
        arguments = ast.arguments([], [ast.arg(name) for name in ("self", *names)], None, [], [], None, [])
        lines = "\n".join(f"self.{name} = {name}" for name in names) or "pass"
        start = self._make_function("__init__", arguments, _placed(ast.parse(lines), node).body, node.lineno)
        start.defaults = [members[name] for name in names if name in members]
        if any(name in members for name in names[: len(names) - len(start.defaults)]):
            text = "non-default argument follows default argument"
            raise self._raised(node, TypeError(text))
        members.setdefault("__init__", start)
        shown = ", ".join(f"{name}={{self.{name}!r}}" for name in names)
        body = _placed(ast.parse(f"return f'{node.name}({shown})'"), node).body
        itself = ast.arguments([], [ast.arg("self")], None, [], [], None, [])
        members.setdefault("__repr__", self._make_function("__repr__", itself, body, node.lineno))

    def _base_of(self, node: ast.expr, base: Any) -> tuple[UserClass | None, Any]:
        if isinstance(base, UserClass):
            return base, base.native
        if isinstance(base, ErrorClass):
            return None, base.type
        if isinstance(base, Word) and base.path in _NATIVE:
            return None, _NATIVE[base.path]
        if isinstance(base, Word) and base.path in _PLAIN_BASES:
            return None, None
        raise self._fault(
            "unsupported",
            Message("A class can extend nn.Module, torch.autograd.Function, an exception or a class of the program's."),
            node,
        )

    # ---- objects

    def _call_user(self, node: ast.AST, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(callee, ErrorClass):
            error = self._call_python(
                node, lambda: callee.type(*(self._text(a, quoted=False, node=node) for a in args))
            )
            return ErrorValue(error)
        if isinstance(callee, Instance):
            found = callee.type.find("__call__")
            if isinstance(found, Function):
                return self._call_function(node, found, (callee, *args), kwargs)
            raise self._raised(node, TypeError(f"'{callee.type.name}' object is not callable"))
        native = callee.native
        if native is not None and issubclass(native, Exception):
            error = native(*(self._text(value, quoted=False, node=node) for value in args))
            return ErrorValue(error, callee)
        if native is not None and issubclass(native, torch.autograd.Function):
            raise self._raised(node, TypeError(f"call {callee.name}.apply(…)"))
        instance: Any = Instance(callee)
        if native is not None:
            instance = native(callee, lambda module, *a, **k: self._call_module(node, module, a, k))
        start = callee.find("__init__")
        if isinstance(start, Function):
            self._call_function(node, start, (instance, *args), kwargs)
        elif args or kwargs:
            raise self._raised(node, TypeError(f"{callee.name}() takes no arguments"))
        return self._admit(instance, node)

    def _call_super(self, node: ast.AST, args: tuple[Any, ...]) -> Super:
        """``super()`` and ``super(Net, self)``."""
        if args:
            kind, instance = args if len(args) == 2 else (None, None)
        else:
            scope: Scope | None = self.scope
            while scope is not None and not isinstance(scope.owner, UserClass):
                scope = scope.parent
            if scope is None or not scope.variables:
                raise self._raised(node, RuntimeError("super(): no arguments"))
            kind, instance = scope.owner, next(iter(scope.variables.values()))
        if not isinstance(kind, UserClass) or class_of(instance) is None:
            raise self._raised(node, TypeError("super() needs a class of the program's and an object of it"))
        return Super(instance, kind.base or UserClass("object", None, {}))

    def _call_user_method(
        self, node: ast.AST, owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Methods that the learner's class takes from torch's or from nothing."""
        if isinstance(owner, Super):
            instance = owner.instance
            if name == "__init__":
                return None
            if isinstance(instance, nn.Module) and name in MODULE_METHODS and name != "forward":
                return self._call_module_method(node, instance, name, args, kwargs)
            raise self._raised(node, AttributeError(f"'super' object has no attribute '{name}'"))
        if isinstance(owner, UserClass) and name == "apply":
            self._check_arguments(node, args, {})
            return self._call_torch(node, owner.native.apply, args, kwargs)
        raise self._raised(node, TypeError(f"'{kind_of(owner)}' has no method {name}"))

    def _call_module(self, node: ast.AST, callee: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kind = class_of(callee)
        if kind is not None and has_hooks(callee) and id(callee) not in self._hooked:
            self._hooked.add(id(callee))  # torch calls its hooks, and then forward, which comes back here
            try:
                return self._call_python(node, lambda: nn.Module.__call__(callee, *args, **kwargs))
            finally:
                self._hooked.discard(id(callee))
        if kind is not None:
            forward = kind.find("__call__") if kind.find("__call__") is not MISSING else kind.find("forward")
            if not isinstance(forward, Function):
                text = f'Module [{kind.name}] is missing the required "forward" function'
                raise self._raised(node, NotImplementedError(text))
            return self._call_function(node, forward, (callee, *args), kwargs)
        if (
            isinstance(callee, nn.Sequential)
            and not has_hooks(callee)
            and any(isinstance(part, LabModule) for part in callee.modules())
        ):
            (value,) = args if len(args) == 1 else (None,)
            for part in list(callee):
                value = self._call_module(node, part, (value,), {})
            return value
        return super()._call_module(node, callee, args, kwargs)

    def _special(self, node: ast.AST, owner: Any, name: str, *args: Any) -> Any:
        kind = class_of(owner)
        found = MISSING if kind is None else kind.find(name)
        if isinstance(found, Function):
            return self._call_function(node, found, (owner, *args), {})
        return MISSING

    # ---- torch.autograd.Function

    def _make_autograd_function(self, node: ast.AST, kind: UserClass) -> Any:
        """A real ``torch.autograd.Function`` whose two halves the interpreter runs."""

        def run(name: str) -> Callable[..., Any]:
            def half(context: Any, *args: Any) -> Any:
                found = kind.find(name)
                if not isinstance(found, Function):
                    raise NotImplementedError(f"You must implement {name} for custom autograd.Function.")
                fields = context.__dict__.setdefault("lab_fields", {})
                place = self.current if self.current is not None else node
                result = self._call_function(place, found, (Context(context, fields), *args), {})
                for value in result if isinstance(result, tuple) else (result,):
                    if not isinstance(value, (Tensor, type(None), int, float, bool)):
                        raise TypeError(f"{name} returned a {kind_of(value)}, which is no tensor")
                return result

            return half

        def forward(*args: Any) -> Any:
            found = kind.find("forward")
            place = self.current if self.current is not None else node
            return self._call_function(place, found, args, {})

        parts = {"forward": staticmethod(run("forward")), "backward": staticmethod(run("backward"))}
        if isinstance(kind.find("setup_context"), Function) and isinstance(kind.find("forward"), Function):
            parts |= {"forward": staticmethod(forward), "setup_context": staticmethod(run("setup_context"))}
        return type(kind.name, (torch.autograd.Function,), parts)

    # ---- names of tensors

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """Every tensor that the program can name: variables, elements of lists, parameters and buffers of modules."""
        names = _Names()
        scopes = [("", self.variables)]
        scopes += [(f"{frame.name}.", frame.variables) for frame in self.frames if frame.kind == "call"]
        for prefix, variables in scopes:
            names.add_tensors(prefix, variables)
        for prefix, variables in scopes:
            names.add_parts(prefix, variables)
        return names.named


def _placed(tree: ast.Module, node: ast.AST) -> ast.Module:
    """Statements that stand nowhere in the program, all at one place."""
    for part in ast.walk(tree):
        ast.copy_location(part, node)
    return tree


class _Names:
    """Collects tensors, each under the first name that fits it best."""

    def __init__(self) -> None:
        self.named: list[tuple[str, Tensor]] = []
        self._seen: set[int] = set()
        self._seen_in_modules: set[int] = set()  # a parameter keeps its own name, also while a loop's variable holds it
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}

    def _add(self, name: str, tensor: Tensor) -> None:
        if limits.is_wrapped(tensor):
            return
        if name in self._taken:  # of a function that calls itself, the innermost
            self.named[self._taken[name]] = (name, tensor)
        else:
            self._taken[name] = len(self.named)
            self.named.append((name, tensor))

    def add_tensors(self, prefix: str, variables: dict[str, Any]) -> None:
        for name, value in variables.items():
            if isinstance(value, Tensor):
                self._add(prefix + name, value)
                self._seen.add(id(value))

    def add_parts(self, prefix: str, variables: dict[str, Any]) -> None:
        from vizcore.autograd.optimizers import Optimizer

        for name, value in variables.items():
            if isinstance(value, nn.Module):
                self._add_module(prefix + name, value)
            elif isinstance(value, (list, tuple)):
                for index, element in enumerate(value[:16]):
                    if isinstance(element, Tensor) and id(element) not in self._seen:
                        self._add(f"{prefix}{name}[{index}]", element)
                        self._seen.add(id(element))
            elif isinstance(value, dict) and len(value) <= 32:
                for key, element in value.items():
                    if isinstance(element, Tensor) and isinstance(key, (str, int)) and id(element) not in self._seen:
                        self._add(f"{prefix}{name}[{key!r:.40}]", element)
                        self._seen.add(id(element))
            elif isinstance(value, Instance):
                for key, element in value.fields.items():
                    if isinstance(element, Tensor) and id(element) not in self._seen:
                        self._add(f"{prefix}{name}.{key}", element)
                        self._seen.add(id(element))
                    elif isinstance(element, nn.Module):
                        self._add_module(f"{prefix}{name}.{key}", element)
            elif isinstance(value, Optimizer) and not prefix:
                for word, tensor in value.named_state(self._parameter_names(variables)):
                    self._add(f"{name}.{word}", tensor)

    def _add_module(self, name: str, module: nn.Module) -> None:
        tensors = [*module.named_parameters(), *module.named_buffers()]
        for path, tensor in tensors:
            if id(tensor) not in self._seen_in_modules:
                self._add(f"{name}.{path}", tensor)
                self._names[id(tensor)] = f"{name}.{path}"
        self._seen_in_modules.update(id(tensor) for _, tensor in tensors)
        self._seen |= self._seen_in_modules
        for key, element in getattr(module, "lab_fields", {}).items():
            if isinstance(element, Tensor) and id(element) not in self._seen:
                self._add(f"{name}.{key}", element)
                self._seen.add(id(element))

    def _parameter_names(self, variables: dict[str, Any]) -> dict[int, str]:
        plain = {id(value): name for name, value in variables.items() if isinstance(value, Tensor)}
        return {**plain, **self._names}


__all__ = ["BoundFunction", "Classes", "LabModule", "Method", "limits"]
