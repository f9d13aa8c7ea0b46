"""Training in bfloat16 without losing what float32 remembers."""

import torch
from torch import Tensor, nn


class MasterWeights:
    """The float32 weights that the optimiser changes, and the model's own copy of them.

    On a GPU the model computes with bfloat16 copies. Autocast would cast every weight and
    activation by kernels of its own, more than the model's, and starting kernels is what a small
    model waits for.
    """

    def __init__(self, model: nn.Module, *, is_half: bool) -> None:
        """Takes the model's weights.

        Args:
            model: Becomes bfloat16 if `is_half`.
            is_half: Otherwise the masters are the model's weights themselves.
        """
        self._model = model
        self._is_half = is_half
        self.masters = list(model.parameters())
        if is_half:
            self.masters = [weight.detach().clone() for weight in model.parameters()]
            model.to(torch.bfloat16)

    @property
    def _copies(self) -> list[Tensor]:
        return [weight.data for weight in self._model.parameters()]

    @torch.no_grad()
    def take_gradients(self) -> None:
        """Hands the model's gradients to the masters."""
        if self._is_half:
            pairs = [
                (master, weight.grad)
                for master, weight in zip(self.masters, self._model.parameters(), strict=True)
                if weight.grad is not None
            ]
            for master, _ in pairs:
                master.grad = torch.empty_like(master) if master.grad is None else master.grad
            torch._foreach_copy_([master.grad for master, _ in pairs], [grad for _, grad in pairs])

    @torch.no_grad()
    def give_weights(self) -> None:
        """Copies the masters into the model."""
        if self._is_half:
            torch._foreach_copy_(self._copies, self.masters)

    @torch.no_grad()
    def load(self, masters: list[Tensor]) -> None:
        """Replaces the masters' values, and the model's."""
        for master, value in zip(self.masters, masters, strict=True):
            master.copy_(value)
        self.give_weights()

    def restore(self) -> None:
        """Makes the model float32 again, with the masters' values."""
        if self._is_half:
            self._model.float()
            self.give_weights()
