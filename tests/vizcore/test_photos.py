"""Photos decode to what the eye expects, whatever the file; hostile files end in one plain sentence."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from vizcore.data import photo_decoding, photos
from vizcore.data.photo_files import walk_gif
from vizcore.data.photos import PhotoError, decode_photo, encode_jpeg, encode_png, list_samples, load_sample


def save(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def quadrants(height: int = 40, width: int = 60) -> np.ndarray:
    """Red, green / blue, white: tells every rotation and mirroring from every other."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    return pixels


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds (nearly) nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "size"),
    [  # sizes as scikit-image's and scikit-learn's own documentation states them
        ("astronaut", (512, 512)),
        ("chelsea", (300, 451)),
        ("coffee", (400, 600)),
        ("rocket", (427, 640)),
        ("motorcycle", (500, 741)),
        ("coins", (303, 384)),
        ("china", (427, 640)),
        ("flower", (427, 640)),
    ],
)
def test_samples_come_from_the_wheels(name, size, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)  # any use of the network is a TypeError
    photo = load_sample(name)
    assert photo.pixels.shape == (*size, 3)
    assert photo.pixels.dtype == np.uint8
    assert photo.original_size == size
    assert photo.name == name
    assert photo.pixels.std() > 20  # a real photo, not a blank


def test_samples_equal_the_packages_own_readers():
    import skimage.data as skimage_data
    from sklearn.datasets import load_sample_image

    assert np.array_equal(load_sample("chelsea").pixels, skimage_data.chelsea())
    assert np.array_equal(load_sample("motorcycle").pixels, skimage_data.stereo_motorcycle()[0])
    assert np.array_equal(load_sample("china").pixels, load_sample_image("china.jpg"))


def test_every_sample_is_described():
    samples = list_samples()
    assert len({sample.name for sample in samples}) == len(samples) == 8
    assert all(sample.title and sample.source and sample.licence for sample in samples)


def test_unknown_sample_names_the_others():
    with pytest.raises(PhotoError, match=r"no sample photo called “mona”.*chelsea"):
        load_sample("mona")


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_formats(file_format):
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(file_format, {})
    photo = decode_photo(save(Image.fromarray(quadrants()), file_format, **options), name="x")
    tolerance = 12 if file_format == "JPEG" else 0  # JPEG rings at the edges of the quadrants
    assert np.abs(photo.pixels.astype(int) - quadrants()).max() <= tolerance
    assert (photo.file_format, photo.name, photo.original_size) == (file_format, "x", (40, 60))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_tiff_compressions(compression):
    photo = decode_photo(save(Image.fromarray(quadrants(48, 64)), "TIFF", compression=compression))
    assert np.abs(photo.pixels[4:20, 4:28].astype(int) - (255, 0, 0)).max() <= 4


def test_phone_jpeg_with_two_pictures_is_a_jpeg():
    first, second = Image.fromarray(quadrants()), Image.new("RGB", (60, 40), "black")
    data = save(first, "MPO", save_all=True, append_images=[second], quality=95)
    photo = decode_photo(data)
    assert photo.file_format == "JPEG"
    assert np.abs(photo.pixels[5, 5].astype(int) - (255, 0, 0)).max() <= 4


def test_palette_and_palette_transparency():
    palette = Image.fromarray(quadrants()).quantize(4)
    assert np.array_equal(decode_photo(save(palette, "PNG")).pixels, quadrants())
    red = palette.getpixel((0, 0))
    seen = decode_photo(save(palette, "PNG", transparency=red)).pixels
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[0, -1].tolist() == [0, 255, 0]
    # One opacity per palette entry: the case that Pillow warns about when it is converted to RGB directly.
    half = bytes(128 if index == red else 255 for index in range(4))
    assert decode_photo(save(palette, "PNG", transparency=half)).pixels[0, 0].tolist() == [255, 127, 127]


def test_grey_bilevel_and_grey_with_alpha():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    assert np.array_equal(decode_photo(save(Image.fromarray(ramp), "PNG")).pixels, np.dstack([ramp] * 3))
    bilevel = decode_photo(save(Image.fromarray(ramp > 127), "PNG")).pixels
    assert np.array_equal(bilevel[..., 0], (ramp > 127) * 255)
    alpha = Image.merge("LA", [Image.new("L", (4, 4), 0), Image.new("L", (4, 4), 51)])
    assert decode_photo(save(alpha, "PNG")).pixels[0, 0].tolist() == [204] * 3  # 255 · (1 − 51/255)


