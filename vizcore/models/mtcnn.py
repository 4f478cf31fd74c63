"""MTCNN's three networks: a proposal network that slides over a picture of any size, and two that look at crops.

Each is a small convolutional network with PReLUs that says how much its window looks like a face and where in the
window the face is; the last one also says where eyes, nose and the corners of the mouth are. The weights come with the
package ``mtcnn``, written for TensorFlow and packed by joblib. They are read without either.

Reference:
    Kaipeng Zhang, Zhanpeng Zhang, Zhifeng Li, Yu Qiao. Joint face detection and alignment using multi-task cascaded
    convolutional networks. IEEE Signal Processing Letters 2016, arXiv 1604.02878.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

WINDOW: Final = 12
"""Side of P-Net's window, pixels of its level."""
STRIDE: Final = 2
"""Pixels of the level from one window to the next."""
CROPS: Final = {"rnet": 24, "onet": 48}
"""Side of the crops that the later networks look at, pixels."""


class MTCNNWeightsError(RuntimeError):
    """The installed package does not carry the weights that were checked."""


class _Part(NamedTuple):
    """Where a file of weights has an array: its first byte after unpacking, and its shape as TensorFlow has it."""

    name: str
    offset: int
    shape: tuple[int, ...]


class PNet(nn.Module):
    """Fully convolutional: every window of 12 × 12 pixels at stride 2, in one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.box, self.face = nn.Conv2d(32, 4, 1), nn.Conv2d(32, 2, 1)

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> tuple[Float[Tensor, "N H2 W2"], Float[Tensor, "N 4 H2 W2"]]:
        """Face probability of every window, and the shifts of its four sides in windows."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.face(x).softmax(1)[:, 1], self.box(x)


class RNet(nn.Module):
    """Crops of 24 × 24 pixels: refused, or refined."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.box, self.face = nn.Linear(128, 4), nn.Linear(128, 2)

    def forward(self, x: Float[Tensor, "N 3 24 24"]) -> tuple[Float[Tensor, " N"], Float[Tensor, "N 4"]]:
        """Face probability of every crop, and the shifts of its four sides in crops."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x))
        x = self.prelu4(self.dense(_flatten(x)))
        return self.face(x).softmax(1)[:, 1], self.box(x)


class ONet(nn.Module):
    """Crops of 48 × 48 pixels: the last word, and five landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.box, self.landmarks, self.face = nn.Linear(256, 4), nn.Linear(256, 10), nn.Linear(256, 2)

    def forward(
        self, x: Float[Tensor, "N 3 48 48"]
    ) -> tuple[Float[Tensor, " N"], Float[Tensor, "N 4"], Float[Tensor, "N 5 2"]]:
        """Face probability of every crop, shifts of its four sides, and five (x, y) from its corner, all in crops."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense(_flatten(x)))
        points = self.landmarks(x).view(-1, 2, 5).transpose(1, 2)  # five x, then five y
        return self.face(x).softmax(1)[:, 1], self.box(x), points


