"""What the designs reach when each is trained alike, and why a cut is not a design."""

from __future__ import annotations

import streamlit as st

from pages.fpn import network, state, words
from pages.fpn.network import Run
from pages.fpn.state import View
from pages.kit.chart import chart, table
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from vizcore import fpn
from vizcore.figures import fpn as figures
from vizcore.training import cards

TOP_DOWN = tuple(arrow.cut for arrow in fpn.pyramid_arrows(state.COMPARED["fpn"]) if arrow.kind == "top_down")


def show_qualities(page: Page) -> None:
    """Draws what the trained designs reach, as their cards say."""
    _ = page.translate
    found = {design_of(card): card for card in compute(cards.list_cards) if card.name.startswith("compare_")}
    st.subheader(_("Trained alike, judged alike"), anchor=False)
    page.lesson("comparison")
    if page.step is None:
        with st.container(horizontal=True):
            for concept, label in (
                ("scale", _("The same question answered by training: SNIP")),
                ("thundernet", _("One map instead of a pyramid, to save time: ThunderNet")),
            ):
                st.page_link(
                    f"pages/{concept}/page.py",
                    label=label,
                    icon=":material/arrow_forward:",
                    query_params={"tour": "0", "lang": page.language},
                )
    qualities = {design: card.quality for design, card in found.items()}
    chart(
        page,
        "quality",
        figures.plot_quality(qualities, translate=_),
        alt=_(
            "Average precision: {list}.",
            list=_("; ").join(
                f"{_(figures.DESIGN_NAMES[design])} {quality['ap']:.2f}" for design, quality in qualities.items()
            ),
        ),
    )
    table(
        [
            {
                _("design"): _(figures.DESIGN_NAMES[design]),
                **{_(label): card.quality[name] for name, label in figures.QUALITY_NAMES.items()},
                _("multiply-adds (10⁹)"): round(card.multiply_adds / 1e9, 2),
                _("parameters (10⁶)"): round(card.parameters / 1e6, 2),
                _("ms a scene"): round(card.milliseconds),
                _("steps"): card.steps,
                _("hours"): card.hours,
            }
            for design, card in found.items()
        ]
    )


def show_cut_myth(page: Page, view: View, run: Run) -> None:
    """Cutting a trained network against training without the path, on a scene; nothing for a photo."""
    if run.drawn is None:
        return
    _ = page.translate
    traces = {
        _("(d) as trained"): network.design_trace(view.picture, "fpn"),
        _("(d) with its top-down path cut"): network.design_trace(view.picture, "fpn", TOP_DOWN),
        _("(c), trained without the path"): network.design_trace(view.picture, "separate"),
    }
    runs = {name: network.thresholded(trace, view) for name, trace in traces.items()}
    found = {name: run.count(trace) for name, trace in runs.items()}
    whole, cut, separate = (fpn.total_found(counts) for counts in found.values())
    sizes = words.size_words(_)

    def evidence() -> None:
        table(
            [
                {
                    _("design"): name,
                    **{sizes[size]: f"{pair[0]} / {pair[1]}" for size, pair in counts.items()},
                    _("boxes"): len(runs[name].keep),
                }
                for name, counts in found.items()
            ]
        )

    show_myth(
        page,
        claim=_("Cut the top-down path, and you see what a feature pyramid is worth."),
        verdict="fails",
        because=_(
            "Cutting shows what **this** network relies on, not what the design is worth: its other weights were "
            "trained for what came down that path. On this scene (d) finds {whole} objects, {cut} with the path cut, "
            "and a network that was trained without it {separate}. Only the last one is design (c), and one scene is "
            "an anecdote: the average precision on the cards is over hundreds.",
            whole=whole,
            cut=cut,
            separate=separate,
        ),
        evidence=evidence,
    )


def design_of(card: cards.Card) -> str:
    """Which of the four designs a card speaks of."""
    return "image_pyramid" if card.pyramid else str(card.config["neck"])
