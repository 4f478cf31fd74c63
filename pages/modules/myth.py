"""A myth about eval(), against what was measured."""

from __future__ import annotations

from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore.modules import NetworkComparison


def show(page: Page, comparison: NetworkComparison) -> None:
    """That eval() switches every dropout off."""
    _ = page.translate
    found = comparison.by_aspect["eval_passes"]
    fails = found.functional > 1
    show_myth(
        page,
        claim=_("eval() switches dropout off."),
        verdict="fails" if fails else "holds_if",
        because=_(
            "It sets the flag training=False on every module; a function must be told. Different results in twenty "
            "passes after eval(): {module} with nn.Module, {functional} with nn.functional.",
            module=int(found.module),
            functional=int(found.functional),
        ),
        evidence=lambda: None,
    )
