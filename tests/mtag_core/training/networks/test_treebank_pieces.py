import json

import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

import torch
from tokenizers import Tokenizer

from mtag_core.errors import CheckpointError
from mtag_core.training.networks.model_files import load_model
from mtag_core.training.networks.treebank_pieces import add_pieces, write_tokenizer
from tests.mtag_core.training.tiny_teacher import write_model

CPU = torch.device("cpu")


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


def test_each_treebank_gets_the_next_piece(model, tmp_path):
    before = Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab_size()
    target = tmp_path / "tokenizer.json"
    assert write_tokenizer(model / "tokenizer.json", ["en_a", "en_b"], target) == before
    tokenizer = Tokenizer.from_file(str(target))
    assert tokenizer.token_to_id("[treebank:en_a]") == before
    assert tokenizer.token_to_id("[treebank:en_b]") == before + 1


def test_text_never_becomes_such_a_piece(model, tmp_path):
    target = tmp_path / "tokenizer.json"
    first = write_tokenizer(model / "tokenizer.json", ["en_a"], target)
    encoded = Tokenizer.from_file(str(target)).encode("[treebank:en_a] a [treebank:en_a]")
    assert first not in encoded.ids


def test_pieces_are_not_added_twice(model, tmp_path):
    target = tmp_path / "tokenizer.json"
    write_tokenizer(model / "tokenizer.json", ["en_a"], target)
    with pytest.raises(CheckpointError, match=r"has the piece \[treebank:en_a\] already"):
        write_tokenizer(target, ["en_a"], tmp_path / "again.json")


def test_new_pieces_start_near_the_opening_piece(model):
    tagger, _ = load_model(model, device=CPU)
    table = tagger.encoder.embeddings.word_embeddings.weight.detach().clone()
    add_pieces(tagger, 2, first=len(table), opening=2)
    wider = tagger.encoder.embeddings.word_embeddings.weight
    assert tagger.encoder.config.vocab_size == len(table) + 2
    assert torch.equal(wider[:-2], table)
    assert (wider[-2:] - table[2]).abs().max() < table.std()
    assert wider.requires_grad


def test_a_table_of_another_size_is_refused(model):
    tagger, _ = load_model(model, device=CPU)
    with pytest.raises(CheckpointError, match="a table of 27 pieces, expected the tokenizer's 25"):
        add_pieces(tagger, 2, first=25, opening=2)


def test_tokenizer_file_stays_valid_json(model, tmp_path):
    target = tmp_path / "tokenizer.json"
    write_tokenizer(model / "tokenizer.json", ["en_a"], target)
    before, after = (json.loads(path.read_text()) for path in (model / "tokenizer.json", target))
    del after["model"]["vocab"]["[treebank:en_a]"]
    assert after == before
