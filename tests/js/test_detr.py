"""What the matching page computes in the browser, against scipy and against the recorded matching."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from tests.javascript import run_modules
from tests.vizcore.detr.test_masks import random_masks, true_rectangles
from vizcore import detr
from vizcore.detr import masks

NUM_MATRICES = 10_000

ASSIGN = """
  const [costs, sizes] = [new Float64Array(inputs[0].buffer), new Int32Array(inputs[1].buffer)];
  const found = [];
  let offset = 0;
  for (let place = 0; place < sizes.length; place += 2) {
    const [rows, cols] = [sizes[place], sizes[place + 1]];
    const { queries, objects } = assign(costs.subarray(offset, offset + rows * cols), rows, cols);
    for (let pair = 0; pair < queries.length; pair++) found.push(queries[pair], objects[pair]);
    offset += rows * cols;
  }
  return Int32Array.from(found);
"""


def matrices() -> list[np.ndarray]:
    """Matrices of every shape up to 7 × 7, none of them twice the same; every second one is full of ties."""
    random = np.random.default_rng(3)
    made = []
    for index in range(NUM_MATRICES):
        shape = random.integers(0, 8, 2)
        tied = index % 2 == 0
        made.append(random.integers(-2, 3, shape) / 4 if tied else random.normal(size=shape))
    return made


def test_the_browser_matches_as_scipy_does() -> None:
    costs = matrices()
    found = run_modules(
        {"detr/assignment.js": "assign"},
        ASSIGN,
        np.concatenate([cost.ravel() for cost in costs]).astype("<f8").tobytes(),
        np.array([cost.shape for cost in costs], dtype="<i4").tobytes(),
    )
    wanted = np.concatenate([np.stack(linear_sum_assignment(cost), 1).ravel() for cost in costs])
    np.testing.assert_array_equal(found, wanted)


GREEDY = """
  const [cost, size] = [new Float64Array(inputs[0].buffer), new Int32Array(inputs[1].buffer)];
  return assignGreedily(cost, size[0], size[1]);
"""


def test_the_browser_is_as_greedy_as_python() -> None:
    for seed, shape in enumerate([(5, 3), (3, 5), (4, 4), (1, 6)]):
        cost = np.random.default_rng(seed).integers(-4, 5, shape) / 4
        found = run_modules(
            {"detr/assignment.js": "assignGreedily"},
            GREEDY,
            cost.astype("<f8").tobytes(),
            np.array(shape, dtype="<i4").tobytes(),
        )
        wanted = detr.match_greedily(torch.from_numpy(cost))
        assert found["queries"] == wanted.queries.tolist()
        assert found["objects"] == wanted.targets.tolist()
        assert found["total"] == wanted.total


STEPS = """
  const steps = new MatchingSteps(inputs[0]);
  const all = Array.from({ length: steps.numSteps }, (_, step) => step);
  return {
    paths: all.map((step) => steps.path(step)),
    columnOf: all.map((step) => steps.columnOf(step)),
    trees: all.map((step) => steps.inTree(step)),
    phases: [0, ...all.map((step) => step + 1)].map((at) => steps.position(at).phase),
    start: steps.columnOf(-1),
    u: steps.potentials(steps.numSteps - 1).u,
    pair: steps.pair(1, 2),
  };
"""


def test_a_matching_stepped_in_the_browser_is_the_recorded_one() -> None:
    for seed, shape in enumerate([(6, 4), (4, 6), (5, 5)]):
        cost = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        trace = detr.trace_matching(cost)
        read = run_modules({"detr/steps.js": "MatchingSteps"}, STEPS, detr.pack_matching(trace))
        assert [[tuple(pair) for pair in path] for path in read["paths"]] == [
            trace.path(step) for step in range(trace.num_steps)
        ]
        assert read["columnOf"] == trace.column_of.tolist()
        assert read["trees"] == [np.flatnonzero(row).tolist() for row in trace.tree]
        assert read["phases"] == ["start", *("augment" if free else "search" for free in trace.augments)]
        assert "search" in read["phases"]
        assert read["start"] == [-1] * min(shape)
        np.testing.assert_allclose(read["u"], trace.u[-1], rtol=1e-6)
        assert read["pair"] == ([2, 1] if shape[1] < shape[0] else [1, 2])


ROWS = """
  const attended = new Attended(inputs[0]);
  return {
    row: attended.row("encoder", 1, 0, attended.lookerAt([100, 40])),
    mean: attended.row("decoder_cross", 0, -1, 2),
    corner: attended.lookerAt([-5, 1e6]),
    extent: attended.extent("decoder_cross"),
  };
