"""What all tests share."""

from __future__ import annotations

import os

# Two cores run several test processes; more threads a process only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook
from playwright.sync_api import Browser

from tests import shapes
from tests.chromium import close_chromium, open_chromium

install_import_hook(shapes.MODULES, f"{shapes.__name__}.checked")  # before the first test imports them

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture(scope="session")
def chromium() -> Browser:
    """The browser of this process."""
    return open_chromium()


def pytest_sessionfinish() -> None:
    """Closes what the whole process shared."""
    close_chromium()
