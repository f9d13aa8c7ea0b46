from collections import Counter
from dataclasses import replace

import pytest

from mtag_core.training.data.train_dev_split import (
    is_trained_on,
    read_split,
    resegment_unpunctuated,
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
    split = read_split(treebanks)
    assert _n_by_part(split.learnt, "id_gsd") == (80, 60)
    assert _n_by_part(split.held_out, "id_gsd") == (0, 20)
    assert _n_by_part(split.learnt, "en_toy") == (80, 0)
    assert _n_by_part(split.held_out, "en_toy") == (0, 80)


def test_three_quarters_of_all_dev_files_are_trained_on_when_asked(treebanks):
    split = read_split(treebanks, train_on_dev=True)
    assert _n_by_part(split.learnt, "en_toy") == (80, 60)
    assert _n_by_part(split.held_out, "en_toy") == (0, 20)


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
    assert written == read_split(treebanks, train_on_dev=train_on_dev).held_out


def test_lines_are_copied_as_they_are(treebanks, output):
    (file, *_) = write_held_out_dev(treebanks, output, train_on_dev=True)
    source = (treebanks / "en_toy-ud-dev.conllu").read_text()
    copied = (output / file).read_text()
    assert copied.startswith("# toy\n1\ta\t")
    assert all(block in source for block in copied.split("\n\n"))
    assert copied.count("\n\n") == 20


def _sentences(treebank, *, last_upos, n_sentences=200, part="train"):
    return [
        LabelledSentence(
            treebank,
            (f"w{index}", "goes", "here"),
            ("NOUN", "VERB", last_upos),
            ("_", "Tense=Pres", "_"),
            part,
        )
        for index in range(n_sentences)
    ]


def _tokens(sentences):
    return [
        token
        for sentence in sentences
        for token in zip(sentence.forms, sentence.upos, sentence.feats, strict=True)
    ]


def test_tokens_of_unpunctuated_treebanks_come_once_more_in_order():
    speech = _sentences("sl_sst", last_upos="ADV")
    resegmented = resegment_unpunctuated(speech, seed=1)
    assert _tokens(resegmented) == _tokens(speech)
    lengths = [len(sentence.forms) for sentence in resegmented]
    assert all(6 <= length <= 50 for length in lengths[:-1]) and len(set(lengths)) > 5


def test_punctuated_treebanks_are_left_alone():
    assert resegment_unpunctuated(_sentences("en_gum", last_upos="PUNCT"), seed=1) == []


def test_parts_and_treebanks_are_not_mixed():
    speech = _sentences("sl_sst", last_upos="ADV") + _sentences(
        "sl_sst", last_upos="ADV", part="dev"
    )
    resegmented = resegment_unpunctuated(speech + _sentences("en_gum", last_upos="PUNCT"), seed=1)
    n_tokens = Counter()
    for sentence in resegmented:
        n_tokens[sentence.treebank, sentence.part] += len(sentence.forms)
    assert n_tokens == {("sl_sst", "train"): 600, ("sl_sst", "dev"): 600}


def test_a_seed_decides_where_sentences_are_cut():
    speech = _sentences("sl_sst", last_upos="ADV")
    assert resegment_unpunctuated(speech, seed=1) == resegment_unpunctuated(speech, seed=1)
    assert resegment_unpunctuated(speech, seed=1) != resegment_unpunctuated(speech, seed=2)


def test_latvian_evidentiality_is_rewritten():
    sentence = LabelledSentence("lv_lvtb", ("ir",), ("VERB",), ("Evident=Fh,Nfh|Mood=Ind",))
    assert training_feats(sentence) == ("Evident=Fh|Mood=Ind",)


def test_indonesian_train_feats_are_not_learnt():
    assert training_feats(LabelledSentence("id_gsd", ("itu",), ("PRON",), ("_",))) == (None,)


def test_other_treebanks_are_left_alone():
    sentence = LabelledSentence("en_toy", ("x",), ("PROPN",), ("_",))
    assert training_feats(sentence) == ("_",)
