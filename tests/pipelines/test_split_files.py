"""annotate over single compressed files: one worker reads, all tag."""

import bz2
import gzip
import json
import lzma
import random

import pyarrow.parquet as pq
import pytest
import zstandard

from mtag_core.parts.part_records import slice_item
from tests.pipelines.killing import finished, kill_in_mid_run
from tests.pipelines.trees import ARGUMENTS, annotate, tree

_COMPRESS = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": zstandard.compress,
}


def _lines(n_lines, seed=1):
    """JSON lines that hardly compress; one is broken, one cannot be tagged."""
    rng = random.Random(seed)
    for number in range(n_lines):
        text = f"Ana reads {rng.getrandbits(600):x}. It is fine."
        text = "This is poison." if number == 7 else text
        yield json.dumps({"id": f"d{number}", "text": text}) if number != 9 else "{broken"


def _data(n_lines=200, seed=1):
    return "\n".join(_lines(n_lines, seed)).encode()


@pytest.fixture
def path(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.jsonl.gz"
    path.write_bytes(_COMPRESS["gz"](_data()))
    return path


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def _run(path, output, *flags):
    assert annotate(str(path), output, "--id_field=id", *flags) == 0
    return tree(output)


def _rows(output):
    rows = [row for part in (output / "parts").iterdir() for row in pq.read_table(part).to_pylist()]
    rows.sort(key=lambda row: (row["doc_id"], row["sentence_index"]))
    return [{**row, "sent_id": None} for row in rows]


def _report(output):
    report = json.loads((output / "run.json").read_text("utf-8"))
    return {name: report[name] for name in ("rejects_by_reason", "tokens_by_upos", "counts")}


@pytest.mark.parametrize("codec", list(_COMPRESS))
def test_slices_hold_the_rows_of_the_whole_file(tmp_path, output, codec):
    path = tmp_path / f"a.jsonl.{codec}"
    path.write_bytes(_COMPRESS[codec](_data()))
    _run(path, output)
    _run(path, tmp_path / "whole", "--spool_bytes=0")
    assert len(finished(output)) > 5
    assert len(finished(tmp_path / "whole")) == 1
    assert _rows(output) == _rows(tmp_path / "whole")
    reports = [_report(output), _report(tmp_path / "whole")]
    for report in reports:
        del report["counts"]["parts"]
    assert reports[0] == reports[1]
    assert reports[0]["rejects_by_reason"] == {"invalid_json": 1, "tagging_failed": 1}


def test_worker_processes_give_the_same_tree_as_one_process(path, output, tmp_path):
    assert _run(path, output) == _run(path, tmp_path / "two", "--direct_num_workers=2")


def test_the_spool_is_empty_at_the_end_and_the_list_stays(path, output):
    names = _run(path, output)
    assert not [name for name in names if name.startswith("spool/")]
    assert len([name for name in names if name.startswith("slices/")]) == 1


def test_a_second_run_reads_nothing_and_makes_nothing(path, output):
    before, times = _run(path, output), finished(output)
    assert (_run(path, output), finished(output)) == (before, times)


def test_a_slice_that_somebody_removed_is_made_again(path, output):
    before = _run(path, output)
    next((output / "parts").iterdir()).unlink()
    assert _run(path, output) == before


def test_a_new_file_leaves_slices_alone_and_a_changed_one_replaces_them(path, output, tmp_path):
    _run(path.parent / "*", output)
    before = finished(output)
    (path.parent / "b.jsonl.gz").write_bytes(_COMPRESS["gz"](_data(20, seed=2)))
    _run(path.parent / "*", output)
    assert before.items() < finished(output).items()
    path.write_bytes(_COMPRESS["gz"](_data(90, seed=3)))
    names = _run(path.parent / "*", output)
    assert not before.keys() & finished(output).keys()
    assert len([name for name in names if name.startswith("slices/")]) == 1
    _run(path.parent / "*", tmp_path / "clean")
    assert _rows(output) == _rows(tmp_path / "clean")


def test_repack_gives_the_bytes_of_a_run_at_once(path, output, tmp_path):
    _run(path, output, "--item_bytes=6000", "--spool_bytes=9000")
    assert _run(path, output, "--repack") == _run(path, tmp_path / "clean")


def test_killed_and_run_again_gives_the_tree_of_a_clean_run(path, output, tmp_path):
    path.write_bytes(_COMPRESS["gz"](_data(4000)))
    flags = ["--id_field=id", "--item_bytes=40000", "--spool_bytes=100000"]
    clean = _run(path, tmp_path / "clean", *flags)
    command = ["tests.pipelines.annotate_fake", *ARGUMENTS, *flags]
    command += ["--input", str(path), "--output", str(output)]
    rng = random.Random(5)
    for _ in range(2):
        kill_in_mid_run(command, output, rng=rng)
    done = finished(output)
    assert _run(path, output, *flags) == clean
    assert done.items() <= finished(output).items()


def test_overwrite_removes_lists_and_spools(path, output, tmp_path):
    _run(path, output)
    spool = output / "spool" / "part-0123456789abcdef.jsonl.zst"
    spool.parent.mkdir(exist_ok=True)
    spool.touch()
    names = _run(path, output, "--overwrite", "--format=jsonl", "--spool_bytes=0")
    assert not [name for name in names if name.startswith(("spool/", "slices/"))]


def test_a_later_run_keeps_the_size_and_refuses_another(path, output, capsys):
    before = _run(path, output, "--spool_bytes=9000")
    assert _run(path, output) == before
    assert annotate(str(path), output, "--id_field=id", "--spool_bytes=8000") == 2
    assert "spool_bytes: 9000, now 8000" in capsys.readouterr().err


def test_a_dry_run_shows_the_slices(path, output, capsys):
    _run(path, output, "--dry_run")
    assert "about, of 1 files" in capsys.readouterr().out
    assert not output.exists()


def test_a_part_of_a_slice_that_got_lost_fails_the_run(path, output, monkeypatch, capsys):
    def lose_one(part, options, layout, **_more):
        yield from list(slice_item(part, options, layout))[1:]

    monkeypatch.setattr("pipelines.transforms.parts.slice_item", lose_one)
    assert annotate(str(path), output, "--id_field=id") == 1
    assert "parts of" in capsys.readouterr().err
    assert not (output / "run.json").exists()
