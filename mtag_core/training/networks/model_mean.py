"""The mean of two models of one ancestor, which often scores better than either.

Source: Wortsman et al. 2022 (arXiv:2203.05482), for two models.
"""

import shutil
from pathlib import Path

from safetensors.torch import load, save_file

from mtag_core.errors import CheckpointError, UsageError
from mtag_core.training.options import AverageOptions

_WEIGHTS = "model.safetensors"
_FILES = ("config.json", "tokenizer.json", "feats.json", "lemma_rules.json")


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
    weights, others = (load(_read(directory / _WEIGHTS)) for directory in (first, second))
    if {k: w.shape for k, w in weights.items()} != {k: w.shape for k, w in others.items()}:
        raise CheckpointError(f"{second}: a model of another shape than {first}; cannot average")
    mean = {name: w.float().lerp(others[name].float(), share).half() for name, w in weights.items()}
    output.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        if (first / name).exists():
            shutil.copyfile(first / name, output / name)
    save_file(mean, output / _WEIGHTS)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: expected a file of a model: {error}") from error
