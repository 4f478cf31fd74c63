"""The learning path as a map: one stop per concept, and the promises that hold on every page."""

import streamlit as st

from pages.home import stops
from pages.kit.page import close_page, open_page

page = open_page(
    "home",
    title="Grad2Box",
    tagline="See how deep detection works, from the first gradient to the last box, by touching it.",
)
_ = page.translate
page.lesson("claim")
stops.show(page)
st.page_link(
    "pages/fpn/page.py",
    label=_("From 3 on: the feature pyramid, every scale in one pass"),
    icon=":material/stacks:",
)
st.page_link(
    "pages/modules/page.py",
    label=_("Aside: nn.Module and nn.functional, side by side"),
    icon=":material/compare_arrows:",
)
page.lesson("promises")
close_page(page)
