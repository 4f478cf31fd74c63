"""What a student sees on the class room's own page: that the class is found, and how to get to it."""

from __future__ import annotations

import streamlit as st

from pages.kit import room
from pages.kit.language import escape_markdown
from pages.kit.page import Page


def show(page: Page, seat: room.Seat) -> None:
    """Draws the lobby; the page of the lesson opens by itself."""
    _ = page.translate
    with st.container(border=True):
        st.subheader(_("You are in."), anchor=False)
        name = escape_markdown(seat.name) if seat.name else _("without a name")
        st.markdown(_("Room **{code}**, as {name}.", code=seat.code, name=name))
        st.markdown(_("What your teacher shows opens here by itself. The bar below brings you back at any time."))
        st.button(_("Leave the room"), key=page.key("leave"), on_click=page.guarded(room.leave_room))
