"""The losses of training: soft cross-entropy against a teacher, and cross-entropy on labels.

Three forms of the same thing: `soft_target_loss` takes the teacher's logits for every label,
`top_k_target_loss` takes its most probable labels and the rest as one bucket, and a label is the
target that puts everything on one.
"""

import torch
from torch import Tensor
from torch.nn import functional


def soft_target_loss(
    student_logits: Tensor, teacher_logits: Tensor, *, mask: Tensor, temperature: float
) -> Tensor:
    """Cross-entropy of the student's softened distribution against the teacher's.

    Args:
        student_logits: Shape (n_sentences, n_tokens, n_labels), float32.
        teacher_logits: Same shape and label order as `student_logits`.
        mask: Shape (n_sentences, n_tokens), bool; False positions add nothing.
        temperature: Divides both logits; above 0.

    Returns:
        Mean over True positions, in nats. Shape ().

    Raises:
        ValueError: Shapes differ, no position is True, or temperature is not above 0.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 2; Tsai et al. 2019 (ACL D19-1374).
    """
    _check_temperature(temperature)
    if student_logits.shape != teacher_logits.shape or mask.shape != student_logits.shape[:-1]:
        raise ValueError(
            f"shapes differ: student {tuple(student_logits.shape)}, "
            f"teacher {tuple(teacher_logits.shape)}, mask {tuple(mask.shape)}"
        )
    if not bool(mask.any()):
        raise ValueError("the mask has no True position, so there is nothing to average")
    target = functional.softmax(teacher_logits[mask] / temperature, dim=-1)
    log_probs = functional.log_softmax(student_logits[mask] / temperature, dim=-1)
    return -(target * log_probs).sum(-1).mean()


def top_k_target_loss(
    student_logits: Tensor,
    *,
    label_ids: Tensor,
    log_probs: Tensor,
    temperature: float,
) -> Tensor:
    """Cross-entropy against the teacher's top labels, all others taken as one bucket.

    Args:
        student_logits: Shape (n_tokens, n_labels), any float type; softmax is done in float32.
        label_ids: The teacher's most probable labels. Shape (n_tokens, top_k), int64.
        log_probs: The teacher's log-probabilities of them at `temperature`; what they lack to 1
            is the rest's share. Shape (n_tokens, top_k), float32.
        temperature: Divides the student's logits; above 0.

    Returns:
        Mean over tokens, in nats. Shape ().

    Raises:
        ValueError: Temperature is not above 0.
    """
    _check_temperature(temperature)
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
    """Cross-entropy on labels.

    Args:
        logits: Shape (n_tokens, n_labels).
        label_ids: Shape (n_tokens,), int64; -100 where the label is not to be learnt.

    Returns:
        Mean over the tokens that have a label, in nats; 0 when none has. Shape ().
    """
    total = functional.cross_entropy(logits.float(), label_ids, ignore_index=-100, reduction="sum")
    return total / (label_ids != -100).sum().clamp(min=1)


def _check_temperature(temperature: float) -> None:
    """Raises ValueError unless the temperature is above 0."""
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, expected a number above 0")
