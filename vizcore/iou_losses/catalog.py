"""The losses by name: where they come from, and what they say in letters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LossInfo:
    """Name and origin of a loss.

    Attributes:
        kind: the word for it in code and links.
        title: the field's name for it.
        source: authors and year.
        arxiv: arXiv id, or "" if the source is no preprint.
        symbols: the loss in the papers' letters: I, U intersection and union, C enclosing area, ρ distance of centers,
            c diagonal of the enclosing box, w_c and h_c its sides.
        formula: the loss as text with its terms as fields; with numbers for fields it evaluates to the loss.
    """

    kind: str
    title: str
    source: str
    arxiv: str
    symbols: str
    formula: str


_DIOU = "1 − {iou} + {distance_squared} / {diagonal_squared}"
LOSSES: tuple[LossInfo, ...] = (
    LossInfo(
        "l1",
        "L1",
        "Girshick et al. 2014",
        "1311.2524",
        "|Δx₁| + |Δy₁| + |Δx₂| + |Δy₂|",
        "{d_x1} + {d_y1} + {d_x2} + {d_y2}",
    ),
    LossInfo(
        "smooth_l1",
        "Smooth L1",
        "Girshick 2015",
        "1504.08083",
        "s(Δx₁) + s(Δy₁) + s(Δx₂) + s(Δy₂)",
        "{s_x1} + {s_y1} + {s_x2} + {s_y2}",
    ),
    LossInfo("iou", "IoU", "Yu et al. 2016", "1608.01471", "1 − I / U", "1 − {intersection} / {union}"),
    LossInfo(
        "giou",
        "GIoU",
        "Rezatofighi et al. 2019",
        "1902.09630",
        "1 − IoU + (C − U) / C",
        "1 − {iou} + ({enclosing_area} − {union}) / {enclosing_area}",
    ),
    LossInfo("diou", "DIoU", "Zheng et al. 2020", "1911.08287", "1 − IoU + ρ² / c²", _DIOU),
    LossInfo("ciou", "CIoU", "Zheng et al. 2020", "1911.08287", "1 − IoU + ρ² / c² + α v", _DIOU + " + {alpha} × {v}"),
    LossInfo(
        "eiou",
        "EIoU",
        "Zhang et al. 2021",
        "2101.08158",
        "1 − IoU + ρ² / c² + Δw² / w_c² + Δh² / h_c²",
        _DIOU + " + {width_term} + {height_term}",
    ),
    LossInfo(
        "siou",
        "SIoU",
        "Gevorgyan 2022",
        "2205.12740",
        "1 − IoU + (Δ + Ω) / 2",
        "1 − {iou} + ({distance_cost} + {shape_cost}) / 2",
    ),
    LossInfo("alpha_iou", "α-IoU", "He et al. 2021", "2110.13675", "1 − IoU^α", "1 − {iou} ^ {power}"),
)
KINDS: tuple[str, ...] = tuple(info.kind for info in LOSSES)
