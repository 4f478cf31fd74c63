"""What one forward pass per level saves, how far its scores are from cropping, and what fusing windows brings.

Prints figures; asserts only what the project promises (at least ten times faster than cropping).
"""

import time

import numpy as np
import pytest
import torch
from skimage import data
from torchvision.ops import batched_nms, box_iou

from vizcore.costs import total
from vizcore.data.annotations import load_annotations
from vizcore.data.photos import load_sample
from vizcore.detection import run_detector
from vizcore.detection.sliding_windows import load
from vizcore.image_pyramid import (
    classify_level,
    count_units,
    measure_passes,
    pyramid_cost,
    resize,
    score_crops,
    slide_window,
    sliding_sizes,
    trace_image_pyramid,
)
from vizcore.models.efficientnet_lite import imagenet_categories, load_efficientnet_lite0

SAMPLES = ("chelsea", "coffee", "motorcycle")


@pytest.fixture(scope="module")
def model():
    return load_efficientnet_lite0()


def seconds_of(work, repeats):
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - started)
    return min(times), result


def test_dense_pass_against_cropping(model):
    photo = resize(load_sample("motorcycle").pixels, (480, 640))
    dense, trace = seconds_of(lambda: trace_image_pyramid(model, photo), 3)
    # Cropping all of them takes minutes: every tenth window, in batches as full as all of them would give.
    windows = np.arange(0, len(trace.boxes), 10)
    tenth, probabilities = seconds_of(lambda: score_crops(model, trace, windows), 1)
    cropped = tenth * len(trace.boxes) / len(windows)
    print(f"\n640 × 480, {len(trace.boxes)} windows, {torch.get_num_threads()} thread(s)")
    print(f"  one pass per level {dense:.2f} s; crop and classify {cropped:.0f} s, from {len(windows)} of the windows")
    print(
        f"  {cropped / dense:.0f} times faster; parts:",
        {name: round(value, 3) for name, value in trace.seconds.items()},
    )

    dense_scores, dense_labels = trace.scores[windows], trace.labels[windows]
    difference = np.abs(dense_scores - probabilities[np.arange(len(windows)), dense_labels])
    same, confident = probabilities.argmax(1) == dense_labels, dense_scores > 0.6
    print(f"  score of the window's class, dense against crop: median difference {np.median(difference):.3f},")
    print(
        f"  90 % below {np.quantile(difference, 0.9):.3f}; same best class in {same.mean():.0%} of the windows, ",
        end="",
    )
    print(f"in {same[confident].mean():.0%} of those above 0.6")
    few = np.random.default_rng(0).choice(len(trace.boxes), 30, replace=False)
    for margin in (0, 1, 2, 4, 8, 30):
        seen = score_crops(model, trace, few, margin=margin)[np.arange(30), trace.labels[few]]
        median = np.median(np.abs(seen - trace.scores[few]))
        print(f"  crop sees {margin:2d} cells around it: median difference {median:.4f}")
    assert cropped / dense >= 10


def test_run_detector_seconds():
    detector = load("sliding_windows")
    photo = resize(load_sample("motorcycle").pixels, (480, 640))
    direct_model = load_efficientnet_lite0()
    run, _ = seconds_of(lambda: run_detector(detector, photo, score_threshold=0.6, iou_threshold=0.3), 5)
    direct, _ = seconds_of(lambda: trace_image_pyramid(direct_model, photo), 5)
    print(f"\nrun_detector {run:.3f} s, trace_image_pyramid alone {direct:.3f} s: ratio {run / direct:.3f}")


def pasted(seed):
    """Two of the three objects pasted on a texture, 480 × 720; the boxes where they are."""
    generator = np.random.default_rng(seed)
    texture = (data.brick, data.grass, data.gravel)[generator.integers(3)]()
    canvas = resize(np.repeat(texture[..., None], 3, 2), (480, 720))
    objects = []
    for slot, sample in enumerate(generator.permutation(SAMPLES)[:2]):
        (annotation,) = load_annotations(str(sample))
        photo = load_sample(str(sample)).pixels
        left, top, right, bottom = annotation.box
        edge_x, edge_y = 0.05 * (right - left), 0.05 * (bottom - top)
        x1, y1 = int(max(left - edge_x, 0)), int(max(top - edge_y, 0))
        cut = photo[y1 : int(bottom + edge_y), x1 : int(right + edge_x)]
        scale = generator.uniform(140, 330) / max(cut.shape)
        cut = resize(cut, (round(cut.shape[0] * scale), round(cut.shape[1] * scale)))
        x = slot * 360 + int(generator.integers(0, 361 - cut.shape[1]))
        y = int(generator.integers(0, 481 - cut.shape[0]))
        canvas[y : y + cut.shape[0], x : x + cut.shape[1]] = cut
        box = (np.array(annotation.box) - [x1, y1, x1, y1]) * scale + [x, y, x, y]
        objects.append((box, annotation.labels))
    return canvas, objects


