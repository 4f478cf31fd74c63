"""Makes sure that there is a Chromium to test in: the system's, else Debian's package, else Playwright's own.

``python -m tests.browser.install`` prints which one will be used. A machine without any fails here, never by skipping
tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# In a process of its own: where a test's Chromium is open, Playwright refuses to be started again.
OWN = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def find_chromium() -> str | None:
    """Path of a Chromium, or None: ``CHROMIUM`` in the environment, one on the path, or Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    asked = subprocess.run([sys.executable, "-c", OWN], check=True, capture_output=True, text=True)
    own = asked.stdout.strip()
    return own if Path(own).exists() else None


def install() -> str:
    """Finds or installs Chromium and returns its path."""
    found = find_chromium()
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "chromium", "fonts-noto-cjk"], check=False, stdout=subprocess.DEVNULL
        )
        found = find_chromium()
    if found is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        found = find_chromium()
    if found is None:
        sys.exit("No Chromium could be found or installed; set CHROMIUM to its path.")
    return found


if __name__ == "__main__":
    print(install())
