"""Drawn scenes: the same everywhere, boxes tight to what can be seen, splits apart, a COCO file that loads."""

import contextlib
import hashlib
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from vizcore.data import scenes as module
from vizcore.data.digits import load_digit_labels, load_digits
from vizcore.data.scenes import (
    BACKGROUNDS,
    CLASSES,
    DIGITS,
    MAX_OBJECTS,
    MAX_SIZE,
    MIN_DIGIT,
    MIN_SIZE,
    MIN_VISIBLE,
    SYMMETRIES,
    draw_scene,
    scenes_hash,
    to_coco,
)

HASHES = {
    ("train", 256): "0a254a939fec9e7aa184b84993f84f9f0655f55caaec44aff51b0c3d6307d27c",
    ("validation", 512): "9d9c9e188faff992738d10b1b2357e139564d064a0519c6390d156fedcc67f5a",
}
"""Of the boxes and labels of the first scenes. A change here means other data: every shipped detector's figures and
card would be about scenes that nobody can draw any more."""


@pytest.fixture(scope="module")
def many():
    return [draw_scene(split, index, size=256) for split in BACKGROUNDS for index in range(40)]


@pytest.mark.parametrize(("split", "size"), HASHES)
def test_boxes_are_the_same_on_every_machine(split, size):
    assert scenes_hash(split, range(6), size=size) == HASHES[split, size]


def test_a_scene_is_a_function_of_its_number_alone():
    torch.manual_seed(5)
    first = draw_scene("train", 7, size=128)
    torch.manual_seed(6)
    torch.rand(3)
    again = draw_scene("train", 7, size=128)
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.boxes, again.boxes)
    others = [draw_scene("train", 8, size=128), draw_scene("validation", 7, size=128), draw_scene("train", 7, size=192)]
    for other in others:
        assert other.pixels.shape != first.pixels.shape or not np.array_equal(other.pixels, first.pixels)
    assert first.name == "train 7"


