"""Runs pages as a server does from its second run on: inside app.py.

``AppTest`` begins every run as a new server would. There Streamlit takes the folder called "pages" for its own and
runs the page without the shell around it, so a button's press is spent before the page is there. ``open_page`` mends
that on a real server, once.
"""

from __future__ import annotations

from pathlib import PosixPath, WindowsPath
from sys import platform

import pytest


class _NoFolder(WindowsPath if platform == "win32" else PosixPath):  # type: ignore[misc]
    def exists(self, **options: bool) -> bool:
        """Whether Streamlit should see the folder: never."""
        return self.name != "pages" and super().exists(**options)


@pytest.fixture(autouse=True)
def pages_inside_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the folder from Streamlit's own page discovery."""
    monkeypatch.setattr("streamlit.runtime.pages_manager.Path", _NoFolder)
