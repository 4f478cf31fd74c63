"""The leak test: which pixels an output really sees, by gradient; leaks, blind spots, and the gated repair."""

from __future__ import annotations

import streamlit as st

from pages.autoregressive import state, words
from pages.autoregressive.state import View
from pages.kit.ending import Shown
from pages.kit.language import explain
from pages.kit.live import live, said
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.figures import theme

COLORS = {
    "output": theme.CURRENT,
    "seen": theme.PREDICTION,
    "missing": theme.SUPPRESSED,
    "leak": theme.ERROR,
    "light": theme.HALO[1],
}


def find(view: View, **changed: object) -> autoregressive.Dependencies:
    """What the outputs of the view's network see, or of another one where ``changed`` says so."""
    options = {"kind": view.network, "layers": view.layers, "kernel": view.kernel, **changed}
    found: autoregressive.Dependencies = compute(autoregressive.leak_test, **options)
    return found


def show(page: Page, view: View) -> Shown:
    """Draws the controls and both pictures."""
    _ = page.translate
    columns = st.columns([2, 1.2, 1.2], vertical_alignment="bottom", gap="small")
    networks = {
        "made": "MADE",
        "made_leak": _("MADE with ≤ in its last mask"),
        "pixelcnn": "PixelCNN",
        "gated_pixelcnn": _("Gated PixelCNN"),
    }
    with columns[0]:
        page.select(state.NETWORK, _("Network"), networks)
    if view.network.endswith("pixelcnn"):
        with columns[1]:
            page.slider(state.LAYERS, _("Masked convolutions"))
        with columns[2]:
            page.select(state.KERNEL, _("Kernel"), {side: f"{side}×{side}" for side in state.KERNEL.options}, few=True)
    found = find(view)
    key, version = page.key("leak"), str(page.version("output"))
    heard = said(key).get("output")
    if isinstance(heard, dict) and heard.get("version") == version:
        page.store(state.OUTPUT, heard.get("pixel"))
    output = page.value(state.OUTPUT)
    live(
        "autoregressive/leak",
        key=key,
        data={
            "size": list(state.SIZE),
            "pixel": output,
            "version": version,
            "hidden": page.asks,
            "reach": view.layers * (view.kernel // 2) if view.network.endswith("pixelcnn") else 0,
            "colors": COLORS,
            "presenter": page.presenting,
            "text": words.leak_words(_),
        },
        payload=compute(autoregressive.pack_dependencies, found),
    )
    if page.shows("remark"):
        _say(page, view, found)
    return Shown(rows=lambda: autoregressive.dependency_rows(found), name="dependencies")


def _say(page: Page, view: View, found: autoregressive.Dependencies) -> None:
    """The verdict on the whole network, and what the gated one would see."""
    _ = page.translate
    if found.remark is not None:
        st.error(explain(found.remark, _), icon=":material/error:")
        return
    missing = int(found.missing.sum())
    if not view.network.endswith("pixelcnn"):
        st.success(
            _(
                "No leak. {missing} of {allowed} allowed pairs have no path: a hidden unit of the right degree is "
                "missing.",
                missing=missing,
                allowed=int(found.allowed.sum()),
            ),
            icon=":material/check_circle:",
        )
        return
    plain, gated = (
        autoregressive.blind_spot(
            view.layers, view.kernel, gated=gated, pixel=divmod(view.output, state.SIZE[1]), size=state.SIZE
        )
        for gated in (False, True)
    )
    st.success(
        _(
            "No leak. Within the reach of the kernels, the plain stack has a blind spot of {plain} pixels at this "
            "output, the gated one (vertical and horizontal stack) of {gated}.",
            plain=int(plain.sum()),
            gated=int(gated.sum()),
        ),
        icon=":material/check_circle:",
    )
