"""Counts, report and times of whole runs."""

import json
from collections import Counter

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tests.pipelines.trees import annotate, tree, write_corpus


@pytest.fixture(scope="module")
def pattern(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("in")
    (folder / "bad.txt").write_bytes(b"\xff\xff abc")
    write_corpus(folder, n_files=3, n_lines=60)
    return str(folder / "*.txt")


@pytest.fixture(scope="module")
def output(pattern, tmp_path_factory):
    output = tmp_path_factory.mktemp("run") / "out"
    assert annotate(pattern, output) == 0
    return output


def test_counts_are_those_of_the_parts(output):
    rows = ds.dataset(output / "parts").to_table(columns=["doc_id", "upos", "forms"]).to_pylist()
    counts = pq.read_table(output / "counts.parquet").to_pylist()
    words = pq.read_table(output / "words.parquet").to_pylist()
    by_document = Counter((row["doc_id"], upos) for row in rows for upos in row["upos"])
    assert {(row["document"], row["upos"]): row["n"] for row in counts} == by_document
    by_word = Counter(pair for row in rows for pair in zip(row["upos"], row["forms"], strict=True))
    assert {(row["upos"], row["form"]): row["n"] for row in words} == by_word


@pytest.mark.parametrize("form", ["conllu", "vertical"])
def test_every_format_has_the_same_counts_and_samples(pattern, output, tmp_path, form):
    assert annotate(pattern, tmp_path / "out", f"--format={form}") == 0
    for name in ("counts.parquet", "words.parquet"):
        one, other = (pq.read_table(each / name) for each in (output, tmp_path / "out"))
        assert sorted(map(str, one.to_pylist())) == sorted(map(str, other.to_pylist()))
    data = [json.loads((each / "report.json").read_text()) for each in (output, tmp_path / "out")]
    assert len(data[0]["samples"]) == len(data[1]["samples"]) == 20
    assert {json.dumps(each["tokens"]) for each in data[1]["samples"]} & {
        json.dumps(each["tokens"]) for each in data[0]["samples"]
    }


def test_a_cut_file_of_counts_is_made_again(pattern, tmp_path):
    output = tmp_path / "out"
    assert annotate(pattern, output) == 0
    before = tree(output)
    part = next((output / "counts").iterdir())
    part.write_bytes(part.read_bytes()[:-1])
    assert annotate(pattern, output) == 0
    assert tree(output) == before


def test_the_report_has_the_times_of_all_runs(pattern, output):
    first = (output / "report.html").read_text("utf-8")
    assert annotate(pattern, output) == 0
    second = (output / "report.html").read_text("utf-8")
    runs = [json.loads(path.read_text()) for path in (output / "runs").iterdir()]
    assert all(run["ended"] in second for run in runs) and runs[0]["version"]
    assert "bad.txt" in first and "What helps: " in first
