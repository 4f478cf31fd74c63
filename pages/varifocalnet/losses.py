"""Three losses of a score under the learner's hand: curves, gradients, and the surface over score and target."""

from __future__ import annotations

import streamlit as st

from pages.kit.ending import Shown
from pages.kit.live import live
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.varifocalnet import state, words
from pages.varifocalnet.state import View
from vizcore import varifocalnet
from vizcore.figures import theme
from vizcore.figures.varifocalnet import LOSS_NAMES

# Orange is the hand, so no curve has it.
COLORS = (theme.PREDICTION, theme.INTERSECTION, theme.CATEGORICAL[2])
DASHES = ("2 4", "8 4", "")


def curves(view: View) -> varifocalnet.LossCurves:
    """The three losses over the score, at the view's target."""
    found: varifocalnet.LossCurves = compute(
        varifocalnet.loss_curves, view.q, alpha=view.alpha, gamma=view.gamma, resolution=99
    )
    return found


def show(page: Page, view: View) -> Shown:
    """Draws the controls and the curves."""
    _ = page.translate
    columns = st.columns([1.1, 1.1, 1.1, 1.4], vertical_alignment="bottom", gap="small")
    with columns[0]:
        page.slider(state.ALPHA, "α")
    with columns[1]:
        page.slider(state.GAMMA, "γ")
    with columns[2]:
        page.select(state.CURVE, _("Drawn"), {"loss": _("loss"), "gradient": _("gradient by p")}, few=True)
    with columns[3]:
        page.select(state.KIND, _("Surface of"), {name: _(label) for name, label in LOSS_NAMES.items()})
    live(
        "varifocalnet/losses",
        key=page.key("curves"),
        data={
            "token": state.point_token(page),
            "p": view.p,
            "q": view.q,
            "least_p": state.LEAST_P,
            "curve": view.curve,
            "kind": view.kind,
            "surface": page.shows("surface"),
            "losses": [
                {"kind": kind, "name": _(LOSS_NAMES[kind]), "color": color, "dash": dash}
                for kind, color, dash in zip(varifocalnet.LOSSES, COLORS, DASHES, strict=True)
            ],
            "asks": page.asks,
            "scale": list(theme.SCALE),
            "colors": {"target": theme.TARGET, "current": theme.CURRENT},
            "text": words.losses_words(_),
            "presenter": page.presenting,
        },
        payload=compute(varifocalnet.compile_losses, alpha=view.alpha, gamma=view.gamma).encode(),
    )
    if page.shows("claim"):
        page.lesson("claim")
    script = varifocalnet.write_losses_script(view.p, view.q, alpha=view.alpha, gamma=view.gamma)
    return Shown(script, lambda: _rows(view), "grad2box-varifocalnet")


def _rows(view: View) -> list[dict[str, float]]:
    found = curves(view)
    return [
        {
            "p": float(p),
            **{kind: float(found.loss[kind][place]) for kind in varifocalnet.LOSSES},
            **{f"{kind}_gradient": float(found.gradient[kind][place]) for kind in varifocalnet.LOSSES},
        }
        for place, p in enumerate(found.p)
    ]
