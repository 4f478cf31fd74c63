"""Mounts our own front-end pieces: one asset root, one name space, no build step.

Streamlit serves a component's files only for an installed distribution. This app is run from its folder, so the asset
roots are declared to the component manager at first use: ours, the ``plotly.min.js`` that the plotly wheel carries, and
the code editor that the django-ace wheel carries (its files alone: nothing of Django is imported). Served from one
root, the pieces may import each other (``import { Stage } from "../shared/stage.js"``).
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PROJECT = "grad2box"
ACE_FOLDER = "static/django_ace/ace"
"""Where the django-ace wheel keeps the editor, from its package on."""
# Plotly styles itself through the document's head, which a shadow root would hide from it.
LIGHT_DOM = frozenset({"shared/chart"})


def mount(name: str, *, key: str, data: Any, default: dict[str, Any] | None = None, **options: Any) -> Any:
    """Mounts the piece ``assets/components/<name>.js``.

    Args:
        name: the piece, ``"<concept>/<piece>"`` or ``"shared/<piece>"``; a stylesheet of its name lies beside it.
        key: identity of this instance; also the key of its state in the session.
        data: what the JavaScript receives: JSON-like, or bytes when it is large and constant.
        default: initial state by state name; each needs its ``on_<state>_change`` callback among ``options``.
        options: ``on_<state>_change`` callbacks, ``width``, ``height``.

    Returns:
        Streamlit's component result; states are its attributes.
    """
    _declare(name)
    return _renderer(name)(key=key, data=data, default=default, **options)


def _declare(name: str) -> None:
    manager = get_bidi_component_manager()
    if manager.get_component_path(_registered(name)) is None:
        ours = ComponentManifest(PROJECT, "1", [ComponentConfig(_flat(name), "components")])
        manager.register_from_manifest(ours, ASSETS)
    if manager.get_component_path(f"{PROJECT}.plotly") is None:
        wheel = ComponentManifest(PROJECT, "1", [ComponentConfig("plotly", "package_data")])
        manager.register_from_manifest(wheel, Path(plotly.__file__).resolve().parent)
    if manager.get_component_path(f"{PROJECT}.ace") is None:
        editor = ComponentManifest(PROJECT, "1", [ComponentConfig("ace", ACE_FOLDER)])
        manager.register_from_manifest(editor, _folder_of("django_ace"))


def _folder_of(package: str) -> Path:
    """Where an installed package lies, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(package)
    return Path(found.origin).resolve().parent


def _flat(name: str) -> str:
    """A component's name is one part of its files' address, so it holds no slash."""
    return name.replace("/", "-")


def _registered(name: str) -> str:
    return f"{PROJECT}.{_flat(name)}"


@functools.lru_cache(maxsize=64)
def _renderer(name: str) -> Any:
    css = f"{name}.css" if (ASSETS / "components" / f"{name}.css").exists() else None
    return st.components.v2.component(_registered(name), js=f"{name}.js", css=css, isolate_styles=name not in LIGHT_DOM)
