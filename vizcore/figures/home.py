"""Miniatures of the learning path as small SVG pictures: the home page shall not wait for a charting library.

Text and outlines take the page's own colour (``currentColor``), so one picture serves light and dark.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from vizcore.autograd import ProgramTrace
from vizcore.autograd.layout import place_nodes
from vizcore.figures import theme
from vizcore.home import BoxStop, DetectorStop, LevelsStop, MatchingStop, PointStop, PyramidStop
from vizcore.nms import NMSTrace
from vizcore.scale import ObjectLevel
from vizcore.thundernet import Budget
from vizcore.upsampling import UpsamplingTrace
from vizcore.varifocalnet import LossCurves

WIDTH, HEIGHT = 220, 140


def draw_graph(trace: ProgramTrace) -> str:
    """The graph of the little program, each leaf with its gradient."""
    positions = place_nodes(len(trace.nodes), [(edge.source, edge.target) for edge in trace.edges])
    xs, ys = positions[:, 1], positions[:, 0]  # layers from left to right: the card is wider than high
    wide, tall = float(np.ptp(xs)) or 1.0, float(np.ptp(ys)) or 1.0
    places = [(34 + 152 * float(x) / wide, 30 + 70 * float(y) / tall) for x, y in zip(xs, ys, strict=True)]
    marks = []
    for edge in trace.edges:
        (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
        shorter = 1 - 10 / max(math.hypot(x2 - x1, y2 - y1), 10.0)  # the tip ends at the node's rim
        marks.append(_arrow(x1, y1, x1 + (x2 - x1) * shorter, y1 + (y2 - y1) * shorter))
    for node, (x, y) in zip(trace.nodes, places, strict=True):
        leaf = node.name == "AccumulateGrad"
        marks.append(_element("circle", cx=x, cy=y, r=7, fill=theme.PREDICTION if leaf else theme.TARGET))
        if leaf:
            marks.append(
                _text(
                    x,
                    y + (24 if y > HEIGHT / 2 else -16),
                    f"∂y/∂{node.variable} = {float(trace.grads[node.variable]):g}",
                )
            )
        else:
            marks.append(_text(x, y - 11, node.name.removesuffix("Backward0"), size=9))
    return _picture(marks)


def draw_pixels(pictures: tuple[np.ndarray, ...]) -> str:
    """A digit in the making, three times."""
    marks = []
    for place, picture in enumerate(pictures):
        left, top, side = 8 + place * 70, 38, 62 / max(picture.shape)
        for (row, column), value in np.ndenumerate(picture):
            marks.append(
                _element(
                    "rect",
                    x=left + column * side,
                    y=top + row * side,
                    width=side,
                    height=side,
                    fill="none" if np.isnan(value) else theme.SCALE[-1 if value else 0],
                    stroke="currentColor",
                    stroke_opacity=0.25,
                    stroke_width=0.5,
                )
            )
    return _picture(marks)


def draw_layers(traces: tuple[UpsamplingTrace, ...]) -> str:
    """One bright pixel as every operator spreads it."""
    marks = []
    for column, trace in enumerate(traces):
        output = np.asarray(trace.output)
        side = 62 / max(output.shape)
        left, top = 8 + column * 70, 34
        peak = float(np.abs(output).max()) or 1.0
        for (row, cell), value in np.ndenumerate(output):
            marks.append(
                _element(
                    "rect",
                    x=left + cell * side,
                    y=top + row * side,
                    width=side,
                    height=side,
                    fill=theme.PREDICTION,
                    fill_opacity=abs(float(value)) / peak,
                    stroke="currentColor",
                    stroke_opacity=0.25,
                    stroke_width=0.5,
                )
            )
        marks.append(_text(left + 31, top + 76, trace.method.replace("_", " "), size=9))
    return _picture(marks)


def draw_modules(outputs: tuple[np.ndarray, np.ndarray]) -> str:
    """What a module and a function make of the same ones."""
    marks = []
    for row, (name, values) in enumerate(zip(("nn.Dropout", "F.dropout"), outputs, strict=True)):
        top = 18 + row * 62
        marks.append(_text(WIDTH / 2, top, name))
        for index, value in enumerate(values.tolist()):
            x, y = 14 + 16 * (index % 12), top + 8 + 16 * (index // 12)
            strength = value / 2
            marks.append(
                _element(
                    "rect", x=x, y=y, width=14, height=14, fill=theme.PREDICTION, fill_opacity=0.12 + 0.88 * strength
                )
            )
    return _picture(marks)


def draw_levels(stop: LevelsStop) -> str:
    """The squares within one another, each with its level beside it."""
    marks = []
    scale, bottom = 112 / max(stop.sides), 128.0
    for side, level, color in zip(stop.sides, stop.levels, theme.CATEGORICAL, strict=False):
        edge = side * scale
        marks.append(_rect((24, bottom - edge, 24 + edge, bottom), color))
        marks.append(_element("line", x1=24 + edge, y1=bottom - edge + 1, x2=158, y2=bottom - edge + 1, stroke=color))
        marks.append(_text(186, max(14, bottom - edge + 5), f"{side:g} px: P{level}"))
    return _picture(marks)


def draw_pyramid(stop: PyramidStop) -> str:
    """The photo at three scales, with the window that never changes."""
    marks, left = [], 8.0
    scale = (WIDTH - 8 * (len(stop.levels) + 1)) / sum(level.shape[1] for level in stop.levels)
    for level in stop.levels:
        height, width = level.shape[0] * scale, level.shape[1] * scale
        top = (HEIGHT - height) / 2
        marks.append(_image(level, left, top, width, height))
        side = stop.window * scale
        marks.append(
            _rect(
                (
                    left + (width - side) / 2,
                    top + (height - side) / 2,
                    left + (width + side) / 2,
                    top + (height + side) / 2,
                ),
                theme.CURRENT,
            )
        )
        left += width + 8
    return _picture(marks)


def draw_box(stop: BoxStop) -> str:
    """Both boxes, and arrows against the gradient on the predicted one's edges."""
    marks = [_rect(stop.target, theme.TARGET, dash="6 4"), _rect(stop.box, theme.PREDICTION)]
    x1, y1, x2, y2 = stop.box
    length = 30 / float(np.abs(stop.gradient).max())
    starts = ((x1, (y1 + y2) / 2), ((x1 + x2) / 2, y1), (x2, (y1 + y2) / 2), ((x1 + x2) / 2, y2))
    for side, (x, y) in enumerate(starts):
        step = -float(stop.gradient[side]) * length
        if abs(step) > 1:
            marks.append(_arrow(x, y, x + step * (side % 2 == 0), y + step * (side % 2 == 1)))
    marks.append(_text(110, 14, f"IoU {stop.iou:.3f}   GIoU {stop.giou:.3f}"))
    return _picture(marks)


