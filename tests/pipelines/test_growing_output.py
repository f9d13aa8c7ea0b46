"""annotate on an output that grows: finished parts stay, rows are those of a run at once."""

import json
import random

import pyarrow.parquet as pq
import pytest

from pipelines.annotate import main
from tests.pipelines.killing import finished, kill_in_mid_run
from tests.pipelines.trees import ARGUMENTS, FAKE_MODEL, annotate, tree, write_corpus


@pytest.fixture
def folder(tmp_path):
    """Nine small files, four of which make a work item, about."""
    write_corpus(tmp_path / "in", n_files=9, n_lines=20)
    return tmp_path / "in"


@pytest.fixture
def output(folder, tmp_path):
    """An output of these files."""
    assert _annotate(folder, tmp_path / "out") == 0
    return tmp_path / "out"


def _annotate(folder, output, *flags):
    return annotate(str(folder / "*.txt"), output, *flags)


def _write(folder, name, text="Ana sings. It is fine.\n"):
    (folder / f"{name}.txt").write_text(text * 10, "utf-8")


def _rows(output):
    """All rows that run.json lists, without the ids that carry a part's."""
    names = [part["part"]["name"] for part in _report(output)["parts"]]
    tables = [pq.read_table(output / "parts" / name).drop(["sent_id"]) for name in names]
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(rows, key=lambda row: (row["doc_id"], row["sentence_index"]))


def _report(output):
    return json.loads((output / "run.json").read_text("utf-8"))


def _pack_of(output, name):
    """The sources of the part that holds a file."""
    for path in output.glob("manifests/*.json"):
        sources = json.loads(path.read_text("utf-8"))["sources"]
        if any(source.endswith(f"/{name}") for source in sources):
            return sources
    raise AssertionError(f"{name} is in no part")


def _assert_as_at_once(folder, output, tmp_path):
    assert _annotate(folder, tmp_path / "clean") == 0
    assert _rows(output) == _rows(tmp_path / "clean")
    counts = [_report(path)["counts"] for path in (output, tmp_path / "clean")]
    assert [{**c, "parts": 0} for c in counts] == [{**counts[0], "parts": 0}] * 2


def test_new_files_leave_finished_parts_alone(folder, output, tmp_path):
    for name in ("0005", "zoe", "000a"):
        done = finished(output)
        _write(folder, name)
        assert _annotate(folder, output) == 0
        assert done.items() < finished(output).items()
    _assert_as_at_once(folder, output, tmp_path)


def test_a_changed_and_a_removed_file_cost_their_own_packs(folder, output, tmp_path):
    packs = {*_pack_of(output, "001.txt"), *_pack_of(output, "007.txt")}
    done = finished(output)
    _write(folder, "001", "Ana writes.\n")
    (folder / "007.txt").unlink()
    assert _annotate(folder, output) == 0
    made = [p.name for p in output.glob("manifests/*.json") if p.name not in done]
    manifests = [json.loads((output / "manifests" / name).read_text("utf-8")) for name in made]
    assert {s for m in manifests for s in m["sources"]} == packs - {str(folder / "007.txt")}
    _assert_as_at_once(folder, output, tmp_path)


def test_repack_gives_the_bytes_of_a_run_at_once(folder, output, tmp_path):
    for name in ("0005", "000a", "zoe"):
        _write(folder, name)
        assert _annotate(folder, output) == 0
    (folder / "003.txt").unlink()
    assert _annotate(folder, output, "--repack") == 0
    assert _annotate(folder, tmp_path / "clean") == 0
    assert tree(output) == tree(tmp_path / "clean")


def test_a_grown_run_that_was_killed_goes_on(tmp_path):
    folder, output = tmp_path / "in", tmp_path / "out"
    write_corpus(folder, n_files=12, n_lines=300)
    assert _annotate(folder, output) == 0
    for number in range(40):
        _write(folder, f"new{number:02}", "Ana sings a song. It is fine.\n" * 12)
    _write(folder, "005", "Ana writes.\n")
    first = finished(output)
    command = ["tests.pipelines.annotate_fake", *ARGUMENTS]
    command += ["--input", str(folder / "*.txt"), "--output", str(output)]
    rng = random.Random(3)
    for _ in range(2):
        kill_in_mid_run(command, output, rng=rng)
    done = finished(output)
    assert first.items() <= done.items()
    assert _annotate(folder, output) == 0
    # All that was done is as it was, but for the part of the changed file.
    assert len(gone := done.items() - finished(output).items()) == 1
    assert gone <= first.items()
    _assert_as_at_once(folder, output, tmp_path)


class TestItemBytes:
    """The size of work items, from run to run."""

    @staticmethod
    def _run(folder, output, *flags):
        paths = ["--input", str(folder / "*.txt"), "--output", str(output)]
        return main([*paths, *flags], model=FAKE_MODEL)

    @staticmethod
    def _item_bytes(output):
        return json.loads((output / "config.json").read_text("utf-8"))["item_bytes"]

    def test_it_fits_the_corpus_and_is_written_down(self, folder, tmp_path):
        assert self._run(folder, tmp_path / "out") == 0
        assert self._item_bytes(tmp_path / "out") == 256 * 1024

    def test_a_later_run_keeps_it(self, folder, output):
        done = finished(output)
        assert self._run(folder, output) == 0
        assert self._item_bytes(output) == 4000
        assert finished(output) == done

    def test_another_one_is_refused(self, folder, output, capsys):
        assert self._run(folder, output, "--item_bytes=5000") == 2
        assert "item_bytes: 4000, now 5000" in capsys.readouterr().err

    @pytest.mark.parametrize("flag", ["--repack", "--overwrite"])
    def test_a_run_that_plans_anew_takes_the_one_that_fits(self, folder, output, flag, tmp_path):
        assert self._run(folder, output, flag) == 0
        assert self._run(folder, tmp_path / "clean") == 0
        assert tree(output) == tree(tmp_path / "clean")

    def test_repack_takes_a_flag_too(self, folder, output):
        assert self._run(folder, output, "--repack", "--item_bytes=5000") == 0
        assert self._item_bytes(output) == 5000

    def test_a_configuration_without_one_is_named(self, folder, output, capsys):
        config = json.loads((output / "config.json").read_text("utf-8"))
        (output / "config.json").write_text(json.dumps({**config, "item_bytes": "large"}))
        assert self._run(folder, output) == 1
        assert "item_bytes 'large'; expected a number of bytes" in capsys.readouterr().err


def test_a_dry_run_says_how_much_is_to_be_made(folder, output, capsys):
    _write(folder, "new")
    before = tree(output)
    assert _annotate(folder, output, "--dry_run") == 0
    n_parts = len(finished(output))
    assert f"{n_parts + 1} ({n_parts} of them made by earlier runs)" in capsys.readouterr().out
    assert tree(output) == before


def test_a_dry_run_refuses_what_a_run_would_refuse(folder, output, capsys):
    assert _annotate(folder, output, "--dry_run", "--format=jsonl") == 2
    assert "made with other options" in capsys.readouterr().err
