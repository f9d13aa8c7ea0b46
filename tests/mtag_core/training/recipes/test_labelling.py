"""Tests of substituting words."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch")

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.pieces import PackedSentences, SpecialPieces
from mtag_core.training.recipes.labelling import WordClasses, replace_tokens, substitute_words

_START, _END = 1, 2
_PIECES = SpecialPieces(start=_START, end=_END, pad=0, mask=3, n_pieces=100)


def test_other_tokens_take_the_places_with_all_their_pieces() -> None:
    packed = _packed([[[10], [20, 21]], [[30, 31, 32], [40]]])
    mixed = replace_tokens(packed, np.array([2, 1, 3, 0]), _PIECES)
    assert _tokens(mixed) == [[[30, 31, 32], [20, 21]], [[40], [10]]]
    assert mixed.n_pieces.tolist() == [7, 4]
    assert mixed.piece_ids.tolist() == [1, 30, 31, 32, 20, 21, 2, 1, 40, 10, 2]


def test_nothing_changes_where_each_token_keeps_its_place() -> None:
    packed = _packed([[[10], [20, 21]], [[30]]])
    same = replace_tokens(packed, np.arange(3), _PIECES)
    for name in ("piece_ids", "first_piece", "last_piece", "n_pieces", "n_tokens"):
        assert np.array_equal(getattr(same, name), getattr(packed, name)), name


def test_words_are_substituted_within_language_and_class_alone() -> None:
    generator = np.random.default_rng(5)
    n = 4000
    packed = _packed([[[int(piece)] for piece in generator.integers(10, 60, n)]])
    upos = generator.integers(0, len(UPOS_LABELS), n)
    classes = WordClasses(generator.integers(0, 2, n), upos, generator.integers(0, 3, n))
    sources = substitute_words(packed, classes, share=0.5, generator=generator)
    for ids in (classes.language_ids, classes.upos_ids, classes.feats_ids):
        assert np.array_equal(ids[sources], ids)
    is_changed = sources != np.arange(n)
    changed = {UPOS_LABELS[tag] for tag in set(upos[is_changed])}
    assert changed == {"ADJ", "ADV", "NOUN", "PROPN", "VERB"}
    is_open = np.isin(upos, [UPOS_LABELS.index(tag) for tag in changed])
    assert 0.4 < is_changed[is_open].mean() < 0.55


def test_a_rare_word_is_drawn_as_often_as_a_frequent_one() -> None:
    words = [[10]] * 900 + [[11, 12]] * 100
    packed = _packed([words])
    noun = np.full(1000, UPOS_LABELS.index("NOUN"))
    classes = WordClasses(np.zeros(1000, np.int64), noun, np.zeros(1000, np.int64))
    sources = substitute_words(packed, classes, share=1.0, generator=np.random.default_rng(1))
    assert 0.4 < (sources >= 900).mean() < 0.6


def _packed(sentences: list[list[list[int]]]) -> PackedSentences:
    """Sentences from the pieces of their tokens."""
    ids, first, last, n_pieces = [], [], [], []
    for tokens in sentences:
        row = [_START]
        for token in tokens:
            first.append(len(row))
            row += token
            last.append(len(row) - 1)
        ids += [*row, _END]
        n_pieces.append(len(row) + 1)
    return PackedSentences(
        np.array(ids, np.int32),
        np.array(first, np.int16),
        np.array(last, np.int16),
        np.array(n_pieces, np.int32),
        np.array([len(tokens) for tokens in sentences], np.int32),
    )


def _tokens(packed: PackedSentences) -> list[list[list[int]]]:
    """The pieces of each sentence's tokens."""
    sentences, piece, token = [], 0, 0
    for n_pieces, n_tokens in zip(packed.n_pieces, packed.n_tokens, strict=True):
        row = packed.piece_ids[piece : piece + n_pieces].tolist()
        spans = range(token, token + n_tokens)
        sentences.append([row[packed.first_piece[at] : packed.last_piece[at] + 1] for at in spans])
        piece, token = piece + n_pieces, token + n_tokens
    return sentences
