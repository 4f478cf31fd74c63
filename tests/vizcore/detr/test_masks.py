"""The masks of all queries: as the head draws them, merged at every threshold, and paired with the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scripts import run_script
from vizcore import detr
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.data.script import write_scene
from vizcore.detr import masks
from vizcore.models.detr import DETR, SMALL, Detector, fit_photo, join_stages, load_detr
from vizcore.models.detr_masks import MaskHead, draw_masks, load_mask_head
from vizcore.packing import unpack
from vizcore.seeding import seeded

TINY = replace(
    SMALL, channels=32, num_heads=2, feedforward=32, num_queries=12, num_encoder_layers=1, num_decoder_layers=2
)


@pytest.fixture(scope="module")
def detector() -> Detector:
    with seeded(0):
        return Detector(DETR(TINY))


@pytest.fixture(scope="module")
def head() -> MaskHead:
    with seeded(1):
        return MaskHead(TINY).eval().requires_grad_(False)


def random_photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(512, 512), (16, 16), (20, 400), (333, 201)])
def test_every_query_is_drawn_as_the_head_draws_it(detector: Detector, head: MaskHead, size: tuple[int, int]) -> None:
    """Held to the detector's own pass over the photo, with all masks drawn and cut by hand."""
    photo = random_photo(*size)
    found = detr.run_masks(head, detector, detr.trace_detr(detector, photo), photo)
    fitted = fit_photo(torch.from_numpy(photo))
    stages = detector.backbone.stage_features(fitted.x)
    features = join_stages(stages)
    output = detector.detr.answers(features, fitted.padding)
    drawn = draw_masks(
        head,
        detector.detr,
        output,
        features,
        [stages["C3"], stages["C2"]],
        queries=range(TINY.num_queries),
        padding=fitted.padding,
    )
    assert found.image_size == size
    assert max(found.size) == 512
    rows, columns = found.mask_logits.shape[1:]
    assert 0 <= 4 * rows - found.size[0] < 4
    assert 0 <= 4 * columns - found.size[1] < 4
    np.testing.assert_allclose(found.mask_logits, drawn[:, :rows, :columns], atol=masks.MASK_STEP)
    steps = found.mask_logits / masks.MASK_STEP
    assert np.array_equal(steps, np.rint(steps))
    probabilities = output.logits[-1, 0].softmax(-1)
    np.testing.assert_allclose(found.scores, probabilities[:, :-1].amax(-1), atol=1e-5)
    merged = detr.merge_output(found, keep_threshold=0.0)
    assert merged.owner.shape == found.size


