import json
import threading

import numpy as np
import pytest
import torch

from tests.vizcore.autograd_programs import random_program, run_plain_torch
from vizcore.autograd import ProgramTrace, place_nodes, run_program, to_json
from vizcore.autograd.presets import PRESETS
from vizcore.autograd.rules import local_rule

NUM_GENERATED = 200


def graph_names(trace: ProgramTrace, node: int) -> list[str]:
    """Names of all nodes that a node leads to, itself among them."""
    sources: dict[int, list[int]] = {}
    for edge in trace.edges:
        sources.setdefault(edge.target, []).append(edge.source)
    found, stack = set(), [node]
    while stack:
        current = stack.pop()
        if current not in found:
            found.add(current)
            stack.extend(sources.get(current, ()))
    return sorted(trace.nodes[index].name for index in found)


def encode(array: np.ndarray) -> list:
    dtype = {"float32": "torch.float32", "float64": "torch.float64", "int64": "torch.int64", "bool": "torch.bool"}[
        array.dtype.name
    ]
    return [dtype, list(array.shape), np.ascontiguousarray(array).tobytes().hex()]


PROGRAMS = [
    *((preset.source, 0) for preset in PRESETS.values()),
    *((preset.solution, 3) for preset in PRESETS.values()),
    *((random_program(seed), seed) for seed in range(NUM_GENERATED)),
]


@pytest.fixture(scope="module")
def traces() -> list[ProgramTrace]:
    return [run_program(source, seed=seed) for source, seed in PROGRAMS]


@pytest.fixture(scope="module")
def oracle() -> list[dict]:
    return run_plain_torch(PROGRAMS)


def test_every_program_leaves_exactly_what_plain_torch_leaves(oracle: list[dict], traces: list[ProgramTrace]) -> None:
    num_complete = 0
    for trace, expected in zip(traces, oracle, strict=True):
        source = trace.source
        if expected["error"] is None:
            assert trace.error is None, f"{trace.error}\n{source}"
            num_complete += 1
        else:
            assert trace.error is not None, source
            assert trace.error.kind == "torch", source
            assert str(trace.error.message) == expected["error"], source
        assert trace.printed == expected["printed"], source
        for name, value in expected["variables"].items():
            assert encode(trace.variables[name]) == value, f"{name}\n{source}"
        for name, value in expected["plain"].items():
            assert repr(trace.variables[name]) == value, f"{name}\n{source}"
        assert {name: encode(value) for name, value in trace.grads.items() if not name.endswith("]")} == expected[
            "grads"
        ], source
        last_state = {state.name: state for state in trace.tensors}
        for name, names in expected["graph"].items():
            if name in last_state and trace.error is None:
                assert graph_names(trace, last_state[name].node) == names, f"{name}\n{source}"
    assert num_complete > len(PROGRAMS) * 0.7


def test_engine_order_respects_the_graph(traces: list[ProgramTrace]) -> None:
    for trace in traces:
        for run in {visit.run for visit in trace.visits}:
            order = {visit.node: place for place, visit in enumerate(trace.visits) if visit.run == run}
            for edge in trace.edges:
                if edge.source in order and edge.target in order:
                    assert order[edge.target] < order[edge.source], trace.source


def test_upstream_is_the_sum_of_what_arrived_on_each_path(traces: list[ProgramTrace]) -> None:
    for trace in traces:
        for visit in trace.visits:
            for output, upstream in enumerate(visit.upstream):
                parts = [part.value for part in visit.contributions if part.output_index == output]
                if upstream is None:
                    assert not parts
                    continue
                # A gradient may arrive broadcast to its shape only when torch sums it, never the other way round.
                np.testing.assert_allclose(sum(parts), upstream, rtol=2e-6, atol=1e-6, err_msg=trace.source)
            for part in visit.contributions:
                if part.edge >= 0:
                    edge = trace.edges[part.edge]
                    assert edge.source == visit.node
                    assert trace.visits[part.visit].node == edge.target
                    np.testing.assert_array_equal(trace.visits[part.visit].downstream[edge.input_index], part.value)


