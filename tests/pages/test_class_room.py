"""The class room in Streamlit: its doors, and a page that follows, asks and reveals as the browser's bar says."""

from __future__ import annotations

import importlib
import json
import math
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.class_room import lessons, teaching
from pages.kit import tour
from pages.rooms import messages as said
from pages.rooms.lesson import Lesson, LessonError, read_lesson, read_lines, view_of, write_lesson
from pages.rooms.limits import MOST_LINKS
from pages.rooms.reading import read_message, write_message
from tests.pages.opening import go_to, open_page
from tests.pages.pieces import component, components, link
from tests.pages.test_tours import TOURS

CODE = "BCDFGH"
CONCEPTS = ("nms", "fpn", "iou_losses")


def bar(app: AppTest) -> dict[str, Any]:
    """What the bar was told."""
    return component(app, "token", "hello")


def tell(app: AppTest, **words: Any) -> AppTest:
    """The browser's bar says something, and the page runs."""
    told = {"token": bar(app)["token"], "role": "student", "reason": "", "code": CODE, "name": "Ann", "title": "NMS"}
    told |= {"view": 0, "link": "", "again": 0, "revealed": [], "answers": {}, "go": "", **words}
    app.session_state["room_bar"] = {"told": told}
    app.run()
    assert not app.exception
    return app


def lesson_title(app: AppTest) -> str:
    """The heading of the step that is shown."""
    return next(each.value.removeprefix("#### ") for each in app.markdown if each.value.startswith("#### "))


@pytest.fixture
def student() -> AppTest:
    """A student's page in a room, before the lesson."""
    return tell(open_page("nms", room=CODE, tour=1))


def test_nobody_sees_a_bar_without_a_room() -> None:
    app = open_page("class_room", lang="en")
    assert components(app, "token", "hello") == []
    assert "room" not in link(app)
    assert [each.value for each in app.subheader] == ["Join a class", "Teach a class"]


def test_a_code_is_asked_for_and_checked() -> None:
    app = open_page("class_room")
    app.text_input(key="class_room_code").set_value("12345")
    app.button(key="class_room_join_now").click().run()
    assert "six letters" in app.warning[0].value
    assert components(app, "token", "hello") == []
    app.text_input(key="class_room_code").set_value("bcd fgh")
    app.text_input(key="class_room_name").set_value("Ann\u202e")
    app.button(key="class_room_join_now").click().run()
    assert bar(app)["hello"] == {"type": "join", "code": CODE, "name": "Ann"}
    assert link(app)["room"] == CODE
    tell(app, role="", reason="unknown")
    assert "no room with this code" in app.info[0].value
    tell(app)
    assert bar(app)["hello"] is None  # who is in does not ask again
    assert "You are in." in [each.value for each in app.subheader]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_teacher_opens_a_room_with_a_tour(language: str) -> None:
    app = open_page("class_room", lang=language)
    app.selectbox(key=f"class_room_lesson_{language}").set_value("nms")
    app.button(key="class_room_open").click().run()  # one click after the choice: what is chosen counts
    hello = bar(app)["hello"]
    assert hello["links"] == [f"nms?tour={number}" for number in range(1, len(TOURS["nms"]) + 1)]
    assert said.Open(tuple(hello["links"]), hello["title"])
    tell(app, role="teacher", code=CODE)
    assert CODE in [each.value for each in app.markdown]
    words = next(each["text"] for each in components(app, "text") if "nobody" in each["text"])
    assert not app.error
    assert "key" not in json.dumps({"link": link(app)})
    assert {"page_class_room", "page_home", "page_nms"} <= words.keys()  # wherever a student is, the board says it


def test_a_sequence_of_ones_own() -> None:
    app = open_page("class_room")
    app.selectbox(key="class_room_lesson_en").set_value("own").run()
    assert app.button(key="class_room_open").disabled
    app.text_area(key="class_room_own_links").set_value("nms?tour=1\nhttps://evil.example/x").run()
    assert "Line 2" in app.warning[0].value
    app.text_area(key="class_room_own_links").set_value("https://here.example/nms?lang=zh&tour=1\n\nfpn").run()
    app.button(key="class_room_open").click().run()
    assert bar(app)["hello"]["links"] == ["nms?tour=1", "fpn"]


