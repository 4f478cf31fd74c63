"""What recording a photo's way through the pyramid costs beside the plain forward pass, and a change after it."""

import time

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from tests.benchmarks.test_detection import best_times
from vizcore import detection, fpn
from vizcore.data.scenes import draw_scene
from vizcore.detection import pyramid_detector
from vizcore.models.fcos import load_fcos

SLACK = 0.1  # seconds


@pytest.fixture(scope="module")
def detector():
    return load_fcos("fcos_fpn")


@pytest.fixture(scope="module")
def scene():
    return draw_scene("validation", 0)


def milliseconds(times):
    return f"{times[0] * 1000:.1f} ms (processor {times[1] * 1000:.1f})"


@pytest.mark.timeout(900)
def test_a_trace_beside_the_plain_forward_pass(detector, scene):
    """The bound is 1.2 times the plain pass and 0.1 s; retracing after a cut leaves the backbone out."""
    x, _ = fpn.prepare(scene.pixels)

    def forward():
        with torch.inference_mode():
            detector(x)

    trace = fpn.trace_fpn(detector, scene.pixels)
    runs = {
        "forward": forward,
        "trace": lambda: fpn.trace_fpn(detector, scene.pixels),
        "retrace": lambda: fpn.retrace(detector, trace, cuts={"top_down"}),
        "thresholds": lambda: fpn.refilter(trace, score_threshold=0.5, iou_threshold=0.5),
        "all merges": lambda: trace.merged,
        "colours of P2": lambda: fpn.pca_rgb(trace.levels[trace.config.levels[0]]),
        "sheet of P2": lambda: fpn.channel_atlas(trace.levels[trace.config.levels[0]]),
        "values at a point": lambda: fpn.values_at(trace, 200, 200),
        "field of a cell": lambda: fpn.effective_receptive_field(detector, scene.pixels, "P4", (16, 16)),
    }
    times = dict(zip(runs, best_times(list(runs.values()), 5), strict=True))
    print(f"\n512 × 512, {trace.config.levels[0]}–{trace.config.levels[-1]}, {trace.nbytes / 1e6:.1f} MB")
    for name, spent in times.items():
        print(f"  {name}: {milliseconds(spent)}")
    for place, clock in enumerate(("wall", "processor")):
        bound = 1.2 * times["forward"][place] + SLACK
        print(f"  trace over its bound, {clock}: {times['trace'][place] / bound:.2f}")


@pytest.mark.timeout(900)
def test_the_detector_on_a_scene(detector, scene):
    """The bound is 150 ms on two cores that have nothing else to do."""
    loaded = pyramid_detector.as_detector("fcos_lite0_fpn", detector)

    def run():
        return detection.run_detector(loaded, scene.pixels, score_threshold=0.45, iou_threshold=0.6)

    run()
    print(f"\n{torch.get_num_threads()} threads: {milliseconds(best_times([run], 10)[0])}")
    print("  " + ", ".join(f"{stage.name} {stage.seconds * 1000:.1f}" for stage in run().stages))


@pytest.mark.timeout(900)
def test_the_four_designs(detector):
    started = time.perf_counter()
    counted = fpn.designs(detector.fcos.config, (512, 512))
    print(f"\ncounting: {(time.perf_counter() - started) * 1000:.0f} ms")
    for design in fpn.measure_designs({"fpn": detector}, (512, 512)):
        cost = design.cost
        print(
            f"  ({design.letter}) {cost.multiply_adds / 1e9:.2f}·10⁹ multiply-adds, {cost.parameters / 1e6:.2f}·10⁶ "
            f"parameters, {cost.activation_bytes / 1e6:.0f} MB, {cost.seconds * 1000:.0f} ms"
        )
    assert [design.name for design in counted] == list(fpn.DESIGNS)


@pytest.mark.timeout(900)
def test_scores_that_suit_the_shipped_detector(detector):
    """Recall and precision at IoU 0.5 over the threshold: the page's threshold should lie where F1 is best."""
    traces = []
    for index in range(40):
        scene = draw_scene("validation", index)
        traces.append((scene, fpn.trace_fpn(detector, scene.pixels, score_threshold=0.05)))
    print()
    for threshold in np.arange(0.2, 0.71, 0.05):
        counts = np.zeros(4)
        for scene, trace in traces:
            final = fpn.refilter(trace, score_threshold=float(threshold), iou_threshold=0.6)
            overlap = box_iou(torch.from_numpy(scene.boxes), torch.from_numpy(final.boxes[final.keep])).numpy()
            agree = (overlap > 0.5) & (scene.labels[:, None] == final.labels[final.keep][None])
            counts += agree.any(1).sum(), len(scene.boxes), agree.any(0).sum(), len(final.keep)
        recall, precision = counts[0] / counts[1], counts[2] / max(counts[3], 1)
        f1 = 2 * recall * precision / max(recall + precision, 1e-9)
        print(f"  score > {threshold:.2f}: recall {recall:.3f}, precision {precision:.3f}, F1 {f1:.3f}")
