"""A traced program for the browser tests: the query parameter ``program`` names it, ``step`` says where it starts."""

import json

import streamlit as st

from pages.kit.graph import count_positions, traced_graph
from vizcore.autograd import run_program, to_json

CHAIN = """x = torch.tensor([[1., -2.], [3., 4.]], requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
out.backward()
"""
PROGRAMS = {
    "chain": CHAIN,
    "fails": CHAIN + "out.backward()\n",
    "unread": "x = (1 +\n",
    "update": """w = torch.tensor(0., requires_grad=True)
loss = (w - 1) ** 2
loss.backward()
with torch.no_grad():
    w -= 0.5 * w.grad
""",
    "loop": """x = torch.tensor(0.5, requires_grad=True)
y = x
for i in range(125):
    y = y * x + y.sin() * 0.5
y.backward()
""",
}

st.title("Graph")
name = st.query_params.get("program", "chain")
trace = run_program(PROGRAMS[name])
sent = to_json(trace)
if trace.error is not None:
    sent["error"]["text"] = str(trace.error.message)
start = int(st.query_params.get("step", "0"))
position = traced_graph(
    "graph", json.dumps(sent).encode(), count_positions(len(trace.steps)), start=start, version=name
)
st.markdown(f"position {position}, {len(trace.nodes)} nodes")
