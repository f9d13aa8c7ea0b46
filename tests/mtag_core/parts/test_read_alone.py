from collections import Counter

import pytest

from mtag_core import storage
from mtag_core.child_process import ChildCrashError, ChildProcess
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.read_alone import (
    Trial,
    attempt,
    checked,
    count_documents_alone,
    read_item_alone,
    remove_open_marks,
)
from mtag_core.records import Document
from mtag_core.wikipedia.dumps import PageOutcome

OPTIONS = ReadOptions()


class DyingChild(ChildProcess):
    """Stands in for `ChildProcess`: dies of items and documents of certain paths."""

    def __init__(self, *paths):
        super().__init__()
        self.paths = paths

    def call(self, function, *args):
        read = args[0] if isinstance(args[0], Document) else args[2].spans[0].file
        source = read.source if isinstance(read, Document) else read.path
        if source.endswith(self.paths):
            raise ChildCrashError("SIGSEGV")
        return function(*args)


@pytest.fixture
def item(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(name)
    [item] = ItemPlanner(OPTIONS, salt="").plan(storage.list_files([f"{tmp_path}/*.txt"]))
    return item


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path / "out"), OutputFormat("jsonl", "none"))


def test_a_file_that_kills_its_reader_is_one_reject_with_its_name(item):
    trial = Trial(None, DyingChild("b.txt"))
    a, b, c = read_item_alone(item, OPTIONS, trial, pages=Counter())
    assert (a.text, c.text) == ("a", "c")
    assert b.reason == "crashed"
    assert b.detail.startswith(f"{b.source}: reading it ends the process (SIGSEGV)")
    assert b.source.endswith("b.txt")


def test_documents_are_counted_as_they_would_be_read(item):
    child = DyingChild("b.txt")
    assert count_documents_alone(item, OPTIONS, child, 10) == 3
    assert count_documents_alone(item, OPTIONS, child, 2) == 2


def test_a_document_that_kills_a_step_is_one_reject_with_its_text(item):
    trial = Trial(lambda _document: None, DyingChild("c.txt"))
    a, b, c = checked(
        read_item_alone(item, OPTIONS, Trial(None, DyingChild("-")), pages=Counter()),
        trial,
        pages=Counter(),
    )
    assert (a.text, b.text) == ("a", "b")
    assert (c.reason, c.input, c.step) == ("crashed", b"c", "tag")


def test_a_page_that_kills_a_step_counts_as_rejected():
    pages = Counter[str]({PageOutcome.KEPT: 2})
    trial = Trial(lambda _document: None, DyingChild("x"))
    assert len(list(checked(iter([Document("1", "text", "x")]), trial, pages=pages))) == 1
    assert pages == {PageOutcome.KEPT: 1, PageOutcome.REJECTED: 1}


def test_a_mark_is_there_during_an_attempt_only(layout):
    with attempt(layout, "0" * 16) as is_suspect:
        assert not is_suspect
        assert len(layout.own_files("attempts")) == 1
    assert layout.own_files("attempts") == {}


def test_a_mark_that_is_left_makes_the_next_attempt_suspect(layout):
    storage.touch(layout.attempt_path("0" * 16))
    with attempt(layout, "0" * 16) as is_suspect:
        assert is_suspect
    with attempt(layout, "0" * 16) as is_suspect:
        assert not is_suspect


def test_a_process_that_ends_on_purpose_leaves_no_mark(layout):
    with attempt(layout, "0" * 16):
        remove_open_marks()
        assert layout.own_files("attempts") == {}
