"""Two bare steppers; the first has ``?n=40`` steps."""

import streamlit as st

from pages.kit.stepper import step_state, stepper

st.title("Stepper")
count = int(st.query_params.get("n", 40))
st.session_state.setdefault("version", 0)


def restart() -> None:
    """Forces both back to their start."""
    st.session_state.version += 1


@st.fragment
def body() -> None:
    """As a page does it."""
    st.text(f"before {step_state('run', count, version=st.session_state.version)}")
    captions = [f"Caption {index}." for index in range(count)]
    step = stepper("run", count, version=st.session_state.version, captions=captions)
    st.text(f"step {step}")
    other = stepper("bars", 5, start=1, version=st.session_state.version)
    st.text(f"other {other}")
    st.text_input("Words", key="words")
    st.button("Another widget", key="another")


body()
st.button("Restart", on_click=restart)
