import json

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from tokenizers import Tokenizer, models, pre_tokenizers

from mtag_core.__main__ import main
from mtag_core.training.networks.pretrained import load_encoder, piece_table, vocab_size
from tests.mtag_core.training.tiny_training import write_everything, write_raw_text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    write_everything(folder)
    write_raw_text(folder)
    return folder


def cut(folder, output, *more):
    paths = {"treebanks": "treebanks", "text": "raw", "encoder": "encoder"}
    named = [word for name, path in paths.items() for word in (f"--{name}", str(folder / path))]
    return main(["train", "cut-encoder", *named, "--output", str(output), *more])


def test_pieces_that_do_not_occur_go_and_the_others_keep_their_vectors(folder, tmp_path):
    path = folder / "encoder" / "tokenizer.json"
    content = json.loads(path.read_text())
    assert cut(folder, tmp_path / "small") == 0
    old = Tokenizer.from_file(str(path))
    new = Tokenizer.from_file(str(tmp_path / "small" / "tokenizer.json"))
    assert new.get_vocab_size() < old.get_vocab_size() == len(content["model"]["vocab"])
    assert vocab_size(str(tmp_path / "small")) == new.get_vocab_size()
    before, after = (
        piece_table(load_encoder(str(each), n_extra_pieces=0, dropout=0.0)).weight
        for each in (folder / "encoder", tmp_path / "small")
    )
    words = ["the", "cats", "sleep", "."]
    old_ids, new_ids = (each.encode(words, is_pretokenized=True).ids for each in (old, new))
    assert new.decode(new_ids) == old.decode(old_ids)
    assert torch.equal(before[old_ids], after[new_ids])
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    assert config["pad_token_id"] == new.token_to_id("[PAD]")


def test_special_pieces_stay_however_few_are_kept(folder, tmp_path):
    assert cut(folder, tmp_path / "small", "--n_pieces", "3") == 0
    pieces = Tokenizer.from_file(str(tmp_path / "small" / "tokenizer.json")).get_vocab()
    assert {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} < pieces.keys()
    assert len(pieces) == 8


def test_unigram_tokenizers_are_cut(folder, tmp_path):
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = "▁abcdefghijklmnopqrstuvwxyz."
    pieces = [*special, *letters, "▁the", "▁qq", "<mask>"]
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    unigram = models.Unigram([(piece, -1.0 - place) for place, piece in enumerate(pieces)], 3)
    tokenizer = Tokenizer(unigram)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens([*special, "<mask>"])
    tokenizer.save(str(encoder / "tokenizer.json"))
    for path in (folder / "encoder").iterdir():
        if path.name != "tokenizer.json":
            (encoder / path.name).write_bytes(path.read_bytes())
    assert cut(folder, tmp_path / "small", "--encoder", str(encoder)) == 0
    new = Tokenizer.from_file(str(tmp_path / "small" / "tokenizer.json"))
    assert new.token_to_id("▁qq") is None
    assert new.encode(["the"], is_pretokenized=True).tokens == ["▁the"]
    assert new.token_to_id("<mask>") == new.get_vocab_size() - 1


def test_encoder_without_tokenizer_is_an_error(folder, tmp_path, capsys):
    assert cut(folder, tmp_path / "small", "--encoder", str(tmp_path)) == 2
    assert "tokenizer.json: not there" in capsys.readouterr().err
