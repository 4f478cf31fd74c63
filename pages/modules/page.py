"""The nn and functional page: one choice, two networks, what each can do and where they part."""

import streamlit as st

from pages.kit import link
from pages.kit.challenges import Challenge, show_challenges
from pages.kit.chart import chart
from pages.kit.loaders import compute
from pages.kit.page import close_page, open_page
from pages.kit.reproduce import reproduce_panel
from vizcore.figures.modules import plot_repeated_passes, plot_running_mean, plot_step, plot_timing
from vizcore.modules import (
    ACTIVATIONS,
    HIDDEN_SIZES,
    NetworkChoice,
    NetworkReport,
    TensorEntry,
    compare_networks,
    lab_program,
    measure_recommendations,
    measure_traps,
    num_distinct,
    time_networks,
    write_modules_script,
)

page = open_page(
    "modules",
    title="nn.Module and nn.functional",
    tagline="Build one network both ways, then repair the right-hand one until both behave alike.",
)
_ = page.translate
page.lesson("claim")

# -- the learner's choice --------------------------------------------------------------------------

columns = st.columns([1.1, 1, 1, 1.3, 1.4, 1.7, 0.9], vertical_alignment="bottom")
with columns[0]:
    layer = page.select("layer", _("Layer"), {"linear": "Linear", "conv2d": "Conv2d"}, "linear")
with columns[1]:
    hidden = page.select("hidden", _("Hidden size"), {str(size): str(size) for size in HIDDEN_SIZES}, "8")
with columns[2]:
    activation = page.select("activation", _("Activation"), {name: name for name in ACTIVATIONS}, "relu")
with columns[3]:
    normalization = page.select(
        "normalization",
        _("Normalisation"),
        {"none": _("none"), "batch_norm": "batch norm", "group_norm": "group norm"},
        "batch_norm",
    )
with columns[4]:
    dropout = page.slider("dropout", _("Dropout probability"), 0.0, 0.9, 0.5, step=0.1)
with columns[5]:
    middle = page.select(
        "middle",
        _("Two more hidden layers"),
        {"none": _("none"), "separate": _("with weights of their own"), "shared": _("sharing one weight")},
        "none",
    )
with columns[6]:
    bias = page.toggle("bias", _("Bias"), True)

left, right = st.columns([2, 3], gap="medium")
with right, st.container(horizontal=True, vertical_alignment="center"):
    st.markdown("**nn.functional**", width="content")
    registered = page.toggle(
        "registered",
        _("Register the tensors"),
        False,
        help=_("On: weights in nn.Parameter, running statistics in buffers. Off: plain tensors as attributes."),
    )
    pass_training = page.toggle(
        "pass_training",
        _("Pass the training flag on"),
        False,
        help=_("On: training=self.training. Off: F.dropout and F.batch_norm use their own defaults."),
    )

choice = NetworkChoice(
    layer=layer,
    hidden=int(hidden),
    activation=activation,
    normalization=normalization,
    dropout=dropout,
    bias=bias,
    middle=middle,
    registered=registered,
    pass_training=pass_training,
)
seed = page.value(link.number("seed", 0, 999, 0))
comparison = compute(compare_networks, choice, seed=seed)
module, functional = comparison.module, comparison.functional
rows = {entry.aspect: entry for entry in comparison.differences}


def definition(report: NetworkReport) -> str:
    """The part of the program that differs; the whole stands in the reproduce panel."""
    marks = (
        ("class Net(nn.Module):", "\n\n\ndef make_net")
        if report.name == "functional"
        else ("def make_net", "\n\n\nx = ")
    )
    start = report.source.index(marks[0])
    return report.source[start : report.source.index(marks[1], start)]


def lab_link(name: str) -> None:
    """Opens the same network, as a flat program, in the autograd lab."""
    program = link.text("program", "", max_length=4000).write(lab_program(choice, name))
    st.page_link(
        "pages/autograd/page.py",
        label=_("Open in the autograd lab"),
        icon=":material/account_tree:",
        query_params={"program": program},
    )


with left:
    st.markdown("**nn.Module**")
for place, report in ((left, module), (right, functional)):
    with place:
        st.code(definition(report), language="python", height=240, wrap_lines=False)
        lab_link(report.name)

# -- where they part -------------------------------------------------------------------------------

