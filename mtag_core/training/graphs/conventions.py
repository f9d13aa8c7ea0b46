"""The corrections by which a student follows the conventions of treebanks, as files and arrays.

The file `conventions.safetensors` in a trained model's directory, from
`mtag_core.training.recipes.conventions`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mtag_core.errors import CheckpointError

_NAME = "conventions.safetensors"
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Conventions:
    """A correction for each treebank: vector + bias + (vector @ down) @ up.

    Attributes:
        treebanks: Their names, sorted; `n_treebanks` of them.
        bias: Shape (n_treebanks, hidden_width).
        down: Shape (n_treebanks, hidden_width, rank).
        up: Shape (n_treebanks, rank, hidden_width).
    """

    treebanks: tuple[str, ...]
    bias: Array
    down: Array
    up: Array

    def save(self, directory: Path) -> None:
        """Writes the file, as float16, into a model's directory."""
        arrays = {"bias": self.bias, "down": self.down, "up": self.up}
        save_file(
            {name: array.astype(np.float16) for name, array in arrays.items()},
            directory / _NAME,
            metadata={"treebanks": json.dumps(self.treebanks)},
        )

    @classmethod
    def load(cls, directory: Path) -> "Conventions | None":
        """Reads the file of a model's directory; None where there is none.

        Raises:
            CheckpointError: It is damaged.
        """
        path = directory / _NAME
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                treebanks = tuple(json.loads(file.metadata()["treebanks"]))
                bias, down, up = (
                    file.get_tensor(name).astype(np.float32) for name in ("bias", "down", "up")
                )
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise CheckpointError(f"{path}: not the conventions of a model: {error}") from error
        return cls(treebanks, bias, down, up)
