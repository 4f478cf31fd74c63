"""Sizes of drawn scenes and of COCO files; files that are cut, wrong, or contradict themselves."""

import io
import json

import numpy as np
import pytest

from vizcore.data import scenes
from vizcore.scale import PAPER_QUANTILES, ScaleError, SizeSample, anchor_coverage, read_coco, scene_sample


def file_of(content) -> io.BytesIO:
    return io.BytesIO(content if isinstance(content, bytes) else json.dumps(content).encode())


def coco(**changed):
    """A small annotation file, its lists in an unusual order, with a mask that is to be skipped."""
    return {
        "annotations": [
            {"id": 7, "image_id": 2, "bbox": [5, 5, 20.0, 5], "segmentation": [[1, 2, 3, 4]], "iscrowd": 0},
            {"id": 8, "image_id": 1, "bbox": [0, 0, 30, 30], "segmentation": {"counts": [3, 4], "size": [1, 2]}},
        ],
        "info": {"images": [1, 2]},
        "images": [{"id": 1, "height": 60, "width": 60}, {"id": 2, "height": 50, "width": 200}],
    } | changed


def test_sizes_by_hand():
    told = []
    found = read_coco(file_of(coco()), report=told.append)
    assert found.sample.sides.tolist() == [10, 30]  # √(20 · 5), √(30 · 30)
    assert found.sample.relative.tolist() == [0.1, 0.5]  # of √(50 · 200) = 100 and 60
    assert (found.sample.num_pictures, found.num_annotations, found.oddities) == (2, 2, ())
    assert told[-1] == 1


def test_drawn_scenes_are_read_as_they_are_measured(tmp_path):
    drawn = [scenes.draw_scene("validation", index) for index in range(3)]
    path = tmp_path / "scenes.json"
    path.write_text(json.dumps(scenes.to_coco(drawn)))
    read, measured = read_coco(path).sample, scene_sample("validation", 3)
    np.testing.assert_allclose(read.sides, measured.sides)
    np.testing.assert_allclose(read.relative, measured.relative)
    sides = np.concatenate([np.sqrt((s.boxes[:, 2:] - s.boxes[:, :2]).prod(1)) for s in drawn])
    np.testing.assert_allclose(measured.relative, sides / 512)


class Narrow(io.BytesIO):
    """A file that remembers how much was asked for at once."""

    most = 0

    def read(self, size=-1):
        assert size >= 0, "the whole file was asked for"
        self.most = max(self.most, size)
        return super().read(size)


def test_a_large_file_is_never_read_at_once():
    annotations = [{"id": k, "image_id": 1, "bbox": [0, 0, 1 + k % 50, 2]} for k in range(20_000)]
    content = json.dumps(coco(annotations=annotations)).encode()
    file = Narrow(content)
    assert len(read_coco(file).sample.sides) == 20_000
    assert file.most < len(content) / 10


def test_boxes_without_an_area_are_left_out_and_said():
    rows = [
        {"id": 1, "image_id": 1, "bbox": [0, 0, 10, 10]},
        {"id": 2, "image_id": 1, "bbox": [0, 0, -4, 10]},
        {"id": 3, "image_id": 1, "bbox": [0, 0, 0, 10]},
        {"id": 1, "image_id": 1, "bbox": [0, 0, 5, 5]},
    ]
    found = read_coco(file_of(coco(annotations=rows)))
    assert found.sample.sides.tolist() == [10]
    assert found.num_annotations == 4
    assert [(odd.kind, odd.count, odd.first) for odd in found.oddities] == [("no_area", 2, "2"), ("repeated", 1, "1")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cut short"),
        (b"hello", "no JSON"),
        (json.dumps(coco()).encode()[:-30], "cut short"),
        (b"[1, 2]", "no “images”"),
        (b"{}", "no “images”"),
        ({"images": [{"id": 1, "height": 5, "width": 5}]}, "no “annotations”"),
        (coco(images=[{"id": 1}]), "Entry 0 of “images”"),
        (coco(images=[{"id": 1, "height": 5, "width": 5}] * 2), "Two pictures have the id 1; the second is entry 1"),
        (coco(images=[{"id": 1, "height": 5, "width": 0}]), "Picture 1 has the size"),
        (coco(images=[{"id": 1, "height": 5, "width": 5}]), "Annotation 7 belongs to picture 2"),
        (coco(annotations=[{"id": 1, "image_id": 1, "bbox": [1, 2, 3]}]), "Entry 0 of “annotations”"),
        (coco(annotations=[{"id": 1, "image_id": 1, "bbox": "wide"}]), "Entry 0 of “annotations”"),
        (coco(annotations=["no"]), "Entry 0 of “annotations”"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(content, says):
    with pytest.raises(ScaleError, match=says):
        read_coco(file_of(content))


def test_quantiles_and_shares():
    sample = SizeSample(np.arange(1.0, 101), np.arange(1.0, 101) / 200, 10)
    assert sample.quantile(0.5) == pytest.approx(0.2525)
    assert sample.spread == pytest.approx(sample.quantile(0.9) / sample.quantile(0.1))
    assert sample.share_in(1, 50) == 0.5
    assert PAPER_QUANTILES["COCO"][0.9] / PAPER_QUANTILES["COCO"][0.1] == pytest.approx(19.7, abs=0.1)  # “20 times”
    empty = SizeSample(np.zeros(0), np.zeros(0), 0)
    assert empty.share_in(0, 1) == 0
    with pytest.raises(ScaleError):
        empty.quantile(0.5)


def test_enlarged_scenes_find_better_anchors():
    plain, twice = (anchor_coverage("validation", 2, factor=factor) for factor in (1, 2))
    assert plain.share(0.0) == 1
    assert plain.share(0.7) <= plain.share(0.5)
    small = plain.sides < 24
    assert twice.best_iou[small].mean() > plain.best_iou[small].mean()
