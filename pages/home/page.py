"""The learning path as a map: one stop per concept, each with a miniature that vizcore computes as the page opens."""

from pages.home import stops
from pages.kit.page import close_page, open_page

page = open_page(
    "home",
    title="Grad2Box",
    tagline="See how deep detection works, from the first gradient to the last box, by touching it.",
)
with page.explained():
    page.lesson("claim")
    stops.show(page)
    stops.show_asides(page)
    page.lesson("promises")
    close_page(page)
