"""Trains layers of boundary weights: the generic one, languages' and treebanks'.

A layer learns tokens first, then sentence ends, which look at the tokens. What the layers below it
score stays as it is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.languages import UNKNOWN
from mtag_core.segmentation.boundary_features import (
    chunk_shapes,
    gap_features,
    gap_rows,
    stop_gaps,
)
from mtag_core.segmentation.boundary_layers import LEVELS_PER_NAT, BoundaryLayer
from mtag_core.segmentation.chunk_ends import (
    SMALL_LETTERS,
    UNMARKED,
    bias_row,
    end_features,
    is_after_stop,
    stop_features,
    styles,
)
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.spaced import ChunkStream, SpacedTokenizer
from mtag_core.segmentation.word_units import styleless
from mtag_core.training.loops.linear import Examples, FitOptions, fit
from mtag_core.training.segmenters.marked_text import MarkedText, bare, mark_treebank, n_right_spans
from mtag_core.training.segmenters.treebanks import Sentences, Surface, first_tokens

_BLOCK_LINES = 200
_LONGEST_STYLED = 30

# In eighths of a nat, and what of F1 one must gain.
_BIASES = (-16, -8, 0, 8, 16, 24)
_LEAST_GAIN = 0.001

# What a place in running text counts, which no annotator wrote, and one that lost its marks.
_TEXT_WEIGHT, _BARE_WEIGHT = 0.15, 0.05

# Added to the score of ends without any mark, in eighths of a nat: they are so uncertain that half
# a probability would leave out most.
_UNMARKED_BIAS = 6
_NO_WEIGHTS = np.zeros(2, np.int8)

# Of the lists of a layer: clitics, phrases, and whether numbers hold spaces.
_MIN_COUNT = 3
_MIN_CLITIC_SHARE = 0.05
_LETTERS = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")
_LONGEST_CLITIC = 8
_GROUPS = regex.compile(r"\d{1,3}(?: \d{3})+")
_DIGITS = regex.compile(r"\d{1,3}")
_THREE_DIGITS = regex.compile(r"\d{3}")


@dataclass(frozen=True, slots=True)
class LayerOptions:
    """How a layer is fitted.

    Attributes:
        fit: Of both tables.
        unedited_part: Of tokens, tweets and speech are at most this part: enough for marks that
            nothing else shows.
        has_unmarked_ends: All ends of chunks are asked about, not only those with a mark.
        seed: Of the lengths of paragraphs.
        language: Whose rules hold while it is chosen how readily a sentence ends.
    """

    fit: FitOptions
    unedited_part: int = 8
    has_unmarked_ends: bool = False
    seed: int = 1
    language: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class LayerData:
    """What a layer learns from.

    Attributes:
        sentences: Surface tokens of treebanks.
        texts: Running text.
        unedited: Sentences of speech and tweets, as they are. Their tokens are learnt, and where
            sentences end without marks or before small letters.
        dev: Of each treebank, to choose how readily a sentence ends.
        clitics: Of the layer's own lists, what is known without looking; None learns all lists.
    """

    sentences: Sentences
    texts: Sequence[MarkedText] = ()
    unedited: Sentences = field(default_factory=list)
    dev: Sequence[Sentences] = ()
    clitics: frozenset[str] | None = None


class _Chunk(NamedTuple):
    """Where units end inside a chunk, and the number of the gap before its last full stop."""

    inner_ends: list[int]
    stop_gap: int


def train_layer(
    below: Sequence[BoundaryLayer], data: LayerData, options: LayerOptions
) -> BoundaryLayer:
    """Fits a layer on top of others."""
    layer = BoundaryLayer(_NO_WEIGHTS, _NO_WEIGHTS, clitics=data.clitics or frozenset())
    if data.clitics is None:
        layer = _with_lists(layer, data.sentences)
    layer = replace(layer, has_unmarked_ends=options.has_unmarked_ends)
    n_unedited = sum(map(len, data.sentences)) // options.unedited_part
    some = data.sentences + first_tokens(data.unedited, n_unedited)
    tokens = _token_examples(SpacedTokenizer([*below, layer]), _mark(some, options))
    layer = replace(layer, token_weights=fit(tokens, options.fit))
    tokenizer = SpacedTokenizer([*below, layer])
    groups = [_end_examples(tokenizer, _mark(data.sentences, options))]
    groups += [_end_examples(tokenizer, text, weight=_TEXT_WEIGHT) for text in data.texts]
    styled = [(data.unedited, 1.0), (bare(data.sentences), _BARE_WEIGHT)]
    for some, weight in styled:
        if not some:
            continue
        marked = mark_treebank(some, seed=options.seed, longest=_LONGEST_STYLED)
        groups.append(_end_examples(tokenizer, marked, weight=weight, only_styled=True))
    weights = fit(groups, options.fit)
    weights[bias_row(len(weights), UNMARKED)] += _UNMARKED_BIAS
    layer = replace(layer, end_weights=weights)
    dev = [_mark(some, options) for some in data.dev]
    return _tuned(below, layer, dev, options.language) if dev else layer


def _tuned(
    below: Sequence[BoundaryLayer], layer: BoundaryLayer, dev: Sequence[MarkedText], language: str
) -> BoundaryLayer:
    best, best_score = layer, 0.0
    for bias in sorted(_BIASES, key=abs):
        weights = layer.end_weights.copy()
        row = bias_row(len(weights), 0)
        weights[row] = np.clip(int(weights[row]) + bias, -127, 127)
        biased = replace(layer, end_weights=weights)
        tokenizer = SpacedTokenizer([*below, biased], language)
        score = sum(_sentence_f1(tokenizer, marked) for marked in dev) / len(dev)
        if score > best_score + _LEAST_GAIN:
            best, best_score = biased, score
    return best


def _sentence_f1(tokenizer: SpacedTokenizer, marked: MarkedText) -> float:
    n_right = n_guessed = n_gold = 0
    for stream, places in _blocks(tokenizer, marked):
        is_end = np.zeros(len(stream.ends), np.bool_)
        is_end[tokenizer.sentence_ends(stream, places, tokenizer.apart_stops(stream, places))] = (
            True
        )
        is_gold = marked.is_sentence_end[stream.ends]
        n_right += n_right_spans(is_end, is_gold)
        n_guessed, n_gold = n_guessed + int(is_end.sum()), n_gold + int(is_gold.sum())
    return 2 * n_right / max(1, n_guessed + n_gold)


def _mark(sentences: Sentences, options: LayerOptions) -> MarkedText:
    return mark_treebank(sentences, seed=options.seed)


def _token_examples(tokenizer: SpacedTokenizer, marked: MarkedText) -> list[Examples]:
    """Gaps inside chunks: those that a chunk decides alone, and those before its last full stop."""
    chunks: dict[str, _Chunk] = {}
    gaps: Counter[tuple[str, int, bool]] = Counter()
    stops: list[tuple[Codes, NDArray[np.bool_]]] = []
    for stream, places in _blocks(tokenizer, marked):
        row_to_chunk = {row: chunk for chunk, row in tokenizer.table.ids.items()}
        names = [row_to_chunk[row] for row in stream.rows.tolist()]
        _cut_new(tokenizer, names, chunks)
        of_stops: list[tuple[str, int]] = []
        indices, labels = [], []
        for index, (chunk, start) in enumerate(zip(names, stream.starts.tolist(), strict=True)):
            for number, end in enumerate(chunks[chunk].inner_ends):
                label = bool(marked.is_token_end[start + end])
                if number == chunks[chunk].stop_gap:
                    of_stops.append((chunk, number))
                    indices.append(index)
                    labels.append(label)
                else:
                    gaps[chunk, number, label] += 1
        if indices:
            features = [_features(tokenizer, of_stops), stop_features(places[indices])]
            stops.append((np.concatenate(features, axis=1), np.array(labels)))
    examples = [_gap_examples(tokenizer, gaps)]
    if stops:
        all_features = np.concatenate([part for part, _ in stops])
        is_end = np.concatenate([part for _, part in stops]).astype(np.float32)
        scores = tokenizer.scorer.token_scores(all_features)
        examples.append(Examples(all_features, _nats(scores), is_end, 1 - is_end))
    return examples


def _gap_examples(tokenizer: SpacedTokenizer, gaps: Counter[tuple[str, int, bool]]) -> Examples:
    gap_to_counts: dict[tuple[str, int], list[float]] = {}
    for (chunk, number, label), count in sorted(gaps.items()):
        gap_to_counts.setdefault((chunk, number), [0.0, 0.0])[label] += count
    counts = np.array(list(gap_to_counts.values())).reshape(-1, 2)
    totals = counts.sum(axis=1, keepdims=True)
    # A chunk that recurs says little more each time.
    counts = (counts * (1 + np.log2(totals)) / totals).astype(np.float32)
    features = _features(tokenizer, list(gap_to_counts))
    scores = tokenizer.scorer.token_scores(features)
    return Examples(features, _nats(scores), counts[:, 1], counts[:, 0])


def _cut_new(tokenizer: SpacedTokenizer, names: Sequence[str], chunks: dict[str, _Chunk]) -> None:
    new = sorted(set(names).difference(chunks))
    if not new:
        return
    cut = tokenizer.table.cutter.cut(new)
    ends = (cut.ends - cut.starts.repeat(cut.n_units)).tolist()
    lasts = cut.first_units + cut.n_units - 1
    gaps = stop_gaps(cut, chunk_shapes(cut)) - cut.first_units
    for chunk, first, last, gap in zip(
        new, cut.first_units.tolist(), lasts.tolist(), gaps.tolist(), strict=True
    ):
        chunks[chunk] = _Chunk(ends[first:last], gap)


def _features(tokenizer: SpacedTokenizer, gaps: Sequence[tuple[str, int]]) -> Codes:
    chunks = list(dict.fromkeys(chunk for chunk, _ in gaps))
    places = dict(zip(chunks, range(len(chunks)), strict=True))
    cut = tokenizer.table.cutter.cut(chunks)
    of_gap = np.array([places[chunk] for chunk, _ in gaps], np.int64)
    units = cut.first_units[of_gap] + np.array([number for _, number in gaps], np.int64)
    return gap_features(gap_rows(cut, units, of_gap))


def _end_examples(
    tokenizer: SpacedTokenizer,
    marked: MarkedText,
    *,
    weight: float = 1.0,
    only_styled: bool = False,
) -> Examples:
    """Chunks behind which a sentence may end; of running text, those with a stop alone.

    Args:
        tokenizer: Whose decisions about tokens are features, and whose layers stay below.
        marked: The text.
        weight: What each counts.
        only_styled: Those alone that are in text without marks or capitals.
    """
    is_text = not marked.is_token_end.any()
    features, labels = [], []
    for stream, places in _blocks(tokenizer, marked):
        is_asked = tokenizer.candidates(stream, places)
        if only_styled:
            is_asked &= np.isin(styles(places), (UNMARKED, SMALL_LETTERS))
        if is_text:
            is_asked &= is_after_stop(places) & ~marked.is_doubtful[stream.ends]
        asked = np.flatnonzero(is_asked)
        is_apart = tokenizer.apart_stops(stream, places)
        features.append(end_features(places[asked], is_apart[asked]))
        labels.append(marked.is_sentence_end[stream.ends[asked]])
    all_features = np.concatenate(features)
    is_end = np.concatenate(labels).astype(np.float32) * np.float32(weight)
    scores = tokenizer.scorer.end_scores(all_features)
    return Examples(all_features, _nats(scores), is_end, np.float32(weight) - is_end)


def _blocks(tokenizer: SpacedTokenizer, marked: MarkedText) -> Iterator[tuple[ChunkStream, Codes]]:
    for first in range(0, len(marked.lines), _BLOCK_LINES):
        yield tokenizer.chunks(marked.text, marked.lines[first : first + _BLOCK_LINES])


def _nats(scores: NDArray[np.int32]) -> NDArray[np.float32]:
    return (scores / LEVELS_PER_NAT).astype(np.float32)


def _with_lists(layer: BoundaryLayer, sentences: Sentences) -> BoundaryLayer:
    return replace(
        layer,
        clitics=_clitics(sentences),
        phrases=_phrases(sentences),
        has_spaced_numbers=_has_spaced_numbers(sentences),
    )


def _clitics(sentences: Iterable[Sequence[Surface]]) -> frozenset[str]:
    n_cut: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for chunk, ends in _chunks_of(sentences):
        for match in _LETTERS.finditer(chunk):
            run = styleless(match[0])
            runs[run] += 1
            if len(run) != len(match[0]):
                continue
            for end in ends:
                inside = end - match.start()
                if 0 < inside < len(run) and run[inside - 1].isalpha() and run[inside].isalpha():
                    n_cut[run[inside:]] += 1
    wanted = {
        end for end, count in n_cut.items() if count >= _MIN_COUNT and len(end) <= _LONGEST_CLITIC
    }
    n_ends: Counter[str] = Counter()
    for run, count in runs.items():
        for size in range(1, min(len(run), _LONGEST_CLITIC + 1)):
            if run[-size:] in wanted:
                n_ends[run[-size:]] += count
    return frozenset(end for end in wanted if n_cut[end] >= _MIN_CLITIC_SHARE * n_ends[end])


def _phrases(sentences: Iterable[Sequence[Surface]]) -> frozenset[tuple[str, str]]:
    n_joined: Counter[tuple[str, str]] = Counter()
    n_apart: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        for form, _, _ in sentence:
            pair = form.split(" ")
            if len(pair) == 2 and not any(map(str.isdigit, form)):
                n_joined[pair[0], pair[1]] += 1
        for (left, _, has_space), (right, _, _) in pairwise(sentence):
            if has_space:
                n_apart[left, right] += 1
    return frozenset(
        pair for pair, count in n_joined.items() if count >= _MIN_COUNT and count > n_apart[pair]
    )


def _has_spaced_numbers(sentences: Iterable[Sequence[Surface]]) -> bool:
    n_joined = n_apart = 0
    for sentence in sentences:
        n_joined += sum(_GROUPS.fullmatch(form) is not None for form, _, _ in sentence)
        n_apart += sum(
            has_space
            and _DIGITS.fullmatch(left) is not None
            and _THREE_DIGITS.fullmatch(right) is not None
            for (left, _, has_space), (right, _, _) in pairwise(sentence)
        )
    return n_joined >= _MIN_COUNT and n_joined > n_apart


def _chunks_of(sentences: Iterable[Sequence[Surface]]) -> Iterable[tuple[str, list[int]]]:
    for sentence in sentences:
        chunk, ends = "", []
        for form, _, has_space in [*sentence, Surface("", (), has_space=True)]:
            chunk += form
            ends.append(len(chunk))
            if has_space and chunk:
                yield chunk, ends
                chunk, ends = "", []
