"""The pyramid as a diagram, held against the design (d) that is counted and the cuts that are made."""

from __future__ import annotations

import pytest

from vizcore import fpn
from vizcore.models.fcos import FCOSConfig

CONFIG = FCOSConfig("fpn", finest=2, channels=16)
COARSER = FCOSConfig("fpn", finest=3, channels=16)


def test_a_stage_stands_beside_the_level_of_its_size() -> None:
    assert fpn.pyramid_rows(CONFIG) == ((None, "P6"), ("C5", "P5"), ("C4", "P4"), ("C3", "P3"), ("C2", "P2"))
    assert fpn.pyramid_rows(COARSER)[-1] == ("C2", None)
    assert fpn.pyramid_rows(FCOSConfig("top"))[:2] == (("C5", "P5"), ("C4", None))


@pytest.mark.parametrize("config", [CONFIG, COARSER], ids=["P2", "P3"])
def test_arrows_are_those_of_the_design(config: FCOSConfig) -> None:
    (design,) = (design for design in fpn.designs(config, (64, 64)) if design.name == "fpn")
    edges = {(edge.cut, edge.kind, edge.start, edge.end) for edge in design.edges if edge.cut}
    arrows = fpn.pyramid_arrows(config)
    assert {tuple(arrow) for arrow in arrows} == edges
    assert [arrow.cut for arrow in arrows] == list(fpn.possible_cuts(config)[1:])


def test_without_a_pathway_every_arrow_is_lateral() -> None:
    assert {arrow.kind for arrow in fpn.pyramid_arrows(FCOSConfig("separate"))} == {"lateral"}


def test_a_level_is_lateral_and_upsampled_and_their_sum() -> None:
    parts = fpn.merge_parts(CONFIG, "P3", ["top_down:P3", "lateral:C4"])
    assert [(part.name, part.kind, part.cut) for part in parts] == [
        ("lateral:P3", "lateral", False),
        ("upsampled:P3", "upsampled", True),
        ("merged:P3", "merged", False),
        ("P3", "level", False),
    ]
    assert [part.cut for part in fpn.merge_parts(CONFIG, "P4", ["top_down", "lateral:C4"])] == [
        True,
        True,
        False,
        False,
    ]


def test_nothing_comes_from_above_the_topmost_and_p6_merges_nothing() -> None:
    assert [part.kind for part in fpn.merge_parts(CONFIG, "P5", [])] == ["lateral", "merged", "level"]
    assert fpn.merge_parts(CONFIG, "P6", []) == ()
