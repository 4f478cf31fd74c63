from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.kit import link as links
from pages.modules import challenges
from pages.modules.lines import lines_of
from tests.pages.opening import open_page
from tests.pages.pieces import link
from tests.scripts import run_script
from vizcore.autograd import run_program
from vizcore.modules import (
    HIDDEN_SIZES,
    LAYERS,
    MIDDLES,
    NORMALIZATIONS,
    NetworkChoice,
    compare_networks,
    lab_program,
    measure_traps,
)


def facts(at: AppTest) -> dict[str, list[str]]:
    """The comparison table: first cell → the other cells."""
    table = next(text.value for text in at.markdown if text.value.startswith("| Measured just now"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {cells[0]: cells[1:] for cells in rows}


def test_defaults_show_what_vizcore_measured() -> None:
    shown = facts(open_page("modules"))
    for entry in compare_networks(NetworkChoice()).differences:
        if entry.aspect == "parameters":
            assert (
                shown["Numbers that parameters() yields"][:2]
                == ["83", "0"]
                == [f"{entry.module:g}", f"{entry.functional:g}"]
            )
    shown = {name: [cell.replace("\u2060", "") for cell in cells] for name, cells in shown.items()}
    assert "silent" in shown["Results in twenty passes in eval()"][2]
    assert "alike" in shown["Outputs in eval(), dropout 0: difference"][2]
    assert "nature" in shown["Forward hooks that fire in one call"][2]


def test_both_switches_repair_everything_silent() -> None:
    at = open_page("modules")
    at.toggle(key="modules_registered").set_value(True)
    at.toggle(key="modules_pass_training").set_value(True).run()
    assert all("✓" in cells[2] or "•" in cells[2] for cells in facts(at).values())
    assert "Nothing differs silently" in " ".join(caption.value for caption in at.caption)
    assert "1 of 4 solved" in " ".join(header.value for header in at.subheader)


@pytest.mark.parametrize(
    ("query", "solved"),
    [
        ({"registered": "1", "pass_training": "1"}, "repair"),
        ({"registered": "1"}, "half"),
        ({"dropout": "0"}, "harmless"),
        ({"middle": "shared"}, "two_names"),
    ],
)
def test_each_challenge_is_marked_from_the_state(query: dict[str, str], solved: str) -> None:
    at = open_page("modules", **query)
    assert link(at)["solved"] == solved


@pytest.mark.parametrize("name", ["repair", "half", "harmless", "two_names"])
def test_defaults_solve_nothing_and_every_hint_speaks(name: str) -> None:
    at = open_page("modules")
    assert "0 of 4 solved" in " ".join(header.value for header in at.subheader)
    at.button(key=f"modules_check_{name}").click().run()
    assert at.info[-1].value


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "query",
    [
        {"dropout": "0", "hidden": str(HIDDEN_SIZES[0])},
        {"dropout": "0.9", "hidden": str(HIDDEN_SIZES[-1])},
        {"layer": "conv2d", "middle": "shared", "normalization": "none", "bias": "0", "look": "running"},
        {"layer": "conv2d", "middle": "separate", "normalization": "group_norm", "activation": "tanh", "look": "step"},
        {"look": "dtype", "mode": "train"},
        {"look": "hooks"},
        {"look": "repr"},
        {"look": "sequential"},
        {"look": "running"},
        {"present": "1", "registered": "1"},
    ],
)
def test_runs_at_the_ends_of_every_control(language: str, query: dict[str, str]) -> None:
    open_page("modules", lang=language, **query)


def test_chinese_page_has_no_english_label_left() -> None:
    at = open_page("modules", lang="zh")
    assert at.toggle(key="modules_registered").label == "注册张量"
    assert any("刚刚测得" in text.value for text in at.markdown)


def test_nonsense_in_a_link_is_refused_with_a_notice() -> None:
    at = open_page("modules", hidden="7", dropout="nan", layer="lstm")
    assert len(at.warning) >= 3
    assert facts(at)["Numbers that parameters() yields"][0] == "83"


def test_torch_itself_is_quoted() -> None:
    codes = [code.value for code in open_page("modules", look="dtype").code]
    assert any("must have the same dtype" in code for code in codes)
    codes = [code.value for code in open_page("modules", look="step").code]
    assert any("empty parameter list" in code for code in codes)
    codes = [code.value for code in open_page("modules", look="sequential").code]
    assert any("not a Module subclass" in code for code in codes)


def test_traps_are_measured_on_the_spot() -> None:
    table = next(text.value for text in open_page("modules").markdown if text.value.startswith("| The mistake"))
    for trap in measure_traps():
        assert (trap.mistaken if isinstance(trap.mistaken, str) else f"{trap.mistaken:.4g}") in table


def test_timing_is_measured_on_demand() -> None:
    at = open_page("modules")
    assert not any("Of 200 passes" in text.value for text in at.markdown)
    at.button(key="modules_time").click().run()
    assert not at.exception
    assert any("Of 200 passes" in text.value for text in at.markdown)


def test_reproduced_script_prints_the_shown_numbers() -> None:
    at = open_page("modules", seed="4", middle="separate")
    script = next(code.value for code in at.code if "make_functional_net" in code.value)
    lines = [json.loads(line.replace("'", '"')) for line in run_script(script).splitlines()]
    shown = facts(at)
    assert [str(lines[2]), str(lines[6])] == shown["Numbers that parameters() yields"][:2]
    distinct = [str(len(set(lines[0]))), str(len(set(lines[4])))]
    assert distinct == shown["Results in twenty passes in eval()"][:2]
    expected = compare_networks(NetworkChoice(middle="separate"), seed=4)
    assert np.array_equal(np.float32(lines[4]), np.float32(expected.functional.passes_eval))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("middle", MIDDLES)
def test_both_programs_run_in_the_autograd_lab_and_make_the_same_graph(layer: str, middle: str) -> None:
    for normalization in NORMALIZATIONS:
        choice = NetworkChoice(layer=layer, middle=middle, normalization=normalization)
        names = []
        for name in ("module", "functional"):
            trace = run_program(lab_program(choice, name))
            assert trace.error is None, str(trace.error)
            names.append(sorted(node.name for node in trace.nodes))
        assert names[0] == names[1]  # autograd knows no modules


def test_lab_programs_fit_into_a_link() -> None:
    parameter = links.text("program", "", max_length=4000)
    for name in ("module", "functional"):
        program = lab_program(NetworkChoice(layer="conv2d", middle="separate"), name)
        assert parameter.read(parameter.write(program)) == program
        assert len(parameter.write(program)) < 1500


SOLUTIONS = {
    "repair": NetworkChoice(registered=True, pass_training=True),
    "half": NetworkChoice(registered=True),
    "harmless": NetworkChoice(dropout=0.0),
    "two_names": NetworkChoice(middle="shared"),
}


def hint(rule: str, choice: NetworkChoice) -> str | None:
    """What a challenge says to a choice, in English."""
    return getattr(challenges, rule)(compare_networks(choice), lambda text, **values: text.format(**values))


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_rule_takes_its_solution(name: str) -> None:
    assert hint(name, SOLUTIONS[name]) is None
    assert hint(name, NetworkChoice()) is not None


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("repair", {"dropout": 0.0}, "Keep dropout above 0"),
        ("repair", {"normalization": "group_norm"}, "Keep dropout above 0"),
        ("repair", {"pass_training": False}, "Still differing: Outputs in eval()"),
        ("repair", {"registered": False}, "Numbers that parameters() yields"),
        ("half", {"registered": False}, "parameters() does not see"),
        ("half", {"pass_training": True}, "still agree"),
        ("half", {"dropout": 0.0}, "still agree"),
        ("harmless", {"pass_training": True}, "must stay forgotten"),
        ("harmless", {"dropout": 0.5}, "In eval() the outputs still differ"),
        ("harmless", {"normalization": "group_norm"}, "matters nowhere"),
        ("two_names", {"middle": "separate"}, "a tensor of its own"),
    ],
)
def test_a_rule_says_what_a_near_miss_lacks(name: str, changed: dict[str, object], said: str) -> None:
    assert said in (hint(name, replace(SOLUTIONS[name], **changed)) or "solved")


