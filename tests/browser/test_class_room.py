"""A whole class: one teacher and three students in two languages, one of them on a phone, through a lesson."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from pages.iou_losses.tour import STEPS
from pages.kit import tour
from tests.browser.controls import rest

CLIENT = "window[Symbol.for('grad2box.room')]"
BOX = "[...window[Symbol.for('grad2box.stages')]].at(-1).boxes[0].xyxy"
HANDS = "[...window[Symbol.for('grad2box.stages')]].at(-1).layers.get('class')?.dataset.hands ?? '0'"
# What a class made of a step beside its stages: as the server would tell it, read in the same moment.
WORKS = """() => {
  const place = window[Symbol.for('grad2box.bar')].data.page.work.place;
  const values = [{threshold: '0.5', method: 'soft', box: '1,2,3,4', paint: '2x2:0110'},
                  {threshold: '0.7', method: '<b>', box: '2,2,4,4', paint: '2x2:1110'}];
  const works = values.map((each, index) => ({place, values: each, value: index}));
  window[Symbol.for('grad2box.room')].hear({type: 'overlay', to: 'all', one: false, hands: [], works});
  return [...document.querySelector('#grad2box-room').shadowRoot.querySelectorAll('.works figure')].map(
    figure => [figure.dataset.value, figure.dataset.kind, figure.querySelectorAll('circle, .box, .pixels, li').length]);
}"""


def bar(page: Page) -> Locator:
    """The bar of the room."""
    return page.locator("#grad2box-room")


def press(page: Page, name: str) -> None:
    """Presses a button of the bar."""
    bar(page).locator(f"button[data-name={name}]").click()


def give(page: Page, answer: str) -> None:
    """A student answers, and sees that the answer is in."""
    button = page.locator(f".st-key-iou_losses_tour_apart_{answer} button")
    button.click()
    expect(button).to_have_attribute("kind", "primary")


def stands_at(page: Page, number: int, language: str = "en") -> None:
    """Waits until a page shows a step of the lesson, and is drawn."""
    words = tour.words_of("iou_losses", STEPS[number - 1], language)
    expect(page.locator(".st-key-lesson_words h4")).to_have_text(words.title, timeout=90_000)


def grab(page: Page) -> tuple[float, float]:
    """Puts the mouse down on the prediction, and returns where."""
    box = page.locator("[data-id=prediction] .body, [data-id=prediction] rect").first.bounding_box()
    assert box is not None
    x, y = box["x"] + 6, box["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


@pytest.fixture
def class_(new_context: Callable[..., BrowserContext], app_url: str) -> Iterator[dict[str, Page]]:
    """A teacher with an open room, and three students who are in it."""
    pages = {
        "teacher": new_context(accept_downloads=True).new_page(),
        "ann": new_context().new_page(),
        "ming": new_context(width=390, height=844, touch=True, locale="zh-CN", dark=True).new_page(),
        "third": new_context(width=1280, height=720).new_page(),
    }
    errors: list[str] = []
    for page in pages.values():
        page.on("pageerror", lambda error: errors.append(str(error)))
    teacher = pages["teacher"]
    teacher.goto(f"{app_url}/class_room?lang=en")
    teacher.get_by_label("Lesson").click()
    teacher.get_by_role("option", name="IoU losses").click()
    teacher.get_by_role("button", name="Open the room").click()
    expect(bar(teacher)).to_have_attribute("data-role", "teacher")
    code = bar(teacher).locator(".code").inner_text()
    for name, nickname in (("ann", "Ann <img src=x>"), ("ming", "小明"), ("third", "")):
        page = pages[name]
        page.goto(f"{app_url}/class_room?room={code}" if name != "third" else f"{app_url}/class_room?lang=en")
        rest(page)
        field = page.locator(".st-key-class_room_code input")
        if name == "third":
            field.fill(f"{code[:3]} {code[3:]}".lower())  # read from the projector
        page.locator(".st-key-class_room_name input").fill(nickname)
        page.locator(".st-key-class_room_join_now button").click()
        expect(bar(page)).to_have_attribute("data-role", "student")
    yield pages
    assert not errors, errors


@pytest.mark.timeout(600)
def test_a_teacher_drives_a_class_through_a_lesson(class_: dict[str, Page]) -> None:
    teacher, ann, ming, third = class_.values()
    students = (ann, ming, third)
    for student in students:
        expect(bar(student)).to_have_attribute("data-view", "0")
    press(teacher, "enter")
    stands_at(teacher, 1)
    for student in students:
        stands_at(student, 1, "zh" if student is ming else "en")
    expect(bar(teacher).locator(".present")).to_contain_text("3")

    # Predict, then reveal: nobody learns what is right before the teacher says so.
    press(teacher, "next")
    stands_at(teacher, 2)
    teacher.locator(".st-key-lesson").get_by_role("button", name="Next", exact=True).click()  # the page's own
    for student in students:
        stands_at(student, 3, "zh" if student is ming else "en")
    give(ann, "none")
    ming.locator(".st-key-iou_losses_tour_apart_shift button").tap()
    expect(bar(teacher).locator("[data-answered='2']")).to_be_visible()
    expect(ann.locator(".st-key-lesson_verdict [data-testid=stAlert]")).to_have_count(0)
    ann.evaluate(f"{CLIENT}.socket.close()")  # the network blinks while she thinks again
    give(ann, "widen")
    give(ann, "none")
    expect(bar(ann)).to_have_attribute("data-connected", "true")
    expect(bar(ann)).to_have_attribute("data-waiting", "0")
    press(teacher, "reveal")
    for page in (teacher, *students):
        expect(bar(page).locator(".answer")).to_have_count(len(tour.words_of("iou_losses", STEPS[2], "en").answers))
        counts = bar(page).locator(".answer").evaluate_all("rows => rows.map(row => row.dataset.count).sort().join()")
        assert counts.endswith("1,1")
        expect(bar(page).locator(".answer.right")).to_have_count(1)
    expect(ann.locator(".st-key-lesson_verdict [data-testid=stAlert]")).to_be_visible()

    # The hand itself: a drag is seen while it lasts, and a student's touch takes over.
    for number in (4, 5):
        press(teacher, "next")
        stands_at(teacher, number)
    for student in students:
        stands_at(student, 5, "zh" if student is ming else "en")
        rest(student)
    rest(teacher)
    before = ann.evaluate(BOX)
    x, y = grab(teacher)
    teacher.mouse.move(x + 40, y + 10, steps=4)
    ann.wait_for_function(f"before => ({BOX}).join() !== before", arg=",".join(map(str, before)))
    teacher.mouse.up()
    rest(ann)
    x, y = grab(ann)
    ann.mouse.move(x - 30, y - 20, steps=3)
    ann.mouse.up()
    expect(bar(ann)).to_have_attribute("data-own", "touch")
    press(teacher, "overlay")
    teacher.wait_for_function(f"() => {HANDS} >= 1")
    assert third.evaluate(HANDS) == "0"
    press(teacher, "overlay_all")
    third.wait_for_function(f"() => {HANDS} >= 1")
    press(ann, "come")
    expect(bar(ann)).to_have_attribute("data-own", "")
    press(ann, "alone")
    expect(bar(ann)).to_have_attribute("data-own", "choice")
    press(teacher, "next")
    stands_at(third, 6)
    stands_at(ann, 5)
    press(teacher, "gather")
    stands_at(ann, 6)
    ann.go_back()
    expect(bar(ann)).to_have_attribute("data-own", "touch")
    press(teacher, "gather")  # also to what she was shown last
    expect(bar(ann)).to_have_attribute("data-own", "")
    stands_at(ann, 6)

    drawn = [["threshold", "numbers", 2], ["method", "texts", 2], ["box", "rows", 2], ["paint", "picture", 3]]
    assert third.evaluate(WORKS) == drawn

    # Held still, and let go.
    press(teacher, "pause")
    expect(third.locator("#grad2box-room .curtain")).to_be_visible()
    press(teacher, "pause")
    expect(third.locator("#grad2box-room .curtain")).to_be_hidden()
    press(teacher, "lock")
    third.locator(".st-key-lesson_picture[inert]").wait_for()
    press(teacher, "lock")
    third.wait_for_function("() => !document.querySelector('[inert]')")

    # The bar covers nothing that is at the end of the menu.
    teacher.get_by_text("Presenter mode", exact=True).click()
    expect(bar(teacher).locator(".room.presenter")).to_be_visible()
    press(teacher, "board")  # the menu is put away: the bar leads to the room

    # Who loads the page again is who they were.
    ming.reload()
    expect(bar(ming)).to_have_attribute("data-role", "student", timeout=60_000)
    expect(bar(ming).locator(".name")).to_have_text("小明")
    stands_at(ming, 6, "zh")

    # The board, the table, and the end.
    cards = teacher.locator(".board .card")
    expect(cards).to_have_count(3)
    expect(teacher.locator(".board .card strong").first).to_have_text("Ann <img src=x>")
    expect(teacher.locator(".board .miniature")).not_to_have_count(0)
    teacher.get_by_label("Hide names").check()
    expect(teacher.locator(".board .card strong").first).to_have_text("Student 1")
    with teacher.expect_download() as download:
        teacher.locator(".board button[data-name=csv]").click()
    table = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert re.search(r"^1,Ann <img src=x>,iou_losses,\d,0,none", table, re.MULTILINE), table
    assert re.search(r"^2,小明,iou_losses,\d,0,shift", table, re.MULTILINE), table
    teacher.on("dialog", lambda dialog: dialog.accept())
    cards.nth(2).locator("button[data-name=kick]").click()
    expect(bar(third)).to_have_attribute("data-role", "")
    expect(cards).to_have_count(2)
    teacher.locator(".board button[data-name=close]").click()
    for student in (ann, ming):
        expect(bar(student)).to_have_attribute("data-role", "")
