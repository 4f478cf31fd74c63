"""Measured ratios of the upsampling concept: ``make bench`` prints them."""

import statistics
import time

import torch
import torch.nn.functional as F

from vizcore.data.photos import load_sample
from vizcore.upsampling import time_methods, trace_upsampling, train_upscalers


def median_ms(run, repeats=9):
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def test_the_map_in_one_batch_against_a_loop():
    grid = torch.rand(16, 16)
    units = torch.eye(256, dtype=torch.float64).reshape(256, 1, 16, 16)
    options = {
        "conv_transpose": {"weight": "random", "kernel_size": 4, "stride": 2, "padding": 1},
        "subpixel_conv": {"upscale_factor": 2},
    }
    loop = median_ms(lambda: [F.interpolate(unit[None], scale_factor=2, mode="bilinear") for unit in units])
    print(f"\nthe linear map of 16×16 → 32×32; a loop over unit inputs through bilinear takes {loop:.1f} ms")
    for method in ("nearest", "bilinear", "bicubic", "area", "conv_transpose", "resize_conv", "subpixel_conv"):
        given = options.get(method, {"scale_factor": 2})
        batch = median_ms(lambda method=method, given=given: trace_upsampling(method, grid, **given))
        print(f"{method:>16} {batch:7.1f} ms, {batch / loop:5.2f} of the loop")


def test_operators_against_nearest():
    print("\n[1, 16, 64, 64] ×2, ratio to nearest on the same tensor")
    for timing in time_methods():
        print(f"{timing.name:>16} {timing.milliseconds:7.3f} ms, {timing.ratio:6.1f} × nearest")


def test_training_against_bicubic():
    photos = [load_sample(name).pixels for name in ("coffee", "astronaut", "china", "flower", "motorcycle", "rocket")]
    held_out = load_sample("chelsea").pixels
    for residual in (False, True):
        run = train_upscalers(photos, held_out, residual=residual)
        print(f"\n{len(run.heads)} networks, {run.snapshots[-1].step} steps, {run.seconds:.1f} s, residual={residual}")
        print(f"{'bicubic':>20} {run.bicubic_psnr:.2f} dB, SSIM {run.bicubic_ssim:.4f}")
        for head, psnr in run.snapshots[-1].psnr.items():
            print(f"{head:>20} {psnr:.2f} dB, SSIM {run.ssim[head]:.4f}")
