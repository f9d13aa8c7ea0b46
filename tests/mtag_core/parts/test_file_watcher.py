import pytest

from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.file_watcher import FileWatcher, StableFiles
from mtag_core.parts.run import RunConfig, write_config
from mtag_core.storage import FileInfo
from tests.mtag_core.parts.making import make_part


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


def test_polls_that_come_at_once_count_as_one(layout, config, tmp_path):
    (tmp_path / "in").mkdir()
    _write(tmp_path, "a.txt")
    watcher = FileWatcher(layout, config, interval_s=60)
    assert [part for _ in range(5) for part in watcher.poll()] == []
