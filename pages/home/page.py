"""The learning path as a map: one stop per concept, and the promises that hold on every page."""

from pages.home import start, stops
from pages.kit.page import close_page, open_page

page = open_page(
    "home",
    title="Grad2Box",
    tagline="See how deep detection works, from the first gradient to the last box, by touching it.",
)
page.lesson("claim")
start.show(page, stops.PATH)
stops.show(page)
page.lesson("promises")
close_page(page)
