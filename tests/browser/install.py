"""Makes sure that there is a Chromium to test in: the system's, else Debian's package, else Playwright's own.

``python -m tests.browser.install`` prints which one will be used. A machine without any fails here, never by skipping
tests. It also installs Debian's redis-server and nginx where they are missing and can be installed. Without the first,
tests of rooms that several processes share are skipped, in CI they fail; without nginx those of replicas are skipped.
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


def install_packages(*names: str) -> bool:
    """Installs Debian's packages; whether that could be tried: as root, where there is apt."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    subprocess.run(["apt-get", "install", "-y", "-qq", *names], check=False, stdout=subprocess.DEVNULL)
    return True


def install() -> str:
    """Finds or installs Chromium and returns its path."""
    found = find_chromium()
    if found is None and install_packages("chromium", "fonts-noto-cjk"):
        found = find_chromium()
    if found is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        found = find_chromium()
    if found is None:
        sys.exit("No Chromium could be found or installed; set CHROMIUM to its path.")
    return found


if __name__ == "__main__":
    print(install())
    missing = [name for name in ("redis-server", "nginx") if shutil.which(name) is None]
    if missing:
        install_packages(*missing)
