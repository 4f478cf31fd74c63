"""The class room's figures, each as a ratio of its bound; :mod:`tests.benchmarks.rooms` says what they are."""

from __future__ import annotations

import pytest

from tests.benchmarks.rooms import (
    NUM_STUDENTS,
    Figure,
    behind_a_proxy,
    deaths,
    many_rooms,
    one_process,
    print_table,
)
from tests.chromium import run_coroutine
from tests.replicas import need_nginx

pytestmark = pytest.mark.timeout(900)


def keep(figures: list[Figure]) -> None:
    """Prints the figures, and holds each to its bound."""
    print()
    print_table(figures)
    assert [figure for figure in figures if figure.ratio > 1] == []


def test_sixty_students_on_one_process_and_the_hostile_among_them() -> None:
    figures, answers = run_coroutine(one_process(NUM_STUDENTS))
    keep(figures)
    print(answers)
    ends = {name: answer.rpartition(", ")[2] for name, answer in answers.items() if name != "10,000 codes"}
    assert ends == {
        "forged teacher's messages, 30": "still in",  # each was refused, and harmed nobody
        "1 MB messages": "closed with 1009",
        "1,000 messages in one second": "closed with 1008",
        "no JSON, 30 times": "closed with 1008",
    }
    assert answers["forged teacher's messages, 30"].startswith("30 refused, forbidden")
    assert "found" not in answers["10,000 codes"]


def test_five_hundred_rooms_leave_nothing() -> None:
    keep([run_coroutine(many_rooms())])


def test_what_the_death_of_a_server_or_of_redis_costs() -> None:
    keep(run_coroutine(deaths()))


def test_two_replicas_of_the_whole_app_behind_the_proxy() -> None:
    need_nginx()
    keep(run_coroutine(behind_a_proxy(NUM_STUDENTS)))