def draw_suppression(trace: NMSTrace) -> str:
    """The candidates: kept solid, suppressed dashed."""
    kept = set(trace.keep.tolist())
    marks = []
    for index in sorted(range(len(trace.boxes)), key=lambda index: index in kept):
        if index in kept:
            marks.append(_rect(trace.boxes[index], theme.KEPT, width=3))
        else:
            marks.append(_rect(trace.boxes[index], theme.SUPPRESSED, dash="4 3", width=1.5))
    for index in kept:
        marks.append(
            _text(
                float(trace.boxes[index][0]) + 14,
                float(trace.boxes[index][1]) - 4,
                f"{trace.scores[index]:.2f}",
                size=10,
            )
        )
    return _picture(marks)


def draw_detector(stop: DetectorStop) -> str:
    """The photo with the boxes that the offline detector gives."""
    height, width = stop.photo.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    left, top = (WIDTH - width * scale) / 2, (HEIGHT - height * scale) / 2
    small = np.asarray(Image.fromarray(stop.photo).resize((round(width * scale * 2), round(height * scale * 2))))
    marks = [_image(small, left, top, width * scale, height * scale)]
    output = stop.output
    for box, score, label in list(zip(output.boxes, output.scores, output.labels, strict=True))[:3]:
        x1, y1, x2, y2 = (box * scale + np.array([left, top, left, top])).tolist()
        marks.append(_rect((x1, y1, x2, y2), theme.CURRENT, width=2.5))
        words = f"{output.label_names[int(label)]} {score:.2f}"
        plate = len(words) * 5.6 + 8
        marks.append(_element("rect", x=x1, y=y1, width=plate, height=15, fill=theme.PLATE[0], fill_opacity=0.7))
        marks.append(_element("text", escape(words), x=x1 + 4, y=y1 + 11, font_size=10, fill=theme.PLATE[1]))
    return _picture(marks)


def draw_point(stop: PointStop) -> str:
    """Objects as outlines, and the bright cells that stand for them."""
    side = 9.6
    left, top = (WIDTH - side * stop.heatmap.shape[1]) / 2, (HEIGHT - side * stop.heatmap.shape[0]) / 2
    marks = [
        _element(
            "rect",
            x=left + side * column,
            y=top + side * row,
            width=side,
            height=side,
            fill=theme.PREDICTION,
            fill_opacity=float(value),
        )
        for (row, column), value in np.ndenumerate(stop.heatmap)
        if value > 0.02
    ]
    marks += [_rect(np.array([left, top] * 2) + side * box, theme.TARGET, width=2.0) for box in stop.boxes]
    return _picture(marks)


def draw_score(curves: LossCurves) -> str:
    """The curves of the three losses, and the score at which the varifocal one is content."""
    wide, high, most = WIDTH - 40, HEIGHT - 36, 1.2
    marks = [_element("line", x1=20, y1=HEIGHT - 18, x2=WIDTH - 20, y2=HEIGHT - 18, stroke="currentColor")]
    for place, values in enumerate(curves.loss.values()):
        path = " ".join(
            f"{20 + wide * p:.1f},{HEIGHT - 18 - high * min(float(loss), most) / most:.1f}"
            for p, loss in zip(curves.p, values, strict=True)
        )
        marks.append(_element("polyline", points=path, fill="none", stroke=theme.CATEGORICAL[place], stroke_width=2.5))
    x = 20 + wide * curves.q
    marks.append(_element("line", x1=x, y1=18, x2=x, y2=HEIGHT - 18, stroke=theme.TARGET, stroke_dasharray="3 4"))
    marks.append(_text(x, 14, f"q = {curves.q:g}"))
    return _picture(marks)


