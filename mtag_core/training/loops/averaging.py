"""A moving average of a model's weights, which often scores better than where training stopped."""

import torch
from torch import Tensor


class MovingAverage:
    """The exponential moving average of some weights.

    Early on the average forgets faster, so that the first weights do not weigh for long: after n
    updates the decay is at most (1 + n) / (10 + n).
    """

    def __init__(self, weights: list[Tensor], *, decay: float) -> None:
        """Starts at the weights' values.

        Args:
            weights: Read at each update.
            decay: Share of the old average kept in an update, below 1.
        """
        self._weights = weights
        self._decay = decay
        self._n_updates = 0
        self.values = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average towards the weights as they are now."""
        self._n_updates += 1
        decay = min(self._decay, (1 + self._n_updates) / (10 + self._n_updates))
        torch._foreach_lerp_(self.values, self._weights, 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the weights and the average."""
        for weight, value in zip(self._weights, self.values, strict=True):
            kept = weight.detach().clone()
            weight.copy_(value)
            value.copy_(kept)

    def state(self) -> dict[str, object]:
        """What a checkpoint keeps."""
        return {"n_updates": self._n_updates, "values": self.values}

    @torch.no_grad()
    def load(self, state: dict[str, object]) -> None:
        """Takes up what `state` gave."""
        n_updates, values = state["n_updates"], state["values"]
        if not isinstance(n_updates, int) or not isinstance(values, list):
            raise ValueError("the average of a checkpoint is damaged")
        self._n_updates = n_updates
        for value, saved in zip(self.values, values, strict=True):
            value.copy_(saved)
