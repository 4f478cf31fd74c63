"""Pictures of upsampling: maps, overlaps, sampling rulers, restored photos, training, a decoder's shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vizcore.figures.theme import (
    CATEGORICAL,
    CURRENT,
    DASHES,
    ERROR,
    LINE_WIDTH,
    MARKERS,
    SEQUENTIAL,
    SUPPRESSED,
    TARGET,
    themed,
)
from vizcore.upsampling import (
    ArtefactSpectrum,
    DecoderOutput,
    DilatedFootprint,
    Overlap,
    ResizeDrift,
    Restoration,
    SamplePositions,
    Timing,
    TrainingSnapshot,
)

Translate = Callable[[str], str]

# As MESSAGES the names are found by the catalogue's check: they reach the translator as values.
MESSAGES = NAMES = {
    "nearest": "Nearest",
    "nearest_exact": "Nearest, exact",
    "bilinear": "Bilinear",
    "bilinear_align_corners": "Bilinear, align_corners",
    "bicubic": "Bicubic",
    "area": "Area",
    "conv_transpose": "Transposed convolution",
    "conv_transpose_uneven": "Transposed convolution, uneven",
    "max_unpool": "MaxUnpool",
    "pixel_shuffle": "PixelShuffle",
    "pixel_unshuffle": "PixelUnshuffle",
    "pixel_shuffle_icnr": "PixelShuffle with ICNR",
    "resize_conv": "Resize-convolution",
    "subpixel_conv": "Sub-pixel convolution",
    "dilated_conv": "Dilated convolution",
    "mixed": "Up with align_corners, down without",
}

_LOOKS = {name: index % len(CATEGORICAL) for index, name in enumerate(NAMES)}
_LEARNED = ("resize_conv", "conv_transpose", "pixel_shuffle", "pixel_shuffle_icnr")
_LOOKS |= {name: index for index, name in enumerate(_LEARNED)}


def _line(name: str) -> dict[str, object]:
    look = _LOOKS[name]
    return {"color": CATEGORICAL[look], "dash": DASHES[look], "width": LINE_WIDTH}


def _as_picture(figure: go.Figure) -> None:
    """Row 0 on top, square cells, on every axis of the figure."""
    for index, axis in enumerate(figure.select_yaxes(), start=1):
        axis.update(
            autorange="reversed", scaleanchor="x" if index == 1 else f"x{index}", showgrid=False, zeroline=False
        )
    figure.update_xaxes(constrain="domain", showgrid=False, zeroline=False)


def plot_overlap(overlap: Overlap, *, translate: Translate = str) -> go.Figure:
    """How many stamps reach each output pixel.

    Args:
        overlap: In one dimension (bars) or two (a heat map).
        translate: Says the English labels in another language.

    Returns:
        Border pixels are paler in the bars, for only the interior tells whether the layer is even.
    """
    counts, words = overlap.counts, translate("Stamps on this pixel")
    if counts.ndim == 1:
        figure = go.Figure(
            go.Bar(
                y=counts,
                marker={"color": CATEGORICAL[0], "opacity": np.where(overlap.interior, 1.0, 0.35)},
                hovertemplate="%{x}: %{y}<extra></extra>",
            )
        )
        figure.update_layout(bargap=0.08)
        figure.update_xaxes(title=translate("Output pixel"))
        figure.update_yaxes(title=words, rangemode="tozero")
        return themed(figure, height=300)
    figure = go.Figure(
        go.Heatmap(
            z=counts,
            zmin=0,
            colorscale=SEQUENTIAL,
            colorbar={"title": {"text": words, "side": "right"}},
            hovertemplate="(%{y}, %{x}): %{z}<extra></extra>",
        )
    )
    _as_picture(figure)
    return themed(figure, height=400)


def plot_spectrum(spectrum: ArtefactSpectrum, *, translate: Translate = str) -> go.Figure:
    """What untrained layers add to a flat gray: one row of pixels above, its frequencies below.

    Args:
        spectrum: Of several layers.
        translate: Says the English labels in another language.

    Returns:
        Two panels with one line for each layer.
    """
    figure = make_subplots(2, 1, vertical_spacing=0.24)
    for index, name in enumerate(spectrum.names):
        label = translate(NAMES[name])
        pattern = spectrum.patterns[index][:24]
        figure.add_trace(
            go.Scatter(y=pattern, name=label, legendgroup=name, line={**_line(name), "shape": "hvh"}), 1, 1
        )
        figure.add_trace(
            go.Scatter(
                x=spectrum.frequencies,
                y=spectrum.magnitudes[index],
                name=label,
                legendgroup=name,
                showlegend=False,
                line=_line(name),
            ),
            2,
            1,
        )
    figure.update_xaxes(title=translate("Output pixel"), row=1, col=1)
    figure.update_yaxes(title=translate("Brightness"), row=1, col=1)
    figure.update_xaxes(title=translate("Cycles per pixel"), range=[0, 0.51], row=2, col=1)
    figure.update_yaxes(title=translate("Amplitude / mean"), row=2, col=1, rangemode="tozero")
    return themed(figure, height=480)


def plot_footprint(footprint: DilatedFootprint, *, translate: Translate = str) -> go.Figure:
    """How often each pixel of the receptive field is used by a stack of dilated convolutions.

    Args:
        footprint: Its counts; a pixel that is never used is left empty.
        translate: Says the English labels in another language.

    Returns:
        A heat map centred on the output pixel.
    """
    reach = footprint.counts.shape[0] // 2
    offsets = list(range(-reach, reach + 1))
    counts = np.where(footprint.counts > 0, footprint.counts, np.nan)
    figure = go.Figure(
        go.Heatmap(
            x=offsets,
            y=offsets,
            z=counts,
            xgap=1,
            ygap=1,
            colorscale=SEQUENTIAL,
            colorbar={"title": {"text": translate("Ways to this pixel"), "side": "right"}},
            hovertemplate="(%{y}, %{x}): %{z}<extra></extra>",
        )
    )
    _as_picture(figure)
    return themed(figure, height=400)


def plot_sample_positions(rows: Sequence[SamplePositions], *, translate: Translate = str) -> go.Figure:
    """Rulers: the input's pixels as boxes, and where each output pixel reads, one line for each convention.

    Args:
        rows: Conventions with the same sizes.
        translate: Says the English labels in another language.

    Returns:
        Marks at input coordinates, labelled with the output index.
    """
    figure = go.Figure()
    in_size = rows[0].in_size
    for line, found in enumerate(rows):
        for pixel in range(in_size):
            figure.add_shape(
                type="rect",
                x0=pixel - 0.5,
                x1=pixel + 0.5,
                y0=line - 0.32,
                y1=line + 0.32,
                line={"color": SUPPRESSED, "width": 1},
                fillcolor=SUPPRESSED,
                opacity=0.25 if pixel % 2 else 0.12,
                layer="below",
            )
        look = _LOOKS[found.convention]
        figure.add_trace(
            go.Scatter(
                x=found.positions,
                y=[line + (0.12 if index % 2 else -0.12) for index in range(found.out_size)],
                mode="markers+text" if found.out_size <= 16 else "markers",
                text=[str(index) for index in range(found.out_size)],
                textposition=["bottom center" if index % 2 else "top center" for index in range(found.out_size)],
                marker={"color": CATEGORICAL[look], "symbol": MARKERS[look], "size": 9},
                name=translate(NAMES[found.convention]),
                hovertemplate="d = %{text}: %{x:.4f}<extra></extra>",
            )
        )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[translate(NAMES[found.convention]) for found in rows],
        range=[len(rows) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(
        title=translate("Input coordinate (pixel centers at whole numbers)"),
        range=[-0.6, in_size - 0.4],
        dtick=1 if in_size <= 20 else None,
        zeroline=False,
    )
    figure = themed(figure, height=80 + 80 * len(rows))
    figure.update_layout(showlegend=False)
    return figure


def plot_drift(drift: ResizeDrift, *, translate: Translate = str) -> go.Figure:
    """How far the picture's centre of brightness moved, and how much the picture changed, after each round.

    Args:
        drift: Of several conventions.
        translate: Says the English labels in another language.

    Returns:
        Two panels side by side.
    """
    figure = make_subplots(
        1, 2, subplot_titles=(translate("Shift of the center, pixels"), translate("Root mean square change"))
    )
    for index, name in enumerate(drift.names):
        for panel, values in enumerate((drift.drift[index], drift.error[index]), start=1):
            figure.add_trace(
                go.Scatter(
                    y=values,
                    mode="lines+markers",
                    name=translate(NAMES[name]),
                    legendgroup=name,
                    showlegend=panel == 1,
                    line=_line(name),
                    marker={"symbol": MARKERS[_LOOKS[name]], "size": 8},
                ),
                1,
                panel,
            )
    figure.update_xaxes(title=translate("Rounds there and back"))
    figure.update_yaxes(rangemode="tozero")
    figure = themed(figure, height=380)
    figure.update_layout(legend={"y": -0.25, "yanchor": "top"})
    return figure


def plot_quality(restoration: Restoration, *, translate: Translate = str) -> go.Figure:
    """PSNR of each operator.

    Args:
        restoration: A photo made smaller and restored.
        translate: Says the English labels in another language.

    Returns:
        Horizontal bars, best on top; a lossless answer has no finite PSNR and is written as ∞ at the longest bar's end.
    """
    finite = [restored.psnr for restored in restoration.restored if math.isfinite(restored.psnr)]
    ceiling = max(finite, default=1.0) * 1.1
    rows = sorted(restoration.restored, key=lambda restored: restored.psnr)
    figure = go.Figure(
        go.Bar(
            x=[min(restored.psnr, ceiling) for restored in rows],
            y=[translate(NAMES[restored.name]) for restored in rows],
            orientation="h",
            marker={
                "color": [CATEGORICAL[0] if math.isfinite(restored.psnr) else SUPPRESSED for restored in rows],
                "pattern": {"shape": ["" if math.isfinite(restored.psnr) else "/" for restored in rows]},
            },
            text=["∞" if math.isinf(restored.psnr) else f"{restored.psnr:.2f}" for restored in rows],
            textposition="auto",
            hovertemplate="%{y}: %{text} dB<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("PSNR, dB"))
    return themed(figure, height=110 + 28 * len(rows))


def plot_timings(timings: Sequence[Timing], *, translate: Translate = str) -> go.Figure:
    """How many times longer than nearest each operator took in the same run.

    Args:
        timings: With their ratios.
        translate: Says the English labels in another language.

    Returns:
        Horizontal bars.
    """
    rows = sorted(timings, key=lambda timing: -timing.ratio)
    figure = go.Figure(
        go.Bar(
            x=[timing.ratio for timing in rows],
            y=[translate(NAMES[timing.name]) for timing in rows],
            orientation="h",
            marker={"color": CATEGORICAL[0]},
            text=[f"×{timing.ratio:.1f}" for timing in rows],
            customdata=[timing.milliseconds for timing in rows],
            hovertemplate="%{y}: ×%{x:.2f}, %{customdata:.3f} ms<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("Time relative to nearest"), type="log")
    return themed(figure, height=110 + 28 * len(rows))


def plot_training(
    snapshots: Sequence[TrainingSnapshot], bicubic_psnr: float, *, translate: Translate = str
) -> go.Figure:
    """PSNR on the held-out picture and the strength of the checkerboard while the networks learn.

    Args:
        snapshots: In order of steps.
        bicubic_psnr: What bicubic reaches, drawn as a level.
        translate: Says the English labels in another language.

    Returns:
        Two panels side by side with one line for each layer.
    """
    figure = make_subplots(
        1, 2, subplot_titles=(translate("Held-out PSNR, dB"), translate("Checkerboard, gray levels"))
    )
    steps = [snapshot.step for snapshot in snapshots]
    heads = list(snapshots[0].psnr) if snapshots else []
    for name in heads:
        for panel, values in enumerate(
            ([snapshot.psnr[name] for snapshot in snapshots], [snapshot.checkerboard[name] for snapshot in snapshots]),
            start=1,
        ):
            figure.add_trace(
                go.Scatter(
                    x=steps,
                    y=values,
                    mode="lines+markers",
                    name=translate(NAMES[name]),
                    legendgroup=name,
                    showlegend=panel == 1,
                    line=_line(name),
                    marker={"symbol": MARKERS[_LOOKS[name]], "size": 6},
                ),
                1,
                panel,
            )
    last = max(steps, default=1) or 1
    figure.add_trace(
        go.Scatter(
            x=[0, last],
            y=[bicubic_psnr, bicubic_psnr],
            mode="lines",
            name=translate(NAMES["bicubic"]),
            line={"color": SUPPRESSED, "dash": "longdashdot", "width": LINE_WIDTH},
        ),
        1,
        1,
    )
    figure.update_xaxes(title=translate("Step"))
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    figure = themed(figure, height=400)
    figure.update_layout(legend={"y": -0.25, "yanchor": "top"})
    return figure


def plot_decoder(output: DecoderOutput, *, translate: Translate = str) -> go.Figure:
    """The network as a U: each tensor a bar whose height is its resolution and whose width is its channels.

    Args:
        output: A run with its stages.
        translate: Says the English labels in another language.

    Returns:
        Bars with C×H×W written below, and arrows for the skip connections.
    """
    figure = go.Figure()
    shown = [stage for stage in output.stages if not stage.name.startswith("joined")]
    place: dict[str, tuple[float, float, float]] = {}
    left = 0.0
    for stage in shown:
        channels, height, _ = stage.shape
        width = 0.35 + channels**0.5 * 0.22
        kind = stage.name.split()[0]
        color = {"encoder": CATEGORICAL[0], "pooled": CATEGORICAL[8], "up": CURRENT, "decoder": TARGET}.get(
            kind, CATEGORICAL[6]
        )
        figure.add_trace(
            go.Scatter(
                x=[left, left + width, left + width, left, left],
                y=[-height / 2, -height / 2, height / 2, height / 2, -height / 2],
                fill="toself",
                mode="lines",
                line={"color": color, "width": 1.5},
                fillcolor=color,
                opacity=0.75,
                name=stage.name,
                text=f"{stage.name}: {'×'.join(map(str, stage.shape))}",
                hoverinfo="text",
                showlegend=False,
            )
        )
        figure.add_annotation(
            x=left + width / 2,
            y=-height / 2,
            yshift=-4,
            yanchor="top",
            text="×".join(map(str, stage.shape)),
            textangle=-90,
            showarrow=False,
            font={"size": 11},
        )
        place[stage.name] = (left + width / 2, height / 2, width)
        left += width + 0.45
    joined = [stage for stage in output.stages if stage.name.startswith("joined")]
    for stage in joined:
        level = stage.name.split()[1]
        start, top, _ = place[f"encoder {level}"]
        end, _, _ = place[f"decoder {level}"]
        lift = top + 8
        figure.add_trace(
            go.Scatter(
                x=[start, start, end, end],
                y=[top, lift, lift, top],
                mode="lines+markers",
                line={"color": ERROR, "dash": "dot", "width": 2},
                marker={"symbol": ["circle", "circle", "circle", "triangle-down"], "size": [0, 0, 0, 10]},
                text=f"{stage.name}: {'×'.join(map(str, stage.shape))}",
                hoverinfo="text",
                name=translate("Skip connection"),
                showlegend=stage is joined[0],
            )
        )
    tallest = max(stage.shape[1] for stage in shown)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, range=[-tallest * 0.95, tallest * 0.62])
    return themed(figure, height=380)
