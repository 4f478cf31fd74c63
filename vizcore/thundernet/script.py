"""What the ThunderNet page shows, as programs that run without it."""

from __future__ import annotations

from dataclasses import fields

from vizcore.thundernet.budget import Design


def write_budget_script(design: Design) -> str:
    """Prints each block's parameters and multiply-adds.

    Args:
        design: of the detector.
    """
    return (
        "from vizcore import thundernet\n\n"
        f"budget = thundernet.count_budget(thundernet.{_write(design)})\n"
        "for block, cost in budget.blocks.items():\n"
        "    print(block, cost.parameters, cost.multiply_adds)\n"
        'print("total", budget.total.parameters, budget.total.multiply_adds)\n'
    )


def write_fields_script(backbone: str, name: str) -> str:
    """Prints what a cell can see with 3 × 3 and 5 × 5 kernels, and the side that holds 95 % of the gradient.

    Args:
        backbone: one of ``vizcore.models.snet.SNETS``.
        name: of the map.
    """
    return (
        "from vizcore import thundernet\n\n"
        "for kernel in (3, 5):\n"
        f'    field = thundernet.effective_field("{backbone}", "{name}", kernel=kernel)\n'
        "    print(kernel, field.theoretical, field.side)\n"
    )


def write_cell_script(picture: str, *, cell: tuple[int, int], channel: int, seed: int) -> str:
    """Prints the three terms at a cell and their sum, then the factor of attention and the product.

    Args:
        picture: lines that make ``picture``, see :mod:`vizcore.data.script`.
        cell: (row, column).
        channel: of the map.
        seed: of the untrained detection part.
    """
    return (
        "from vizcore import thundernet\n"
        "from vizcore.models.efficientnet_lite import load_efficientnet_lite0\n"
        f"{picture}"
        f"trace = thundernet.trace_thundernet(load_efficientnet_lite0(), picture, seed={seed})\n"
        f"for name, values in {{**trace.term_maps({channel}), **trace.attention_maps({channel})}}.items():\n"
        f'    print(name, f"{{values[{cell[0]}, {cell[1]}]:.4f}}")\n'
    )


def write_region_script(picture: str, *, box: tuple[float, float, float, float], output: int, seed: int) -> str:
    """Prints one output of a pooled region, with torchvision.

    Args:
        picture: lines that make ``picture``, see :mod:`vizcore.data.script`.
        box: xyxy, pixels of the 320-pixel picture.
        output: 0 to 4.
        seed: of the untrained detection part.
    """
    corners = ", ".join(f"{corner:g}" for corner in box)
    return (
        "import torch\n"
        "from torchvision.ops import ps_roi_align\n\n"
        "from vizcore import thundernet\n"
        "from vizcore.models.efficientnet_lite import load_efficientnet_lite0\n"
        f"{picture}"
        f"trace = thundernet.trace_thundernet(load_efficientnet_lite0(), picture, seed={seed})\n"
        f"region = torch.tensor([[0.0, {corners}]])\n"
        "pooled = ps_roi_align(torch.from_numpy(trace.attended)[None], region, 7, 1 / 16, 2)\n"
        f"for row in pooled[0, {output}].tolist():\n"
        '    print(*(f"{value:.4f}" for value in row))\n'
    )


def _write(design: Design) -> str:
    """A design as a call, with what differs from the paper's."""
    plain = Design()
    changed = (
        f"{field.name}={getattr(design, field.name)!r}"
        for field in fields(Design)
        if getattr(design, field.name) != getattr(plain, field.name)
    )
    return f"Design({', '.join(changed)})"
