"""One Redis for all tests of the rooms in a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Redis that lives as long as the tests do."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.address
    server.kill()
