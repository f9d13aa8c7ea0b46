import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.data.pieces import (
    DeviceSentences,
    PackedSentences,
    SpecialPieces,
    cut_batches,
    encode_sentences,
    fits,
)
from mtag_core.training.data.text import train_vocabulary
from mtag_core.training.options import Noise

SENTENCES = [("ab", "abcabc"), ("c",), ("abc", "ab", "ba")]


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    train_vocabulary([("a", "b", "c", "ab", "ab")], n_pieces=14).save(str(path))
    return path


@pytest.fixture(scope="module")
def packed(tokenizer_path):
    return encode_sentences(SENTENCES, tokenizer_path)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=200),
    st.integers(8, 300),
    st.integers(0, 5),
)
def test_every_sentence_is_in_one_batch_within_the_budget(lengths, piece_budget, seed):
    n_pieces = np.array(lengths, np.int32)
    batches = cut_batches(
        n_pieces, piece_budget=piece_budget, generator=np.random.default_rng(seed)
    )
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        padded = -(-int(n_pieces[batch].max()) // 8) * 8
        assert len(batch) == 1 or padded * len(batch) <= piece_budget


def test_tokens_know_their_first_and_last_piece(packed, tokenizer_path):
    special = SpecialPieces.load(tokenizer_path)
    assert packed.piece_ids[0] == special.start
    assert packed.piece_ids[packed.n_pieces[0] - 1] == special.end
    first, last = packed.first_piece[:2], packed.last_piece[:2]
    assert first[0] == 1 and first[1] == last[0] + 1
    assert last[1] == packed.n_pieces[0] - 2


def test_a_batch_holds_the_sentences_asked_for(packed, tokenizer_path):
    special = SpecialPieces.load(tokenizer_path)
    sentences = DeviceSentences(packed, special, device=torch.device("cpu"))
    batch = sentences.batch(np.array([2, 0]))
    start = int(packed.n_pieces[:2].sum())
    ids = batch.piece_ids[0][batch.is_piece[0]].tolist()
    assert ids == packed.piece_ids[start : start + packed.n_pieces[2]].tolist()
    assert batch.token_index.tolist() == [3, 4, 5, 0, 1]
    assert batch.piece_ids.shape[1] % 8 == 0
    opens_second = batch.piece_ids.shape[1] + 1
    assert batch.first_piece_index.tolist()[3] == opens_second


def test_noise_masks_pieces_but_the_opening_one(packed, tokenizer_path):
    special = SpecialPieces.load(tokenizer_path)
    tokens = torch.tensor([20, 21, 0])
    sentences = DeviceSentences(packed, special, device=torch.device("cpu"), treebank_tokens=tokens)
    plain = sentences.batch(np.arange(3))
    assert plain.piece_ids[:, 0].tolist() == [20, 21, special.start]
    noise = Noise(changed_share=0.0, named_share=0.0, piece_dropout=1.0)
    masked = sentences.batch(np.arange(3), noise)
    assert masked.piece_ids[:, 0].tolist() == [special.start] * 3
    inner = masked.is_piece.clone()
    inner[:, 0] = False
    assert (masked.piece_ids[inner] == special.mask).all()
    assert (masked.piece_ids[~masked.is_piece] == special.pad).all()


def test_selecting_keeps_whole_sentences(packed):
    chosen = packed.select(np.array([2, 1]))
    assert chosen.n_tokens.tolist() == [3, 1]
    assert len(chosen.piece_ids) == int(packed.n_pieces[[2, 1]].sum())
    assert len(chosen.first_piece) == 4


def test_saving_and_loading_changes_nothing(packed, tmp_path):
    packed.save(tmp_path / "packed.npz")
    again = PackedSentences.load(tmp_path / "packed.npz")
    assert again.piece_ids.tolist() == packed.piece_ids.tolist()
    assert again.last_piece.tolist() == packed.last_piece.tolist()


def test_long_and_empty_sentences_do_not_fit(tokenizer_path):
    packed = encode_sentences([("a",), ("a",) * 9, ()], tokenizer_path)
    assert fits(packed, max_pieces=8).tolist() == [True, False, False]


def test_cutting_the_work_into_jobs_changes_nothing(packed, tokenizer_path, monkeypatch):
    monkeypatch.setattr("mtag_core.training.data.pieces._JOB_SENTENCES", 1)
    in_jobs = encode_sentences(SENTENCES, tokenizer_path)
    assert in_jobs.piece_ids.tolist() == packed.piece_ids.tolist()
    assert in_jobs.first_piece.tolist() == packed.first_piece.tolist()
