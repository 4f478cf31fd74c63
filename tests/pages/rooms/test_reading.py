"""What a browser may say: every kind comes back as it was written, and nothing else comes in."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.rooms import messages as said
from pages.rooms import secret
from pages.rooms.limits import LONGEST_MESSAGE, LONGEST_NAME
from pages.rooms.reading import MessageError, clean_name, read_message, write_message

BOXES = (("prediction", (1.0, 2.5, 3.0, 4.0)), ("target", (0.0, 0.0, 9.0, 9.0)))
EACH = [
    said.Open(("nms?tour=1", "iou_losses?tour=2&boxes=1,2,3,4_5,6,7,8"), "Boxes"),
    said.Teach("BCDFGH", "k" * 22),
    said.Join("BCDFGH", "Ann"),
    said.Resume("BCDFGH", "0123456789", "t" * 22),
    said.Show("fpn?part=cell", -1),
    said.Ask("nms.pair"),
    said.Ask(""),
    said.Reveal("nms.pair", "removed"),
    said.Gather(),
    said.Pause(True),
    said.Lock(False),
    said.Door(True),
    said.Kick("ab"),
    said.Overlay("all"),
    said.Project("ab"),
    said.Project(""),
    said.Results(),
    said.Close(),
    said.Drag("iou_losses_view", BOXES),
    said.Hand("iou_losses_view", (240.0, 320.0), BOXES, 0.25),
    said.Work("nms.threshold", (("iou_threshold", "0.7"), ("picture", "2x2:0110")), 3.0),
    said.Answer("nms.queue", "12.5"),
    said.Progress("nms", 3, 8, 1, True),
    said.Alive(),
]


@pytest.mark.parametrize("message", EACH, ids=lambda message: type(message).__name__)
def test_what_is_written_is_read(message: Any) -> None:
    assert read_message(write_message(message, id="7")) == said.Said("7", message)


def test_a_stage_without_a_measure_says_none() -> None:
    hand = read_message(write_message(said.Hand("s", (2.0, 3.0), (), math.nan))).message
    assert math.isnan(hand.value)


def test_every_kind_is_tried() -> None:
    assert {type(message) for message in EACH} == {*said.HELLO, *said.TEACHERS, *said.STUDENTS}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        "[" * 5000,
        b"{}",
        None,
        "{}",
        '{"type": "gather", "type2": 1}',
        '{"type": "gather", "extra": 1}',
        '{"type": ["gather"]}',
        '{"type": "pause"}',
        '{"type": "pause", "on": 1}',
        '{"type": "pause", "on": true, "id": "<b>"}',
        '{"type": "pause", "on": true, "id": 5}',
        '{"type": "show", "link": "https://evil.example/", "step": 0}',
        '{"type": "show", "link": "//evil.example", "step": 0}',
        '{"type": "show", "link": "nms?x=<script>", "step": 0}',
        '{"type": "show", "link": "nms#x", "step": 0}',
        '{"type": "show", "link": "../nms", "step": 0}',
        '{"type": "show", "link": "nms", "step": true}',
        '{"type": "show", "link": "nms", "step": 1.0}',
        '{"type": "show", "link": "nms", "step": 1000000}',
        '{"type": "answer", "question": "nms.pair", "value": "a b"}',
        '{"type": "answer", "question": "nms.pair", "value": 3}',
        '{"type": "answer", "question": "nms", "value": "a"}',
        '{"type": "answer", "question": "nms.pair/x", "value": "a"}',
        '{"type": "drag", "place": "s", "boxes": {"a": [1, NaN]}}',
        '{"type": "drag", "place": "s", "boxes": {"a": [Infinity]}}',
        '{"type": "drag", "place": "s", "boxes": {"a": [1e7]}}',
        '{"type": "drag", "place": "s", "boxes": {"a": [true]}}',
        '{"type": "drag", "place": "s", "boxes": {"a": []}}',
        '{"type": "drag", "place": "s", "boxes": {"<": [1]}}',
        '{"type": "drag", "place": "s", "boxes": [[1]]}',
        '{"type": "hand", "place": "s", "size": [0, 3], "boxes": {}, "value": null}',
        '{"type": "work", "place": "nms", "values": {}, "value": null}',
        '{"type": "work", "place": "nms.own", "values": {"A b": "1"}, "value": null}',
        '{"type": "work", "place": "nms.own", "values": {"a": 1}, "value": null}',
        '{"type": "work", "place": "nms.own", "values": {"a": "\\u202e"}, "value": null}',
        '{"type": "work", "place": "nms.own", "values": {"a": "1\\n2"}, "value": null}',
        '{"type": "work", "place": "nms.own", "values": [["a", "1"]], "value": null}',
        '{"type": "work", "place": "nms.own", "values": {}, "value": "1"}',
        json.dumps({"type": "work", "place": "nms.own", "values": {"a": "x" * 801}, "value": None}),
        json.dumps({"type": "work", "place": "nms.own", "values": {f"a{n}": "" for n in range(13)}, "value": None}),
        '{"type": "join", "code": "ABCDEF", "name": ""}',
        '{"type": "join", "code": "BCDFG", "name": ""}',
        '{"type": "open", "links": [], "title": ""}',
    ],
)
def test_everything_else_is_refused(text: object) -> None:
    with pytest.raises(MessageError):
        read_message(text)


def test_a_long_message_is_refused_unread() -> None:
    text = json.dumps({"type": "gather"})
    assert read_message(text + " " * (LONGEST_MESSAGE - len(text)))
    with pytest.raises(MessageError):
        read_message(text + " " * (LONGEST_MESSAGE - len(text) + 1))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ann \t Lee\n", "Ann Lee"),
        ("王小明", "王小明"),
        ("<b>Ann</b>", "<b>Ann</b>"),  # a text like any other: whoever shows it quotes it
        ("A\u202enn\u200b\x00\x1b[31m", "Ann[31m"),  # no right-to-left mark, no joiner, no terminal
        ("Ann\u2028Lee", "Ann Lee"),
        ("e" + "\u0301" * 40, "é" + "\u0301" * 2),  # the first mark is composed; a pile would cover the line above
        ("\ud800", ""),
        ("x" * 400, "x" * LONGEST_NAME),
        ("x" * 23 + " yy", "x" * 23),
        ("", ""),
    ],
)
def test_a_nickname_is_one_short_line(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@given(st.text(max_size=400))
@settings(max_examples=40)
def test_a_clean_name_stays_as_it_is(typed: str) -> None:
    name = clean_name(typed)
    assert clean_name(name) == name
    assert len(name) <= LONGEST_NAME
    assert all(letter.isprintable() for letter in name)


def test_codes_are_drawn_from_letters_that_are_not_mistaken() -> None:
    codes = [secret.new_code() for _ in range(300)]
    assert len(set(codes)) == 300
    assert {len(code) for code in codes} == {6}
    assert set("".join(codes)) == set(secret.ALPHABET)
    assert not set(secret.ALPHABET) & set("0O1IL5AEIOUQ")


@pytest.mark.parametrize("typed", ["BCDFGH", " bcd-fgh ", "b c d f g h"])
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert secret.read_code(typed) == "BCDFGH"


@pytest.mark.parametrize("typed", ["BCDFG", "BCDFGHJ", "BCDFGO", "BCDFG1", "ＢＣＤＦＧＨ", "", None, 5, "B" * 10_000])
def test_what_is_no_code_is_none(typed: object) -> None:
    assert secret.read_code(typed) is None


def test_a_key_opens_its_own_seal_only() -> None:
    key = secret.new_key()
    assert key not in secret.sealed(key)
    assert secret.opens(key, secret.sealed(key))
    assert not secret.opens(key + "x", secret.sealed(key))