def test_another_process_draws_the_same_pixels():
    script = (
        "import hashlib; from vizcore.data.scenes import draw_scene; "
        "print(hashlib.sha256(draw_scene('validation', 4, size=128).pixels.tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    pixels = draw_scene("validation", 4, size=128).pixels
    assert done.stdout.strip() == hashlib.sha256(pixels.tobytes()).hexdigest()


def redraw(monkeypatch, split, index, size):
    """The scene, and for every object the pixels that were painted, in the order of painting."""
    painted = []
    paint = module._paint

    def watched(canvas, top, left, alpha, draw):
        mask = np.zeros((size, size), dtype=bool)
        mask[top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha >= 0.5
        painted.append(mask)
        paint(canvas, top, left, alpha, draw)

    monkeypatch.setattr(module, "_paint", watched)
    return draw_scene(split, index, size=size), painted


@pytest.mark.parametrize("index", range(12))
def test_boxes_are_tight_to_what_can_be_seen(monkeypatch, index):
    size = 256
    scene, painted = redraw(monkeypatch, "train", index, size)
    assert len(painted) == len(scene.boxes) == len(scene.labels) == len(scene.sizes) == len(scene.visible)
    in_front = np.zeros((size, size), dtype=bool)
    for place in reversed(range(len(painted))):  # from the topmost down
        seen = painted[place] & ~in_front
        in_front |= painted[place]
        rows, columns = np.nonzero(seen.any(1))[0], np.nonzero(seen.any(0))[0]
        assert scene.boxes[place].tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert scene.visible[place] == pytest.approx(seen.sum() / painted[place].sum())


def test_an_object_changes_the_picture_inside_its_box_and_not_beyond(monkeypatch):
    """The same scene without its noise, with and without its topmost object: what differs is the object."""
    monkeypatch.setattr(module, "_finish", lambda canvas, draw: np.clip(np.rint(canvas), 0, 255).astype(np.uint8))
    for index in range(6):
        scene, painted = redraw(monkeypatch, "validation", index, 256)
        calls, count = [], len(painted)
        paint = module._paint

        def all_but_the_last(canvas, top, left, alpha, draw, calls=calls, count=count, paint=paint):
            before = canvas.copy()
            paint(canvas, top, left, alpha, draw)
            calls.append(0)
            if len(calls) == count:
                canvas[:] = before

        monkeypatch.setattr(module, "_paint", all_but_the_last)
        without = draw_scene("validation", index, size=256)
        monkeypatch.setattr(module, "_paint", paint)
        rows, columns = np.nonzero((scene.pixels != without.pixels).any(2))
        x1, y1, x2, y2 = scene.boxes[-1]
        # A pixel that the object covers by less than half is tinted, and is no part of it.
        assert columns.min() >= x1 - 1
        assert columns.max() <= x2
        assert rows.min() >= y1 - 1
        assert rows.max() <= y2
        assert columns.min() <= x1 + 1
        assert rows.max() >= y2 - 2
        monkeypatch.undo()
        monkeypatch.setattr(module, "_finish", lambda canvas, draw: np.clip(np.rint(canvas), 0, 255).astype(np.uint8))


def test_what_a_scene_promises(many):
    assert len(CLASSES) == len(set(CLASSES)) >= 6
    for scene in many:
        size = scene.pixels.shape[0]
        assert scene.pixels.shape == (size, size, 3)
        assert scene.pixels.dtype == np.uint8
        assert scene.boxes.dtype == np.float32
        assert scene.labels.dtype == np.int64
        assert len(scene.boxes) >= 1
        assert len(scene.boxes) <= max(1, round(MAX_OBJECTS * (size / 512) ** 2))
        assert np.array_equal(scene.boxes, np.round(scene.boxes))
        assert (scene.boxes >= 0).all()
        assert (scene.boxes <= size).all()
        assert (scene.boxes[:, 2:] > scene.boxes[:, :2]).all()
        assert ((scene.visible > 0) & (scene.visible <= 1)).all()
        assert (scene.visible >= MIN_VISIBLE).all()
        assert ((scene.sizes >= MIN_SIZE) & (scene.sizes <= min(MAX_SIZE, 0.8 * size))).all()
        assert ((scene.labels >= 0) & (scene.labels < len(CLASSES))).all()


def test_scenes_are_varied(many):
    labels = np.concatenate([scene.labels for scene in many])
    sizes = np.concatenate([scene.sizes for scene in many])
    assert set(labels.tolist()) == set(range(len(CLASSES)))
    assert sizes.min() < 10
    assert sizes.max() > 150
    # Log-uniform: the median is nearer to the geometric mean of the ends (40) than to the arithmetic one (104).
    assert 20 < np.median(sizes) < 70
    counts = [len(scene.boxes) for scene in many]
    assert min(counts) == 1
    assert max(counts) > 5
    assert any((scene.visible < 0.95).any() for scene in many)  # something hides something


def test_a_scene_of_full_size_holds_up_to_thirty():
    counts = [len(draw_scene("train", index).boxes) for index in range(12)]
    assert max(counts) <= MAX_OBJECTS
    assert max(counts) > 12


def test_splits_share_no_photo_and_no_digit(monkeypatch, many):
    assert not set(BACKGROUNDS["train"]) & set(BACKGROUNDS["validation"])
    for scene in many:
        assert scene.background in BACKGROUNDS[scene.name.split()[0]]
    assert {scene.background for scene in many} == {name for names in BACKGROUNDS.values() for name in names}

    class Chosen(list):
        """Digits that remember which were asked for."""

        asked: list[int] = []

        def __getitem__(self, index):
            self.asked.append(index)
            return super().__getitem__(index)

    drawn = {}
    for split in BACKGROUNDS:
        digits = Chosen(load_digits())
        Chosen.asked = []
        monkeypatch.setattr(module, "load_digits", lambda digits=digits: digits)
        for index in range(60):
            draw_scene(split, index, size=128)
        drawn[split] = set(Chosen.asked)
    assert min(map(len, drawn.values())) > 3
    assert not drawn["train"] & drawn["validation"]
    assert max(drawn["train"]) < min(drawn["validation"])


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits as original

    assert np.array_equal(load_digits(), original().images)


@settings(max_examples=25)
@given(st.sampled_from(sorted(BACKGROUNDS)), st.integers(0, 10**6), st.sampled_from([64, 100, 192]))
def test_any_scene_can_be_drawn(split, index, size):
    scene = draw_scene(split, index, size=size)
    assert scene.pixels.shape == (size, size, 3)
    assert len(scene.boxes) >= 1
    assert (scene.visible >= MIN_VISIBLE).all()


@pytest.mark.parametrize(
    ("split", "index", "size"), [("test", 0, 256), ("", 0, 256), ("train", -1, 256), ("train", 0, 63), ("train", 0, 0)]
)
def test_what_cannot_be_drawn_is_refused(split, index, size):
    with pytest.raises(ValueError, match=r"split must be|index must not"):
        draw_scene(split, index, size=size)


def test_coco_reads_the_export(tmp_path):
    scenes = [draw_scene("validation", index, size=256) for index in range(3)]
    path = tmp_path / "scenes.json"
    path.write_text(json.dumps(to_coco(scenes)))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
    assert sorted(coco.getImgIds()) == [1, 2, 3]
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == list(CLASSES)
    for number, scene in enumerate(scenes, start=1):
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[number]))
        assert len(annotations) == len(scene.boxes)
        for annotation, box, label in zip(annotations, scene.boxes, scene.labels, strict=True):
            x, y, width, height = annotation["bbox"]
            assert [x, y, x + width, y + height] == box.tolist()
            assert annotation["area"] == width * height
            assert coco.loadCats(annotation["category_id"])[0]["name"] == CLASSES[label]
        image = coco.loadImgs(number)[0]
        assert (image["height"], image["width"]) == (256, 256)
    ids = [annotation["id"] for annotation in coco.loadAnns(coco.getAnnIds())]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", CLASSES)
