"""A drawn scene with its true objects."""

from __future__ import annotations

from collections.abc import Sequence

from pages.kit.page import Page
from pages.kit.stage import StageBox, stage
from vizcore.data.scenes import Scene
from vizcore.figures import theme


def show_truth(page: Page, name: str, scene: Scene, names: Sequence[str], *, title: str) -> None:
    """Draws a scene, and every box that is asked for.

    Args:
        page: the open page.
        name: identity of the picture on the page.
        scene: what is drawn.
        names: of its classes, by label.
        title: what the picture is, for a screen reader.
    """
    _ = page.translate
    boxes = []
    for place, (box, label, seen) in enumerate(zip(scene.boxes, scene.labels, scene.visible, strict=True)):
        x1, y1, x2, y2 = box.tolist()
        boxes.append(
            StageBox(
                f"t{place}",
                (x1, y1, x2, y2),
                label=names[label],
                color=theme.TARGET,
                fill=False,
                detail=_("{percent} % visible", percent=f"{100 * seen:.0f}"),
            )
        )
    stage(
        page.key(name),
        boxes=boxes,
        size=(scene.pixels.shape[0], scene.pixels.shape[1]),
        photo=scene.pixels,
        mode="select",
        version=scene.name,
        title=title,
        presenter=page.presenting,
    )
