# ruff: noqa: ANN001, ANN401 (Triton refuses annotations of what a kernel takes, on a GPU alone)
"""Cross-entropy against a teacher's top labels as one GPU kernel each way, written in Triton.

The same loss and gradient as `mtag_core.training.recipes.labelling.top_k_target_loss`. With many
labels that one reads and writes the logits twenty times, which takes longer than the student.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 2048


class FusedTopKLoss(torch.autograd.Function):
    """Loss of each token; see `top_k_target_loss`."""

    @staticmethod
    def forward(
        context: Any, logits: Tensor, label_ids: Tensor, probs: Tensor, temperature: float
    ) -> Tensor:
        """Losses of logits, of shape (n_tokens, n_labels), contiguous. Shape (n_tokens,), float32.

        Labels, fewer than there are, int32, and their probabilities, float32, have the shape
        (n_tokens, top_k).
        """
        n_tokens, n_labels = logits.shape
        losses, log_total, log_others = (
            torch.empty(n_tokens, dtype=torch.float32, device=logits.device) for _ in range(3)
        )
        rest = (1.0 - probs.sum(-1)).clamp(min=0.0)
        top_k = label_ids.shape[1]
        _forward[(n_tokens,)](
            logits, label_ids, probs, rest, losses, log_total, log_others,
            n_labels, 1.0 / temperature, TOP_K=top_k, BLOCK=_BLOCK, num_warps=8,
        )  # fmt: skip
        context.save_for_backward(logits, label_ids, probs, rest, log_total, log_others)
        context.temperature = temperature
        return losses

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """Gives the gradient of the logits."""
        logits, label_ids, probs, rest, log_total, log_others = context.saved_tensors
        n_tokens, n_labels = logits.shape
        out = torch.empty_like(logits)
        grid = (n_tokens, triton.cdiv(n_labels, _BLOCK))
        _backward[grid](
            logits, label_ids, probs, rest, log_total, log_others, gradient.contiguous(), out,
            n_labels, 1.0 / context.temperature,
            TOP_K=label_ids.shape[1], BLOCK=_BLOCK, num_warps=8,
        )  # fmt: skip
        return out, None, None, None


@triton.jit
def _forward(  # type: ignore[no-untyped-def]
    logits,
    ids,
    probs,
    rest,
    losses,
    log_total,
    log_others,
    n_labels,
    scale,
    TOP_K: tl.constexpr,  # noqa: N803 (Triton's way)
    BLOCK: tl.constexpr,  # noqa: N803
) -> None:
    row = tl.program_id(0).to(tl.int64)
    highest = -1e30
    total = 0.0
    others = 0.0
    for start in range(0, n_labels, BLOCK):
        column = start + tl.arange(0, BLOCK)
        is_label = column < n_labels
        score = tl.load(logits + row * n_labels + column, mask=is_label, other=-1e30)
        score = tl.where(is_label, score.to(tl.float32) * scale, -1e30)
        is_other = is_label
        for k in tl.static_range(TOP_K):
            is_other = is_other & (column != tl.load(ids + row * TOP_K + k))
        higher = tl.maximum(highest, tl.max(score, 0))
        shrink = tl.exp(highest - higher)
        weight = tl.exp(score - higher)
        total = total * shrink + tl.sum(weight, 0)
        others = others * shrink + tl.sum(tl.where(is_other, weight, 0.0), 0)
        highest = higher
    log_z = highest + tl.log(total)
    log_o = highest + tl.log(tl.maximum(others, 1e-37))
    of_rest = tl.load(rest + row)
    loss = of_rest * (log_z - log_o)
    for k in tl.static_range(TOP_K):
        label = tl.load(ids + row * TOP_K + k)
        score_k = tl.load(logits + row * n_labels + label).to(tl.float32) * scale
        loss += tl.load(probs + row * TOP_K + k) * (log_z - score_k)
    tl.store(losses + row, loss)
    tl.store(log_total + row, log_z)
    tl.store(log_others + row, log_o)


@triton.jit
def _backward(  # type: ignore[no-untyped-def]
    logits,
    ids,
    probs,
    rest,
    log_total,
    log_others,
    gradient,
    out,
    n_labels,
    scale,
    TOP_K: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
) -> None:
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    is_label = column < n_labels
    score = tl.load(logits + row * n_labels + column, mask=is_label, other=0.0)
    score = score.to(tl.float32) * scale
    of_rest = tl.load(rest + row)
    whole = of_rest
    target = of_rest * tl.exp(tl.minimum(score - tl.load(log_others + row), 0.0))
    for k in tl.static_range(TOP_K):
        prob = tl.load(probs + row * TOP_K + k)
        whole += prob
        target = tl.where(column == tl.load(ids + row * TOP_K + k), prob, target)
    slope = whole * tl.exp(score - tl.load(log_total + row)) - target
    slope = slope * scale * tl.load(gradient + row)
    tl.store(out + row * n_labels + column, slope, mask=is_label)
