"""Grad2Box: the page registry, the language and the theme. Everything else lives in ``pages`` and ``vizcore``."""

import streamlit as st
from streamlit import runtime

from pages.kit.server import MIDDLEWARE, ROUTES, prepare
from pages.kit.shell import run_app

# Section heading → pages, in the order of the learning path: (concept, title, icon). Titles are translated by the kit's
# catalogue.
SECTIONS = {
    "": [("home", "The path", ":material/map:"), ("class_room", "Class room", ":material/groups:")],
    "Gradients": [
        ("autograd", "Autograd lab", ":material/account_tree:"),
        ("modules", "nn and functional", ":material/compare_arrows:"),
    ],
    "Layers": [("upsampling", "Upsampling", ":material/grid_on:")],
    "Pyramids": [
        ("image_pyramid", "Image pyramid", ":material/layers:"),
        ("fpn", "Feature pyramid", ":material/stacks:"),
    ],
    "Boxes": [
        ("iou_losses", "IoU losses", ":material/crop_free:"),
        ("nms", "NMS stepper", ":material/filter_list:"),
    ],
    "Detectors": [
        ("detection", "Detection", ":material/center_focus_strong:"),
        ("centernet", "CenterNet", ":material/adjust:"),
        ("varifocalnet", "VarifocalNet", ":material/star:"),
        ("detr", "DETR", ":material/join_inner:"),
        ("thundernet", "ThunderNet", ":material/bolt:"),
        ("scale", "Scale", ":material/aspect_ratio:"),
    ],
    "Pictures": [("autoregressive", "Pixel models", ":material/apps:")],
}

if runtime.exists():  # a visitor: this file is run for every page and every interaction
    run_app(SECTIONS)
else:  # the server begins: Streamlit reads this file once and looks for the line below
    prepare()
    app = st.App(__file__, middleware=MIDDLEWARE, routes=ROUTES)
