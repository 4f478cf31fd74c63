"""What the boxes are ranked by decides which survive."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.ways import link_to
from pages.nms import state
from pages.nms.state import View
from vizcore import nms
from vizcore.data import crowds
from vizcore.figures import nms as figures


def show(page: Page, view: View) -> dict[str, nms.RankingResult]:
    """Draws the rankings of a crowd whose scores misjudge placement; returns how each did."""
    _ = page.translate
    rankings = {name: _(words) for name, words in figures.RANKING_NAMES.items()}
    st.subheader(_("What the boxes are ranked by decides which survive"), anchor=False)
    page.lesson("ranking")
    words = _("The same on a trained detector’s candidates: VarifocalNet")
    link_to(page, "varifocalnet", words, view="ranking")
    controls = st.columns([1, 1, 1.4], vertical_alignment="bottom")
    with controls[0]:
        misalignment = page.slider(state.MISALIGNMENT, _("Misalignment of score and IoU"))
    with controls[1]:
        noise = page.slider(state.PREDICTED_IOU_NOISE, _("Error of the predicted IoU"))
    with controls[2]:
        ranking = page.select(state.RANKING, _("Look at the ranking by"), rankings)
    ranked = compute(crowds.make_ranked_crowd, misalignment=misalignment, predicted_iou_noise=noise, seed=view.seed)
    results = {name: compute(nms.rank_and_evaluate, ranked, name) for name in rankings}
    left, right = st.columns(2)
    with left:
        chart(
            page,
            "ranking",
            figures.plot_evaluations({name: result.evaluation for name, result in results.items()}, translate=_),
            alt=_(
                "AP by ranking: {aps}.",
                aps=", ".join(f"{rankings[name]} {result.evaluation.ap:.3f}" for name, result in results.items()),
            ),
        )
    with right:
        chosen = results[ranking]
        chart(
            page,
            "cloud",
            figures.plot_score_against_iou(ranked, chosen, translate=_),
            alt=_(
                "Each candidate’s rank over its true IoU; correlation {correlation}.",
                correlation=f"{chosen.correlation:.2f}",
            ),
        )
    pair = compute(nms.find_better_lost, ranked, chosen)
    if pair is None:
        st.success(_("Ranked so, no kept candidate suppressed a better placed one."), icon=":material/check_circle:")
    else:
        left, right = st.columns([1, 1.2], vertical_alignment="center")
        with left:
            chart(
                page,
                "better_lost",
                figures.plot_better_lost(ranked, pair, translate=_),
                alt=_("A well placed box is suppressed by a badly placed one."),
            )
        with right:
            st.markdown(
                _(
                    "Ranked by **{ranking}**, {count} kept candidates suppressed one that was better placed. The worst "
                    "case: "
                    "a box with IoU **{loser_iou}** ranks {loser_rank} and falls to one with IoU **{winner_iou}** that "
                    "ranks {winner_rank}.",
                    ranking=rankings[ranking],
                    count=chosen.better_lost,
                    loser_iou=f"{pair.loser_iou:.2f}",
                    loser_rank=f"{pair.loser_rank:.2f}",
                    winner_iou=f"{pair.winner_iou:.2f}",
                    winner_rank=f"{pair.winner_rank:.2f}",
                )
            )
    return results
