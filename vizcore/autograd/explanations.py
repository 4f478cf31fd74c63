"""What lies behind torch's own error texts, in our words."""

from __future__ import annotations

import re

from vizcore.autograd.trace import Message

# Text of torch 2.14; a keyword each, because the wording changes between releases.
_EXPLANATIONS: tuple[tuple[str, str], ...] = (
    (
        r"backward through the graph a second time",
        "backward() gave the saved tensors back to save memory, and this graph needs them again. Keep them "
        "with retain_graph=True, "
        "or run the forward lines again: they build a new graph.",
    ),
    (
        r"modified by an inplace operation",
        "A node had saved this tensor for its rule, and a later line changed it in place. The version "
        "counter shows it: the saved "
        "version is older than the present one. Write the change as a new tensor (y = y + 1 instead of y += 1).",
    ),
    (
        r"leaf Variable that requires grad is being used in an in-place|a view of a leaf Variable that requires grad",
        "A leaf that requires a gradient may not be changed in place while autograd records: there would be "
        "no old value left to be "
        "the gradient of. Update it inside with torch.no_grad():",
    ),
    (
        r"grad can be implicitly created only for scalar outputs",
        "The gradient of several numbers is a matrix. backward() computes a vector–Jacobian product: hand "
        "in the vector, one weight "
        "per output, as backward(gradient=…), or reduce to one number first.",
    ),
    (
        r"element 0 of tensors does not require grad|does not require grad and does not have a grad_fn",
        "No recorded operation leads from this tensor to a leaf that requires a gradient. Look for "
        "detach(), .data, no_grad(), item(), "
        "or a missing requires_grad=True.",
    ),
    (
        r"unsupported operand type.*NoneType|'NoneType' object has no attribute",
        (
            "This value is None. backward() returns None: it writes into .grad. And a .grad is None until "
            "backward() has reached the tensor, and stays None for one that is not a leaf."
        ),
    ),
    (
        r"is not a Module subclass",
        (
            "nn.Sequential holds modules, things with their own parameters and mode; a function has neither. "
            "Use the module of the same name: nn.ReLU() for F.relu."
        ),
    ),
    (
        r"[Oo]nly Tensors of floating point",
        "A gradient is a limit of ever smaller changes, so only floating-point tensors can have one. Write "
        "2.0 instead of 2, or "
        "give dtype=torch.float32.",
    ),
    (
        r"differentiated Tensors? .*appears? to not have been used in the graph",
        "The result does not depend on this tensor. With allow_unused=True its gradient is None.",
    ),
    (
        r"can't retain_grad on Tensor that has requires_grad=False",
        "There will be no gradient to keep: nothing was recorded for this tensor.",
    ),
    (
        r"you can only change requires_grad flags of leaf variables",
        (
            "Whether a computed tensor requires a gradient follows from its inputs. Use detach() to get a "
            "tensor without one."
        ),
    ),
    (
        r"Mismatch in shape: grad_output",
        "The gradient handed to backward() needs the same shape as the tensor it starts from.",
    ),
    (
        r"The size of tensor a .* must match the size of tensor b|shape mismatch|not broadcastable",
        "Shapes are compared from the right: two sizes fit if they are equal or one of them is 1.",
    ),
    (
        r"inconsistent tensor size, expected tensor \[\d+\] and src \[\d+\]",
        "The product of two vectors is the sum over pairs of elements, so both need the same length.",
    ),
    (
        r"expected target dtype to be Long|expected scalar type Long|expected .* \(?Long",
        "Class targets are numbers of classes, and those are whole: write them without a point, or convert "
        "with .long().",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied|size mismatch|inconsistent tensor size|expected .* to have .* size",
        "In A @ B the last size of A must equal the second-to-last size of B.",
    ),
    (
        r"(Boolean value of Tensor with more than one value|bool value of Tensor with more than one value)",
        "if and while need one truth value. Say what is meant for many elements: (x > 0).any() or (x > 0).all().",
    ),
    (
        r"Tensor with \d+ elements cannot be converted to Scalar",
        "item() gives one Python number, so the tensor must have exactly one element.",
    ),
    (
        r"result type .* can't be cast to the desired output type",
        "An in-place operation keeps the dtype of the tensor it writes into, and here the result would not fit.",
    ),
    (
        r"expected .* dtype|same dtype|expected scalar type|must have the same dtype",
        "Both tensors need the same dtype; convert one with .float() or .to(torch.float64).",
    ),
    (
        r"shape '.*' is invalid for input of size",
        "A new shape must hold exactly as many elements as the old one.",
    ),
    (
        r"view size is not compatible",
        "view() never copies, and these elements do not lie in memory in that order. reshape() copies where it must.",
    ),
    (
        r"index .* is out of bounds|out of range|Dimension out of range",
        "Counting starts at 0, and -1 is the last.",
    ),
    (
        r"unsupported operation: (more than one element of the written-to tensor|some elements)",
        "Several elements of this tensor are the same place in memory (expand() does not copy). Take a clone() first.",
    ),
    (
        r"Output \d+ of .* is a view and is being modified inplace",
        (
            "This view is one of several outputs of an operation, and autograd cannot follow a change in one of "
            "them. Take a clone() first."
        ),
    ),
    (
        r"Expected more than 1 value per channel when training",
        (
            "Batch normalization computes a variance over the batch; with one value there is none. Use eval(), "
            "or a larger batch."
        ),
    ),
    (
        r"unexpected keyword|missing \d* ?required|received an invalid combination of arguments|takes .* positional",
        (
            "The function does not take these arguments in this form. Compare names, order and types with its "
            "documentation."
        ),
    ),
)


def explain(text: str) -> Message | None:
    """What lies behind an error text of torch.

    Args:
        text: the text as torch gives it.

    Returns:
        A sentence or two for the learner, or None where the text must speak for itself.
    """
    for pattern, explanation in _EXPLANATIONS:
        if re.search(pattern, text):
            return Message(explanation)
    return None


def explanation_sentences() -> tuple[str, ...]:
    """Every explanation, for the catalogue of translations."""
    return tuple(explanation for _, explanation in _EXPLANATIONS)
