"""The platform defaults that a class of users stands on. Each was measured; each would go unnoticed if it were lost."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[1]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def option(name: str) -> object:
    """A value of the app's configuration."""
    section, key = name.split(".")
    return CONFIG[section][key]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("runner.postScriptGC", False),  # else every interaction pays a collection of about 250 ms with torch imported
        # else a new run starts beside the old one, and both write the session's state: under fast key presses a page
        # failed with "dictionary changed size during iteration"
        ("runner.fastReruns", False),
        # The browser names the large messages that it holds with each request, and drops what two runs did not show.
        # Of two requests under way the first one's run can drop what the second one named: the server then sends a
        # reference to nothing ("Cached ForwardMsg MISS") and the page stands still until it is loaded again.
        ("global.maxCachedMessageAge", 24),
        ("server.maxUploadSize", 20),  # the photo limit, refused in the browser already
        ("server.maxMessageSize", 40),
        ("server.fileWatcherType", "none"),  # saves seconds on the first run
        ("server.showEmailPrompt", False),  # a first run must not wait for an answer
        ("browser.gatherUsageStats", False),
        ("client.toolbarMode", "viewer"),
        ("client.showErrorDetails", "none"),
    ],
)
def test_configuration(name: str, value: object) -> None:
    assert option(name) == value


def test_streamlit_knows_every_option_we_set() -> None:
    script = "\n".join(
        ["from streamlit import config"]
        + [
            f"config.get_option({f'{section}.{key}'!r})"
            for section in ("runner", "server", "global", "browser", "client")
            for key in CONFIG[section]
        ]
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, cwd=ROOT)


def test_the_fast_event_loop_is_installed() -> None:
    assert importlib.util.find_spec("uvloop") is not None or sys.platform == "win32"


def test_imported_modules_are_frozen_out_of_the_collector() -> None:
    script = (
        "import gc\n"
        "from pages.kit import loaders\n"
        "loaders.warm_up().join()\n"
        "import sys\n"
        "assert 'torch' in sys.modules\n"
        "print(gc.get_freeze_count())\n"
    )
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert int(answer.stdout) > 100_000


@pytest.mark.parametrize("entry", ["pages.kit.shell", "pages.kit.page", "pages.kit.pictures", "pages.kit.chart"])
def test_the_first_page_does_not_wait_for_torch(entry: str) -> None:
    script = f"import sys, importlib; importlib.import_module({entry!r}); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, cwd=ROOT)


def test_nobody_hands_a_learners_text_to_the_interpreter() -> None:
    offenders = []
    for folder in ("pages", "vizcore"):
        for path in (ROOT / folder).glob("**/*.py"):
            text = path.read_text(encoding="utf-8")
            calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
            names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
            offenders += [f"{path.name}: {name}" for name in names & {"eval", "exec", "compile", "__import__"}]
            offenders += [f"{path.name}: {word}" for word in ("pickle.load", "weights_only=False") if word in text]
    assert offenders == []


# -- what Streamlit does not promise -----------------------------------------------------------------------------------


DRAWING = """
import streamlit as st
from pages.kit import platform
with platform.identity(st.session_state["identity"]):
    st.slider("s", 0.0, 1.0, st.session_state["value"], key="s")
"""


def drawn_id(identity: str, value: float = 0.5) -> str:
    """The element id of one keyed slider."""
    at = AppTest.from_string(DRAWING)
    at.session_state["identity"], at.session_state["value"] = identity, value
    return str(at.run().slider[0].proto.id)


def test_an_identity_makes_another_widget_of_the_same_key() -> None:
    first, again, other = drawn_id("en/0/1"), drawn_id("en/0/1"), drawn_id("zh/0/1")
    assert first == again != other
    assert first.endswith("-s")
    assert other.endswith("-s")


def test_a_key_alone_still_makes_the_id() -> None:
    """If this fails, Streamlit has found its own way, and ``platform.identity`` may be no longer needed."""
    assert drawn_id("", 0.25) == drawn_id("", 0.75)


def test_a_pages_folder_without_scripts_still_means_something_to_streamlit() -> None:
    """If this fails, ``platform.ignore_pages_folder`` is no longer needed."""
    script = (
        "from streamlit.runtime.pages_manager import PagesManager\n"
        "PagesManager('app.py')\n"
        "assert PagesManager.uses_pages_directory is True\n"
        "from pages.kit import platform\n"
        "platform.ignore_pages_folder()\n"
        "PagesManager('app.py')\n"
        "assert PagesManager.uses_pages_directory is False\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, cwd=ROOT)


def test_private_parts_of_streamlit_are_used_in_one_file() -> None:
    allowed = {"pages/kit/platform.py", "pages/kit/components.py", "pages/kit/memory.py"}
    private = ("streamlit.runtime.", "streamlit.elements.", "streamlit.commands.", "streamlit.navigation.")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pages").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("from ", "import ")) and any(name in line for name in private)
    }
    assert found <= allowed
