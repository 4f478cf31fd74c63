"""What a link may name is what the shipped detectors have."""

from __future__ import annotations

import pytest

from pages.fpn import network, state, trainings
from vizcore import fpn
from vizcore.models import fcos
from vizcore.training import cards


def test_the_pages_configuration_is_the_shipped_detectors() -> None:
    assert network.detector().fcos.config == state.CONFIG
    assert fpn.possible_cuts(state.CONFIG)[1:] == state.ARROWS
    assert state.LAST_CHANNEL == 319  # of C5, the widest


@pytest.mark.parametrize("design", state.COMPARED)
def test_the_compared_configurations_are_the_shipped_ones(design: str) -> None:
    assert fcos.load_fcos(f"compare_{design}").fcos.config == state.COMPARED[design]


def test_every_design_has_a_card() -> None:
    compared = [card for card in cards.list_cards() if card.name.startswith("compare_")]
    assert sorted(map(trainings.design_of, compared)) == sorted(fpn.DESIGNS)


def test_a_link_names_each_parameter_once() -> None:
    names = [parameter.name for parameter in vars(state).values() if hasattr(parameter, "write")]
    assert len(names) == len(set(names)) == 22
    assert set(state.View.__dataclass_fields__) == {*names} - {"photo", "point"} | {"picture", "cell"}
