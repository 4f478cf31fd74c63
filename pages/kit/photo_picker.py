"""Which photo a page looks at: a sample, the reader's file, or the camera.

A file that cannot be read gets one sentence and changes nothing: the page keeps the photo it had. Every page shares the
choice within a session, so a photo that was uploaded for detection is also there for the pyramid.
"""

from __future__ import annotations

import hashlib

import streamlit as st

from pages.kit import language as lang
from pages.kit.loaders import compute
from pages.kit.page import Page
from vizcore.data import photos

OWN = "own"


def pick_photo(page: Page, *, default: str = "chelsea", camera: bool = True) -> photos.Photo:
    """Draws the picker and returns the photo to work on.

    Args:
        page: the open page.
        default: sample to begin with.
        camera: offer the camera too.
    """
    say = page.translate
    samples = {sample.name: say(sample.title) for sample in photos.list_samples()}
    own = st.session_state.get("own_photo")
    options = {**samples, **({OWN: say("Your photo")} if own is not None else {})}
    if own is None and page.incoming.get("photo") == OWN:
        page.incoming.pop("photo")
        page.notices.append(
            say("The link was made with someone’s own photo, which stays with them; a sample photo stands in.")
        )
    if st.session_state.get(page.key("photo")) not in (None, *options):
        page.set(photo=default)
    name = page.select("photo", say("Photo"), options, default)
    if "photo" in page.hidden or "photo" in page.locked:
        return _photo(name)
    with st.popover(say("Own photo"), icon=":material/add_a_photo:", width="stretch"):
        st.caption(
            say(
                "PNG, JPEG, WebP, BMP, GIF or TIFF, at most {megabytes} MB and {megapixels} megapixels. It stays in "
                "this session and is never stored.",
                megabytes=photos.MAX_MEGABYTES,
                megapixels=photos.MAX_MEGAPIXELS,
            )
        )
        file = st.file_uploader(say("Choose a file"), key=page.key("upload"))
        if file is not None:
            _take_over(page, file.getvalue(), file.name)
        # Within the popover: it stays open over the column below it, and there the sentence would not be seen.
        failure = st.session_state.get(page.key("photo_error"))
        if failure is not None:
            st.error(lang.explain(failure, say), icon=":material/broken_image:")
        if camera and st.toggle(say("Use the camera"), key=page.key("camera_on")):
            shot = st.camera_input(say("Take a picture"), key=page.key("camera"))
            if shot is not None:
                _take_over(page, shot.getvalue(), say("camera picture"))
    return _photo(name)


def _photo(name: str) -> photos.Photo:
    return st.session_state["own_photo"] if name == OWN else compute(photos.load_sample, name)


def _take_over(page: Page, data: bytes, name: str) -> None:
    """Decodes a new file once; what was read before stays when the new one cannot be."""
    digest = hashlib.sha256(data).hexdigest()
    if st.session_state.get(page.key("upload_digest")) == digest:
        return
    st.session_state[page.key("upload_digest")] = digest
    try:
        st.session_state["own_photo"] = photos.decode_photo(data, name=name)
    except photos.PhotoError as error:
        st.session_state[page.key("photo_error")] = error
        st.rerun()
    st.session_state.pop(page.key("photo_error"), None)
    page.keep_for_next_run(photo=OWN)
    st.rerun()
