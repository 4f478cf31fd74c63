"""Mounts our own front-end pieces: one asset root, one name space, no build step.

Streamlit serves a component's files only for an installed distribution. This app is run from its folder, so the two
asset roots are declared to the component manager at first use: ours, and the ``plotly.min.js`` that the plotly wheel
carries. Served from one root, the pieces may import each other (``import { Stage } from "../stage/stage.js"``).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PROJECT = "grad2box"


def mount(name: str, *, key: str, data: Any, default: dict[str, Any] | None = None, **options: Any) -> Any:
    """Mounts the piece ``assets/components/<name>/<name>.js``.

    Args:
        name: folder and file name of the piece.
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
    if manager.get_component_path(f"{PROJECT}.{name}") is None:
        ours = ComponentManifest(PROJECT, "1", [ComponentConfig(name, "components")])
        manager.register_from_manifest(ours, ASSETS)
    if manager.get_component_path(f"{PROJECT}.plotly") is None:
        wheel = ComponentManifest(PROJECT, "1", [ComponentConfig("plotly", "package_data")])
        manager.register_from_manifest(wheel, Path(plotly.__file__).resolve().parent)


@functools.lru_cache(maxsize=64)
def _renderer(name: str) -> Any:
    folder = ASSETS / "components" / name
    css = f"{name}/{name}.css" if (folder / f"{name}.css").exists() else None
    # Plotly styles itself through the document's head, which a shadow root would hide from it.
    isolate = not (folder / "light-dom").exists()
    return st.components.v2.component(f"{PROJECT}.{name}", js=f"{name}/{name}.js", css=css, isolate_styles=isolate)