WORDS = {
    "arithmetic": _("Outputs in eval(), dropout 0: difference"),
    "output_eval": _("Outputs in eval(): difference"),
    "output_train": _("Outputs in train(), same seed: difference"),
    "eval_passes": _("Results in twenty passes in eval()"),
    "parameters": _("Numbers that parameters() yields"),
    "optimiser_step": _("Weights that one SGD step moves"),
    "saved": _("Numbers that state_dict() holds"),
    "restored": _("Outputs after save and load: difference"),
    "to_float64": _("Tensors that .to(torch.float64) converts"),
    "running_mean": _("Size of running_mean after ten batches"),
    "shared_keys": _("Second names for one tensor in state_dict()"),
    "hooks": _("Forward hooks that fire in one call"),
    "repr": _("Lines that repr() prints"),
}
unused = {"running_mean"} if normalization != "batch_norm" else set()
unused |= {"shared_keys"} if middle != "shared" else set()
unrepaired = [name for name, entry in rows.items() if entry.repairable and not entry.same and name not in unused]


def unbroken(words: str) -> str:
    """Chinese breaks between any two characters; a word joiner keeps a mark in one line."""
    return "\u2060".join(words)


table = [f"| {_('Measured just now')} | nn | F | |", "|:--|--:|--:|:--|"]
for name, entry in rows.items():
    if name in unused:
        continue
    if entry.same:
        mark = f":green[✓\u00a0{unbroken(_('alike'))}]"
    elif entry.repairable:
        mark = f":red[✗\u00a0{unbroken(_('silent'))}]"
    else:
        mark = f":gray[•\u00a0{unbroken(_('nature'))}]"
    table.append(f"| {WORDS[name]} | {entry.module:.4g} | {entry.functional:.4g} | {mark} |")

dots, facts = st.columns([2, 3], gap="medium")
with dots:
    mode = page.select(
        "mode",
        _("Twenty passes of the same input"),
        {"eval": _("after eval()"), "train": _("after train()")},
        "eval",
        few=True,
    )
    counts = [num_distinct(getattr(report, f"passes_{mode}")) for report in (module, functional)]
    chart(
        page,
        "passes",
        plot_repeated_passes(comparison, mode=mode, translate=_),
        alt=_(
            "Twenty passes in {mode}(): nn.Module gives {module} different results, nn.functional gives {functional}.",
            mode=mode,
            module=counts[0],
            functional=counts[1],
        ),
    )
    if mode == "eval" and counts[1] > counts[0]:
        st.warning(
            _("eval() was called on both, and the right one still drops: F.dropout has training=True by default."),
            icon=":material/warning:",
        )
with facts:
    st.markdown("\n".join(table))
    if unrepaired:
        st.caption(
            _(
                "{count} silent differences left; the two switches above the right pane repair them.",
                count=len(unrepaired),
            )
        )
    else:
        st.caption(_("Nothing differs silently any more. What still differs lies in what a function is."))

# -- a closer look ---------------------------------------------------------------------------------

look = page.select(
    "look",
    _("Look closer"),
    {
        "state": "parameters(), state_dict()",
        "step": _("optimiser step"),
        "dtype": ".to(torch.float64)",
        "running": _("running statistics"),
        "hooks": _("hooks"),
        "repr": "repr()",
        "sequential": "nn.Sequential",
    },
    "state",
    few=True,
)


def list_tensors(entries: tuple[TensorEntry, ...]) -> str:
    """A Markdown table of tensors."""
    if not entries:
        return _("*nothing*")
    lines = [f"| {_('name')} | {_('shape')} | {_('numbers')} | dtype | |", "|:--|:--|--:|:--|:--|"]
    for entry in entries:
        shape = "×".join(map(str, entry.shape)) or "·"
        same = _("the same tensor as {name}", name=f"`{entry.same_as}`") if entry.same_as else ""
        lines.append(f"| `{entry.name}` | {shape} | {entry.num_values} | {entry.dtype} | {same} |")
    return "\n".join(lines)


if look in ("state", "dtype", "hooks", "repr"):
    for place, report in zip(st.columns(2, gap="medium"), (module, functional), strict=True):
        with place:
            if look == "state":
                st.markdown(f"`parameters()`\n\n{list_tensors(report.parameters)}")
                st.markdown(f"`state_dict()`\n\n{list_tensors(report.state)}")
            elif look == "dtype":
                st.markdown(list_tensors(report.dtypes_after_to))
                if report.error_after_to:
                    st.caption(_("Torch’s own answer to a float64 input afterwards:"))
                    st.code(report.error_after_to, language=None, wrap_lines=True)
                else:
                    st.caption(_("A float64 input passes through afterwards."))
            elif look == "hooks":
                fired = [f"| {_('hook on')} | {_('calls')} |", "|:--|--:|"]
                fired += [f"| `{name}` | {count} |" for name, count in report.hook_calls]
                st.markdown("\n".join(fired))
                st.caption(
                    _(
                        "Hooks that fired: {by_call} in net(x), {by_forward} in net.forward(x),"
                        " which steps past the network’s own.",
                        by_call=sum(count for _name, count in report.hook_calls),
                        by_forward=report.hook_calls_forward,
                    )
                )
            else:
                st.code(report.text, language=None)
