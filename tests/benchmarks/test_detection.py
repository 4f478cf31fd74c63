"""What running a detector part by part, and recording the road, costs beside asking the model directly."""

import time

import pytest
import torch

from tests.vizcore.test_torchvision_detectors import NAMES, assert_same, direct, owner, random_model
from vizcore import detection
from vizcore.data.photos import load_sample
from vizcore.detection import torchvision_detectors
from vizcore.detection.output import refilter


def best_times(functions, repeats):
    """Best (wall, processor) seconds of each function, taken in turns so that a busy moment falls on all of them.

    On a machine that is shared, the processor's seconds are the ones to compare.
    """
    times = [[] for _ in functions]
    for _ in range(repeats):
        for function, spent in zip(functions, times, strict=True):
            wall, processor = time.perf_counter(), time.process_time()
            function()
            spent.append((time.perf_counter() - wall, time.process_time() - processor))
    return [tuple(map(min, zip(*spent, strict=True))) for spent in times]


def compare(name, model, score_threshold, iou_threshold, repeats):
    photo = load_sample("rocket").pixels
    detector = torchvision_detectors.as_detector(name, model)

    def ours():
        return detection.run_detector(detector, photo, score_threshold=score_threshold, iou_threshold=iou_threshold)

    output = ours()
    assert_same(output, direct(model, photo, score_threshold, iou_threshold))
    model_times, our_times = best_times([lambda: direct(model, photo, score_threshold, iou_threshold), ours], repeats)
    again = best_times([lambda: refilter(output, score_threshold=0.5, iou_threshold=0.5)], 10)[0]
    print(
        f"\n{name}, scores > {score_threshold}: {len(output.candidates)} candidates, {len(output)} boxes\n"
        f"  wall: model {model_times[0] * 1000:.1f} ms, run_detector {our_times[0] * 1000:.1f} ms, "
        f"ratio {our_times[0] / model_times[0]:.3f}\n"
        f"  processor: model {model_times[1] * 1000:.1f} ms, run_detector {our_times[1] * 1000:.1f} ms, "
        f"ratio {our_times[1] / model_times[1]:.3f}\n"
        f"  other thresholds: {again[1] * 1000:.2f} ms\n  "
        + ", ".join(f"{stage.name} {stage.seconds * 1000:.1f}" for stage in output.stages)
    )


def make_sure_of_background(name, model):
    """Raise SSD's background until at most 2000 candidates are recorded: a trained network is sure of most places."""
    scoring = [head[1].bias.view(-1, 91)[:, 0] for head in model.head.classification_head.module_list]
    detector = torchvision_detectors.as_detector(name, model)
    photo = load_sample("rocket").pixels
    while len(detector.run(photo, score_threshold=0.5, iou_threshold=0.5).candidates) > 2000:
        for bias in scoring:
            bias.data += 1.0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_torchvision_detectors_against_the_model_called_directly(name):
    """Prints the ratio on a 640 × 427 photo at the model's own input size, at its own threshold and at a page's.

    The weights are random; their scores spread so that there are detections (``random_model``). SSD scores every anchor
    for every class, so it is measured twice: with random scores everywhere, and with background nearly everywhere.
    """
    model = random_model(name)
    before = model.transform.min_size, model.transform.max_size
    fresh = torchvision_detectors.build_model(name).transform
    model.transform.min_size, model.transform.max_size = fresh.min_size, fresh.max_size
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    repeats = 25 if "320" in name else 3
    try:
        compare(name, model, owner(model).score_thresh, owner(model).nms_thresh, repeats)
        compare(name, model, 0.5, owner(model).nms_thresh, repeats)
        if name.startswith("ssd"):
            make_sure_of_background(name, model)
            compare(name, model, owner(model).score_thresh, owner(model).nms_thresh, repeats)
            compare(name, model, 0.5, owner(model).nms_thresh, repeats)
    finally:
        torch.set_num_threads(threads)
        model.transform.min_size, model.transform.max_size = before
