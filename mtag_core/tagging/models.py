"""The architectures of students, and which one a bundle holds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from mtag_core.tagging.answers import Answer
from mtag_core.tagging.bundle import FORMS
from mtag_core.tagging.student import PieceModel
from mtag_core.tagging.words import WordModel


class TaggingModel(Protocol):
    """What the tagger needs of a student."""

    def encode(self, forms: Sequence[str], *, treebank: int = 0) -> Sequence[Any]:
        """Cuts a sentence of at least one form into windows of the model's own kind."""

    def run(self, outputs: Sequence[str], windows: Sequence[Any]) -> list[NDArray[Any]]:
        """Runs the graph on windows of one size and treebank; gives arrays of their tokens."""

    def answers(self, windows: Sequence[Any], *, budget: int) -> Iterator[tuple[list[int], Answer]]:
        """Tags windows in batches; yields the indices of each batch's windows and the answer."""


def load_model(bundle: Path, *, graph: bytes | None = None) -> TaggingModel:
    """Opens the student of a bundle's directory.

    Args:
        bundle: The directory.
        graph: In the place of `tagger.onnx`: the same graph with other outputs.

    Raises:
        BundleError: A file of it is something else.
    """
    if (bundle / FORMS).exists():
        return WordModel.load(bundle, graph=graph)
    return PieceModel.load(bundle, graph=graph)
