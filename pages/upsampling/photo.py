"""A photo made smaller, and restored by every operator: what was lost, and what it cost."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from pages.kit.chart import chart, table
from pages.kit.ending import Shown
from pages.kit.live import live
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.kit.pictures import compute_on, pick_photo
from pages.upsampling import state
from pages.upsampling.loupe import Tile, show_loupe, write_size
from pages.upsampling.state import View
from pages.upsampling.words import name_of
from vizcore import upsampling
from vizcore.figures import upsampling as figures
from vizcore.upsampling import script

SIDE = 320
"""Of the middle of a photo that is looked at, pixels."""
GAIN = 4  # of differences, which would be too dark to see


def restore(pixels: np.ndarray, downsampling: str, factor: int) -> upsampling.Restoration:
    """The middle of a photo, made smaller and brought back."""
    view = upsampling.view_of(pixels, SIDE)
    return upsampling.restore_photo(view, downsampling=downsampling, scale_factor=factor)


def tile(pixels: np.ndarray, factor: int) -> np.ndarray:
    """The middle of a photo, split into one small picture for each place in a block."""
    return upsampling.channel_tiles(upsampling.view_of(pixels, SIDE), factor)


def restored(view: View) -> upsampling.Restoration:
    """The view's photo, made smaller and brought back by every operator."""
    result: upsampling.Restoration = compute_on(view.picture, restore, view.downsampling, view.photo_factor)
    return result


def show(page: Page, view: View) -> Shown:
    """Draws the pictures, and the figures of every operator."""
    _ = page.translate
    _show_controls(page)
    try:
        result = restored(view)
    except upsampling.UpsamplingError as error:
        page.explain(error)
        return Shown()
    _show_wipe(page, view, result)
    if not page.shows("rest"):
        return Shown()
    _show_pictures(page, view, result)
    left, right = st.columns(2, gap="large")
    with left:
        _show_quality(page, result)
    with right:
        _show_timings(page)
    _show_table(page, result)
    with st.expander(_("PixelShuffle’s channels of this photo"), icon=":material/apps:"):
        st.caption(
            _(
                "PixelUnshuffle splits the photo into {count} small pictures, one for each place in a block; "
                "PixelShuffle weaves exactly these together.",
                count=view.photo_factor**2,
            )
        )
        st.image(compute_on(view.picture, tile, view.photo_factor), caption=_("r×r tiles, one a channel"))
    return Shown(
        script=script.write_photo_script(
            None if view.picture.is_own else view.picture.name,
            result.original.shape[:2],
            side=SIDE,
            scale_factor=view.photo_factor,
            downsampling=view.downsampling,
        )
    )


def _show_controls(page: Page) -> None:
    _ = page.translate
    if page.step is not None:
        return
    columns = st.columns([2, 2, 1, 1], vertical_alignment="bottom")
    with columns[0]:
        pick_photo(page, state.PHOTO)
    with columns[1]:
        ways = {
            "area": _("averages of blocks"),
            "strided": _("one pixel of each block"),
            "max_pool": _("the brightest of each block"),
        }
        page.select(state.DOWNSAMPLING, _("Made smaller by"), ways)
    with columns[2]:
        page.select(state.PHOTO_FACTOR, _("Factor"), {factor: factor for factor in state.PHOTO_FACTOR.options})
    with columns[3]:
        page.toggle(state.DIFFERENCES, _("Difference maps"))


def _show_wipe(page: Page, view: View, result: upsampling.Restoration) -> None:
    """The original over one restored picture, large, with a bar between them."""
    _ = page.translate
    names = {state.SMALL: _("Made smaller"), **{found.name: name_of(_, found.name) for found in result.restored}}
    if page.step is not None:
        names = {name: names[name] for name in (state.SMALL, "nearest", "bilinear", "bicubic")}
    name = view.compare if view.compare in names else state.SMALL
    page.select(state.COMPARE, _("Compare with"), names)
    pictures = {found.name: found.pixels for found in result.restored}
    note = {found.name: decibels(found.psnr) for found in result.restored}
    after = f"{names[name]} · PSNR {note[name]} dB" if name in note and page.revealed else names[name]
    live(
        "shared/wipe",
        key=page.key("wipe"),
        data={
            "text": {"before": _("Original"), "after": after, "label": _("Where the original ends")},
            "presenter": page.presenting,
        },
        payload=upsampling.pack_pictures([result.original, pictures.get(name, result.small)]),
    )


def decibels(psnr: float, *, digits: int = 2) -> str:
    """A PSNR as it is written; nothing lost is infinite."""
    return "∞" if math.isinf(psnr) else f"{psnr:.{digits}f}"


def _show_pictures(page: Page, view: View, result: upsampling.Restoration) -> None:
    _ = page.translate
    tiles = [
        Tile(_("Original"), write_size(result.original), result.original),
        Tile(_("Made smaller"), write_size(result.small), result.small),
    ]
    for found in result.restored:
        note = f"PSNR {decibels(found.psnr)} dB · SSIM {found.ssim:.3f}"
        picture = found.difference * GAIN if view.differences else found.pixels
        tiles.append(Tile(name_of(_, found.name), note, picture))
    if view.differences:
        st.caption(_("Difference maps are shown four times as strong."))
    show_loupe(page, "restored", tiles)
    st.caption(
        _(
            "MaxUnpool is also given where the maxima were, and PixelShuffle all {count} pixels of each block as "
            "channels: it only rearranges, so nothing is lost. All others see the small picture alone. Judged on the "
            "middle {side} pixels of the photo.",
            count=view.photo_factor**2,
            side=SIDE,
        )
    )


def _show_quality(page: Page, result: upsampling.Restoration) -> None:
    _ = page.translate
    best = result.best
    chart(
        page,
        "quality",
        figures.plot_quality(result, translate=_),
        alt=_("Best by PSNR: {name}, {psnr} dB.", name=name_of(_, best.name), psnr=f"{best.psnr:.2f}"),
    )


def _show_timings(page: Page) -> None:
    _ = page.translate
    timings = compute(upsampling.time_methods)
    slowest = max(timings, key=lambda timing: timing.ratio)
    chart(
        page,
        "timings",
        figures.plot_timings(timings, translate=_),
        alt=_(
            "Slowest: {name}, {ratio} times nearest.",
            name=name_of(_, slowest.name),
            ratio=f"{slowest.ratio:.1f}",
        ),
    )
    st.caption(
        _("Measured once on this machine, on a [1, 16, 64, 64] tensor, ×2; learned layers go from 16 to 16 channels.")
    )


def _show_table(page: Page, result: upsampling.Restoration) -> None:
    _ = page.translate
    table(
        [
            {
                _("Operator"): name_of(_, found.name),
                "PSNR": decibels(found.psnr, digits=3),
                "SSIM": round(found.ssim, 4),
                _("Parameters"): found.cost.parameters,
                _("Multiply-adds"): found.cost.multiply_adds,
                _("Milliseconds"): round(found.milliseconds, 3),
            }
            for found in result.restored
        ]
    )
