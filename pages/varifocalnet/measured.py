"""What training with a focal or a varifocal loss, and a star, came to: as the cards say."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.kit.chart import chart, table, without_gaps
from pages.kit.ending import Shown
from pages.kit.page import Page
from pages.varifocalnet import network
from pages.varifocalnet.state import View
from vizcore.figures import varifocalnet as figures


def show(page: Page, view: View) -> Shown:  # the view chooses nothing here
    """Draws the runs beside the one with FCOS's own rule, and their table."""
    _ = page.translate
    runs = {network.BUDGET_MATE: network.budget_mate(), **network.trained_cards()}
    names = {name: _name(page, name) for name in runs}
    drawn = {
        name: run["quality"]
        for name, run in runs.items()
        if not page.asks or name.startswith((network.BUDGET_MATE, network.BASE))
    }
    chart(
        page,
        "runs",
        figures.plot_runs(drawn, names),
        alt=_(
            "AP: {list}.",
            list=_("; ").join(f"{names[name]} {quality['ap']:.3f}" for name, quality in drawn.items()),
        ),
    )
    if page.shows("runs"):
        table(without_gaps(_rows(page, runs, names)))
        _say_what_it_means(page, runs)
        page.lesson("measured")
    return Shown("", lambda: _rows(page, runs, names), "grad2box-varifocalnet-measured")


def _name(page: Page, run: str) -> str:
    _ = page.translate
    name, _by, seed = run.partition("_seed")
    said = _(figures.RUN_NAMES[name])
    return _("{run} (seed {seed})", run=said, seed=seed) if seed else said


def _say_what_it_means(page: Page, runs: dict[str, dict[str, Any]]) -> None:
    """The detector of the detection page beside its budget-mate, and what was not trained."""
    _ = page.translate
    if network.REFINED in runs:
        ours, mate = (runs[name]["quality"]["ap"] for name in (network.REFINED, network.BUDGET_MATE))
        st.markdown(
            _(
                "VarifocalNet is a detector of the detection page. AP {ours}; FCOS on the same levels, with the same "
                "budget: {mate}.",
                ours=f"{ours:.3f}",
                mate=f"{mate:.3f}",
            )
        )
    missing = [name for name in (*network.TRAINED, *network.REPEATED) if name not in runs]
    if missing:
        st.caption(_("Not trained yet: {list}.", list=_("; ").join(_name(page, name) for name in missing)))


def _rows(page: Page, runs: dict[str, dict[str, Any]], names: dict[str, str]) -> list[dict[str, object]]:
    _ = page.translate
    return [
        {
            _("detector"): names[name],
            "AP": round(run["quality"]["ap"], 3),
            "AP50": round(run["quality"]["ap50"], 3),
            "AP75": round(run["quality"]["ap75"], 3),
            _("AP small"): round(run["quality"]["ap_small"], 3),
            _("AP medium"): round(run["quality"]["ap_medium"], 3),
            _("AP large"): round(run["quality"]["ap_large"], 3),
            _("rank correlation"): round(run["rank_correlation"], 3) if "rank_correlation" in run else None,
            _("parameters (10⁶)"): round(run["parameters"] / 1e6, 2),
            _("multiply-adds (10⁹)"): round(run["multiply_adds"] / 1e9, 2),
            _("processor time (FCOS P2–P6 = 1)"): run.get("times_fcos"),
        }
        for name, run in runs.items()
    ]
