"""What the bar of a class room says."""

from __future__ import annotations

from pages.kit.language import Translate


def bar_words(_: Translate) -> dict[str, str]:
    """The words, translated; braces are filled by JavaScript."""
    return {
        "room": _("Class room"),
        "connecting": _("Connecting…"),
        "reconnecting": _("The connection was lost; trying again…"),
        "join": _("Join"),
        "enter": _("Go to the lesson"),
        "present": _("{count} here"),
        "answered": _("{count} of {of} answered"),
        "reveal": _("Reveal"),
        "gather": _("Gather everyone"),
        "pause": _("Pause"),
        "lock": _("Lock controls"),
        "door": _("Lock the door"),
        "overlay": _("Overlay"),
        "overlay_all": _("Overlay for all"),
        "unproject": _("End the showing"),
        "board": _("Board"),
        "nameless": _("without a name"),
        "waiting": _("Wait for your teacher to begin."),
        "following": _("You see what your teacher shows."),
        "alone": _("You are looking around yourself."),
        "look_around": _("Look around yourself"),
        "come_back": _("Back to the class"),
        "given": _("Your answer is in."),
        "locked": _("Your teacher holds the controls."),
        "paused": _("Your teacher has paused the class: look up for a moment."),
        "answers": _("What the class answered"),
        "right": _("right"),
        "right_number": _("right: {number}"),
        "one": _("a student’s work"),
        "median": _("median"),
        "best": _("best"),
        "worst": _("worst"),
        **{f"gone_{reason}": sentence for reason, sentence in gone_words(_).items()},
    }


def gone_words(_: Translate) -> dict[str, str]:
    """Why somebody is not, or no more, in a room."""
    return {
        "closed": _("The room is closed."),
        "kicked": _("Your teacher has taken you out of the room."),
        "unknown": _("There is no room with this code: look at the screen of your class."),
        "locked": _("The door is locked: ask your teacher to let you in."),
        "full": _("The room is full."),
        "slow": _("Too many tries: wait a minute and try again."),
        "flood": _("The connection was ended, since too much was sent."),
        "unreadable": _("The room does not understand this page; reload it."),
        "forbidden": _("The room does not understand this page; reload it."),
        "stranger": _("You are not in this room yet."),
    }
