"""What came before and after the sliding network: five detectors, and what each computes only once.

Two of them run here on any photo, both looking for faces: a boosted cascade over an integral image, and a linear
classifier on histograms of oriented gradients, trained on the spot. Each keeps what its windows share: sums of
rectangles, cells of gradients. A dense network shares its convolutions, SSD the levels of one pass, a feature pyramid
adds the way back down.

Reference:
    Paul Viola, Michael Jones. Rapid object detection using a boosted cascade of simple features. CVPR 2001;
    Shengcai Liao et al. Learning multi-scale block local binary patterns for face recognition. ICB 2007;
    Navneet Dalal, Bill Triggs. Histograms of oriented gradients for human detection. CVPR 2005;
    Wei Liu et al. SSD: single shot multibox detector. ECCV 2016, arXiv 1512.02325.

    Ours differs: the cascade that scikit-image ships has block patterns where Viola and Jones had Haar features; the
    HOG window has 24 × 24 pixels in cells of 4, where Dalal and Triggs had 64 × 128 in cells of 8; and it was
    trained on 100 faces, where they had 1,239 pedestrians (2,478 with mirror images).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torchvision.ops import box_iou

from vizcore.data.photos import list_samples, load_sample

FACE_WINDOW = 24
"""Side of the window of both face finders, in pixels of the level."""
SMALLEST_SHARE = 8
"""Faces down to an eighth of the photo's shorter side are looked for."""
CASCADE_STEP, HOG_STEP, MINING_STEP = 1.25, 1.1, 1.5
MIN_NEIGHBOURS = 4
"""A face is where at least so many windows say so, for both finders: one window alone is more often wrong."""
HOG_CELL = 4
HOG_OPTIONS: dict[str, object] = {
    "orientations": 9,
    "pixels_per_cell": (HOG_CELL, HOG_CELL),
    "cells_per_block": (2, 2),
    "block_norm": "L2-Hys",
}
HOG_BLOCKS = FACE_WINDOW // HOG_CELL - 1
FACE_SAMPLE = "astronaut"
"""The one sample photo with a face: never trained on."""
MAX_SIDE = 640
"""Photos are brought to this longer side first, which bounds the time of both finders."""


@dataclass(frozen=True, eq=False)
class FaceSearch:
    """What a face finder found on a photo.

    Attributes:
        boxes: ``[N, 4]`` float32 xyxy in pixels of the photo, the surest first.
        num_windows: windows evaluated on all scales.
        num_accepted: windows that said yes, before they were joined.
        seconds: wall time.
    """

    boxes: Float[np.ndarray, "N 4"]
    num_windows: int
    num_accepted: int
    seconds: float


@dataclass(frozen=True, eq=False)
class HogClassifier:
    """A linear classifier of 24 × 24 pixels on histograms of oriented gradients.

    Attributes:
        weights: ``[5, 5, 2, 2, 9]`` by block row, block column, cell row and column in the block, orientation.
        bias: added to the weighted sum; above 0 means face.
        accuracy: share of 60 patches, kept out of a first training, that it named rightly.
        num_faces: positive examples: 100 faces, mirrored and shifted by a pixel.
        num_others: negative examples, the mined ones included.
        seconds: wall time of the training.
    """

    weights: Float[np.ndarray, "5 5 2 2 9"]
    bias: float
    accuracy: float
    num_faces: int
    num_others: int
    seconds: float


def _grey(photo: UInt8[np.ndarray, "H W 3"]) -> tuple[Float[np.ndarray, "h w"], float]:
    """The photo in grey, not longer than ``MAX_SIDE``, and by how much it was scaled."""
    from skimage.color import rgb2gray

    grey = rgb2gray(photo)
    scale = min(1.0, MAX_SIDE / max(grey.shape))
    return (_resized(grey, scale) if scale < 1 else grey), scale


def _resized(grey: Float[np.ndarray, "H W"], scale: float) -> Float[np.ndarray, "h w"]:
    from skimage.transform import resize

    size = tuple(max(1, round(side * scale)) for side in grey.shape)
    smaller: np.ndarray = resize(grey, size, anti_aliasing=True)
    return smaller


