"""FCOS: targets, losses and decoding against torchvision's, what the necks share, what is loaded from disk."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torchvision.models.detection._utils import BoxLinearCoder
from torchvision.models.detection.fcos import FCOS as TorchvisionFCOS
from torchvision.models.detection.fcos import FCOSHead as TorchvisionHead
from torchvision.ops import FeaturePyramidNetwork, batched_nms

from vizcore.boxes import boxes_to_distances_ltrb, distances_ltrb_to_boxes
from vizcore.models import fcos as module
from vizcore.models.fcos import (
    CENTER_RADIUS,
    FCOS,
    NECKS,
    RANGE_PER_STRIDE,
    STAGE_CHANNELS,
    Detector,
    FCOSConfig,
    HeadOutput,
    SeparateNeck,
    as_input,
    assign_targets,
    candidates,
    cell_scores,
    centerness_target,
    detect,
    detect_on_pyramid,
    detection_losses,
    detections,
    level_points,
    level_sizes,
    load_fcos,
)
from vizcore.seeding import seeded

CONFIGS = [FCOSConfig("fpn", finest=2), FCOSConfig("fpn"), FCOSConfig("separate"), FCOSConfig("top")]
SIZE = (256, 192)


def points_of(config, size=SIZE):
    return level_points(level_sizes(size, config.strides), config.strides)


def random_boxes(count, seed, size=SIZE):
    """Of all sizes, many on top of each other; corners in eighths of a pixel, so that nothing is rounded."""
    generator = np.random.default_rng(seed)
    sides = 2 ** generator.uniform(1, math.log2(min(size)), (count, 2))
    corner = generator.uniform(0, 1, (count, 2)) * (np.array(size[::-1]) - sides)
    boxes = np.concatenate([corner, corner + sides], 1)
    return torch.from_numpy(np.round(boxes * 8) / 8).float()


# -- targets, by torchvision's own matching ----------------------------------------------------------------------------


class _Matches(nn.Module):
    """Stands where torchvision's FCOS has its head, to see which box each point was matched with."""

    def compute_loss(self, targets, head_outputs, anchors, matched_idxs):
        return matched_idxs


def torchvision_matches(config, points, boxes):
    """``FCOS.compute_loss`` up to the matching.

    torchvision measures everything in sides of its square anchors: it takes points within ``center_sampling_radius``
    sides of the centre, and distances of 4 to 8 sides. Ours are 1.5 strides and 1.5 to 3 strides: the same rule with
    anchors of 3/8 of a stride and a radius of 4 sides.
    """
    model = TorchvisionFCOS.__new__(TorchvisionFCOS)
    nn.Module.__init__(model)
    side = RANGE_PER_STRIDE / 8 * points.strides
    model.center_sampling_radius = CENTER_RADIUS * 8 / RANGE_PER_STRIDE
    model.head = _Matches()
    anchors = torch.cat([points.centres - side[:, None] / 2, points.centres + side[:, None] / 2], 1)
    per_level = torch.bincount(points.levels, minlength=len(config.levels)).tolist()
    # In float64: torchvision compares 1e8 − area, which float32 rounds to multiples of 8.
    (matches,) = model.compute_loss([{"boxes": boxes.double()}], {}, [anchors.double()], per_level)
    return matches


@settings(max_examples=60)
@given(st.sampled_from(CONFIGS), st.integers(0, 25), st.integers(0, 10_000))
def test_targets_are_torchvisions(config, count, seed):
    points, boxes = points_of(config), random_boxes(count, seed)
    # Distances are multiples of an eighth, so some lie on a border, which ours counts in and torchvision does not.
    boxes = boxes + torch.tensor([1 / 32, 1 / 32, 1 / 16, 1 / 16])
    assert torch.equal(assign_targets(points, config.ranges, boxes), torchvision_matches(config, points, boxes))


def test_enough_cells_are_matched_to_tell_rules_apart():
    config = FCOSConfig("fpn", finest=2)
    points = points_of(config)
    owners = assign_targets(points, config.ranges, random_boxes(25, 1))
    assert set(points.levels[owners >= 0].tolist()) == {0, 1, 2, 3, 4}
    assert len(owners[owners >= 0].unique()) > 15


