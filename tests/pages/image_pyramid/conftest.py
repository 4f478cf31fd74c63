from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def payloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What would go to the browser by URL, by the place in the page."""
    kept: dict[str, bytes] = {}

    def keep(content: bytes, mimetype: str, place: str) -> str:
        kept[place] = content
        return f"/media/{place}"

    for module in ("pages.kit.live", "pages.kit.stage"):
        monkeypatch.setattr(f"{module}.media_url", keep)
    return kept
