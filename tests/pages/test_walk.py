"""A lesson that a reader walks alone, from a link."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.kit import tour, walk
from pages.rooms.lesson import Lesson, LessonError
from tests.pages.opening import go_to, open_page
from tests.pages.pieces import link
from tests.pages.test_tours import TOURS

CONCEPTS = ("nms", "iou_losses")
OWN = Lesson("我的 *Lesson*", ("nms?tour=2", "iou_losses?tour=1", "nms?iou_threshold=0.7&tour=0"))


def heading(app: AppTest) -> str:
    """Of the step that is shown."""
    return next(each.value.removeprefix("#### ") for each in app.markdown if each.value.startswith("#### "))


def title(concept: str, number: int) -> str:
    """Of a step, in English."""
    return tour.words_of(concept, TOURS[concept][number - 1], "en").title


def arrive(app: AppTest, concept: str) -> None:
    """The page that was switched to runs; ``AppTest`` cannot tell our pages' files apart."""
    go_to(app, concept)
    app.query_params.clear()
    app.run()


def test_a_packed_lesson_is_the_lesson() -> None:
    packed = walk.pack(OWN)
    assert packed is not None
    assert walk.unpack(packed, CONCEPTS) == OWN


def test_a_lesson_is_too_long_for_a_link_exactly_where_a_link_is_not_read_any_more() -> None:
    noise = [f"nms?boxes={(7 ** (90 + number)) ** 5:x}" for number in range(60)]  # no two alike: nothing to deflate
    fits = [count for count in range(1, 61) if walk.pack(Lesson("", tuple(noise[:count]))) is not None]
    assert 1 < len(fits) < 60
    longest = walk.pack(Lesson("", tuple(noise[: fits[-1]])))
    assert longest is not None
    assert len(walk.unpack(longest, CONCEPTS).links) == fits[-1]
    with pytest.raises(LessonError):
        walk.unpack("~" + longest * 2, CONCEPTS)


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "~",
        "~abc",
        str(walk.pack(OWN))[:-7],
        str(walk.pack(OWN))[:40] + "A" + str(walk.pack(OWN))[41:],
        "title\nnms",
        walk.pack(Lesson("", ("https://evil.example/",))),
        walk.pack(Lesson("", ("class_room",))),
        walk.pack(Lesson("only a title", ())),
        walk.pack(Lesson("", ("nms",) * 61)),
    ],
)
def test_what_is_no_lesson_is_not_read(packed: str) -> None:
    with pytest.raises(LessonError):
        walk.unpack(packed, CONCEPTS)


def test_a_reader_walks_through_pages_and_leaves() -> None:
    packed = walk.pack(OWN)
    app = open_page("class_room", walk=f"1{packed}")
    arrive(app, "nms")
    assert heading(app) == title("nms", 2)
    assert link(app)["walk"] == f"1{packed}"
    assert app.button(key="walk_back").disabled
    assert any("我的 \\*Lesson\\*" in each.value and "1" in each.value for each in app.markdown)
    app.button(key="walk_next").click().run()
    arrive(app, "iou_losses")
    assert heading(app) == title("iou_losses", 1)
    assert link(app)["walk"] == f"2{packed}"
    app.button(key="walk_next").click().run()
    arrive(app, "nms")
    assert (link(app)["iou_threshold"], link(app)["tour"]) == ("0.7", "0")
    assert app.button(key="walk_next").disabled
    app.button(key="walk_back").click().run()
    arrive(app, "iou_losses")
    assert heading(app) == title("iou_losses", 1)
    app.button(key="walk_end").click().run()
    assert "walk" not in link(app)
    assert "walk_next" not in [each.key for each in app.button]
    assert heading(app) == title("iou_losses", 1)


def test_a_page_that_is_loaded_again_goes_on_where_it_was() -> None:
    app = open_page("iou_losses", walk=f"2{walk.pack(OWN)}", tour=3)
    assert heading(app) == title("iou_losses", 3)  # what the link shows, in the middle of the second view
    app.button(key="walk_back").click().run()
    arrive(app, "nms")
    assert heading(app) == title("nms", 2)


def test_a_damaged_link_is_one_sentence() -> None:
    app = open_page("nms", walk=f"1{str(walk.pack(OWN))[:-7]}", tour=1)
    assert [each.value for each in app.warning if "damaged" in each.value]
    assert heading(app) == title("nms", 1)
    assert "walk" not in link(app)


def test_a_teacher_gets_the_link_or_a_sentence() -> None:
    app = open_page("class_room")
    app.selectbox(key="class_room_lesson_en").set_value("own").run()
    app.text_area(key="class_room_own_links").set_value("\n".join(OWN.links)).run()
    shown = next(each.value for each in app.code if "walk=1~" in each.value)
    assert walk.unpack(shown.partition("walk=1")[2], CONCEPTS).links == OWN.links
    many = "\n".join(f"nms?boxes={(7 ** (90 + number)) ** 5:x}" for number in range(60))
    app.text_area(key="class_room_own_links").set_value(many).run()
    assert not app.code
    assert [each for each in app.caption if "too long" in each.value]


def test_in_a_class_nobody_walks_alone() -> None:
    app = open_page("nms", walk=f"1{walk.pack(OWN)}", tour=1)
    go_to(app, "nms")
    app.query_params["room"] = "BCDFGH"
    app.run()
    assert "walk_next" not in [each.key for each in app.button]
    assert "walk" not in link(app)
