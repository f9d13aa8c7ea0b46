"""The mean of two models of one ancestor, which often scores better than either.

Source: Wortsman et al. 2022 (arXiv:2203.05482), for two models.
"""

from pathlib import Path

import torch

from mtag_core.errors import CheckpointError, UsageError
from mtag_core.training.networks.model_files import load_feats, load_model, save_model
from mtag_core.training.options import AverageOptions

_CPU = torch.device("cpu")


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
    """Writes the weighted mean of two model directories as a third.

    Args:
        first: A model directory; what is no weight is taken from it.
        second: Another one of the same shape, labels and wordpieces.
        output: The directory to write.
        share: Of the second model, from 0 to 1.

    Raises:
        CheckpointError: One is no model directory, or the two differ in more than their weights.
    """
    for name in ("tokenizer.json", "feats.json"):
        if _read(first / name) != _read(second / name):
            raise CheckpointError(f"{second / name}: differs from {first / name}; cannot average")
    model, metadata = load_model(first, device=_CPU)
    other, _ = load_model(second, device=_CPU)
    weights, others = model.state_dict(), other.state_dict()
    if {k: w.shape for k, w in weights.items()} != {k: w.shape for k, w in others.items()}:
        raise CheckpointError(f"{second}: a model of another shape than {first}; cannot average")
    model.load_state_dict({name: w.lerp(others[name], share) for name, w in weights.items()})
    save_model(
        model,
        metadata,
        directory=output,
        tokenizer_path=first / "tokenizer.json",
        feats=load_feats(first / "feats.json"),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: expected a file of a model: {error}") from error
