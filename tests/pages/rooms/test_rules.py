"""Who may do what in a room, and what is told of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

import pytest

from pages.rooms import messages as said
from pages.rooms import reports, rules
from pages.rooms.limits import LIFETIME, MOST_ANSWERS, MOST_STUDENTS, STUCK_AFTER, Bucket, Tally
from pages.rooms.rules import Refused
from pages.rooms.state import Changed, Closed, Moved, Roll, Worked, read_event, write_event, write_room

KEY, TOKEN = "teacher-key", "student-token"
HAND = (("prediction", (1.0, 2.0, 3.0, 4.0)),)


@pytest.fixture
def roll() -> Roll:
    room = rules.open_room(said.Open(("nms?tour=1", "nms?tour=2"), "NMS"), "BCDFGH", KEY, 1000.0)
    return Roll(write_room(room))


def join(roll: Roll, name: str = "", now: float = 1000.0) -> str:
    student, fields = rules.join(roll, said.Join("BCDFGH", name), TOKEN, now)
    roll.take(fields)
    return student.id


def teach(roll: Roll, message: object) -> Mapping[str, str]:
    fields = rules.teachers(roll, message)
    roll.take(fields)
    return fields


def say(roll: Roll, student: str, message: object, now: float = 1000.0) -> None:
    roll.take(rules.students(roll, student, message, now))


def test_a_room_lasts_twelve_hours_and_keeps_no_key(roll: Roll) -> None:
    assert roll.room.expires == 1000.0 + 12 * 3600 == 1000.0 + LIFETIME
    join(roll)
    assert KEY not in str(roll.fields)
    assert TOKEN not in str(roll.fields)


def test_only_the_key_makes_a_teacher(roll: Roll) -> None:
    rules.teach(roll.room, said.Teach("BCDFGH", KEY))
    with pytest.raises(Refused, match="unknown"):
        rules.teach(roll.room, said.Teach("BCDFGH", "another-key"))


def test_a_view_is_another_view_even_if_its_link_is_the_same(roll: Roll) -> None:
    teach(roll, said.Show("nms?tour=1", 0))
    teach(roll, said.Show("nms?tour=1", 0))
    assert (roll.room.view, roll.room.link, roll.room.step) == (2, "nms?tour=1", 0)


def test_another_step_ends_question_overlay_and_projection(roll: Roll) -> None:
    student = join(roll)
    for message in (said.Show("nms?tour=1", 0), said.Ask("nms.crowd"), said.Overlay("all"), said.Project(student)):
        teach(roll, message)
    teach(roll, said.Show("nms?tour=1&step=3", 0))
    assert (roll.room.question, roll.room.overlay, roll.room.projected) == ("", "all", student)
    teach(roll, said.Show("nms?tour=2", 1))
    assert (roll.room.overlay, roll.room.projected) == ("nobody", "")


def test_a_step_that_the_lesson_lacks_is_refused(roll: Roll) -> None:
    with pytest.raises(Refused, match="nothing"):
        teach(roll, said.Show("nms", 2))


@pytest.mark.parametrize("message", [said.Kick("nobody"), said.Project("nobody")])
def test_who_is_not_there_is_neither_shown_nor_put_out(roll: Roll, message: object) -> None:
    with pytest.raises(Refused, match="nobody"):
        teach(roll, message)


def test_what_changes_nothing_is_no_change(roll: Roll) -> None:
    teach(roll, said.Pause(True))
    assert teach(roll, said.Pause(True)) == {}


@pytest.mark.parametrize("message", [said.Answer("nms.pair", "kept"), said.Join("BCDFGH", ""), said.Results()])
def test_a_teacher_says_only_what_teachers_say(roll: Roll, message: object) -> None:
    with pytest.raises(Refused, match="forbidden"):
        teach(roll, message)


@pytest.mark.parametrize(
    "message", [said.Show("nms", 0), said.Reveal("nms.pair", "kept"), said.Kick("x"), said.Pause(True), said.Close()]
)
def test_a_student_says_only_what_students_say(roll: Roll, message: object) -> None:
    student = join(roll)
    with pytest.raises(Refused, match="forbidden"):
        say(roll, student, message)


def test_a_locked_door_lets_those_back_who_were_in(roll: Roll) -> None:
    student = join(roll)
    teach(roll, said.Door(True))
    with pytest.raises(Refused, match="locked"):
        join(roll)
    assert rules.resume(roll, said.Resume("BCDFGH", student, TOKEN), 1.0)[0].id == student


@pytest.mark.parametrize(("who", "token"), [("", "wrong-token"), ("nobody", TOKEN)])
def test_nobody_comes_back_as_another(roll: Roll, who: str, token: str) -> None:
    student = join(roll)
    with pytest.raises(Refused, match="unknown"):
        rules.resume(roll, said.Resume("BCDFGH", who or student, token), 1.0)


def test_who_was_put_out_says_nothing_counts_nothing_and_does_not_come_back(roll: Roll) -> None:
    out, stays = join(roll, "A"), join(roll, "B")
    say(roll, out, said.Answer("nms.pair", "kept"))
    say(roll, stays, said.Answer("nms.pair", "removed"))
    roll.move(Moved(out, "s", HAND, (9.0, 9.0)))
    teach(roll, said.Project(out))
    teach(roll, said.Kick(out))
    with pytest.raises(Refused, match="kicked"):
        say(roll, out, said.Answer("nms.pair", "removed"))
    with pytest.raises(Refused, match="kicked"):
        rules.resume(roll, said.Resume("BCDFGH", out, TOKEN), 1.0)
    roll.move(Moved(out, "s", HAND, (9.0, 9.0)))
    assert reports.count_answers(roll, "nms.pair") == {"removed": 1}
    assert [student.name for student in roll.class_] == ["B"]
    assert (roll.room.projected, roll.hands) == ("", {})


def test_a_room_is_full_at_some_time(roll: Roll) -> None:
    for _ in range(MOST_STUDENTS):
        join(roll)
    with pytest.raises(Refused, match="full"):
        join(roll)


def test_an_answer_may_be_changed_until_it_is_revealed(roll: Roll) -> None:
    first, second = join(roll), join(roll)
    teach(roll, said.Ask("nms.pair"))
    say(roll, first, said.Answer("nms.pair", "kept"))
    say(roll, first, said.Answer("nms.pair", "removed"))
    say(roll, second, said.Answer("nms.pair", "kept"))
    before = reports.public_state(roll, 1000.0)
    assert (before["answered"], before["counts"], before["right"]) == (2, {}, "")
    teach(roll, said.Reveal("nms.pair", "removed"))
    after = reports.public_state(roll, 1000.0)
    assert (after["counts"], after["right"]) == ({"removed": 1, "kept": 1}, "removed")
    with pytest.raises(Refused, match="late"):
        say(roll, second, said.Answer("nms.pair", "removed"))


def test_answers_have_an_end(roll: Roll) -> None:
    student = join(roll)
    for number in range(MOST_ANSWERS):
        say(roll, student, said.Answer(f"nms.q{number}", "a"))
    say(roll, student, said.Answer("nms.q0", "b"))
    with pytest.raises(Refused, match="full"):
        say(roll, student, said.Answer("nms.more", "a"))


def test_no_name_and_no_id_is_told_to_all(roll: Roll) -> None:
    student = join(roll, "Annabel")
    say(roll, student, said.Answer("nms.pair", "kept"))
    roll.move(Moved(student, "s", HAND, (9.0, 9.0)))
    for message in (said.Ask("nms.pair"), said.Reveal("nms.pair", "kept"), said.Overlay("all"), said.Project(student)):
        teach(roll, message)
    told = str(reports.public_state(roll, 1000.0)) + str(reports.overlay(roll))
    assert "Annabel" not in told
    assert student not in told
    assert KEY not in told
    assert roll.room.seal not in told


def test_two_minutes_without_progress_are_marked(roll: Roll) -> None:
    student = join(roll, now=1000.0)
    say(roll, student, said.Progress("nms", 2, 8, 0, True), 1010.0)

    def stuck(now: float) -> bool:
        say(roll, student, said.Alive(), now)
        return bool(reports.board(roll, now)["students"][0]["stuck"])

    assert not stuck(1010 + STUCK_AFTER - 1)
    assert stuck(1010 + STUCK_AFTER)
    say(roll, student, said.Progress("nms", 2, 8, 0, False), 1140.0)  # looks around, and gets no further
    assert stuck(1141)
    say(roll, student, said.Progress("nms", 2, 8, 1, False), 1150.0)
    assert not stuck(1151)


def test_who_has_answered_waits_and_is_not_stuck(roll: Roll) -> None:
    student = join(roll)
    teach(roll, said.Ask("nms.pair"))
    say(roll, student, said.Answer("nms.pair", "kept"), 1000.0)
    say(roll, student, said.Alive(), 1200.0)
    assert not reports.board(roll, 1200.0)["students"][0]["stuck"]


def test_presence_fades_and_a_goodbye_ends_it(roll: Roll) -> None:
    student = join(roll)
    assert reports.public_state(roll, 1049.0)["present"] == 1
    assert reports.public_state(roll, 1051.0)["present"] == 0
    roll.take(rules.leave(roll, student))
    assert reports.public_state(roll, 1001.0)["present"] == 0


def test_solved_challenges_of_all_pages_add_up(roll: Roll) -> None:
    student = join(roll)
    for concept, solved in (("nms", 2), ("fpn", 1), ("nms", 1)):
        say(roll, student, said.Progress(concept, 0, 8, solved, True))
    assert reports.board(roll, 1000.0)["students"][0]["solved"] == 3


def test_an_overlay_does_not_tell_who_came_first(roll: Roll) -> None:
    first, second = join(roll), join(roll)
    roll.move(Moved(first, "s", (("a", (9.0, 0.0)),), (9.0, 9.0)))
    roll.move(Moved(second, "s", (("a", (1.0, 0.0)),), (9.0, 9.0), 0.5))
    hands = reports.overlay(roll)["hands"]
    assert [(hand["boxes"]["a"][0], hand["value"]) for hand in hands] == [(1.0, 0.5), (9.0, None)]
    teach(roll, said.Project(first))
    assert [hand["boxes"]["a"][0] for hand in reports.overlay(roll)["hands"]] == [9.0]


def test_the_table_holds_all_answers_and_no_formula(roll: Roll) -> None:
    first, second = join(roll, "=cmd|'/c calc'!A1", 1.0), join(roll, 'Q"uote, Ann', 2.0)
    say(roll, first, said.Answer("nms.queue", "-12"))
    say(roll, first, said.Answer("nms.pair", "kept"))
    say(roll, second, said.Answer("nms.pair", "removed"))
    teach(roll, said.Reveal("nms.pair", "removed"))
    rows = list(csv.reader(io.StringIO(reports.results_csv(roll))))
    assert rows == [
        ["student", "nickname", "lesson", "step", "solved", "nms.pair", "nms.queue"],
        ["1", "'=cmd|'/c calc'!A1", "", "0", "0", "kept", "-12"],
        ["2", 'Q"uote, Ann', "", "0", "0", "removed", ""],
        ["", "(right)", "", "", "", "removed", ""],
    ]


@pytest.mark.parametrize(
    "event",
    [
        Changed({"a": "1", "b": None}),
        Moved("x", "s", HAND, (1.0, 2.0), 3.0),
        Worked("x", "nms.own", (("a", "1"),), 3.0),
        Closed(),
    ],
)
def test_events_travel_as_text(event: object) -> None:
    assert read_event(write_event(event)) == event


def test_hearing_of_a_change_twice_does_no_harm(roll: Roll) -> None:
    student = join(roll)
    fields = rules.students(roll, student, said.Answer("nms.pair", "kept"), 1.0)
    roll.take(fields)
    once = dict(roll.fields)
    roll.take(fields)
    assert roll.fields == once
    assert Roll(roll.fields).answers == {"nms.pair": {student: "kept"}}


def test_what_a_store_lost_is_known(roll: Roll) -> None:
    student = join(roll)
    teach(roll, said.Show("nms", 0))
    old = dict(roll.fields)
    teach(roll, said.Show("nms", 1))
    roll.take(rules.students(roll, student, said.Answer("nms.pair", "kept"), 1.0))
    assert set(roll.missing_in(old)) == {f"answer/nms.pair/{student}", "room"}
    assert roll.missing_in(roll.fields) == {}


def test_of_who_was_put_out_elsewhere_a_moment_ago_nothing_is_lost(roll: Roll) -> None:
    student = join(roll)
    roll.move(Moved(student, "s", HAND, (1.0, 2.0), 3.0))
    roll.move(Worked(student, "nms.own", (("a", "1"),), 3.0))
    elsewhere = {**roll.fields, f"kicked/{student}": "1"}
    for name in ("hand", "work"):
        assert f"{name}/{student}" in roll.fields
        del elsewhere[f"{name}/{student}"]
    assert roll.missing_in(elsewhere, {student}) == {}


def test_a_bucket_lets_bursts_through_and_floods_not() -> None:
    bucket = Bucket(rate=10, most=5)
    assert [bucket.take(0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert bucket.excess == 2
    assert [bucket.take(0.1), bucket.take(0.1)] == [True, False]
    assert bucket.excess == 2  # one forgiven, one more


def test_a_tally_forgets_after_a_minute() -> None:
    tally = Tally(2)
    for _ in range(2):
        assert not tally.is_full("a", 100.0)
        tally.add("a", 100.0)
    assert tally.is_full("a", 101.0)
    assert not tally.is_full("b", 101.0)
    assert not tally.is_full("a", 161.0)


def test_a_steps_own_measure_stands_in_where_a_stage_has_none(roll: Roll) -> None:
    first, second = join(roll), join(roll)
    roll.move(Moved(first, "nms_view", HAND, (9.0, 9.0)))
    roll.move(Worked(first, "nms.own", (("iou_threshold", "0.7"),), 4.0))
    roll.move(Moved(second, "nms_view", (), (9.0, 9.0), 0.25))
    roll.move(Worked(second, "nms.own", (), 5.0))
    assert [hand["value"] for hand in reports.overlay(roll)["hands"]] == [0.25, 4.0]
    roll.move(Worked(first, "fpn.owner", (), 4.0))  # gone on to another page
    assert [hand["value"] for hand in reports.overlay(roll)["hands"]] == [0.25, None]
    assert not any(key in json.dumps(reports.overlay(roll)) for key in (first, second))
    teach(roll, said.Project(first))
    assert [work["place"] for work in reports.overlay(roll)["works"]] == ["fpn.owner"]
    teach(roll, said.Kick(first))
    assert [work["value"] for work in reports.overlay(roll)["works"]] == [5.0]
