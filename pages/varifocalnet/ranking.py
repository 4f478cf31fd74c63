"""What the candidates are ranked by, and what a better order would be worth."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.myths import show_myth
from pages.kit.page import Page
from pages.varifocalnet import network, state
from pages.varifocalnet.network import Ranking
from pages.varifocalnet.state import View
from vizcore import varifocalnet
from vizcore.figures import varifocalnet as figures


def show(page: Page, view: View, found: dict[str, Ranking]) -> Shown:
    """Draws the cloud of the chosen ranking, and the AP of all."""
    _ = page.translate
    names = {name: _(figures.RANKING_NAMES[name]) for name in state.SHOWN_RANKINGS}
    page.select(state.RANKING, _("Ranked by"), names)
    chosen = found[view.ranking]
    left, right = st.columns([1, 1.15])
    with left:
        chart(
            page,
            "cloud",
            figures.plot_ranking(chosen.ranked, translate=_),
            alt=_(
                "Score against true IoU of {count} candidates; rank correlation {correlation}.",
                count=len(chosen.ranked.scores),
                correlation=f"{chosen.correlation:.2f}",
            ),
        )
    drawn = {name: each.ap for name, each in found.items() if not (page.asks and name.startswith("gt"))}
    with right:
        chart(
            page,
            "oracles",
            figures.plot_oracles(drawn, translate=_),
            alt=_("AP: {list}.", list=_("; ").join(f"{names[name]} {ap:.3f}" for name, ap in drawn.items())),
        )
    if page.shows("ranking_words"):
        page.lesson("ranking")
        table(_rows(page, found))
    if page.shows("myth"):
        _show_myth(page, found)
    return Shown("", lambda: _rows(page, found), "grad2box-varifocalnet-ranking")


def _rows(page: Page, found: dict[str, Ranking]) -> list[dict[str, object]]:
    _ = page.translate
    return [
        {
            _("ranked by"): _(figures.RANKING_NAMES[name]),
            "AP": round(each.ap, 3),
            "AP75": round(each.ap75, 3),
            _("AP in the paper (COCO)"): varifocalnet.PAPER_AP[name],
            _("rank correlation (drawn candidates)"): round(each.correlation, 3),
        }
        for name, each in found.items()
    ]


def _show_myth(page: Page, found: dict[str, Ranking]) -> None:
    """That true boxes would make the detector perfect."""
    _ = page.translate

    def evidence() -> None:
        some = {name: found[name].ap for name in ("cls_ctr", "gt_bbox", "gt_cls_iou")}
        chart(
            page,
            "myth",
            figures.plot_oracles(some, translate=_),
            alt=_("AP of the network, with true boxes, and with the true IoU as the score."),
        )

    show_myth(
        page,
        claim=_("With perfect boxes a detector would be perfect."),
        verdict="fails",
        because=_(
            "On {scenes} scenes true boxes lift the AP from {now} to {boxes}, not to 1: classes and order of the "
            "candidates are still the network’s. With its own boxes and the true IoU as the true class’s score "
            "it is {score}. On COCO the paper measured 39.2, 56.1 and 74.7: there the order was worth more than the "
            "boxes.",
            scenes=network.trained_cards()[network.BASE]["num_scenes"],
            now=f"{found['cls_ctr'].ap:.2f}",
            boxes=f"{found['gt_bbox'].ap:.2f}",
            score=f"{found['gt_cls_iou'].ap:.2f}",
        ),
        evidence=evidence,
        source=_("Zhang et al. 2021, table 1."),
    )
