"""A folded network for the browser tests."""

import json

import streamlit as st

from pages.kit.graph import folded_network
from vizcore.autograd.networks import network_to_json, trace_network

st.title("Network")
graph = trace_network(st.query_params.get("network", "resnet18"))
folded_network("network", json.dumps(network_to_json(graph)).encode())