def test_targets_by_hand():
    # One level of stride 8, cells in the middles 4, 12, 20, …; a box from 0 to 24 has its centre at 12.
    points = level_points([(4, 4)], (8,))
    box = torch.tensor([[0.0, 0, 24, 24]])
    owners = assign_targets(points, ((0, math.inf),), box).reshape(4, 4)
    # 4 and 20 lie 8 < 12 from the centre: 3 × 3 cells. 28 lies outside.
    expected = torch.full((4, 4), -1)
    expected[:3, :3] = 0
    assert torch.equal(owners, expected)
    # The farthest side of the middle cell is 12 away, of the others 20: a range that ends at 12 leaves the middle.
    owners = assign_targets(points, ((0, 12),), box).reshape(4, 4)
    assert torch.nonzero(owners == 0).tolist() == [[1, 1]]
    assert (assign_targets(points, ((12, 19),), box) == -1).all()


def test_the_smallest_object_wins_whatever_the_order():
    points = level_points([(8, 8)], (8,))
    large, small = [0.0, 0, 72, 72], [30.0, 30, 42, 42]  # both have their centre at 36, the middle of cell 4
    for boxes, winner in (([large, small], 1), ([small, large], 0)):
        owners = assign_targets(points, ((0, math.inf),), torch.tensor(boxes)).reshape(8, 8)
        assert owners[4, 4] == winner
        assert owners[3, 5] == 1 - winner  # 28 and 44 lie beside the small one, 8 from the centre of the large one
    assert (assign_targets(points, ((0, math.inf),), torch.zeros(0, 4)) == -1).all()


@given(st.integers(0, 1000))
def test_every_target_can_be_decoded_and_is_central(seed):
    config = FCOSConfig("fpn")
    points, boxes = points_of(config), random_boxes(12, seed)
    owners = assign_targets(points, config.ranges, boxes)
    chosen = owners >= 0
    matched, centres = boxes[owners[chosen]], points.centres[chosen]
    distances = boxes_to_distances_ltrb(matched, centres)
    assert (distances > 0).all()
    assert torch.equal(distances_ltrb_to_boxes(distances, centres), matched)
    centerness = centerness_target(distances)
    assert ((centerness > 0) & (centerness <= 1)).all()


# -- boxes, centerness and losses --------------------------------------------------------------------------------------


@given(st.integers(0, 1000))
def test_boxes_are_coded_as_torchvision_codes_them(seed):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(30, 2, generator=generator) * 200
    boxes = torch.cat([centres - torch.rand(30, 2, generator=generator) * 50,
                       centres + torch.rand(30, 2, generator=generator) * 50], 1)  # fmt: skip
    anchors = torch.cat([centres - 4, centres + 4], 1)
    coder = BoxLinearCoder(normalize_by_size=True)
    distances = boxes_to_distances_ltrb(boxes, centres)
    assert torch.allclose(distances / 8, coder.encode(anchors, boxes), atol=1e-5)
    assert torch.allclose(distances_ltrb_to_boxes(distances, centres), coder.decode(distances / 8, anchors), atol=1e-4)


def test_centerness_by_hand():
    # min/max is 1/3 along x and 1 along y: √(1/3). In the middle 1, on a side 0, outside 0 (not NaN).
    distances = torch.tensor([[1.0, 2, 3, 2], [2, 2, 2, 2], [0, 1, 4, 1], [-1, 1, 5, 1]])
    assert centerness_target(distances).tolist() == pytest.approx([math.sqrt(1 / 3), 1, 0, 0])


def random_output(config, seed, batch=2):
    generator = torch.Generator().manual_seed(seed)
    count = len(points_of(config).levels)
    return HeadOutput(
        torch.randn(batch, count, config.num_classes, generator=generator),
        torch.rand(batch, count, 4, generator=generator) * 40 + 1,
        torch.randn(batch, count, generator=generator),
    )


