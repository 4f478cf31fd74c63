"""The image pyramid: one window slid over every size of a photo, what that costs, and what came before and after."""

from pages.image_pyramid import laboratory, search, state, stepper, tour
from pages.kit.page import open_page

page = open_page(
    "image_pyramid",
    title="Image pyramid",
    tagline="Press play: one window, always of the same size, is slid over ever smaller copies of the photo.",
    tour=tour.STEPS,
)
with page.explained():
    view = state.read(page)
    found = search.show(page, view)
    step = stepper.show(page, view, found)
    if page.step is None:
        laboratory.show(page, view, found, step)
    else:
        laboratory.show_lesson(page, view, found, step)
