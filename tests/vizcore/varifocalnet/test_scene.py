"""The concept on a scene: cells as FCOS says them, and both rules and the star on a picture of a size."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.javascript import run_modules
from vizcore.data.scenes import draw_scene
from vizcore.models.fcos import FCOSConfig, as_input, assign_targets, level_points, level_sizes
from vizcore.models.vfnet import VFNet, VFNetConfig, VFNetDetector, detections
from vizcore.varifocalnet import (
    Ranked,
    VarifocalNetError,
    ask_vfnet,
    assign_atss,
    assignment_on,
    compile_rules,
    join_ranked,
    rank,
    refine,
    star_on,
    trace_refinement,
)

CONFIG, SIZE = FCOSConfig(finest=2, channels=64), (256, 320)


def points():
    return level_points(level_sizes(SIZE, CONFIG.strides), CONFIG.strides)


@pytest.mark.parametrize("box", [(30.0, 40.0, 95.0, 99.0), (10.0, 12.0, 22.0, 21.0), (5.0, 5.0, 300.0, 240.0)])
def test_an_assignment_holds_both_rules(box):
    trace = assignment_on(CONFIG, SIZE, box)
    boxes = torch.tensor([box])
    assert trace.atss.tolist() == (assign_atss(points(), boxes) == 0).nonzero()[:, 0].tolist()
    assert trace.fcos.tolist() == (assign_targets(points(), CONFIG.ranges, boxes) == 0).nonzero()[:, 0].tolist()
    assert len(trace.candidates) == 9 * len(CONFIG.levels)
    assert (trace.ious[np.isin(trace.candidates, trace.atss)] >= trace.threshold).all()


def test_a_star_has_its_corners_on_the_box():
    box = (30.0, 40.0, 95.0, 99.0)
    star = star_on(CONFIG, SIZE, box)
    np.testing.assert_allclose(star.points[[0, 2, 6, 8]], [[30, 40], [95, 40], [30, 99], [95, 99]], atol=1e-4)
    np.testing.assert_allclose(star.grid + star.offsets * star.stride, star.points, atol=1e-4)


def test_a_box_without_a_cell_is_told():
    with pytest.raises(VarifocalNetError, match="no width"):
        star_on(CONFIG, SIZE, (10, 10, 10, 30))
    with pytest.raises(VarifocalNetError, match="No level has a cell"):
        star_on(CONFIG, SIZE, (0.0, 0.0, 1.0, 1.0))
    with pytest.raises(VarifocalNetError, match="at least one candidate"):
        assignment_on(CONFIG, SIZE, (10, 10, 30, 30), top_k=0)


def test_joined_candidates_are_those_of_all_pictures_in_order():
    parts = [
        Ranked(
            np.full((n, 4), n, np.float32), np.full(n, 0.5, np.float32), np.zeros(n, np.int64), np.ones(n, np.float32)
        )
        for n in (2, 3)
    ]
    joined = join_ranked(parts)
    assert joined.boxes[:, 0].tolist() == [2, 2, 3, 3, 3]
    assert len(joined.scores) == len(joined.labels) == len(joined.ious) == 5


def test_under_the_hand_both_rules_and_the_star_are_torchs():
    generator = np.random.default_rng(5)
    starts = generator.integers(0, 200, (60, 2))
    boxes = np.hstack([starts, starts + generator.integers(6, 120, (60, 2))])
    boxes[:, [2, 3]] = np.minimum(boxes[:, [2, 3]], [SIZE[1], SIZE[0]])
    ranges = zip(CONFIG.levels, CONFIG.strides, CONFIG.ranges, strict=True)
    levels = [
        {"name": name, "stride": stride, "low": low, "high": None if high == float("inf") else high}
        for name, stride, (low, high) in ranges
    ]
    given = {"boxes": boxes.tolist(), "levels": levels, "size": SIZE, "source": compile_rules().replace("export ", "")}
    body = """
        const { boxes, levels, size, source } = JSON.parse(new TextDecoder().decode(inputs[0]));
        const program = new Function(`${source}; return { owned, candidate };`)();
        const place = ({ x, y, level }) => [x, y, level.stride];
        return boxes.map((box) => {
            const atss = assignAtss(program, box, levels, size, { topK: 9, tile: 4 });
            const star = starOf(program, box, levels, size);
            return {
                threshold: atss.threshold,
                atss: atss.candidates.filter((cell) => cell.positive).map(place),
                fcos: ownedCells(program, box, levels, size).map(place),
                points: star && star.points,
            };
        });
    """
    modules = {"varifocalnet/rules.js": "assignAtss, ownedCells, starOf"}
    stars = 0
    for box, said in zip(boxes.tolist(), run_modules(modules, body, json.dumps(given).encode()), strict=True):
        trace = assignment_on(CONFIG, SIZE, box)
        assert said["threshold"] == pytest.approx(trace.threshold, abs=1e-5)
        for rule in ("atss", "fcos"):
            cells = getattr(trace, rule)
            wanted = np.column_stack([trace.centres[cells], trace.strides[cells]]).tolist()
            assert sorted(said[rule]) == sorted(wanted), (rule, box)
        if said["points"] is None:
            with pytest.raises(VarifocalNetError, match="No level"):
                star_on(CONFIG, SIZE, box)
        elif len(trace.fcos):
            found = star_on(CONFIG, SIZE, box).points
            # Of cells equally near to the centre either may be taken; the corners are the box's all the same.
            np.testing.assert_allclose(np.asarray(said["points"])[[0, 2, 6, 8]], found[[0, 2, 6, 8]], atol=1e-3)
            stars += 1
    assert stars > 40


def random_detector(*, star: bool, score: str = "iou") -> VFNetDetector:
    """Whose scores spread, so that there are detections."""
    torch.manual_seed(0)
    network = VFNet(VFNetConfig(score, star=star, channels=8))
    torch.nn.init.normal_(network.head.class_logits.weight, std=1.0)
    return VFNetDetector(network)


@pytest.mark.parametrize("score", ["iou", "class"])
def test_the_cells_rank_as_the_detector_does(score):
    drawn, detector = draw_scene("validation", 0, size=256), random_detector(star=False, score=score)
    cells = ask_vfnet(detector, drawn.pixels, drawn.boxes, drawn.labels)
    config = detector.vfnet.config.fcos
    points = level_points(level_sizes((256, 256), config.strides), config.strides)
    with torch.inference_mode():
        best = detections(detector(as_input(torch.from_numpy(drawn.pixels)[None])), points, (256, 256))
    ranked = rank(cells, "cls_ctr" if score == "class" else "iacs")
    assert len(ranked.scores) > 10
    np.testing.assert_allclose(ranked.scores, best.scores, atol=1e-6)
    np.testing.assert_allclose(ranked.boxes, best.boxes, atol=1e-3)
    np.testing.assert_array_equal(cells.owners, assign_atss(points, torch.from_numpy(drawn.boxes)))


def test_a_refinement_is_the_same_cells_box_before_and_after():
    drawn, detector = draw_scene("validation", 0, size=256), random_detector(star=True)
    config = detector.vfnet.config.fcos
    points = level_points(level_sizes((256, 256), config.strides), config.strides)
    with torch.inference_mode():
        output = detector(as_input(torch.from_numpy(drawn.pixels)[None]))
        best = detections(output, points, (256, 256), score_threshold=0.05)
    # Objects where this network has boxes: its five surest, as truth.
    truth, labels = best.boxes[:5].numpy(), best.labels[:5].numpy()
    found = trace_refinement(detector, drawn.pixels, truth, labels, score_threshold=0.05)
    assert found.targets.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found.scores[0], best.scores[0])
    np.testing.assert_array_equal(found.final[0], truth[0])
    assert found.final_ious[0] == 1
    cell = best.cells[:1]
    again = refine(points.centres[cell], output.first[0, cell], torch.from_numpy(found.factors[:1]))
    np.testing.assert_allclose(again.clamp(0, 256).numpy(), found.final[:1], atol=1e-2)
    first = np.abs(found.first - found.final).max()
    assert first > 0.01  # it is another box
    wrong = trace_refinement(detector, drawn.pixels, truth, (labels + 1) % 6, score_threshold=0.05, iou_threshold=0.999)
    assert 0 not in wrong.targets  # a box of another class finds nothing


def test_without_a_star_nothing_is_refined():
    drawn = draw_scene("validation", 0, size=256)
    with pytest.raises(VarifocalNetError, match="no star"):
        trace_refinement(random_detector(star=False), drawn.pixels, drawn.boxes, drawn.labels)
