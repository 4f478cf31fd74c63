"""What training with a focal or a varifocal loss, and a star, came to: as the cards say."""

from __future__ import annotations

from typing import Any

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.varifocalnet import network
from pages.varifocalnet.state import View
from vizcore.figures import varifocalnet as figures

# The order of the rankings in a card's table that fit its score.
_SHOWN = ("cls", "cls_ctr", "iacs", "gt_ctr", "gt_ctr_iou", "gt_bbox", "gt_cls", "gt_cls_ctr", "gt_cls_iou")


def show(page: Page, view: View) -> Shown:  # the view chooses nothing here
    """Draws the table of runs and, for the run with a focal loss, every ranking on all scenes."""
    _ = page.translate
    cards = network.trained_cards()
    table(_rows(page, cards))
    page.lesson("measured")
    card = cards["vfnet_focal"]
    oracles = {name: card["rankings"][name]["ap"] for name in _SHOWN if name != "iacs" and name in card["rankings"]}
    chart(
        page,
        "all_oracles",
        figures.plot_oracles(oracles, translate=_),
        alt=_(
            "AP: {list}.",
            list=_("; ").join(f"{_(figures.RANKING_NAMES[name])} {ap:.3f}" for name, ap in oracles.items()),
        ),
    )
    return Shown("", lambda: _rows(page, cards), "grad2box-varifocalnet-measured")


def _rows(page: Page, cards: dict[str, dict[str, Any]]) -> list[dict[str, object]]:
    _ = page.translate
    return [
        {
            _("detector"): card["title"],
            _("seed"): card["seed"],
            _("steps"): card["steps"],
            "AP": round(card["quality"]["ap"], 3),
            "AP75": round(card["quality"]["ap75"], 3),
            _("rank correlation"): round(card["rank_correlation"], 3),
        }
        for card in cards.values()
    ]
