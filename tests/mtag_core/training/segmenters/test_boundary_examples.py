from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.segmentation.units import find_units
from mtag_core.training.segmenters.boundary_chunks import Chunks, UnitEncoder, end_labels
from mtag_core.training.segmenters.boundary_examples import read_examples, span_f1
from tests.mtag_core.training.tiny_teacher import PIECES, write_model


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return UnitEncoder(write_model(tmp_path_factory.mktemp("teacher")) / "tokenizer.json")


def _spans(ends):
    offsets = [0, *(np.flatnonzero(ends) + 1).tolist()]
    return set(pairwise(offsets))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_span_f1_counts_spans_with_both_ends_right(pairs):
    guessed, gold = np.array(pairs, np.bool_).reshape(-1, 2).T
    ours, theirs = _spans(guessed), _spans(gold)
    expected = 200 * len(ours & theirs) / max(1, len(ours) + len(theirs))
    assert span_f1(guessed, gold) == pytest.approx(expected)


def test_labels_tell_inside_token_end_and_sentence_end():
    assert end_labels([1, 2, 3], frozenset({2, 3}), frozenset({3})).tolist() == [0, 1, 2]


def test_chunks_hold_no_more_than_asked(encoder):
    chunks = Chunks(6, encoder.pieces)
    units = find_units("abcdefg", has_spaces=False)
    chunks.add(encoder.encode("abcdefg", units), starts_anew=True)
    packed = chunks.packed()
    assert packed.n_pieces.tolist() == [6, 5]
    assert packed.first_piece.tolist() == [1, 2, 3, 4, 1, 2, 3]
    assert packed.piece_ids[:3].tolist() == [PIECES.index(name) for name in ("[CLS]", "a", "b")]


def test_treebank_is_cut_into_labelled_chunks(encoder, tmp_path):
    blank = "\t_" * 7 + "\tSpaceAfter=No\n"
    sentence = f"1\tab{blank}2\tc{blank}\n"
    (tmp_path / "zh_own-ud-train.conllu").write_text(sentence * 3)
    (tmp_path / "en_own-ud-train.conllu").write_text(sentence)
    examples = read_examples(tmp_path, "train", encoder, languages=["zh"], max_pieces=8)
    assert examples.labels.tolist() == [0, 1, 2] * 3
    assert examples.packed.n_tokens.tolist() == [6, 3]
    assert examples.languages == ("zh", "zh")
