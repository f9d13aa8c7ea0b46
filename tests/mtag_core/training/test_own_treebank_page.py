"""Runs the page about treebanks of one's own, on a very small one."""

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core import Tagger
from tests.docs.test_pages import run, sections

FORMS = (("Me", "PRON"), ("a", "PART"), ("zo", "AUX"), ("skuizh", "ADJ"), (".", "PUNCT"))


# Half a minute of a core; more where others want it.
@pytest.mark.timeout(900)
def test_the_commands_of_the_page_make_a_bundle(tmp_path):
    folder = tmp_path / "my-treebanks" / "UD_Breton-Mine"
    folder.mkdir(parents=True)
    rows = [f"{n}\t{form}\t_\t{upos}" + "\t_" * 6 for n, (form, upos) in enumerate(FORMS, start=1)]
    sentences = "".join("\n".join([*rows, "", ""]) for _ in range(12))
    (folder / "br_mine-ud-train.conllu").write_text(sentences, "utf-8")
    blocks = [block for each in sections("docs/own-treebank.md").values() for block in each]
    printed = [run(block, tmp_path) for block in blocks]
    assert len(blocks) == 2
    assert "before: dev UPOS" in printed[0] and "after: dev UPOS" in printed[0]
    tagger = Tagger.load(tmp_path / "my-bundle")
    assert (tagger.languages["br"], "br_mine" in tagger.treebanks) == ("trained", True)
    assert tagger.digest != Tagger.load().digest
    assert "PUNCT" in printed[1]
