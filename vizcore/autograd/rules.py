"""The local rule of each node of torch's graph, as a line of mathematics and a sentence.

``g`` is the upstream gradient, ``a``, ``b``, ``c`` the inputs in torch's order, ``y`` the output, ``∂a`` the gradient
that goes out towards ``a``. The numbers on the screen do not come from here: they are what the engine computed.
A test holds formulas of this table against them.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from vizcore.autograd.trace import Rule

_BROADCAST = "Where an input was broadcast, its gradient is summed over the repeated axes."
_PLACE = "Only the arrangement changed, so the gradient is put back into the old arrangement."
_PARTS = "The gradient goes to the elements that were taken; all others get zero."

_RULES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "AccumulateGrad": ("leaf.grad += g", "A leaf adds what arrives to its .grad; it never overwrites it."),
        "Add": ("∂a = g,  ∂b = g", "A sum hands its gradient to both inputs unchanged. " + _BROADCAST),
        "Sub": (
            "∂a = g,  ∂b = −g",
            "A difference hands its gradient on, with the sign turned for the second input. " + _BROADCAST,
        ),
        "Rsub": ("∂a = −g", "The input was subtracted, so the sign turns."),
        "Mul": ("∂a = g · b,  ∂b = g · a", "Each input gets the gradient times the other input. " + _BROADCAST),
        "Div": ("∂a = g / b,  ∂b = −g · a / b²", "The quotient rule. " + _BROADCAST),
        "Neg": ("∂a = −g", "The sign turns."),
        "Pow": ("∂a = g · n · aⁿ⁻¹", "The power rule, with the exponent n and the saved input."),
        "Exp": ("∂a = g · y", "The derivative of exp is exp itself, so torch saves the output, not the input."),
        "Expm1": ("∂a = g · (y + 1)", "The derivative of exp(a) − 1 is exp(a)."),
        "Log": ("∂a = g / a", "The smaller the input, the larger the gradient."),
        "Log1P": ("∂a = g / (a + 1)", ""),
        "Log2": ("∂a = g / (a · ln 2)", ""),
        "Log10": ("∂a = g / (a · ln 10)", ""),
        "Sqrt": ("∂a = g / (2 · y)", "At 0 the slope is infinite."),
        "Rsqrt": ("∂a = −½ · g · y³", ""),
        "Reciprocal": ("∂a = −g · y²", ""),
        "Sin": ("∂a = g · cos a", ""),
        "Cos": ("∂a = −g · sin a", ""),
        "Tan": ("∂a = g · (1 + y²)", ""),
        "Tanh": ("∂a = g · (1 − y²)", "Where the output is close to ±1, hardly any gradient comes through."),
        "Sigmoid": ("∂a = g · y · (1 − y)", "The factor is at most ¼ and goes to 0 at both ends."),
        "Relu": ("∂a = g where y > 0, else 0", "A closed unit lets nothing through. At exactly 0 torch takes 0."),
        "LeakyRelu": ("∂a = g where a > 0, else slope · g", ""),
        "Elu": ("∂a = g where a > 0, else g · α · exp a", ""),
        "Gelu": ("∂a = g · (Φ(a) + a · φ(a))", "Φ and φ are the normal distribution and its density."),
        "Silu": ("∂a = g · σ(a) · (1 + a · (1 − σ(a)))", ""),
        "Softplus": ("∂a = g · σ(a)", ""),
        "LogSigmoid": ("∂a = g · (1 − σ(a))", ""),
        "Hardtanh": ("∂a = g inside the limits, else 0", ""),
        "Clamp": (
            "∂a = g inside the limits, else 0",
            "What was cut off gets no gradient: it cannot find its way back.",
        ),
        "ClampMin": ("∂a = g where a is not below the limit, else 0", "What was cut off gets no gradient."),
        "ClampMax": ("∂a = g where a is not above the limit, else 0", "What was cut off gets no gradient."),
        "Abs": ("∂a = g · sign(a)", "At exactly 0 torch takes 0."),
        "Sign": ("∂a = 0", "A step function is flat wherever it has a slope at all."),
        "Sgn": ("∂a = 0", "A step function is flat wherever it has a slope at all."),
        "Floor": ("∂a = 0", "A step function is flat wherever it has a slope at all."),
        "Ceil": ("∂a = 0", "A step function is flat wherever it has a slope at all."),
        "Round": ("∂a = 0", "A step function is flat wherever it has a slope at all."),
        "Trunc": ("∂a = 0", "A step function is flat wherever it has a slope at all."),
        "Maximum": (
            "∂a = g where a > b, ∂b = g where b > a, half each where equal",
            "The larger input takes the gradient.",
        ),
        "Minimum": (
            "∂a = g where a < b, ∂b = g where b < a, half each where equal",
            "The smaller input takes the gradient.",
        ),
        "Where": (
            "∂a = g where the condition holds, ∂b = g elsewhere",
            "Only the branch that was taken gets the gradient.",
        ),
        "MaskedFill": ("∂a = g outside the mask, else 0", ""),
        "Lerp": ("∂a = g · (1 − w),  ∂b = g · w", ""),
        "Sum": ("∂a = g, repeated to the shape of a", "Every summand moves the sum by the same amount."),
        "Mean": ("∂a = g / n, repeated to the shape of a", "Every one of the n elements counts for one n-th."),
        "Prod": ("∂a = g · y / a", "The product of all the others; torch treats zeros apart."),
        "Var": ("∂a = g · 2 · (a − mean) / (n − 1)", ""),
        "Std": ("∂a = g · (a − mean) / ((n − 1) · y)", ""),
        "Norm": ("∂a = g · a / y", "The gradient points along the vector; at 0 torch takes 0."),
        "LinalgVectorNorm": ("∂a = g · a / y", "The gradient points along the vector; at 0 torch takes 0."),
        "Max": (
            "∂a = g at the largest element",
            (
                "Of equal elements each gets an equal share when the whole tensor is reduced; along one axis "
                "the chosen index gets all."
            ),
        ),
        "Min": (
            "∂a = g at the smallest element",
            (
                "Of equal elements each gets an equal share when the whole tensor is reduced; along one axis "
                "the chosen index gets all."
            ),
        ),
        "Amax": ("∂a = g at the largest elements, shared equally", ""),
        "Amin": ("∂a = g at the smallest elements, shared equally", ""),
        "Logsumexp": ("∂a = g · softmax(a)", ""),
        "Cumsum": ("∂a = sum of g from here to the end", ""),
        "Softmax": ("∂a = y · (g − Σ g · y)", "The outputs sum to 1, so what one gains the others lose."),
        "LogSoftmax": ("∂a = g − exp(y) · Σ g", ""),
        "NllLoss": ("∂a = −g at the target class, else 0 (mean: divided by the number of samples)", ""),
        "MseLoss": ("∂a = g · 2 · (a − b) / n", 'n is the number of elements, or 1 for reduction="sum".'),
        "L1Loss": ("∂a = g · sign(a − b) / n", ""),
        "SmoothL1Loss": ("∂a = g · clamp((a − b) / β, −1, 1) / n", ""),
        "HuberLoss": ("∂a = g · clamp(a − b, −δ, δ) / n", ""),
        "BinaryCrossEntropy": ("∂a = g · (a − b) / (a · (1 − a)) / n", ""),
        "BinaryCrossEntropyWithLogits": ("∂a = g · (σ(a) − b) / n", ""),
        "Mm": (
            "∂A = G · Bᵀ,  ∂B = Aᵀ · G",
            "A matrix product sends each factor the gradient times the other one, transposed.",
        ),
        "Bmm": ("∂A = G · Bᵀ,  ∂B = Aᵀ · G", "The same as for one matrix, for each of the batch."),
        "Mv": ("∂A = g · vᵀ,  ∂v = Aᵀ · g", ""),
        "Dot": ("∂a = g · b,  ∂b = g · a", ""),
        "Addmm": (
            "∂c = G,  ∂A = G · Bᵀ,  ∂B = Aᵀ · G",
            "y = c + A · B: a linear layer. The bias c was broadcast, so its gradient is summed.",
        ),
        "Addmv": ("∂c = g,  ∂A = g · vᵀ,  ∂v = Aᵀ · g", ""),
        "LinalgInvEx": ("∂A = −Yᵀ · G · Yᵀ", ""),
        "LinalgDet": ("∂A = g · y · (A⁻¹)ᵀ", ""),
        "Convolution": (
            "∂x = g ⋆ᵀ w,  ∂w = x ⋆ g,  ∂bias = Σ g",
            "The input gets a transposed convolution of the gradient, the weight a correlation of input and gradient.",
        ),
        "MaxPool2DWithIndices": (
            "∂a = g at the winner of each window",
            "Only the largest element of each window gets the gradient.",
        ),
        "AvgPool2D": ("∂a = g / window size, spread over each window", ""),
        "AdaptiveAvgPool2D": ("∂a = g / window size, spread over each window", ""),
        "NativeBatchNorm": (
            "∂x = γ/σ · (g − mean(g) − x̂ · mean(g · x̂))",
            "The batch mean and variance depend on every sample, so the samples' gradients mix.",
        ),
        "NativeLayerNorm": ("∂x = γ/σ · (g − mean(g) − x̂ · mean(g · x̂))", ""),
        "Embedding": ("∂weight[i] += g of each place where index i was used", ""),
        "Clone": ("∂a = g", "A copy hands the gradient on."),
        "ToCopy": ("∂a = g, in the dtype of a", ""),
        "Alias": ("∂a = g", ""),
        "T": ("∂A = Gᵀ", _PLACE),
        "Transpose": ("∂a = g, with the two axes swapped back", _PLACE),
        "Permute": ("∂a = g, with the axes put back", _PLACE),
        "View": ("∂a = g, in the shape of a", _PLACE),
        "UnsafeView": ("∂a = g, in the shape of a", _PLACE),
        "ReshapeAlias": ("∂a = g, in the shape of a", _PLACE),
        "Squeeze": ("∂a = g, in the shape of a", _PLACE),
        "Unsqueeze": ("∂a = g, in the shape of a", _PLACE),
        "Expand": (
            "∂a = g, summed over the repeated axes",
            "One element was used many times, so its gradients add up.",
        ),
        "Repeat": ("∂a = g, summed over the copies", "One element was used many times, so its gradients add up."),
        "Select": ("∂a = g at the selected place, else 0", _PARTS),
        "Slice": ("∂a = g inside the slice, else 0", _PARTS),
        "Index": (
            "∂a = g at the indexed places, else 0",
            _PARTS + " A place that was taken twice gets both gradients.",
        ),
        "Gather": ("∂a = g at the gathered places, else 0", _PARTS),
        "IndexSelect": ("∂a = g at the selected places, else 0", _PARTS),
        "Cat": ("each input gets its own part of g", ""),
        "Stack": ("each input gets its own part of g", ""),
        "Unbind": ("∂a = the g of all parts, stacked", ""),
        "Split": ("∂a = the g of all parts, joined", ""),
        "CopySlices": (
            "∂base = g with 0 at the overwritten places",
            "A part of the tensor was overwritten in place; what stood there before no longer counts.",
        ),
        "CopyBackwards": ("∂a = g", ""),
        "Copy": ("∂source = g", ""),
        "Fill": ("∂a = 0", "The old elements are gone, so they get nothing."),
        "Zero": ("∂a = 0", "The old elements are gone, so they get nothing."),
        "UpsampleNearest2D": ("∂a = g, summed over the copies of each pixel", ""),
        "UpsampleBilinear2D": ("∂a = Σ weight · g over the output pixels that used a", ""),
        "ThresholdBackward": (
            "∂g = upstream where y > 0, else 0",
            "A node of the second derivative: it belongs to the gradient itself.",
        ),
        "TanhBackward": (
            "∂g = upstream · (1 − y²)",
            "A node of the second derivative: it belongs to the gradient itself.",
        ),
        "SigmoidBackward": (
            "∂g = upstream · y · (1 − y)",
            "A node of the second derivative: it belongs to the gradient itself.",
        ),
    }
)

_DEFAULT = (
    "∂inputs = gᵀ · J",
    "The upstream gradient times the Jacobian of this operation (a vector–Jacobian product).",
)


def local_rule(node_name: str) -> Rule:
    """The rule of a node.

    Args:
        node_name: torch's own name, such as ``MulBackward0``.

    Returns:
        Its formula and sentence; an operation that is not in the table gets the general vector–Jacobian product.
    """
    stem = re.sub(r"(Backward\d*)$", "", node_name)
    formula, explanation = _RULES.get(stem) or _RULES.get(re.sub(r"\d+$", "", stem)) or _DEFAULT
    return Rule(formula, explanation)


def rule_sentences() -> tuple[str, ...]:
    """Every sentence of the table, for the catalogue of translations."""
    return tuple(sorted({sentence for _, sentence in (*_RULES.values(), _DEFAULT) if sentence}))


def rule_formulas() -> tuple[str, ...]:
    """Every formula of the table that holds words, for the catalogue of translations."""
    return tuple(sorted({formula for formula, _ in (*_RULES.values(), _DEFAULT) if re.search(r"[a-z]{4,}", formula)}))