@pytest.mark.parametrize(
    ("step", "changed", "module", "functional"),
    [
        ("evaluation", {}, "nn.Dropout(0.5)", "x = F.dropout(x, 0.5)"),
        ("flag", {"pass_training": True}, "nn.Dropout(0.5)", "x = F.dropout(x, 0.5, training=self.training)"),
        ("parameters", {}, "nn.Linear(4, 8)", "self.weight_1 = weight(8, 4).requires_grad_()"),
        ("register", {"registered": True}, "nn.Linear(4, 8)", "self.weight_1 = nn.Parameter(weight(8, 4))"),
        (
            "shared",
            {"middle": "shared"},
            "shared = nn.Linear(8, 8)\nnn.Sequential(…, shared, …, shared, …)",
            "x = F.relu(F.linear(x, self.weight_2, self.bias_2))\nx = F.relu(F.linear(x, self.weight_2, self.bias_2))",
        ),
        ("which", {}, "", ""),
    ],
)
def test_a_step_shows_the_lines_that_it_speaks_of(
    step: str, changed: dict[str, Any], module: str, functional: str
) -> None:
    choice = NetworkChoice(
        hidden=8, normalization="batch_norm", dropout=0.5, **{"registered": False, "pass_training": False, **changed}
    )
    assert lines_of(choice, step) == (module, functional)
