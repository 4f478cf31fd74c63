"""MTCNN against numbers of the package that its weights come with, and the record of the cascade.

``mtcnn_reference.npz`` holds what mtcnn 1.0.0 on TensorFlow 2.21 says of the astronaut: P-Net's map of the photo at an
eighth, what R-Net and O-Net say of five given boxes, two of the crops that it makes of them, and the faces.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, nms

from vizcore import detection
from vizcore.data.photos import load_sample
from vizcore.detection import faces
from vizcore.image_pyramid import mtcnn as cascade
from vizcore.image_pyramid import mtcnn_scales, trace_mtcnn
from vizcore.models.mtcnn import MTCNNWeightsError, load_mtcnn, weights_folder


@pytest.fixture(scope="module")
def model():
    return load_mtcnn()


@pytest.fixture(scope="module")
def reference():
    return dict(np.load(Path(__file__).parent / "mtcnn_reference.npz"))


@pytest.fixture(scope="module")
def trace(model):
    return trace_mtcnn(model, load_sample("astronaut").pixels)


def as_input(pixels):
    return cascade.normalise(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None])


def test_pnet_says_what_the_package_says(model, reference):
    eighth = as_input(load_sample("astronaut").pixels).unfold(2, 8, 8).unfold(3, 8, 8).mean((4, 5))
    found, shifts = model.pnet(eighth)
    assert found[0].numpy() == pytest.approx(reference["pnet_faces"], abs=1e-4)
    assert shifts[0].permute(1, 2, 0).numpy() == pytest.approx(reference["pnet_shifts"], abs=1e-4)
    assert found.max() > 0.99  # the face is there


def test_crops_are_those_of_the_package(reference):
    crops = cascade.crop(as_input(load_sample("astronaut").pixels), torch.from_numpy(reference["boxes"]), 24)
    inner = crops[4].permute(1, 2, 0).numpy()  # a box between pixels
    assert inner == pytest.approx(reference["crops"][1], abs=1e-3)
    beyond = crops[2].permute(1, 2, 0).numpy()  # a box over the photo's corner
    assert beyond[10:, 10:] == pytest.approx(reference["crops"][0][10:, 10:], abs=1e-3)
    assert np.all(beyond[:3, :3] == 0)


def test_rnet_and_onet_say_what_the_package_says(model, reference):
    picture, boxes = as_input(load_sample("astronaut").pixels), torch.from_numpy(reference["boxes"])
    within = [0, 1, 4]  # beyond the photo's edge the package's crops have a sharper border
    scores, shifts = model.rnet(cascade.crop(picture, boxes, 24))
    assert scores[within].numpy() == pytest.approx(reference["rnet_scores"][within], abs=1e-4)
    assert shifts[within].numpy() == pytest.approx(reference["rnet_shifts"][within], abs=1e-4)
    scores, shifts, points = model.onet(cascade.crop(picture, boxes, 48))
    assert scores[within].numpy() == pytest.approx(reference["onet_scores"][within], abs=1e-4)
    assert shifts[within].numpy() == pytest.approx(reference["onet_shifts"][within], abs=1e-4)
    placed = points * cascade._sides(boxes)[:, None] + boxes[:, None, :2] - 1
    theirs = reference["landmarks"].reshape(-1, 2, 5).transpose(0, 2, 1)
    assert placed[within].numpy() == pytest.approx(theirs[within], abs=0.02)


def test_the_face_is_where_the_package_finds_it(trace, reference):
    (face,) = reference["faces"]
    assert len(trace.keep) == 1
    overlap = box_iou(torch.from_numpy(trace.boxes), torch.tensor(face[None, 1:5]))
    assert overlap.item() > 0.85  # other proposals lead there
    assert trace.scores[0] == pytest.approx(face[5], abs=0.001)
    theirs = face[6:].reshape(2, 5).T
    # Pixels, of a face 83 wide: O-Net looked at another square round it (its own answers agree to 0.0001 above).
    assert np.abs(trace.landmarks[trace.keep[0]] - theirs).max() < 2


def test_scales_end_where_no_window_fits():
    # 12/20 of 100 pixels are 60; 60 · 0.709^k is at least 12 up to k = 4 (15.2), and 10.7 at k = 5.
    assert mtcnn_scales(100, 300) == pytest.approx(0.6 * 0.709 ** np.arange(5))
    assert mtcnn_scales(20, 20).tolist() == [0.6]
    assert mtcnn_scales(19, 500).shape == (0,)
    assert mtcnn_scales(480, 640, min_size=40, factor=0.5) == pytest.approx([0.3, 0.15, 0.075, 0.0375])
    for wrong in ({"min_size": 0}, {"factor": 1.0}, {"factor": 0}):
        with pytest.raises(ValueError, match="min_size must be above 0"):
            mtcnn_scales(100, 100, **wrong)


def test_every_stage_is_recorded(trace):
    photo = load_sample("astronaut").pixels
    assert [level.scale for level in trace.levels] == mtcnn_scales(512, 512).tolist()
    for level in trace.levels:
        high, wide = level.pixels.shape[:2]
        assert high == int(np.ceil(512 * level.scale))
        # Windows of 12 pixels at stride 2, where the pooling rounds up.
        assert level.faces.shape == tuple((-(-(side - 2) // 2)) - 4 for side in (high, wide))
        assert level.num_passed == (level.faces > 0.6).sum() >= len(level.scores)
        assert level.faces[level.cells[:, 0], level.cells[:, 1]] == pytest.approx(level.scores)
        assert np.all(np.diff(level.scores) <= 0)
        kept = torch.from_numpy(level.boxes)
        assert len(kept) < 2 or box_iou(kept, kept).triu(1).max() <= 0.5
    assert photo.shape[:2] == trace.image_size
    sides = trace.proposals[:, 2:] - trace.proposals[:, :2]
    assert sides[:, 0] == pytest.approx(sides[:, 1], rel=1e-4)
    assert np.all(trace.rnet_scores[trace.refined] > 0.7)
    left = torch.from_numpy(trace.rnet_boxes), torch.from_numpy(trace.rnet_scores)
    (passed,) = np.nonzero(trace.rnet_scores > 0.7)
    assert trace.refined.tolist() == passed[nms(left[0][passed], left[1][passed], 0.7).numpy()].tolist()
    assert len(trace.onet_scores) == len(trace.landmarks) == len(trace.refined)
    assert set(trace.seconds) == {"pyramid", "P-Net", "NMS", "R-Net", "O-Net"}


def test_a_face_leads_back_to_its_window(trace):
    proposal = int(trace.refined[trace.keep[0]])
    level = trace.levels[int(trace.proposal_levels[proposal])]
    row, column = trace.proposal_cells[proposal]
    assert level.faces[row, column] == pytest.approx(trace.proposal_scores[proposal])
    x1, y1, x2, y2 = trace.window(proposal)
    assert x2 - x1 == pytest.approx(12 / level.scale)
    assert y1 == pytest.approx(2 * row / level.scale)
    # The window lies on the face.
    left, top, right, bottom = trace.boxes[0]
    assert left < (x1 + x2) / 2 < right
    assert top < (y1 + y2) / 2 < bottom


def test_a_face_in_a_face_goes_though_its_iou_is_small():
    boxes = torch.tensor([[0.0, 0, 100, 100], [20, 20, 60, 60], [200, 0, 260, 60]])
    assert box_iou(boxes[:1], boxes[1:2]).item() == pytest.approx(0.16)
    assert cascade._keep_largest_overlap(boxes, torch.tensor([0.9, 0.95, 0.5]), 0.4).tolist() == [1, 2]


@pytest.mark.parametrize("size", [(1, 1), (19, 400), (21, 20), (40, 1000)])
def test_photos_without_faces_and_too_small_ones(model, size):
    trace = trace_mtcnn(model, np.full((*size, 3), 128, np.uint8))
    assert trace.boxes.shape == (0, 4)
    assert trace.num_windows >= 0
    output = faces.output_of(trace, score_threshold=0.5, iou_threshold=0.5)
    assert len(output) == 0


def test_the_detector_answers_as_the_others():
    info = next(info for info in detection.list_detectors() if info.name == "mtcnn")
    output = detection.run_detector(
        "mtcnn",
        load_sample("astronaut").pixels,
        score_threshold=info.score_threshold,
        iou_threshold=info.iou_threshold,
    )
    assert [output.label_names[label] for label in output.labels] == ["face"]
    assert output.candidates.points.shape == (len(output.candidates), 5, 2)
    names = [stage.name for stage in output.stages]
    assert names[:2] == ["image pyramid", "P-Net"]
    counts = [stage.count for stage in output.stages[1:]]
    assert counts == sorted(counts, reverse=True)  # a funnel
    found = output.candidates
    assert found.priors.shape == found.boxes.shape
    left, top, right, bottom = output.boxes[0]
    points = found.points[output.origins[0]]
    assert np.all((points > [left, top]) & (points < [right, bottom]))
    assert points[0, 0] < points[1, 0]  # the left eye lies left
    assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()  # eyes, nose, mouth


def test_large_photos_are_searched_from_larger_faces_on():
    assert faces.smallest_face((300, 400)) == 20
    assert faces.smallest_face((960, 1280)) == 40


def test_only_the_files_that_were_checked_are_read(tmp_path):
    for path in weights_folder().glob("*.lz4"):
        shutil.copy(path, tmp_path)
    load_mtcnn(tmp_path)
    data = bytearray((tmp_path / "rnet.lz4").read_bytes())
    data[5000] ^= 1
    (tmp_path / "rnet.lz4").write_bytes(data)
    with pytest.raises(MTCNNWeightsError, match=r"rnet\.lz4 is not the file"):
        load_mtcnn(tmp_path)
    (tmp_path / "rnet.lz4").unlink()
    with pytest.raises(MTCNNWeightsError, match=r"rnet\.lz4 cannot be read"):
        load_mtcnn(tmp_path)


def test_neither_the_package_nor_a_pickle_is_run():
    program = (
        "import sys, pickle\n"
        "pickle.Unpickler = pickle.loads = pickle.load = None\n"
        "from vizcore.models.mtcnn import load_mtcnn\n"
        "load_mtcnn()\n"
        "print([name for name in ('mtcnn', 'tensorflow', 'joblib') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
