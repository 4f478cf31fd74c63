"""The files that our own networks are shipped in: tensors and the configuration that rebuilds them, nothing that runs.

Weights are written in half precision as safetensors; reading gives them back in single precision.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

WEIGHTS_FOLDER: Final = Path(str(resources.files("vizcore") / "assets" / "weights"))
"""Where the detectors that were trained here lie, each beside its card."""

Network = TypeVar("Network", bound=nn.Module)


def shipped_file(name: str, folder: Path) -> Path:
    """Where a detector's weights lie.

    Args:
        name: of the file, without its ending; a link may bring it.
        folder: that is looked into.

    Raises:
        ValueError: If no such detector was shipped.
    """
    path = folder / f"{name}.safetensors"
    if not re.fullmatch(r"[a-z0-9_]+", name) or not path.is_file():
        raise ValueError(f"no detector called {name!r} was shipped")
    return path


def read_network(path: Path, build: Callable[[dict[str, Any]], Network]) -> Network:
    """A network from a file of :func:`save_network`, wherever it lies.

    Args:
        path: of the file.
        build: makes the network of the configuration that the file holds.
    """
    with safe_open(path, framework="pt") as file:
        network = build(json.loads(file.metadata()["config"]))
        network.load_state_dict({key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118
    return network


def save_network(path: Path, network: nn.Module, config: Any) -> None:
    """Writes weights and configuration; whoever reads meanwhile finds the file that was there before.

    Args:
        path: of the file.
        network: whose weights are written.
        config: dataclass that rebuilds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    tensors = {name: value.detach().to(torch.float16).contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, part, metadata={"config": json.dumps(asdict(config))})
    os.replace(part, path)
