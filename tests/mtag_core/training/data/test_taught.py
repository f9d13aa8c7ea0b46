from dataclasses import replace

import pytest

from mtag_core.training.data.taught import (
    does_dev_sentence_teach,
    read_dev_sentences,
    read_training_sentences,
    taught_feats,
)
from mtag_core.training.data.treebanks import LabelledSentence
from tests.mtag_core.training.toy_treebanks import write_treebank


@pytest.fixture
def treebanks(tmp_path):
    for treebank in ("id_gsd", "en_toy"):
        for part in ("train", "dev"):
            write_treebank(tmp_path / f"{treebank}-ud-{part}.conllu", repeats=20)
    return tmp_path


def _n_by_part(sentences, treebank):
    parts = [sentence.part for sentence in sentences if sentence.treebank == treebank]
    return parts.count("train"), parts.count("dev")


def test_dev_sentences_teach_where_the_train_file_is_faulty(treebanks):
    taught, scored = read_training_sentences(treebanks), read_dev_sentences(treebanks)
    assert _n_by_part(taught, "id_gsd") == (80, 60)
    assert _n_by_part(scored, "id_gsd") == (0, 20)
    assert _n_by_part(taught, "en_toy") == (80, 0)
    assert _n_by_part(scored, "en_toy") == (0, 80)


def test_three_quarters_of_all_dev_files_teach_when_asked(treebanks):
    taught = read_training_sentences(treebanks, has_dev=True)
    scored = read_dev_sentences(treebanks, has_dev=True)
    assert _n_by_part(taught, "en_toy") == (80, 60)
    assert _n_by_part(scored, "en_toy") == (0, 20)


def test_whole_blocks_of_ten_sentences_are_kept_for_scoring():
    teaches = [does_dev_sentence_teach("en_toy", index, has_dev=True) for index in range(80)]
    assert teaches == [True] * 30 + [False] * 10 + [True] * 30 + [False] * 10


def test_faults_of_train_files_alone_are_repaired():
    sentence = LabelledSentence("lv_lvtb", ("ir",), ("VERB",), ("Evident=Fh,Nfh",), "train")
    assert taught_feats(sentence) == ("Evident=Fh",)
    assert taught_feats(replace(sentence, part="dev")) == ("Evident=Fh,Nfh",)