elif look == "step":
    chart(
        page,
        "step",
        plot_step(comparison, translate=_),
        alt=_(
            "One SGD step moves {module} weights of the module and {functional} of the functional network.",
            module=int(rows["optimiser_step"].module),
            functional=int(rows["optimiser_step"].functional),
        ),
    )
    if functional.step_error:
        st.caption(_("Torch’s own answer to an optimiser over the functional network’s parameters():"))
        st.code(functional.step_error, language=None, wrap_lines=True)
    if normalization == "batch_norm" and bias:
        st.caption(_("The bias just before batch normalisation hardly moves: the normalisation subtracts it again."))
elif look == "running":
    if normalization == "batch_norm":
        chart(
            page,
            "running",
            plot_running_mean(comparison, translate=_),
            alt=_(
                "After ten training batches the module’s running means sum to {module},"
                " the functional network’s to {functional}.",
                module=f"{rows['running_mean'].module:.3g}",
                functional=f"{rows['running_mean'].functional:.3g}",
            ),
        )
        st.caption(_("F.batch_norm has training=False by default: without the flag it never learns the statistics."))
    else:
        st.info(_("Only batch normalisation keeps running statistics: choose it above."))
else:
    answers = {line.need: line for line in compute(measure_recommendations, seed=seed)}
    st.code(f"nn.Sequential(nn.Linear(4, 8), F.relu)\n{answers['in_sequential'].functional}", language=None)
    st.caption(_("Torch’s own answer. A Sequential holds modules only: nn.ReLU() exists for such places."))

# -- time ------------------------------------------------------------------------------------------

with st.expander(_("Which is faster?"), icon=":material/timer:"):
    if page.button("time", _("Time both now"), icon=":material/play_arrow:"):
        st.session_state[page.key("timed")] = (choice, time_networks(choice, seed=seed))
    timed = st.session_state.get(page.key("timed"))
    if timed is not None:
        timing = timed[1]
        low, median, high = timing.quartiles("module")
        low_f, median_f, high_f = timing.quartiles("functional")
        sentence = _(
            "Of 200 passes each, in turn, the middle half took {low} to {high} µs with modules (median {median})"
            " and {low_f} to {high_f} µs with functions (median {median_f}).",
            low=f"{low:.1f}",
            median=f"{median:.1f}",
            high=f"{high:.1f}",
            low_f=f"{low_f:.1f}",
            median_f=f"{median_f:.1f}",
            high_f=f"{high_f:.1f}",
        )
        chart(page, "timing", plot_timing(timing, translate=_), alt=sentence)
        st.markdown(sentence)
        st.caption(
            _(
                "A module’s call looks for hooks before it calls the same function: that costs the same"
                " for a small layer and a large one, so in a network that does real work it is lost in the noise."
            )
        )

# -- which for what --------------------------------------------------------------------------------

st.subheader(_("Which for what"), anchor=False)
NEEDS = {
    "weighted_layer": (
        _("A layer with weights"),
        _(
            "parameters() yields {module} numbers; with plain tensors it yields {functional},"
            " and no optimiser learns them."
        ),
    ),
    "dropout": (
        _("Dropout"),
        _(
            "Twenty passes in eval() give {module} result with nn.Dropout"
            " and {functional} with F.dropout left to its default."
        ),
    ),
    "batch_norm": (
        _("Batch normalisation"),
        _("state_dict() saves {module} running values of the module and {functional} that are plain tensors."),
    ),
    "in_sequential": (_("A step inside nn.Sequential"), _("A function there is answered by “{functional}”.")),
    "inspect": (
        _("A layer you want to watch"),
        _("Hooks fire in {module} places in the module and in {functional} in the functional network."),
    ),
    "computed_weight": (
        _("A weight that another network computes"),
        _("nn.Linear answers “{module}”; with F.linear a gradient of length {functional} reaches the other network."),
    ),
    "tied_weight": (
        _("One weight used twice, once transposed"),
        _("Two nn.Linear learn {module} numbers; F.linear with the transposed weight needs {functional}."),
    ),
    "activation": (
        _("An activation, pooling or reshaping"),
        _("It keeps {module} numbers, and the two results differ by {functional}."),
    ),
    "loss": (_("A loss"), _("The two cross entropies differ by {module}.")),
}
CHOICES = {"module": "`nn`", "functional": "`F`", "either": unbroken(_("either"))}
lines = [f"| {_('You need')} | {_('Take')} | {_('Because, measured just now')} |", "|:--|:--|:--|"]
for line in compute(measure_recommendations, seed=seed):
    need, reason = NEEDS[line.need]
    values = {
        side: f"{value:.3g}" if isinstance(value, float | int) else value
        for side, value in (("module", line.module), ("functional", line.functional))
    }
    lines.append(f"| {need} | {CHOICES[line.choose]} | {reason.format(**values)} |")
