from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.autograd import challenges, state
from pages.kit.language import catalogue
from pages.kit.programs import pack_program
from tests.pages.opening import open_page
from tests.pages.pieces import component, link
from tests.scripts import run_script
from vizcore.autograd import (
    explanations,
    rules,
    run_in_worker,
    run_program,
    worker,
)
from vizcore.autograd.presets import PRESETS

PROGRAM = state.program_of(PRESETS["chain"])


def open_program(source: str, **query: str) -> AppTest:
    return open_page("autograd", program=PROGRAM.write(source), **query)


def source_of(at: AppTest) -> str:
    """What the editor was given."""
    return component(at, "program", "stepper")["program"]["source"]


def type_program(at: AppTest, source: str) -> AppTest:
    """Runs a program as the editor in the browser does."""
    version = component(at, "program", "stepper")["program"]["version"]
    at.session_state["autograd_graph"] = {
        "value": {"seq": 1, "program": {"source": source, "version": version, "run": 1}}
    }
    return at.run()


def error_of(source: str, language: str = "en", *, explained: bool = True) -> dict:
    """The error as the browser is told it."""
    return json.loads(pack_program(run_in_worker(source), language, explained=explained))["error"]


def words(at: AppTest) -> str:
    return " ".join(element.value for element in (*at.markdown, *at.warning, *at.caption, *at.success, *at.info))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_opens_in_both_languages(name: str, language: str) -> None:
    at = open_program(PRESETS[name].source, preset=name, lang=language)
    assert source_of(at) == PRESETS[name].source
    # What torch says of it stands in the picture, at its step, and nowhere else.
    assert not at.warning
    assert not at.error


def test_what_the_editor_runs_is_the_page_and_the_link() -> None:
    source = "x = torch.tensor(3., requires_grad=True)\n(x * x).backward()\n"
    at = type_program(open_page("autograd"), source)
    assert source_of(at) == source
    assert PROGRAM.read(link(at)["program"]) == source
    assert "x.grad" in next(code.value for code in at.code if "manual_seed" in code.value)


def test_what_was_typed_before_a_preset_was_chosen_is_void() -> None:
    at = type_program(open_page("autograd"), "x = 1")
    at.selectbox(key="autograd_preset").select("vjp").run()
    assert source_of(at) == PRESETS["vjp"].source
    at.run()
    assert source_of(at) == PRESETS["vjp"].source


def test_a_locked_program_stays() -> None:
    at = type_program(open_page("autograd", lock="program"), "x = 1")
    assert source_of(at) == PRESETS["scalar"].source
    assert component(at, "program", "stepper")["program"]["readOnly"]


@pytest.mark.parametrize("name", ["retain_graph", "in_place", "leaf_in_place"])
def test_the_way_out_of_an_error_is_not_told_before_the_answer(name: str) -> None:
    source = PRESETS[name].source
    assert error_of(source)["explanation_text"]
    assert not error_of(source, explained=False)["explanation_text"]
    texts = words(open_program(source, preset=name))
    assert PRESETS[name].title in [option for option in open_page("autograd").selectbox(key="autograd_preset").options]
    assert error_of(source)["explanation_text"] not in texts


def test_choosing_a_preset_brings_its_program() -> None:
    at = open_page("autograd")
    at.selectbox(key="autograd_preset").select("shared_weight").run()
    assert source_of(at) == PRESETS["shared_weight"].source


def test_a_link_with_a_preset_alone_brings_its_program() -> None:
    at = open_page("autograd", preset="vjp")
    assert source_of(at) == PRESETS["vjp"].source
    assert PROGRAM.read(link(at)["program"]) == PRESETS["vjp"].source


def test_choosing_a_preset_takes_seed_and_step_back() -> None:
    at = open_page("autograd", seed="7", step="2")
    at.selectbox(key="autograd_preset").select("vjp").run()
    assert at.number_input(key="autograd_seed").value == 0
    assert (link(at)["seed"], link(at)["step"], link(at)["preset"]) == ("0", "0", "vjp")


@pytest.mark.parametrize("name", ["chain", "disjoint_iou"])
def test_a_prediction_is_answered_by_the_run(name: str) -> None:
    preset = PRESETS[name]
    at = open_program(preset.source, preset=name)
    assert "Right, as torch shows." not in words(at)
    at.radio(key=f"autograd_answer_{name}").set_value(str(preset.answer)).run()
    assert "Right, as torch shows." in words(at)


def test_a_wrong_prediction_is_set_right() -> None:
    preset = PRESETS["accumulate"]
    at = open_program(preset.source, preset="accumulate")
    at.radio(key="autograd_answer_accumulate").set_value("0").run()
    assert f"Torch shows otherwise: {preset.choices[preset.answer]}" in words(at)


@pytest.mark.parametrize("name", PRESETS)
def test_every_challenge_is_marked_from_the_run(name: str) -> None:
    assert link(open_program(PRESETS[name].solution, preset=name))["solved"] == name
    assert link(open_program(PRESETS[name].source, preset=name))["solved"] == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = torch.tesnor(1.)", ("Line 1, column 11", "tensor")),
        ("x = (1,\ny = 2", ("Line 1, column 5",)),
        ("x = torch.ones(1000, 1000)", ("at most 131,072 elements",)),
        ("import os", ("Files and the system are out of reach here",)),
        ("x = torch.ones(2)\nx.__class__", ("Line 2, column 3", "underscore")),
        ("x = torch.ones(2)\nx.backward()", ("does not require grad",)),
    ],
)
def test_an_error_says_where_and_why(source: str, expected: tuple[str, ...]) -> None:
    error = error_of(source)
    shown = f"Line {error['line']}, column {error['column']}: {error['text']}"
    assert all(part in shown for part in expected), shown


