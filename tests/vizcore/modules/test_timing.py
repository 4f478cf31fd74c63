from __future__ import annotations

from vizcore import modules
from vizcore.modules import NetworkChoice


def test_timing_has_both_in_microseconds() -> None:
    timing = modules.time_networks(NetworkChoice(), repeats=5)
    assert timing.module.shape == timing.functional.shape == (5,)
    assert (timing.module > 0).all()
