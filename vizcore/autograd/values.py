"""What a program can hold beside numbers, texts, lists and tensors: small frozen values, nothing of Python's own."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import torch


class Shown:
    """Shows itself by its kind alone: Python's error texts hold the ``repr`` of keys, and must not walk a program."""

    def __repr__(self) -> str:
        """Without anything that lies inside."""
        return f"<{type(self).__name__.lower()}>"


@dataclass(frozen=True, eq=False, repr=False)
class Method(Shown):
    """A method of a value, not called yet."""

    owner: Any
    name: str


@dataclass(frozen=True, eq=False, repr=False)
class GradMode(Shown):
    """What ``torch.no_grad()`` and its kin return: something for ``with`` and above ``def``.

    Attributes:
        enabled: the mode inside; None leaves it as it is.
        path: how it was written.
        is_inference: whether tensors made inside can never be recorded.
    """

    enabled: bool | None
    path: str
    is_inference: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class GraphNode(Shown):
    """A ``grad_fn`` as a value: it can be named and followed."""

    node: Any

    def __str__(self) -> str:
        return f"<{self.node.name().removeprefix('torch::autograd::')}>"


@dataclass(eq=False, repr=False)
class Scope(Shown):
    """The variables of a program, a call, a class body or a comprehension.

    Attributes:
        variables: what is bound here.
        parent: where a name is looked up next; None for the program.
        kind: ``program``, ``call``, ``class`` or ``comprehension``.
        name: the bare name of the function or class.
        local_names: names that the function assigns to; those are never looked up outside.
        global_names: names that belong to the program.
        nonlocal_names: names that belong to a function around.
        owner: the class whose method runs here, for ``super()``.
        yielded: what a function with ``yield`` has handed out; None for other functions.
    """

    variables: dict[str, Any]
    parent: Scope | None = None
    kind: str = "program"
    name: str = ""
    local_names: frozenset[str] = frozenset()
    global_names: frozenset[str] = frozenset()
    nonlocal_names: frozenset[str] = frozenset()
    owner: Any = None
    yielded: list[Any] | None = None


@dataclass(eq=False, repr=False)
class Function(Shown):
    """A function of the learner's.

    Attributes:
        name: its name; ``lambda`` for one without.
        arguments: what it takes, as parsed.
        body: its statements, or the expression of a lambda.
        scope: where it was made: its free names are looked up there.
        defaults: of the last positional arguments.
        keyword_defaults: of the arguments behind a star, None where there is none.
        line: of its ``def``.
        names: local, global and nonlocal names.
        modes: of the decorators, such as ``@torch.no_grad()``.
        owner: the class it stands in.
        binding: ``static``, ``class``, ``property`` or the empty string.
        yields: whether it has a ``yield``: then it runs to its end at once and returns all that it handed out.
    """

    name: str
    arguments: ast.arguments
    body: list[ast.stmt] | ast.expr
    scope: Scope
    defaults: list[Any]
    keyword_defaults: list[Any]
    line: int
    names: tuple[frozenset[str], frozenset[str], frozenset[str]]
    modes: tuple[GradMode, ...] = ()
    owner: Any = None
    binding: str = ""
    yields: bool = False


@dataclass(eq=False, repr=False)
class UserClass(Shown):
    """A class of the learner's.

    Attributes:
        name: its name.
        base: the class of the learner's that it extends, or None.
        members: its functions and values.
        native: the class of torch's or the exception that objects are made of, None for a plain object.
    """

    name: str
    base: UserClass | None
    members: dict[str, Any]
    native: Any = None

    def __repr__(self) -> str:
        """As Python writes a class."""
        return f"<class '__main__.{self.name}'>"

    def find(self, name: str) -> Any:
        """A member of this class or of one that it extends; ``MISSING`` if there is none."""
        owner: UserClass | None = self
        while owner is not None:
            if name in owner.members:
                return owner.members[name]
            owner = owner.base
        return MISSING

    def extends(self, other: UserClass) -> bool:
        """Whether this is that class or stems from it."""
        owner: UserClass | None = self
        while owner is not None and owner is not other:
            owner = owner.base
        return owner is other


