"""The mean of two models of one ancestor, which often scores better than either.

Source: Wortsman et al. 2022 (arXiv:2203.05482), for two models.
"""

from dataclasses import replace

import torch

from mtag_core.errors import CheckpointError, UsageError
from mtag_core.training.networks.trained_model import read_trained_model, write_trained_model
from mtag_core.training.options import AverageOptions


def run(options: AverageOptions) -> str:
    """Runs `average-models`; what is no weight is taken from the first model.

    Raises:
        CheckpointError: One is no model directory, or the two differ in more than their weights.
        UsageError: The share is not from 0 to 1.
    """
    first, second, share = options.first, options.second, options.share
    if not 0 <= share <= 1:
        raise UsageError(f"--share: {share}, expected a number from 0 to 1")
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
    write_trained_model(replace(one, weights=mean), options.output)
    return f"{options.output}: {1 - share:g} of {first} and {share:g} of {second}"
