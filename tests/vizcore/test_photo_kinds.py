"""Photos as the world makes them: kinds that a decoder refuses, misreads or calls damaged, and what the eye expects."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from vizcore.data import photo_decoding, tiff_numbers
from vizcore.data.photo_files import MAX_PROFILE_BYTES
from vizcore.data.photos import PhotoError, decode_photo, load_sample

HERE = Path(__file__).parent


def save(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def tiff(values: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, colour_type: int, rows: bytes, *extra: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])


def seen(data: bytes) -> list:
    return decode_photo(data).pixels[0].tolist()


# Colour profiles


def icc_profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile, version 2, with the tags given."""
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"test", 0x02100000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def linear_grey() -> bytes:
    white = b"XYZ \0\0\0\0" + struct.pack(">3I", 0xF351, 0x10000, 0x116CC)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)  # none: the number is the light
    text = b"desc\0\0\0\0" + struct.pack(">I", 7) + b"linear\0" + bytes(78)
    return icc_profile(b"GRAY", {b"desc": text, b"wtpt": white, b"kTRC": curve, b"cprt": b"text\0\0\0\0none\0"})


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF"])
def test_a_profile_of_grey_is_applied_to_grey(file_format):
    # A quarter of the light, 64/255, is 0.537 in sRGB: 137.
    image = Image.new("L", (8, 8), 64)
    assert seen(save(image, file_format, icc_profile=linear_grey()))[3] == [137] * 3
    assert seen(save(image, file_format))[3] == [64] * 3


def test_a_profile_of_grey_is_applied_to_grey_with_alpha_and_in_sixteen_bits():
    half = Image.merge("LA", [Image.new("L", (4, 4), 64), Image.new("L", (4, 4), 128)])
    # 137 at an opacity of 128/255 over white: 255 − 118 · 128/255 = 195.8
    assert seen(save(half, "PNG", icc_profile=linear_grey()))[0] == pytest.approx([196] * 3, abs=1)
    words = Image.fromarray(np.full((4, 4), 64 * 257, np.uint16))
    assert seen(save(words, "PNG", icc_profile=linear_grey()))[0] == [137] * 3


def test_a_profile_of_other_colours_than_the_pixels_is_left_alone():
    red = Image.new("RGB", (4, 4), (200, 30, 30))
    assert seen(save(red, "PNG", icc_profile=linear_grey()))[0] == [200, 30, 30]
    grey = Image.new("L", (4, 4), 64)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert seen(save(grey, "PNG", icc_profile=srgb))[0] == [64] * 3


# Transparent colours of a PNG


def test_a_transparent_grey_in_sixteen_bits_is_white():
    rows = b"".join(b"\0" + struct.pack(">4H", 0, 1, 257, 65535) for _ in range(2))
    assert [pixel[0] for pixel in seen(png(4, 2, 16, 0, rows, chunk(b"tRNS", b"\0\0")))] == [255, 0, 1, 255]


def test_a_transparent_colour_in_sixteen_bits_is_white():
    rows = b"".join(b"\0" + struct.pack(">6H", 65535, 0, 0, 0, 65535, 0) for _ in range(2))
    clear = chunk(b"tRNS", struct.pack(">3H", 65535, 0, 0))
    assert seen(png(2, 2, 16, 2, rows, clear)) == [[255, 255, 255], [0, 255, 0]]


@pytest.mark.parametrize(
    ("bits", "row", "clear", "expected"),
    [
        (1, 0b0100_0000, 0, [255, 255, 255, 255]),
        (1, 0b0100_0000, 1, [0, 255, 0, 0]),
        (2, 0b00_01_10_11, 1, [0, 255, 170, 255]),
        (8, None, 1, [0, 255, 2, 3]),
    ],
)
def test_a_transparent_grey_in_few_bits_is_white(bits, row, clear, expected):
    rows = (b"\0" + (bytes([row]) if row is not None else bytes(range(4)))) * 2
    found = seen(png(4, 2, bits, 0, rows, chunk(b"tRNS", struct.pack(">H", clear))))
    assert [pixel[0] for pixel in found] == expected


# Texts and profiles that unpack to more than a megabyte

