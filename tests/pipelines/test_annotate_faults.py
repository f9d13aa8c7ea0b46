"""annotate over bad input, end to end: the rest is tagged, the bad is in rejects with a reason."""

import gzip
import json
import os

import pytest

from pipelines import annotate as entry
from pipelines.annotate import main
from tests.pipelines.trees import FAKE_MODEL, annotate

_GOOD = "Ana reads a book. It is fine.\n"
_N_GOOD_SENTENCES = 2


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.txt").write_text(_GOOD, "utf-8")
    return tmp_path / "in"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def _report(output):
    return json.loads((output / "run.json").read_text("utf-8"))


def _rejects(output):
    lines = [line for path in output.glob("rejects/*") for line in path.open(encoding="utf-8")]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x02\x01\x01\x00\x00\xff\xfe" * 50, "binary"),
        ("caf\u00e9".encode("latin-1"), "invalid_utf8"),
        (b"Some \x00 text.", "nul_character"),
        (b"half a pair \xed\xa0\x80 here", "invalid_utf8"),
    ],
)
def test_a_bad_text_file_is_rejected_with_its_bytes(folder, output, data, reason):
    (folder / "bad.txt").write_bytes(data)
    assert annotate(f"{folder}/*.txt", output) == 0
    [reject] = _rejects(output)
    assert reject["reason"] == reason
    assert reject["source"] == f"{folder}/bad.txt"
    assert reject["n_input_bytes"] == len(data)
    assert _report(output)["counts"]["sentences"] == _N_GOOD_SENTENCES


def test_bad_json_lines_are_rejected_one_by_one(folder, output):
    lines = [
        '{"text": "Ana reads."}',
        '{"text": "broken',
        '{"txt": "no such field"}',
        '{"text": 7}',
        '{"text": "half \\ud800 pair"}',
        '{"text": "It is fine."}',
    ]
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    assert annotate(f"{folder}/*.jsonl", output) == 0
    report = _report(output)
    assert report["counts"]["documents"] == 6
    assert report["counts"]["tagged"] == 2
    assert report["rejects_by_reason"] == {
        "invalid_json": 1,
        "lone_surrogate": 1,
        "missing_field": 1,
        "wrong_type": 1,
    }


def test_a_truncated_gz_keeps_what_came_before(folder, output):
    whole = gzip.compress("".join(f"{_GOOD[:-1]} {n}\n" for n in range(3000)).encode())
    (folder / "cut.txt.gz").write_bytes(whole[: len(whole) // 2])
    assert annotate(f"{folder}/*", output, "--document=line") == 0
    report = _report(output)
    assert report["rejects_by_reason"] == {"truncated": 1}
    assert report["counts"]["tagged"] > 100


def test_a_file_that_vanishes_after_planning_is_a_reject(folder, output, monkeypatch):
    (folder / "gone.txt").write_text(_GOOD, "utf-8")

    def vanish(*arguments, **keywords):
        (folder / "gone.txt").unlink()
        return write_plan(*arguments, **keywords)

    write_plan = entry.write_plan
    monkeypatch.setattr(entry, "write_plan", vanish)
    # Planned from a listing made before.
    assert annotate(f"{folder}/*.txt", output) == 0
    report = _report(output)
    assert report["rejects_by_reason"] == {"vanished": 1}
    assert report["counts"]["tagged"] == 1


def test_an_empty_file_is_a_document_without_sentences(folder, output):
    (folder / "empty.txt").touch()
    assert annotate(f"{folder}/*.txt", output) == 0
    counts = _report(output)["counts"]
    assert (counts["documents"], counts["rejected"]) == (2, 0)
    assert counts["sentences"] == _N_GOOD_SENTENCES


def test_a_line_of_50_mb_is_a_reject_and_the_rest_is_tagged(folder, output):
    with (folder / "long.txt").open("w", encoding="utf-8") as stream:
        stream.write(_GOOD)
        for _ in range(50):
            stream.write("a" * 2**20)
        stream.write("\n" + _GOOD)
    flags = ["--input", f"{folder}/*.txt", "--output", str(output), "--document=line"]
    assert main(flags, model=FAKE_MODEL) == 0
    report = _report(output)
    assert report["rejects_by_reason"] == {"document_too_large": 1}
    assert report["counts"]["sentences"] == 3 * _N_GOOD_SENTENCES


@pytest.mark.parametrize(
    "text",
    ["word " * 5000 + ".", "a" * 10_000 + " is one token.", "e" + "\u0301" * 100_000 + " ends."],
)
def test_long_sentences_tokens_and_marks_are_tagged(folder, output, text):
    (folder / "odd.txt").write_text(text, "utf-8")
    assert annotate(f"{folder}/*.txt", output) == 0
    counts = _report(output)["counts"]
    assert (counts["tagged"], counts["rejected"]) == (2, 0)


@pytest.mark.parametrize("name", ["parquet", "jsonl", "conllu"])
def test_a_file_name_that_is_no_utf8_is_written_with_a_replacement(folder, output, name):
    with open(os.fsencode(folder) + b"/bad-\xff.txt", "w", encoding="utf-8") as stream:
        stream.write(_GOOD)
    assert annotate(f"{folder}/*.txt", output, f"--format={name}") == 0
    assert _report(output)["counts"]["tagged"] == 2


def test_rejects_can_be_read_in_again(folder, output, tmp_path):
    (folder / "bad.txt").write_text("This is poison.", "utf-8")
    annotate(f"{folder}/*.txt", output)
    flags = ["--text_field=input", "--id_field=doc_id"]
    # It fails again, and so does a run in which nothing else was to be tagged.
    assert annotate(f"{output}/rejects/*.jsonl", tmp_path / "again", *flags) == 1
    [reject] = _rejects(tmp_path / "again")
    assert reject["doc_id"] == f"{folder}/bad.txt"
    assert reject["reason"] == "tagging_failed"
