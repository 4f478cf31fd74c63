"""The traced program as a piece of a page: code, graph, ledger and tensors under one stepper.

The trace goes to the browser once, as bytes; ``assets/components/autograd/graph.js`` looks every step up in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.kit.language import Translate, translator
from pages.kit.live import live
from pages.kit.stepper import stepper
from vizcore.figures import theme

COLOURS = {"value": theme.PREDICTION, "gradient": theme.GRADIENT, "error": theme.ERROR, "second": theme.INTERSECTION}
CURVES = {"palette": list(theme.CATEGORICAL), "dashes": ["none", "6 4", "2 3"]}


def traced_graph(
    key: str,
    trace: bytes,
    num_positions: int,
    *,
    start: int = 0,
    version: int | str = 0,
    presenter: bool = False,
    program: Mapping[str, Any] | None = None,
    most: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> int:
    """Shows a traced program and returns the position the learner stands on.

    Args:
        key: identity in session and browser.
        trace: ``json.dumps(to_json(…)).encode()``, with ``error.text``, ``error.explanation_text`` and every
            ``rule.explanation`` already in the reader's language. Make it once and keep it: equal bytes are not
            sent again.
        num_positions: see :func:`count_positions`.
        start: position at first and whenever ``version`` changes.
        version: another value brings the learner back to ``start``.
        presenter: larger controls and type.
        program: what the editor holds: ``source``, its ``version`` (another one replaces what was typed) and whether it
            is ``readOnly``; None for a program that is only shown. What was typed comes back as ``program`` of
            :func:`pages.kit.live.said`: ``source``, ``version``, ``run`` (presses of Run so far).
        most: the last position that can be gone to, while a question about what follows stands.
        extra: more data for the piece; with ``runs`` (``seed``, ``opened``, ``language``) among it, a number that moves
            is followed by the short way of :mod:`pages.live.programs` until it rests.

    Returns:
        Index into the steps; the last one is the moment of the error, if there is one.
    """
    data = {
        **(extra or {}),
        "text": graph_text(translator("graph")),
        "colors": COLOURS,
        "look": CURVES,
        "program": None if program is None else dict(program),
    }
    return stepper(
        key,
        num_positions,
        start=start,
        version=version,
        component="autograd/graph",
        extra=data,
        payload=trace,
        presenter=presenter,
        most=most,
    )


def folded_network(key: str, network: bytes, *, presenter: bool = False) -> None:
    """Shows the graph of a real network, folded by module, coloured by the norm of its gradients.

    Args:
        key: identity in session and browser.
        network: from ``vizcore.autograd.packing.pack_network``; make it once and keep it.
        presenter: larger type.
    """
    data = {"text": network_text(translator("graph")), "colors": COLOURS, "presenter": presenter}
    live("autograd/network", key=key, data=data, payload=network)


def count_positions(num_steps: int) -> int:
    """How many positions a trace has: one for each step, and one where a program cannot even be read."""
    return max(1, num_steps)


def graph_text(_: Translate) -> dict[str, str]:
    """Every word the piece shows; names in braces are filled in the browser."""
    return {
        "program": _("Program"),
        "picture": _("Graph"),
        "ledger": _("Ledger"),
        "tensors": _("Tensors"),
        "graph": _("Graph of the program; arrow keys walk along it"),
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "fit": _("Show all of the graph"),
        "graph_hint": _(
            "Drag to move, Ctrl + wheel or pinch to zoom."
            " With the keys: arrows walk, Enter selects, comma and full stop step, + − 0 zoom."
        ),
        "run": _("Run"),
        "run_title": _("Run the program (Ctrl + Enter)"),
        "edited": _("edited, not run yet"),
        "editor": _("Your program. Escape, then Tab, leaves the editor."),
        "editor_help": _("Ctrl + Enter runs. Drag a number, or Alt + arrows on it. Esc, then Tab, leaves the editor."),
        "legend_value": _("value"),
        "legend_gradient": _("gradient"),
        "legend_error": _("error"),
        "scalar": _("scalar"),
        "stopped_here": _("The program stops here."),
        "iteration_of": _("iteration {iteration} of {count}"),
        "step_into": _("Step into (Shift + ↓)"),
        "step_over": _("Step over calls and loops (Shift + →)"),
        "step_out": _("Step out of loop or function (Shift + ↑)"),
        "series": _("Numbers to draw"),
        "curve": _("{name} over the iterations of the loop in line {line}; drag, or arrows, Enter opens one"),
        "iterations": _("iterations"),
        "open_iteration": _("Open iteration {iteration}"),
        "crumb": _("line {line}: {iteration}"),
        "slope": _("Slope"),
        "slope_title": _("The loss as a function of {name}, everything else as written"),
        "slope_says": _("slope {gradient}; a step of gradient descent with rate {rate} leads to {next}"),
        "leaf": _("leaf"),
        "not_recorded": _("not recorded"),
        "version": _("version {version}"),
        "value": _("value"),
        "upstream": _("upstream gradient"),
        "local_rule": _("local rule"),
        "unknown_rule": _("torch computes it inside"),
        "before": _("before"),
        "added": _("added now"),
        "after": _("afterwards"),
        "was_none": _("None"),
        "from_node": _("from {node}"),
        "to_node": _("to {node}"),
        "no_downstream": _("nothing above it needs a gradient"),
        "line_number": _("line {line}"),
        "line_title": _("Line {line}"),
        "line_title_again": _("Line {line}, time {times}"),
        "new_nodes": _("New in the graph: {nodes}."),
        "no_new_nodes": _("This line records nothing."),
        "nothing_yet": _("Nothing has run yet."),
        "no_tensors": _("No tensor has a name yet."),
        "visit_title": _("Visit {number}: {node}, called by line {line}"),
        "history": _("Visits of the engine, in its own order"),
        "saved_tensor": _("saved {name} [{shape}], {bytes} bytes, version {version}"),
        "keeps": _("keeps {bytes} B"),
        "freed": _("freed"),
        "freed_long": _("What this node had saved was given back: a second backward() through it fails."),
        "about_leaf": _("A leaf is a tensor that you made, not an operation. backward() leaves its gradient in .grad."),
        "about_accumulate": _(
            "AccumulateGrad belongs to a leaf: it adds the gradient that arrives to the leaf’s .grad."
        ),
        "about_node": _(
            "A node stands for the operation that made a tensor, which calls it its grad_fn."
            " It knows how to bring gradients back through that operation."
        ),
        "about_upstream": _(
            "The gradient of the last result with respect to what this node made; it comes from below."
        ),
        "about_local": _("The derivative of this one operation; what is needed for it was saved on the way forward."),
        "about_not_recorded": _("No gradient is asked for: what is computed from it alone leaves no node."),
        "stale": _("changed in place"),
        "stale_long": _(
            "{name} was changed in place after it was saved as version {version}: backward() through this node fails."
        ),
        "chart": _("Chart"),
        "enlarge": _("Enlarge"),
        "close": _("Close"),
        "suggestion": _("Did you mean {word}?"),
    }


def network_text(_: Translate) -> dict[str, str]:
    """Every word that the folded network shows."""
    return {
        **{name: words for name, words in graph_text(_).items() if name in ("zoom_in", "zoom_out", "fit")},
        "network": _("Network: values flow down; a click unfolds a module"),
        "network_graph": _("Graph of the network; arrow keys walk along it, Enter unfolds"),
        "graph_hint": _(
            "Drag to move, Ctrl + wheel or pinch to zoom. With the keys: arrows walk, Enter unfolds, + − 0 zoom."
        ),
        "modules": _("Modules"),
        "fold_all": _("Fold everything"),
        "fold": _("Fold {module}"),
        "module_facts": _("{type} · nodes: {nodes}"),
        "norm": _("gradient norm {norm}"),
        "click_unfolds": _("folded"),
        "legend": _("The stronger the color, the larger the norm of the gradient: {least} to {largest}, logarithmic."),
    }
