"""The architectures of students, and which one a bundle holds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from mtag_core.tagging.answers import Answer
from mtag_core.tagging.student import PieceModel
from mtag_core.tagging.words import WordModel


class TaggingModel(Protocol):
    """What the tagger needs of a student."""

    def encode(self, forms: Sequence[str], *, treebank: int = 0) -> Sequence[Any]:
        """Cuts a sentence of at least one form into windows of the model's own kind."""

    def answers(self, windows: Sequence[Any], *, budget: int) -> Iterator[tuple[list[int], Answer]]:
        """Tags windows in batches; yields the indices of each batch's windows and the answer."""


def load_model(bundle: Path) -> TaggingModel:
    """Opens the student of a bundle's directory.

    Raises:
        BundleError: A file of it is something else.
    """
    kind = WordModel if (bundle / "forms.onnx").exists() else PieceModel
    return kind.load(bundle)
