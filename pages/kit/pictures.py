"""Which picture a page looks at, and what was computed on it.

A picture is a drawn scene, a sample photo, or the reader's own (a file, or the camera). Samples and scenes belong to
every session, and so do results on them; someone's own photo and what was found on it stay in their session. A file
that cannot be read gets one sentence and changes nothing: the page keeps the picture it had. A photo that was read on
one page is there on all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st

from pages.kit import language as lang
from pages.kit import link
from pages.kit.loaders import compute, compute_named
from pages.kit.memory import size_of
from pages.kit.page import Page
from vizcore.data import photos
from vizcore.data.photo_worker import decode_in_worker, photos_sandbox

OWN = "own"
SCENE = "scene"
"""A drawn scene among the photos, for pages whose detectors may know nothing else."""
SCENE_INDEX = 3
MOST_OWN = 48 * 2**20
"""Bytes of results on own photos that a session keeps; a level with all its windows and classes takes two million."""

_POPOVER = "own_photo"
SAMPLES = tuple(sample.name for sample in photos.list_samples())
PEOPLE = tuple(sample.name for sample in photos.list_people())
"""More samples, of people, for pages about faces."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What a page looks at.

    Attributes:
        kind: where it comes from.
        name: index of a scene in the validation split, name of a sample, or digest of an own photo.
        pixels: uint8 ``[H, W, 3]``.
        title: English words for it, or the own file's name.
        original_size: (height, width) of the picture in its file, pixels.
    """

    kind: Literal["scene", "sample", "own"]
    name: str
    pixels: np.ndarray
    title: str
    original_size: tuple[int, int]

    @property
    def is_own(self) -> bool:
        """Whether it belongs to this session alone."""
        return self.kind == "own"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


def photo_parameter(default: str, *others: str) -> link.Parameter:
    """The photo in the link: a sample's name, ``own``, or one of a page's ``others``."""
    return link.choice("photo", [*SAMPLES, OWN, *others], default)


def read_photo(page: Page, parameter: link.Parameter) -> Picture:
    """The photo that a page looks at, before anything is drawn.

    A link to someone's own photo opens with the default. When the reader has read a photo of their own, on any page,
    each page takes it up once.
    """
    own = own_photo()
    name = parameter.name
    if own is None and page.incoming.get(name) == OWN:
        page.incoming.pop(name)
        page.set(**{name: parameter.default})
        page.notices.append(
            page.translate(
                "The link was made with someone’s own photo, which stays with them; a sample photo stands in."
            )
        )
    if own is not None and page.is_pressed("own_photo", own.name) and name not in page.incoming:
        page.set(**{name: OWN})
    chosen = page.value(parameter, among=offered(parameter))
    if chosen == SCENE:
        return scene(SCENE_INDEX)
    return own if chosen == OWN and own is not None else sample(str(chosen))


def offered(parameter: link.Parameter) -> tuple[str, ...]:
    """The photos that can be had at present."""
    return tuple(name for name in parameter.options if name != OWN or own_photo() is not None)


def photo_words(page: Page, parameter: link.Parameter, **others: str) -> dict[str, str]:
    """The photos that can be had at present, with their words."""
    samples = (*photos.list_samples(), *photos.list_people())
    words = {sample_.name: page.translate(sample_.title) for sample_ in samples}
    words |= {OWN: page.translate("Your photo"), SCENE: page.translate("A drawn scene"), **others}
    return {name: words[name] for name in offered(parameter)}


def pick_photo(page: Page, parameter: link.Parameter, *, camera: bool = True) -> Picture:
    """Draws the picker: the samples, a file, the camera.

    Args:
        page: the open page.
        parameter: from :func:`photo_parameter`.
        camera: offer the camera too.
    """
    say = page.translate
    picture = read_photo(page, parameter)
    page.select(parameter, say("Photo"), photo_words(page, parameter))
    if page.step is not None or not page.offers(parameter.name) or parameter.name in page.locked:
        return picture
    key = page.key(_POPOVER)
    if page.is_new("own_photo_read", page.version(parameter.name)):
        st.session_state[key] = False  # what was read shows below: out of its way
    with st.popover(say("Own photo"), icon=":material/add_a_photo:", width="stretch", key=key, on_change="rerun"):
        if st.session_state.get(key):
            photos_sandbox().start()  # a second that the reader spends on choosing a file
        st.caption(
            say(
                "PNG, JPEG, WebP, BMP, GIF, TIFF or HEIC, at most {megabytes} MB and {megapixels} megapixels. It stays "
                "in this session and is never stored.",
                megabytes=photos.MAX_MEGABYTES,
                megapixels=photos.MAX_MEGAPIXELS,
            )
        )
        file = st.file_uploader(say("Choose a file"), key=page.key("upload"))
        _take_over(page, "upload", None if file is None else (file.getvalue(), file.name))
        # Within the popover: it stays open over the column below it, and there the sentence would not be seen.
        failure = st.session_state.get(page.key("photo_error"))
        if failure is not None:
            st.error(lang.explain(failure, say), icon=":material/broken_image:")
        if camera and page.toggle(link.flag("camera_on", False), say("Use the camera"), linked=False):
            shot = st.camera_input(say("Take a picture"), key=page.key("camera"))
            _take_over(page, "camera", None if shot is None else (shot.getvalue(), say("camera picture")))
    return picture


def own_photo() -> Picture | None:
    """The reader's own photo, if one was read in this session."""
    photo = st.session_state.get("own_photo")
    if photo is None:
        return None
    known = st.session_state.get("own_picture")
    if known is None or known.pixels is not photo.pixels:
        digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
        known = st.session_state["own_picture"] = Picture("own", digest, photo.pixels, photo.name, photo.original_size)
    return known  # type: ignore[no-any-return]


