"""A folded network for the browser tests."""

import streamlit as st

from pages.kit.graph import folded_network
from vizcore.autograd.packing import pack_network

st.title("Network")
folded_network("network", pack_network(st.query_params.get("network", "resnet18")))
