"""A closer look at one thing that a network can do: its tensors, a step of its optimizer, its hooks, torch's errors."""

from __future__ import annotations

import streamlit as st

from pages.kit.chart import chart
from pages.kit.language import Translate
from pages.kit.loaders import compute
from pages.kit.page import Page
from pages.modules import state
from pages.modules.state import View
from vizcore.figures.modules import plot_running_mean, plot_step
from vizcore.modules import NetworkComparison, NetworkReport, TensorEntry, measure_recommendations


def show(page: Page, view: View, comparison: NetworkComparison) -> None:
    """The choice of what to look at, and that."""
    _ = page.translate
    looks = {
        "state": "parameters(), state_dict()",
        "step": _("optimizer step"),
        "dtype": ".to(torch.float64)",
        "running": _("running statistics"),
        "hooks": _("hooks"),
        "repr": "repr()",
        "sequential": "nn.Sequential",
    }
    page.select(state.LOOK, _("Look closer"), looks, few=True)
    if view.look == "step":
        _show_step(page, comparison)
    elif view.look == "running":
        _show_running(page, comparison)
    elif view.look == "sequential":
        _show_sequential(page, view)
    else:
        reports = (comparison.module, comparison.functional)
        for place, report in zip(st.columns(2, gap="medium"), reports, strict=True):
            with place:
                _show_report(_, view.look, report)


def _show_report(_: Translate, look: str, report: NetworkReport) -> None:
    """What is looked at in each network by itself."""
    if look == "state":
        st.markdown(f"`parameters()`\n\n{_list_tensors(_, report.parameters)}")
        st.markdown(f"`state_dict()`\n\n{_list_tensors(_, report.state)}")
    elif look == "dtype":
        st.markdown(_list_tensors(_, report.dtypes_after_to))
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


def _list_tensors(_: Translate, entries: tuple[TensorEntry, ...]) -> str:
    """A Markdown table of tensors."""
    if not entries:
        return _("*nothing*")
    lines = [f"| {_('name')} | {_('shape')} | {_('numbers')} | dtype | |", "|:--|:--|--:|:--|:--|"]
    for entry in entries:
        shape = "×".join(map(str, entry.shape)) or "·"
        same = _("the same tensor as {name}", name=f"`{entry.same_as}`") if entry.same_as else ""
        lines.append(f"| `{entry.name}` | {shape} | {entry.num_values} | {entry.dtype} | {same} |")
    return "\n".join(lines)


def _show_step(page: Page, comparison: NetworkComparison) -> None:
    _ = page.translate
    moved = comparison.by_aspect["optimizer_step"]
    chart(
        page,
        "step",
        plot_step(comparison, translate=_),
        alt=_(
            "One SGD step moves {module} weights of the module and {functional} of the functional network.",
            module=int(moved.module),
            functional=int(moved.functional),
        ),
    )
    if comparison.functional.step_error:
        st.caption(_("Torch’s own answer to an optimizer over the functional network’s parameters():"))
        st.code(comparison.functional.step_error, language=None, wrap_lines=True)
    if comparison.choice.normalization == "batch_norm" and comparison.choice.bias:
        st.caption(_("The bias just before batch normalization hardly moves: the normalization subtracts it again."))


def _show_running(page: Page, comparison: NetworkComparison) -> None:
    _ = page.translate
    if comparison.choice.normalization != "batch_norm":
        st.info(_("Only batch normalization keeps running statistics: choose it above."))
        return
    means = comparison.by_aspect["running_mean"]
    chart(
        page,
        "running",
        plot_running_mean(comparison, translate=_),
        alt=_(
            "After ten training batches the module’s running means sum to {module},"
            " the functional network’s to {functional}.",
            module=f"{means.module:.3g}",
            functional=f"{means.functional:.3g}",
        ),
    )
    st.caption(_("F.batch_norm has training=False by default: without the flag it never learns the statistics."))
    page.lesson("batch_norm")


def _show_sequential(page: Page, view: View) -> None:
    _ = page.translate
    answers = {line.need: line for line in compute(measure_recommendations, seed=view.seed)}
    st.code(f"nn.Sequential(nn.Linear(4, 8), F.relu)\n{answers['in_sequential'].functional}", language=None)
    st.caption(_("Torch’s own answer. A Sequential holds modules only: nn.ReLU() exists for such places."))
