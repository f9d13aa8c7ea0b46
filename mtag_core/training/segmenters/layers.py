"""Trains layers of boundary weights: the generic one, languages' and treebanks'."""

import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.storage import open_text
from mtag_core.training.segmenters.layer_examples import end_examples, token_examples
from mtag_core.training.segmenters.layer_fitting import FitOptions, fit
from mtag_core.training.segmenters.layer_lists import clitics, has_spaced_numbers, phrases
from mtag_core.training.segmenters.marked_paragraphs import Surface, mark, paragraphs
from mtag_core.training.segmenters.text_sentences import (
    TextSentences,
    abbreviations,
    choose_lines,
    join_lines,
)

Sentences = list[list[Surface]]

_NO_WEIGHTS = np.zeros(2, np.int8)
_LONGEST_PARAGRAPH = 10
# Whoever wrote a line of text was no annotator.
_TEXT_WEIGHT = 0.15
# Lines that are looked through for each that is chosen.
_MOST_LINES = 3
_ROWS = 1 << 17
_GENERIC_ROWS = 1 << 18
_SPACED_GENERIC_CLITICS = frozenset({"n't"})

# Written standards that the treebanks put under one code.
_CODES = {"no": ("nb", "nn")}

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LayerData:
    """What a layer learns from.

    Attributes:
        sentences: Surface tokens of treebanks.
        texts: Joined sentences of running text.
        empty: The layer's lists, without weights.
    """

    sentences: Sentences
    texts: Sequence[TextSentences]
    empty: BoundaryLayer


def train_layer(below: Sequence[BoundaryLayer], data: LayerData, *, seed: int) -> BoundaryLayer:
    """Fits a layer on top of others: its tokens first, then sentences, which look at the tokens."""
    n_rows = _ROWS if below else _GENERIC_ROWS
    generator = random.Random(seed)
    longest = _LONGEST_PARAGRAPH
    marked = mark(paragraphs(data.sentences, longest=longest, generator=generator))
    examples = token_examples(SpacedTokenizer([*below, data.empty]), marked)
    layer = replace(data.empty, token_weights=fit(examples, FitOptions(n_rows)))
    tokenizer = SpacedTokenizer([*below, layer])
    groups = [end_examples(tokenizer, marked)]
    groups += [
        end_examples(tokenizer, text.marked, weight=_TEXT_WEIGHT, is_doubtful=text.is_doubtful)
        for text in data.texts
    ]
    return replace(layer, end_weights=fit(groups, FitOptions(n_rows)))


def language_data(
    sentences: Sentences, text: Path | None, language: str, *, n_lines: int, seed: int
) -> LayerData:
    """What a language's layer learns from, its lists included."""
    empty = BoundaryLayer(
        *(_NO_WEIGHTS,) * 2,
        clitics=clitics(sentences),
        phrases=phrases(sentences),
        has_spaced_numbers=has_spaced_numbers(sentences),
    )
    joined = text_sentences(text, language, n_lines=n_lines, seed=seed)
    return LayerData(sentences, [joined] if joined else [], empty)


def generic_data(
    language_to_sentences: Mapping[str, Sentences], texts: Sequence[TextSentences]
) -> LayerData:
    """What the generic layer learns from."""
    every = [sentence for sentences in language_to_sentences.values() for sentence in sentences]
    empty = BoundaryLayer(*(_NO_WEIGHTS,) * 2, clitics=_SPACED_GENERIC_CLITICS)
    return LayerData(every, texts, empty)


def treebank_data(sentences: Sentences, *, has_unmarked_ends: bool) -> LayerData:
    """What a treebank's layer learns from: nothing but the treebank."""
    empty = BoundaryLayer(
        *(_NO_WEIGHTS,) * 2,
        clitics=clitics(sentences),
        phrases=phrases(sentences),
        has_spaced_numbers=has_spaced_numbers(sentences),
        has_unmarked_ends=has_unmarked_ends,
    )
    return LayerData(sentences, [], empty)


def text_sentences(
    text: Path | None, language: str, *, n_lines: int, seed: int
) -> TextSentences | None:
    """Joined sentences of a language's running text; None where there is no text."""
    lines = list(islice(_text_lines(text, language), _MOST_LINES * n_lines)) if text else []
    short_forms = abbreviations(lines)
    chosen = choose_lines(lines, short_forms, n_lines, seed=seed)
    return join_lines(chosen, short_forms, seed=seed) if chosen else None


def _text_lines(text: Path, language: str) -> Iterator[str]:
    for code in _CODES.get(language, (language,)):
        path = text / f"{code}.txt.xz"
        if path.exists():
            with open_text(path) as stream:
                yield from stream
