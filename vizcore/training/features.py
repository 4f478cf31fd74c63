"""What a frozen backbone says about every training scene, computed once and kept on disk.

The backbone is never trained, so its answer to a scene never changes. A training step that reads it back costs a tenth
of one that computes it again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor
from tqdm import tqdm

from vizcore.data.scenes import draw_scene
from vizcore.models.efficientnet_lite import load_efficientnet_lite0
from vizcore.models.fcos import STAGE_CHANNELS, as_input

_BATCH = 16


@dataclass(frozen=True, eq=False)
class FeatureCache:
    """Backbone features and targets of N scenes of a split that follow one another.

    Attributes:
        stages: name → float16 ``[N, C, H, W]``, on disk.
        boxes: for each scene ``[M, 4]`` float32 xyxy, pixels.
        labels: for each scene ``[M]`` int64.
        size: side of the scenes, pixels.
    """

    stages: dict[str, np.ndarray]
    boxes: list[Tensor]
    labels: list[Tensor]
    size: int

    def __len__(self) -> int:
        return len(self.boxes)

    def batch(self, chosen: Tensor, names: tuple[str, ...]) -> tuple[dict[str, Tensor], list[Tensor], list[Tensor]]:
        """Features (float32) of the named stages, boxes and labels of the chosen scenes."""
        rows = chosen.numpy()
        features = {name: torch.from_numpy(self.stages[name][rows]).float() for name in names}
        return features, [self.boxes[row] for row in rows], [self.labels[row] for row in rows]


def open_features(
    folder: Path,
    split: str,
    count: int,
    *,
    size: int,
    kind: str = "shapes",
    shown: int | None = None,
    first: int = 0,
) -> FeatureCache:
    """Opens the cache of a split, computing what is missing; an interrupted computation goes on where it was.

    Args:
        folder: where the cache lies; one folder serves all models.
        split: of the scenes.
        count: how many scenes.
        size: side of the scenes, pixels, divides by 64.
        kind: of the scenes.
        shown: side that a scene is resized to before the backbone sees it, pixels, divides by 64; None as drawn. The
            boxes stay in pixels of the scene as it was drawn.
        first: the scene that row 0 is.
    """
    name = f"{split}-{size}-{count}" if kind == "shapes" else f"{kind}-{split}-{size}-{count}"
    name += f"-at-{shown}" if shown is not None else ""
    home = folder / (name + (f"-from-{first}" if first else ""))
    home.mkdir(parents=True, exist_ok=True)
    stages = {
        name: _open_array(home / f"{name}.f16", (count, channels, (shown or size) // stride, (shown or size) // stride))
        for (name, channels), stride in zip(STAGE_CHANNELS.items(), (4, 8, 16, 32), strict=True)
    }
    boxes: list[Tensor] = []
    labels: list[Tensor] = []
    backbone = None
    for start in tqdm(range(0, count, _BATCH), desc=f"features of {split}", unit="batch", mininterval=5):
        rows = range(start, min(start + _BATCH, count))
        done = home / f"{start:06d}.json"
        if not done.exists():
            backbone = backbone or load_efficientnet_lite0().to(memory_format=torch.channels_last)
            scenes = [draw_scene(split, first + row, size=size, kind=kind) for row in rows]
            pixels = torch.from_numpy(np.stack([scene.pixels for scene in scenes]))
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                x = as_input(pixels if shown is None else resize_pixels(pixels, shown))
                x = x.contiguous(memory_format=torch.channels_last)
                for name, values in backbone.stage_features(x).items():
                    stages[name][rows.start : rows.stop] = values.to(torch.float16).numpy()
            targets = [{"boxes": scene.boxes.tolist(), "labels": scene.labels.tolist()} for scene in scenes]
            part = done.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(targets))
            os.replace(part, done)
        for target in json.loads(done.read_text()):
            boxes.append(torch.tensor(target["boxes"], dtype=torch.float32).reshape(-1, 4))
            labels.append(torch.tensor(target["labels"], dtype=torch.int64))
    return FeatureCache(stages, boxes, labels, size)


def resize_pixels(pixels: UInt8[Tensor, "N H W 3"], side: int) -> UInt8[Tensor, "N S S 3"]:
    """Square pictures at another side: bilinear, smoothed where they shrink, as a picture file would be resized."""
    x = pixels.permute(0, 3, 1, 2).float()
    x = F.interpolate(x, size=(side, side), mode="bilinear", antialias=side < pixels.shape[1])
    return x.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _open_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An array on disk, made if it is not there."""
    return np.memmap(path, np.float16, "r+" if path.exists() else "w+", shape=shape)
