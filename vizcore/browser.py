"""Compiles an elementwise torch function and its gradient to JavaScript.

What moves under a hand runs in the browser, but a formula is written only once, in torch. ``torch.fx`` records what
the function and its backward pass do to some numbers; without loops or branches that is a straight line of elementwise
operations, and each of them has a JavaScript expression with the same meaning for NaN, infinity and ties. An operation
without one is an error here, when the function is compiled, never in front of a class.

Reference:
    Reed et al., torch.fx: Practical Program Capture and Transformation for Deep Learning in Python, MLSys 2022,
    arXiv 2112.08429.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Sequence
from typing import Final, cast

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

Emitter = Callable[..., str]
# torch.fx keeps the tracer at work in a global and patches nn.Module meanwhile: two sessions must not trace at once.
_TRACING: Final = threading.Lock()
_Pullback = tuple[Tensor, Callable[[Tensor], tuple[Tensor, ...]], dict[str, Tensor]]


class CompilationError(ValueError):
    """The function does something that has no elementwise JavaScript form."""


def _call(name: str) -> Emitter:
    return lambda x: f"{name}({x})"


def _infix(operator: str) -> Emitter:
    return lambda a, b: f"{a} {operator} {b}"


def _add(a: str, b: str, *, alpha: str = "1") -> str:
    return f"{a} + {b}" if alpha == "1" else f"{a} + {alpha} * {b}"


def _sub(a: str, b: str, *, alpha: str = "1") -> str:
    return f"{a} - {b}" if alpha == "1" else f"{a} - {alpha} * {b}"


def _rsub(a: str, b: str, alpha: str = "1") -> str:
    return _sub(b, a, alpha=alpha)


def _clamp(x: str, low: str = "null", high: str = "null") -> str:
    raised = x if low == "null" else f"Math.max({x}, {low})"
    return raised if high == "null" else f"Math.min({raised}, {high})"


def _pow(base: str, exponent: str) -> str:
    simple = {"0.5": f"Math.sqrt({base})", "1": base, "2": f"{base} * {base}", "3": f"{base} * {base} * {base}"}
    # C says 1^NaN = 1 and (−1)^∞ = 1, JavaScript says NaN to both.
    return simple.get(
        exponent,
        f"({base} === 1 || {base} === -1 && Math.abs({exponent}) === Infinity ? 1 : Math.pow({base}, {exponent}))",
    )


def _round(x: str) -> str:
    # torch rounds halves to the even neighbour, JavaScript upward.
    return f"(Math.abs({x} % 1) === 0.5 ? 2 * Math.round({x} / 2) : Math.round({x}))"


def _mul(a: str, b: str) -> str:
    if a == "1":
        return b
    return a if b == "1" else f"{a} * {b}"


def _neg(x: str) -> str:
    return x[1:] if x.startswith("-") else f"-{x}"


def _sign(x: str) -> str:
    # Math.sign(NaN) is NaN, torch's is 0.
    return f"({x} > 0) - ({x} < 0)"


def _identity(x: str, **_: str) -> str:
    return x


_OPERATIONS: dict[str, Emitter] = {
    **dict.fromkeys(("aten.add.Tensor", "aten.add.Scalar"), _add),
    **dict.fromkeys(("aten.sub.Tensor", "aten.sub.Scalar"), _sub),
    **dict.fromkeys(("aten.rsub.Tensor", "aten.rsub.Scalar"), _rsub),
    **dict.fromkeys(("aten.mul.Tensor", "aten.mul.Scalar"), _mul),
    **dict.fromkeys(("aten.div.Tensor", "aten.div.Scalar"), _infix("/")),
    **dict.fromkeys(("aten.gt.Tensor", "aten.gt.Scalar"), _infix(">")),
    **dict.fromkeys(("aten.ge.Tensor", "aten.ge.Scalar"), _infix(">=")),
    **dict.fromkeys(("aten.lt.Tensor", "aten.lt.Scalar"), _infix("<")),
    **dict.fromkeys(("aten.le.Tensor", "aten.le.Scalar"), _infix("<=")),
    **dict.fromkeys(("aten.eq.Tensor", "aten.eq.Scalar"), _infix("===")),
    **dict.fromkeys(("aten.ne.Tensor", "aten.ne.Scalar"), _infix("!==")),
    **dict.fromkeys(("aten.logical_and.default", "aten.bitwise_and.Tensor", "aten.__and__.Tensor"), _infix("&&")),
    **dict.fromkeys(("aten.logical_or.default", "aten.bitwise_or.Tensor", "aten.__or__.Tensor"), _infix("||")),
    **dict.fromkeys(("aten.logical_not.default", "aten.bitwise_not.default"), lambda x: f"!{x}"),
    **dict.fromkeys(("aten.pow.Tensor_Scalar", "aten.pow.Tensor_Tensor", "aten.pow.Scalar"), _pow),
    **dict.fromkeys(("aten.clamp.default", "aten.clamp.Tensor"), _clamp),
    **dict.fromkeys(("aten.clamp_min.default", "aten.clamp_min.Tensor"), _clamp),
    **dict.fromkeys(("aten.clamp_max.default", "aten.clamp_max.Tensor"), lambda x, high: _clamp(x, high=high)),
    **dict.fromkeys(("aten.masked_fill.Scalar", "aten.masked_fill.Tensor"), lambda x, mask, v: f"{mask} ? {v} : {x}"),
    **dict.fromkeys(
        ("aten.where.self", "aten.where.Scalar", "aten.where.ScalarSelf", "aten.where.ScalarOther"),
        lambda condition, a, b: f"{condition} ? {a} : {b}",
    ),
    **dict.fromkeys(
        ("aten.detach.default", "aten.alias.default", "aten.clone.default", "aten._to_copy.default"), _identity
    ),
    "aten.ones_like.default": lambda *_, **__: "1",
    "aten.zeros_like.default": lambda *_, **__: "0",
    "aten.full_like.default": lambda _, value, **__: value,
    **dict.fromkeys(("aten.scalar_tensor.default", "aten.lift_fresh_copy.default"), _identity),
    "aten.maximum.default": lambda a, b: f"Math.max({a}, {b})",
    "aten.minimum.default": lambda a, b: f"Math.min({a}, {b})",
    "aten.atan2.default": lambda a, b: f"Math.atan2({a}, {b})",
    "aten.fmod.Scalar": _infix("%"),
    "aten.neg.default": _neg,
    "aten.reciprocal.default": lambda x: f"1 / {x}",
    "aten.rsqrt.default": lambda x: f"1 / Math.sqrt({x})",
    "aten.sigmoid.default": lambda x: f"1 / (1 + Math.exp(-{x}))",
    "aten.sigmoid_backward.default": lambda gradient, y: f"{gradient} * {y} * (1 - {y})",
    "aten.tanh_backward.default": lambda gradient, y: f"{gradient} * (1 - {y} * {y})",
    "aten.relu.default": lambda x: f"Math.max({x}, 0)",
    "aten.threshold_backward.default": lambda gradient, x, threshold: f"{x} <= {threshold} ? 0 : {gradient}",
    "aten.round.default": _round,
    "aten.isnan.default": _call("Number.isNaN"),
    **{f"aten.{name}.default": _call(f"Math.{name}") for name in ("abs", "exp", "expm1", "log", "log1p", "log2")},
    **{f"aten.{name}.default": _call(f"Math.{name}") for name in ("sqrt", "sin", "cos", "tan", "asin", "acos", "atan")},
    **{f"aten.{name}.default": _call(f"Math.{name}") for name in ("sinh", "cosh", "tanh", "floor", "ceil", "trunc")},
    **dict.fromkeys(("aten.sign.default", "aten.sgn.default"), _sign),
}
_ATOM = re.compile(r"-?[\w.]+$|-?\d+(\.\d+)?e-?\d+$")
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*$")


def to_javascript(
    function: Callable[..., Tensor | dict[str, Tensor]],
    example_inputs: Sequence[Tensor],
    *,
    name: str,
    gradient_inputs: Sequence[int] | None = None,
    argument_names: Sequence[str] | None = None,
) -> str:
    """Compiles a function of numbers, and its gradient, to one exported JavaScript function.

    The JavaScript function takes one number per input and returns ``{value, gradient, terms}``: what the function
    computes, its derivatives in the order of ``gradient_inputs``, and all named results if it returned a dict.
    It means what torch means in float64, NaN, infinity and the half gradient of tied maxima included.

    Args:
        function: elementwise, of as many tensors as ``example_inputs``. It returns a tensor, or tensors by name, the
            first of which is the value to differentiate. Other arguments belong into a closure: they become constants.
        example_inputs: float64, all of one shape; they are only traced, so any numbers will do.
        name: what the JavaScript function is called.
        gradient_inputs: positions of the inputs to differentiate by; None for all, empty for no gradient.
        argument_names: what the JavaScript function calls its arguments; x0, x1, … by default.

    Returns:
        The source of an ES module with one export.

    Raises:
        CompilationError: an operation has no entry in the table, is not elementwise, or leaves float64.
        ValueError: a name is no identifier, or one of the t0, t1, … that the lines are called.
    """
    arguments = [f"x{i}" for i in range(len(example_inputs))] if argument_names is None else list(argument_names)
    for word in (name, *arguments):
        if not _IDENTIFIER.match(word) or re.fullmatch(r"t\d+", word):
            raise ValueError(f"{word!r} cannot be a name in the JavaScript that is written here")
    if any(x.dtype != torch.float64 for x in example_inputs) or len({x.shape for x in example_inputs}) != 1:
        raise CompilationError(
            "example_inputs must be float64 and of one shape: numbers in JavaScript are 64 bits wide"
        )
    wanted = tuple(range(len(example_inputs))) if gradient_inputs is None else tuple(gradient_inputs)
    names: list[str] = []

    def program(*inputs: Tensor) -> tuple[Tensor, ...]:
        def value_and_terms(*differentiated: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            arguments = list(inputs)
            for position, leaf in zip(wanted, differentiated, strict=True):
                arguments[position] = leaf
            result = function(*arguments)
            terms = result if isinstance(result, dict) else {"": result}
            return next(iter(terms.values())), terms

        leaves = [inputs[position] for position in wanted]
        if not leaves:
            _, terms = value_and_terms()
            names[:] = terms
            return tuple(terms.values())
        value, pull_back, terms = cast(_Pullback, torch.func.vjp(value_and_terms, *leaves, has_aux=True))
        names[:] = terms
        return (*terms.values(), *pull_back(torch.ones_like(value)))

    # One tensor given twice would be traced as one input.
    apart = [x.clone() for x in example_inputs]
    with _TRACING:
        graph_module = make_fx(torch.func.functionalize(program))(*apart)
    lines, outputs = _straight_line(graph_module, example_inputs[0].shape, arguments)
    terms = dict(zip(names, outputs, strict=False))
    fields = [f"value: {outputs[0]}", f"gradient: [{', '.join(outputs[len(terms) :])}]"]
    fields.append("terms: {" + ", ".join(f"{_key(term)}: {value}" for term, value in terms.items() if term) + "}")
    body = "".join(f"  const {variable} = {expression};\n" for variable, expression in lines)
    return f"export function {name}({', '.join(arguments)}) {{\n{body}  return {{ {', '.join(fields)} }};\n}}\n"


def _key(term: str) -> str:
    return term if _IDENTIFIER.match(term) else repr(term)


def _straight_line(
    graph_module: fx.GraphModule,
    shape: torch.Size,
    arguments: Sequence[str],
) -> tuple[list[tuple[str, str]], list[str]]:
    """Turns a graph into (variable, expression) lines, and the expressions of its outputs."""
    remaining = iter(arguments)
    expressions: dict[fx.Node, str] = {}
    lines: list[tuple[str, str]] = []
    known: dict[str, str] = {}
    outputs: list[str] = []
    live = _live_nodes(graph_module.graph)
    for node in graph_module.graph.nodes:
        if node.op == "placeholder":
            expressions[node] = next(remaining)
        elif node.op == "output":
            flat: list[fx.Node] = list(node.args[0])
            outputs = [f"+{expressions[n]}" if _dtype(n) == torch.bool else expressions[n] for n in flat]
        elif node not in live:
            continue
        elif node.op == "get_attr":
            expressions[node] = _constant(getattr(graph_module, str(node.target)))
        else:
            expression = _expression(node, expressions, shape)
            if _ATOM.match(expression):
                expressions[node] = expression
                continue
            if expression not in known:
                known[expression] = f"t{len(lines)}"
                lines.append((known[expression], expression))
            expressions[node] = known[expression]
    return lines, outputs


def _live_nodes(graph: fx.Graph) -> set[fx.Node]:
    """Nodes an output depends on; ``ones_like`` and its kind do not depend on the values of their input."""
    live: set[fx.Node] = set()
    for node in reversed(graph.nodes):
        if node.op == "output" or node in live:
            inputs = () if str(node.target).endswith("s_like.default") else node.all_input_nodes
            live.update(inputs)
    return live


def _expression(node: fx.Node, expressions: dict[fx.Node, str], shape: torch.Size) -> str:
    target = str(node.target)
    if target not in _OPERATIONS:
        raise CompilationError(f"{target} has no JavaScript form; known are {', '.join(sorted(_OPERATIONS))}")
    value = node.meta.get("val")
    if isinstance(value, Tensor) and value.shape not in (shape, torch.Size()):
        raise CompilationError(f"{target} is not elementwise here: it makes {list(value.shape)} from {list(shape)}")
    if _dtype(node) not in (None, torch.float64, torch.bool):
        raise CompilationError(f"{target} leaves float64: {_dtype(node)}")

    def text(argument: object) -> str:
        if isinstance(argument, fx.Node):
            # A constant's expression needs none of its inputs, and a dead input was never written down.
            return expressions.get(argument, "undefined")
        return _constant(argument)

    ignored = ("dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking")
    keywords = {key: text(argument) for key, argument in node.kwargs.items() if key not in ignored}
    try:
        return _OPERATIONS[target](*(text(argument) for argument in node.args), **keywords)
    except TypeError:
        raise CompilationError(f"{target} with {node.args} and {dict(node.kwargs)} has no JavaScript form") from None


def _dtype(node: fx.Node) -> torch.dtype | None:
    value = node.meta.get("val")
    return value.dtype if isinstance(value, Tensor) else None


def _constant(value: object) -> str:
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
    raise CompilationError(f"{value!r} cannot be written as a JavaScript number")
