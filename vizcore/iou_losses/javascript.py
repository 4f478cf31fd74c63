"""The losses and their geometry as the browser runs them under a hand."""

from __future__ import annotations

import torch

from vizcore import browser
from vizcore.iou_losses.degeneracies import degeneracies
from vizcore.iou_losses.geometry import Coordinates, box_parts
from vizcore.iou_losses.losses import loss_terms
from vizcore.iou_losses.settings import LossSettings

COORDINATE_NAMES = ("x1", "y1", "x2", "y2", "tx1", "ty1", "tx2", "ty2")
"""What ``loss_terms``, ``box_parts`` and ``degeneracies`` take: the predicted box, then the target."""


def example_coordinates() -> Coordinates:
    """Eight columns of boxes in general position, to trace the functions of coordinates with."""
    return tuple(torch.tensor([number, number + 0.5], dtype=torch.float64) for number in (1, 2, 7, 5, 3, 1, 8, 9))


_LISTENS = {"smooth_l1": ("beta",), "ciou": ("alpha_gradient", "alpha_gate"), "alpha_iou": ("power",)}


def listened(kind: str, settings: LossSettings) -> dict[str, float | bool]:
    """Those settings that a loss depends on: when the others change, it need not be compiled again.

    Args:
        kind: one of ``KINDS``.
        settings: all of them.
    """
    return {name: getattr(settings, name) for name in ("eps", *_LISTENS.get(kind, ()))}


def compile_loss(kind: str, **settings: float | bool) -> str:
    """One loss with its gradient, as a JavaScript function of its own name.

    Args:
        kind: one of ``KINDS``.
        **settings: of ``LossSettings``; see :func:`listened`.
    """
    chosen = LossSettings(**settings)  # type: ignore[arg-type]
    return browser.to_javascript(
        lambda *coordinates: loss_terms(kind, coordinates, chosen),
        example_coordinates(),
        name=kind,
        gradient_inputs=range(4),
        argument_names=COORDINATE_NAMES,
    )


def compile_geometry(*, eps: float, power: float) -> str:
    """``box_parts``, and ``degeneracies`` that explain a NaN, as JavaScript functions.

    Args:
        eps: of the settings.
        power: of the settings.
    """
    chosen = LossSettings(eps=eps, power=power)
    functions = {
        "box_parts": box_parts,
        "degeneracies": lambda *coordinates: degeneracies(*coordinates, settings=chosen),
    }
    return "\n".join(
        browser.to_javascript(
            function, example_coordinates(), name=name, gradient_inputs=(), argument_names=COORDINATE_NAMES
        )
        for name, function in functions.items()
    )