def torchvision_losses(config, output, boxes, labels):
    """The losses of torchvision's head, given its own matches and anchors of one stride."""
    points = points_of(config)
    side = points.strides[:, None]
    anchors = torch.cat([points.centres - side / 2, points.centres + side / 2], 1)
    matches = [assign_targets(points, config.ranges, each) for each in boxes]
    head = TorchvisionHead.__new__(TorchvisionHead)
    nn.Module.__init__(head)
    head.box_coder = BoxLinearCoder(normalize_by_size=True)
    outputs = {
        "cls_logits": output.logits,
        "bbox_regression": output.distances / side,
        "bbox_ctrness": output.centerness.unsqueeze(-1),
    }
    targets = [{"boxes": b, "labels": c} for b, c in zip(boxes, labels, strict=True)]
    return head.compute_loss(targets, outputs, [anchors] * len(boxes), matches)


@settings(max_examples=20)
@given(st.sampled_from(CONFIGS), st.integers(0, 1000))
def test_losses_of_class_and_centerness_are_torchvisions(config, seed):
    boxes = [random_boxes(8, seed), random_boxes(3, seed + 1)]
    labels = [torch.arange(len(each)) % config.num_classes for each in boxes]
    output = random_output(config, seed)
    ours = detection_losses(output, points_of(config), config.ranges, boxes, labels)
    theirs = torchvision_losses(config, output, boxes, labels)
    assert ours["class"].item() == pytest.approx(theirs["classification"].item(), rel=1e-4)
    assert ours["centerness"].item() == pytest.approx(theirs["bbox_ctrness"].item(), rel=1e-4)


def test_the_box_loss_is_torchvisions_where_centerness_does_not_weigh(monkeypatch):
    config = FCOSConfig("fpn")
    boxes, labels = [random_boxes(8, 5)], [torch.zeros(8, dtype=torch.int64)]
    output = random_output(config, 5, batch=1)
    weighted = detection_losses(output, points_of(config), config.ranges, boxes, labels)["box"]
    theirs = torchvision_losses(config, output, boxes, labels)["bbox_regression"]
    monkeypatch.setattr(module, "centerness_target", lambda distances: torch.ones_like(distances[..., 0]))
    plain = detection_losses(output, points_of(config), config.ranges, boxes, labels)["box"]
    assert plain.item() == pytest.approx(theirs.item(), rel=1e-4)
    assert weighted.item() != pytest.approx(plain.item(), rel=1e-3)


def test_a_picture_without_objects_has_finite_losses():
    config = FCOSConfig("fpn")
    losses = detection_losses(
        random_output(config, 1, batch=1),
        points_of(config),
        config.ranges,
        [torch.zeros(0, 4)],
        [torch.zeros(0, dtype=torch.int64)],
    )
    assert losses["class"] > 0
    assert losses["box"] == losses["centerness"] == 0


def test_a_perfect_answer_costs_next_to_nothing():
    config = FCOSConfig("fpn")
    points, boxes, labels = points_of(config), random_boxes(6, 3), torch.arange(6)
    owners = assign_targets(points, config.ranges, boxes)
    chosen = owners >= 0
    logits = torch.full((1, len(owners), 6), -20.0)
    logits[0, chosen, labels[owners[chosen]]] = 20
    distances = torch.ones(1, len(owners), 4)
    distances[0, chosen] = boxes_to_distances_ltrb(boxes[owners[chosen]], points.centres[chosen])
    centerness = torch.zeros(1, len(owners))
    centerness[0, chosen] = torch.logit(centerness_target(distances[0, chosen]).clamp(1e-4, 1 - 1e-4))
    losses = detection_losses(HeadOutput(logits, distances, centerness), points, config.ranges, [boxes], [labels])
    assert losses["class"] < 1e-6
    assert losses["box"] == pytest.approx(0, abs=1e-5)
    # Decoding the same answer gives the objects back, each with its class.
    found = candidates(HeadOutput(logits, distances, centerness), points, SIZE, score_threshold=0.01)
    assert {tuple(box) for box in boxes[owners[chosen]].tolist()} == {tuple(box) for box in found.boxes.tolist()}


# -- points and levels -------------------------------------------------------------------------------------------------


def test_points_are_the_middles_of_the_cells():
    points = level_points([(2, 3), (1, 2)], (8, 16))
    assert points.centres.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12], [8, 8], [24, 8]]
    assert points.cells.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [0, 0], [0, 1]]
    assert points.levels.tolist() == [0] * 6 + [1] * 2
    assert points.strides.tolist() == [8] * 6 + [16] * 2