st.markdown("\n".join(lines))

TRAPS = {
    "parameter_list": (
        _("Weights in a Python list"),
        _("parameters() finds {mistaken} numbers in a list and {intended} in an nn.ParameterList."),
    ),
    "eval_keeps_gradients": (
        _("eval() in place of no_grad()"),
        _(
            "In eval() backward() gave a gradient of length {mistaken};"
            " under torch.no_grad() {intended} results are recorded."
        ),
    ),
    "forgotten_zero_grad": (
        _("No zero_grad() between two backward()"),
        _("The same gradient twice has length {mistaken}; once, {intended}."),
    ),
    "softmax_before_loss": (
        _("A softmax before the cross entropy"),
        _("The loss becomes {mistaken}; of the logits themselves it is {intended}."),
    ),
    "broadcast_loss": (
        _("[N, 1] against [N] in a loss"),
        _("Broadcasting compares all pairs: {mistaken}; of equal shapes it is {intended}."),
    ),
    "batch_of_one": (
        _("A batch of one sample in train()"),
        _("Batch normalisation answers “{mistaken}”; in eval() the output has length {intended}."),
    ),
}
with st.expander(_("Traps that both forms share"), icon=":material/warning:"):
    lines = [f"| {_('The mistake')} | {_('What comes of it, measured just now')} |", "|:--|:--|"]
    for trap in compute(measure_traps, seed=seed):
        mistake, outcome = TRAPS[trap.name]
        mistaken = trap.mistaken if isinstance(trap.mistaken, str) else f"{trap.mistaken:.4g}"
        lines.append(f"| {mistake} | {outcome.format(mistaken=mistaken, intended=f'{trap.intended:.4g}')} |")
    st.markdown("\n".join(lines))

# -- challenges ------------------------------------------------------------------------------------


def hint_repair() -> str | None:
    """Every silent difference repaired in a network that has dropout and batch normalisation."""
    if dropout == 0 or normalization != "batch_norm":
        return _("Keep dropout above 0 and batch normalisation on: without them there is less to repair.")
    if unrepaired:
        return _("Still differing: {what}.", what="; ".join(WORDS[name] for name in unrepaired[:3]))
    return None


def hint_half() -> str | None:
    """Weights learn, yet eval() is random: the two repairs are independent."""
    if not rows["parameters"].same:
        return _("parameters() does not see the functional weights yet.")
    if rows["eval_passes"].same:
        return _("Twenty passes in eval() still agree with each other. What would make them differ?")
    return None


def hint_harmless() -> str | None:
    """The forgotten flag does no harm in eval() when only batch normalisation needs it."""
    if pass_training:
        return _("The flag must stay forgotten: turn the second switch off.")
    if not rows["output_eval"].same:
        return _("In eval() the outputs still differ. Which of the two functions has the wrong default for eval()?")
    if rows["output_train"].same:
        return _("Now the flag matters nowhere. Keep a layer that needs it in train().")
    return None


def hint_shared() -> str | None:
    """One tensor under two keys."""
    if not rows["shared_keys"].module:
        return _("Every key has a tensor of its own. Which choice above lets one layer stand in two places?")
    return None


show_challenges(
    page,
    [
        Challenge(
            "repair",
            _("Repair it"),
            _("With dropout and batch normalisation in the network, leave no silent difference."),
            hint_repair,
        ),
        Challenge(
            "half",
            _("Half repaired"),
            _("Let the functional weights learn, and yet let twenty passes in eval() disagree."),
            hint_half,
        ),
        Challenge(
            "harmless",
            _("A harmless mistake?"),
            _("Forget the training flag so that eval() gives equal outputs and only train() tells."),
            hint_harmless,
        ),
        Challenge(
            "two_names",
            _("Two names, one tensor"),
            _("Bring about a state_dict() in which two keys hold the same tensor."),
            hint_shared,
        ),
    ],
)
page.lesson("try", title=_("What to try"))
page.lesson("misconceptions", title=_("Misconceptions"))
page.lesson("sources", title=_("Sources"))
reproduce_panel(page, write_modules_script(choice, seed=seed))
close_page(page)
