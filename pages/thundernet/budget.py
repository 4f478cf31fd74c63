"""The budget board: switches, and which block pays."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.kit.chart import table
from pages.kit.ending import Shown
from pages.kit.live import live
from pages.kit.page import Page
from pages.thundernet import fields, network, state, words
from pages.thundernet.state import View
from vizcore import thundernet
from vizcore.figures import thundernet as figures
from vizcore.thundernet import script as scripts

DIGITS = {"parameters": 2, "multiply_adds": 0, "seconds": 1}
SIGNS = {"parameters": "M", "multiply_adds": "M", "seconds": "ms"}


def show(page: Page, view: View) -> Shown:
    """Draws the switches and the board, then what the paper reports."""
    _ = page.translate
    _show_switches(page)
    with st.spinner(_("Measuring each block…")):
        found = network.measured(view.design)
    budgets = dict(zip((_("this detector"), _("the paper’s design")), found, strict=False))
    total = found[0].total
    live(
        "thundernet/board",
        key=page.key("board"),
        data={
            "kinds": [_kind(page, kind, budgets) for kind in DIGITS],
            "blocks": [
                {"name": block, "words": _(figures.BLOCK_NAMES[block]), "color": figures.BLOCK_COLORS[block]}
                for block in thundernet.BLOCKS
            ],
            "played": "seconds",
            "presenter": page.presenting,
            "text": {
                "label": _(
                    "{parameters} million parameters, {adds} million multiply-adds, {ms} milliseconds.",
                    parameters=f"{total.parameters / 1e6:.2f}",
                    adds=f"{total.multiply_adds / 1e6:.0f}",
                    ms=f"{1000 * (total.seconds or 0):.1f}",
                ),
                "hint": _("Point at a block: its share. Times are the least of three runs, measured once here."),
                "mark": _("the paper’s own count"),
                "slow": _("{time} of {whole} ms: {block} (1 : {factor} slow motion)"),
            },
        },
    )
    if page.step is not None and page.shows("fields"):  # the laboratory has a part for them
        fields.draw(page, view)
    if page.shows("rest"):
        _show_paper(page)
    return Shown(scripts.write_budget_script(view.design), lambda: _rows(budgets), "grad2box-budget")


def _show_switches(page: Page) -> None:
    _ = page.translate
    rows = [st.columns(4, vertical_alignment="bottom") for _row in range(2)] if page.step is None else None

    def at(row: int, column: int) -> Any:
        return rows[row][column] if rows is not None else st.container()

    with at(0, 0):
        page.select(state.BACKBONE, _("Backbone"), words.BACKBONES)
    with at(0, 1):
        page.select(state.KERNEL, _("Depth-wise kernels"), {"3": "3×3", "5": "5×5"}, few=True)
    with at(0, 2):
        page.slider(state.INPUT_SIZE, _("Input size (px)"))
    with at(0, 3):
        page.select(state.HEAD, _("Head width"), {width: width for width in state.HEAD.options})
    with at(1, 0):
        page.select(state.RPN, "RPN", {"compressed": _("compressed"), "plain": _("plain 3×3")}, few=True)
    with at(1, 1):
        page.select(state.POOLING, _("Pooling"), {"psroi": "PSRoIAlign", "roi": "RoIAlign"}, few=True)
    with at(1, 2):
        page.toggle(state.CEM, _("Context (CEM)"))
    with at(1, 3):
        page.toggle(state.SAM, _("Attention (SAM)"))


def _kind(page: Page, kind: str, budgets: dict[str, thundernet.Budget]) -> dict[str, Any]:
    """One quantity: a bar for each design."""
    _ = page.translate
    rows = []
    for label, budget in budgets.items():
        mark = None
        if kind == "multiply_adds" and budget.design == network.reference(budget.design):
            paper = thundernet.PAPER[budget.design.backbone].multiply_adds / 1e6
            mark = {"value": paper, "words": _("◆ the paper’s own count: {count} million", count=f"{paper:,.0f}")}
        values = {block: figures.amount(budget, block, kind) for block in budget.blocks}
        parts = [
            {
                "block": block,
                "value": value,
                "words": f"{_write(kind, value)} · {100 * budget.share(block, kind):.0f} %",
            }
            for block, value in values.items()
        ]
        whole = _write(kind, sum(values.values()))
        rows.append({"label": label, "total": whole, "parts": parts, "mark": mark})
    return {"name": kind, "title": _(figures.KIND_NAMES[kind]), "rows": rows}


def _write(kind: str, value: float) -> str:
    return f"{value:,.{DIGITS[kind]}f} {SIGNS[kind]}"


def _show_paper(page: Page) -> None:
    """What the paper reports of its three detectors, beside what is counted here."""
    _ = page.translate
    st.caption(
        _(
            "Beside the paper’s own figures (marked ◆), which are its authors’ and were not computed here. These "
            "backbones are not trained: the board says what the pieces cost, not how well they find."
        )
    )
    table(
        [
            {
                _("Detector"): words.BACKBONES[name],
                _("Multiply-adds, counted here (M)"): round(
                    network.counted(thundernet.Design(name)).total.multiply_adds / 1e6
                ),
                _("◆ Multiply-adds (M)"): round(paper.multiply_adds / 1e6),
                _("◆ AP on COCO (%)"): round(100 * paper.ap, 1),
                _("◆ mAP on VOC 2007 (%)"): round(100 * paper.voc, 1),
            }
            for name, paper in thundernet.PAPER.items()
        ]
    )


def _rows(budgets: dict[str, thundernet.Budget]) -> list[dict[str, Any]]:
    return [
        {
            "design": label,
            "block": block,
            "parameters": cost.parameters,
            "multiply_adds": cost.multiply_adds,
            "milliseconds": None if cost.seconds is None else 1000 * cost.seconds,
        }
        for label, budget in budgets.items()
        for block, cost in budget.blocks.items()
    ]
