"""Lays out the places of marked text that boundary layers learn from."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.boundary_features import (
    end_features,
    gap_features,
    gap_rows,
    is_after_stop,
    stop_features,
)
from mtag_core.segmentation.boundary_layers import LEVELS_PER_NAT
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.training.segmenters.layer_fitting import Examples
from mtag_core.training.segmenters.marked_paragraphs import MarkedText

_BLOCK_LINES = 200


def token_examples(tokenizer: SpacedTokenizer, marked: MarkedText) -> list[Examples]:
    """Gaps inside chunks: those that a chunk decides alone, and those before its last full stop."""
    gaps: Counter[tuple[str, int, bool]] = Counter()
    stops: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # type: ignore[type-arg]
    for first in range(0, len(marked.lines), _BLOCK_LINES):
        lines = marked.lines[first : first + _BLOCK_LINES]
        stream, places = tokenizer.chunks(marked.text, lines)
        table = tokenizer.table
        row_to_chunk = {row: chunk for chunk, row in table.ids.items()}
        stop_gap_features, stop_indices, stop_labels = [], [], []
        for index, (row, start) in enumerate(
            zip(stream.rows.tolist(), stream.starts.tolist(), strict=True)
        ):
            chunk = row_to_chunk[row]
            cut = table.cut(chunk)
            if len(cut.units) < 2:
                continue
            stop_gap = table._stop_gap(cut) if table.has_stop_gap[row] else None
            for number, end in enumerate(cut.ends[:-1]):
                label = bool(marked.is_token_end[start + end])
                if number == stop_gap:
                    stop_gap_features.append(gap_rows(chunk, cut)[number])
                    stop_indices.append(index)
                    stop_labels.append(label)
                else:
                    gaps[chunk, number, label] += 1
        if stop_indices:
            features = np.concatenate(
                [gap_features(stop_gap_features), stop_features(places[stop_indices])], axis=1
            )
            labels = np.array(stop_labels)
            stops.append((features, labels, np.array(stop_indices)))
    return [_gap_examples(tokenizer, gaps), _stop_examples(tokenizer, stops)]


def _gap_examples(tokenizer: SpacedTokenizer, gaps: Counter[tuple[str, int, bool]]) -> Examples:
    chunk_to_counts: dict[str, dict[int, list[float]]] = {}
    for (chunk, number, label), count in sorted(gaps.items()):
        counts = chunk_to_counts.setdefault(chunk, {}).setdefault(number, [0.0, 0.0])
        counts[label] += count
    rows, ends, insides = [], [], []
    for chunk, number_to_counts in chunk_to_counts.items():
        of_chunk = gap_rows(chunk, tokenizer.table.cut(chunk))
        for number, (n_inside, n_end) in number_to_counts.items():
            rows.append(of_chunk[number])
            # A chunk that recurs says little more each time.
            total = n_inside + n_end
            weight = (1 + np.log2(total)) / total
            ends.append(n_end * weight)
            insides.append(n_inside * weight)
    features = gap_features(rows)
    offsets = tokenizer.scorer.token_scores(features) / LEVELS_PER_NAT
    return Examples(
        features,
        offsets.astype(np.float32),
        np.array(ends, np.float32),
        np.array(insides, np.float32),
    )


def _stop_examples(tokenizer: SpacedTokenizer, stops: Sequence) -> Examples:  # type: ignore[type-arg]
    if not stops:
        return Examples(np.zeros((0, 1), np.uint64), *(np.zeros(0, np.float32),) * 3)
    features = np.concatenate([part[0] for part in stops])
    labels = np.concatenate([part[1] for part in stops]).astype(np.float32)
    offsets = tokenizer.scorer.token_scores(features) / LEVELS_PER_NAT
    return Examples(features, offsets.astype(np.float32), labels, 1 - labels)


def end_examples(
    tokenizer: SpacedTokenizer,
    marked: MarkedText,
    *,
    weight: float = 1.0,
    is_doubtful: NDArray[np.bool_] | None = None,
) -> Examples:
    """Chunks behind which a sentence may end.

    Args:
        tokenizer: Whose decisions about tokens are features, and whose layers stay below.
        marked: The text.
        weight: What each counts.
        is_doubtful: Offsets that say nothing, of text whose ends are at full stops and the like
            alone.
    """
    features, labels = [], []
    for first in range(0, len(marked.lines), _BLOCK_LINES):
        lines = marked.lines[first : first + _BLOCK_LINES]
        stream, places = tokenizer.chunks(marked.text, lines)
        asked = np.flatnonzero(tokenizer.candidates(stream, places))
        if is_doubtful is not None:
            is_stop = is_after_stop(places[asked])
            asked = asked[is_stop & ~is_doubtful[stream.ends[asked]]]
        is_apart = tokenizer.apart_stops(stream, places)
        features.append(end_features(places[asked], is_apart[asked]))
        labels.append(marked.is_sentence_end[stream.ends[asked]])
    all_features = np.concatenate(features)
    is_end = np.concatenate(labels).astype(np.float32) * np.float32(weight)
    offsets = tokenizer.scorer.end_scores(all_features) / LEVELS_PER_NAT
    return Examples(all_features, offsets.astype(np.float32), is_end, np.float32(weight) - is_end)
