"""Attention that trains faster on a processor: picture by picture, so that the weights stay in its cache."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def attend_by_picture(
    query: Float[Tensor, "N heads Q D"],
    key: Float[Tensor, "N heads S D"],
    value: Float[Tensor, "N heads S D"],
    allowed: Tensor | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "N heads Q D"]:
    """``F.scaled_dot_product_attention``, which it also is wherever there is a mask, dropout or no gradient.

    The weights are kept for the way back instead of being computed again. With 1024 tokens that takes three quarters of
    torch's time, and a third of it for a few queries.
    """
    if allowed is not None or dropout or not (torch.is_grad_enabled() and query.requires_grad):
        return F.scaled_dot_product_attention(query, key, value, allowed, dropout)
    attended: Tensor = _ByPicture.apply(query, key, value)  # type: ignore[no-untyped-call]
    return attended


class _ByPicture(torch.autograd.Function):
    """softmax(q kᵀ / √D) v, one picture after another."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scale = query.shape[-1] ** -0.5
        query = query * scale
        weights = query.new_empty(*query.shape[:3], key.shape[2])
        output = torch.empty_like(query)
        for q, k, v, w, y in zip(query, key, value, weights, output, strict=True):
            torch.softmax(torch.bmm(q, k.transpose(1, 2)), -1, out=w)
            torch.bmm(w, v, out=y)
        ctx.save_for_backward(query, key, value, weights, output)
        ctx.scale = scale
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, weights, output = ctx.saved_tensors
        (upstream,) = gradients
        upstream = upstream.contiguous()
        # Softmax's own gradient takes the mean of what flows into a row, weighted by the row; that is y · dy.
        mean = (upstream * output).sum(-1, keepdim=True)
        to_query, to_key, to_value = torch.empty_like(query), key.new_empty(key.shape), value.new_empty(value.shape)
        for place, (q, k, v, w, dy) in enumerate(zip(query, key, value, weights, upstream, strict=True)):
            torch.bmm(w.transpose(1, 2), dy, out=to_value[place])
            scores = torch.bmm(dy, v.transpose(1, 2)).sub_(mean[place]).mul_(w)
            torch.bmm(scores, k, out=to_query[place])
            torch.bmm(scores.transpose(1, 2), q, out=to_key[place])
        return to_query.mul_(ctx.scale), to_key, to_value