LARGE = zlib.compress(bytes(3 * 2**20))


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"Comment\0\0" + LARGE),
        chunk(b"iTXt", b"Comment\0\1\0en\0\0" + LARGE),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LARGE),
        chunk(b"tEXt", b"Comment\0" + b"x" * (3 * 2**20)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + LARGE),
        chunk(b"iCCP", b"large\0\0" + LARGE),
        chunk(b"iCCP", b"larger\0\0" + zlib.compress(bytes(MAX_PROFILE_BYTES + 1))),
        chunk(b"iCCP", b"no stream\0\0abc"),
        chunk(b"zTXt", b"Comment\0\0" + LARGE) * 100,
    ],
)
def test_a_picture_with_large_texts_shows(extra):
    rows = b"\0" + bytes([10, 20, 30])
    photo = decode_photo(png(1, 1, 8, 2, rows, extra))
    assert photo.pixels.tolist() == [[[10, 20, 30]]]


def test_a_profile_of_more_than_a_megabyte_is_applied():
    profile = linear_grey() + bytes(2 * 2**20)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    assert seen(png(1, 1, 8, 0, b"\0\x40", chunk(b"iCCP", b"grey\0\0" + zlib.compress(profile)))) == [[137] * 3]


def test_an_orientation_in_a_short_text_is_kept():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
    rows = b"\0\xff\0\0\0\0\xff"  # red, blue
    turned = decode_photo(png(2, 1, 8, 2, rows, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)))
    assert turned.pixels.tolist() == [[[255, 0, 0]], [[0, 0, 255]]]


# TIFF


def test_ink_with_transparency():
    inks = np.zeros((2, 2, 5), np.uint8)
    inks[..., 1:3] = 255  # magenta and yellow
    inks[:, 1, 4] = 255  # opaque on the right alone
    data = tiff(inks, photometric="separated", planarconfig="contig", extrasamples=["unassalpha"])
    assert seen(data) == [[255, 255, 255], pytest.approx([255, 0, 0], abs=1)]


def test_sixteen_bit_grey_with_alpha():
    values = np.zeros((2, 2, 2), np.uint16)
    values[:, 1] = (257 * 80, 65535)
    assert seen(tiff(values, photometric="minisblack", extrasamples=["unassalpha"])) == [[255] * 3, [80] * 3]
    rows = b"".join(b"\0" + struct.pack(">4H", 0, 0, 257 * 80, 65535) for _ in range(2))
    assert seen(png(2, 2, 16, 4, rows)) == [[255] * 3, [80] * 3]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_floats_in_three_bands(dtype, compression, planar):
    values = np.zeros((2, 3, 3), dtype)
    values[:, 0, 0], values[:, 1, 1], values[:, 2] = 1, 0.5, np.nan
    ordered = values if planar == "contig" else np.moveaxis(values, 2, 0)
    data = tiff(np.ascontiguousarray(ordered), photometric="rgb", planarconfig=planar, compression=compression)
    assert seen(data) == [[255, 0, 0], [0, 128, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int16, np.uint32])