"""


def test_attention_read_in_the_browser_is_the_recorded_one() -> None:
    random = torch.Generator().manual_seed(1)

    def weights(*shape: int) -> np.ndarray:
        return torch.rand(shape, generator=random).softmax(-1).numpy()

    tokens, queries = (3, 5), 4
    trace = detr.DETRTrace(
        image_size=(96, 160),
        grid=tokens,
        cell=32.0,
        outside=np.zeros(15, dtype=bool),
        start_boxes=None,
        boxes=np.zeros((1, queries, 4), np.float32),
        scores=np.zeros((1, queries), np.float32),
        labels=np.zeros((1, queries), np.int64),
        probabilities=np.zeros((1, queries, 3), np.float32),
        memory=np.zeros((15, 8), np.float32),
        queries=np.zeros((1, queries, 8), np.float32),
        encoder=weights(2, 2, 15, 15),
        decoder_self=weights(1, 2, queries, queries),
        decoder_cross=weights(1, 2, queries, 15),
        seconds={},
    )
    read = run_modules({"detr/attended.js": "Attended"}, ROWS, detr.pack_trace(trace).content)
    assert trace.encoder is not None
    assert trace.decoder_cross is not None
    token = trace.token_at(100, 40)
    assert token == 1 * 5 + 3
    # A weight is written as a byte, 255 for the greatest of its row.
    np.testing.assert_allclose(read["row"], trace.encoder[1, 0, token], atol=trace.encoder.max() / 500)
    np.testing.assert_allclose(read["mean"], trace.decoder_cross[0, :, 2].mean(0), atol=trace.decoder_cross.max() / 500)
    assert read["corner"] == trace.token_at(-5, 1e6) == 10
    assert read["extent"] == {"layers": 1, "heads": 2}


MERGE = """
  const masks = new Masks(inputs[0]);
  const thresholds = Array.from(new Float64Array(inputs[1].buffer));
  return thresholds.map((threshold) => {
    const sure = masks.sure(threshold);
    const merged = masks.merge(sure);
    const middle = [Math.floor(masks.size[1] / 3), Math.floor(masks.size[0] / 2)];
    const pixel = middle[1] * masks.size[1] + middle[0];
    return {
      ...merged, sure, quality: masks.quality(sure.length),
      most: sure.length ? Math.max(...sure.map((query) => masks.at(query, ...middle))) : null,
      greatestThere: merged.greatest[pixel], value: masks.value(merged.greatest[pixel]),
    };
  });
"""


def test_the_browser_merges_masks_as_torch_does() -> None:
    """At every threshold, with equal values, masks that are all negative, and queries that are left with too little."""
    dropped = 0
    for seed in range(3):
        output = random_masks(seed)
        owner, labels = true_rectangles(output.size, seed)
        keep = detr.trace_keep(output, owner, labels)
        thresholds = [0.0, *output.scores.tolist(), 0.5, 1.0]
        content = detr.pack_masks(output, np.zeros((*output.size, 3), np.uint8), truth=owner, keep=keep)
        read = run_modules({"detr/merging.js": "Masks"}, MERGE, content, np.array(thresholds, "<f8").tobytes())
        full = masks.enlarge_masks(output)
        for threshold, found in zip(thresholds, read, strict=True):
            sure = np.flatnonzero(output.scores > np.float32(threshold))
            assert found["sure"] == sure.tolist()
            merged = detr.merge_masks(full, torch.from_numpy(output.logits), keep_threshold=threshold)
            np.testing.assert_array_equal(found["owner"].reshape(output.size), merged.owner)
            assert found["queries"] == merged.queries.tolist()
            assert found["areas"] == merged.areas.tolist()
            assert found["dropped"] == merged.dropped.tolist()
            dropped += len(found["dropped"])
            match = keep.at(threshold)
            assert found["quality"]["queries"] == match.queries.tolist()
            assert found["quality"]["missed"] == match.missed.tolist()
            assert abs(found["quality"]["pq"] - match.pq) < 1e-6
            if not len(sure):
                assert (found["argmax"] == -1).all()
                continue
            greatest, place = full[torch.from_numpy(sure)].max(0)
            np.testing.assert_array_equal(found["argmax"].reshape(output.size), sure[place.numpy()])
            np.testing.assert_array_equal(found["greatest"].reshape(output.size), greatest.numpy() * 64 * 1024)
            assert found["most"] == found["greatestThere"]
            assert abs(found["value"] - greatest.sigmoid()[output.size[0] // 2, output.size[1] // 3].item()) < 1e-6
    assert dropped  # else the last rule was never asked
