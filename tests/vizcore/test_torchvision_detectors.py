"""The road to the boxes ends exactly where torchvision's own ``model(images)`` ends."""

import contextlib
import hashlib
import io
import threading
from functools import cache

import numpy as np
import pytest
import torch
from torchvision.models import get_model_weights
from torchvision.ops import clip_boxes_to_image

from tests.weights_server import serve_weights
from vizcore import detection
from vizcore.data.photos import load_sample
from vizcore.detection import torchvision_detectors
from vizcore.detection.output import BELOW_THRESHOLD, KEPT, OVER_LIMIT, SUPPRESSED, DetectionError, refilter
from vizcore.weights import WeightsError, WeightsSource, download_weights

NAMES = [info.name for info in torchvision_detectors.list_infos()]
ONE_STAGE_FPN = ["retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn"]


@cache
def random_model(name: str):
    """A detector with random weights whose scores spread from 0 to nearly 1, on pictures so small that a run is short.

    Fresh weights would give every class nearly the same score: batch norm gets statistics as training would leave them,
    and the last layers are scaled until their outputs spread.
    """
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = torchvision_detectors.build_model(name)
    if name != "ssdlite320_mobilenet_v3_large":
        model.transform.min_size, model.transform.max_size = (96,), 144
    if name == "fasterrcnn_resnet50_fpn_v2":
        model.rpn._post_nms_top_n["testing"] = 40  # 1000 proposals take ten seconds
    adjust(model, [module for module in model.modules() if hasattr(module, "running_mean")], calm)
    ends = ("cls_logits", "cls_score", *(f"classification_head.module_list.{level}.1" for level in range(6)))
    adjust(model, [module for key, module in model.named_modules() if key.endswith(ends)], spread)
    if name == "fcos_resnet50_fpn":  # or every box would be a point
        torch.nn.init.constant_(model.head.regression_head.bbox_reg.bias, 2.0)
    return model


def adjust(model, modules, measure) -> None:
    """Shows the model a photo, and lets ``measure`` change the modules as it passes through them."""
    photo = torch.from_numpy(load_sample("coffee").pixels).permute(2, 0, 1)[:, ::3, ::3] / 255
    hooks = [measure(module) for module in modules]
    with torch.no_grad():
        model([photo])
    for hook in hooks:
        hook.remove()


def calm(module):
    def measure(module, inputs):
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        if inputs[0][0, 0].numel() < 100:  # too few cells to tell: all channels together
            mean, variance = torch.zeros_like(mean), (inputs[0] ** 2).mean().expand_as(variance)
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)

    return module.register_forward_pre_hook(measure)


def spread(module):
    def measure(module, inputs, output):
        if hasattr(module, "spread"):  # one layer scores all levels: the first decides
            return None
        module.spread = True
        by_sigmoid = isinstance(module, torch.nn.Conv2d) and module.kernel_size == (3, 3)
        factor = (2.0 if by_sigmoid else 1.8) / output.std()
        module.weight.mul_(factor)
        module.bias.fill_(-4.0 if by_sigmoid else 0.0)
        return output * factor

    return module.register_forward_hook(measure)


def owner(model):
    """Where torchvision keeps the thresholds."""
    return getattr(model, "roi_heads", model)


def direct(model, photo: np.ndarray, score_threshold: float, iou_threshold: float) -> dict[str, np.ndarray]:
    """``model(images)`` with the thresholds set, and set back."""
    part = owner(model)
    before = part.score_thresh, part.nms_thresh
    part.score_thresh, part.nms_thresh = score_threshold, iou_threshold
    try:
        with torch.no_grad():
            (answer,) = model([torch.from_numpy(photo).permute(2, 0, 1).contiguous() / 255])
    finally:
        part.score_thresh, part.nms_thresh = before
    return {key: value.numpy() for key, value in answer.items()}


def run(name: str, photo: np.ndarray, score_threshold: float, iou_threshold: float):
    return torchvision_detectors.run_model(
        name, random_model(name), photo, score_threshold=score_threshold, iou_threshold=iou_threshold
    )


def assert_same(output, answer) -> None:
    assert np.array_equal(output.boxes, answer["boxes"])
    assert np.array_equal(output.scores, answer["scores"])
    assert np.array_equal(output.labels, answer["labels"])


