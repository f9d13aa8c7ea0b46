"""Adam on all examples in each step, for linear models over hashed features.

Source: Kingma and Ba 2015 (arXiv 1412.6980), with a rate that falls to 0 in a line.
"""

import numpy as np
from numpy.typing import NDArray

# How much of each moving average stays, and what a new value adds.
_MEAN, _SQUARE = (0.9, 0.1), (0.99, 0.01)


class Adam:
    """Says how far to move weights against their gradients."""

    def __init__(self, n_weights: int, *, n_steps: int, rate: float, epsilon: float) -> None:
        """Starts before the first step.

        Args:
            n_weights: How many there are.
            n_steps: How often `change` will be asked.
            rate: Of the first step.
            epsilon: Keeps small gradients from large steps.
        """
        self._mean = np.zeros(n_weights, np.float32)
        self._square = np.zeros(n_weights, np.float32)
        self._n_steps, self._rate, self._epsilon = n_steps, rate, epsilon
        self._step = 0

    def change(self, gradient: NDArray[np.float64]) -> NDArray[np.float32]:
        """What to take from the weights. Shape (n_weights,)."""
        self._step += 1
        self._mean = _moved(self._mean, gradient, *_MEAN)
        self._square = _moved(self._square, gradient**2, *_SQUARE)
        mean = self._mean / (1 - _MEAN[0] ** self._step)
        root = np.sqrt(self._square / (1 - _SQUARE[0] ** self._step))
        rate = self._rate * (1 - (self._step - 1) / self._n_steps)
        change: NDArray[np.float32] = (rate * (mean / (root + self._epsilon))).astype(np.float32)
        return change


def _moved(
    mean: NDArray[np.float32], value: NDArray[np.float64], stays: float, added: float
) -> NDArray[np.float32]:
    return (stays * mean + added * value).astype(np.float32)
