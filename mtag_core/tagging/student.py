"""Runs the student's ONNX graph: the only module that imports onnxruntime.

The graph is built by `mtag_core.training.export.student_graph`.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.tagging.answers import Answer
from mtag_core.tagging.windows import batches
from mtag_core.tagging.wordpiece import PieceWindow, WordPiece

_INPUTS = ("piece_ids", "first_piece_index", "last_piece_index")
_OUTPUTS = ("upos", "second_upos", "feats", "upos_score", "feats_score")
# 3 is "error": what the graph's optimiser says is for its developers.
_LOG_ERRORS = 3


class Student:
    """A loaded model, on one thread of the CPU."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        # Graphs that know no conventions of treebanks lack this input.
        self._has_treebanks = any(value.name == "treebank" for value in session.get_inputs())

    @classmethod
    def load(cls, path: Path) -> "Student":
        """Opens a `tagger.onnx`.

        Raises:
            BundleError: The file is no graph of a student.
        """
        session = open_session(path, source=str(path))
        check_graph(session, inputs=_INPUTS, outputs=_OUTPUTS, source=str(path))
        return cls(session)

    def answer(self, windows: Sequence[PieceWindow]) -> Answer:
        """Tags the tokens of windows.

        Args:
            windows: All of the same number of pieces and the same treebank; at least one, with at
                least one token.

        Returns:
            The tokens of all windows in order.
        """
        return Answer(*self.run(_OUTPUTS, windows))

    def run(self, outputs: Sequence[str], windows: Sequence[PieceWindow]) -> list[NDArray[Any]]:
        """Runs the graph on windows as in `answer`.

        Args:
            outputs: Names of outputs of the graph.
            windows: As in `answer`.

        Returns:
            The outputs; the first axis of each is the tokens of all windows in order.
        """
        n_pieces = len(windows[0].piece_ids)
        n_tokens = [len(window.first) for window in windows]
        starts = np.repeat(np.arange(len(windows)) * n_pieces, n_tokens)
        first = np.fromiter(chain.from_iterable(window.first for window in windows), np.int64)
        last = np.fromiter(chain.from_iterable(window.last for window in windows), np.int64)
        feed = {
            "piece_ids": np.array([window.piece_ids for window in windows]),
            "first_piece_index": starts + first,
            "last_piece_index": starts + last,
        }
        if self._has_treebanks:
            feed["treebank"] = np.array(windows[0].treebank)
        arrays: list[NDArray[Any]] = self._session.run(outputs, feed)
        return arrays


class PieceModel:
    """A student and the wordpieces that it reads."""

    def __init__(self, wordpiece: WordPiece, student: Student) -> None:
        self._wordpiece = wordpiece
        self._student = student

    @classmethod
    def load(cls, bundle: Path, *, graph: bytes | None = None) -> "PieceModel":
        """Opens the graph and the wordpieces of a bundle's directory.

        Args:
            bundle: The directory.
            graph: In the place of `tagger.onnx`: the same graph with other outputs.

        Raises:
            BundleError: One of them is something else.
        """
        path = bundle / "tagger.onnx"
        wordpiece = WordPiece.load(bundle / "tokenizer.json")
        if graph is not None:
            return cls(wordpiece, Student(open_session(graph, source=str(path))))
        return cls(wordpiece, Student.load(path))

    def encode(self, forms: Sequence[str], *, treebank: int = 0) -> list[PieceWindow]:
        """Splits a sentence's tokens into wordpieces; see `WordPiece.encode`."""
        return self._wordpiece.encode(forms, treebank=treebank)

    def run(self, outputs: Sequence[str], windows: Sequence[PieceWindow]) -> list[NDArray[Any]]:
        """Runs the graph; see `Student.run`."""
        return self._student.run(outputs, windows)

    def answers(
        self, windows: Sequence[PieceWindow], *, budget: int
    ) -> Iterator[tuple[list[int], Answer]]:
        """Tags windows in batches.

        Args:
            windows: In any order.
            budget: The most wordpieces in a batch.

        Yields:
            Indices of windows of one batch, and the answer for their tokens in order.
        """
        for indices in batches(windows, piece_budget=budget):
            yield indices, self._student.answer([windows[index] for index in indices])


def open_session(model: Path | bytes, *, source: str) -> onnxruntime.InferenceSession:
    """Opens a model on one thread of the CPU.

    Args:
        model: Its path or its content.
        source: Path for errors.

    Raises:
        BundleError: ONNX Runtime cannot open it.
    """
    options = onnxruntime.SessionOptions()
    # Workers are processes: more threads would only get into each other's way.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS
    # Shapes differ from batch to batch, so that plans made for one are memory lost.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The package raises classes of its own that have no common base.
        raise BundleError(f"{source}: not a model that ONNX Runtime can open: {error}") from error


def check_graph(
    session: onnxruntime.InferenceSession,
    *,
    inputs: Collection[str],
    outputs: Collection[str],
    source: str,
) -> None:
    """Checks that a graph is of the kind that is expected.

    Args:
        session: The graph, opened.
        inputs: Names that it must have.
        outputs: Likewise.
        source: Path for errors.

    Raises:
        BundleError: It lacks one.
    """
    kinds = {
        "inputs": (session.get_inputs(), inputs),
        "outputs": (session.get_outputs(), outputs),
    }
    for kind, (values, expected) in kinds.items():
        found = {value.name for value in values}
        if not found.issuperset(expected):
            raise BundleError(f"{source}: {kind} {sorted(found)}, expected {sorted(expected)}")
