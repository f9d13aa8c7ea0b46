"""The mean of two models of one ancestor, which often scores better than either.

Source: Wortsman et al. 2022 (arXiv:2203.05482), for two models.
"""

from dataclasses import replace
from pathlib import Path

import torch

from mtag_core.errors import CheckpointError, UsageError
from mtag_core.training.networks.trained_model import read_trained_model, write_trained_model
from mtag_core.training.options import AverageOptions


def run(options: AverageOptions) -> str:
    """Runs `average-models`.

    Raises:
        UsageError: The share is not from 0 to 1.
    """
    share = options.share
    if not 0 <= share <= 1:
        raise UsageError(f"--share: {share}, expected a number from 0 to 1")
    write_mean(options.first, options.second, options.output, share=share)
    return f"{options.output}: {1 - share:g} of {options.first} and {share:g} of {options.second}"


def write_mean(first: Path, second: Path, output: Path, *, share: float) -> None:
    """Writes the weighted mean of two model directories as a third; all else is of the first.

    Raises:
        CheckpointError: One is no model directory, or the two differ in more than their weights.
    """
    one, other = (read_trained_model(directory) for directory in (first, second))
    for name in ("tokenizer", "feats"):
        if getattr(one, name) != getattr(other, name):
            path = first / f"{name}.json"
            raise CheckpointError(f"{second / path.name}: differs from {path}; cannot average")
    shapes, others = ({k: w.shape for k, w in each.weights.items()} for each in (one, other))
    if shapes != others:
        raise CheckpointError(f"{second}: a model of another shape than {first}; cannot average")
    mean = {}
    for name, weight in one.weights.items():
        start, end = (torch.from_numpy(each).float() for each in (weight, other.weights[name]))
        mean[name] = torch.lerp(start, end, share).half().numpy()
    write_trained_model(replace(one, weights=mean), output)
