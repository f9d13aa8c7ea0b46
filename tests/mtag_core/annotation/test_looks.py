import pytest

from mtag_core.annotation.item import annotate_part
from mtag_core.annotation.looks import Looks, Quiet
from mtag_core.annotation.run import RunConfig, write_config
from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.storage import FileInfo
from tests.fake_tagger import FakeTagger


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path / "out"), OutputFormat("jsonl", "none"))


@pytest.fixture
def config(tmp_path):
    return RunConfig((str(tmp_path / "in" / "*.txt"),), "fake", ReadOptions(), "jsonl", "none", 100)


@pytest.fixture
def looks(layout, config, tmp_path):
    (tmp_path / "in").mkdir()
    write_config(layout, config)
    return Looks(layout, config, interval_s=1e-9)


def _write(tmp_path, name, text="The cat sat. "):
    (tmp_path / "in" / name).write_text(text * 20)


def _make(parts, layout):
    tagger = FakeTagger()
    for part in parts:
        annotate_part(part, tagger=tagger, options=ReadOptions(), layout=layout)


def test_a_file_is_quiet_when_two_looks_find_it_alike():
    old, new = FileInfo("a", 1, "1"), FileInfo("a", 2, "2")
    quiet = Quiet()
    assert quiet.of([old]) == []
    assert quiet.of([new]) == []
    assert quiet.of([new]) == [new]


def test_a_part_is_given_once(looks, tmp_path):
    _write(tmp_path, "a.txt")
    assert list(looks.look()) == []
    assert len(list(looks.look())) > 0
    assert list(looks.look()) == []


def test_a_run_is_finished_when_all_its_parts_stand(looks, layout, tmp_path):
    _write(tmp_path, "a.txt")
    parts = [part for _ in range(3) for part in looks.look()]
    assert not (tmp_path / "out" / "run.json").exists()
    _make(parts, layout)
    assert list(looks.look()) == []
    assert (tmp_path / "out" / "run.json").exists()


def test_the_parts_of_a_changed_file_give_way(looks, layout, tmp_path):
    for text in ("The cat sat. ", "The dog sat down. "):
        _write(tmp_path, "a.txt", text)
        _make([part for _ in range(3) for part in looks.look()], layout)
        list(looks.look())
    names = {path.read_text().count("dog") > 0 for path in (tmp_path / "out" / "parts").iterdir()}
    assert names == {True}


def test_a_process_that_begins_anew_makes_nothing_twice(looks, layout, config, tmp_path):
    _write(tmp_path, "a.txt")
    _make([part for _ in range(3) for part in looks.look()], layout)
    again = Looks(layout, config, interval_s=1e-9)
    assert [part for _ in range(3) for part in again.look()] == []
    assert (tmp_path / "out" / "run.json").exists()


def test_looks_that_come_at_once_count_as_one(layout, config, tmp_path):
    (tmp_path / "in").mkdir()
    _write(tmp_path, "a.txt")
    looks = Looks(layout, config, interval_s=60)
    assert [part for _ in range(5) for part in looks.look()] == []