def test_alpha_is_laid_over_white():
    pixels = np.dstack([quadrants(), np.full((40, 60), 255, np.uint8)])
    pixels[:20, :30, 3] = 0
    pixels[:20, 30:, 3] = 102  # 0.4 of green over white: 255 · 0.6 in red and blue
    for file_format in ("PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if file_format == "WEBP" else {}
        seen = decode_photo(save(Image.fromarray(pixels), file_format, **options)).pixels
        assert seen[5, 5].tolist() == [255, 255, 255]
        assert np.abs(seen[5, 45].astype(int) - (153, 255, 153)).max() <= 1
        assert seen[30, 5].tolist() == [0, 0, 255]


def test_hidden_colour_under_full_transparency_does_not_bleed_when_scaled():
    pixels = np.zeros((2000, 2000, 4), np.uint8)
    pixels[..., :3] = (255, 0, 0)  # red everywhere, visible nowhere but in the white lower half
    pixels[1000:] = 255
    assert decode_photo(save(Image.fromarray(pixels), "PNG")).pixels.min() == 255


@pytest.mark.parametrize(("file_format", "tolerance"), [("JPEG", 4), ("TIFF", 1)])
def test_cmyk(file_format, tolerance):
    # No ink but magenta and yellow: red. No ink at all: white. Inverted CMYK would give cyan and black.
    cmyk = np.zeros((32, 64, 4), np.uint8)
    cmyk[:, :32, 1:3] = 255
    seen = decode_photo(save(Image.fromarray(cmyk, "CMYK"), file_format)).pixels.astype(int)
    assert np.abs(seen[16, 8] - (255, 0, 0)).max() <= tolerance
    assert np.abs(seen[16, 56] - 255).max() <= tolerance


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(file_format):
    ramp = np.arange(256, dtype=np.uint16) * 257  # 257 · k is k at 16 bits
    image = Image.fromarray(np.tile(ramp, (4, 1)))
    assert image.mode == "I;16"
    assert np.array_equal(decode_photo(save(image, file_format)).pixels[0, :, 0], np.arange(256))


def test_sixteen_bit_colour():
    rows = b"".join(b"\0" + struct.pack(">6H", 65535, 32896, 0, 257, 514, 771) for _ in range(2))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert decode_photo(data).pixels[0].tolist() == [[255, 128, 0], [1, 2, 3]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0, np.nan]], np.float32), [0, 128, 255, 0]),
        (np.array([[0.0, 128.0, 255.0, np.inf]], np.float32), [0, 128, 255, 0]),
        (np.array([[-1.0, 0.0, 1.0, 1.0]], np.float32), [0, 128, 255, 255]),
        (np.array([[0, 257, 65535, 0]], np.int32), [0, 1, 255, 0]),
        (np.array([[7.0, 7.0, 7.0, 7.0]], np.float32) * 100, [0, 0, 0, 0]),
    ],
)
def test_numbers_in_tiff(values, expected):
    assert decode_photo(save(Image.fromarray(values), "TIFF")).pixels[0, :, 0].tolist() == expected


def exif_copies(orientation: int) -> Image.Image:
    """What a camera would store so that, turned by ``orientation``, the picture is ``quadrants()``."""
    stored = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    image = Image.fromarray(quadrants())
    for operation in stored:
        image = image.transpose(operation)
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(file_format, {})
    photo = decode_photo(save(exif_copies(orientation), file_format, exif=exif, **options))
    assert photo.original_size == (40, 60)
    assert np.abs(photo.pixels.astype(int) - quadrants()).max() <= 12


def test_exif_rotation_of_a_large_photo_swaps_the_original_size():
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = decode_photo(save(Image.new("RGB", (3000, 1500), "teal"), "JPEG", exif=exif))
    assert photo.original_size == (3000, 1500)  # height, width: upright it is tall
    assert photo.pixels.shape == (1280, 640, 3)