def random_masks(seed: int, *, num_queries: int = 9, size: tuple[int, int] = (42, 27)) -> masks.MaskOutput:
    """Blobs of every size, some of only a few pixels, some with equal values."""
    rng = np.random.default_rng(seed)
    rows, columns = (-(-side // 4) for side in size)
    y, x = np.mgrid[:rows, :columns]
    centre = rng.uniform(0, 1, (num_queries, 2)) * (rows, columns)
    radius = rng.choice([0.4, 0.7, 2.0, 5.0], num_queries)
    away = np.hypot(y - centre[:, 0, None, None], x - centre[:, 1, None, None])
    blobs = np.rint(8 * (radius[:, None, None] - away)) / 8
    logits = torch.from_numpy(rng.normal(0, 2, (num_queries, 4))).float().log_softmax(-1)
    scores, labels = logits.softmax(-1)[:, :-1].max(-1)
    return masks.MaskOutput(
        size, size, blobs.clip(-31, 31).astype(np.float32), logits.numpy(), scores.numpy(), labels.numpy(), 0.0
    )


@pytest.mark.parametrize("seed", range(8))
def test_merging_is_merge_masks_at_every_threshold(seed: int) -> None:
    output = random_masks(seed)
    full = masks.enlarge_masks(output)
    for threshold in (0.0, *np.sort(output.scores)[:-1].tolist(), 0.999):
        found = detr.merge_output(output, keep_threshold=threshold)
        plain = detr.merge_masks(full, torch.from_numpy(output.logits), keep_threshold=threshold)
        for name in ("owner", "queries", "labels", "scores", "areas", "dropped"):
            np.testing.assert_array_equal(getattr(found, name), getattr(plain, name), err_msg=name)


def test_masks_are_enlarged_without_rounding() -> None:
    """Bilinear means by hand in eighths, in whole numbers: what a browser can repeat to the last bit."""
    rng = np.random.default_rng(3)
    steps = rng.integers(-(2**15) + 1, 2**15, (2, 5, 4))
    output = replace(random_masks(0), size=(18, 13), mask_logits=(steps * masks.MASK_STEP).astype(np.float32))
    full = masks.enlarge_masks(output).numpy()
    assert full.shape == (2, 18, 13)
    for y in range(18):
        for x in range(13):
            expected = np.zeros(2, np.int64)
            eighths = [max(0, 2 * place - 3) for place in (y, x)]
            for row, row_share in ((0, 8 - eighths[0] % 8), (1, eighths[0] % 8)):
                for column, column_share in ((0, 8 - eighths[1] % 8), (1, eighths[1] % 8)):
                    place = (min(eighths[0] // 8 + row, 4), min(eighths[1] // 8 + column, 3))
                    expected += steps[:, place[0], place[1]] * row_share * column_share
            assert np.array_equal(full[:, y, x] * 1024 * 64, expected)


def true_rectangles(size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    owner = np.full(size, -1, np.int16)
    for index in range(4):
        y, x = rng.integers(0, size[0] - 8), rng.integers(0, size[1] - 8)
        owner[y : y + 16, x : x + 12] = index
    return owner, rng.integers(0, 3, 4)


def pairs_by_pixel_sets(
    owner: np.ndarray, labels: np.ndarray, true: np.ndarray, true_labels: np.ndarray
) -> tuple[dict[tuple[int, int], float], set[int], set[int]]:
    ours = {int(q): set(np.flatnonzero(owner == q)) for q in np.unique(owner[owner >= 0])}
    theirs = {t: set(np.flatnonzero(true == t)) for t in range(len(true_labels))}
    pairs = {
        (q, t): len(a & b) / len(a | b)
        for q, a in ours.items()
        for t, b in theirs.items()
        if labels[q] == true_labels[t] and 2 * len(a & b) > len(a | b)
    }
    return pairs, set(ours) - {q for q, _ in pairs}, set(theirs) - {t for _, t in pairs}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_a_picture_is_traced_over_every_threshold(seed: int) -> None:
    """Query by query as if each threshold were merged anew, and paired pixel set by pixel set."""
    output = random_masks(seed % 50)
    # The truth is what some queries draw, so that there are pairs.
    large = detr.merge_output(output, keep_threshold=0.0)
    owner, labels = true_rectangles(output.size, seed)
    for place, query in enumerate(large.queries[:3]):
        owner[large.owner == query], labels[place] = place, output.labels[query]
    trace = detr.trace_keep(output, owner, labels)
    assert len(trace.matches) == len(output.scores) + 1
    for threshold in (0.0, *output.scores.tolist(), 1.0):
        match = trace.at(threshold)
        merged = detr.merge_output(output, keep_threshold=threshold)
        pairs, invented, missed = pairs_by_pixel_sets(merged.owner, output.labels, owner, labels)
        found = dict(zip(zip(match.queries.tolist(), match.targets.tolist(), strict=True), match.iou, strict=True))
        assert found == pytest.approx(pairs)
        assert set(match.invented.tolist()) == invented
        assert set(match.missed.tolist()) == missed
        total = sum(pairs.values()) / (len(pairs) + (len(invented) + len(missed)) / 2)
        assert match.pq == pytest.approx(total)
        assert match.pq == pytest.approx(match.sq * match.rq)


def test_the_quality_of_a_picture_by_hand() -> None:
    """Eight of ten pixels found, a second object missed, one segment invented: IoU 0.8, F1 1 / (1 + 1) = 1/2."""
    true = np.full((1, 24), -1)
    true[0, :10], true[0, 12:20] = 0, 1
    owner = np.full((1, 24), -1)
    owner[0, :8], owner[0, 21:] = 2, 0
    match = detr.match_segments(owner, np.array([1, 1, 1]), true, np.array([1, 1]))
    assert (match.queries.tolist(), match.targets.tolist(), match.iou.tolist()) == ([2], [0], [0.8])
    assert (match.invented.tolist(), match.missed.tolist()) == ([0], [1])
    assert (match.sq, match.rq, match.pq) == pytest.approx((0.8, 0.5, 0.4))
    # Another class is no partner, and nothing at all is worth nothing.
    assert detr.match_segments(owner, np.array([1, 1, 0]), true, np.array([1, 1])).pq == 0.0
    empty = detr.match_segments(np.full((1, 2), -1), np.zeros(0, int), np.full((1, 2), -1), np.zeros(0, int))
    assert (empty.pq, empty.sq, empty.rq) == (0.0, 0.0, 0.0)
    with pytest.raises(detr.DETRError, match=r"owner must have the shape \[1, 24\], not \[2, 2\]"):
        detr.match_segments(np.zeros((2, 2), int), np.array([0]), true, np.array([1, 1]))


def test_what_cannot_be_drawn_is_a_sentence(detector: Detector, head: MaskHead) -> None:
    photo = random_photo(32, 32)
    trace = detr.trace_detr(detector, photo)
    with seeded(0):
        other = MaskHead(replace(TINY, channels=64)).eval()
    with pytest.raises(detr.DETRError, match="trained on a detector with 64 channels, not 32"):
        detr.run_masks(other, detector, trace, photo)
    with pytest.raises(detr.DETRError, match="mask_logits holds a number that is not finite"):
        masks.settle_masks(torch.tensor([[[0.0, torch.nan]]]))
    with pytest.raises(detr.DETRError, match="A photo must be an array of uint8"):
        detr.run_masks(head, detector, trace, photo.astype(float))
    assert masks.settle_masks(torch.tensor([[[1e9, -1e9]]])).abs().max() < 32


def test_packed_masks_are_the_masks() -> None:
    output = random_masks(1)
    owner, labels = true_rectangles(output.size, 0)
    trace = detr.trace_keep(output, owner, labels)
    photo = np.full((*output.size, 3), (10, 20, 60), np.uint8)
    header, arrays = unpack(detr.pack_masks(output, photo, truth=owner, keep=trace))
    np.testing.assert_array_equal(arrays["masks"] * header["step"], output.mask_logits)
    np.testing.assert_array_equal(arrays["truth"], owner)
    assert np.all(arrays["grey"] == 30)
    assert header["size"] == list(output.size)
    for number, match in enumerate(trace.matches):
        rows = slice(*arrays["pairs_from"][number : number + 2])
        assert arrays["pair_query"][rows].tolist() == match.queries.tolist()
        assert arrays["pair_target"][rows].tolist() == match.targets.tolist()
        np.testing.assert_allclose(arrays["pair_iou"][rows], match.iou)
        assert arrays["pq"][number] == pytest.approx(match.pq)
        for name in ("missed", "invented"):
            rows = slice(*arrays[f"{name}_from"][number : number + 2])
            assert arrays[name][rows].tolist() == getattr(match, name).tolist()
    _, arrays = unpack(detr.pack_masks(output, photo))
    assert arrays["pq"].size == arrays["truth"].size == arrays["pair_iou"].size == 0


def test_all_masks_of_the_largest_picture_are_small() -> None:
    output = random_masks(0, num_queries=SMALL.num_queries, size=(512, 512))
    packed = detr.pack_masks(output, random_photo(512, 512), truth=np.zeros((512, 512), np.int16))
    assert len(packed) <= 3_000_000


def test_the_program_prints_what_is_shown() -> None:
    index = 3
    printed = run_script(detr.write_masks_script(write_scene(index), keep_threshold=0.5, drawn=index)).splitlines()
    scene, detector = draw_scene("validation", index), load_detr()
    output = detr.run_masks(load_mask_head(), detector, detr.trace_detr(detector, scene.pixels), scene.pixels)
    merged = detr.merge_output(output, keep_threshold=0.5)
    match = detr.match_segments(merged.owner, output.labels, scene.owner, scene.labels)
    segments, pairs = len(merged.queries), len(match.queries)
    assert len(printed) == segments + pairs + 1
    for line, query, label, area in zip(printed, merged.queries, merged.labels, merged.areas, strict=False):
        words = line.split()
        assert words[:2] == [str(query), CLASSES[label]]
        assert float(words[3]) == pytest.approx(area, abs=4)
    for line, query, target, iou in zip(printed[segments:], match.queries, match.targets, match.iou, strict=False):
        assert line.split()[:2] == [str(query), str(target)]
        assert float(line.split()[2]) == pytest.approx(iou, abs=1e-2)
    assert [float(word) for word in printed[-1].split()[1:]] == pytest.approx([match.pq, match.sq, match.rq], abs=1e-2)
