"""Random numbers that belong to one call: a seed without touching torch's global generator.

``torch.manual_seed`` is one switch for the whole process. In an app that serves many learners at once, one
learner's seed would change another's numbers between two lines, and layers such as ``nn.Linear`` (initial weights)
or ``F.dropout`` (which elements drop) take no ``generator`` argument. ``seeded`` gives the numbers that
``torch.manual_seed`` would, in this thread and this block only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class seeded(TorchDispatchMode):  # noqa: N801  (a context manager, used as one word: ``with seeded(0):``)
    """Runs a block with its own generator behind every random operator on the CPU.

    The numbers equal those that follow ``torch.manual_seed(seed)``: same engine, same order. The mode is
    thread-local, so blocks in other threads keep their own numbers, and the global generator does not move.
    """

    def __init__(self, seed: int) -> None:
        """Starts a generator at ``seed``."""
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keeps torch from importing its compiler, a second of work, at the first operator of a process."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Passes an operator on, with the local generator where it would have asked for the global one."""
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            return _with_generator(func)(*args, **kwargs, generator=self.generator)
        return func(*args, **kwargs)


def _with_generator(func: Any) -> Callable[..., Any]:
    """The overload of a random operator that takes a generator: ``rand.default`` has it as ``rand.generator``."""
    if _takes_generator(func):
        return func
    packet = func.overloadpacket
    wanted = {"default": "generator"}.get(func._overloadname, f"{func._overloadname}_generator")
    if wanted in packet.overloads() and _takes_generator(getattr(packet, wanted)):
        return getattr(packet, wanted)
    raise NotImplementedError(f"{func} draws random numbers and takes no generator")


def _takes_generator(func: Any) -> bool:
    return any(argument.name == "generator" for argument in func._schema.arguments)
