"""What annotate writes over the sample data, held to digests: a refactoring must not change it.

Part names and generated sentence ids carry the inputs' modification times and the options, and
scores differ in their last digit between processors, so sentences are compared without them.
`pytest --update-golden` writes the digests anew; review the difference.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard

from mtag_core.tagging.bundle import Bundle
from pipelines.annotate import main

SAMPLE = Path(__file__).parents[2] / "sample_data"
GOLDEN = Path(__file__).parents[1] / "golden" / "annotate_sample.json"
_GENERATED_ID = re.compile(r"\b[0-9a-f]{16}\.\d+\.(?=\d+\b)")
_GENERATOR = re.compile(r"^# generator = mtag .+\n", re.M)
_SCORES = ("upos_scores", "feats_scores")


@pytest.fixture
def sample(tmp_path, monkeypatch) -> str:
    """The sample data by a relative path, so that document ids are the same everywhere."""
    (tmp_path / "sample_data").symlink_to(SAMPLE)
    monkeypatch.chdir(tmp_path)
    return "sample_data"


@pytest.mark.parametrize("form", ["parquet", "conllu", "jsonl"])
def test_output_is_as_it_was(sample, form, update_golden):
    assert main([f"--input={sample}/", "--output=out", f"--format={form}"]) == 0
    found = {"bundle": Bundle.open(None).digest, "output": _digest(Path("out"), form)}
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if update_golden:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(golden | {form: found}, indent=1, sort_keys=True) + "\n")
        return
    assert found == golden[form]


def _digest(output: Path, form: str) -> str:
    digest = hashlib.sha256()
    sentences = (_GENERATED_ID.sub("", each) for each in _sentences(output, form))
    for sentence in sorted(_GENERATOR.sub("", each) for each in sentences):
        digest.update(sentence.encode() + b"\n")
    report = json.loads((output / "run.json").read_text())
    del report["config"], report["parts"], report["counts"]["parts"], report["generators"]
    digest.update(json.dumps(report, sort_keys=True).encode())
    return digest.hexdigest()


def _sentences(output: Path, form: str) -> Iterator[str]:
    for path in (output / "parts").iterdir():
        if form == "parquet":
            yield from map(_without_scores, pq.read_table(path).to_pylist())
            continue
        with zstandard.open(path, "rt", encoding="utf-8", newline="") as stream:
            if form == "conllu":
                yield from stream.read().split("\n\n")
            else:
                yield from (_without_scores(json.loads(line)) for line in stream)


def _without_scores(row: dict) -> str:
    return json.dumps({name: row[name] for name in row if name not in _SCORES}, sort_keys=True)