def sample(name: str) -> Picture:
    """A sample photo."""
    photo = compute(photos.load_sample, name)
    known = (*photos.list_samples(), *photos.list_people())
    title = next(each.title for each in known if each.name == name)
    return Picture("sample", name, photo.pixels, title, photo.original_size)


def scene(index: int) -> Picture:
    """A drawn scene that no detector was trained on."""
    from vizcore.data.scenes import draw_scene  # it imports torch, which the first page does not wait for

    pixels = compute(draw_scene, "validation", index).pixels
    return Picture("scene", str(index), pixels, "A drawn scene", (pixels.shape[0], pixels.shape[1]))


def compute_on(picture: Picture, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Calls ``function(pixels, *args, **options)``, or answers from an earlier equal call.

    Args:
        picture: what is looked at.
        function: module-level; takes the pixels first, and answers by its arguments alone.
        args: hashable arguments.
        options: hashable arguments.
    """
    return _computed(picture, function, _pixels_of, args, options)


def compute_with(picture: Picture, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """As :func:`compute_on`, for a ``function(picture, …)`` that goes on from other results on the same picture.

    Args:
        picture: what is looked at.
        function: module-level; takes the picture first, and answers by it and its other arguments alone.
        args: hashable arguments.
        options: hashable arguments.
    """
    return _computed(picture, function, _itself, args, options)


def _computed(
    picture: Picture,
    function: Callable[..., Any],
    given: Callable[[Picture], Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> Any:
    """``function(given(picture), …)``, from where it is kept if it was called before."""
    name = f"{function.__module__}.{function.__qualname__}"
    if not picture.is_own:
        return compute_named(
            f"on a picture: {name}", _on_shared(function, given), (picture.kind, picture.name, *args), options
        )
    kept: dict[tuple[object, ...], tuple[Any, int]] = st.session_state.setdefault("own_results", {})
    key = (name, picture.name, args, tuple(sorted(options.items())))
    if key in kept:
        kept[key] = kept.pop(key)  # the one used last comes last
        return kept[key][0]
    result = function(given(picture), *args, **options)
    kept[key] = (result, size_of(result))
    total = sum(size for _result, size in kept.values())
    for old in list(kept)[:-1]:
        if total <= MOST_OWN:
            break
        total -= kept.pop(old)[1]
    return result


def _pixels_of(picture: Picture) -> np.ndarray:
    return picture.pixels


def _itself(picture: Picture) -> Picture:
    return picture


def _on_shared(function: Callable[..., Any], given: Callable[[Picture], Any]) -> Callable[..., Any]:
    """``function`` of the picture that kind and name tell. It is no argument itself: a function has no stable hash."""

    def call(kind: str, name: str, *args: Any, **options: Any) -> Any:
        return function(given(scene(int(name)) if kind == "scene" else sample(name)), *args, **options)

    return call


def _take_over(page: Page, source: str, given: tuple[bytes, str] | None) -> None:
    """Decodes a new file once; if that fails, what was read before stays. The sentence goes with the file."""
    digest = hashlib.sha256(given[0]).hexdigest() if given is not None else None
    digests: dict[str, str | None] = st.session_state.setdefault(page.key("upload_digests"), {})
    if digests.get(source) == digest:
        return
    digests[source] = digest
    st.session_state.pop(page.key("photo_error"), None)
    if given is None:
        return
    try:
        st.session_state["own_photo"] = decode_in_worker(given[0], name=given[1])
    except photos.PhotoError as error:
        st.session_state[page.key("photo_error")] = error
    else:
        page.keep_for_next_run(photo=OWN)
    st.rerun()