def test_errors_are_said_in_chinese() -> None:
    assert "张量最多 131,072 个元素" in error_of("x = torch.ones(1000, 1000)", "zh")["text"]


def test_another_seed_makes_another_graph() -> None:
    at = open_program(PRESETS["control_flow"].source, preset="control_flow")
    counts = [len(run_program(PRESETS["control_flow"].source, seed=seed).nodes) for seed in (0, 1)]
    assert f"Seed 0: {counts[0]} nodes" in words(at)
    at.button(key="autograd_again").click().run()
    assert f"Seed 1: {counts[1]} nodes" in words(at)


def test_the_link_carries_the_program() -> None:
    source = "x = torch.tensor(3., requires_grad=True)\n(x * x).backward()\nprint(x.grad)  # é, 中文\n"
    values = link(open_program(source, step="2"))
    assert PROGRAM.read(values["program"]) == source
    assert values["step"] == "2"


@pytest.mark.parametrize("name", ["chain", "accumulate", "vjp", "network", "control_flow"])
def test_the_reproduced_script_prints_the_final_values(name: str) -> None:
    at = open_program(PRESETS[name].source, preset=name, seed="3")
    script = next(code.value for code in at.code if "manual_seed(3)" in code.value)
    trace = run_program(PRESETS[name].source, seed=3)
    out = run_script(script)
    assert out.startswith(trace.printed)
    printed = dict(line.split(" ", 1) for line in out[len(trace.printed) :].splitlines())
    assert {key.removesuffix(".grad") for key in printed if key.endswith(".grad")} == {
        key for key in trace.grads if key.isidentifier()
    }
    for key, text in printed.items():
        known = trace.grads[key.removesuffix(".grad")] if key.endswith(".grad") else trace.variables[key]
        assert np.array_equal(np.asarray(ast.literal_eval(text), known.dtype), known), key


def test_a_real_network_is_an_offer() -> None:
    assert "Random weights" not in words(open_page("autograd"))
    assert "Random weights" in words(open_page("autograd", real="1", network="efficientnet_lite0"))


@pytest.mark.parametrize("query", [{"step": "9999"}, {"program": "~broken"}, {"preset": "nothing"}, {"seed": "-1"}])
def test_nonsense_in_a_link_falls_back(query: dict[str, str]) -> None:
    open_page("autograd", **query)


def test_every_sentence_of_the_lab_is_in_the_catalogue() -> None:
    known = catalogue("zh", "autograd")
    for preset in PRESETS.values():
        for text in (preset.title, preset.question, *preset.choices, preset.challenge):
            assert text in known or not any(letter.isalpha() for letter in text) or text == "None", text
    for text in (*rules.rule_sentences(), *rules.rule_formulas(), *(entry[1] for entry in explanations._EXPLANATIONS)):
        assert text in known, text


def test_every_sentence_of_a_fault_is_in_the_catalogue() -> None:
    known = catalogue("zh", "autograd")
    found = 0
    for module in sorted(Path(inspect.getsourcefile(worker) or "").parent.glob("*.py")):
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in ("Message", "LimitError")
            ):
                text = call.args[0]
                if isinstance(text, ast.Constant) and text.value != "{text}":
                    found += 1
                    assert text.value in known, text.value
    assert found > 50
    assert all(text in known for text in worker.MESSAGES)


def test_a_program_that_ends_its_process_leaves_the_page(monkeypatch) -> None:
    import vizcore.sandbox

    def end(*args, **options):
        raise vizcore.sandbox.SandboxError("ended", vizcore.sandbox.ENDED, note=b"1")

    monkeypatch.setattr(vizcore.sandbox.Sandbox, "run", end)
    assert "ended the process that it ran in" in error_of("x = 1  # ends")["text"]
    assert source_of(open_program("x = 1  # ends")) == "x = 1  # ends"


def test_a_run_that_may_go_better_is_not_kept(monkeypatch) -> None:
    import vizcore.sandbox

    real, calls = vizcore.sandbox.Sandbox.run, []

    def fail_once(self, *args, **options):
        calls.append(args)
        if len(calls) <= 1:
            raise vizcore.sandbox.SandboxError("wall", vizcore.sandbox.TOO_LONG, seconds=1)
        return real(self, *args, **options)

    monkeypatch.setattr(vizcore.sandbox.Sandbox, "run", fail_once)
    at = open_program("x = torch.tensor(1.)  # again")
    assert "tolist" not in next(
        code.value for code in at.code if "again" in code.value
    )  # a script of a run that stopped
    at.run()
    assert "x.tolist" in next(code.value for code in at.code if "again" in code.value)


def hint(name: str, source: str, *, preset: str) -> str | None:
    """What a preset's challenge says to a run, in English."""
    view = state.View(PRESETS[preset], seed=0, program=source, step=0, real=False, network="resnet18")
    return challenges.change(name, view, run_program(source), lambda text, **values: text.format(**values))


@pytest.mark.parametrize("name", PRESETS)
def test_a_rule_takes_its_solution_and_not_its_beginning(name: str) -> None:
    assert hint(name, PRESETS[name].solution, preset=name) is None
    assert hint(name, PRESETS[name].source, preset=name) is not None


def test_a_rule_says_what_is_missing() -> None:
    first, other = PRESETS["vjp"], PRESETS["chain"]
    assert hint("vjp", first.solution, preset="chain") == f"Begin with “{first.title}”, then change its program."
    assert hint("chain", "x = 1\nx = y", preset="chain") == "The program stops at line 2."
    assert "Not yet" in (hint("chain", other.source, preset="chain") or "")