def test_one_band_of_other_numbers(dtype):
    top = {"f": 1, "i": 65535 // 2, "u": 2**32 - 1}[np.dtype(dtype).kind]
    values = np.array([[0, top]] * 2).astype(dtype)
    assert [pixel[0] for pixel in seen(tiff(values, photometric="minisblack"))] == [
        0,
        127 if dtype == np.int16 else 255,
    ]


def test_five_bands_show_their_colours_or_are_named():
    values = np.zeros((2, 2, 5), np.uint8)
    values[...] = (10, 20, 30, 40, 50)
    assert seen(tiff(values, photometric="rgb", planarconfig="contig"))[0] == [10, 20, 30]
    assert seen(tiff(values.astype(np.float32) / 255, photometric="rgb", planarconfig="contig"))[0] == [10, 20, 30]
    with pytest.raises(
        PhotoError, match=r"kind that is not read here \(5 × 8-bit integers, MINISBLACK, NONE\)"
    ) as caught:
        decode_photo(tiff(values, photometric="minisblack", planarconfig="contig"))
    assert caught.value.values["file_format"] == "TIFF"


def test_a_kind_that_is_not_read_is_not_called_damaged(monkeypatch):
    data = bytearray(tiff(np.zeros((4, 4, 3), np.float32), photometric="rgb", compression="zlib"))
    tag = data.index(struct.pack("<HHI", 259, 3, 1))
    data[tag + 8 : tag + 10] = struct.pack("<H", 34887)  # LERC, which needs a library that is not here
    with pytest.raises(PhotoError, match="3 × 32-bit floats, RGB, LERC"):
        decode_photo(bytes(data))
    monkeypatch.setattr(tiff_numbers, "MAX_BYTES", 100)
    with pytest.raises(PhotoError, match="more memory than the 400 MB"):
        decode_photo(tiff(np.zeros((4, 4, 3), np.float32), photometric="rgb"))


def test_lab_colours():
    # L* = 100 is white, L* = 0 black, whatever the white point.
    data = save(Image.merge("LAB", [Image.new("L", (2, 2), light) for light in (255, 128, 128)]), "TIFF")
    assert min(seen(data)[0]) >= 250


def test_a_damaged_tiff_is_still_damaged():
    whole = tiff(np.zeros((64, 64, 3), np.float64), photometric="rgb")
    for kept in (6, 60, len(whole) // 2):
        with pytest.raises(PhotoError, match="The TIFF file is damaged or cut short"):
            decode_photo(whole[:kept])


# JPEG


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_mark_shows(options, missing):
    whole = save(Image.fromarray(load_sample("chelsea").pixels), "JPEG", **options)
    assert whole.endswith(b"\xff\xd9")
    assert np.array_equal(decode_photo(whole[:-missing]).pixels, decode_photo(whole).pixels)


@pytest.mark.parametrize("missing", [40, 400, 4000])
def test_a_jpeg_that_lacks_more_is_cut_short(missing):
    whole = save(Image.fromarray(load_sample("chelsea").pixels), "JPEG")
    with pytest.raises(PhotoError, match="The JPEG file is damaged or cut short"):
        decode_photo(whole[:-missing])


# HEIC


@pytest.mark.parametrize("name", ["quadrants", "quadrants_turned"])
def test_a_phones_picture_is_read_upright(name):
    photo = decode_photo((HERE / f"{name}.heic").read_bytes(), name="IMG_0001.HEIC")
    assert photo.file_format == "HEIC"
    if name == "quadrants_turned":  # stored lying, with what brings it upright
        assert photo.original_size == (64, 96)
    corners = photo.pixels[[8, 8, -8, -8], [8, -8, 8, -8]].astype(int)
    assert np.abs(corners - [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]).max() <= 6


def test_a_damaged_heic_is_named():
    data = (HERE / "quadrants.heic").read_bytes()
    with pytest.raises(PhotoError, match="The HEIC file is damaged or cut short"):
        decode_photo(data[:300])


# Hostile files


def test_a_strip_of_fifty_million_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    for size in ((49_999_999, 1), (1, 49_999_999), (65_536, 1)):
        with pytest.raises(PhotoError, match="a side of more than 65535 pixels"):
            decode_photo(png(*size, 16, 0, bytes(100)))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xfe\0\2" * 30_000 + save(Image.new("L", (8, 8)), "JPEG")[2:],
        png(1, 1, 8, 0, b"\0\0", *[chunk(b"teXt", b"")] * 30_000),
        png(1, 1, 8, 0, b"\0\0", *[chunk(b"IDAT", b"")] * 30_000),
        b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x21\xfe\0" * 30_000 + b"\x3b",
    ],
)
def test_remarks_without_end_are_refused_before_they_are_read(data, monkeypatch):
    monkeypatch.setattr("PIL.Image.open", None)
    with pytest.raises(PhotoError, match="more than 20000 remarks"):
        decode_photo(data)


def test_a_large_picture_is_reduced_as_a_small_one_is_resized():
    """Strip by strip in between, and equal to Pillow's own antialiased resizing within a rounding."""
    rows = np.broadcast_to(np.arange(4200, dtype=np.uint16)[:, None], (4200, 5600))
    bands = [Image.fromarray((rows >> shift).astype(np.uint8)) for shift in (5, 4)]
    image = Image.merge("RGB", [*bands, bands[0].transpose(Image.Transpose.FLIP_TOP_BOTTOM)])
    expected = np.asarray(image.resize((1280, 960), Image.Resampling.LANCZOS), dtype=int)
    found = photo_decoding._shrunk(image)
    assert found.size == (1280, 960)
    assert np.abs(np.asarray(found, dtype=int) - expected).max() <= 3
    grey = Image.fromarray(rows * 15)
    assert np.abs(np.asarray(photo_decoding._shrunk(grey), dtype=int)[:, 0] - np.linspace(0, 246, 960)).max() <= 2
