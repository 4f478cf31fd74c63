"""How a program that reproduces a page gets its picture."""

from __future__ import annotations


def write_photo(sample: str | None, *, variable: str = "photo") -> str:
    """Lines that read a photo as uint8 ``[H, W, 3]``.

    Args:
        sample: name of a sample photo; None for the reader's own, of which a program knows no more than a file name.
        variable: that holds the pixels.
    """
    if sample is not None:
        return f'from vizcore.data.photos import load_sample\n\n{variable} = load_sample("{sample}").pixels\n'
    return (
        "from pathlib import Path\n\nfrom vizcore.data.photos import decode_photo\n\n"
        f'{variable} = decode_photo(Path("your_photo.jpg").read_bytes()).pixels\n'
    )


def write_scene(index: int, *, split: str = "validation", variable: str = "picture") -> str:
    """Lines that draw a scene as uint8 ``[H, W, 3]``.

    Args:
        index: of the scene.
        split: ``"train"`` or ``"validation"``.
        variable: that holds the pixels.
    """
    return f'from vizcore.data.scenes import draw_scene\n\n{variable} = draw_scene("{split}", {index}).pixels\n'
