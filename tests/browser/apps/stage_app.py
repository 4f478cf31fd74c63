"""A page with nothing but a stage, for its tests: ``?n=50`` boxes, ``mode=select``, ``photo=1``, ``present=1``."""

import numpy as np
import streamlit as st

from pages.kit.stage import StageBox, stage, stage_state

st.title("Stage")
asked = st.query_params
count, mode = int(asked.get("n", 2)), asked.get("mode", "edit")
height, width = 240, 320
colors = [("#0b6fb8", "#5ab0f0"), ("#b4540a", "#f0a35a")]


def place(index: int) -> tuple[float, float, float, float]:
    """Spread on a grid, then shifted so that neighbours overlap."""
    columns = max(1, round((count * 4 / 3) ** 0.5))
    x, y = (
        (index % columns) * (width - 80) / columns + 10,
        (index // columns) * (height - 80) * columns / max(count, 1) + 20,
    )
    return (round(x), round(y), round(x) + 60, round(y) + 50)


boxes = [
    StageBox(
        f"b{index}",
        place(index),
        label=f"Box {index}",
        color=colors[index % 2],
        dash="" if index % 2 else "6 4",
        detail=f"Detail of {index}.",
    )
    for index in range(count)
]
st.session_state.setdefault("version", 0)
st.session_state.setdefault("other", 0)


def restart() -> None:
    """Forces the geometry back."""
    st.session_state.version += 1


photo = None
if asked.get("photo"):
    rows, columns = np.mgrid[0:height, 0:width]
    photo = np.stack([rows % 256, columns % 256, (rows * columns // 64) % 256], axis=-1).astype(np.uint8)

arguments = {"boxes": boxes, "size": (height, width), "mode": mode, "version": st.session_state.version}


@st.fragment
def body() -> None:
    """As a page does it: numbers from the state first, then the stage."""
    state = stage_state("stage", **arguments)
    st.text("xyxy " + ";".join(",".join(f"{value:g}" for value in row) for row in state.xyxy[:3]))
    st.text(f"selected {state.selected}")
    stage(
        "stage",
        **arguments,
        photo=photo,
        grid=None if photo is not None else 20,
        title="A test stage",
        presenter="present" in asked,
        min_size=float(asked.get("least", 1)),
    )
    st.button("Another widget", key="another")


body()
st.button("Restart", on_click=restart)
