"""Tags depend on the sentence, not on batches, order or workers."""

import json
import random

import pyarrow.parquet as pq
import pytest

from pipelines.annotate import run
from pipelines.options import parse_options
from tests.source_tree import ROOT

_SAMPLE = ROOT / "sample_data"
_N_FILES = 8
_TWO_WORKERS = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
_TWO_THREADS = ("--direct_num_workers=2", "--direct_running_mode=in_memory")


@pytest.fixture(scope="module")
def records():
    paths = [*sorted((_SAMPLE / "text").glob("*.txt")), _SAMPLE / "mixed.txt"]
    return [
        {"id": f"{path.stem}:{number}", "text": line}
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").split("\n")[:30])
    ]


def annotated(folder, records, flags=()):
    """Rows by document and sentence, but for what names their part."""
    (folder / "in").mkdir(parents=True)
    for number in range(_N_FILES):
        lines = (json.dumps(record) + "\n" for record in records[number::_N_FILES])
        (folder / "in" / f"{number}.jsonl").write_text("".join(lines))
    argv = ["--input", f"{folder}/in/", "--output", f"{folder}/out", "--id_field=id"]
    run(parse_options([*argv, "--item_bytes=16384", *flags]))
    rows = {}
    for path in sorted((folder / "out" / "parts").iterdir()):
        for row in pq.read_table(path).drop_columns(["sent_id"]).to_pylist():
            rows[row["doc_id"], row["sentence_index"]] = row
    return rows


@pytest.fixture(scope="module")
def usual(records, tmp_path_factory):
    rows = annotated(tmp_path_factory.mktemp("usual"), records)
    assert len({row["language"] for row in rows.values()}) >= 15
    assert sum(len(row["forms"]) for row in rows.values()) > 1500
    return rows


@pytest.mark.parametrize(
    "flags", [("--piece_budget=256",), ("--piece_budget=16384",), _TWO_WORKERS, _TWO_THREADS]
)
def test_tags_do_not_depend_on_batches_or_workers(usual, records, flags, tmp_path):
    assert annotated(tmp_path, records, flags) == usual


def test_tags_do_not_depend_on_the_order_of_texts(usual, records, tmp_path):
    assert annotated(tmp_path, random.Random(1).sample(records, len(records))) == usual
