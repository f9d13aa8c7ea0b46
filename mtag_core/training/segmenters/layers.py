"""Trains layers of boundary weights: the generic one, languages' and treebanks'.

A layer learns tokens first, then sentence ends, which look at the tokens. What the layers below it
score stays as it is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import spread
from mtag_core.languages import UNKNOWN
from mtag_core.segmentation import boundary_features, chunk_ends
from mtag_core.segmentation.boundary_layers import LEVELS_PER_NAT, BoundaryLayer
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.spaced import ChunkStream, SpacedTokenizer
from mtag_core.segmentation.word_units import styleless
from mtag_core.training.data.treebanks import Sentences, Surface, first_tokens, sentence_text
from mtag_core.training.loops.linear import Examples, fit
from mtag_core.training.segmenters.marked_text import MarkedText, bare, mark_sentences, span_f1

_LINE = regex.compile(".+")
_BLOCK_LINES = 200
_LONGEST_STYLED = 30

# Of tokens, tweets and speech are at most this part: enough for marks that nothing else shows.
_UNEDITED_PART, _GENERIC_UNEDITED_PART = 8, 24

# In eighths of a nat, and what of F1 in percent one must gain.
_BIASES = (0, -8, 8, -16, 16, 24)
_LEAST_GAIN = 0.1

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
_GENERIC_CLITICS = frozenset({"n't"})
_GROUPS = regex.compile(r"\d{1,3}(?: \d{3})+")
_TWO_GROUPS = regex.compile(r"\d{1,3} \d{3}")


def train_layer(
    below: Sequence[BoundaryLayer],
    sentences: Sentences,
    *,
    unedited: Sequence[list[Surface]] = (),
    texts: Iterable[MarkedText] = (),
    dev: Sequence[Sentences] = (),
    has_unmarked_ends: bool = False,
    l2: float = 0.5,
    language: str = UNKNOWN,
) -> BoundaryLayer:
    """Fits a layer on top of others; without any it is the generic one.

    Args:
        below: The layers whose scores stay as they are.
        sentences: Of treebanks.
        unedited: Sentences of speech and tweets, as they are. Their tokens are learnt, and where
            sentences end without marks or before small letters.
        texts: Running text.
        dev: Of each treebank, to choose how readily a sentence ends.
        has_unmarked_ends: All ends of chunks are asked about, not only those with a mark.
        l2: Penalty on squared weights.
        language: Whose rules hold while it is chosen how readily a sentence ends.
    """
    layer = BoundaryLayer(_NO_WEIGHTS, _NO_WEIGHTS, clitics=_GENERIC_CLITICS)
    layer = _with_lists(layer, sentences) if below else layer
    layer = replace(layer, has_unmarked_ends=has_unmarked_ends)
    most = sum(map(len, sentences)) // (_UNEDITED_PART if below else _GENERIC_UNEDITED_PART)
    learnt = mark_sentences(sentences + first_tokens(unedited, most))
    tokens = _token_examples(SpacedTokenizer([*below, layer]), learnt)
    layer = replace(layer, token_weights=fit(tokens, l2))
    tokenizer = SpacedTokenizer([*below, layer])
    groups = [_end_examples(tokenizer, mark_sentences(sentences))]
    groups += [_end_examples(tokenizer, text, weight=_TEXT_WEIGHT) for text in texts]
    for styled, weight in ((unedited, 1.0), (bare(sentences), _BARE_WEIGHT)):
        if styled:
            marked = mark_sentences(styled, longest=_LONGEST_STYLED)
            groups.append(_end_examples(tokenizer, marked, weight=weight, only_styled=True))
    weights = fit(groups, l2)
    weights[chunk_ends.bias_row(len(weights), chunk_ends.UNMARKED)] += _UNMARKED_BIAS
    return _tuned(below, replace(layer, end_weights=weights), dev, language)


def _tuned(
    below: Sequence[BoundaryLayer], layer: BoundaryLayer, dev: Sequence[Sentences], language: str
) -> BoundaryLayer:
    texts = list(map(mark_sentences, dev))
    best, best_score = layer, 0.0
    for bias in _BIASES if texts else ():
        weights = layer.end_weights.copy()
        row = chunk_ends.bias_row(len(weights), 0)
        weights[row] = np.clip(int(weights[row]) + bias, -127, 127)
        biased = replace(layer, end_weights=weights)
        tokenizer = SpacedTokenizer([*below, biased], language)
        score = sum(_sentence_f1(tokenizer, marked) for marked in texts) / len(texts)
        if score > best_score + _LEAST_GAIN:
            best, best_score = biased, score
    return best


def _sentence_f1(tokenizer: SpacedTokenizer, marked: MarkedText) -> float:
    is_end = np.zeros_like(marked.is_sentence_end)
    for stream, places in _blocks(tokenizer, marked):
        ends = tokenizer.sentence_ends(stream, places, tokenizer.apart_stops(stream, places))
        is_end[stream.ends[ends]] = True
    return span_f1(is_end, marked.is_sentence_end)


def _token_examples(tokenizer: SpacedTokenizer, marked: MarkedText) -> list[Examples]:
    """Gaps inside chunks: those that a chunk decides alone, and those before its last full stop."""
    blocks = list(_blocks(tokenizer, marked))
    starts = np.concatenate([stream.starts for stream, _ in blocks])
    ends = np.concatenate([stream.ends for stream, _ in blocks])
    names = [marked.text[s:e] for s, e in zip(starts.tolist(), ends.tolist(), strict=True)]
    chunk_to_row = {chunk: row for row, chunk in enumerate(sorted(set(names)))}
    rows = np.array(list(map(chunk_to_row.__getitem__, names)))
    cut = tokenizer.table.cutter.cut(list(chunk_to_row))
    chunk_of_gap = np.arange(len(cut.n_units)).repeat(cut.n_units)
    # Every gap of every chunk of the text, but for those behind chunks.
    n_gaps = cut.n_units[rows] - 1
    gaps, places = spread(n_gaps, cut.first_units[rows]), np.arange(len(rows)).repeat(n_gaps)
    is_end = marked.is_token_end[starts[places] + cut.ends[gaps] - cut.starts[rows[places]]]
    is_stop = (
        gaps == boundary_features.stop_gaps(cut, boundary_features.chunk_shapes(cut))[rows[places]]
    )

    def features_of(gaps: NDArray[np.int64]) -> Codes:
        return boundary_features.gap_features(
            boundary_features.gap_rows(cut, gaps, chunk_of_gap[gaps])
        )

    counts = np.bincount(2 * gaps[~is_stop] + is_end[~is_stop], minlength=2 * len(cut.ends))
    seen = np.flatnonzero(counts.reshape(-1, 2).any(axis=1))
    counts = counts.reshape(-1, 2)[seen]
    totals = counts.sum(axis=1, keepdims=True)
    # A chunk that recurs says little more each time.
    inside, at_end = (counts * (1 + np.log2(totals)) / totals).astype(np.float32).T
    alone = features_of(seen)
    of_stops = chunk_ends.stop_features(
        np.concatenate([part for _, part in blocks])[places[is_stop]]
    )
    stops = np.concatenate([features_of(gaps[is_stop]), of_stops], axis=1)
    is_apart = is_end[is_stop].astype(np.float32)
    return [
        Examples(alone, _nats(tokenizer.scorer.token_scores(alone)), at_end, inside),
        Examples(stops, _nats(tokenizer.scorer.token_scores(stops)), is_apart, 1 - is_apart),
    ]


def _end_examples(
    tokenizer: SpacedTokenizer,
    marked: MarkedText,
    *,
    weight: float = 1.0,
    only_styled: bool = False,
) -> Examples:
    """Chunks behind which a sentence may end; of running text, those with a stop alone."""
    found, labels = [], []
    for stream, places in _blocks(tokenizer, marked):
        is_asked = tokenizer.candidates(stream, places)
        if only_styled:
            is_asked &= np.isin(
                chunk_ends.styles(places), (chunk_ends.UNMARKED, chunk_ends.SMALL_LETTERS)
            )
        if marked.is_doubtful is not None:
            is_asked &= chunk_ends.is_after_stop(places) & ~marked.is_doubtful[stream.ends]
        is_apart = tokenizer.apart_stops(stream, places)
        found.append(chunk_ends.end_features(places[is_asked], is_apart[is_asked]))
        labels.append(marked.is_sentence_end[stream.ends[is_asked]])
    features = np.concatenate(found)
    is_end = np.concatenate(labels).astype(np.float32) * np.float32(weight)
    scores = tokenizer.scorer.end_scores(features)
    return Examples(features, _nats(scores), is_end, np.float32(weight) - is_end)


def _blocks(tokenizer: SpacedTokenizer, marked: MarkedText) -> Iterator[tuple[ChunkStream, Codes]]:
    lines = (match.span() for match in _LINE.finditer(marked.text))
    while block := list(islice(lines, _BLOCK_LINES)):
        yield tokenizer.chunks(marked.text, block)


def _nats(scores: NDArray[np.int32]) -> NDArray[np.float32]:
    return (scores / LEVELS_PER_NAT).astype(np.float32)


def _with_lists(layer: BoundaryLayer, sentences: Sentences) -> BoundaryLayer:
    joined = Counter(form for sentence in sentences for form, _, _ in sentence if " " in form)
    pairs = (pair for sentence in sentences for pair in pairwise(sentence))
    apart = Counter(f"{left.form} {right.form}" for left, right in pairs if left.has_space)
    phrases = frozenset(
        (left, right)
        for form, count in joined.items()
        for left, _, right in [form.partition(" ")]
        if " " not in right and not any(map(str.isdigit, form))
        if _MIN_COUNT <= count > apart[form]
    )
    n_joined = sum(count for form, count in joined.items() if _GROUPS.fullmatch(form))
    n_apart = sum(count for pair, count in apart.items() if _TWO_GROUPS.fullmatch(pair))
    return replace(
        layer,
        clitics=_clitics(sentences),
        phrases=phrases,
        has_spaced_numbers=n_joined >= _MIN_COUNT and n_joined > n_apart,
    )


def _clitics(sentences: Sentences) -> frozenset[str]:
    n_cut: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for text, ends in map(sentence_text, sentences):
        for match in _LETTERS.finditer(text):
            run = styleless(match[0])
            runs[run] += 1
            if len(run) != len(match[0]):
                continue
            for inside in {end - match.start() for end in ends}.intersection(range(1, len(run))):
                if run[inside - 1].isalpha() and run[inside].isalpha():
                    n_cut[run[inside:]] += 1
    n_ends: Counter[str] = Counter()
    for run, count in runs.items():
        for size in range(1, min(len(run), _LONGEST_CLITIC + 1)):
            n_ends[run[-size:]] += count
    return frozenset(
        end
        for end, count in n_cut.items()
        if len(end) <= _LONGEST_CLITIC and count >= max(_MIN_COUNT, _MIN_CLITIC_SHARE * n_ends[end])
    )
