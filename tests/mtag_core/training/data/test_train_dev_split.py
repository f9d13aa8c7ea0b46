from dataclasses import replace

import pytest

from mtag_core.training.data.train_dev_split import (
    is_trained_on,
    read_dev_sentences,
    read_training_sentences,
    training_feats,
    write_held_out_dev,
)
from mtag_core.training.data.treebanks import LabelledSentence, read_treebank
from tests.mtag_core.training.toy_treebanks import write_treebank


@pytest.fixture
def treebanks(tmp_path):
    for treebank in ("id_gsd", "en_toy"):
        for part in ("train", "dev"):
            write_treebank(tmp_path / f"{treebank}-ud-{part}.conllu", repeats=20)
    return tmp_path


@pytest.fixture
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("held_out")


def _n_by_part(sentences, treebank):
    parts = [sentence.part for sentence in sentences if sentence.treebank == treebank]
    return parts.count("train"), parts.count("dev")


def test_dev_sentences_are_trained_on_where_the_train_file_is_faulty(treebanks):
    train, held_out = read_training_sentences(treebanks), read_dev_sentences(treebanks)
    assert _n_by_part(train, "id_gsd") == (80, 60)
    assert _n_by_part(held_out, "id_gsd") == (0, 20)
    assert _n_by_part(train, "en_toy") == (80, 0)
    assert _n_by_part(held_out, "en_toy") == (0, 80)


def test_three_quarters_of_all_dev_files_are_trained_on_when_asked(treebanks):
    train = read_training_sentences(treebanks, train_on_dev=True)
    held_out = read_dev_sentences(treebanks, train_on_dev=True)
    assert _n_by_part(train, "en_toy") == (80, 60)
    assert _n_by_part(held_out, "en_toy") == (0, 20)


def test_whole_blocks_of_ten_sentences_are_held_out():
    is_trained = [is_trained_on("en_toy", index, train_on_dev=True) for index in range(80)]
    assert is_trained == [True] * 30 + [False] * 10 + [True] * 30 + [False] * 10


def test_faults_of_train_files_alone_are_repaired():
    sentence = LabelledSentence("lv_lvtb", ("ir",), ("VERB",), ("Evident=Fh,Nfh",), "train")
    assert training_feats(sentence) == ("Evident=Fh",)
    assert training_feats(replace(sentence, part="dev")) == ("Evident=Fh,Nfh",)


@pytest.mark.parametrize("train_on_dev", [True, False])
def test_held_out_sentences_are_written(treebanks, output, train_on_dev):
    files = write_held_out_dev(treebanks, output, train_on_dev=train_on_dev)
    written = [sentence for file in files for sentence in read_treebank(output / file)]
    assert written == read_dev_sentences(treebanks, train_on_dev=train_on_dev)


def test_lines_are_copied_as_they_are(treebanks, output):
    (file, *_) = write_held_out_dev(treebanks, output, train_on_dev=True)
    source = (treebanks / "en_toy-ud-dev.conllu").read_text()
    copied = (output / file).read_text()
    assert copied.startswith("# toy\n1\ta\t")
    assert all(block in source for block in copied.split("\n\n"))
    assert copied.count("\n\n") == 20
