"""The programs that the page hands out, run and compared."""

from __future__ import annotations

import numpy as np
import pytest

from pages.fpn import trainings
from tests.pages.fpn.opened import open_fpn, script_of, trace_scene
from tests.scripts import printed_numbers, run_script
from vizcore import fpn
from vizcore.figures.fpn import QUALITY_NAMES
from vizcore.fpn import script as scripts


def test_the_script_prints_the_maps_and_the_boxes() -> None:
    app = open_fpn(cuts="lateral:C3", scene="1")
    lines = run_script(script_of(app)).splitlines()
    trace = trace_scene(1, cuts=["lateral:C3"])
    for line, name in zip(lines, trace.strides, strict=False):
        words = line.split()
        assert words[0] == name
        assert tuple(map(int, words[1:4])) == trace.maps(name).shape
        assert float(words[5]) == pytest.approx(float(trace.maps(name).mean()), abs=1e-5)
    assert len(lines) == len(trace.strides) + len(trace.keep)


def test_the_owners_script_is_plain_torchvision() -> None:
    app = open_fpn(part="owner", box="40,60,300,200")
    script = script_of(app)
    assert "vizcore" not in script
    numbers = printed_numbers(run_script(script))
    owner = fpn.find_owner(trace_scene(), np.array([40.0, 60, 300, 200]))
    assert numbers[0] == owner.level
    assert numbers[2::2] == [len(cells) for cells in owner.cells.values()]


@pytest.mark.parametrize("part", ["cell", "data"])
def test_the_other_scripts_run(part: str) -> None:
    assert printed_numbers(run_script(script_of(open_fpn(part=part))))


def test_the_designs_script_prints_what_they_reached() -> None:
    lines = run_script(script_of(open_fpn(part="designs"))).splitlines()
    for card in trainings.found("shapes"):
        _name, *figures = next(line.split() for line in lines if line.startswith(f"{card.name} "))
        assert [float(figure) for figure in figures] == [card.quality[each] for each in QUALITY_NAMES]
    digits = scripts.write_designs_script("compare_fpn", (512, 512), kind="digits")
    assert len(run_script(digits).splitlines()) == 4 + len(trainings.found("digits"))
