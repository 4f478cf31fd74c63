"""Detections as a COCO file, which annotation tools and ``pycocotools`` read, and as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_convert

from vizcore.detection.output import DetectorOutput


def to_coco(output: DetectorOutput, *, file_name: str, original_size: tuple[int, int] | None = None) -> dict[str, Any]:
    """A COCO data set of one image, its boxes as annotations with scores, on the pixels of the picture in its file.

    COCO writes boxes as ``[x, y, width, height]`` and counts ids from 1; a category's id is its label here plus one
    where the detector's labels start at 0 (ImageNet) and the label itself where COCO's own ids are used. Each box is
    its own segmentation too, a polygon of four corners, without which ``pycocotools`` draws no mask.

    Args:
        output: what the detector found.
        file_name: of the photo, as the image's name.
        original_size: (height, width) of the picture in the file, whose smaller copy the detector saw; None if it saw
            the picture itself.

    Returns:
        A dictionary that ``json.dumps`` takes.
    """
    shift = 0 if output.label_names[0] == "__background__" else 1
    height, width = original_size or output.image_size
    rows = box_convert(torch.from_numpy(original_boxes(output, original_size)), "xyxy", "xywh").numpy().round(3)
    annotations = [
        {
            "id": index + 1,
            "image_id": 1,
            "category_id": int(label) + shift,
            "bbox": row.tolist(),
            "segmentation": [_corners(*row.tolist())],
            "area": round(float(row[2] * row[3]), 3),
            "iscrowd": 0,
            "score": round(float(score), 6),
        }
        for index, (row, label, score) in enumerate(zip(rows, output.labels, output.scores, strict=True))
    ]
    return {
        "info": {
            "description": f"Grad2Box, detector {output.name}, score > {output.score_threshold:g}, "
            f"NMS at IoU > {output.iou_threshold:g}{_scale_words(output, original_size)}",
            "version": "1.0",
        },
        "licenses": [],
        "images": [{"id": 1, "file_name": file_name, "width": width, "height": height}],
        "categories": [
            {"id": label + shift, "name": name, "supercategory": ""}
            for label, name in enumerate(output.label_names)
            if label in output.labels
        ],
        "annotations": annotations,
    }


def original_boxes(output: DetectorOutput, original_size: tuple[int, int] | None) -> np.ndarray:
    """``[N, 4]`` float64, xyxy: the final boxes in pixels of the picture in its file, within it.

    Args:
        output: what the detector found on a smaller copy.
        original_size: (height, width) of the picture in the file; None if that was what the detector saw.
    """
    height, width = original_size or output.image_size
    scale = np.array([width / output.image_size[1], height / output.image_size[0]] * 2)
    return (output.boxes.astype(np.float64) * scale).clip(0, [width, height, width, height])


def _corners(x: float, y: float, width: float, height: float) -> list[float]:
    right, bottom = round(x + width, 3), round(y + height, 3)
    return [x, y, right, y, right, bottom, x, bottom]


def _scale_words(output: DetectorOutput, original_size: tuple[int, int] | None) -> str:
    """What the boxes were multiplied by, said once; empty if by nothing."""
    if original_size is None or original_size == output.image_size:
        return ""
    height, width = output.image_size
    return f"; found on a copy of {width} × {height} pixels and scaled to the original"


def detection_rows(
    outputs: Sequence[DetectorOutput], *, file_name: str = "", original_size: tuple[int, int] | None = None
) -> list[dict[str, object]]:
    """One row for each final box of some detectors: whose, class, score, sides in the original's pixels, its candidate.

    Args:
        outputs: of one photo.
        file_name: of the photo.
        original_size: (height, width) of the picture in the file; None if that was what the detectors saw.
    """
    return [
        {
            "file_name": file_name,
            "width": (original_size or each.image_size)[1],
            "height": (original_size or each.image_size)[0],
            "detector": each.name,
            "label": each.label_names[each.labels[index]],
            "score": round(float(each.scores[index]), 6),
            **{side: round(float(value), 3) for side, value in zip(("x1", "y1", "x2", "y2"), box, strict=True)},
            "candidate": int(each.origins[index]),
            "suppressed": len(each.suppressed(index)),
        }
        for each in outputs
        for index, box in enumerate(original_boxes(each, original_size))
    ]
