"""Trains layers of boundary weights: the generic one, languages' and treebanks'.

A layer learns tokens first, then sentence ends, which look at the tokens. What the layers below it
score stays as it is.

Nobody has checked that a line of running text is one sentence. So a full stop inside a line and
before a capital says something only where its word is hardly ever without one: then it is an
abbreviation.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import regex

from mtag_core.arrays import spread
from mtag_core.languages import UNKNOWN
from mtag_core.segmentation import boundary_features, chunk_ends
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.spaced import ChunkStream, SpacedTokenizer
from mtag_core.segmentation.word_units import CLOSING, DOUBLE_QUOTES, OPENING, TERMINAL, styleless
from mtag_core.training.data.treebanks import Sentences, Surface, first_tokens, sentence_text
from mtag_core.training.loops.linear import Examples, fit
from mtag_core.training.segmenters.treebanks import neighbours

_LINE = regex.compile(".+")
# Text whose sentences end without marks or before small letters.
_STYLES = (chunk_ends.UNMARKED, chunk_ends.SMALL_LETTERS)
# Sentences or lines of text that are joined: of treebanks, of those without style, of text.
_LONGEST_PARAGRAPH, _LONGEST_STYLED, _LONGEST_TEXT = 10, 30, 8

# Of tokens, tweets and speech are at most this part: enough for marks that nothing else shows.
_UNEDITED_PART, _GENERIC_UNEDITED_PART = 8, 24
# In eighths of a nat, and what of F1 in percent one must gain.
_BIASES, _LEAST_GAIN = (0, -8, 8, -16, 16, 24), 0.1
# What a place in running text counts, which no annotator wrote, and one that lost its marks.
_TEXT_WEIGHT, _BARE_WEIGHT = 0.15, 0.05
# Added to the score of ends without any mark, in eighths of a nat: they are so uncertain that half
# a probability would leave out most.
_UNMARKED_BIAS = 6

# Of the lists of a layer: clitics, phrases, and whether numbers hold spaces.
_MIN_COUNT, _MIN_CLITIC_SHARE, _LONGEST_CLITIC = 3, 0.05, 8
_LETTERS = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")
_GENERIC_CLITICS = frozenset({"n't"})
_GROUPS = regex.compile(r"\d{1,3}(?: \d{3})+")
_TWO_GROUPS = regex.compile(r"\d{1,3} \d{3}")

# Of running text: longer lines are left out; abbreviations, and how often each is shown.
_MOST_CHARACTERS = 400
_MIN_WORD_COUNT, _ABBREVIATION_SHARE = 2, 0.7
_MOST_SHOWN, _MOST_INITIALS = 12, 300
_SAME_STYLE = 20
_MARKS = regex.escape(TERMINAL)
_CLOSERS = regex.escape(CLOSING + DOUBLE_QUOTES + "'’‘")
_OPENERS = regex.escape(OPENING + DOUBLE_QUOTES + "'’‘-–—")
_STOPPED = r"(?P<word>[\p{L}\p{M}.]*)(?P<marks>"
_DOUBTFUL = regex.compile(rf"{_STOPPED}[{_MARKS}]+)[{_CLOSERS}]*(?=\s+[{_OPENERS}]*[^\p{{Ll}}\s])")
_STOP_INSIDE = regex.compile(rf"{_STOPPED}\.)(?=[{_CLOSERS},;:]*\s+\S)")
_ORDINAL = regex.compile(r"\d\.\s\p{Lu}?\p{Ll}")
_ENDS_WELL = regex.compile(rf"[{_MARKS}][{_CLOSERS}]*$")
_WORD = regex.compile(r"[\p{L}\p{M}][\p{L}\p{M}.]*")
_NOTHING_BUT_MARKS = regex.compile(rf"[{_MARKS}{_CLOSERS}:;,]+")


class MarkedText(NamedTuple):
    """Lines of text, each ended by a line break, and the offsets where tokens and sentences end.

    Of running text some are doubtful: a sentence may or may not end there.
    """

    text: str
    token_ends: Sequence[int]
    sentence_ends: Sequence[int]
    doubtful: Sequence[int] | None = None


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
    """Fits a layer on top of others, whose scores stay; without any it is the generic one.

    Args:
        below: The others.
        sentences: Of treebanks.
        unedited: Sentences of speech and tweets, as they are. Their tokens are learnt, and where
            sentences end without marks or before small letters.
        texts: Running text.
        dev: Of each treebank, to choose how readily a sentence ends, by rules of the `language`.
        has_unmarked_ends: All ends of chunks are asked about, not only those with a mark.
        l2: Penalty on squared weights.
        language: As above.
    """
    lists = _lists(sentences) if below else {"clitics": _GENERIC_CLITICS}
    no_weights = np.zeros(2, np.int8)
    layer = BoundaryLayer(no_weights, no_weights, has_unmarked_ends=has_unmarked_ends, **lists)
    most = sum(map(len, sentences)) // (_UNEDITED_PART if below else _GENERIC_UNEDITED_PART)
    learnt = _mark_sentences(sentences + first_tokens(unedited, most))
    tokens = _token_examples(SpacedTokenizer([*below, layer]), learnt)
    layer = replace(layer, token_weights=fit(tokens, l2))
    tokenizer = SpacedTokenizer([*below, layer])
    groups = [_end_examples(tokenizer, _mark_sentences(sentences))]
    groups += [_end_examples(tokenizer, text, _TEXT_WEIGHT) for text in texts]
    groups += [
        _end_examples(tokenizer, _mark_sentences(styled, _LONGEST_STYLED), weight, is_styled=True)
        for styled, weight in ((unedited, 1.0), (_bare(sentences), _BARE_WEIGHT))
        if styled
    ]
    weights = fit(groups, l2)
    weights[chunk_ends.bias_row(len(weights), chunk_ends.UNMARKED)] += _UNMARKED_BIAS
    return _tuned(below, replace(layer, end_weights=weights), dev, language)


def mark_lines(lines: Sequence[str], n_lines: int) -> list[MarkedText]:
    """Joins lines of running text, a sentence each, more or less, that end as sentences do.

    The text has no token ends inside lines; there is none without such lines.
    """
    short_forms = _abbreviations(lines)
    chosen = _choose(lines, short_forms, n_lines)
    if not chosen:
        return []
    marked = _mark_sentences([[Surface(s, (s,))] for s in chosen], _LONGEST_TEXT)
    doubtful = {m.end() for m in _DOUBTFUL.finditer(marked.text) if not _is_short(m, short_forms)}
    return [marked._replace(doubtful=[*doubtful.difference(marked.sentence_ends)])]


def span_f1(guessed: Iterable[int], gold: Iterable[int]) -> float:
    """F1 of the spans between ends, in percent; one is right if both of its ends are.

    Example: ends [1, 2] guessed, [0, 1, 2] gold: one span of two and three is right: 40.0.
    """
    guesses, right = (set(pairwise([-1, *ends])) for ends in (guessed, gold))
    return 200.0 * len(guesses & right) / max(1, len(guesses) + len(right))


def _tuned(
    below: Sequence[BoundaryLayer], layer: BoundaryLayer, dev: Sequence[Sentences], language: str
) -> BoundaryLayer:
    texts = list(map(_mark_sentences, dev))
    best, best_score = layer, 0.0
    for bias in _BIASES if texts else ():
        weights = layer.end_weights.copy()
        row = chunk_ends.bias_row(len(weights), 0)
        weights[row] = np.clip(int(weights[row]) + bias, -127, 127)
        biased = replace(layer, end_weights=weights)
        tokenizer = SpacedTokenizer([*below, biased], language)
        score = 0.0
        for marked in texts:
            stream, places = _chunks(tokenizer, marked)
            ends = tokenizer.sentence_ends(stream, places, tokenizer.apart_stops(stream, places))
            score += span_f1(stream.ends[ends].tolist(), marked.sentence_ends)
        if score / len(texts) > best_score + _LEAST_GAIN:
            best, best_score = biased, score / len(texts)
    return best


def _token_examples(tokenizer: SpacedTokenizer, marked: MarkedText) -> list[Examples]:
    """Gaps inside chunks: those that a chunk decides alone, and those before its last full stop."""
    scorer = tokenizer.scorer
    stream, around = _chunks(tokenizer, marked)
    spans = zip(stream.starts.tolist(), stream.ends.tolist(), strict=True)
    names = np.array([marked.text[start:end] for start, end in spans], object)
    chunks, rows = np.unique(names, return_inverse=True)
    cut = tokenizer.table.cutter.cut(chunks.tolist())
    # Every gap of every chunk of the text, but for those behind chunks.
    n_gaps = cut.n_units[rows] - 1
    gaps, places = spread(n_gaps, cut.first_units[rows]), np.arange(len(rows)).repeat(n_gaps)
    offsets = stream.starts[places] + cut.ends[gaps] - cut.starts[rows[places]]
    is_end = np.isin(offsets, marked.token_ends)
    stops = boundary_features.stop_gaps(cut, boundary_features.chunk_shapes(cut))
    is_stop = gaps == stops[rows[places]]
    seen, number, totals = np.unique(gaps[~is_stop], return_inverse=True, return_counts=True)
    n_ends = np.bincount(number, is_end[~is_stop])
    # A chunk that recurs says little more each time.
    counts = np.array([n_ends, totals - n_ends]) * (1 + np.log2(totals)) / totals
    chunk_of_gap = np.arange(len(cut.n_units)).repeat(cut.n_units)
    alone, before_stops = (
        boundary_features.gap_features(boundary_features.gap_rows(cut, some, chunk_of_gap[some]))
        for some in (seen, gaps[is_stop])
    )
    of_places = chunk_ends.stop_features(around[places[is_stop]])
    before_stops = np.concatenate([before_stops, of_places], axis=1)
    is_apart = is_end[is_stop].astype(np.float32)
    return [
        Examples(alone, scorer.token_scores(alone), *counts.astype(np.float32)),
        Examples(before_stops, scorer.token_scores(before_stops), is_apart, 1 - is_apart),
    ]


def _end_examples(
    tokenizer: SpacedTokenizer, marked: MarkedText, weight: float = 1.0, *, is_styled: bool = False
) -> Examples:
    """Chunks behind which a sentence may end; of running text, those with a stop alone."""
    stream, places = _chunks(tokenizer, marked)
    is_asked = tokenizer.candidates(stream, places)
    if is_styled:
        is_asked &= np.isin(chunk_ends.styles(places), _STYLES)
    if marked.doubtful is not None:
        is_asked &= chunk_ends.is_after_stop(places) & ~np.isin(stream.ends, marked.doubtful)
    is_apart = tokenizer.apart_stops(stream, places)
    features = chunk_ends.end_features(places[is_asked], is_apart[is_asked])
    is_end = np.isin(stream.ends[is_asked], marked.sentence_ends) * np.float32(weight)
    return Examples(features, tokenizer.scorer.end_scores(features), is_end, weight - is_end)


def _chunks(tokenizer: SpacedTokenizer, marked: MarkedText) -> tuple[ChunkStream, Codes]:
    return tokenizer.chunks(marked.text, [match.span() for match in _LINE.finditer(marked.text)])


def _lists(sentences: Sentences) -> dict[str, Any]:
    joined = Counter(form for sentence in sentences for form, _, _ in sentence if " " in form)
    pairs = (pair for sentence in sentences for pair in pairwise(sentence))
    apart = Counter(f"{left.form} {right.form}" for left, right in pairs if left.has_space)
    phrases = frozenset(
        tuple(form.split(" "))
        for form, count in joined.items()
        if form.count(" ") == 1 and not any(map(str.isdigit, form))
        if _MIN_COUNT <= count > apart[form]
    )
    n_joined = sum(count for form, count in joined.items() if _GROUPS.fullmatch(form))
    n_apart = sum(count for pair, count in apart.items() if _TWO_GROUPS.fullmatch(pair))
    is_spaced = n_joined >= _MIN_COUNT and n_joined > n_apart
    return {"clitics": _clitics(sentences), "phrases": phrases, "has_spaced_numbers": is_spaced}


def _clitics(sentences: Sentences) -> frozenset[str]:
    n_cut, n_all = Counter[str](), Counter[str]()
    for text, ends in map(sentence_text, sentences):
        for match in _LETTERS.finditer(text):
            run, start = styleless(match[0]), match.start()
            cuts = range(max(1, len(run) - _LONGEST_CLITIC), len(run))
            n_all.update(run[cut:] for cut in cuts)
            if len(run) == len(match[0]):
                found = {end - start for end in ends}.intersection(cuts)
                n_cut.update(run[cut:] for cut in found if run[cut - 1 : cut + 1].isalpha())
    return frozenset(
        end for end, n in n_cut.items() if n >= max(_MIN_COUNT, _MIN_CLITIC_SHARE * n_all[end])
    )


def _mark_sentences(
    sentences: Iterable[list[Surface]], longest: int = _LONGEST_PARAGRAPH
) -> MarkedText:
    token_ends, sentence_ends, parts, position = list[int](), list[int](), list[str](), 0
    for paragraph in neighbours(sentences, longest):
        for text, ends in map(sentence_text, paragraph):
            parts += [text, " "]
            token_ends += [position + end for end in ends]
            position += len(text) + 1
            sentence_ends.append(position - 1)
        parts[-1] = "\n"
    return MarkedText("".join(parts), token_ends, sentence_ends)


def _bare(sentences: Sentences) -> Sentences:
    # As in speech and chats: twenty without marks, twenty that lose capitals, twenty both.
    found = []
    for number, sentence in enumerate(sentences):
        style = number // _SAME_STYLE % 3
        words = [s for s in sentence if style == 1 or not _NOTHING_BUT_MARKS.fullmatch(s.form)]
        if style:
            words = [surface._replace(form=surface.form.lower()) for surface in words]
        if style != 1:
            words = [surface._replace(has_space=True) for surface in words]
        found.append(words)
    return list(filter(None, found))


def _choose(lines: Iterable[str], short_forms: frozenset[str], n_lines: int) -> list[str]:
    # Half at random; the others show each abbreviation a few times, initials and ordinals more.
    short = (line.strip() for line in lines if len(line) <= _MOST_CHARACTERS)
    fit = [line for line in short if _ENDS_WELL.search(line)]
    generator = random.Random(1)
    generator.shuffle(fit)
    chosen = fit[: n_lines // 2]
    counts: Counter[str] = Counter()
    for line in fit[n_lines // 2 :]:
        if len(chosen) == n_lines:
            break
        words = {
            m["word"].lower() for m in _STOP_INSIDE.finditer(line) if _is_short(m, short_forms)
        }
        if any(counts[word] < (_MOST_SHOWN if len(word) > 1 else _MOST_INITIALS) for word in words):
            counts.update(words)
            chosen.append(line)
    generator.shuffle(chosen)
    return chosen


def _abbreviations(lines: Iterable[str]) -> frozenset[str]:
    """Words that are hardly ever without a full stop, in small letters, without the last stop."""
    matches = ((line, match) for line in lines for match in _WORD.finditer(line))
    words = Counter(match[0].lower() for line, match in matches if match.end() < len(line) - 2)
    with_stop: Counter[str] = Counter()
    for word, count in words.items():
        if word.endswith("."):
            with_stop[word.rstrip(".")] += count
    return frozenset(
        word
        for word, count in with_stop.items()
        if count >= _MIN_WORD_COUNT and count > _ABBREVIATION_SHARE * (count + words[word])
    )


def _is_short(match: regex.Match[str], short_forms: frozenset[str]) -> bool:
    word = match["word"].lower()
    is_number = not word and _ORDINAL.match(match.string, match.start() - 1) is not None
    return match["marks"] == "." and (is_number or len(word) == 1 or word in short_forms)
