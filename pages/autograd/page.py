"""The autograd lab: a program of the learner's own, run on real torch, stepped forward and backward."""

import json

import numpy as np
import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.exports import download_numbers
from pages.kit.graph import count_positions, folded_network, traced_graph
from pages.kit.loaders import compute
from pages.kit.page import close_page, open_page
from pages.kit.programs import in_markdown, pack_program, run_program
from pages.kit.reproduce import reproduce_panel
from vizcore.autograd.networks import NETWORKS, network_to_json, trace_network
from vizcore.autograd.presets import PRESETS

MAX_LENGTH = 8000
SHOWN_AT_MOST = 64


def pack_network(name: str) -> bytes:
    """A real network's folded graph as the browser takes it."""
    return json.dumps(network_to_json(trace_network(name)), allow_nan=False).encode()


page = open_page(
    "autograd",
    title="Autograd lab",
    tagline="Type a PyTorch program, step through it, and watch its gradients flow back.",
)
_ = page.translate

# -- the program -----------------------------------------------------------------------------------

PRESET_TITLES = {name: _(preset.title) for name, preset in PRESETS.items()}


def take_preset() -> None:
    """Puts the chosen example into the editor."""
    chosen = PRESETS[st.session_state[page.key("preset")]]
    page.set(program=chosen.source, seed=0, step=0)


st.html("<style>.st-key-autograd_program textarea { font-family: monospace; font-size: 0.9rem; }</style>")
editor, prediction = st.columns([3, 2], gap="medium")
with editor:
    choose, draw = st.columns([4, 1], vertical_alignment="bottom")
    with choose:
        name = page.select("preset", _("Begin with"), PRESET_TITLES, "chain", on_change=page.guarded(take_preset))
    with draw:
        seed = page.number("seed", _("Seed"), 0, 999, 0, step=1)
    preset = PRESETS[name]
    program = page.text(
        "program",
        _("Your program (Ctrl + Enter runs it)"),
        preset.source,
        max_length=MAX_LENGTH,
        area=True,
        height=176,
    )
seed = int(seed)
run = run_program(program, seed)
trace = run.trace

with prediction:
    page.lesson(f"preset_{name}")
    choices = {str(index): _(choice) for index, choice in enumerate(preset.choices)}
    answer = page.answer(f"answer_{name}", f"**{_('Predict:')}** {_(preset.question)}", choices)
    if answer is not None:
        if int(answer) == preset.answer:
            st.success(_("Right, as torch shows."), icon=":material/check:")
        else:
            st.info(
                _("Torch shows otherwise: {answer}", answer=_(preset.choices[preset.answer])), icon=":material/science:"
            )
        page.lesson(f"after_{name}")

if trace.error is not None:
    where = _("Line {line}, column {column}:", line=trace.error.line, column=trace.error.column)
    words = in_markdown(trace.error.message, _)
    st.warning(f"**{where}** {words}", icon=":material/error:")
    if trace.error.explanation is not None:
        st.caption(in_markdown(trace.error.explanation, _))

# -- the run ---------------------------------------------------------------------------------------

positions = count_positions(len(trace.steps))
step = link.number("step", 0, 10_000, 0)
position = traced_graph(
    page.key("graph"),
    pack_program(run, page.language),
    positions,
    start=min(int(page.value(step)), positions - 1),
    version=f"{hash((program, seed))}/{page.version('step')}",
    presenter=page.presenting,
)
page.store(step, position)
page.lesson("claim")

again, counts = st.columns([1, 3], vertical_alignment="center")
with again:
    page.button(
        "again",
        _("Run with another seed"),
        icon=":material/replay:",
        on_click=page.set,
        kwargs={"seed": (seed + 1) % 1000, "step": 0},
        help=_("A program that draws random numbers may take another branch: define by run."),
    )
with counts:
    other = trace if run.stopped else run_program(program, (seed + 1) % 1000).trace
    st.caption(
        _(
            "Seed {seed}: {nodes} nodes, {visits} visits of the engine."
            " Seed {next_seed} would give {next_nodes} and {next_visits}.",
            seed=seed,
            nodes=len(trace.nodes),
            visits=len(trace.visits),
            next_seed=(seed + 1) % 1000,
            next_nodes=len(other.nodes),
            next_visits=len(other.visits),
        )
    )

# -- a real network --------------------------------------------------------------------------------

if page.toggle("real", _("The graph of a real network"), False):
    network = page.select("network", _("Network"), dict(NETWORKS), "resnet18", few=True)
    st.caption(_("Random weights, two random images of 64 × 64 pixels, one backward pass. Nothing here is trained."))
    folded_network(page.key("network_graph"), compute(pack_network, network), presenter=page.presenting)
else:
    page.value(link.choice("network", list(NETWORKS), "resnet18"))
st.page_link("pages/modules/page.py", label=_("nn.Module beside nn.functional"), icon=":material/compare_arrows:")

# -- challenges ------------------------------------------------------------------------------------


def hint_of(other_name: str):
    """Marks a preset's challenge from the present run."""

    def hint() -> str | None:
        if other_name != name:
            return _("Begin with “{title}”, then change its program.", title=PRESET_TITLES[other_name])
        if PRESETS[other_name].is_solved(trace):
            return None
        if trace.error is not None:
            return _("The program stops at line {line}.", line=trace.error.line)
        return _("Not yet. Step through it, and look at the ledger where the gradient is not what you want.")

    return hint


with st.container(height=460):
    show_challenges(
        page,
        [Challenge(other, PRESET_TITLES[other], _(PRESETS[other].challenge), hint_of(other)) for other in PRESETS],
    )

page.lesson("try", title=_("What to try"))
page.lesson("engine", title=_("How the engine walks"))
page.lesson("misconceptions", title=_("Misconceptions"))
page.lesson("limits", title=_("What the lab can run"))
page.lesson("sources", title=_("Sources"))

# -- to take away ----------------------------------------------------------------------------------


def fits(label: str, value: object) -> bool:
    """Whether a final value is a named tensor small enough to print."""
    return label.isidentifier() and isinstance(value, np.ndarray) and value.size <= SHOWN_AT_MOST


tensors = [label for label, value in trace.variables.items() if fits(label, value)]
grads = [label for label, value in trace.grads.items() if fits(label, value)]
IMPORTS = ["import torch", "import torch.nn.functional as F", "from torch import nn"]
lines = [*IMPORTS, f"torch.manual_seed({seed})", "", program.rstrip()]
if trace.error is None:
    lines += ["", *(f'print("{value}", {value}.tolist())' for value in tensors)]
    lines += [f'print("{value}.grad", {value}.grad.tolist())' for value in grads]
reproduce_panel(page, "\n".join([*lines, ""]))


def number_rows() -> list[dict[str, object]]:
    """Every element of every final value and gradient."""
    values = [(f"{value}", trace.variables[value]) for value in tensors]
    values += [(f"{value}.grad", trace.grads[value]) for value in grads]
    return [
        {"name": label, "index": index, "value": element}
        for label, array in values
        for index, element in enumerate(np.ravel(array).tolist())
    ]


download_numbers(page, "autograd", number_rows)
close_page(page)
