"""Digits in black and white: splits, binarisations, and MNIST from a server that behaves well or badly."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits as sklearn_digits

from tests.weights_server import WeightsServer, serve_weights
from vizcore.data import mnist
from vizcore.data.binary_digits import binarise, load_binary_digits
from vizcore.data.mnist import DOWNLOAD_BYTES, MNISTError, check_idx, download_mnist, load_mnist, mnist_available
from vizcore.weights import WeightsError

NAMES = list(mnist.SIZES)


def idx(array: np.ndarray, *, kind: int = 8) -> bytes:
    """An IDX file, written from its description."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def generated(seed: int = 0) -> dict[str, bytes]:
    """Four files with 60 and 20 pictures of noise."""
    rng = np.random.default_rng(seed)
    return {
        name: idx(rng.integers(0, 256, (num, 28, 28)) if "images" in name else rng.integers(0, 10, num))
        for name, num in zip(NAMES, (60, 60, 20, 20), strict=True)
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD2BOX_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def server():
    with serve_weights() as running:
        yield running


def publish(server: WeightsServer, files: dict[str, bytes]) -> list[str]:
    """Puts the files on the server, compressed; their MD5s."""
    packed = {name: gzip.compress(content, mtime=0) for name, content in files.items()}
    server.files.update({f"/mnist/{name}.gz": content for name, content in packed.items()})
    return [hashlib.md5(packed[name]).hexdigest() for name in NAMES]


def download(server: WeightsServer, md5s: list[str], **more):
    return download_mnist(mirror=f"{server.url}/mnist/", md5s=md5s, timeout=5, **more)


def test_the_digits_and_their_labels_are_scikit_learns():
    data, reference = load_binary_digits(), sklearn_digits()
    assert np.array_equal(data.ink.numpy() * 16, reference.data)
    assert np.array_equal(data.labels.numpy(), reference.target)
    assert data.size == (8, 8)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_a_split_is_fixed_by_its_seed_and_covers_everything_once(seed):
    data, again = load_binary_digits(seed=seed), load_binary_digits(seed=seed)
    places = torch.cat([data.train, data.validation, data.test])
    assert torch.equal(places.sort().values, torch.arange(1797))
    assert (len(data.train), len(data.validation), len(data.test)) == (1294, 143, 360)
    assert torch.equal(data.test, again.test)
    assert torch.equal(data.train, again.train)


def test_splits_of_two_seeds_differ():
    assert not torch.equal(load_binary_digits(seed=0).test, load_binary_digits(seed=1).test)


def test_fixed_is_a_threshold_and_dynamic_is_drawn_anew():
    ink = torch.tensor([[0.0, 0.25, 0.5, 1.0]])
    assert binarise(ink).tolist() == [[0, 0, 1, 1]]
    many = torch.cat([binarise(ink, "dynamic", seed=seed) for seed in range(4000)])
    assert many.mean(0).tolist() == pytest.approx([0, 0.25, 0.5, 1], abs=0.04)
    data = load_binary_digits(binarisation="dynamic")
    assert not torch.equal(data.pictures("train", epoch=0), data.pictures("train", epoch=1))
    assert torch.equal(data.pictures("test"), data.pictures("test"))
    fixed = load_binary_digits()
    assert torch.equal(fixed.pictures("train", epoch=0), fixed.pictures("train", epoch=1))


def test_what_is_not_ink_or_no_split_is_refused():
    for call in (
        lambda: binarise(torch.tensor([[1.5]])),
        lambda: binarise(torch.tensor([[float("nan")]])),
        lambda: binarise(torch.zeros(1, 1), "soft"),
        lambda: load_binary_digits("letters"),
        lambda: load_binary_digits().pictures("all"),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()


def test_mnist_arrives_with_progress_and_is_read_by_torchvision(server, here):
    files = generated()
    md5s = publish(server, files)
    assert not mnist_available()
    seen: list[tuple[int, int]] = []
    assert download(server, md5s, on_progress=lambda done, total: seen.append((done, total))) == here
    assert seen == sorted(seen)
    assert seen[-1] == (DOWNLOAD_BYTES, DOWNLOAD_BYTES)
    assert mnist_available()
    for train, num in ((True, 60), (False, 20)):
        pictures, labels = load_mnist(train=train)
        prefix = "train" if train else "t10k"
        assert pictures.numpy().tobytes() == files[f"{prefix}-images-idx3-ubyte"][16:]
        assert bytes(labels.tolist()) == files[f"{prefix}-labels-idx1-ubyte"][8:]
        assert len(labels) == num
    data = load_binary_digits("mnist")
    assert (len(data.train), len(data.validation), len(data.test)) == (54, 6, 20)
    assert torch.equal(data.test, torch.arange(60, 80))
    few = load_binary_digits("mnist", num_train=20, num_test=5)
    assert (len(few.train), len(few.validation), len(few.test)) == (18, 2, 5)
    assert torch.equal(few.pictures("test"), data.pictures("test")[:5])
    assert torch.equal(load_binary_digits("mnist", num_train=0).ink, data.ink[60:])
    asked = len(server.ranges)
    download(server, md5s)  # nothing is missing, so nobody is asked
    assert len(server.ranges) == asked


def test_a_damaged_file_is_named_and_not_kept(server, here):
    files = generated()
    md5s = publish(server, files)
    md5s[2] = "0" * 32
    with pytest.raises(MNISTError, match=r"t10k-images-idx3-ubyte\.gz is damaged: its MD5 starts with"):
        download(server, md5s)
    assert not mnist_available()
    assert [path.name for path in here.iterdir() if path.suffix in (".gz", ".part")] == []
    download(server, publish(server, files))
    assert mnist_available()


def test_a_download_that_breaks_goes_on_where_it_stopped(server, here):
    md5s = publish(server, generated())
    server.cut_after = 1000
    with pytest.raises(WeightsError, match="broke after"):
        download(server, md5s)
    download(server, md5s)
    assert "bytes=1000-" in server.ranges
    assert mnist_available()


def test_without_a_network_one_sentence(server, here):
    with pytest.raises(WeightsError, match=r"cannot be reached, so train-images-idx3-ubyte\.gz was not downloaded"):
        download_mnist(mirror="http://127.0.0.1:9/mnist", timeout=2)
    with pytest.raises(WeightsError, match=r"has no file train-images-idx3-ubyte\.gz"):
        download(server, ["0" * 32] * 4)
    with pytest.raises(MNISTError, match="not on this computer yet"):
        load_binary_digits("mnist")


def test_cancel(server, here):
    md5s = publish(server, generated())
    with pytest.raises(MNISTError, match="was canceled"):
        download(server, md5s, is_cancelled=lambda: True)
    assert not mnist_available()


def test_not_gzip_and_cut_gzip(server, here):
    for content in (b"plain text", gzip.compress(generated()[NAMES[0]])[:-20]):
        server.files[f"/mnist/{NAMES[0]}.gz"] = content
        with pytest.raises(MNISTError, match="not a whole gzip file"):
            download(server, [hashlib.md5(content).hexdigest(), *["0" * 32] * 3])


PICTURES, LABELS = np.zeros((2, 28, 28)), np.zeros(2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "ends within its header"),
        (idx(PICTURES)[:9], "ends within its header"),
        (b"PK" + idx(PICTURES)[2:], "two zero bytes"),
        (idx(PICTURES, kind=0x0D), "numbers of type 0x0d; digits are bytes"),
        (idx(LABELS), "1 dimensions instead of 3"),
        (idx(np.zeros((2, 8, 8))), "pictures of 8 × 8 pixels"),
        (idx(PICTURES)[:-1], "announces 1568 bytes of numbers and holds 1567"),
        (idx(PICTURES) + b"\0", "announces 1568 bytes of numbers and holds 1569"),
    ],
)
def test_pictures_that_are_no_idx_file(content, sentence):
    with pytest.raises(MNISTError) as caught:
        check_idx(content, NAMES[0])
    assert sentence in str(caught.value)
    assert NAMES[0] in str(caught.value)


def test_labels_beyond_nine_and_a_file_that_went_bad_on_disk(server, here):
    with pytest.raises(MNISTError, match="the label 12"):
        check_idx(idx(np.array([1, 12])), NAMES[1])
    md5s = publish(server, generated())
    download(server, md5s)
    labels = here / "MNIST" / "raw" / NAMES[1]
    labels.write_bytes(idx(np.zeros(59)))
    with pytest.raises(MNISTError, match="60 pictures and 59 labels"):
        load_mnist(train=True)
    labels.write_bytes(b"\1\2\3\4")
    with pytest.raises(MNISTError, match="two zero bytes"):
        load_mnist(train=True)


def test_the_published_files_are_torchvisions(here):
    from torchvision.datasets import MNIST

    assert [f"{name}.gz" for name in NAMES] == [name for name, _ in MNIST.resources]
    assert DOWNLOAD_BYTES == 11_594_722
