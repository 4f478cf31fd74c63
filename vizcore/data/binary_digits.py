"""Handwritten digits in black and white, split by a seed: what models of binary pixels learn from.

Two ways to binarise are in use, and figures from one cannot be compared with figures from the other. Fixed: a pixel is
1 from half the ink on, once and for all. Dynamic: a pixel's ink is the probability that it is 1, drawn anew each time
the picture is looked at; there the noise itself has to be paid for, in nats, and works against overfitting.

Reference:
    Ruslan Salakhutdinov, Iain Murray. On the quantitative analysis of deep belief networks. ICML 2008 (who drew MNIST's
    pixels once from their ink and kept the result). Our fixed binarisation is a threshold instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from vizcore.data.digits import load_digit_labels, load_digits
from vizcore.data.mnist import load_mnist

DATA: Final = ("digits", "mnist")
BINARISATIONS: Final = ("fixed", "dynamic")
NUM_CLASSES: Final = 10
THRESHOLD: Final = 0.5
VALIDATION_SHARE: Final = 0.1
_EVALUATION_SEED: Final = 20_110_411  # of the one draw that dynamic figures are measured on


@dataclass(frozen=True, eq=False)
class BinaryDigits:
    """Digits and their split.

    Attributes:
        name: of the data.
        size: (height, width).
        ink: ``[N, D]`` in [0, 1], raster order.
        labels: ``[N]`` 0 to 9.
        train: places of the pictures to learn from.
        validation: places of the pictures that decide when to stop.
        test: places of the pictures that no training has seen.
        binarisation: ``"fixed"`` or ``"dynamic"``.
    """

    name: str
    size: tuple[int, int]
    ink: Float32[Tensor, "N D"]
    labels: Int64[Tensor, " N"]
    train: Int64[Tensor, " T"]
    validation: Int64[Tensor, " V"]
    test: Int64[Tensor, " E"]
    binarisation: str = "fixed"

    def pictures(self, split: str, *, epoch: int | None = None) -> Float32[Tensor, "M D"]:
        """A split's pictures of 0 and 1.

        Args:
            split: ``"train"``, ``"validation"`` or ``"test"``.
            epoch: seed of a dynamic drawing; None for the one that figures are measured on. Fixed ones ignore it.
        """
        return binarise(
            self.ink[self.places(split)],
            self.binarisation,
            seed=_EVALUATION_SEED if epoch is None else epoch,
        )

    def labels_of(self, split: str) -> Int64[Tensor, " M"]:
        """A split's labels."""
        return self.labels[self.places(split)]

    def places(self, split: str) -> Int64[Tensor, " M"]:
        """Where a split's pictures are in ``ink``.

        Raises:
            ValueError: if there is no such split.
        """
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        if split not in splits:
            raise ValueError(f"expected one of {', '.join(splits)}, got {split!r}")
        return splits[split]


def binarise(ink: Float32[Tensor, "N D"], binarisation: str = "fixed", *, seed: int = 0) -> Float32[Tensor, "N D"]:
    """Black and white from grey.

    Args:
        ink: in [0, 1].
        binarisation: ``"fixed"``: 1 from ``THRESHOLD`` on; ``"dynamic"``: 1 with the ink as probability.
        seed: of the dynamic drawing.

    Raises:
        ValueError: for another binarisation, or ink outside [0, 1].
    """
    if binarisation not in BINARISATIONS:
        raise ValueError(f"expected one of {', '.join(BINARISATIONS)}, got {binarisation!r}")
    if not bool(((ink >= 0) & (ink <= 1)).all()):
        raise ValueError("expected ink from 0 to 1")
    if binarisation == "fixed":
        return (ink >= THRESHOLD).float()
    return (torch.rand(ink.shape, generator=torch.Generator().manual_seed(seed)) < ink).float()


def load_binary_digits(
    name: str = "digits",
    *,
    binarisation: str = "fixed",
    seed: int = 0,
    num_train: int | None = None,
    num_test: int | None = None,
) -> BinaryDigits:
    """Reads digits and splits them.

    scikit-learn's 1,797 digits of 8×8 are split 4:1 by the seed; MNIST has a test set of its own. A tenth of what is
    left to learn from is kept back to decide when to stop.

    Args:
        name: ``"digits"`` or ``"mnist"``, which has to be on this computer (:func:`vizcore.data.mnist.download_mnist`).
        binarisation: ``"fixed"`` or ``"dynamic"``.
        seed: of the split.
        num_train: at most so many pictures to learn from and to keep back, together; with 0 of MNIST only its test
            pictures are read.
        num_test: at most so many test pictures, the first ones.

    Raises:
        ValueError: for other names.
        MNISTError: if MNIST is not here or cannot be read.
    """
    if name not in DATA or binarisation not in BINARISATIONS:
        raise ValueError(f"expected one of {DATA} and one of {BINARISATIONS}, got {name!r}, {binarisation!r}")
    generator = torch.Generator().manual_seed(seed)
    if name == "digits":
        ink = torch.from_numpy(load_digits().reshape(-1, 64) / np.float32(16))
        labels = torch.from_numpy(load_digit_labels().copy())
        order, size = torch.randperm(len(ink), generator=generator), (8, 8)
        learned = len(ink) * 4 // 5
        rest, test = order[:learned][:num_train], order[learned:][:num_test]
    else:
        test_pictures, test_labels = (part[:num_test] for part in load_mnist(train=False))
        pictures, known = (test_pictures[:0], test_labels[:0]) if num_train == 0 else load_mnist(train=True)
        rest = torch.randperm(len(known), generator=generator)
        if num_train is not None:  # 55,000 pictures of float32 would be 172 MB
            pictures, known = pictures[rest[:num_train]], known[rest[:num_train]]
            rest = torch.arange(len(known))
        ink = torch.cat([_as_ink(pictures), _as_ink(test_pictures)])
        labels, size = torch.cat([known, test_labels]), (28, 28)
        test = torch.arange(len(known), len(labels))
    kept_back = int(len(rest) * VALIDATION_SHARE)
    return BinaryDigits(name, size, ink, labels, rest[kept_back:], rest[:kept_back], test, binarisation)


def _as_ink(pictures: UInt8[Tensor, "N 28 28"]) -> Float32[Tensor, "N 784"]:
    return pictures.flatten(1).float() / 255
