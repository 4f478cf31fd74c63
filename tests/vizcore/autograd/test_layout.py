"""The layout of a graph does not bring its process down."""

from __future__ import annotations

import os
import random
import subprocess
import sys

from vizcore.autograd import place_nodes


def random_graph(generator: random.Random) -> tuple[int, list[tuple[int, int]]]:
    """A program's graph: each node takes one or two earlier ones, mostly recent."""
    num_nodes = generator.randrange(2, 80)
    edges = []
    for node in range(1, num_nodes):
        for _ in range(generator.choice((1, 1, 2))):
            edges.append((max(0, node - 1 - int(generator.expovariate(0.2))), node))
    return num_nodes, edges


def lay_out(count: int) -> None:
    """Lays out graphs one after another, while other objects come and go in the same memory."""
    generator = random.Random(0)
    others = []
    for _ in range(count):
        place_nodes(*random_graph(generator))
        others.append(bytearray(generator.randrange(10, 100_000)))
        if len(others) > 200:
            generator.shuffle(others)
            del others[100:]


def test_many_graphs_in_memory_that_was_used_before() -> None:
    """igraph 1.0 reads memory that it never wrote and ends the process within some hundred graphs; 0.11 does not."""
    environment = {**os.environ, "MALLOC_PERTURB_": "137", "MALLOC_CHECK_": "3"}
    code = "from tests.vizcore.autograd.test_layout import lay_out; lay_out(1000)"
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr[-2000:]
