"""The nightly job: the same command, night after night, over a folder that changes."""

import json

import pytest

from mtag_core.storage import exclusive
from tests.pipelines.trees import annotate, tree


@pytest.fixture
def incoming(tmp_path):
    folder = tmp_path / "incoming"
    folder.mkdir()
    for name in ("kept", "changed", "deleted"):
        # Larger than a work item each, so that each has parts of its own.
        _write(folder, name, "first night")
    return folder


def _write(folder, name, words):
    (folder / f"{name}.txt").write_text(f"{name} is of the {words}. " * 400)


def _night(incoming, output, *flags):
    return annotate(str(incoming / "*.txt"), output, *flags)


def _parts_of(output, name):
    """Part names to modification times of the parts that hold a file."""
    manifests = [json.loads(path.read_text()) for path in output.glob("manifests/*.json")]
    names = [m["part"]["name"] for m in manifests if any(name in s for s in m["sources"])]
    return {part: (output / "parts" / part).stat().st_mtime_ns for part in names}


def test_three_nights_end_where_one_clean_run_would(incoming, tmp_path):
    output = tmp_path / "out"
    assert _night(incoming, output) == 0
    kept = _parts_of(output, "kept.txt")
    _write(incoming, "added", "second night")
    _write(incoming, "changed", "second night, rewritten")
    assert _night(incoming, output) == 0
    (incoming / "deleted.txt").unlink()
    assert _night(incoming, output) == 0
    assert kept and _parts_of(output, "kept.txt") == kept
    assert _parts_of(output, "deleted.txt") == {}
    assert _night(incoming, tmp_path / "clean") == 0
    assert tree(output) == tree(tmp_path / "clean")


def test_a_stranger_in_the_output_is_left_alone(incoming, tmp_path):
    output = tmp_path / "out"
    _night(incoming, output)
    stranger = output / "parts" / "notes.txt"
    stranger.write_text("mine")
    (incoming / "deleted.txt").unlink()
    assert _night(incoming, output) == 0
    assert stranger.read_text() == "mine"


def test_too_many_rejects_fail_in_one_line_after_everything_is_written(incoming, tmp_path, capsys):
    (incoming / "bad.txt").write_bytes(b"\xff\xfe broken")
    output = tmp_path / "out"
    assert _night(incoming, output, "--max_reject_ratio=0.1") == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "1 of 4 documents were rejected" in last
    assert json.loads((output / "run.json").read_text())["counts"]["rejected"] == 1


def test_each_night_leaves_a_dated_report_with_its_counts(incoming, tmp_path):
    _night(incoming, tmp_path / "out")
    reports = list((tmp_path / "out" / "runs").glob("20*Z.json"))
    assert len(reports) == 1
    assert json.loads(reports[0].read_text())["counts"]["documents"] == 3


def test_the_second_of_two_runs_on_one_output_says_so_and_stops(incoming, tmp_path, capsys):
    output = tmp_path / "out"
    _night(incoming, output)
    before = tree(output)
    with exclusive(str(output / ".lock")):
        assert _night(incoming, output) == 1
    assert "another run writes there" in capsys.readouterr().err
    assert tree(output) == before
