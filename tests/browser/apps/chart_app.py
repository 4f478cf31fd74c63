"""A page with one chart, to test the chart piece on."""

import plotly.graph_objects as go
import streamlit as st

from pages.kit.chart import chart
from pages.kit.page import close_page, open_page

st.session_state.setdefault("shell", {"lang": "en", "present": False})
page = open_page("demo", title="Charts", tagline="Click.")
slope = page.slider("slope", "Slope", 1, 5, 2)
figure = go.Figure(go.Scatter(x=[0, 1, 2], y=[0, slope, 2 * slope], name="line, straight", mode="lines+markers"))
figure.update_layout(height=300)
click = chart(page, "line", figure, alt=f"A line that rises by {slope}.", clickable=True)
st.text(f"clicked {click['x'] if click else 'nothing'}")
close_page(page)