class MTCNN(nn.Module):
    """The cascade's three networks; :func:`vizcore.image_pyramid.trace_mtcnn` runs them one on the other's answers."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet, self.rnet, self.onet = PNet(), RNet(), ONet()


def _flatten(x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
    """In the order of the released weights: columns, then rows, then channels."""
    return x.permute(0, 3, 2, 1).flatten(1)


# SHA-256 of each file of mtcnn 1.0.0, and where its arrays lie in what it unpacks to.
_FILES: Final = {
    "pnet": (
        "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
        (
            _Part("conv1.weight", 240, (3, 3, 3, 10)),
            _Part("conv1.bias", 1376, (10,)),
            _Part("prelu1.weight", 1472, (10,)),
            _Part("conv2.weight", 1568, (3, 3, 10, 16)),
            _Part("conv2.bias", 7376, (16,)),
            _Part("prelu2.weight", 7504, (16,)),
            _Part("conv3.weight", 7632, (3, 3, 16, 32)),
            _Part("conv3.bias", 26112, (32,)),
            _Part("prelu3.weight", 26304, (32,)),
            _Part("box.weight", 26496, (1, 1, 32, 4)),
            _Part("box.bias", 27056, (4,)),
            _Part("face.weight", 27136, (1, 1, 32, 2)),
            _Part("face.bias", 27440, (2,)),
        ),
    ),
    "rnet": (
        "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
        (
            _Part("conv1.weight", 240, (3, 3, 3, 28)),
            _Part("conv1.bias", 3312, (28,)),
            _Part("prelu1.weight", 3488, (28,)),
            _Part("conv2.weight", 3664, (3, 3, 28, 48)),
            _Part("conv2.bias", 52096, (48,)),
            _Part("prelu2.weight", 52352, (48,)),
            _Part("conv3.weight", 52608, (2, 2, 48, 64)),
            _Part("conv3.bias", 101808, (64,)),
            _Part("prelu3.weight", 102128, (64,)),
            _Part("dense.weight", 102448, (576, 128)),
            _Part("dense.bias", 397408, (128,)),
            _Part("prelu4.weight", 397968, (128,)),
            _Part("box.weight", 398528, (128, 4)),
            _Part("box.bias", 400624, (4,)),
            _Part("face.weight", 400688, (128, 2)),
            _Part("face.bias", 401760, (2,)),
        ),
    ),
    "onet": (
        "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
        (
            _Part("conv1.weight", 240, (3, 3, 3, 32)),
            _Part("conv1.bias", 3744, (32,)),
            _Part("prelu1.weight", 3936, (32,)),
            _Part("conv2.weight", 4128, (3, 3, 32, 64)),
            _Part("conv2.bias", 77904, (64,)),
            _Part("prelu2.weight", 78224, (64,)),
            _Part("conv3.weight", 78544, (3, 3, 64, 64)),
            _Part("conv3.bias", 226048, (64,)),
            _Part("prelu3.weight", 226368, (64,)),
            _Part("conv4.weight", 226688, (2, 2, 64, 128)),
            _Part("conv4.bias", 357808, (128,)),
            _Part("prelu4.weight", 358384, (128,)),
            _Part("dense.weight", 358960, (1152, 256)),
            _Part("dense.bias", 1538656, (256,)),
            _Part("prelu5.weight", 1539728, (256,)),
            _Part("box.weight", 1540816, (256, 4)),
            _Part("box.bias", 1544960, (4,)),
            _Part("landmarks.weight", 1545040, (256, 10)),
            _Part("landmarks.bias", 1555328, (10,)),
            _Part("face.weight", 1555424, (256, 2)),
            _Part("face.bias", 1557520, (2,)),
        ),
    ),
}


def weights_folder() -> Path | None:
    """Where the installed package keeps its weights; it is not imported, which would import TensorFlow."""
    spec = find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "assets" / "weights"


def load_mtcnn(folder: Path | None = None) -> MTCNN:
    """The three networks with the released weights, in eval mode.

    Args:
        folder: of ``pnet.lz4``, ``rnet.lz4`` and ``onet.lz4``; the installed package's by default.

    Raises:
        MTCNNWeightsError: a file is missing, or not the one whose checksum is known.
    """
    folder = folder or weights_folder()
    if folder is None:
        raise MTCNNWeightsError("the package mtcnn is not installed")
    model = MTCNN()
    for name, (checksum, parts) in _FILES.items():
        network = getattr(model, name)
        network.load_state_dict(_read_weights(folder / f"{name}.lz4", checksum, parts))
    return model.eval().requires_grad_(False)


def _read_weights(path: Path, checksum: str, parts: tuple[_Part, ...]) -> dict[str, Tensor]:
    """The arrays of a file, turned from TensorFlow's order of axes to torch's.

    joblib's format is a pickle with the numbers of each array in between, and reading a pickle runs what it says. It is
    not read as one: the checksum fixes every byte of the file, so each array is cut out of the place where it is known
    to lie, and nothing that the file says is followed.
    """
    import lz4.frame

    try:
        packed = path.read_bytes()
    except OSError as error:
        raise MTCNNWeightsError(f"{path.name} cannot be read") from error
    if hashlib.sha256(packed).hexdigest() != checksum:
        raise MTCNNWeightsError(f"{path.name} is not the file of mtcnn 1.0.0")
    data = lz4.frame.decompress(packed)
    state = {}
    for part in parts:
        values = np.frombuffer(data, "<f4", count=int(np.prod(part.shape)), offset=part.offset).reshape(part.shape)
        if len(part.shape) == 4:  # rows, columns, in, out → out, in, rows, columns
            values = values.transpose(3, 2, 0, 1)
        elif len(part.shape) == 2:  # in, out → out, in
            values = values.T
        state[part.name] = torch.from_numpy(np.array(values, dtype=np.float32, order="C"))
    return state
