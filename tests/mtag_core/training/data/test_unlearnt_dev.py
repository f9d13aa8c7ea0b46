import pytest

from mtag_core.training.data.taught import read_dev_sentences
from mtag_core.training.data.treebanks import read_treebank
from mtag_core.training.data.unlearnt_dev import write_unlearnt_dev
from tests.mtag_core.training.toy_treebanks import write_treebank


@pytest.fixture
def treebanks(tmp_path):
    folder = tmp_path / "ud"
    folder.mkdir()
    for treebank in ("en_toy", "id_gsd"):
        write_treebank(folder / f"{treebank}-ud-dev.conllu", repeats=20)
    return folder


@pytest.mark.parametrize("has_dev", [True, False])
def test_what_is_scored_while_training_is_written(treebanks, tmp_path, has_dev):
    files = write_unlearnt_dev(treebanks, tmp_path, has_dev=has_dev)
    written = [sentence for file in files for sentence in read_treebank(tmp_path / file)]
    assert written == read_dev_sentences(treebanks, has_dev=has_dev)


def test_lines_are_copied_as_they_are(treebanks, tmp_path):
    (file, *_) = write_unlearnt_dev(treebanks, tmp_path, has_dev=True)
    source = (treebanks / "en_toy-ud-dev.conllu").read_text()
    copied = (tmp_path / file).read_text()
    assert copied.startswith("# toy\n1\ta\t")
    assert all(block in source for block in copied.split("\n\n"))
    assert copied.count("\n\n") == 20
