"""Pixel by pixel: a picture that grows, whose pixels can be flipped and whose lower half can be completed."""

from __future__ import annotations

import hashlib

import streamlit as st

from pages.autoregressive import source, state, words
from pages.autoregressive.state import View
from pages.kit.chart import chart
from pages.kit.ending import Shown
from pages.kit.language import Translate
from pages.kit.live import live, said
from pages.kit.loaders import Job, compute
from pages.kit.page import Page
from pages.kit.stepper import step_from, step_spec
from vizcore import autoregressive
from vizcore.figures import autoregressive as figures
from vizcore.figures import theme

FUTURES = 16
COMPLETIONS = 16
SPEED = {"digits": 10, "mnist": 60}
"""Pixels a second while it plays."""
DRAWN = "drawn"
"""Name of the job that draws 28×28 pixels."""
COLORS = {
    "current": theme.CURRENT,
    "value": theme.PREDICTION,
    "paper": theme.SCALE[0],
    "ink": theme.SCALE[-1],
    "dark": theme.HALO[0],
    "light": theme.HALO[1],
}


def draw(view: View) -> autoregressive.Drawing:
    """The picture of the view; of 8×8 pixels, at once."""
    drawing: autoregressive.Drawing = compute(
        autoregressive.draw_picture, view.model, num_futures=FUTURES, **view.drawing
    )
    return drawing


def complete(view: View) -> autoregressive.SampleOutput:
    """Many pictures of 8×8 around what is prescribed, at once."""
    many: autoregressive.SampleOutput = compute(
        autoregressive.complete_picture, view.model, num=COMPLETIONS, **view.drawing
    )
    return many


def draw_large(job: Job, view: View, _: Translate) -> tuple[autoregressive.Drawing, autoregressive.SampleOutput | None]:
    """The picture and its completions, pixel by pixel, with progress; no expectations beyond the next pixel."""
    options = {**view.drawing, "on_progress": source.report_pixels(job, _), "is_cancelled": job.cancel.is_set}
    drawing = autoregressive.draw_picture(view.model, **options)
    if not view.given:
        return drawing, None
    return drawing, autoregressive.complete_picture(view.model, num=COMPLETIONS, **options)


def show(page: Page, view: View) -> Shown:
    """Draws the controls, the picture in the making, and its completions."""
    with st.container(key="picture_first"):
        _show_controls(page, view)
        found = _draw_either(page, view)
        if found is None:
            return Shown()
        drawing = _take_flip(page, view, found[0])
        if drawing is None:
            st.rerun()
        _show_picture(page, view, drawing)
    if page.shows("half"):
        _show_half(page, view, drawing, found[1])
    picture = autoregressive.write_pixels(drawing.trace.picture.tolist())
    return shown_of(view, picture, view.label)


def shown_of(view: View, picture: str, label: int | None) -> Shown:
    """The program and the numbers of a picture under the view's model."""
    return Shown(
        script=autoregressive.write_picture_script(view.model, picture, data=view.data, order=view.order, label=label),
        rows=lambda: autoregressive.likelihood_rows(view.model, picture, data=view.data, order=view.order, label=label),
        name="autoregressive",
    )


def _draw_either(page: Page, view: View) -> tuple[autoregressive.Drawing, autoregressive.SampleOutput | None] | None:
    """The picture and its completions; None while they are not there."""
    if view.data == "digits":
        return draw(view), complete(view) if view.given else None
    if not source.has_model(page, view, view.model, order=view.order, with_labels=view.label is not None):
        return None
    labelled = view.label is not None
    wanted = (
        view.model,
        *view.drawing.values(),
        source.stamp(view, view.model, order=view.order, with_labels=labelled),
    )
    found: tuple[autoregressive.Drawing, autoregressive.SampleOutput | None] | None = source.in_background(
        page, DRAWN, wanted, lambda job: draw_large(job, view, page.translate)
    )
    return found