def test_a_leaf_adds_what_arrives(traces: list[ProgramTrace]) -> None:
    num_leaves = 0
    for trace in traces:
        for visit in trace.visits:
            if visit.accumulation is not None:
                done = visit.accumulation
                before = 0 if done.before is None else done.before
                np.testing.assert_array_equal(done.after, before + done.added, err_msg=trace.source)
                assert trace.nodes[visit.node].name == "AccumulateGrad"
                num_leaves += 1
    assert num_leaves > 200


def test_steps_only_ever_add_nodes_and_end_with_all_of_them(traces: list[ProgramTrace]) -> None:
    for trace in traces:
        counts = [step.num_nodes for step in trace.steps]
        assert counts == sorted(counts)
        assert counts[-1] == len(trace.nodes)
        assert [step.visit for step in trace.steps if step.kind == "visit"] == list(range(len(trace.visits)))
        for index, node in enumerate(trace.nodes):
            assert trace.steps[node.step].num_nodes > index
        assert all(edge.source < len(trace.nodes) and edge.target < len(trace.nodes) for edge in trace.edges)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_preset_answer_and_challenge(preset) -> None:
    trace = run_program(preset.source)
    assert preset.evidence(trace) == preset.answer
    assert not preset.is_solved(trace)
    assert preset.is_solved(run_program(preset.solution))


def test_answers_are_not_all_in_the_same_place() -> None:
    answers = [preset.answer for preset in PRESETS.values()]
    assert all(answers.count(place) <= len(answers) / 2 for place in range(3))


def test_chain_by_hand() -> None:
    # out = mean(3 (x+2)²) over 4 elements: d out / d x = 6 (x+2) / 4 = 4.5 at x = 1.
    trace = run_program(PRESETS["chain"].source)
    assert [node.name for node in trace.nodes] == [
        "AccumulateGrad",
        "AddBackward0",
        "MulBackward0",
        "MulBackward0",
        "MeanBackward0",
    ]
    assert [(edge.source, edge.target) for edge in trace.edges] == [(0, 1), (1, 2), (1, 2), (2, 3), (3, 4)]
    assert [trace.nodes[visit.node].name for visit in trace.visits] == [
        "MeanBackward0",
        "MulBackward0",
        "MulBackward0",
        "AddBackward0",
        "AccumulateGrad",
    ]
    np.testing.assert_array_equal(trace.visits[1].upstream[0], np.full((2, 2), 0.25, np.float32))
    np.testing.assert_array_equal(trace.visits[3].upstream[0], np.full((2, 2), 4.5, np.float32))
    assert len(trace.visits[3].contributions) == 2  # y is used twice
    saved = trace.nodes[2].saved
    assert [(part.name, part.variable, part.num_bytes, part.version) for part in saved] == [
        ("other", "y", 16, 0),
        ("self", "y", 16, 0),
    ]
    assert [node.line for node in trace.nodes] == [1, 2, 3, 3, 4]
    assert trace.printed == "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])\n"


def test_a_loop_unrolls_and_counts_its_lines() -> None:
    trace = run_program("x = torch.ones(1, requires_grad=True)\ny = x\nfor i in range(3):\n    y = y * 2\n")
    lines = [step for step in trace.steps if step.line == 4]
    assert [step.occurrence for step in lines] == [1, 2, 3]
    assert [step.num_nodes for step in lines] == [2, 3, 4]
    assert [step.note for step in trace.steps if step.line == 3] == ["i = 0", "i = 1", "i = 2"]


def test_a_layer_in_two_places_is_recorded_twice_and_keeps_its_weight() -> None:
    trace = run_program("s = nn.Linear(2, 2)\nnet = nn.Sequential(s, nn.ReLU(), s)\ny = net(torch.ones(1, 2))\n")
    names = [node.name for node in trace.nodes]
    assert names.count("AddmmBackward0") == names.count("TBackward0") == 2
    states = [state for state in trace.tensors if state.name == "s.weight"]
    assert len(states) == 1  # the call changed nothing about it
    assert states[0].requires_grad


