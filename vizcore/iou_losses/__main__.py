"""Runs the DIoU paper's simulation from the command line and stores it: ``python -m vizcore.iou_losses``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tqdm import tqdm

from vizcore.iou_losses.simulation import GRADIENTS, STARTS, save_simulation, simulate_regression, simulation_path


def main(arguments: list[str] | None = None) -> Path:
    """Reads the command line, runs, stores, and returns where the result lies."""
    parser = argparse.ArgumentParser(prog="python -m vizcore.iou_losses", description=__doc__)
    parser.add_argument("--centers", type=int, default=5000, help="343 boxes each; the paper uses 5000")
    parser.add_argument("--gradient", choices=GRADIENTS, default="exact")
    parser.add_argument("--starts", choices=STARTS, default="disc")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="an .npz file; by default in vizcore/assets/simulations")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with tqdm(total=100, unit="%") as bar:
        result = simulate_regression(
            options.centers,
            gradient=options.gradient,
            starts=options.starts,
            seed=options.seed,
            on_progress=lambda share: bar.update(round(100 * share) - bar.n) and None,
        )
    path = options.output or simulation_path(options.gradient)
    save_simulation(result, path)
    return path


if __name__ == "__main__":
    main()
