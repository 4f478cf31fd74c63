"""What the page of pixel models shows: every link parameter once, and the frozen view that is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.kit import link
from pages.kit.live import said
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore import autoregressive
from vizcore.data import mnist

ANY = "any"
"""No label: a model of pictures alone."""
SIZE = (8, 8)
"""Of the digits that are always here; the lesson and the challenges are about them."""
NUM_PIXELS = SIZE[0] * SIZE[1]
LENGTHS = tuple(height * width for height, width in autoregressive.SIZES.values())

PART = link.choice("part", ("pixels", "write", "compare", "leak", "train", "data"), "pixels")
DATA = link.choice("data", tuple(autoregressive.SIZES), "digits")
MODEL = link.choice("model", autoregressive.KINDS, "nade")
ORDER = link.choice("order", autoregressive.ORDERS, "raster")
LABEL = link.choice("label", (ANY, *map(str, range(10))), ANY)
TEMPERATURE = link.number("temperature", 0.0, 2.0, 1.0, step=0.05)
SEED = link.number("seed", 0, 9999, 4, step=1)
GIVEN = link.text("given", "", max_length=max(LENGTHS), square=True)
STEP = link.number("step", 0, max(LENGTHS), 0, step=1)
DIGIT = link.number("digit", 0, 359, 4, step=1)
PICTURE = link.text("picture", "", max_length=max(LENGTHS), square=True)
NETWORK = link.choice("network", autoregressive.LEAK_KINDS, "pixelcnn")
LAYERS = link.number("layers", 1, 8, 3, step=1)
KERNEL = link.choice("kernel", ("3", "5", "7"), "3")
OUTPUT = link.number("output", 0, max(LENGTHS) - 1, 35, step=1)
LEARNER = link.choice("learner", autoregressive.KINDS[1:], "made")
BINARISATION = link.choice("binarisation", ("fixed", "dynamic"), "fixed")


@dataclass(frozen=True)
class View:
    """What the page shows.

    Attributes:
        part: of the page.
        data: the digits that it is about.
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
    data: str
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
    def size(self) -> tuple[int, int]:
        """(height, width) of a picture."""
        return autoregressive.SIZES[self.data]

    @property
    def num_pixels(self) -> int:
        """Of a picture."""
        return self.size[0] * self.size[1]

    @property
    def drawing(self) -> dict[str, Any]:
        """What :func:`vizcore.autoregressive.draw_picture` takes beside the model."""
        return {
            "data": self.data,
            "order": self.order,
            "label": self.label,
            "seed": self.seed,
            "temperature": self.temperature,
            "given": self.given,
        }


def read(page: Page) -> View:
    """The view as link, controls and pieces have it now."""
    part, data, model, label = page.values(PART, DATA, MODEL, LABEL).values()
    height, width = autoregressive.SIZES[data]
    num_pixels = height * width
    # Only models without labels were trained in every order; of independent pixels there is nothing to order.
    among = ("raster",) if label != ANY or model == "independent" else autoregressive.ORDERS
    order = page.value(ORDER, among=among)
    drawing = {**page.values(TEMPERATURE, SEED), "given": _fitting(page, GIVEN, num_pixels)}
    digit = page.value(DIGIT)
    picture = _fitting(page, PICTURE, num_pixels)
    heard = said(page.key("paint")).get("paint")
    if isinstance(heard, dict) and heard.get("version") == picture_version(page, data, digit):
        painted = picture_of(heard, num_pixels)
        if painted:
            page.store(PICTURE, painted)
            picture = page.value(PICTURE)
    leak = page.values(NETWORK, LAYERS, KERNEL)
    return View(
        part=part,
        data=data,
        model=model,
        order=order,
        label=None if label == ANY else int(label),
        **drawing,
        step=_within(page, STEP, num_pixels + 1),
        digit=digit,
        picture=picture or test_picture(data, digit),
        network=leak["network"],
        layers=leak["layers"],
        kernel=int(leak["kernel"]),
        output=_within(page, OUTPUT, num_pixels),
        **page.values(LEARNER, BINARISATION),
    )


def orders_of(view: View) -> tuple[str, ...]:
    """The orders for which there is a trained model."""
    return ("raster",) if view.label is not None or view.model == "independent" else autoregressive.ORDERS


def test_picture(data: str, digit: int) -> str:
    """A test digit as text; paper where the digits are not here."""
    if data == "mnist" and not mnist.mnist_available():
        return "0" * max(LENGTHS)
    return str(compute(autoregressive.unseen_picture, digit, data=data)[0])


def picture_version(page: Page, data: str, digit: int) -> str:
    """Another value tells the browser to take the picture over."""
    return f"{data}.{digit}.{page.version('picture')}"


def picture_of(heard: dict[str, Any], num_pixels: int) -> str:
    """What was painted, if it is a picture; else nothing."""
    pixels = heard.get("pixels")
    fits = isinstance(pixels, str) and len(pixels) == num_pixels and set(pixels) <= {"0", "1"}
    return str(pixels) if fits else ""


def _fitting(page: Page, parameter: link.Parameter, num_pixels: int) -> str:
    """Pixels as text; those of the other digits were left by the switch and are forgotten."""
    text = str(page.value(parameter))
    if len(text) != num_pixels and len(text) in LENGTHS:
        page.set(**{parameter.name: parameter.default})
        text = str(page.value(parameter))
    return text


def _within(page: Page, parameter: link.Parameter, end: int) -> int:
    """A number below ``end``; another was left by the switch of digits, and the default takes its place."""
    if page.value(parameter) >= end:
        page.set(**{parameter.name: parameter.default})
    return int(page.value(parameter))