def test_the_graph_depends_on_the_data() -> None:
    source = PRESETS["control_flow"].source
    graphs = {tuple(node.name for node in run_program(source, seed=seed).nodes) for seed in range(8)}
    assert len(graphs) >= 3


def test_versions_show_why_backward_fails() -> None:
    trace = run_program(PRESETS["in_place"].source)
    exp = next(node for node in trace.nodes if node.name == "ExpBackward0")
    assert (exp.saved[0].name, exp.saved[0].version) == ("result", 0)
    assert [state.version for state in trace.tensors if state.name == "y"] == [0, 1]
    assert trace.error.line == 5
    assert "modified by an inplace operation" in str(trace.error.message)
    assert trace.error.explanation is not None
    assert trace.steps[-1].line == 5


def test_data_escapes_the_version_count_and_is_still_seen() -> None:
    trace = run_program("x = torch.tensor(2., requires_grad=True)\ny = x * x\nx.data.mul_(10)\ny.backward()\n")
    assert [(float(state.value), state.version) for state in trace.tensors if state.name == "x"][:2] == [
        (2.0, 0),
        (20.0, 0),
    ]
    assert trace.grads["x"] == 40.0  # silently wrong: the true gradient of x² at 2 is 4


def test_freed_saved_tensors_are_named_once() -> None:
    trace = run_program(
        "x = torch.tensor(2., requires_grad=True)\ny = x ** 2\ny.backward(retain_graph=True)\ny.backward()\n"
    )
    assert [step.freed for step in trace.steps if step.kind == "line"] == [(), (), (), (1,)]


def test_create_graph_marks_the_nodes_of_the_second_derivative() -> None:
    trace = run_program(PRESETS["second_derivative"].source)
    assert [node.created_by_backward for node in trace.nodes[:2]] == [False, False]
    assert any(node.created_by_backward and node.line == 3 for node in trace.nodes)


def test_a_plain_add_can_run_backward_twice() -> None:
    assert run_program("x = torch.ones(1, requires_grad=True)\ny = x + 1\ny.backward()\ny.backward()\n").error is None


def test_non_leaf_grad_warns_in_torchs_words() -> None:
    trace = run_program(PRESETS["non_leaf"].source)
    assert any("not a leaf" in text for step in trace.steps for text in step.warnings)


def test_a_warning_of_torch_stands_at_its_line() -> None:
    trace = run_program("x = torch.ones(3, 1)\nF.mse_loss(x, torch.ones(3))\n")
    assert "broadcast" in trace.steps[1].warnings[0]
    assert not trace.steps[0].warnings


def test_views_share_storage_and_version() -> None:
    trace = run_program("x = torch.zeros(3)\ny = x[1:]\ny.add_(1)\nz = x.clone()\n")
    last = {state.name: state for state in trace.tensors}
    assert last["x"].storage == last["y"].storage != last["z"].storage
    assert last["x"].version == last["y"].version == 1
    assert last["x"].value.tolist() == [0, 1, 1]
    two_names = run_program("x = torch.zeros(3)\ny = x\n").tensors
    assert two_names[0].identity == two_names[1].identity


@pytest.mark.parametrize(
    ("source", "kind", "line", "column", "suggestion"),
    [
        ("x = torch.tesnor([1.])", "name", 1, 11, "tensor"),
        ("x = torch.ones(2)\ny = x.expp()", "name", 2, 7, "exp"),
        ("value = 1\nprint(valeu)", "name", 2, 7, "value"),
        ("y = F.relo(torch.ones(1))", "name", 1, 7, "relu"),
        ("net = nn.Liner(2, 2)", "name", 1, 10, "Linear"),
        ("x = (1,\ny = 2", "syntax", 1, 5, ""),
        ("é = 1\nprint('é', mistake)", "name", 2, 12, ""),
        ("async def f():\n    pass", "unsupported", 1, 1, ""),
        ("if True:\n    break", "syntax", 2, 5, ""),
        ("x = 1\nimport os", "unsupported", 2, 1, ""),
        ("x = torch.ones(2)\nx.__class__", "unsupported", 2, 3, ""),
        ("x = torch.ones(1000, 1000)", "limit", 1, 5, ""),
        ("x = torch.ones(2)\nif x > 0:\n    y = 1", "torch", 2, 4, ""),
        ("x = 1 / 0", "value", 1, 5, ""),
        ("if False:\n    y = 1\nprint(y)", "name", 3, 7, ""),
    ],
)
def test_errors_point_at_line_and_column(source: str, kind: str, line: int, column: int, suggestion: str) -> None:
    error = run_program(source).error
    assert (error.kind, error.line, error.column, error.suggestion) == (kind, line, column, suggestion)
    assert str(error)


