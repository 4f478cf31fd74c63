"""What a hostile photo costs the process that reads it: at most 500 MB, and the processor's time that it is given."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.vizcore.test_photos import scan_bomb
from vizcore.data.photo_worker import SECONDS

MOST_MEGABYTES = 500
MOST_SECONDS = 2.0
READ = """
import resource, sys
from vizcore.data.photo_worker import decode_in_worker, photos_sandbox
from vizcore.data.photos import PhotoError
place = photos_sandbox()
place.start()
data = open(sys.argv[1], "rb").read()
try:
    said = decode_in_worker(data).pixels.shape
except PhotoError as error:
    said = error
place.close()
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
print(spent.ru_maxrss // 1024, spent.ru_utime + spent.ru_stime, said)
"""


def png(width: int, height: int, *, depth: int, color: int, channels: int) -> bytes:
    """A black PNG, compressed row by row so that making it takes no memory."""
    row, packer = bytes(1 + width * channels * depth // 8), zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def comments() -> bytes:
    """A JPEG with sixteen megabytes of empty remarks."""
    whole = saved(Image.new("RGB", (64, 64)), "JPEG")
    return whole[:2] + b"\xff\xfe\x00\x02" * (4 * 2**20) + whole[2:]


HOSTILE = {
    "a line of 50 megapixels, 16 bit": lambda: png(49_999_999, 1, depth=16, color=0, channels=1),
    "the longest line allowed, 16 bit": lambda: png(65_535, 762, depth=16, color=0, channels=1),
    "49 megapixels, four channels of 16 bit": lambda: png(7000, 7000, depth=16, color=6, channels=4),
    "49 megapixels, grey of 16 bit": lambda: png(7000, 7000, depth=16, color=0, channels=1),
    "10,000 passes": lambda: scan_bomb(7000, 10_000),
    "as many passes as are read": lambda: scan_bomb(7000, 8),
    "16 MB of remarks": comments,
    "49 megapixels of ink": lambda: saved(Image.new("CMYK", (7000, 7000)), "TIFF", compression="tiff_lzw"),
    "25 megapixels of floats": lambda: saved(
        Image.fromarray(np.zeros((5000, 5000), np.float32)), "TIFF", compression="tiff_adobe_deflate"
    ),
    "49 megapixels of WebP": lambda: saved(Image.new("RGB", (7000, 7000)), "WEBP", lossless=True, method=0),
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit is another one")
@pytest.mark.timeout(900)
def test_no_file_takes_more_than_it_is_given(tmp_path: Path) -> None:
    """Prints resident memory and processor seconds of each, the reader's start among them, and what is said."""
    print()
    costs = {}
    for name, make in HOSTILE.items():
        path = tmp_path / "file"
        path.write_bytes(make())
        ran = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
        megabytes, seconds, said = ran.stdout.split(maxsplit=2)
        costs[name] = int(megabytes)
        print(
            f"{name}: {path.stat().st_size / 2**20:.1f} MB of file, {megabytes} MB, {float(seconds):.1f} s; "
            f"{said.strip()}"
        )
    assert SECONDS < MOST_SECONDS  # the system ends what takes longer
    assert max(costs.values()) <= MOST_MEGABYTES, costs
