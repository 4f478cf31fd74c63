"""A sampling as bytes: sent to a browser once, stepped there without asking again."""

from __future__ import annotations

import numpy as np

from vizcore.autoregressive.sampling import SamplingTrace
from vizcore.packing import pack


def pack_sampling(trace: SamplingTrace) -> bytes:
    """Lays a sampling out as :mod:`vizcore.packing` does.

    Args:
        trace: any.

    Returns:
        By pixel: ``probabilities``, ``logits``, ``noise`` (float64, for a browser has to decide as torch did),
        ``log_probabilities``, ``picture`` and ``forced``; by step: ``order`` and, if the trace has them, ``futures``
        ``[D, D]``; in the header ``size``, ``temperature``, ``label`` and ``exact``.
    """
    arrays: dict[str, np.ndarray] = {
        "order": trace.order.astype(np.uint32),
        "probabilities": trace.probabilities.astype(np.float32),
        "logits": trace.logits.astype(np.float32),
        "noise": trace.noise.astype(np.float64),
        "log_probabilities": trace.log_probabilities.astype(np.float32),
        "picture": trace.picture.astype(np.uint8),
        "forced": trace.forced.astype(np.uint8),
    }
    if trace.futures is not None:
        arrays["futures"] = trace.futures.astype(np.float32)
    return pack(
        arrays, size=list(trace.size), temperature=trace.temperature, label=trace.label, exact=bool(trace.exact)
    )