def test_ready_lessons_are_the_tours() -> None:
    for concept, steps in TOURS.items():
        for language in ("en", "zh"):
            found = lessons.steps_of(concept, language)
            assert list(found) == [step.name for step in steps], concept
            assert list(found.values()) == [tour.words_of(concept, step, language).title for step in steps]


def test_a_page_follows_within_and_across_pages(student: AppTest) -> None:
    tell(student, view=1, link="nms?tour=3", again=0)
    assert lesson_title(student) == tour.words_of("nms", TOURS["nms"][2], "en").title
    assert (link(student)["tour"], link(student)["room"]) == ("3", CODE)
    assert bar(student)["page"]["step"] == 3
    assert bar(student)["page"]["of"] == len(TOURS["nms"])


def test_the_same_view_is_opened_once(student: AppTest) -> None:
    tell(student, view=2, link="nms?tour=2")
    student.session_state["pending"] = {"nms": {"tour": 4}}  # the reader goes on alone
    tell(student, view=2, link="nms?tour=2")
    assert link(student)["tour"] == "4"
    tell(student, view=2, link="nms?tour=2", again=5)  # back to the class
    assert link(student)["tour"] == "2"


@pytest.mark.parametrize(
    "words",
    [
        {"link": "https://evil.example"},
        {"link": "nowhere?x=1"},
        {"link": "class_room"},
        {"link": 5},
        {"view": "9"},
        {"revealed": "nms.pair"},
        {"answers": {"nms.pair": "<b>"}},
        {"role": "admin"},
        {"name": ["x"]},
    ],
)
def test_what_a_bar_could_not_say_does_nothing(student: AppTest, words: dict[str, Any]) -> None:
    tell(student, view=30, link="nms?tour=3")
    before = link(student)
    tell(student, **{"view": 31, "link": "nms?tour=3", **words})
    assert link(student) == before
    assert not student.error


def test_an_answer_waits_for_the_teacher(student: AppTest) -> None:
    right = importlib.import_module("pages.nms.tour").STEPS[2]
    words = tour.words_of("nms", right, "en")
    tell(student, view=40, link="nms?tour=3")
    assert bar(student)["page"]["question"] == {"key": "nms.pair", "labels": dict(words.answers), "right": ""}
    assert [each.key for each in student.button if each.key and each.key.endswith("_waive")] == []
    student.button(key="nms_tour_pair_kept").click().run()
    assert bar(student)["answer"] == {"question": "nms.pair", "value": "kept"}
    assert not student.success
    assert not student.warning
    assert not student.session_state["room"]["seat"].revealed
    tell(student, view=40, link="nms?tour=3", revealed=["nms.pair"], answers={"nms.pair": "kept"})
    assert "Not quite" in student.warning[0].value
    assert bar(student)["page"]["question"]["right"] == "removed"
    assert link(student)["step"] == "48"  # what the step shows once it is answered


def test_a_student_hands_on_what_was_made_of_a_step(student: AppTest) -> None:
    number = [step.name for step in TOURS["nms"]].index("threshold") + 1
    tell(student, view=50, link=f"nms?tour={number}")
    work = bar(student)["page"]["work"]
    assert (work["place"], work["values"]) == ("nms.threshold", {"iou_threshold": "0.5"})
    student.slider(key="nms_iou_threshold").set_value(0.9).run()
    moved = bar(student)["page"]["work"]
    assert moved["values"]["iou_threshold"] == "0.9"
    assert moved["value"] != work["value"]  # the step's own measure: another count of boxes is kept
    assert read_message(write_message(said.Work(moved["place"], tuple(moved["values"].items()), moved["value"])))
    tell(student, view=51, link="nms?tour=1&seed=3")
    assert bar(student)["page"]["work"]["values"] == {}  # what the teacher set is nothing that the student made


def test_a_painted_picture_is_handed_on_as_one() -> None:
    number = [step.name for step in TOURS["autoregressive"]].index("repair") + 1
    app = tell(open_page("autoregressive", room=CODE, tour=number))
    painted = "01" * 32
    app.session_state["pending"] = {"autoregressive": {"picture": painted}}
    app.run()
    assert bar(app)["page"]["work"]["values"]["picture"] == f"8x8:{painted}"


@pytest.mark.parametrize(
    ("concept", "number"),
    [(concept, number) for concept, steps in TOURS.items() for number, step in enumerate(steps, 1) if step.measure],
)
def test_a_step_measures_what_it_opens_with(concept: str, number: int) -> None:
    app = tell(open_page(concept, room=CODE, tour=number))
    assert math.isfinite(bar(app)["page"]["work"]["value"])


