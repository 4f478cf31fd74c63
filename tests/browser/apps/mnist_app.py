"""The page of pixel models in an app of its own, whose MNIST comes from the server that the environment names."""

import json
import os

import streamlit as st
from streamlit import runtime
from torchvision.datasets import MNIST

from pages.kit.server import MIDDLEWARE, ROUTES, prepare
from pages.kit.shell import run_app

MNIST.mirrors = [os.environ["MNIST_MIRROR"]]
MNIST.resources = [(name, md5) for name, md5 in json.loads(os.environ["MNIST_FILES"])]

SECTIONS = {
    "": [("home", "The path", ":material/map:")],
    "Pictures": [("autoregressive", "Pixel models", ":material/apps:")],
}

if runtime.exists():
    run_app(SECTIONS)
else:
    prepare()
    app = st.App(__file__, middleware=MIDDLEWARE, routes=ROUTES)
