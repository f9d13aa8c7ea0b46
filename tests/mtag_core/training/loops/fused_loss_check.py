"""Compares the fused loss and its gradient with plain torch; run with TRITON_INTERPRET=1.

A process of its own: Triton reads that variable when it is first imported.
"""

import torch

from mtag_core.training.loops.fused_loss import FusedTopKLoss
from mtag_core.training.recipes.labelling import top_k_target_loss


def check(n_labels: int, top_k: int, temperature: float) -> None:
    """Raises AssertionError where they differ."""
    logits = (torch.randn(4, n_labels) * 3).requires_grad_()
    ids = torch.stack([torch.randperm(n_labels)[:top_k] for _ in range(4)])
    probs = torch.softmax(torch.randn(4, top_k + 1), -1)[:, :top_k].clone()
    # One token's teacher is sure, another's student is.
    probs[0] = 1e-30
    probs[0, 0] = 1.0
    logits.data[1, ids[1, 0]] = 60.0
    plain = top_k_target_loss(logits, label_ids=ids, log_probs=probs.log(), temperature=temperature)
    (expected,) = torch.autograd.grad(plain, logits)
    loss = FusedTopKLoss.apply(logits, ids.int(), probs, temperature).mean()
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(loss, plain, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)


if __name__ == "__main__":
    torch.manual_seed(0)
    check(2500, 16, 2.0)
    check(40, 8, 1.0)
