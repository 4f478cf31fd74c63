"""Detections as a COCO file, which annotation tools and ``pycocotools`` read, and as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torchvision.ops import box_convert

from vizcore.detection.output import DetectorOutput


def to_coco(output: DetectorOutput, *, file_name: str) -> dict[str, Any]:
    """A COCO data set of one image, its boxes as annotations with scores.

    COCO writes boxes as ``[x, y, width, height]`` and counts ids from 1; a category's id is its label here plus one
    where the detector's labels start at 0 (ImageNet) and the label itself where COCO's own ids are used.

    Args:
        output: what the detector found.
        file_name: of the photo, as the image's name.

    Returns:
        A dictionary that ``json.dumps`` takes.
    """
    shift = 0 if output.label_names[0] == "__background__" else 1
    height, width = output.image_size
    rows = box_convert(torch.from_numpy(output.boxes).double(), "xyxy", "xywh").numpy().round(3)
    annotations = [
        {
            "id": index + 1,
            "image_id": 1,
            "category_id": int(label) + shift,
            "bbox": row.tolist(),
            "area": round(float(row[2] * row[3]), 3),
            "iscrowd": 0,
            "score": round(float(score), 6),
        }
        for index, (row, label, score) in enumerate(zip(rows, output.labels, output.scores, strict=True))
    ]
    return {
        "info": {
            "description": f"Grad2Box, detector {output.name}, score > {output.score_threshold:g}, "
            f"NMS at IoU > {output.iou_threshold:g}",
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


def detection_rows(outputs: Sequence[DetectorOutput]) -> list[dict[str, object]]:
    """One row for each final box of some detectors: whose, class, score, sides in pixels of the photo, its candidate.

    Args:
        outputs: of one photo.
    """
    return [
        {
            "detector": each.name,
            "label": each.label_names[each.labels[index]],
            "score": round(float(each.scores[index]), 6),
            **{
                side: round(float(value), 3)
                for side, value in zip(("x1", "y1", "x2", "y2"), each.boxes[index], strict=True)
            },
            "candidate": int(each.origins[index]),
            "suppressed": len(each.suppressed(index)),
        }
        for each in outputs
        for index in range(len(each))
    ]