def test_steps_before_an_error_remain() -> None:
    trace = run_program("x = torch.ones(2)\ny = x * 2\nz = y @ torch.ones(3)\n")
    assert [step.line for step in trace.steps] == [1, 2, 3]
    assert trace.variables["y"].tolist() == [2, 2]


@pytest.mark.parametrize(
    "source", ["", "\n\n", "# nothing\n", "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"]
)
def test_nothing_to_run(source: str) -> None:
    trace = run_program(source)
    assert trace.error is None
    assert not trace.nodes
    json.dumps(to_json(trace), allow_nan=False)


def test_numbers_of_every_kind_survive() -> None:
    trace = run_program(
        "a = True\nb = 2\nc = 0.5\nd = torch.tensor([1, 2])\ne = [1, torch.ones(1)]\nf = 'text'\ng = "
        "torch.ones(1, dtype=torch.bfloat16)\n"
    )
    assert (trace.variables["a"], trace.variables["b"], trace.variables["c"], trace.variables["f"]) == (
        True,
        2,
        0.5,
        "text",
    )
    assert trace.variables["d"].dtype == np.int64
    assert trace.variables["e"][1].tolist() == [1]
    assert trace.tensors[-1].dtype == "bfloat16"


def test_seed_decides_and_global_generator_stays() -> None:
    source = "x = torch.randn(3)\nnet = nn.Linear(2, 2)\ny = F.dropout(torch.ones(10))\nz = torch.rand_like(x)\n"
    state = torch.get_rng_state()
    first, again, other = (run_program(source, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    for name in ("x", "net.weight", "y", "z"):
        np.testing.assert_array_equal(first.variables[name], again.variables[name])
    assert not np.array_equal(first.variables["x"], other.variables["x"])
    assert first.variables.keys() >= {"net.weight", "net.bias"}
    torch.manual_seed(1)
    np.testing.assert_array_equal(first.variables["x"], torch.randn(3).numpy())
    torch.set_rng_state(state)


def test_programs_in_parallel_do_not_touch_each_other() -> None:
    source = (
        "with torch.no_grad():\n    for i in range(20):\n        x = torch.randn(4) * 2\ny = "
        "torch.randn(3, requires_grad=True)\n(y * y).sum().backward()\n"
    )
    expected = {seed: run_program(source, seed=seed).variables for seed in range(4)}
    wrong: list[int] = []

    def work(seed: int) -> None:
        for _ in range(3):
            variables = run_program(source, seed=seed).variables
            if any(not np.array_equal(variables[name], expected[seed][name]) for name in ("x", "y")):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert torch.is_grad_enabled()


def test_a_program_that_fails_inside_no_grad_leaves_grad_mode_alone() -> None:
    assert run_program("with torch.no_grad():\n    1 / 0\n").error is not None
    assert torch.is_grad_enabled()


def test_json_holds_everything_once() -> None:
    trace = run_program(
        "x = torch.tensor([1., float('nan'), float('inf')], requires_grad=True)\ny = (x * "
        "2).sum()\ny.backward()\nz = torch.zeros(400)\n"
    )
    data = json.loads(json.dumps(to_json(trace), allow_nan=False))
    state = data["tensors"][0]
    assert data["arrays"][state["value"]]["data"] == [1, "nan", "inf"]
    assert (data["arrays"][state["value"]]["min"], data["arrays"][state["value"]]["max"]) == (1, 1)
    zeros = data["arrays"][data["tensors"][-1]["value"]]
    assert (len(zeros["data"]), zeros["truncated"], zeros["shape"]) == (256, True, [400])
    assert len(data["nodes"]) == len(trace.nodes)
    assert all({"x", "y"} <= node.keys() for node in data["nodes"])
    assert data["visits"][-1]["accumulation"]["variable"] == "x"
    failed = to_json(run_program("x = torch.tesnor(1)"))["error"]
    assert failed["message"]["template"] == "{path}.{word} is not part of the lab. Did you mean {suggestion}?"


def test_each_element_is_sent_as_the_shortest_decimal_of_its_own_type() -> None:
    trace = run_program(
        "a = torch.tensor([0.1, 1e-45, 16777217.0, -0.0])\nb = torch.tensor([0.1, 0.3], dtype=torch.float64) + 0.2\n"
        "c = torch.tensor([0.1, 65504.0]).half()\nd = torch.tensor([7, -7])\ne = torch.tensor([True, False])\n"
        "f = torch.zeros(0)\ng = torch.tensor(float('nan'))\nh = torch.arange(300) / 3\ni = torch.randn(100)\n"
    )
    sent = to_json(trace)
    arrays = {state["name"]: sent["arrays"][state["value"]] for state in sent["tensors"]}
    # In float64 0.1 + 0.2 is the neighbour of 0.3; in float32 the odd number above 2**24 is rounded to even; half
    # precision has no other number as near to 65500 as 65504.
    assert arrays["a"]["data"] == [0.1, 1e-45, 16777216.0, 0.0]
    assert (arrays["b"]["data"], arrays["c"]["data"]) == ([0.1 + 0.2, 0.5], [0.1, 65500.0])
    assert arrays["d"] == {"shape": [2], "dtype": "int", "data": [7, -7], "truncated": False, "min": -7, "max": 7}
    assert (arrays["e"]["data"], arrays["e"]["dtype"], arrays["e"]["max"]) == ([True, False], "bool", True)
    assert (arrays["f"]["data"], arrays["f"]["min"], arrays["g"]["data"], arrays["g"]["max"]) == (
        [],
        None,
        ["nan"],
        None,
    )
    # The greatest element lies behind what is shown.
    assert (len(arrays["h"]["data"]), arrays["h"]["max"]) == (256, float(str(np.float32(299) / np.float32(3))))
    values = trace.variables["i"]
    assert arrays["i"]["data"] == [float(str(number)) for number in values]
    assert (arrays["i"]["min"], arrays["i"]["max"]) == (float(str(values.min())), float(str(values.max())))


def test_layout_keeps_layers_and_places_apart(traces: list[ProgramTrace]) -> None:
    for trace in traces:
        edges = [(edge.source, edge.target) for edge in trace.edges]
        places = place_nodes(len(trace.nodes), edges)
        assert all(places[source, 1] < places[target, 1] for source, target in edges)
        for layer in np.unique(places[:, 1]):
            columns = np.sort(places[places[:, 1] == layer, 0])
            assert np.all(np.diff(columns) >= 0.99)
    assert place_nodes(0, []).shape == (0, 2)
    assert place_nodes(1, []).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="cycle"):
        place_nodes(2, [(0, 1), (1, 0)])


# Each formula of the table, evaluated on what a node saved and received, against what the engine sent on.
@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("a + b", lambda g, a, b, y: (g, g)),
        ("a - b", lambda g, a, b, y: (g, -g)),
        ("a * b", lambda g, a, b, y: (g * b, g * a)),
        ("a / b", lambda g, a, b, y: (g / b, -g * a / b**2)),
        ("-a", lambda g, a, b, y: (-g,)),
        ("a ** 3", lambda g, a, b, y: (g * 3 * a**2,)),
        ("a.exp()", lambda g, a, b, y: (g * y,)),
        ("a.log()", lambda g, a, b, y: (g / a,)),
        ("a.sqrt()", lambda g, a, b, y: (g / (2 * y),)),
        ("a.tanh()", lambda g, a, b, y: (g * (1 - y**2),)),
        ("a.sigmoid()", lambda g, a, b, y: (g * y * (1 - y),)),
        ("F.relu(a - 1)", lambda g, a, b, y: (g * (y > 0),)),
        ("a.sin()", lambda g, a, b, y: (g * np.cos(a),)),
        ("a.cos()", lambda g, a, b, y: (-g * np.sin(a),)),
        ("a.abs()", lambda g, a, b, y: (g * np.sign(a),)),
        ("a.reciprocal()", lambda g, a, b, y: (-g * y**2,)),
        ("a.rsqrt()", lambda g, a, b, y: (-0.5 * g * y**3,)),
        ("torch.maximum(a, b)", lambda g, a, b, y: (g * ((a > b) + 0.5 * (a == b)), g * ((b > a) + 0.5 * (a == b)))),
        ("torch.minimum(a, b)", lambda g, a, b, y: (g * ((a < b) + 0.5 * (a == b)), g * ((b < a) + 0.5 * (a == b)))),
        ("a.clamp(0.6, 1.5)", lambda g, a, b, y: (g * ((a > 0.6) & (a < 1.5)),)),
        ("a.softmax(dim=0)", lambda g, a, b, y: (y * (g - (g * y).sum()),)),
        ("a.log_softmax(dim=0)", lambda g, a, b, y: (g - np.exp(y) * g.sum(),)),
        ("F.silu(a)", lambda g, a, b, y: (g / (1 + np.exp(-a)) * (1 + a * (1 - 1 / (1 + np.exp(-a)))),)),
        ("F.softplus(a)", lambda g, a, b, y: (g / (1 + np.exp(-a)),)),
        ("a.cumsum(dim=0)", lambda g, a, b, y: (np.cumsum(g[::-1])[::-1],)),
    ],
)
def test_local_rules_say_what_the_engine_does(expression: str, rule) -> None:
    trace = run_program(
        "a = torch.tensor([0.5, 1.0, 2.0, 0.7], dtype=torch.float64, requires_grad=True)\n"
        "b = torch.tensor([1.5, 1.0, 0.3, 0.9], dtype=torch.float64, requires_grad=True)\n"
        f"y = {expression}\n"
        "y.backward(gradient=torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64))\n"
    )
    assert trace.error is None
    visit = trace.visits[0]
    node = trace.nodes[visit.node]
    values = trace.variables
    expected = rule(visit.upstream[0], values["a"], values["b"], values["y"])
    for computed, wanted in zip([value for value in visit.downstream if value is not None], expected, strict=True):
        np.testing.assert_allclose(computed, wanted, rtol=1e-12, atol=1e-15)
    assert node.rule.formula == local_rule(node.name).formula != local_rule("NoSuchBackward0").formula


