"""The programs of the parts with the network print what the page computed, from the shipped weights."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scripts import run_script
from vizcore import detr
from vizcore.data.scenes import CLASSES, draw_scene
from vizcore.data.script import write_scene
from vizcore.models.detr import Detector, load_detr

SCENE = 3
PICTURE = write_scene(SCENE)


@pytest.fixture(scope="module")
def network() -> Detector:
    return load_detr()


@pytest.fixture(scope="module")
def trace(network: Detector) -> detr.DETRTrace:
    return detr.trace_detr(network, draw_scene("validation", SCENE).pixels)


def run_together(*sources: str) -> list[list[list[str]]]:
    """What each program prints, line by line and word by word; all run in one interpreter."""
    printed = run_script('print("---")\n'.join(sources))
    return [[line.split() for line in part.splitlines()] for part in printed.split("---\n")]


def same_boxes(lines: list[list[str]], queries: np.ndarray, labels: np.ndarray, scores: np.ndarray, boxes: np.ndarray):
    assert [line[:2] for line in lines] == [
        [str(query), CLASSES[label]] for query, label in zip(queries, labels, strict=True)
    ]
    np.testing.assert_allclose(np.array([line[2] for line in lines], float), scores, atol=1e-4)
    np.testing.assert_allclose(np.array([line[3:] for line in lines], float), boxes, atol=0.02)


def test_the_programs_print_what_is_shown(network: Detector, trace: detr.DETRTrace) -> None:
    encoder, decoder, queries, layers, suppressed, strip = run_together(
        detr.write_attention_script(
            PICTURE, look="encoder", point=(100.0, 300.0), query=0, layer=1, head=2, score_threshold=0.5
        ),
        detr.write_attention_script(
            PICTURE, look="decoder", point=(0.0, 0.0), query=7, layer=9, head=-1, score_threshold=0.5
        ),
        detr.write_queries_script(PICTURE, query=7, off=True, turned=True, score_threshold=0.3),
        detr.write_layers_script(PICTURE, layer=0, nms=False, score_threshold=0.3),
        detr.write_layers_script(PICTURE, layer=0, nms=True, score_threshold=0.3),
        detr.write_strip_script(1, 2),
    )
    assert trace.encoder is not None
    assert trace.decoder_cross is not None
    found = trace.found(0.5)
    assert len(found)
    last = (trace.labels[-1, found], trace.scores[-1, found], trace.boxes[-1, found])
    # Layer 9 is not there: the last one is shown.
    rows = (trace.encoder[1, 2, trace.token_at(100, 300)], trace.decoder_cross[-1, :, 7].mean(0))
    for lines, row in zip((encoder, decoder), rows, strict=True):
        same_boxes(lines[:-1], found, *last)
        word, top, *place, half = lines[-1]
        assert word == "looks"
        assert float(top) == pytest.approx(row.max(), abs=1e-4)
        assert [int(each) for each in place] == list(np.unravel_index(row.argmax(), trace.grid))
        held = np.sort(row)[::-1].cumsum()
        assert held[int(half) - 1] >= 0.5 - 1e-4
        assert held[max(int(half) - 2, 0)] <= 0.5 + 1e-4 or int(half) == 1
    others = [index for index in range(trace.num_queries) if index != 7]
    answer = detr.run_queries(network, trace, others)
    sure = answer.scores[-1] > 0.3
    asked = (each[-1, sure] for each in (answer.labels, answer.scores, answer.boxes))
    same_boxes(queries, answer.chosen[sure], *asked)
    for lines, chosen in (
        (layers, trace.found(0.3, layer=0)),
        (suppressed, detr.suppress_layer(trace, 0, score_threshold=0.3).keep),
    ):
        assert len(chosen)
        same_boxes(lines, chosen, trace.labels[0, chosen], trace.scores[0, chosen], trace.boxes[0, chosen])
    matched = detr.match_strip(detr.load_strip(), 1)
    assert [int(line[2]) for line in strip] == matched.owners[2].tolist()
    np.testing.assert_allclose(np.array([line[4:] for line in strip], float), matched.boxes[2], atol=0.01)