def test_fusion(model):
    names = imagenet_categories()
    photos = [
        (load_sample(sample).pixels, [(np.array(a.box), a.labels) for a in load_annotations(sample)])
        for sample in SAMPLES
    ]
    photos += [pasted(seed) for seed in range(40)]
    count = sum(len(objects) for _, objects in photos)
    print(f"\nbest box of each of {count} objects on {len(photos)} photos (score > 0.6, NMS 0.3)")
    for steps in (0, 1, 2, 4):
        overlaps, stray = [], 0
        for photo, objects in photos:
            trace = trace_image_pyramid(model, photo, fusion_steps=steps)
            scores, labels = trace.scores[trace.candidates], trace.labels[trace.candidates]
            above = np.flatnonzero(scores > 0.6)
            boxes = torch.from_numpy(trace.candidate_boxes)
            keep = batched_nms(boxes[above], torch.from_numpy(scores[above]), torch.from_numpy(labels[above]), 0.3)
            kept = above[keep.numpy()]
            found = set()
            for box, known in objects:
                centre = boxes[kept].reshape(-1, 2, 2).mean(1).numpy()
                inside = ((centre > box[:2]) & (centre < box[2:])).all(1)
                right = [i for i, fits in zip(kept, inside, strict=True) if fits and names[labels[i]] in known]
                overlaps.append(box_iou(boxes[right[:1]], torch.tensor(box)[None].float()).item() if right else 0.0)
                found.update(right[:1])
            stray += len(kept) - len(found)
        values = np.array(overlaps)
        print(
            f"  {steps} fusion steps: mean IoU {values.mean():.3f}, IoU ≥ 0.5 for {(values >= 0.5).mean():.0%}, "
            f"{stray / len(photos):.2f} other boxes a photo; samples {values[:3].round(2)}"
        )


def test_image_pyramid_against_feature_pyramid(model):
    units = count_units()
    print("\n  one window over all levels against one pass with a feature pyramid, 400 × 600 photo")
    for scale_step in (1.15, 1.25, 1.41, 2.0):
        sizes = sliding_sizes((400, 600), scale_step=scale_step, num_levels=8)
        cost = pyramid_cost(units, sizes, scale_step=scale_step)
        image, single, crops = (total(part) for part in (cost.image_pyramid, cost.feature_pyramid, cost.crops))
        seconds = measure_passes(model, sizes, repeats=3)
        print(
            f"  step {scale_step}: {len(sizes)} levels, multiply-adds {image.multiply_adds / 1e9:.1f} G against "
            f"{single.multiply_adds / 1e9:.1f} G ({image.multiply_adds / single.multiply_adds:.2f} ×), activations "
            f"{image.activation_bytes / single.activation_bytes:.2f} ×, time {sum(seconds[:-1]):.2f} s against "
            f"{seconds[-1]:.2f} s ({sum(seconds[:-1]) / seconds[-1]:.2f} ×); every window cut out "
            f"{crops.multiply_adds / image.multiply_adds:.0f} × the dense levels"
        )
        assert crops.multiply_adds > 10 * image.multiply_adds


def test_reading_another_class_and_what_is_kept(model):
    photo = load_sample("coffee").pixels
    sizes = sliding_sizes(photo.shape[:2], scale_step=1.15, num_levels=8)
    took, levels = seconds_of(lambda: [classify_level(model, photo, size) for size in sizes], 1)
    reread, trace = seconds_of(
        lambda: slide_window(photo.shape[:2], levels, label=504, window_stride=1, score_threshold=0.05), 5
    )
    kept = sum(level.probabilities.nbytes + level.pixels.nbytes for level in levels)
    print(f"\n{len(levels)} levels: the network {took:.2f} s, another class {1000 * reread:.1f} ms")
    print(f"  {trace.num_windows} windows × 1000 classes and the pictures keep {kept / 1e6:.1f} MB")
    assert took / reread > 10
