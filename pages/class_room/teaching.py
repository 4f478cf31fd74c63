"""The teacher's page of a room: code, link and picture of it for the projector, the lesson, and everyone's work."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import segno
import streamlit as st

from pages.kit import room
from pages.kit.components import mount
from pages.kit.language import escape_markdown
from pages.kit.page import Page
from vizcore.figures import theme

_LARGE = """<style>
.st-key-class_room_code p { font-size: clamp(2.5rem, 6vw, 5.5rem); font-weight: 700; letter-spacing: 0.12em; line-height: 1.1; }
.st-key-class_room_link p { font-size: clamp(1rem, 1.8vw, 1.6rem); overflow-wrap: anywhere; }
</style>"""  # noqa: E501


def show(page: Page, seat: room.Seat) -> None:
    """Draws the door for the projector, then the board."""
    _ = page.translate
    link = student_link(seat.code)
    st.html(_LARGE)
    if seat.title:
        st.subheader(escape_markdown(seat.title), anchor=False)
    words, picture = st.columns([2, 1], gap="large", vertical_alignment="center")
    with words:
        st.markdown(_("Open this address, or type the code under “Class room”:"))
        with st.container(key="class_room_code"):
            st.markdown(seat.code)
        with st.container(key="class_room_link"):
            st.markdown(escape_markdown(link))
        if is_local(link):
            st.caption(
                _(
                    "Only this computer can open this address. For a class, open the app by the address "
                    "that this computer has in the network, and open the room there."
                )
            )
    with picture:
        st.image(draw_code(link), caption=_("The link as a QR code"), width=340)
    st.subheader(_("Everyone’s work"), anchor=False)
    mount("room/board", key=page.key("board"), data={"text": board_words(page)})
    st.button(
        _("Leave the room"),
        key=page.key("leave"),
        on_click=page.guarded(room.leave_room),
        help=_("The room stays open for the class. Copy your own link first: it brings you back."),
    )


def student_link(code: str) -> str:
    """The address by which students come: it carries the code, and never the teacher's key."""
    base = (st.context.url or "").partition("?")[0].partition("#")[0]
    return f"{base}?room={code}"


def is_local(link: str) -> bool:
    """Whether an address leads every computer to itself."""
    host = urlsplit(link).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def draw_code(link: str) -> str:
    """A link as the SVG of a QR code, black on white in both themes: cameras want it so."""
    return str(
        segno.make(link, error="m", micro=False).svg_inline(
            scale=8, border=2, dark=theme.PLATE[0], light=theme.PLATE[1]
        )
    )


def board_words(page: Page) -> dict[str, str]:
    """What the board says."""
    _ = page.translate
    return {
        "order": _("Sort by"),
        "order_coming": _("arrival"),
        "order_name": _("name"),
        "order_progress": _("progress"),
        "order_value": _("the page’s own measure"),
        "hide_names": _("Hide names"),
        "csv": _("Results as CSV"),
        "file": "grad2box-results.csv",
        "own_link": _("Copy my own link"),
        "own_link_done": _("Copied: keep it to yourself"),
        "close": _("Close the room"),
        "close_help": _("Ends the room for everyone; save the results first."),
        "close_question": _("Close the room for everyone? Its answers are forgotten."),
        "nobody": _("Nobody is here yet."),
        "student": _("Student {number}"),
        "nameless": _("without a name ({number})"),
        "solved": _("{count} solved"),
        "has_answered": _("has answered"),
        "is_alone": _("looks around"),
        "stuck": _("no progress for two minutes"),
        "away": _("away"),
        "project": _("Show to all"),
        "kick": _("Take out"),
        "kick_question": _("Take this student out of the room?"),
        **{f"page_{concept}": title for concept, title in st.session_state.get("titles", {}).items()},
    }