def test_ranges_leave_no_gap():
    for config in CONFIGS:
        assert config.ranges[0][0] == 0
        assert config.ranges[-1][1] == math.inf
        for (_, end), (start, _) in zip(config.ranges, config.ranges[1:], strict=False):
            assert end == start
        assert len(config.ranges) == len(config.levels) == len(config.strides)
    assert FCOSConfig("fpn").levels == ("P3", "P4", "P5", "P6")
    assert FCOSConfig("fpn", finest=2).stages == ("C2", "C3", "C4", "C5")
    assert FCOSConfig("top").levels == ("P5",)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.neck}-{config.finest}")
def test_the_head_answers_cell_by_cell(config):
    """Each level's answers are those of its own maps, in the order of the points."""
    with seeded(0):
        fcos = FCOS(config).eval()
    stages = {
        name: torch.randn(1, channels, SIZE[0] // stride, SIZE[1] // stride, generator=torch.Generator().manual_seed(1))
        for (name, channels), stride in zip(STAGE_CHANNELS.items(), (4, 8, 16, 32), strict=True)
    }
    with torch.inference_mode():
        levels = fcos.levels(stages)
        output = fcos(stages)
    points = points_of(config)
    assert output.logits.shape == (1, len(points.levels), config.num_classes)
    assert (output.distances > 0).all()
    for index, (name, stride) in enumerate(zip(config.levels, config.strides, strict=True)):
        with torch.inference_mode():
            own = fcos.head.level(levels[name], index, stride)
        rows = points.levels == index
        assert torch.equal(output.logits[:, rows], own.logits)
        assert torch.equal(output.distances[:, rows], own.distances)
        maps = own.logits[0].reshape(*levels[name].shape[-2:], config.num_classes)
        row, column = points.cells[rows][-1].tolist()
        assert torch.equal(maps[row, column], output.logits[0, rows][-1])


def test_necks_have_equal_weights_and_unlike_answers():
    """The pathway copies and adds, so (c) and (d) of the paper differ in what they compute and in nothing they hold."""
    channels = [40, 112, 320]
    pyramid, separate = FeaturePyramidNetwork(channels, 96), SeparateNeck(channels, 96)
    assert sum(p.numel() for p in pyramid.parameters()) == sum(p.numel() for p in separate.parameters())
    state = {name.replace(".0.weight", ".weight").replace(".0.bias", ".bias"): value
             for name, value in pyramid.state_dict().items()}  # fmt: skip
    separate.load_state_dict(state)
    stages = {name: torch.randn(1, count, size, size)
              for name, count, size in zip(("C3", "C4", "C5"), channels, (8, 4, 2), strict=True)}  # fmt: skip
    with torch.inference_mode():
        joined, alone = pyramid(stages), separate(stages)
    assert torch.equal(joined["C5"], alone["C5"])
    assert not torch.allclose(joined["C3"], alone["C3"])


@pytest.mark.parametrize("config", [FCOSConfig("pan"), FCOSConfig(finest=1), FCOSConfig(finest=6)])
def test_what_cannot_be_built_is_refused(config):
    with pytest.raises(ValueError, match=", ".join(NECKS)):
        FCOS(config)


def test_the_untrained_detector_expects_one_object_in_a_hundred_cells():
    with seeded(0):
        head = FCOS(FCOSConfig()).head
    assert torch.allclose(head.class_logits.bias.sigmoid(), torch.tensor(0.01))


# -- from answers to boxes ---------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([0.05, 0.5, 0.8]), st.sampled_from([0, 150]), st.sampled_from([200, 1000]))
def test_candidates_are_the_best_cells(seed, threshold, least, most):
    config = FCOSConfig("fpn")
    output, points = random_output(config, seed, batch=1), points_of(config)
    found = candidates(output, points, SIZE, score_threshold=threshold, least=least, most=most)
    scores = (output.logits.sigmoid() * output.centerness.sigmoid()[..., None]).sqrt()[0]
    assert torch.equal(scores, cell_scores(output)[0])
    ordered = scores.flatten().sort(descending=True).values
    number = min(max(int((ordered > threshold).sum()), least), most)
    assert torch.equal(found.scores, ordered[:number])
    assert torch.equal(found.scores, scores[found.cells, found.labels])
    x, y = points.centres[found.cells].T
    left, top, right, bottom = output.distances[0, found.cells].T
    boxes = torch.stack([(x - left).clamp(0, 192), (y - top).clamp(0, 256),
                         (x + right).clamp(0, 192), (y + bottom).clamp(0, 256)], 1)  # fmt: skip
    assert torch.equal(found.boxes, boxes)


def test_final_boxes_are_what_nms_leaves():
    config = FCOSConfig("fpn")
    output, points = random_output(config, 3, batch=1), points_of(config)
    found = candidates(output, points, SIZE, score_threshold=0.4)
    final = detections(output, points, SIZE, score_threshold=0.4, iou_threshold=0.3, most=7)
    keep = batched_nms(found.boxes, found.scores, found.labels, 0.3)
    assert len(keep) > 7 == len(final.boxes)
    assert torch.equal(final.boxes, found.boxes[keep[:7]])
    assert torch.equal(final.cells, found.cells[keep[:7]])


def test_input_is_padded_at_the_right_and_below_with_the_mean():
    pixels = torch.full((1, 70, 130, 3), 255, dtype=torch.uint8)
    x = as_input(pixels)
    assert x.shape == (1, 3, 128, 192)
    assert torch.allclose(x[:, :, :70, :130], torch.ones(1, 3, 70, 130))
    assert not x[:, :, 70:].any()
    assert not x[:, :, :, 130:].any()
    assert as_input(torch.zeros(1, 128, 64, 3, dtype=torch.uint8)).shape == (1, 3, 128, 64)


@pytest.fixture(scope="module")
def top():
    with seeded(2):
        fcos = FCOS(FCOSConfig("top", channels=16, num_convs=1))
        nn.init.normal_(fcos.head.class_logits.weight, std=0.5)
    return Detector(fcos)


def test_a_detector_holds_still(top):
    assert not top.training
    assert not any(parameter.requires_grad for parameter in top.parameters())
    assert not any(layer.training for layer in top.modules())


def test_a_pyramid_of_the_picture_is_asked_size_by_size(top):
    pixels = torch.randint(0, 256, (64, 96, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    found = detect_on_pyramid(top, pixels, iou_threshold=1.0, most=10_000)
    assert (found.scores.diff() <= 0).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] <= torch.tensor([96, 64])).all()
    # Each size speaks for objects it knows at that size: at ×4 those below 200 / 4 = 50, at ×1 those above 24.
    sizes = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(1).sqrt()
    assert (sizes > 0).all()
    own = detect(top, pixels, iou_threshold=1.0, most=10_000)
    own_sizes = (own.boxes[:, 2:] - own.boxes[:, :2]).prod(1).sqrt()
    above = {tuple(box) for box in own.boxes[own_sizes > 100].tolist()}
    assert above <= {tuple(box) for box in found.boxes.tolist()}  # only the picture's own size sees those


# -- weights on disk ---------------------------------------------------------------------------------------------------


def test_what_was_saved_is_loaded(tmp_path, monkeypatch):
    config = replace(FCOSConfig("fpn"), channels=16, num_convs=1)
    with seeded(4):
        fcos = FCOS(config)
    halves = {name: value.half().contiguous() for name, value in fcos.state_dict().items()}
    save_file(halves, tmp_path / "fcos_small.safetensors", metadata={"config": json.dumps(asdict(config))})
    monkeypatch.setattr(module, "WEIGHTS_FOLDER", tmp_path)
    detector = load_fcos("fcos_small")
    assert detector.fcos.config == config
    for name, value in detector.fcos.state_dict().items():
        assert value.dtype == fcos.state_dict()[name].dtype
        assert torch.equal(value, halves[name].to(value.dtype))


@pytest.mark.parametrize("name", ["fcos_absent", "../secrets", "", "FCOS", "a.b"])
def test_a_name_that_is_no_shipped_detector(name):
    with pytest.raises(ValueError, match="was shipped"):
        load_fcos(name)
