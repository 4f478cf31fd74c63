"""What was computed on a photo, kept: a sample's result for every session, that of someone's own photo for theirs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.kit.loaders import compute_named
from vizcore.data import photos

_MOST_OWN = 12  # a level with all its windows and classes takes some two megabytes


def compute_on_photo(
    function: Callable[..., Any], photo: photos.Photo, *args: Any, is_sample: bool, **options: Any
) -> Any:
    """Calls ``function(pixels, *args, **options)``, or answers from an earlier equal call.

    Args:
        function: takes the pixels first; what it answers depends on its arguments alone.
        photo: the photo.
        args: hashable arguments.
        is_sample: whether it is one of the sample photos.
        options: hashable arguments.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    if is_sample:

        def on_sample(sample: str, *args: Any, **options: Any) -> Any:
            return function(photos.load_sample(sample).pixels, *args, **options)

        return compute_named(f"on a sample: {name}", on_sample, (photo.name, *args), options)
    kept: dict[tuple[object, ...], Any] = st.session_state.setdefault("own_results", {})
    digest = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    key = (name, digest, args, tuple(sorted(options.items())))
    if key not in kept:
        while len(kept) >= _MOST_OWN:
            kept.pop(next(iter(kept)))
        kept[key] = function(photo.pixels, *args, **options)
    return kept[key]