def test_nonsense_orientation_and_damaged_exif_are_ignored():
    exif = Image.Exif()
    exif[0x0112] = 42
    assert decode_photo(save(Image.fromarray(quadrants()), "PNG", exif=exif)).original_size == (40, 60)
    damaged = save(Image.fromarray(quadrants()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert decode_photo(damaged).original_size == (40, 60)


def test_colour_profile_is_applied():
    # In a profile whose red lies elsewhere the same number is another colour; sRGB itself changes nothing.
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (8, 8), (200, 30, 60))
    assert (
        np.abs(decode_photo(save(image, "PNG", icc_profile=same)).pixels[0, 0].astype(int) - (200, 30, 60)).max() <= 1
    )
    assert decode_photo(save(image, "PNG", icc_profile=b"no profile")).pixels[0, 0].tolist() == [200, 30, 60]
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # a profile for another kind of picture
    assert decode_photo(save(image, "PNG", icc_profile=lab)).pixels[0, 0].tolist() == [200, 30, 60]


def test_gif_shows_its_first_frame():
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green", "blue")]
    data = save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert decode_photo(data).pixels[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (1, 1)),
        ((2560, 128), (64, 1280)),  # 1:20
        ((128, 2560), (1280, 64)),
        ((5000, 1), (1, 1280)),  # 0.256 px high, kept at one
        ((1280, 700), (700, 1280)),
        ((1281, 700), (699, 1280)),  # 700 · 1280 / 1281 = 699.5
        ((300, 451), (451, 300)),  # never enlarged
    ],
)
def test_working_size(size, expected):
    photo = decode_photo(save(Image.new("RGB", size, "orange"), "PNG"))
    assert photo.pixels.shape[:2] == expected
    assert photo.original_size == size[::-1]
    assert np.abs(photo.pixels.astype(int) - (255, 165, 0)).max() <= 1


def test_scaling_is_antialiased():
    # Black and white columns of one pixel: every second column would be all black or all white.
    stripes = np.zeros((64, 2560, 3), np.uint8)
    stripes[:, ::2] = 255
    seen = decode_photo(save(Image.fromarray(stripes), "PNG")).pixels
    assert np.abs(seen[:, 8:-8].astype(int) - 128).max() <= 3


def test_large_jpeg_is_scaled_to_the_same_picture():
    photo = load_sample("rocket").pixels
    large = Image.fromarray(photo).resize((6400, 4270), Image.Resampling.BICUBIC)
    seen = decode_photo(save(large, "JPEG", quality=92))
    assert seen.original_size == (4270, 6400)
    direct = np.asarray(large.resize((1280, 854), Image.Resampling.LANCZOS))
    assert np.abs(seen.pixels.astype(int) - direct).mean() < 2


# What is refused, and how


def test_empty():
    with pytest.raises(PhotoError, match=r"empty.*20 MB"):
        decode_photo(b"")


def test_too_many_bytes_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    with pytest.raises(PhotoError, match="has 21 MB; at most 20 MB"):
        decode_photo(b"\x89PNG\r\n\x1a\n" + bytes(20 * 2**20))


@pytest.mark.parametrize("size", [(7072, 7072), (12000, 12000), (60000, 60000), (50_000_001, 1)])
def test_too_many_pixels_before_decoding(size, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    with pytest.raises(PhotoError, match="50 megapixels"):
        decode_photo(png_header(*size))


def test_real_decompression_bomb():
    bomb = save(Image.new("1", (12000, 12000)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(PhotoError, match="50 megapixels"):
        decode_photo(bomb)


def test_fifty_megapixels_are_still_read():
    photo = decode_photo(save(Image.new("1", (10000, 5000), 1), "PNG"))
    assert photo.original_size == (5000, 10000)
    assert photo.pixels.shape == (640, 1280, 3)


def gif_of(num_frames: int, width: int = 1, height: int = 1) -> bytes:
    header = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return header + frame * num_frames + b"\x3b"


def test_animated_bombs():
    assert decode_photo(gif_of(500)).original_size == (1, 1)
    for num_frames in (501, 1_000_000):  # the second is 15 MB and must not be walked to its end
        with pytest.raises(PhotoError, match="500 frames"):
            decode_photo(gif_of(num_frames))
    with pytest.raises(PhotoError, match="1000 megapixels"):
        decode_photo(gif_of(100, 5000, 5000))


@pytest.mark.parametrize(("file_format", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_other_animated_bombs(file_format, options):
    frames = [Image.new("RGB", (4, 4), ("black", "white")[index % 2]) for index in range(501)]
    whole = save(frames[0], file_format, save_all=True, append_images=frames[1:500], **options)
    assert decode_photo(whole).original_size == (4, 4)
    with pytest.raises(PhotoError, match="500 frames"):
        decode_photo(save(frames[0], file_format, save_all=True, append_images=frames[1:], **options))


def test_gif_frames_are_counted_as_pillow_counts_them():
    frames = [Image.fromarray(np.roll(quadrants(), shift, axis=1)) for shift in range(0, 14, 2)]
    data = save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20, loop=0, comment=b"a comment")
    assert walk_gif(data).num_frames == Image.open(io.BytesIO(data)).n_frames == 7


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9])
def test_truncated(file_format, kept):
    data = save(Image.fromarray(load_sample("chelsea").pixels), file_format)
    with pytest.raises(PhotoError, match="damaged or cut short") as caught:
        decode_photo(data[: int(len(data) * kept)])
    assert caught.value.values["file_format"] == file_format


@pytest.mark.parametrize(
    "data",
    [
        b"a letter that somebody called holiday.png",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"PK\x03\x04" + bytes(200),
        b"\x7fELF" + bytes(200),
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<html></html>",
        b"BM",
        bytes(1000),
        save(Image.new("RGB", (8, 8)), "ICO"),  # a picture, but of a format that is not read
        save(Image.new("RGB", (8, 8)), "PPM"),
    ],
)
def test_not_a_photo(data):
    with pytest.raises(PhotoError, match=r"PNG, JPEG, WebP, BMP, GIF, TIFF and HEIC up to 20 MB"):
        decode_photo(data)


def test_a_renamed_picture_is_read_by_content():
    assert decode_photo(save(Image.fromarray(quadrants()), "PNG"), name="cat.jpg").file_format == "PNG"


@settings(max_examples=150, deadline=None)
@given(
    file_format=st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]),
    position=st.floats(0, 1),
    noise=st.binary(min_size=1, max_size=8),
)
def test_flipped_bytes_decode_or_explain(file_format, position, noise):
    data = bytearray(save(Image.fromarray(quadrants(24, 24)), file_format))
    start = int(position * (len(data) - 1))
    data[start : start + len(noise)] = noise
    with contextlib.suppress(PhotoError):  # any other exception or warning fails
        pixels = decode_photo(bytes(data)).pixels
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3


