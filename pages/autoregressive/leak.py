"""The leak test: which pixels an output really sees, by gradient; leaks, blind spots, and the gated repair."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.autoregressive import source, state, words
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
    """What the outputs of the view's network see, or of another one where ``changed`` says so.

    Of 784 outputs the one that is shown is tested alone: all of them would take as many gradients.
    """
    options = {"kind": view.network, "layers": view.layers, "kernel": view.kernel, **changed}
    if view.data != "digits":
        options |= {"size": view.size, "output": view.output}
    found: autoregressive.Dependencies = compute(autoregressive.leak_test, **options)
    return found


def show(page: Page, view: View) -> Shown:
    """Draws the controls and both pictures."""
    _ = page.translate
    with st.container(key="picture_first"):
        columns = st.columns([1, 2, 1.2, 1.2], vertical_alignment="bottom", gap="small")
        networks = {
            "made": "MADE",
            "made_leak": _("MADE with ≤ in its last mask"),
            "pixelcnn": "PixelCNN",
            "gated_pixelcnn": _("Gated PixelCNN"),
        }
        with columns[0]:
            source.show_switch(page)
        with columns[1]:
            page.select(state.NETWORK, _("Network"), networks)
        if view.network.endswith("pixelcnn"):
            with columns[2]:
                page.slider(state.LAYERS, _("Masked convolutions"))
            with columns[3]:
                page.select(
                    state.KERNEL, _("Kernel"), {side: f"{side}×{side}" for side in state.KERNEL.options}, few=True
                )
        key, version = page.key("leak"), f"{view.data}.{page.version('output')}"
        heard = said(key).get("output")
        if isinstance(heard, dict) and heard.get("version") == version and is_output(view, heard.get("pixel")):
            page.store(state.OUTPUT, heard.get("pixel"))
        output = page.value(state.OUTPUT)
        view = replace(view, output=output)
        found = find(view)
        live(
            "autoregressive/leak",
            key=key,
            data={
                "size": list(view.size),
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


def is_output(view: View, pixel: object) -> bool:
    """Whether the browser named an output of the picture."""
    return isinstance(pixel, int) and not isinstance(pixel, bool) and 0 <= pixel < view.num_pixels


def _say(page: Page, view: View, found: autoregressive.Dependencies) -> None:
    """The verdict on the whole network, and what the gated one would see."""
    _ = page.translate
    if found.remark is not None and found.output is not None:
        st.error(
            _("This output sees its own pixel or a later one: what is computed is then no likelihood."),
            icon=":material/error:",
        )
        return
    if found.remark is not None:
        st.error(explain(found.remark, _), icon=":material/error:")
        return
    missing = int(found.missing.sum())
    if found.output is not None and not view.network.endswith("pixelcnn"):
        st.success(
            _(
                "No leak at this output, the only one of {count} that is tested. {missing} pixels before it have no "
                "path to it: a hidden unit of the right degree is missing.",
                count=view.num_pixels,
                missing=missing,
            ),
            icon=":material/check_circle:",
        )
        return
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
            view.layers, view.kernel, gated=gated, pixel=divmod(view.output, view.size[1]), size=view.size
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
