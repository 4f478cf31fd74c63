"""The class room: a teacher leads through a lesson, students join by a code."""

from pages.class_room import entrance, lobby, teaching
from pages.kit import room
from pages.kit.page import close_page, open_page

page = open_page(
    "class_room",
    title="Class room",
    tagline="Lead a class through a lesson, or join one with its code.",
)
with page.explained():
    seat = room.seat()
    if seat is not None and seat.role == "teacher":
        teaching.show(page, seat)
    elif seat is not None and seat.role == "student":
        lobby.show(page, seat)
    else:
        entrance.show(page, seat)
    close_page(page)