def _show_controls(page: Page, view: View) -> None:
    _ = page.translate
    columns = st.columns([1, 1.3, 1.4, 0.9, 1.1, 0.8], vertical_alignment="bottom", gap="small")
    with columns[0]:
        source.show_switch(page)
    with columns[1]:
        names = {kind: words.name_of(_, kind) for kind in autoregressive.KINDS}
        page.select(state.MODEL, _("Model"), names)
    with columns[2]:
        orders = words.order_words(_)
        page.select(state.ORDER, _("Order of the pixels"), {name: orders[name] for name in state.orders_of(view)})
    with columns[3]:
        digits = {state.ANY: _("any digit"), **{str(digit): str(digit) for digit in range(10)}}
        page.select(state.LABEL, _("Draw a"), digits)
    with columns[4]:
        page.slider(state.TEMPERATURE, _("Temperature"))
    with columns[5]:
        page.number(state.SEED, _("Random seed"))


def _take_flip(page: Page, view: View, drawing: autoregressive.Drawing) -> autoregressive.Drawing | None:
    """The drawing; None if the reader just flipped one of its pixels, and it has to be drawn anew."""
    touch = said(page.key("view")).get("touch")
    if not isinstance(touch, dict) or not page.is_pressed("touch", touch.get("count")):
        return drawing
    pixel = touch.get("pixel")
    if not isinstance(pixel, int) or isinstance(pixel, bool) or not 0 <= pixel < drawing.trace.num_pixels:
        return drawing
    place = drawing.trace.order.tolist().index(pixel)
    page.keep_for_next_run(given=autoregressive.flipped(drawing.trace, pixel), step=place + 1)
    page.remember("replay", (page.recall("replay") or 0) + 1)
    return None


def _show_picture(page: Page, view: View, drawing: autoregressive.Drawing) -> None:
    _ = page.translate
    trace = drawing.trace
    packed = compute(autoregressive.pack_sampling, trace)
    identity = hashlib.blake2b(packed, digest_size=8).hexdigest()
    told = page.is_told("step")  # by a link, by the lesson, or by a flip
    start = 0 if page.is_new("trace", identity) and not told else view.step
    version = f"{identity}.{page.version('step')}"
    num_positions = trace.num_pixels + 1
    key = page.key("view")
    most = None if page.revealed or not page.asks else start
    heard = live(
        "autoregressive/sampling",
        key=key,
        data={
            "stepper": step_spec(
                num_positions, start=start, version=version, speed=SPEED[view.data], state=said(key), most=most
            ),
            "reference": autoregressive.write_pixels(drawing.free.tolist()),
            "hidden": page.asks,
            "locked": page.asks,
            "replay": page.recall("replay") or 0,
            "scale": list(theme.SCALE),
            "halo": list(theme.HALO),
            "colors": COLORS,
            "presenter": page.presenting,
            "text": words.sampling_words(_),
        },
        payload=packed,
    )
    page.store(state.STEP, step_from(heard, num_positions, start=start, version=version))
    if not trace.exact and page.shows("exact"):
        st.info(
            _(
                "In this order some prescribed pixels come after free ones. What was drawn before them did not know "
                "of them, so these are not the model’s own completions."
            ),
            icon=":material/info:",
        )


def _show_half(
    page: Page, view: View, drawing: autoregressive.Drawing, many: autoregressive.SampleOutput | None
) -> None:
    """Buttons that prescribe pixels, and many completions of what is prescribed."""
    _ = page.translate
    picture = autoregressive.write_pixels(drawing.trace.picture.tolist())
    real = state.test_picture(view.data, view.digit)
    with st.container(horizontal=True):
        for name, label, given in (
            ("keep_half", _("Keep the upper half, draw the rest"), autoregressive.keep_upper_half(picture, view.size)),
            ("real_half", _("Upper half of a real digit"), autoregressive.keep_upper_half(real, view.size)),
            ("free", _("Prescribe nothing"), ""),
        ):
            if name == "real_half" and not source.are_here(page, view.data):
                continue
            page.button(name, label, on_click=page.set, kwargs={"given": given})
        page.button("again", _("Other random numbers"), on_click=page.set, kwargs={"seed": (view.seed + 1) % 10_000})
    if many is None:
        return
    st.markdown(
        _(
            "**{count} completions** of the same prescribed pixels, each with random numbers of its own:",
            count=COMPLETIONS,
        )
    )
    chart(
        page,
        "completions",
        figures.plot_samples(many, size=view.size),
        alt=_("{count} pictures that agree in the prescribed pixels and differ elsewhere.", count=COMPLETIONS),
    )