def smallest_face(size: Sequence[int]) -> int:
    """Side of the smallest window, in pixels of a photo of ``size`` (height, width)."""
    return max(FACE_WINDOW, min(size) // SMALLEST_SHARE)


# -- the cascade -------------------------------------------------------------------------------------------------------


def cascade_windows(size: tuple[int, int], *, smallest: int) -> tuple[tuple[int, int, int], ...]:
    """The windows a cascade evaluates: (side, step, count) at each scale.

    The photo keeps its size and the window grows, because a rectangle's sum costs the same at any size.
    """
    height, width = size
    largest = min(size)
    if largest <= smallest:
        return ()
    first, last = (math.log(side / FACE_WINDOW, CASCADE_STEP) for side in (smallest, largest))
    windows = []
    for power in np.arange(max(first, 0.0), last):
        scale = np.float32(np.power(np.float32(CASCADE_STEP), power, dtype=np.float32))
        side, step = int(np.float32(FACE_WINDOW) * scale), int(np.round(scale))
        rows, columns = (max(0, -(-(length - side) // step)) for length in (height, width))
        windows.append((side, step, rows * columns))
    return tuple(windows)


def find_faces_by_cascade(photo: UInt8[np.ndarray, "H W 3"]) -> FaceSearch:
    """Runs the cascade that scikit-image ships (OpenCV's frontal faces, block patterns, 20 stages).

    Args:
        photo: RGB.
    """
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    started = time.perf_counter()
    grey, scale = _grey(photo)
    smallest = smallest_face(grey.shape)
    windows = cascade_windows(grey.shape, smallest=smallest)
    found = []
    if windows:
        found = Cascade(lbp_frontal_face_cascade_filename()).detect_multi_scale(
            img=np.ascontiguousarray(grey),
            scale_factor=CASCADE_STEP,
            step_ratio=1,
            min_size=(smallest, smallest),
            max_size=(min(grey.shape), min(grey.shape)),
            min_neighbor_number=MIN_NEIGHBOURS,
        )
    boxes = [[face["c"], face["r"], face["c"] + face["width"], face["r"] + face["height"]] for face in found]
    return FaceSearch(
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4) / np.float32(scale),
        num_windows=sum(count for _, _, count in windows),
        num_accepted=-1,
        seconds=time.perf_counter() - started,
    )


# -- histograms of oriented gradients ----------------------------------------------------------------------------------


def hog_blocks(grey: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "R C 2 2 9"]:
    """Normalised blocks of a picture: cells of 4 pixels, blocks of 2 × 2 cells, 9 orientations."""
    from skimage.feature import hog

    blocks: np.ndarray = hog(grey, feature_vector=False, **HOG_OPTIONS)
    return blocks


def hog_windows(blocks: Float[np.ndarray, "R C 2 2 9"]) -> Float[np.ndarray, "H W 5 5 2 2 9"]:
    """Every window's blocks, as a view: neighbouring windows share them, nothing is computed again."""
    views = np.lib.stride_tricks.sliding_window_view(blocks, (HOG_BLOCKS, HOG_BLOCKS), axis=(0, 1))
    return np.moveaxis(views, (5, 6), (2, 3))


def _patch_blocks(patch: Float[np.ndarray, "24 24"]) -> Float[np.ndarray, "5 5 2 2 9"]:
    """Blocks of a patch that has no surroundings.

    The patch is continued in a straight line on all sides. Without that its outermost gradients would be zero, which
    windows inside a photo never have, and the classifier would learn to tell the two apart by that alone.
    """
    continued = np.pad(patch, HOG_CELL, mode="reflect", reflect_type="odd")
    return hog_blocks(continued)[1 : 1 + HOG_BLOCKS, 1 : 1 + HOG_BLOCKS]


def _levels(grey: Float[np.ndarray, "H W"], step: float) -> list[tuple[float, Float[np.ndarray, "R C 2 2 9"]]]:
    """HOG of each level, from the one on which the window is as large as the smallest face; and the level's scale."""
    scale = FACE_WINDOW / smallest_face(grey.shape)
    levels = []
    while min(round(side * scale) for side in grey.shape) >= FACE_WINDOW:
        levels.append((scale, hog_blocks(_resized(grey, scale))))
        scale /= step
    return levels


def train_hog_classifier(*, without: str = "", seed: int = 0) -> HogClassifier:
    """Trains on the 200 patches of scikit-image's LFW subset and on windows of sample photos that show no face.

    Twice the windows it is wrongly surest of are added to the negative examples (Dalal and Triggs did it once).

    Args:
        without: a sample photo that it must not see, because it will be searched.
        seed: of the choice of the first negative windows.
    """
    from skimage.data import lfw_subset
    from sklearn.svm import LinearSVC

    started = time.perf_counter()
    generator = np.random.default_rng(seed)
    patches = lfw_subset()
    plain = np.stack([_patch_blocks(patch[:FACE_WINDOW, :FACE_WINDOW]).ravel() for patch in patches])
    is_face = np.repeat([1, 0], 100)
    order = generator.permutation(200)
    first = LinearSVC(C=0.05, random_state=seed).fit(plain[order[:140]], is_face[order[:140]])
    accuracy = float(first.score(plain[order[140:]], is_face[order[140:]]))

    faces = np.stack(
        [
            _patch_blocks(view[row : row + FACE_WINDOW, column : column + FACE_WINDOW]).ravel()
            for patch in patches[:100]
            for view in (patch, patch[:, ::-1])
            for row in (0, 1)
            for column in (0, 1)
        ]
    )
    names = [sample.name for sample in list_samples() if sample.name not in (FACE_SAMPLE, without)]
    pools = []
    for name in names:
        grey, _ = _grey(load_sample(name).pixels)
        pools.append(
            np.concatenate(
                [hog_windows(blocks).reshape(-1, faces.shape[1]) for _, blocks in _levels(grey, MINING_STEP)]
            ).astype(np.float32)
        )
    others = [plain[100:], *(pool[generator.permutation(len(pool))[:200]] for pool in pools)]
    for _ in range(2):
        svm = _fit(faces, others, seed)
        for pool in pools:
            scores = svm.decision_function(pool)
            worst = np.argsort(-scores)[:100]
            others.append(pool[worst][scores[worst] > -1])
    svm = _fit(faces, others, seed)
    return HogClassifier(
        weights=svm.coef_.reshape(HOG_BLOCKS, HOG_BLOCKS, 2, 2, 9),
        bias=float(svm.intercept_[0]),
        accuracy=accuracy,
        num_faces=len(faces),
        num_others=sum(len(part) for part in others),
        seconds=time.perf_counter() - started,
    )


def _fit(faces: np.ndarray, others: list[np.ndarray], seed: int):  # type: ignore[no-untyped-def]
    from sklearn.svm import LinearSVC

    examples = np.concatenate([faces, *others])
    is_face = np.arange(len(examples)) < len(faces)
    return LinearSVC(C=0.05, random_state=seed).fit(examples, is_face)


def find_faces_by_hog(photo: UInt8[np.ndarray, "H W 3"], classifier: HogClassifier) -> FaceSearch:
    """Slides the classifier over a pyramid; the cells of a level are computed once and shared by its windows.

    Args:
        photo: RGB.
        classifier: from :func:`train_hog_classifier`.
    """
    started = time.perf_counter()
    grey, scale = _grey(photo)
    boxes, scores, num_windows = [], [], 0
    for level_scale, blocks in _levels(grey, HOG_STEP):
        windows = hog_windows(blocks)
        answer = np.einsum("hwrcijo,rcijo->hw", windows, classifier.weights) + classifier.bias
        num_windows += answer.size
        rows, columns = np.nonzero(answer > 0)
        side, step = FACE_WINDOW / level_scale, HOG_CELL / level_scale
        boxes.append(np.stack([columns * step, rows * step, columns * step + side, rows * step + side], 1))
        scores.append(answer[rows, columns])
    accepted = np.concatenate(boxes) if boxes else np.zeros((0, 4))
    joined = join_windows(accepted, np.concatenate(scores) if scores else np.zeros(0))
    return FaceSearch(
        boxes=(joined / scale).astype(np.float32),
        num_windows=num_windows,
        num_accepted=len(accepted),
        seconds=time.perf_counter() - started,
    )


def join_windows(
    boxes: Float[np.ndarray, "M 4"], scores: Float[np.ndarray, " M"], *, min_neighbours: int = MIN_NEIGHBOURS
) -> Float[np.ndarray, "N 4"]:
    """Averages windows that overlap the best of them by more than a third; groups of fewer than so many are dropped.

    Args:
        boxes: xyxy, any unit.
        scores: any range; the best window of each group leads it.
        min_neighbours: windows a group must have.
    """
    windows = torch.from_numpy(np.asarray(boxes, dtype=np.float64))
    overlaps = box_iou(windows, windows).numpy()
    free = np.ones(len(boxes), dtype=bool)
    joined = []
    for leader in np.argsort(-np.asarray(scores), kind="stable"):
        if not free[leader]:
            continue
        group = free & (overlaps[leader] > 1 / 3)
        free &= ~group
        if group.sum() >= min_neighbours:
            joined.append(np.asarray(boxes)[group].mean(0))
    return np.array(joined).reshape(-1, 4)


# -- features and counts -----------------------------------------------------------------------------------------------


def draw_shared(photo: UInt8[np.ndarray, "H W 3"], *, side: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """The photo as the classical detectors see it: its integral image, and its cells of edge directions.

    Args:
        photo: RGB.
        side: longer side of both pictures, in pixels.

    Returns:
        ``[h, w]`` sums of all grey pixels above and to the left, and ``[h, w]`` with a star of directions in each
        cell of 8 pixels.
    """
    from skimage.feature import hog
    from skimage.transform import integral_image

    grey, _ = _grey(photo)
    small = _resized(grey, side / max(grey.shape))
    # A cell is the least that has directions.
    small = np.pad(small, [(0, max(0, 8 - length)) for length in small.shape], mode="edge")
    _, drawn = hog(small, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(1, 1), visualize=True)
    return integral_image(small), drawn


def overlaps(boxes: Float[np.ndarray, "N 4"], others: Float[np.ndarray, "M 4"]) -> Float[np.ndarray, "N M"]:
    """IoU of every two boxes, xyxy."""
    matrix: np.ndarray = box_iou(torch.from_numpy(boxes), torch.from_numpy(others)).numpy()
    return matrix
