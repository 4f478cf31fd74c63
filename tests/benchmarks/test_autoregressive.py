"""What sampling without computing anything twice is worth, against the plain loop.

Seconds are of processor time on one thread, so a busy machine changes little; wanted are at most 1 s for 64 samples of
8×8 and at most 10 s for one of 28×28.
"""

import time

import pytest
import torch

from vizcore.autoregressive import build, load_trained, sample
from vizcore.training.autoregressive import MNIST_RECIPES

AT_LEAST = {"nade": 4.0, "pixelcnn": 4.0, "gated_pixelcnn": 4.0}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seconds(run, *, repeats: int = 3) -> float:
    run()
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    return min(taken)


@pytest.mark.parametrize("kind", ["fvsbn", "nade", "made", "pixelcnn", "gated_pixelcnn"])
def test_64_samples_of_8_by_8(kind: str):
    model, _ = load_trained(kind)
    fast, plain = (seconds(lambda way=way: sample(model, 64, incremental=way)) for way in (True, False))
    print(f"\n{kind}: 64 samples in {1000 * fast:.0f} ms, plain loop {1000 * plain:.0f} ms, {plain / fast:.1f} ×")
    assert plain / fast > AT_LEAST.get(kind, 0.5)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("num", [1, 16])
@pytest.mark.parametrize("kind", ["pixelcnn", "gated_pixelcnn"])
def test_samples_of_28_by_28(kind: str, num: int):
    """The network that is trained on MNIST; the plain loop's 784 passes are extrapolated from one."""
    model = build(kind, (28, 28), recipe=MNIST_RECIPES[kind])
    fast = seconds(lambda: sample(model, num))
    x = torch.zeros(num, 784)
    with torch.no_grad():
        plain = 784 * seconds(lambda: model(x))
    print(f"\n{kind}: {num} of 28 × 28 in {fast:.2f} s, plain loop about {plain:.1f} s, {plain / fast:.1f} ×")
    assert plain / fast > 4
