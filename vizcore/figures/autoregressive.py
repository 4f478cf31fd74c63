"""Pictures of models of pixels: probabilities, samples, surprises, fields, masks, costs, curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vizcore.autoregressive import (
    FREE,
    Classification,
    Dependencies,
    EpochReport,
    Evaluation,
    PictureLikelihood,
    SampleOutput,
    SamplingTrace,
)
from vizcore.figures.theme import (
    CATEGORICAL,
    CLEAR,
    CURRENT,
    DASHES,
    ERROR,
    LINE_WIDTH,
    MARKERS,
    PREDICTION,
    SEQUENTIAL,
    SUPPRESSED,
    TARGET,
    themed,
)

Translate = Callable[[str], str]

# As MESSAGES the names are found by the catalogue's check: they reach the translator as values.
MESSAGES = NAMES = {
    "independent": "Independent pixels",
    "fvsbn": "FVSBN",
    "nade": "NADE",
    "made": "MADE",
    "pixelcnn": "PixelCNN",
    "gated_pixelcnn": "Gated PixelCNN",
}
_LOOKS = {name: index for index, name in enumerate(NAMES)}


def _picture_axes(figure: go.Figure) -> None:
    """Row 0 on top, square cells, no ticks, on every axis of the figure."""
    for index, axis in enumerate(figure.select_yaxes(), start=1):
        axis.update(
            autorange="reversed",
            scaleanchor="x" if index == 1 else f"x{index}",
            showgrid=False,
            zeroline=False,
            showticklabels=False,
            ticks="",
        )
    figure.update_xaxes(constrain="domain", showgrid=False, zeroline=False, showticklabels=False, ticks="")


def plot_probabilities(trace: SamplingTrace, *, step: int, translate: Translate = str) -> go.Figure:
    """A picture in the making: what is drawn, and what the model expects of the rest.

    Args:
        trace: with ``futures`` the rest is filled with them, without, only the next pixel has a probability.
        step: pixels drawn.
        translate: says the English labels in another language.
    """
    _ = translate
    step = min(max(step, 0), trace.num_pixels)
    drawn = trace.picture_at(step).astype(float)
    expected = np.full(trace.num_pixels, np.nan)
    if step < trace.num_pixels:
        following = int(trace.order[step])
        expected[following] = trace.probabilities[following]
        if trace.futures is not None:
            expected = np.where(drawn == FREE, trace.futures[step], np.nan)
    values = np.where(drawn == FREE, expected, drawn).reshape(trace.size)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=0,
            zmax=1,
            colorscale=SEQUENTIAL,
            colorbar={"title": {"text": _("Probability of ink")}},
            hovertemplate="(%{y}, %{x}): %{z:.3f}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    if step < trace.num_pixels:
        row, column = divmod(int(trace.order[step]), trace.size[1])
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": CURRENT, "width": LINE_WIDTH},
        )
    _picture_axes(figure)
    return themed(figure)


def plot_samples(samples: SampleOutput, *, size: tuple[int, int], columns: int = 8) -> go.Figure:
    """Many samples as one picture, with a line between two.

    Raises:
        ValueError: without a column.
    """
    return plot_pictures(samples.pictures.reshape(-1, *size), columns=columns)


def plot_pictures(pictures: np.ndarray, *, columns: int = 8) -> go.Figure:
    """Pictures of ink from 0 to 1 as one, with a line between two.

    Args:
        pictures: ``[N, H, W]``.
        columns: in a row.

    Raises:
        ValueError: without a column.
    """
    if columns < 1:
        raise ValueError("pictures need at least one column")
    num, height, width = pictures.shape
    rows = math.ceil(num / columns)
    across = min(columns, num)
    sheet = np.full((rows * (height + 1) - 1, across * (width + 1) - 1), np.nan)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        top, left = row * (height + 1), column * (width + 1)
        sheet[top : top + height, left : left + width] = picture
    figure = go.Figure(go.Heatmap(z=sheet, zmin=0, zmax=1, colorscale=SEQUENTIAL, showscale=False, hoverinfo="skip"))
    _picture_axes(figure)
    return themed(figure, height=60 + 76 * rows)


def plot_surprises(likelihood: PictureLikelihood, *, size: tuple[int, int], translate: Translate = str) -> go.Figure:
    """How many nats each pixel costs: where a picture surprised the model.

    Args:
        likelihood: of the picture.
        size: (height, width).
        translate: says the English labels in another language.
    """
    words = np.where(likelihood.picture == 1, "■", "")
    figure = go.Figure(
        go.Heatmap(
            z=-likelihood.log_probabilities.reshape(size),
            zmin=0,
            colorscale=SEQUENTIAL,
            text=words.reshape(size),
            texttemplate="%{text}",
            colorbar={"title": {"text": translate("Surprise, nats")}},
            hovertemplate="(%{y}, %{x}): %{z:.3f}<extra></extra>",
        )
    )
    _picture_axes(figure)
    return themed(figure)


def plot_dependencies(
    found: Dependencies, *, pixel: int, size: tuple[int, int], translate: Translate = str
) -> go.Figure:
    """What one output sees, what it might see and does not, and what it must not see and does.

    Args:
        found: by gradient.
        pixel: whose output.
        size: (height, width).
        translate: says the English labels in another language.
    """
    _ = translate
    kinds = (
        (_("Seen"), found.sees[pixel] & found.allowed[pixel], PREDICTION, "circle"),
        (_("Allowed, not seen"), found.missing[pixel], SUPPRESSED, "x"),
        (_("Leak"), found.leaks[pixel], ERROR, "diamond"),
    )
    figure = go.Figure()
    for name, where, color, marker in kinds:
        rows, columns = np.divmod(np.flatnonzero(where), size[1])
        figure.add_scatter(
            x=columns, y=rows, mode="markers", name=name, marker={"color": color, "symbol": marker, "size": 14}
        )
    row, column = divmod(pixel, size[1])
    figure.add_scatter(
        x=[column],
        y=[row],
        mode="markers",
        name=_("This output"),
        marker={"color": CURRENT, "symbol": "square-open", "size": 20, "line": {"width": LINE_WIDTH}},
    )
    figure.update_yaxes(range=[size[0] - 0.5, -0.5], scaleanchor="x", zeroline=False)
    figure.update_xaxes(range=[-0.5, size[1] - 0.5], constrain="domain", zeroline=False)
    return themed(figure)


def plot_field(
    field: np.ndarray, blind: np.ndarray, *, pixel: tuple[int, int], translate: Translate = str
) -> go.Figure:
    """The receptive field of a stack of masked convolutions, its blind spot, and the output.

    Args:
        field: ``[H, W]`` bool, see ``receptive_field``.
        blind: ``[H, W]`` bool, see ``blind_spot``.
        pixel: (row, column) of the output.
        translate: says the English labels in another language.
    """
    values = np.zeros(field.shape, dtype=int)
    values[field], values[blind] = 1, 2
    values[pixel] = 3
    colors = (CLEAR, PREDICTION, ERROR, CURRENT)
    names = [translate(name) for name in ("Not seen", "Seen", "Blind spot", "This output")]
    scale = [[(index + side) / 4, color] for index, color in enumerate(colors) for side in (0, 1)]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=-0.5,
            zmax=3.5,
            colorscale=scale,
            xgap=1,
            ygap=1,
            colorbar={"tickvals": [0, 1, 2, 3], "ticktext": names},
            hovertemplate="(%{y}, %{x})<extra></extra>",
        )
    )
    _picture_axes(figure)
    return themed(figure)


def plot_masks(
    masks: Sequence[np.ndarray], lit: Sequence[np.ndarray] | None = None, *, translate: Translate = str
) -> go.Figure:
    """MADE's masks side by side, rows outputs; the connections of a path stand out.

    Args:
        masks: of each layer, bool.
        lit: of each layer, bool of the same shape: on a path between one pixel and one output.
        translate: says the English labels in another language.
    """
    figure = make_subplots(
        rows=1, cols=len(masks), subplot_titles=[f"{translate('Layer')} {index + 1}" for index in range(len(masks))]
    )
    scale = [[0, CLEAR], [0.5, PREDICTION], [1, CURRENT]]
    for index, mask in enumerate(masks):
        values = mask.astype(int)
        if lit is not None:
            values = values + lit[index].astype(int)
        figure.add_heatmap(
            z=values, zmin=0, zmax=2, colorscale=scale, showscale=False, row=1, col=index + 1, hoverinfo="x+y+z"
        )
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False)
    figure.update_xaxes(showgrid=False, zeroline=False)
    return themed(figure)


def plot_evaluations(evaluations: Mapping[str, Evaluation], *, translate: Translate = str) -> go.Figure:
    """Mean negative log-likelihoods side by side, with their 95 % intervals.

    Args:
        evaluations: by kind of model.
        translate: says the English labels in another language.
    """
    kinds = list(evaluations)
    figure = go.Figure(
        go.Scatter(
            x=[evaluations[kind].nats for kind in kinds],
            y=[translate(NAMES[kind]) for kind in kinds],
            error_x={"type": "data", "array": [evaluations[kind].half_width for kind in kinds]},
            mode="markers",
            marker={"color": PREDICTION, "size": 11},
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("Nats for a picture (less is better)"))
    figure.update_yaxes(autorange="reversed")
    return themed(figure)


def plot_training(runs: Mapping[str, Sequence[EpochReport]], *, translate: Translate = str) -> go.Figure:
    """Learning curves: kept-back pictures as lines, training pictures as thin dots.

    Args:
        runs: reports by kind of model.
        translate: says the English labels in another language.
    """
    figure = go.Figure()
    for kind, reports in runs.items():
        look = _LOOKS[kind]
        epochs = [report.epoch for report in reports]
        figure.add_scatter(
            x=epochs,
            y=[report.validation_nats for report in reports],
            name=translate(NAMES[kind]),
            mode="lines+markers",
            line={"color": CATEGORICAL[look], "dash": DASHES[look], "width": LINE_WIDTH},
            marker={"symbol": MARKERS[look]},
        )
        figure.add_scatter(
            x=epochs,
            y=[report.train_nats for report in reports],
            mode="lines",
            line={"color": CATEGORICAL[look], "dash": "dot", "width": 1},
            showlegend=False,
        )
    figure.update_xaxes(title=translate("Epoch"))
    figure.update_yaxes(title=translate("Nats for a picture (less is better)"))
    return themed(figure)


def plot_posterior(
    found: Classification, *, index: int = 0, truth: int | None = None, translate: Translate = str
) -> go.Figure:
    """The probability of each label for one picture.

    Args:
        found: of the pictures.
        index: of the picture.
        truth: its label, if it is known; its bar has another colour.
        translate: says the English labels in another language.
    """
    posterior = found.posterior[index]
    labels = list(range(len(posterior)))
    figure = go.Figure(
        go.Bar(
            x=labels,
            y=posterior,
            marker={"color": [TARGET if label == truth else PREDICTION for label in labels]},
            hovertemplate="%{x}: %{y:.4f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=translate("Label"), dtick=1)
    figure.update_yaxes(title=translate("Probability"), range=[0, 1])
    return themed(figure)