def test_a_shape_fills_the_size_it_was_drawn_with(name):
    """The longer side before rotation; a rotated square is up to √2 times as wide, a digit is as high as it says."""
    draw = module._Draw(torch.Generator().manual_seed(0))
    for side in (12.0, 40.0, 120.0):
        for _ in range(5):
            mask = module._SHAPES[name](side, "train", draw)[0] >= 0.5
            rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
            extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
            assert 0.8 * side - 2 <= extent <= math.sqrt(2) * side + 2
            if name in ("circle", "ring"):
                assert abs(extent - side) <= 1.01
            if name == "circle":
                assert mask.sum() == pytest.approx(math.pi / 4 * side**2, rel=0.1)
            if name == "ring":
                assert not mask[mask.shape[0] // 2, mask.shape[1] // 2]


def test_an_angle_is_told_of_shapes_that_have_one_and_lies_within_their_symmetry():
    for index in range(12):
        scene = draw_scene("train", index, size=256)
        for label, angle in zip(scene.labels.tolist(), scene.angles.tolist(), strict=True):
            symmetry = SYMMETRIES.get(CLASSES[label])
            assert math.isnan(angle) == (symmetry is None)
            assert symmetry is None or 0 <= angle < 2 * math.pi / symmetry


@pytest.mark.parametrize(
    ("name", "corner"), [("square", math.sqrt(0.5)), ("triangle", math.sqrt(1 / 3)), ("star", 0.5)]
)
def test_a_corner_lies_where_the_angle_says(name, corner):
    for seed in range(5):
        draw = module._Draw(torch.Generator().manual_seed(seed))
        coverage, turn = module._SHAPES[name](120.0, "train", draw)
        angle = module._angle(name, turn)
        middle = coverage.shape[0] / 2
        inside = []
        for share in (0.97, 1.03):  # just before and just beyond the tip, clockwise from straight up
            reach = share * corner * 120
            row, column = middle - reach * math.cos(angle), middle + reach * math.sin(angle)
            inside.append(coverage[int(min(row, 2 * middle - 1)), int(min(column, 2 * middle - 1))] > 0)
        assert inside == [True, False]


DIGIT_HASHES = {
    ("train", 256): "b3f63f8ad270d8289edbb4aedc49810305953dfd5166b5dd434c21397d322b7c",
    ("validation", 512): "7be98fcf799ba469f0fd35c1d2abca5cd0f2dc07ee4d78fbb78fee1642094aa7",
}


@pytest.mark.parametrize(("split", "size"), DIGIT_HASHES)
def test_scenes_of_digits_are_the_same_on_every_machine(split, size):
    assert scenes_hash(split, range(6), size=size, kind="digits") == DIGIT_HASHES[split, size]


def test_a_digit_has_its_own_class_and_comes_from_its_split(monkeypatch):
    drawn = []
    draw_digit = module._draw_digit

    def watched(place, side, draw):
        drawn.append(place)
        return draw_digit(place, side, draw)

    monkeypatch.setattr(module, "_draw_digit", watched)
    seen = set()
    for split, own in (("train", lambda place: place < 1200), ("validation", lambda place: place >= 1200)):
        for index in range(20):
            drawn.clear()
            scene = draw_scene(split, index, size=256, kind="digits")
            assert all(own(place) for place in drawn)
            # Tries that found no room are among those drawn, so the labels are a subsequence of what was drawn.
            rest = iter(load_digit_labels()[drawn])
            assert all(label in rest for label in scene.labels)
            assert (scene.sizes >= MIN_DIGIT).all()
            assert np.isnan(scene.angles).all()
            seen.update(scene.labels.tolist())
    assert seen == set(range(len(DIGITS)))


def test_no_layout_of_digits_is_in_both_splits():
    """The generator looks at 32 bits of a seed: a split above them would be lost."""
    starts = [
        module._seed("digits", split, size, index)
        for split in BACKGROUNDS
        for size in (256, 512)
        for index in range(600)
    ]
    assert len(set(starts)) == len(starts)
    assert max(starts) < 2**32


def test_clutter_is_painted_and_belongs_to_nobody(monkeypatch):
    painted = []
    paint = module._paint
    monkeypatch.setattr(module, "_paint", lambda *given: (painted.append(given[1:3]), paint(*given)))
    extra = 0
    for index in range(10):
        painted.clear()
        scene = draw_scene("train", index, size=256, kind="digits")
        assert set(np.unique(scene.owner)) <= set(range(-1, len(scene.boxes)))
        extra += len(painted) - len(scene.boxes)
    assert extra > 10


def test_coco_names_the_digits():
    data = to_coco([draw_scene("validation", 0, size=128, kind="digits")], kind="digits")
    assert [category["name"] for category in data["categories"]] == list(DIGITS)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="shapes, digits"):
        draw_scene("train", 0, kind="letters")


def test_about_half_of_a_scene_is_alike_in_both_splits_as_the_page_says():
    alike = objects = 0
    for index in range(16):
        train, validation = (draw_scene(split, index) for split in ("train", "validation"))
        same = (np.abs(train.boxes[:, None] - validation.boxes).max(-1) <= 2) & (
            train.labels[:, None] == validation.labels
        )
        alike += int(same.any(0).sum())
        objects += len(validation.boxes)
    assert 0.4 < alike / objects < 0.6
