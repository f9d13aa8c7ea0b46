"""What teacher_logits writes over the sample data, held to a digest and to weighted sums.

The text of the rows is compared exactly. Logits differ in their last digits between processors, so
of each column of numbers the file keeps a sum with position-dependent weights.
`pytest --update-golden` writes the file anew; review the difference.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.teacher_logits import main
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle

SAMPLE = Path(__file__).parents[2] / "sample_data"
GOLDEN = Path(__file__).parents[1] / "golden" / "teacher_logits_sample.json"
_TEXT_COLUMNS = ("doc_id", "sentence_index", "language", "text", "start", "end", "forms")
# Column -> by how much its sum may differ: two labels of nearly equal logits may change places.
_COLUMN_TO_TOLERANCE = {
    "upos_logits": 0.1,
    "feats_ids": 150,
    "feats_logits": 0.1,
    "feats_rest": 0.1,
}


@pytest.fixture
def sample(tmp_path, monkeypatch) -> str:
    """The sample data by a relative path, so that document ids are the same everywhere."""
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    monkeypatch.chdir(tmp_path)
    return "sample_data"


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("chosen", ["--max_sentences_per_language=9"]),
        ("all", ["--no-deduplicate", "--min_tokens=1"]),
    ],
)
def test_output_is_as_it_was(sample, tmp_path, name, flags, update_golden):
    teacher = write_word_bundle(tmp_path / "teacher")
    assert main([f"--input={sample}/", f"--teacher={teacher}", "--output=out", *flags]) == 0
    found = _summary(Path("out"))
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if update_golden:
        GOLDEN.write_text(json.dumps(golden | {name: found}, indent=1, sort_keys=True) + "\n")
        return
    assert found["text"] == golden[name]["text"]
    assert found["counts"] == golden[name]["counts"]
    for column, tolerance in _COLUMN_TO_TOLERANCE.items():
        expected = golden[name]["sums"][column]
        assert found["sums"][column] == pytest.approx(expected, abs=tolerance), column


def _summary(output: Path) -> dict:
    rows = sorted(_rows(output), key=lambda row: (row["doc_id"], row["sentence_index"]))
    text = [{name: row[name] for name in _TEXT_COLUMNS} for row in rows]
    report = json.loads((output / "run.json").read_text())
    counts = {name: n for name, n in report["counts"].items() if name != "parts"}
    sums = {name: _weighted_sum([row[name] for row in rows]) for name in _COLUMN_TO_TOLERANCE}
    return {
        "text": hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest(),
        "counts": counts | {"tokens_by_language": report["tokens_by_language"]},
        "sums": sums,
    }


def _rows(output: Path) -> Iterator[dict]:
    for path in (output / "parts").iterdir():
        yield from pq.read_table(path).to_pylist()


def _weighted_sum(lists: list[list[float]]) -> float:
    values = np.concatenate(lists).astype(np.float64)
    return round(float(values @ np.cos(np.arange(len(values)))), 3)