def test_every_sentence_fills_and_is_listed():
    with pytest.raises(PhotoError) as caught:
        decode_photo(b"no picture")
    error = caught.value
    assert error.template in photos.MESSAGES
    assert str(error) == error.template.format(**error.values)
    assert isinstance(error, ValueError)


# Encoding


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 1000))
def test_png_round_trip(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert np.array_equal(decode_photo(encode_png(pixels)).pixels, pixels)


def test_encoders_take_grey_and_strided_views():
    pixels = load_sample("chelsea").pixels
    assert np.array_equal(decode_photo(encode_png(pixels[::2, ::-1])).pixels, pixels[::2, ::-1])
    assert np.array_equal(decode_photo(encode_png(pixels[..., 0])).pixels[..., 1], pixels[..., 0])
    jpeg = encode_jpeg(pixels)
    assert len(jpeg) < len(encode_png(pixels)) / 3
    assert np.abs(decode_photo(jpeg).pixels.astype(int) - pixels).mean() < 3


def scan_bomb(side: int, num_scans: int) -> bytes:
    """A progressive JPEG whose last pass is repeated."""
    whole = save(Image.new("L", (side, side)), "JPEG", progressive=True)
    start = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[start:-2] * num_scans + whole[-2:]


@pytest.mark.parametrize(
    ("side", "num_scans", "limit"), [(64, 100_000, 64), (64, 59, 64), (7000, 20, 20), (7000, 15, 20)]
)
def test_a_picture_in_too_many_passes_is_refused_before_it_is_decoded(side, num_scans, limit, monkeypatch):
    decoded = []
    monkeypatch.setattr(photo_decoding, "_decode", lambda *args: decoded.append(args))
    with pytest.raises(PhotoError, match=f"more than {limit} passes"):
        decode_photo(scan_bomb(side, num_scans))
    assert not decoded


def test_progressive_pictures_of_every_kind_are_read():
    for mode, options in (("L", {}), ("RGB", {}), ("RGB", {"restart_marker_blocks": 1}), ("CMYK", {})):
        data = save(
            Image.new(mode, (200, 100)), "JPEG", progressive=True, exif=b"Exif\0\0" + b"\xff\xda" * 200, **options
        )
        assert decode_photo(data).pixels.shape == (100, 200, 3)
    assert decode_photo(scan_bomb(64, 50)).pixels.shape == (64, 64, 3)


def test_nobody_waits_for_ever_for_another_picture(monkeypatch):
    monkeypatch.setattr(photo_decoding, "MAX_WAIT_SECONDS", 0.01)
    with photo_decoding._DECODING, pytest.raises(PhotoError, match="try again in a moment"):
        decode_photo(encode_png(quadrants()))
    assert decode_photo(encode_png(quadrants())).pixels.shape == (40, 60, 3)
