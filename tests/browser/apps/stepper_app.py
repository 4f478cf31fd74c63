"""A bare stepper and a figure with frames, for tests of both; ``?n=40`` steps."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.kit.stepper import step_state, stepped_figure, stepper

st.title("Stepper")
count = int(st.query_params.get("n", 40))
st.session_state.setdefault("version", 0)


def restart() -> None:
    """Forces both back to their start."""
    st.session_state.version += 1


x = np.arange(8)
blue, orange = ["#2b7fd4"] * 8, ["#d9600a"] * 8
figure = go.Figure(
    data=[go.Bar(x=x, y=x * 0, marker={"color": blue, "line": {"width": 3}})],
    frames=[
        go.Frame(
            data=[go.Bar(y=x * k, marker={"color": orange} if k == 3 else None)], layout={"title": {"text": f"k = {k}"}}
        )
        for k in range(5)
    ],
)


@st.fragment
def body() -> None:
    """As a page does it."""
    st.text(f"before {step_state('run', count, version=st.session_state.version)}")
    captions = [f"Caption {index}." for index in range(count)]
    step = stepper("run", count, version=st.session_state.version, captions=captions)
    st.text(f"step {step}")
    shown = stepped_figure("bars", figure, alt="Bars.", start=1, version=st.session_state.version)
    st.text(f"frame {shown}")
    st.text_input("Words", key="words")
    st.button("Another widget", key="another")


body()
st.button("Restart", on_click=restart)
