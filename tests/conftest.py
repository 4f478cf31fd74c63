"""What all tests share."""

from __future__ import annotations

import os

# Two cores run several test processes; more threads a process only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