def assert_same_but_for_ties(output, answer) -> None:
    """Equal boxes; those of exactly equal score may have changed places, as ``topk`` and ``sort`` do not keep them."""

    def rows(boxes, scores, labels):
        order = np.lexsort([*boxes.T, labels, -scores])
        return np.column_stack([boxes, scores, labels])[order]

    expected = rows(answer["boxes"], answer["scores"], answer["labels"])
    assert np.array_equal(rows(output.boxes, output.scores, output.labels), expected)


@pytest.fixture(scope="module", params=NAMES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(load_sample("motorcycle").pixels[::4, ::4])


# The final result is the model's own


@pytest.mark.parametrize(("score_threshold", "iou_threshold"), [(0.25, 0.5), (0.05, 0.75), (0.5, 0.25), (0.005, 0.5)])
def test_equals_the_model(name, photo, score_threshold, iou_threshold):
    output = run(name, photo, score_threshold, iou_threshold)
    answer = direct(random_model(name), photo, score_threshold, iou_threshold)
    assert len(answer["boxes"]) >= 5  # or the test would say nothing
    assert_same(output, answer)


def test_equals_the_model_at_its_published_thresholds(name, photo):
    part = owner(random_model(name))
    info = next(info for info in torchvision_detectors.list_infos() if info.name == name)
    assert info.iou_threshold == part.nms_thresh
    output = run(name, photo, part.score_thresh, part.nms_thresh)
    assert_same(output, direct(random_model(name), photo, part.score_thresh, part.nms_thresh))


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 140, 3), (140, 7, 3), (64, 64, 3)])
def test_odd_photos(name, shape):
    odd = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert_same(run(name, odd, 0.1, 0.5), direct(random_model(name), odd, 0.1, 0.5))


def test_blank_photo_full_of_ties(name):
    blank = np.full((120, 160, 3), 255, np.uint8)
    output = run(name, blank, 0.1, 0.5)
    assert_same(output, direct(random_model(name), blank, 0.1, 0.5))
    if name == "ssdlite320_mobilenet_v3_large":
        assert len(np.unique(output.candidates.scores)) < len(output.candidates)


def test_nothing_found(name, photo):
    output = run(name, photo, 1.0, 0.5)
    assert len(output) == 0
    assert output.boxes.shape == (0, 4)
    assert len(output.candidates) >= 100


def test_as_torchvision_builds_it_for_official_weights(name, photo, monkeypatch):
    """With ``weights=…`` torchvision uses other norm layers than without: the builder here must follow."""
    mine = random_model(name)
    official = get_model_weights(name)
    monkeypatch.setattr(official, "get_state_dict", lambda self, **options: mine.state_dict())
    theirs = getattr(torchvision_detectors.builders, name)(weights=official.DEFAULT).eval()
    theirs.transform = mine.transform
    if hasattr(mine, "rpn"):
        theirs.rpn._post_nms_top_n = mine.rpn._post_nms_top_n
    assert [type(module) for module in theirs.modules()] == [type(module) for module in mine.modules()]
    assert_same(run(name, photo, 0.25, 0.5), direct(theirs, photo, 0.25, 0.5))


# The road


@contextlib.contextmanager
def without_regression(model):
    """Every box stays on its anchor, every FCOS box on its point."""

    def one_stage(module, inputs, outputs):
        outputs["bbox_regression"].zero_()

    def proposals(module, inputs, outputs):
        return outputs[0], [torch.zeros_like(level) for level in outputs[1]]

    def second_look(module, inputs, outputs):
        return outputs[0], torch.zeros_like(outputs[1])

    if hasattr(model, "head"):
        hooks = [model.head.register_forward_hook(one_stage)]
    else:
        hooks = [
            model.rpn.head.register_forward_hook(proposals),
            model.roi_heads.box_predictor.register_forward_hook(second_look),
        ]
    yield
    for hook in hooks:
        hook.remove()


