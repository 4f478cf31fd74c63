"""Costs of SNet and of each block: torch's own counter, the published figures, and by hand."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vizcore import costs
from vizcore.models.snet import SNETS, shuffle, snet
from vizcore.thundernet import (
    BLOCKS,
    PAPER,
    Design,
    ThunderNetError,
    build,
    count_budget,
    head_inputs,
    measure_budget,
    rpn_tower_multiply_adds,
)

SMALL = Design("snet49", input_size=64, num_regions=3)


def counted_by_torch(network, *inputs):
    """Multiply-adds by torch's counter, which says two operations for each."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return counter.get_total_flops() / 2


@pytest.mark.parametrize(
    ("name", "millions", "parameters"), [("snet49", 50.7, 0.363), ("snet146", 162.0, 1.046), ("snet535", 538.9, 3.548)]
)
def test_a_backbone_costs_what_is_published(name, millions, parameters):
    with torch.device("meta"):
        network, picture = snet(name), torch.empty(1, 3, 224, 224)
    cost = costs.count(network, picture)
    assert round(cost.multiply_adds / 1e6, 1) == millions
    assert round(cost.parameters / 1e6, 3) == parameters
    assert cost.multiply_adds == counted_by_torch(network, picture)
    assert cost.parameters == costs.count_parameters(network)


@pytest.mark.parametrize("name", SNETS)
def test_maps_have_the_strides_and_channels_that_the_detection_part_expects(name):
    network = snet(name, kernel=3)
    with torch.inference_mode():
        maps = network(torch.zeros(1, 3, 64, 96))
    assert {level: tuple(values.shape[2:]) for level, values in maps.items()} == {
        "C3": (8, 12),
        "C4": (4, 6),
        "C5": (2, 3),
    }
    assert {level: maps[level].shape[1] for level in ("C4", "C5")} == network.channels


def test_a_shuffle_takes_one_channel_of_each_half_in_turn():
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffle(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize(
    "design",
    [
        Design(),
        Design("snet49", kernel=3, cem=False, sam=False),
        Design("snet535", input_size=192, compressed=False, position_sensitive=False, head_channels=256),
    ],
)
def test_blocks_add_up_to_what_torch_counts(design):
    budget = count_budget(design)
    with torch.device("meta"):
        network = build(design)
        inputs = torch.empty(1, 3, design.input_size, design.input_size), torch.empty(design.num_regions, 5)
    assert budget.total.multiply_adds == counted_by_torch(network, *inputs)
    assert budget.total.parameters == costs.count_parameters(network)
    assert list(budget.blocks) == [block for block in BLOCKS if block != "sam" or design.sam]
    assert sum(budget.share(block) for block in BLOCKS) == pytest.approx(1)


def test_the_compressed_rpn_against_the_plain_one():
    # 20 × 20 cells; 245 · 256 · 9 multiply-adds in each, or 245 · (25 + 256).
    assert rpn_tower_multiply_adds(320, compressed=False) == 400 * 245 * 256 * 9 == 225_792_000
    assert rpn_tower_multiply_adds(320, compressed=True) == 400 * 245 * 281 == 27_538_000
    saved = [count_budget(Design(compressed=form)).blocks["rpn"].multiply_adds for form in (False, True)]
    assert saved[0] - saved[1] == 225_792_000 - 27_538_000


def test_plain_pooling_makes_the_head_read_49_times_as_many_numbers():
    assert head_inputs(position_sensitive=False) == 49 * head_inputs(position_sensitive=True) == 12_005
    sensitive, plain = (count_budget(Design(position_sensitive=form)).blocks["head"] for form in (True, False))
    assert plain.multiply_adds - sensitive.multiply_adds == 200 * 1024 * (12_005 - 245)


def test_the_papers_own_designs_are_near_its_count():
    # The paper counts SNet146 as 146 million at 224 pixels, the layers say 162.
    for name, paper in PAPER.items():
        assert count_budget(Design(name)).total.multiply_adds == pytest.approx(paper.multiply_adds, rel=0.07)


def test_measuring_keeps_the_counts_and_times_every_block():
    told = []
    budget = measure_budget(SMALL, repeats=1, report=told.append)
    assert all(cost.seconds > 0 for cost in budget.blocks.values())
    assert budget.total.seconds == sum(cost.seconds for cost in budget.blocks.values())
    assert budget.blocks == {
        block: costs.Cost(cost.parameters, cost.multiply_adds, cost.activation_bytes, budget.blocks[block].seconds)
        for block, cost in count_budget(SMALL).blocks.items()
    }
    assert told[-1] == 1
    assert len(told) == len(BLOCKS)
    assert count_budget(SMALL).total.seconds is None
    assert count_budget(SMALL).share("head", "seconds") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"backbone": "snet1"},
        {"kernel": 4},
        {"input_size": 100},
        {"input_size": 0},
        {"head_channels": 0},
        {"num_regions": 0},
    ],
)
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ThunderNetError):
        Design(**wrong)
