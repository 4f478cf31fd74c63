"""DETR as a detector: every sure query is a box, and the authors' file is an offer as the others are."""

import hashlib
import io

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms, clip_boxes_to_image

from tests.vizcore.detr.detectors import paper_detector, small_detector
from tests.weights_server import serve_weights
from vizcore import detection, detr
from vizcore.data.photos import load_sample
from vizcore.data.scenes import draw_scene
from vizcore.detection import set_detectors
from vizcore.detection.output import DetectionError
from vizcore.models.detr import DETR
from vizcore.seeding import seeded
from vizcore.weights import WeightsError, WeightsSource, download_weights


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return draw_scene("validation", 5).pixels


def run(name: str, photo: np.ndarray, **thresholds: float) -> detection.DetectorOutput:
    network = small_detector() if name == "detr_lite0" else paper_detector()
    if name == "detr_resnet50":
        trace = detr.trace_detr(network, photo, attention=False)
        return set_detectors.output_of(trace, name, **thresholds)
    return detection.run_detector(set_detectors.as_detector(name, network), photo, **thresholds)


@pytest.mark.parametrize("name", ["detr_lite0", "detr_resnet50"])
def test_every_sure_query_is_a_box(name, photo):
    network = small_detector() if name == "detr_lite0" else paper_detector()
    trace = detr.trace_detr(network, photo, attention=False)
    threshold = float(np.median(trace.scores[-1]))
    output = run(name, photo, score_threshold=threshold, iou_threshold=1.0)
    assert set(output.origins.tolist()) == set(trace.found(threshold).tolist())
    expected = clip_boxes_to_image(torch.from_numpy(trace.boxes[-1][output.origins]), trace.image_size)
    np.testing.assert_allclose(output.boxes, expected.numpy(), rtol=1e-4, atol=1e-3)
    assert len(output.candidates) == trace.num_queries
    assert output.count_fate("suppressed") == 0
    assert output.candidates.anchors.tolist() == list(range(trace.num_queries))


def test_a_suppression_can_be_tried(photo):
    output = run("detr_lite0", photo, score_threshold=0.0, iou_threshold=0.3)
    boxes, scores, labels = (
        torch.from_numpy(getattr(output.candidates, name)) for name in ("boxes", "scores", "labels")
    )
    keep = batched_nms(boxes, scores, labels, 0.3)
    assert output.origins.tolist() == keep.tolist()
    assert output.count_fate("suppressed") > 0


def test_the_road(photo):
    output = run("detr_lite0", photo, score_threshold=0.5, iou_threshold=1.0)
    assert [stage.name for stage in output.stages] == ["backbone", "encoder", "decoder", "score threshold", "NMS"]
    assert output.stages[1].count == 1024
    assert output.stages[2].count == 50
    assert output.candidates.priors.shape == (50, 4)
    assert run("detr_resnet50", photo, score_threshold=0.5).candidates.priors is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (16, 16, 3), (20, 400, 3)])
def test_odd_photos(shape):
    odd = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    output = run("detr_lite0", odd, score_threshold=0.0, iou_threshold=1.0)
    assert np.all(output.boxes >= 0)
    assert np.all(output.boxes <= np.array([shape[1], shape[0]] * 2) + 1e-3)


# -- the offer ---------------------------------------------------------------------------------------------------------


def test_what_is_said_of_the_authors_network(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    info = next(info for info in detection.list_detectors() if info.name == "detr_resnet50")
    source = detection.weights_source("detr_resnet50")
    assert not info.available
    assert source.url.startswith("https://")
    assert source.sha256_prefix == "e632da11"
    # Four bytes for each parameter, and a little more for buffers and names.
    assert 1.0 < info.download_bytes / (4 * 41_524_768) < 1.02
    assert info.num_classes == 80
    assert info.family == "set prediction"
    (tmp_path / source.file_name).write_bytes(b"something")
    assert next(info for info in detection.list_detectors() if info.name == "detr_resnet50").available


def test_the_small_one_is_offered_only_where_its_file_is(monkeypatch, tmp_path):
    monkeypatch.setattr(set_detectors, "FILE", tmp_path / "detr.safetensors")
    assert [info.name for info in set_detectors.list_infos()] == ["detr_resnet50"]
    (tmp_path / "detr.safetensors").touch()
    small, _ = set_detectors.list_infos()
    assert (small.name, small.available, small.download_bytes) == ("detr_lite0", True, 0)


@pytest.mark.parametrize("name", ["yolo", "detr_lite0"])
def test_nothing_to_download(name):
    with pytest.raises(DetectionError, match=f"no detector named '{name}'"):
        set_detectors.weights_source(name)


def test_every_offer_has_a_source():
    for info in detection.list_detectors():
        if info.download_bytes:
            assert detection.weights_source(info.name).num_bytes == info.download_bytes
        else:
            with pytest.raises(DetectionError, match="no detector named"):
                detection.weights_source(info.name)


# -- from the server to the boxes --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released() -> dict[str, torch.Tensor]:
    """Random weights, as many and as large as the released ones."""
    with seeded(1):
        return DETR().state_dict()


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Puts a state on a server of ours, in the form and under the name that the official one would have."""
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve_weights() as server:

        def put(state: dict[str, torch.Tensor]) -> WeightsSource:
            buffer = io.BytesIO()
            torch.save({"model": state}, buffer)
            source = WeightsSource(server.put("detr-r50", buffer.getvalue()))
            monkeypatch.setattr(detr, "OFFICIAL", source)
            return source

        yield put


def test_download_check_load_run(publish, released):
    source = publish(released)
    photo = load_sample("coffee").pixels[::6, ::6]
    with pytest.raises(WeightsError, match="not on this computer yet"):
        detection.run_detector("detr_resnet50", photo, score_threshold=0.0, iou_threshold=1.0)
    path = download_weights(source)
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(source.sha256_prefix)
    output = detection.run_detector("detr_resnet50", photo, score_threshold=0.0, iou_threshold=1.0)
    network = DETR()
    network.load_state_dict(released)
    trace = detr.trace_detr(network.eval(), photo, attention=False)
    np.testing.assert_allclose(output.candidates.scores, trace.scores[-1], rtol=1e-4, atol=1e-5)
    assert output.label_names[17] == "cat"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="is damaged"):
        detection.run_detector("detr_resnet50", photo, score_threshold=0.0, iou_threshold=1.0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda state: {name: value for name, value in state.items() if not name.startswith("query")},
            "they lack query_embed.weight of the shape [100, 256].",
        ),
        (
            lambda state: state | {"class_embed.weight": torch.zeros(251, 256)},
            "they lack class_embed.weight of the shape [92, 256].",
        ),
    ],
)
def test_a_file_of_another_model_is_told_what_it_lacks(publish, released, change, sentence):
    source = publish(change(released))
    download_weights(source)
    with pytest.raises(WeightsError) as caught:
        set_detectors.load("detr_resnet50")
    assert str(caught.value) == f"The weights in {source.file_name} are not those of DETR · ResNet-50: {sentence}"


def test_a_file_with_more_than_it_takes_loads(publish, released):
    """The authors' panoptic file holds a mask head besides."""
    download_weights(publish(released | {"mask_head.lay1.weight": torch.zeros(2)}))
    assert set_detectors.load("detr_resnet50").info.name == "detr_resnet50"