def test_level_cell_and_anchor_lead_back_to_the_box(name, photo):
    model = random_model(name)
    with without_regression(model):
        candidates = run(name, photo, 0.05, 0.5).candidates
    with torch.no_grad():
        images, _ = model.transform([torch.from_numpy(photo).permute(2, 0, 1) / 255])
        features = list(model.backbone(images.tensors).values())
        generator = getattr(model, "anchor_generator", None) or model.rpn.anchor_generator
        (anchors,) = generator(images, features)
    # anchors_by_cell[level][row, column, anchor]: torchvision lists them in this order
    per_cell = generator.num_anchors_per_location()
    shapes = [(*level.shape[-2:], each) for level, each in zip(features, per_cell, strict=True)]
    parts = anchors.split([height * width * each for height, width, each in shapes])
    by_cell = [part.reshape(*shape, 4) for part, shape in zip(parts, shapes, strict=True)]
    rows, columns = candidates.cells.T
    origin = zip(candidates.levels, rows, columns, candidates.anchors, strict=True)
    expected = torch.stack([by_cell[level][row, column, anchor] for level, row, column, anchor in origin])
    if name.startswith("fcos"):
        expected = ((expected[:, :2] + expected[:, 2:]) / 2).repeat(1, 2)
    scale = np.tile(np.array(photo.shape[1::-1]) / images.image_sizes[0][::-1], 2)
    priors = candidates.priors / scale
    if hasattr(model, "rpn"):  # the box was made from the proposal, and the proposal is the clipped anchor here
        assert np.abs(priors - clip_boxes_to_image(expected, images.image_sizes[0]).numpy()).max() < 1e-3
    elif not name.startswith("fcos"):
        assert np.abs(priors - expected.numpy()).max() < 1e-3
    else:
        assert np.abs((priors[:, :2] + priors[:, 2:]) / 2 - expected.numpy()[:, :2]).max() < 1e-3
        assert set(np.rint(priors[:, 2] - priors[:, 0])) <= {8, 16, 32, 64, 128}  # the strides of P3 … P7
    expected = clip_boxes_to_image(expected, images.image_sizes[0])
    assert np.abs(candidates.nms_boxes - expected.numpy()).max() < 1e-3
    assert len(np.unique(candidates.levels)) >= 2
    assert len(np.unique(candidates.anchors)) > len(candidates.anchor_names) / 2
    assert len(candidates.level_names) == len(features)
    assert np.allclose(candidates.boxes, candidates.nms_boxes * scale, atol=1e-3)


@pytest.mark.parametrize("name_", ONE_STAGE_FPN)
def test_level_and_cell_by_planting_one_object(name_):
    """Raise one score by hand, in a known cell of a known level: the best candidate must name exactly that cell."""
    model = random_model(name_)
    photo_ = np.zeros((96, 128, 3), np.uint8)
    with torch.no_grad():
        images, _ = model.transform([torch.zeros(3, 96, 128)])
        grids = [tuple(level.shape[-2:]) for level in model.backbone(images.tensors).values()]
    num_anchors = model.anchor_generator.num_anchors_per_location()
    level, row, column, anchor, label = 1, 2, 5, num_anchors[1] - 1, 17
    place = num_anchors[0] * grids[0][0] * grids[0][1] + (row * grids[1][1] + column) * num_anchors[1] + anchor

    def plant(module, inputs, outputs):
        outputs["cls_logits"][0, place, label] = 50.0
        if "bbox_ctrness" in outputs:
            outputs["bbox_ctrness"][0, place] = 50.0

    hook = model.head.register_forward_hook(plant)
    try:
        output = run(name_, photo_, 0.5, 0.5)
    finally:
        hook.remove()
    best = output.origins[0]
    found = output.candidates
    assert (found.levels[best], *found.cells[best], found.anchors[best]) == (level, row, column, anchor)
    assert output.labels[0] == label
    assert found.level_names[level] == "P4"


@pytest.mark.parametrize("name_", [name for name in NAMES if name.startswith("faster")])
def test_proposals_are_the_models(name_, photo):
    model = random_model(name_)
    with torch.no_grad():
        images, _ = model.transform([torch.from_numpy(photo).permute(2, 0, 1) / 255])
        features = model.backbone(images.tensors)
        (theirs,), _ = model.rpn(images, features)
        ours, origins = torchvision_detectors._proposals(model.rpn, images, list(features.values()))
    assert torch.equal(ours, theirs)
    assert len(ours) == len(origins.unique()) > 10


def test_fates_add_up(name, photo):
    output = run(name, photo, 0.05, 0.5)
    counts = np.bincount(output.fates, minlength=4)
    assert counts[KEPT] == len(output)
    assert counts.sum() == len(output.candidates)
    assert counts[SUPPRESSED] > 0
    assert counts[BELOW_THRESHOLD] + counts[OVER_LIMIT] >= 0
    assert [stage.name for stage in output.stages][-3:] == ["candidates", "score threshold", "NMS"]
    assert all(stage.seconds >= 0 for stage in output.stages)
    names = [stage.name for stage in output.stages]
    assert names[:2] == ["resize", "backbone"]
    assert ("region proposals" in names) == name.startswith("faster")
    assert ("feature pyramid" in names) == (not name.startswith("ssd"))


