"""What the page of pixel models shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.kit import link
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import autoregressive

ANY = "any"
"""No label: a model of pictures alone."""
SIZE = (8, 8)
NUM_PIXELS = SIZE[0] * SIZE[1]

PART = link.choice("part", ("pixels", "write", "compare", "leak", "train", "data"), "pixels")
MODEL = link.choice("model", autoregressive.KINDS, "nade")
ORDER = link.choice("order", autoregressive.ORDERS, "raster")
LABEL = link.choice("label", (ANY, *map(str, range(10))), ANY)
TEMPERATURE = link.number("temperature", 0.0, 2.0, 1.0, step=0.05)
SEED = link.number("seed", 0, 9999, 4, step=1)
GIVEN = link.text("given", "", max_length=NUM_PIXELS, cells=SIZE)
STEP = link.number("step", 0, NUM_PIXELS, 0, step=1)
DIGIT = link.number("digit", 0, 359, 4, step=1)
PICTURE = link.text("picture", "", max_length=NUM_PIXELS, cells=SIZE)
NETWORK = link.choice("network", autoregressive.LEAK_KINDS, "pixelcnn")
LAYERS = link.number("layers", 1, 8, 3, step=1)
KERNEL = link.choice("kernel", ("3", "5", "7"), "3")
OUTPUT = link.number("output", 0, NUM_PIXELS - 1, 35, step=1)
LEARNER = link.choice("learner", autoregressive.KINDS[1:], "made")
BINARISATION = link.choice("binarisation", ("fixed", "dynamic"), "fixed")


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        part: of the page.
        model: that draws and judges.
        order: in which it draws.
        label: the digit asked for; None for any.
        temperature: by which logits are divided.
        seed: of the random numbers.
        given: prescribed pixels as text; empty for none.
        step: pixels drawn so far.
        digit: place of a test picture.
        picture: the picture that is judged, as text.
        network: whose leak test is shown.
        layers: of its masked convolutions.
        kernel: of them.
        output: the pixel whose dependencies are shown.
        learner: the model that is trained.
        binarisation: of what it learns from.
    """

    part: str
    model: str
    order: str
    label: int | None
    temperature: float
    seed: int
    given: str
    step: int
    digit: int
    picture: str
    network: str
    layers: int
    kernel: int
    output: int
    learner: str
    binarisation: str

    @property
    def drawing(self) -> dict[str, Any]:
        """What :func:`vizcore.autoregressive.draw_picture` takes beside the model."""
        return {
            "order": self.order,
            "label": self.label,
            "seed": self.seed,
            "temperature": self.temperature,
            "given": self.given,
        }


def read(page: Page) -> View:
    """The view as link, controls and pieces have it now."""
    part, model, label = page.values(PART, MODEL, LABEL).values()
    # Only models without labels were trained in every order; of independent pixels there is nothing to order.
    among = ("raster",) if label != ANY or model == "independent" else autoregressive.ORDERS
    order = page.value(ORDER, among=among)
    drawing = page.values(TEMPERATURE, SEED, GIVEN)
    digit = page.value(DIGIT)
    picture = page.value(PICTURE)
    heard = said(page.key("paint")).get("paint")
    if isinstance(heard, dict) and heard.get("version") == picture_version(page, digit) and picture_of(heard):
        page.store(PICTURE, picture_of(heard))
        picture = page.value(PICTURE)
    leak = page.values(NETWORK, LAYERS, KERNEL)
    return View(
        part=part,
        model=model,
        order=order,
        label=None if label == ANY else int(label),
        **drawing,
        step=page.value(STEP),
        digit=digit,
        picture=picture or compute(autoregressive.unseen_picture, digit)[0],
        network=leak["network"],
        layers=leak["layers"],
        kernel=int(leak["kernel"]),
        output=page.value(OUTPUT),
        **page.values(LEARNER, BINARISATION),
    )


def orders_of(view: View) -> tuple[str, ...]:
    """The orders for which there is a trained model."""
    return ("raster",) if view.label is not None or view.model == "independent" else autoregressive.ORDERS


def picture_version(page: Page, digit: int) -> str:
    """Another value tells the browser to take the picture over."""
    return f"{digit}.{page.version('picture')}"


def picture_of(heard: dict[str, Any]) -> str:
    """What was painted, if it is a picture; else nothing."""
    pixels = heard.get("pixels")
    fits = isinstance(pixels, str) and len(pixels) == NUM_PIXELS and set(pixels) <= {"0", "1"}
    return str(pixels) if fits else ""
