"""What the designs reach when each is trained alike, and why a cut is not a design."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.fpn import network, state, trainings, verdict, words
from pages.fpn.network import Run
from pages.fpn.state import View
from pages.fpn.trainings import Trained
from pages.fpn.truth import show_truth
from pages.kit.chart import chart, table
from pages.kit.loaders import compute
from pages.kit.myths import show_myth
from pages.kit.page import Page
from pages.kit.ways import link_to
from vizcore import fpn
from vizcore.data import scenes
from vizcore.figures import fpn as figures
from vizcore.training import cards

TOP_DOWN = tuple(arrow.cut for arrow in fpn.pyramid_arrows(state.COMPARED["fpn"]) if arrow.kind == "top_down")


def show_qualities(page: Page, view: View) -> None:
    """Draws what the trained designs reach, as their cards say, beside a scene of the kind that they look at."""
    _ = page.translate
    st.subheader(_("Trained alike, judged alike"), anchor=False)
    kinds = {"shapes": _("drawn shapes"), "digits": _("ten digits among clutter")}
    offered = {kind: kinds[kind] for kind in trainings.offered()}
    if len(offered) > 1:
        page.select(state.KIND, _("Trained and judged on"), offered, few=True)
    found = trainings.found(view.kind)
    bars, asked = st.columns([1.7, 1], gap="large")
    with bars:
        _show_bars(page, found)
        judged = verdict.judge(found)
        if judged is None:
            st.markdown(_("What the top-down path brings here is not known yet: (c) or (d) is still to be trained."))
        else:
            st.markdown(verdict.say(judged, view.kind, _))
    with asked:
        _show_asked(page, view)
    _show_missing(page, view)
    page.lesson("comparison")
    page.lesson(f"comparison_{view.kind}")
    if page.step is None:
        _show_ways_on(page)
    _show_table(page, found)


def _show_bars(page: Page, found: Sequence[Trained]) -> None:
    _ = page.translate
    runs = trainings.by_design(found)
    qualities = {design: trainings.mean(each) for design, each in runs.items()}
    seeds = max(map(len, runs.values()))
    chart(
        page,
        "quality",
        figures.plot_quality(qualities, runs=runs if seeds > 1 else None, translate=_),
        alt=_(
            "Average precision: {list}.",
            list=_("; ").join(
                f"{_(figures.DESIGN_NAMES[design])} {quality['ap']:.2f}" for design, quality in qualities.items()
            ),
        ),
    )
    if seeds > 1:
        st.caption(_("A bar is the mean over the seeds of a design, a dot is one seed."))


def _show_asked(page: Page, view: View) -> None:
    """A scene of the kind, with everything that a detector is asked for."""
    _ = page.translate
    scene: scenes.Scene = compute(scenes.draw_scene, "validation", view.scene, kind=view.kind)
    values = {"scene": view.scene, "count": len(scene.boxes)}
    names: Sequence[str]
    if view.kind == trainings.DIGITS:
        names, title = scenes.DIGITS, _("Scene {scene}: {count} digits are asked for, all else is clutter.", **values)
    else:
        names, title = words.class_names(), _("Scene {scene}: {count} objects of six classes are asked for.", **values)
    show_truth(page, "asked", scene, names, title=title)
    st.caption(title)


def _show_missing(page: Page, view: View) -> None:
    """The commands that make the cards that are not there."""
    missing = trainings.missing(view.kind)
    if not missing:
        return
    st.info(
        page.translate("Some of these designs have not been trained yet. These commands train and judge them:"),
        icon=":material/hourglass_top:",
    )
    st.code("\n".join(missing), language=None)


def _show_ways_on(page: Page) -> None:
    _ = page.translate
    with st.container(horizontal=True):
        link_to(page, "scale", _("The same question answered by training: SNIP"), tour="0")
        link_to(page, "thundernet", _("One map instead of a pyramid, to save time: ThunderNet"), tour="0")


def _show_table(page: Page, found: Sequence[Trained]) -> None:
    _ = page.translate
    table(
        [
            {
                _("design"): _(figures.DESIGN_NAMES[trainings.design_of(card)]),
                _("seed"): card.seed,
                **{_(label): card.quality[name] for name, label in figures.QUALITY_NAMES.items()},
                _("scenes judged"): card.num_scenes,
                _("multiply-adds (10⁹)"): round(card.multiply_adds / 1e9, 2),
                _("parameters (10⁶)"): round(card.parameters / 1e6, 2),
                **({_("ms a scene"): round(card.milliseconds)} if isinstance(card, cards.Card) else {}),
                _("steps"): card.steps,
                _("hours"): card.hours,
            }
            for card in found
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
