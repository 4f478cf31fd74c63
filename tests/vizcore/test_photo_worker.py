"""Decoding in a process of its own: the same pixels, and for what is hostile one sentence."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from vizcore.data import photo_worker
from vizcore.data.photo_decoding import MESSAGES
from vizcore.data.photo_worker import decode_in_worker, photos_sandbox
from vizcore.data.photos import PhotoError, decode_photo, encode_png, load_sample
from vizcore.sandbox import SandboxError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")


class Place:
    """A sandbox that answers what a test wants."""

    def __init__(self, answer: bytes | SandboxError) -> None:
        self.answer = answer

    def run(self, task: str, request: bytes, **options: object) -> bytes:
        if isinstance(self.answer, SandboxError):
            raise self.answer
        return self.answer


def written(header: bytes, pixels: bytes = b"") -> bytes:
    return struct.pack("<I", len(header)) + header + pixels


def save(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def test_the_pixels_are_those_of_this_process():
    data = encode_png(load_sample("chelsea").pixels)
    photo = decode_in_worker(data, name="cat.png")
    assert np.array_equal(photo.pixels, decode_photo(data).pixels)
    assert (photo.name, photo.file_format, photo.original_size) == ("cat.png", "PNG", (300, 451))
    assert photo.pixels.flags.writeable


def test_every_format_can_be_read_there(request):
    image = Image.fromarray(load_sample("chelsea").pixels[:64, :64])
    for file_format in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"):
        data = save(image, file_format)
        assert np.array_equal(decode_in_worker(data).pixels, decode_photo(data).pixels)
    heic = (request.path.parent / "quadrants.heic").read_bytes()
    assert np.array_equal(decode_in_worker(heic).pixels, decode_photo(heic).pixels)
    floats = save(Image.fromarray(np.eye(8, dtype=np.float32)), "TIFF")
    assert np.array_equal(decode_in_worker(floats).pixels, decode_photo(floats).pixels)


@pytest.mark.parametrize("data", [b"", b"no picture", bytes(20 * 2**20 + 1), b"\x89PNG\r\n\x1a\nand no more"])
def test_a_refusal_is_the_sentence_of_this_process(data):
    with pytest.raises(PhotoError) as there:
        decode_in_worker(data)
    with pytest.raises(PhotoError) as here:
        decode_photo(data)
    assert str(there.value) == str(here.value)
    assert there.value.template in MESSAGES


@POSIX
def test_a_file_that_takes_too_long_is_given_up():
    """Twenty passes over forty-nine megapixels, which the rules allow."""
    whole = save(Image.new("RGB", (7000, 7000)), "JPEG", progressive=True)
    start = whole.rindex(b"\xff\xda")
    bomb = whole[:-2] + whole[start:-2] * 10 + whole[-2:]
    place = photo_worker.Sandbox([photo_worker.TASK], processor_s=0.05, has_threads=True)
    try:
        with pytest.raises(PhotoError, match=r"takes more than \d\.\d s to read"):
            decode_in_worker(bomb, place=place)
        with pytest.raises(PhotoError, match="is not a picture"):  # the next one is not harmed
            decode_in_worker(b"no picture", place=place)
    finally:
        place.close()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such limit")
def test_a_file_that_needs_too_much_memory_is_given_up():
    floats = np.zeros((4000, 4000), np.float32)  # 64 MB, and as many again where they are copied
    place = photo_worker.Sandbox([photo_worker.TASK], memory_bytes=40 * 2**20, processor_s=10, has_threads=True)
    try:
        with pytest.raises(PhotoError, match="more memory than the 400 MB"):
            decode_in_worker(save(Image.fromarray(floats), "TIFF", compression="tiff_adobe_deflate"), place=place)
    finally:
        place.close()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("memory", "more memory than the 400 MB"),
        ("processor", "more than 1.6 s"),
        ("wall", "more than 8.0 s"),
        ("ended", "broke the program that reads pictures"),
        ("busy", "try again in a moment"),
    ],
)
def test_each_end_of_the_process_has_a_sentence(kind, sentence):
    with pytest.raises(PhotoError, match=sentence) as caught:
        decode_in_worker(b"x", place=Place(SandboxError(kind, "x")))
    assert caught.value.template in MESSAGES


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xff\xff\xff",
        written(b"no json"),
        written(b"[]"),
        written(b'{"size": [2, 2], "original": [2, 2], "format": "PNG"}', b"short"),
        written(b'{"size": [-1, 2], "original": [2, 2], "format": "PNG"}'),
        written(b'{"size": [1, 100000], "original": [2, 2], "format": "PNG"}', bytes(300_000)),
        written(b'{"size": [1, 1], "original": [1], "format": "PNG"}', bytes(3)),
        written(b'{"error": 99, "values": {}}'),
        written(b'{"error": 1, "values": {}}'),
        written(b'{"error": 1, "values": []}'),
    ],
)
def test_what_no_honest_process_answers_is_a_broken_reader(answer):
    with pytest.raises(PhotoError, match="broke the program"):
        decode_in_worker(b"x", place=Place(answer))


def test_there_is_one_sandbox_for_photos():
    assert photos_sandbox() is photos_sandbox()
