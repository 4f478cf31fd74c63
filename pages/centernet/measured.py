"""What the ways to decode are worth, measured on the validation scenes, beside FCOS."""

from __future__ import annotations

from typing import Any

from pages.centernet import network
from pages.centernet.state import View
from pages.kit.chart import chart, table, without_gaps
from pages.kit.ending import Shown
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore.figures import centernet as figures
from vizcore.training import cards


def show(page: Page, view: View) -> Shown:
    """Draws the table and its bars, from the cards."""
    _ = page.translate
    card: Any = network.card()
    ablation: dict[str, dict[str, float]] = card["ablation"]
    drawn = {"default": ablation["default"]} if page.asks else ablation
    chart(
        page,
        "ablation",
        figures.plot_ablation(drawn, translate=_),
        alt=_(
            "AP: {list}.",
            list=_("; ").join(f"{_(figures.ABLATION_NAMES[name])} {each['ap']:.3f}" for name, each in drawn.items()),
        ),
    )
    if page.shows("table"):
        table(without_gaps(_rows(page, card)))
        page.lesson("measured")
    return Shown("", lambda: _rows(page, card), "grad2box-centernet-measured")


def _rows(page: Page, card: dict[str, Any]) -> list[dict[str, Any]]:
    _ = page.translate
    fcos = compute(cards.load_card, "fcos_fpn")

    def row(name: str, quality: dict[str, float], costs: dict[str, Any] | None) -> dict[str, Any]:
        return {
            _("detector"): name,
            "AP": round(quality["ap"], 3),
            "AP50": round(quality["ap50"], 3),
            "AP75": round(quality["ap75"], 3),
            _("parameters (10⁶)"): round(costs["parameters"] / 1e6, 2) if costs else None,
            _("multiply-adds (10⁹)"): round(costs["multiply_adds"] / 1e9, 2) if costs else None,
            _("processor time (FCOS = 1)"): costs.get("times_fcos", 1.0) if costs else None,
        }

    listed = [
        row(f"CenterNet · {_(figures.ABLATION_NAMES[name])}", quality, card if name == "default" else None)
        for name, quality in card["ablation"].items()
    ]
    return [*listed, row(fcos.title, fcos.quality, vars(fcos))]
