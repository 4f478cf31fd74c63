"""What was measured of our own network over 500 scenes: layer by layer, beside another detector, and without a part."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.numbers import written
from pages.kit.page import Page
from vizcore.figures import detr as figures
from vizcore.training import cards, detr_shipping

RIVAL = "fcos_fpn"
"""Stands on the same frozen backbone and was judged on the same scenes."""
PUBLISHED = {"positions": 0.078, "encoder": 0.039}
"""Change of AP without them, Carion et al. 2020, tables 2 and 3."""
HARDLY = 0.005
"""A difference of AP that cannot be seen in the chart."""


def show_layers(page: Page) -> None:
    """Draws AP after each decoder layer, plain and after a suppression."""
    _ = page.translate
    card = compute(detr_shipping.load_detr_card)
    chart(
        page,
        "layers_ap",
        figures.plot_layers(card.layers, translate=_),
        alt=_(
            "AP by decoder layer, plain and after NMS: {list}.",
            list="; ".join(f"{row['ap']:.3f}, {row['nms_ap']:.3f}" for row in card.layers),
        ),
    )
    gains = [row["nms_ap"] - row["ap"] for row in card.layers]
    st.caption(
        _(
            "Measured on {scenes} scenes that the network never saw, after {steps} training steps.",
            scenes=card.num_scenes,
            steps=f"{card.steps:,}",
        )
        + " "
        + _("NMS changes AP by {list}.", list=", ".join(written(gain, "+.4f") for gain in gains))
        + (
            " " + _("The two lines lie on one another: duplicates cost hardly anything here, not even after layer 1.")
            if max(map(abs, gains)) < HARDLY
            else ""
        )
    )


def show_sizes(page: Page) -> None:
    """Draws how good DETR and FCOS are, by the size of the objects."""
    _ = page.translate
    ours, rival = compute(detr_shipping.load_detr_card), compute(cards.load_card, RIVAL)
    st.markdown(_("**Which objects does DETR lose?** Beside FCOS: same scenes, same frozen backbone."))
    qualities = {"detr": ours.quality, RIVAL: rival.quality}
    chart(
        page,
        "sizes",
        figures.plot_qualities(qualities, names=figures.DETECTOR_NAMES, translate=_),
        alt=_(
            "AP of small, medium and large objects: {list}.",
            list="; ".join(
                f"{figures.DETECTOR_NAMES[name]} "
                + ", ".join(f"{quality[key]:.3f}" for key in ("ap_small", "ap_medium", "ap_large"))
                for name, quality in qualities.items()
            ),
        ),
    )
    ahead = {key: ours.quality[key] - rival.quality[key] for key in ("ap_small", "ap_large")}
    if ahead["ap_large"] > 0 > ahead["ap_small"]:
        verdict = _("As in the paper, DETR is ahead for large objects and behind for small ones.")
    elif ahead["ap_small"] < ahead["ap_large"]:
        verdict = _("As in the paper, DETR loses most at small objects; here it is not ahead at large ones either.")
    else:
        verdict = _("The paper’s finding, that DETR loses most at small objects, does not show here.")
    st.caption(
        verdict
        + " "
        + _(
            "AP small {small} against {small_rival}, large {large} against {large_rival}. A token covers 16 pixels, "
            "FCOS’s finest cell 4. They were not trained alike: DETR {steps} steps on scenes of {size} pixels, FCOS "
            "{steps_rival} on scenes of {size_rival}.",
            small=f"{ours.quality['ap_small']:.2f}",
            small_rival=f"{rival.quality['ap_small']:.2f}",
            large=f"{ours.quality['ap_large']:.2f}",
            large_rival=f"{rival.quality['ap_large']:.2f}",
            steps=f"{ours.steps:,}",
            size=ours.data["size"],
            steps_rival=f"{rival.steps:,}",
            size_rival=rival.data["size"],
        )
    )


def show_parts(page: Page) -> None:
    """Draws what was measured without one part of the network, where it was."""
    _ = page.translate
    runs = {card.name: card for card in compute(detr_shipping.list_detr_cards) if card.name != "detr"}
    if len(runs) < 2:
        return
    qualities = {name: card.quality for name, card in runs.items()}
    st.markdown(_("**What is each part worth?** One short training for each, with one thing left out."))
    chart(
        page,
        "ablations",
        figures.plot_qualities(qualities, translate=_),
        alt=_(
            "AP without parts: {list}.",
            list="; ".join(
                f"{_(figures.ABLATION_NAMES[name])} {quality['ap']:.3f}" for name, quality in qualities.items()
            ),
        ),
    )
    whole = runs.get("detr_reference")
    first = whole or next(iter(runs.values()))
    st.caption(
        _(
            "{steps} steps each, one seed, {scenes} scenes: short runs, so compare them with one another and not with "
            "the network above; a small difference may be chance.",
            steps=f"{first.steps:,}",
            scenes=first.num_scenes,
        )
    )
    if whole is None:
        return
    st.caption(
        _(
            "Left out, and what AP changes by: {list}. In the paper (long trainings on COCO, AP 0.406) position "
            "encodings are worth {positions}, the encoder {encoder}.",
            list=_("; ").join(
                f"{_(figures.ABLATION_NAMES[name])} {written(quality['ap'] - whole.quality['ap'], '+.3f')}"
                for name, quality in qualities.items()
                if name != "detr_reference"
            ),
            positions=PUBLISHED["positions"],
            encoder=PUBLISHED["encoder"],
        )
    )
    alone = runs.get("detr_no_auxiliary")
    if alone is not None:
        st.caption(
            _(
                "Without auxiliary losses nobody teaches the first layers: AP after each is {list}.",
                list=", ".join(f"{row['ap']:.3f}" for row in alone.layers),
            )
        )
