"""Finds the range of values that each layer of the student reads, on real sentences.

The int8 graph rounds activations to 256 steps between fixed bounds. The bounds leave out the most
extreme values: a few pieces (such as [CLS]) have activations thirty times larger than all others,
and steps wide enough for them would be too coarse for the rest.
"""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import onnxruntime

from mtag_core.tagging.wordpiece import WordPiece
from mtag_core.training.graphs.student_graph import OBSERVED, Range

# One value in ten thousand is clipped at either end. On dev this scored highest of 99.99, 99.999
# and 100 percent and of the bounds with the least squared error.
_CLIPPED_PERCENT = 0.01
# Every seventh value is kept: enough to tell the bounds, in a seventh of the memory. Seven shares
# no factor with the layers' widths, so that all units are seen.
_STRIDE = 7


def observe_ranges(
    graph: bytes, sentences: Iterable[tuple[Sequence[str], int]], wordpiece: WordPiece
) -> dict[str, Range]:
    """Runs a float32 graph and looks at what its layers read.

    Args:
        graph: From `build_student_graph(..., has_observed=True)`.
        sentences: The forms of each and the number of its treebank, 0 where the graph knows none;
            a thousand sentences are enough. Each is read told and not told.
        wordpiece: The model's tokenizer.

    Returns:
        By the name of the layer that reads the activation.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    has_treebanks = any(value.name == "treebank" for value in session.get_inputs())
    names = [out.name for out in session.get_outputs() if out.name.startswith(OBSERVED)]
    name_to_values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for forms, treebank in sentences:
        for window, number in product(wordpiece.encode(forms), sorted({0, treebank})):
            feed = {
                "piece_ids": np.array([window.piece_ids]),
                "first_piece_index": np.array(window.first),
                "last_piece_index": np.array(window.last),
            }
            if has_treebanks:
                feed["treebank"] = np.array(number)
            for name, values in zip(names, session.run(names, feed), strict=True):
                name_to_values[name].append(values[::_STRIDE])
    percents = (_CLIPPED_PERCENT, 100 - _CLIPPED_PERCENT)
    return {
        name.removeprefix(OBSERVED): Range(*np.percentile(np.concatenate(values), percents))
        for name, values in name_to_values.items()
    }
