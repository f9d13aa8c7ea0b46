"""annotate end to end over the sample data, with the model that ships."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mtag_core import conllu
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.corpus.registry import read_item
from mtag_core.records import Document
from mtag_core.storage import list_files
from pipelines.annotate import main
from tests.pipelines.trees import tree

SAMPLE = Path(__file__).parents[2] / "sample_data"


def _annotate(output: Path, *flags: str) -> Path:
    assert main([f"--input={SAMPLE}/", f"--output={output}", *flags]) == 0
    return output


def _rows(output: Path) -> list[dict]:
    return [row for path in sorted((output / "parts").iterdir()) for row in _table(path)]


def _table(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    return _annotate(tmp_path_factory.mktemp("sample") / "out")


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    options = ReadOptions()
    files = list_files([f"{SAMPLE}/"])
    read = (
        d for item in ItemPlanner(options, salt="").plan(files) for d in read_item(item, options)
    )
    return {document.doc_id: document for document in read if isinstance(document, Document)}


def test_every_document_is_tagged(output, documents):
    assert {row["doc_id"] for row in _rows(output)} == set(documents)
    counts = json.loads((output / "run.json").read_text())["counts"]
    assert (counts["documents"], counts["rejected"]) == (len(documents), 0)


def test_offsets_slice_the_documents(output, documents):
    for row in _rows(output):
        text = documents[row["doc_id"]].text
        assert text[row["start"] : row["end"]] == row["text"]
        covered = {i for m in row["multiword_tokens"] for i in range(m["first"], m["last"] + 1)}
        for index, form in enumerate(row["forms"]):
            if index not in covered:
                assert text[row["starts"][index] : row["ends"][index]] == form


def test_many_languages_and_all_parts_of_speech_are_found(output):
    rows = _rows(output)
    assert len({row["language"] for row in rows}) >= 20
    assert len({upos for row in rows for upos in row["upos"]}) >= 15


@pytest.mark.parametrize(
    "flags",
    [["--piece_budget=64"], ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]],
    ids=["small batches", "two processes"],
)
def test_the_bytes_do_not_depend_on_batches_or_workers(output, tmp_path, flags):
    assert tree(_annotate(tmp_path / "out", *flags)) == tree(output)


def test_conllu_is_valid_and_holds_the_same_tags(output, tmp_path):
    flags = ["--format=conllu", "--compression=none"]
    parts = sorted((_annotate(tmp_path / "out", *flags) / "parts").iterdir())
    text = "".join(path.read_text("utf-8") for path in parts)
    sentences = list(conllu.read(text.split("\n")))
    assert "".join(conllu.write(sentences)) == text
    assert len({s.metadata["sent_id"] for s in sentences}) == len(sentences)
    upos = [[row[conllu.UPOS] for row in sentence.tokens] for sentence in sentences]
    assert sorted(upos) == sorted(row["upos"] for row in _rows(output))


def test_a_style_is_part_of_what_parts_are(output, tmp_path):
    told = _annotate(tmp_path / "told", "--treebank_style=fr_sequoia")
    names = [{path.name for path in (folder / "parts").iterdir()} for folder in (output, told)]
    assert not names[0] & names[1]
    config = json.loads((told / "config.json").read_text("utf-8"))
    assert config["treebank_style"] == ["fr_sequoia"]
    plain, follows = (
        {(row["doc_id"], row["sentence_index"]): row for row in _rows(folder)}
        for folder in (output, told)
    )
    changed = {
        row["language"] for key, row in plain.items() if row["feats"] != follows[key]["feats"]
    }
    assert changed == {"fr"}
