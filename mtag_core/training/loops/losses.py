"""The losses of training: cross-entropy against a teacher's distribution, and on labels."""

import torch
from torch import Tensor
from torch.nn import functional


def top_k_target_loss(
    student_logits: Tensor,
    *,
    label_ids: Tensor,
    log_probs: Tensor,
    temperature: float,
) -> Tensor:
    """Cross-entropy against the teacher's top labels, all others taken as one bucket. Shape ().

    Args:
        student_logits: Shape (n_tokens, n_labels), any float type; softmax is done in float32.
        label_ids: The teacher's most probable labels. Shape (n_tokens, top_k), int64.
        log_probs: The teacher's log-probabilities of them at `temperature`; what they lack to 1
            is the rest's share. Shape (n_tokens, top_k), float32.
        temperature: Divides the student's logits; above 0.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 2; Tsai et al. 2019 (ACL D19-1374).
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, expected a number above 0")
    if student_logits.is_cuda and label_ids.shape[-1] < student_logits.shape[-1]:
        from mtag_core.training.loops.fused_loss import FusedTopKLoss

        fused: Tensor = FusedTopKLoss.apply(
            student_logits.contiguous(), label_ids.int(), log_probs.exp(), temperature
        )
        return fused.mean()
    logits = student_logits.float() / temperature
    log_total = logits.logsumexp(-1, keepdim=True)
    target = log_probs.exp()
    losses = -(target * (logits.gather(-1, label_ids) - log_total)).sum(-1)
    if label_ids.shape[-1] < logits.shape[-1]:
        # Summed over the other labels themselves: 1 less the top labels' probability has no digits
        # left where a student is sure of itself, and neither has its gradient.
        others = logits.scatter(-1, label_ids, -torch.inf).logsumexp(-1)
        target_rest = (1.0 - target.sum(-1)).clamp(min=0.0)
        losses = losses - target_rest * (others - log_total.squeeze(-1))
    return losses.mean()


def label_loss(logits: Tensor, label_ids: Tensor) -> Tensor:
    """Mean cross-entropy on labels, in nats; -100 is not learnt, 0 where nothing is. Shape ()."""
    total = functional.cross_entropy(logits.float(), label_ids, ignore_index=-100, reduction="sum")
    return total / (label_ids != -100).sum().clamp(min=1)