def test_a_teacher_asks_and_knows_what_is_right() -> None:
    app = tell(open_page("nms", room=CODE, tour=1), role="teacher")
    tell(app, role="teacher", view=1, link="nms?tour=3")
    assert bar(app)["page"]["question"]["right"] == "removed"
    assert [each.key for each in app.button if each.key and each.key.startswith("nms_tour_pair")] == []
    tell(app, role="teacher", view=1, link="nms?tour=3", revealed=["nms.pair"])
    assert app.info
    assert not app.warning


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_what_is_moved_before_the_reveal_does_not_change_what_was_asked(role: str) -> None:
    """Query 1 gets the square where the class weighs enough; the question was put while it did not."""
    app = tell(open_page("detr", room=CODE, tour=2), role=role)
    app.session_state["pending"] = {"detr": {"cost_class": 5.0}}
    tell(app, role=role)
    question = bar(app)["page"]["question"]
    assert question["right"] == ("exact" if role == "teacher" else "")
    answers = {"detr.cost": "exact"} if role == "student" else {}
    tell(app, role=role, revealed=["detr.cost"], answers=answers)
    assert link(app)["cost_class"] == "5"
    assert bar(app)["page"]["question"]["right"] == "exact"
    if role == "student":
        assert app.success[0].value.startswith("Right.")
        assert not app.warning


def test_leaving_is_leaving(student: AppTest) -> None:
    go_to(student, "class_room")
    student.run()
    student.button(key="class_room_leave").click().run()
    assert components(student, "token", "hello") == []
    assert "room" not in link(student)


def test_a_teacher_is_told_of_an_address_that_no_student_can_open() -> None:
    for host in ("localhost:8501", "127.0.0.1", "127.8.0.1:80", "[::1]:8501"):
        assert teaching.is_local(f"http://{host}/class_room?room={CODE}"), host
    for host in ("192.168.1.7:8501", "grad2box.example", "127.example.org", "[fe80::1]:8501"):
        assert not teaching.is_local(f"https://{host}/class_room?room={CODE}"), host


def test_the_code_is_a_picture_that_leads_to_the_room() -> None:
    picture = teaching.draw_code("http://192.168.0.7:8501/class_room?room=BCDFGH")
    assert picture.startswith("<svg")
    assert picture != teaching.draw_code("http://192.168.0.7:8501/class_room?room=BCDFGJ")


@pytest.mark.parametrize(
    ("address", "view"),
    [
        ("nms", "nms"),
        ("nms?tour=3", "nms?tour=3"),
        ("http://host:8501/base/nms?v=1&tour=3&lang=zh&room=BCDFGH&step=4", "nms?step=4&tour=3"),
        ("https://host/nms/?", "nms"),
        ("javascript:alert(1)//nms", None),
        ("nowhere?tour=1", None),
        ("class_room", None),
        ("http://[/nms", None),
        ("nms?x=<b>", None),
    ],
)
def test_a_view_is_read_from_any_copied_link(address: str, view: str | None) -> None:
    assert view_of(address, CONCEPTS) == view


def test_a_lesson_is_what_its_file_says() -> None:
    lesson = Lesson("我的课程", ("nms?tour=1", "fpn"))
    assert read_lesson(write_lesson(lesson).encode(), CONCEPTS) == lesson
    assert write_message(said.Open(lesson.links, lesson.title))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"grad2box_lesson": 2, "title": "", "links": ["nms"]}',
        b'{"grad2box_lesson": 1, "title": "", "links": []}',
        b'{"grad2box_lesson": 1, "title": 5, "links": ["nms"]}',
        b'{"grad2box_lesson": 1, "title": "", "links": [5]}',
        b'{"grad2box_lesson": 1, "title": "", "links": ["https://evil.example/"]}',
        b"[" * 100_000,
        b"x" * 300_000,
    ],
)
def test_another_file_is_no_lesson(data: bytes) -> None:
    with pytest.raises(LessonError):
        read_lesson(data, CONCEPTS)


def test_a_lesson_has_an_end() -> None:
    assert len(read_lines("nms\n" * MOST_LINKS, "", CONCEPTS).links) == MOST_LINKS
    with pytest.raises(LessonError) as error:
        read_lines("nms\n" * (MOST_LINKS + 1), "", CONCEPTS)
    assert error.value.line == MOST_LINKS + 1