def draw_matching(stop: MatchingStop) -> str:
    """Objects dashed, queries solid, and a line from each object to its query."""
    scale, left = HEIGHT / 100, (WIDTH - HEIGHT * 1.5) / 2
    stretch = np.array([1.5 * scale, scale, 1.5 * scale, scale])
    marks = [_rect(box * stretch + [left, 0, left, 0], theme.TARGET, dash="5 3", width=2) for box in stop.objects]
    for index, box in enumerate(stop.queries):
        colour = theme.PREDICTION if index in stop.owner else theme.SUPPRESSED
        marks.append(_rect(box * stretch + [left, 0, left, 0], colour, width=2))
    for target, owner in zip(stop.objects, stop.owner, strict=True):
        (x1, y1), (x2, y2) = (
            ((box[:2] + box[2:]) / 2 * stretch[:2] + [left, 0]).tolist() for box in (target, stop.queries[owner])
        )
        marks.append(_element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=theme.KEPT, stroke_width=2.5))
        marks += [_element("circle", cx=x, cy=y, r=3, fill=theme.KEPT) for x, y in ((x1, y1), (x2, y2))]
    return _picture(marks)


def draw_budget(budget: Budget) -> str:
    """A bar for each block, as long as its share of the multiply-adds."""
    marks = []
    blocks = [block for block in budget.blocks if budget.blocks[block].multiply_adds]
    for place, (block, color) in enumerate(zip(blocks, theme.CATEGORICAL, strict=False)):
        y, share = 10 + 25 * place, budget.share(block)
        marks.append(_element("rect", x=70, y=y, width=max(2.0, 110 * share), height=16, rx=2, fill=color))
        marks.append(_text(36, y + 13, block))
        marks.append(_text(90 + 110 * share, y + 13, f"{100 * share:.0f} %"))
    return _picture(marks)


def draw_scale(levels: Sequence[ObjectLevel]) -> str:
    """The picture and the object at each resolution, filled where it teaches."""
    marks, left = [], 6.0
    scale = 200 / sum(level.size[1] for level in levels)
    for level in levels:
        height, width = (side * scale for side in level.size)
        top = 112 - height
        marks.append(_rect((left, top, left + width, 112), theme.SUPPRESSED, width=1.5))
        x1, y1, x2, y2 = (corner * scale for corner in level.box)
        color = theme.KEPT if level.valid else theme.SUPPRESSED
        marks.append(_rect((left + x1, top + y1, left + x2, top + y2), color, dash="none" if level.valid else "3 2"))
        marks.append(_text(left + width / 2, 128, f"{level.side:.0f} px"))
        left += width + 4
    return _picture(marks)


def _picture(marks: list[str]) -> str:
    tip = _element("path", d="M0 0L10 5L0 10z", fill=theme.GRADIENT)
    marker = _element(
        "marker", tip, id="tip", viewBox="0 0 10 10", refX=8, refY=5, markerWidth=6, markerHeight=6, orient="auto"
    )
    return _element(
        "svg",
        _element("defs", marker) + "".join(marks),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width="100%",
        aria_hidden="true",
        font_family="inherit",
    )


def _rect(box: Sequence[float] | np.ndarray, colour: str, *, dash: str = "none", width: float = 2.5) -> str:
    x1, y1, x2, y2 = (float(value) for value in box)
    return _element(
        "rect", x=x1, y=y1, width=x2 - x1, height=y2 - y1, rx=2, fill=colour, fill_opacity=0.08,
        stroke=colour, stroke_width=width, stroke_dasharray=dash,
    )  # fmt: skip


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return _element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=theme.GRADIENT, stroke_width=1.8, marker_end="url(#tip)")


def _text(x: float, y: float, words: str, *, size: int = 11) -> str:
    return _element("text", escape(words), x=x, y=y, font_size=size, text_anchor="middle", fill="currentColor")


def _image(pixels: np.ndarray, x: float, y: float, width: float, height: float) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return _element("image", href=f"data:image/jpeg;base64,{data}", x=x, y=y, width=width, height=height)


def _element(tag: str, content: str = "", /, **attributes: str | float) -> str:
    """An SVG element; ``stroke_width=2`` becomes ``stroke-width="2"``."""
    words = (
        f'{name.replace("_", "-")}="{value:.4g}"' if isinstance(value, float) else f'{name.replace("_", "-")}="{value}"'
        for name, value in attributes.items()
    )
    return f"<{tag} {' '.join(words)}>{content}</{tag}>"
