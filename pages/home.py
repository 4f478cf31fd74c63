"""The learning path: one stop per concept, each with a live miniature."""

import streamlit as st

from pages.kit.page import close_page, open_page

page = open_page("home", title="Grad2Box", tagline="See how deep detection works, from the first gradient to the last box.")
page.lesson("claim")
close_page(page)
