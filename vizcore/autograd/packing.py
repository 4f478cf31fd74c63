"""A real network's graph as the browser takes it; a program's own run is packed where it ran, in the worker."""

from __future__ import annotations

import json

from vizcore.autograd.networks import network_to_json, trace_network


def pack_network(name: str) -> bytes:
    """Traces one of the known networks and packs its graph.

    Args:
        name: a key of ``NETWORKS``.

    Returns:
        JSON of :func:`~vizcore.autograd.networks.network_to_json`; equal names give equal bytes.
    """
    return json.dumps(network_to_json(trace_network(name)), allow_nan=False).encode()