@dataclass(eq=False, repr=False)
class Instance(Shown):
    """An object of a plain class of the learner's."""

    type: UserClass
    fields: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """By its class; no method of its own runs."""
        return f"<{self.type.name} object>"


@dataclass(frozen=True, eq=False, repr=False)
class BoundFunction(Shown):
    """A function of the learner's with the object that it is a method of."""

    owner: Any
    function: Function


@dataclass(frozen=True, eq=False, repr=False)
class Super(Shown):
    """What ``super()`` returns."""

    instance: Any
    start: UserClass


@dataclass(frozen=True)
class TypeOf:
    """What ``type(x)`` returns where it is not a class of the learner's."""

    name: str
    text: str


@dataclass(frozen=True)
class ErrorClass:
    """One of Python's own exceptions as a value."""

    type: type[Exception]


@dataclass(frozen=True, eq=False, repr=False)
class ErrorValue(Shown):
    """A caught or a made exception."""

    error: Exception
    type: UserClass | None = None


@dataclass(frozen=True)
class Device:
    """The processor: the only device there is."""

    type: str = "cpu"

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"


@dataclass(frozen=True, eq=False, repr=False)
class Handle(Shown):
    """What ``register_hook`` returns."""

    handle: Any


@dataclass(eq=False, repr=False)
class Cursor(Shown):
    """What ``iter`` returns.

    Attributes:
        values: everything it goes through.
        place: how many were taken.
    """

    values: list[Any]
    place: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Progress(Shown):
    """What ``tqdm`` returns: the values, and methods that draw no bar here."""

    values: Any


@dataclass(frozen=True, eq=False, repr=False)
class Field(Shown):
    """``field(default_factory=…)`` of a data class: its value is made anew for each object."""

    factory: Any


@dataclass(frozen=True, eq=False, repr=False)
class Silent(Shown):
    """Something that takes any call and does nothing: the parts of a plotting library that draw no curve."""

    path: str


@dataclass(frozen=True, eq=False, repr=False)
class Context(Shown):
    """The ``ctx`` of a ``torch.autograd.Function`` of the learner's."""

    context: Any
    fields: dict[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Partial(Shown):
    """A function with its first arguments given: ``functools.partial``, and what ``torch.func`` makes of a function.

    Attributes:
        function: what is called; a ``Word`` of ``torch.func`` is given ``args`` first and the call's own afterwards.
        args: the arguments that stand before those of the call.
        kwargs: its named ones.
        transform: the word of ``torch.func``, or None for a plain partial function.
    """

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    transform: Any = None


@dataclass(frozen=True, eq=False, repr=False)
class Pullback(Shown):
    """The function that ``torch.func.vjp`` returns beside the value: it takes what flows back."""

    function: Any


@dataclass(frozen=True, eq=False, repr=False)
class SavedHooks(Shown):
    """What ``saved_tensors_hooks`` returns: something for ``with``."""

    pack: Any
    unpack: Any


@dataclass(frozen=True, eq=False, repr=False)
class Distribution(Shown):
    """A distribution of ``torch.distributions``."""

    distribution: Any


@dataclass(frozen=True, eq=False, repr=False)
class Chance(Shown):
    """What ``np.random.default_rng`` and ``np.random.RandomState`` return."""

    generator: Any


MISSING = object()
NO_VALUE = (
    Field,
    Partial,
    Progress,
    Pullback,
    SavedHooks,
    Chance,
    Distribution,
    Method,
    GradMode,
    GraphNode,
    Function,
    UserClass,
    Instance,
    BoundFunction,
    Super,
    TypeOf,
    ErrorClass,
    ErrorValue,
    Device,
    Handle,
    Cursor,
    Silent,
    Context,
)
"""What is neither a number nor a tensor, and never an argument of torch's."""


def plain_device(value: Any) -> torch.device | Any:
    """A device of the program as torch's own; everything else as it is."""
    return torch.device("cpu") if isinstance(value, Device) else value
