import lzma

import pytest

from mtag_core.errors import ConlluError, InputNotFoundError, LabelError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.train_dev_split import TreebankSplit
from mtag_core.training.data.treebanks import (
    LabelledSentence,
    feats_inventory,
    read_treebank,
    sort_feats,
    treebank_files,
)

CONLLU = (
    "# sent_id = 1\n"
    "1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tde\t_\tADP\t_\t_\t_\t_\t_\t_\n"
    "2\tle\t_\tDET\t_\tNumber=Sing|Gender=Masc\t_\t_\t_\t_\n"
    "2.1\tvu\t_\tVERB\t_\t_\t_\t_\t_\t_\n"
)


def test_only_tokens_are_read(tmp_path):
    path = tmp_path / "fr_toy-ud-train.conllu.xz"
    path.write_bytes(lzma.compress(CONLLU.encode()))
    (sentence,) = read_treebank(path)
    assert sentence == LabelledSentence(
        "fr_toy",
        ("de", "le"),
        ("ADP", "DET"),
        ("_", "Gender=Masc|Number=Sing"),
        lemmas=("_", "_"),
    )


def test_a_short_line_names_file_and_line(tmp_path):
    path = tmp_path / "x-ud-train.conllu"
    path.write_text("1\tword\n")
    with pytest.raises(ConlluError, match=r"x-ud-train.conllu:1: 2 column.*expected 10"):
        list(read_treebank(path))


def test_no_treebank_is_an_error(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"no file named \*-train.conllu"):
        treebank_files(tmp_path, "train")


def test_attributes_are_sorted_without_regard_to_case():
    assert sort_feats("b=1|C=2|A=3") == "A=3|b=1|C=2"


def test_inventory_starts_with_none_then_falls_in_frequency():
    sentence = LabelledSentence("x", ("a",) * 4, ("X",) * 4, ("_", "B=1", "A=1", "B=1"))
    assert feats_inventory([sentence]) == ["_", "B=1", "A=1"]


def test_an_unknown_tag_is_named():
    sentence = LabelledSentence("xx_a", ("a", "b"), ("X", "NOPE"), ("_", "_"), lemmas=("a", "b"))
    with pytest.raises(LabelError, match="xx_a: 'NOPE' is no UPOS tag"):
        TreebankCorpus.of(TreebankSplit([sentence], []))
