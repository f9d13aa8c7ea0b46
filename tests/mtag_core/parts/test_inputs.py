"""None"""

import gzip
import json
import random
from dataclasses import replace

import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import InputNotFoundError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.inputs import FileWatcher, StableFiles, list_inputs, list_present_inputs
from mtag_core.parts.part_records import slice_item
from mtag_core.parts.run import RunConfig, write_config
from mtag_core.storage import FileInfo
from tests.mtag_core.parts.making import make_part

OWN = (
    "config.json",
    "run.json",
    "report.html",
    "plan.jsonl",
    "parts/part-0123456789abcdef.parquet",
    "manifests/part-0123456789abcdef.json",
    "rejects/part-0123456789abcdef.jsonl",
    "runs/2026-11-29T120000Z.json",
)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A folder of two texts with an output folder in it, which holds a text of somebody else."""
    for name in ("a.txt", "b/c.txt", "out/d.txt", *(f"out/{name}" for name in OWN)):
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "corpus"


def names(corpus, pattern, output):
    paths = (file.path for file in list_inputs([pattern], output=output))
    return [path.rpartition("corpus/")[2] for path in paths]


@pytest.mark.parametrize("pattern", ["corpus", "corpus/", "corpus/**", "{}/", "./corpus/**/*"])
@pytest.mark.parametrize("output", ["corpus/out", "./corpus/out/", "corpus/b/../out", "{}/out"])
def test_what_lies_below_the_output_is_no_input(corpus, pattern, output):
    found = names(corpus, pattern.format(corpus), output.format(corpus))
    assert found == ["a.txt", "b/c.txt"]


def test_the_output_may_go_by_a_link(corpus):
    (corpus.parent / "link").symlink_to(corpus / "out")
    assert names(corpus, "corpus/", "link") == ["a.txt", "b/c.txt"]


@pytest.mark.parametrize("pattern", ["corpus/out", "corpus/out/*", "corpus/out/**"])
def test_a_pattern_into_the_output_finds_what_mtag_did_not_write(corpus, pattern):
    assert names(corpus, pattern, "corpus/out") == ["out/d.txt"]


def test_an_output_that_is_the_input_folder_keeps_the_input(corpus):
    (corpus / "run.json").touch()
    assert names(corpus, "corpus/*", "corpus") == ["a.txt"]


def test_the_output_of_another_run_is_input(corpus):
    found = names(corpus, "corpus/out/rejects/*.jsonl", "again")
    assert found == ["out/rejects/part-0123456789abcdef.jsonl"]


def test_a_pattern_that_finds_outputs_only_is_an_error(corpus):
    with pytest.raises(InputNotFoundError, match=r"\.jsonl: nothing there but what mtag writes"):
        names(corpus, "corpus/out/rejects/*.jsonl", "corpus/out")


def test_a_folder_that_only_begins_like_the_output_is_input(corpus):
    assert "out/d.txt" in names(corpus, "corpus/", "corpus/ou")


def test_a_pattern_that_matches_nothing_yet_may_be_no_error(corpus):
    assert list_present_inputs(["corpus/*.xml"], output="out") == []
    with pytest.raises(InputNotFoundError):
        list_inputs(["corpus/*.xml"], output="out")


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path / "out"), OutputFormat("jsonl", "none"))


@pytest.fixture
def config(tmp_path):
    return RunConfig((str(tmp_path / "in" / "*.txt"),), "fake", ReadOptions(), "jsonl", "none", 100)


@pytest.fixture
def watcher(layout, config, tmp_path):
    (tmp_path / "in").mkdir()
    write_config(layout, config)
    return FileWatcher(layout, config, interval_s=1e-9)


def _write(tmp_path, name, text="The cat sat. "):
    (tmp_path / "in" / name).write_text(text * 20)


def _make(parts, layout):
    for part in parts:
        make_part(part, layout)


def test_a_file_is_stable_when_two_polls_list_it_alike():
    old, new = FileInfo("a", 1, "1"), FileInfo("a", 2, "2")
    stable = StableFiles()
    assert stable.among([old]) == []
    assert stable.among([new]) == []
    assert stable.among([new]) == [new]


def test_a_part_is_given_once(watcher, tmp_path):
    _write(tmp_path, "a.txt")
    assert list(watcher.poll()) == []
    assert len(list(watcher.poll())) > 0
    assert list(watcher.poll()) == []


def test_a_run_is_finished_when_all_its_parts_are_complete(watcher, layout, tmp_path):
    _write(tmp_path, "a.txt")
    parts = [part for _ in range(3) for part in watcher.poll()]
    assert not (tmp_path / "out" / "run.json").exists()
    _make(parts, layout)
    assert list(watcher.poll()) == []
    assert (tmp_path / "out" / "run.json").exists()


def test_the_parts_of_a_changed_file_give_way(watcher, layout, tmp_path):
    for text in ("The cat sat. ", "The dog sat down. "):
        _write(tmp_path, "a.txt", text)
        _make([part for _ in range(3) for part in watcher.poll()], layout)
        list(watcher.poll())
    names = {path.read_text().count("dog") > 0 for path in (tmp_path / "out" / "parts").iterdir()}
    assert names == {True}


def test_a_process_that_starts_anew_makes_nothing_twice(watcher, layout, config, tmp_path):
    _write(tmp_path, "a.txt")
    _make([part for _ in range(3) for part in watcher.poll()], layout)
    again = FileWatcher(layout, config, interval_s=1e-9)
    assert [part for _ in range(3) for part in again.poll()] == []
    assert (tmp_path / "out" / "run.json").exists()


def _finish(watcher, layout):
    parts = [part for _ in range(3) for part in watcher.poll()]
    _make(parts, layout)
    assert list(watcher.poll()) == []
    return parts


def test_new_files_leave_the_parts_of_others_alone(watcher, layout, tmp_path):
    _write(tmp_path, "b.txt")
    _finish(watcher, layout)
    before = set((tmp_path / "out" / "parts").iterdir())
    _write(tmp_path, "a.txt", "A. ")
    _write(tmp_path, "c.txt", "C. ")
    assert _sources(_finish(watcher, layout)) == ["a.txt", "c.txt"]
    assert before < set((tmp_path / "out" / "parts").iterdir())


def test_files_in_parts_that_are_being_made_are_not_given_again(watcher, layout, tmp_path):
    _write(tmp_path, "a.txt", "A. ")
    in_work = [part for _ in range(2) for part in watcher.poll()]
    _write(tmp_path, "b.txt", "B. ")
    later = [part for _ in range(2) for part in watcher.poll()]
    assert (_sources(in_work), _sources(later)) == (["a.txt"], ["b.txt"])
    _make(in_work + later, layout)
    list(watcher.poll())
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    assert report["counts"]["documents"] == 2


def test_a_file_that_changes_while_its_part_is_being_made_is_given_again(watcher, layout, tmp_path):
    _write(tmp_path, "a.txt", "A. ")
    in_work = [part for _ in range(2) for part in watcher.poll()]
    _write(tmp_path, "a.txt", "Changed. ")
    later = [part for _ in range(2) for part in watcher.poll()]
    assert _sources(later) == ["a.txt"]
    _make(in_work + later, layout)
    list(watcher.poll())
    [part] = (tmp_path / "out" / "parts").iterdir()
    assert "Changed" in part.read_text()


def _sources(parts):
    return sorted(source.rsplit("/", 1)[1] for part in parts for source in part.sources)


def test_polls_that_come_at_once_count_as_one(layout, config, tmp_path):
    (tmp_path / "in").mkdir()
    _write(tmp_path, "a.txt")
    watcher = FileWatcher(layout, config, interval_s=60)
    assert [part for _ in range(5) for part in watcher.poll()] == []


def test_a_file_that_is_sliced_is_given_once_and_finished_with_its_slices(layout, config, tmp_path):
    (tmp_path / "in").mkdir()
    rng = random.Random(1)
    lines = [f"Ana reads {rng.getrandbits(400):x}.\n" for _ in range(20)]
    data = gzip.compress("".join(lines).encode())
    (tmp_path / "in" / "a.txt.gz").write_bytes(data)
    options = ReadOptions(document="line")
    config = replace(config, inputs=(str(tmp_path / "in" / "*"),), read=options, spool_bytes=400)
    write_config(layout, config)
    watcher = FileWatcher(layout, config, interval_s=1e-9)
    [planned] = [part for _ in range(3) for part in watcher.poll()]
    parts = list(slice_item(planned, options, layout))
    for part in parts:
        assert not (tmp_path / "out" / "run.json").exists()
        make_part(part, layout, options=options)
        assert list(watcher.poll()) == []
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    assert report["counts"]["parts"] == len(parts) > 5
    assert list((tmp_path / "out" / "spool").iterdir()) == []
    again = FileWatcher(layout, config, interval_s=1e-9)
    assert [part for _ in range(3) for part in again.poll()] == []