def test_every_node_of_the_presets_has_a_rule_of_its_own() -> None:
    general = local_rule("NoSuchBackward0").formula
    names = {node.name for preset in PRESETS.values() for node in run_program(preset.source).nodes}
    assert {name for name in names if local_rule(name).formula == general} == set()


def test_operations_without_a_derivative_stay_apart() -> None:
    # torch gives all of them the same sequence number, so that they could be taken for one node with an edge to itself.
    trace = run_program(
        "x = torch.ones(3, requires_grad=True)\na = x // x\nb = x // a\nc = (b * 2).sum()\nc.backward()\n"
    )
    assert [node.name for node in trace.nodes] == [
        "AccumulateGrad",
        "NotImplemented",
        "NotImplemented",
        "MulBackward0",
        "SumBackward0",
    ]
    assert [(edge.source, edge.target) for edge in trace.edges] == [(0, 1), (0, 1), (0, 2), (1, 2), (2, 3), (3, 4)]
    assert trace.error.kind == "torch"
    json.dumps(to_json(trace))


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_marking_survives_whatever_a_program_leaves(preset) -> None:
    names = ("x", "y", "w", "a", "b", "loss", "g", "d3y", "model", "net", "out", "target")
    for value in ("'text'", "[1, [2, 'a']]", "None", "range(3)", "torch.ones(2, 2)", "True", "[]"):
        lines = [f"{name} = {value}" for name in names]
        trace = run_program("\n".join([*lines, "print('some words stand here')", "print()"]))
        assert trace.error is None
        assert not preset.is_solved(trace)
        preset.evidence(trace)
