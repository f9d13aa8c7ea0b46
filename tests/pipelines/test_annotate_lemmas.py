"""annotate and tag with a bundle that has lemmas."""

import json

import pyarrow.parquet as pq
import pytest

from mtag_core import Tagger, conllu
from mtag_core.__main__ import main as mtag
from pipelines.annotate import main
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle

TEXT = "abc bca. cab abab."


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_word_bundle(tmp_path_factory.mktemp("words") / "bundle")


@pytest.fixture
def annotate(bundle, tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)

    def run(form):
        output = tmp_path / form
        flags = [f"--model={bundle}", f"--format={form}", "--compression=none"]
        assert main([f"--input={tmp_path}/a.txt", f"--output={output}", *flags]) == 0
        return next((output / "parts").iterdir())

    return run


def test_parts_have_the_lemmas_of_the_tagger(bundle, annotate, capsys):
    tagged = Tagger.load(bundle).tag(TEXT)
    expected = [[token.lemma for token in sentence] for sentence in tagged]
    assert pq.read_table(annotate("parquet")).column("lemmas").to_pylist() == expected
    assert "lemma" in capsys.readouterr().out
    rows = [json.loads(line) for line in annotate("jsonl").read_text().splitlines()]
    assert [row["lemmas"] for row in rows] == expected
    with annotate("conllu").open() as lines:
        sentences = list(conllu.read(lines))
    assert [[row[conllu.LEMMA] for row in each.tokens] for each in sentences] == expected


def test_the_table_of_a_text_has_lemmas(bundle, capsys):
    assert mtag(["tag", "--bundle", str(bundle), TEXT]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["token", "lemma", "UPOS"]