# Thresholds act on the recorded candidates


@pytest.mark.parametrize(("score_threshold", "iou_threshold"), [(0.25, 0.75), (0.125, 0.375), (0.75, 0.5)])
def test_refilter_equals_another_run_and_asks_no_model(name, photo, score_threshold, iou_threshold, monkeypatch):
    output = run(name, photo, 0.05, 0.5)
    answer = direct(random_model(name), photo, score_threshold, iou_threshold)
    monkeypatch.setattr(torch.nn.Module, "__call__", None)  # any forward pass is a TypeError
    assert_same_but_for_ties(refilter(output, score_threshold=score_threshold, iou_threshold=iou_threshold), answer)


def test_refilter_below_the_first_threshold(name, photo):
    """Candidates down to the recording floor are kept, so a threshold can be lowered too."""
    output = run(name, photo, 0.5, 0.5)
    assert_same_but_for_ties(
        refilter(output, score_threshold=0.0625, iou_threshold=0.5), direct(random_model(name), photo, 0.0625, 0.5)
    )


def test_the_model_is_only_read(photo):
    """Two threads with different thresholds share one model."""
    name = "ssdlite320_mobilenet_v3_large"
    expected = {threshold: run(name, photo, threshold, 0.5).scores for threshold in (0.05, 0.25)}
    seen = {}

    def work(threshold):
        seen[threshold] = [run(name, photo, threshold, 0.5).scores for _ in range(3)]

    threads = [threading.Thread(target=work, args=(threshold,)) for threshold in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for threshold, scores in expected.items():
        assert all(np.array_equal(one, scores) for one in seen[threshold])


# What is said about the detectors


def test_infos_agree_with_torchvision(name, monkeypatch, tmp_path):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    info = next(info for info in torchvision_detectors.list_infos() if info.name == name)
    weights = get_model_weights(name).DEFAULT
    source = torchvision_detectors.weights_source(name)
    assert source.url == weights.url
    assert source.sha256_prefix == weights.url.rsplit("-", 1)[1].removesuffix(".pth")
    # The file holds four bytes for each parameter, and a little more for buffers and names.
    assert 1.0 < info.download_bytes / (4 * weights.meta["num_params"]) < 1.08
    assert info.num_classes == 80
    assert not info.available
    (tmp_path / source.file_name).write_bytes(b"something")
    info = next(info for info in torchvision_detectors.list_infos() if info.name == name)
    assert info.available


def test_labels_are_cocos(name, photo):
    names = run(name, photo, 0.25, 0.5).label_names
    assert len(names) == 91
    assert (names[0], names[1], names[17]) == ("__background__", "person", "cat")


def test_unknown_names():
    for function in (
        torchvision_detectors.weights_source,
        torchvision_detectors.build_model,
        torchvision_detectors.load,
    ):
        with pytest.raises(DetectionError, match="no detector named 'yolo'"):
            function("yolo")


@pytest.mark.parametrize("photo_", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_bad_photos(photo_):
    with pytest.raises(DetectionError):
        run("ssdlite320_mobilenet_v3_large", photo_, 0.5, 0.5)


# From the server to the boxes


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Random weights on a server of ours, under the name that the official ones would have."""
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    buffer = io.BytesIO()
    torch.save(random_model("ssdlite320_mobilenet_v3_large").state_dict(), buffer)
    with serve_weights() as server:
        source = WeightsSource(server.put("ssdlite320_mobilenet_v3_large_coco", buffer.getvalue()))
        monkeypatch.setattr(torchvision_detectors, "weights_source", lambda name: source)
        yield source


def test_download_check_load_run(published, photo):
    name = "ssdlite320_mobilenet_v3_large"
    with pytest.raises(WeightsError, match="not on this computer yet"):
        detection.run_detector(name, photo, score_threshold=0.25, iou_threshold=0.5)
    path = download_weights(published)
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(published.sha256_prefix)
    assert next(info for info in detection.list_detectors() if info.name == name).available
    output = detection.run_detector(name, photo, score_threshold=0.25, iou_threshold=0.5)
    assert_same(output, direct(random_model(name), photo, 0.25, 0.5))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="is damaged"):
        detection.run_detector(name, photo, score_threshold=0.25, iou_threshold=0.5)


def test_weights_of_another_model_do_not_fit(published):
    download_weights(published)
    with pytest.raises(WeightsError, match="do not fit the model FCOS"):
        torchvision_detectors.load("fcos_resnet50_fpn")
