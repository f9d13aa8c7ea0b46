"""Formats by the names of files, and what reading an item does with bad input."""

import ast
import gzip
import importlib
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mtag_core.corpus
from mtag_core import storage
from mtag_core.corpus import registry, source
from mtag_core.corpus.decoding import REASONS
from mtag_core.corpus.formats import jsonl, parquet
from mtag_core.corpus.items import Format, ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.corpus.registry import format_named, format_of, formats, formats_using, read_item
from mtag_core.errors import StorageError, UsageError
from mtag_core.records import Document
from mtag_core.storage import FileInfo
from tests.mtag_core.corpus.conftest import documents, reasons


def named(path, **options):
    return format_of(FileInfo(path, 1, "1"), ReadOptions(**options)).name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a", "text"),
        ("a.txt", "text"),
        ("a.unknown", "text"),
        ("b.JSONL.gz", "jsonl"),
        ("b.json", "jsonl"),
        ("c.parquet", "parquet"),
        ("d.xml.bz2", "mediawiki"),
        ("e.xml-p1p30.bz2", "mediawiki"),
        ("e.xml-p1p30/notes", "text"),
        ("f.conllu", "conllu"),
        ("http://host/g.conll?key=1.txt", "conllu"),
        ("dir.xml/h", "text"),
    ],
)
def test_a_name_says_its_format(path, name):
    assert named(path) == name
    assert named(path, input_format="jsonl") == "jsonl"


def test_an_unknown_format_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"'pdf'; expected one of auto, conllu, csv, html"):
        format_named("pdf")


def test_every_option_of_a_format_is_one_of_reading():
    used = {option for each in formats() for option in each.options}
    assert used <= set(ReadOptions.__dataclass_fields__)
    assert [each.name for each in formats_using("text_field")] == ["csv", "jsonl", "parquet"]


def test_no_format_is_named_outside_of_its_module():
    folder = Path(mtag_core.corpus.__file__).parent
    constants = {
        (path.name, node.value)
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in {each.name for each in formats()}
    }
    # The field and its default, by that name.
    assert constants == {("items.py", "text")}


def plan(path, options, **arguments):
    return list(ItemPlanner(options, salt="", **arguments).plan(storage.list_files([str(path)])))


def read(items, options):
    return [result for item in items for result in read_item(item, options)]


@pytest.fixture
def corpus(tmp_path):
    """A folder with one file of each fault among good ones."""
    files = {
        "00-good.txt": b"good",
        "01-empty.txt": b"",
        "02-binary.txt": bytes(range(256)) * 10,
        "03-latin.txt": "déjà".encode("latin-1"),
        "04-nul.txt": b"with a NUL \0 in it",
        "05-truncated.txt.gz": gzip.compress(os.urandom(5000).hex().encode())[:-2000],
        "06-no.txt.gz": b"not gzip at all",
        "07-lines.jsonl": b'{"text": "good"}\n{"text": "\\udc00"}\n{"txt": ""}\n{\n{"text": 1}\n',
        "08-broken.parquet": b"PAR1 no",
        "09-broken.xml": b"<html/>",
        "10-broken.conllu": b"1\tgood\n\n",
        "11-marks.txt": ("a" + "\u0301" * 100_000).encode(),
        "12-good.txt": b"good",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_each_fault_costs_its_own_document_only(corpus):
    options = ReadOptions()
    results = read(plan(corpus, options), options)
    assert [d.text[:4] for d in documents(results) if d.source.endswith("good.txt")] == ["good"] * 2
    name_to_reasons = {}
    for result in results:
        if not isinstance(result, Document):
            name = os.path.basename(result.source)
            name_to_reasons.setdefault(name[:2], []).append(result.reason)
    assert name_to_reasons == {
        "02": ["binary"],
        "03": ["invalid_utf8"],
        "04": ["nul_character"],
        "05": ["truncated"],
        "06": ["corrupt"],
        "07": ["lone_surrogate", "missing_field", "invalid_json", "wrong_type"],
        "08": ["corrupt"],
        "09": ["invalid_xml"],
        "10": ["invalid_conllu"],
    }
    assert set(reasons(results)) <= set(REASONS)


def test_a_file_that_vanished_is_one_reject_an_item(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\n" * 1000)
    items = plan(tmp_path, options := ReadOptions(document="line"), item_bytes=1000)
    path.unlink()
    results = read(items, options)
    assert reasons(results) == ["vanished"] * 2
    assert str(path) in results[0].detail


def test_a_file_that_changed_is_not_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    items = plan(tmp_path, options := ReadOptions())
    path.write_bytes(b"newer")
    (reject,) = read(items, options)
    assert reject.reason == "changed"
    assert "5 bytes" in reject.detail
    assert "planned with 3 bytes" in reject.detail


def test_a_folder_in_the_place_of_a_file_is_unreadable(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    items = plan(tmp_path, options := ReadOptions())
    path.unlink()
    path.mkdir()
    assert reasons(read(items, options)) == ["unreadable"]


def test_a_link_in_a_circle_is_unreadable_and_one_to_nowhere_has_vanished(tmp_path):
    (tmp_path / "a.txt").write_text("good")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "nowhere").symlink_to("no such file")
    results = read(plan(tmp_path, options := ReadOptions()), options)
    assert sorted(reasons(results)) == ["unreadable", "vanished"]
    assert "circle: Too many levels of symbolic links" in " ".join(
        r.detail for r in results if not isinstance(r, Document)
    )
    assert [d.text for d in documents(results)] == ["good"]


def test_rejects_written_as_lines_are_input_again(tmp_path, corpus):
    options = ReadOptions()
    rejects = [r for r in read(plan(corpus, options), options) if not isinstance(r, Document)]
    lines = [
        json.dumps({"doc_id": r.doc_id, "input": (r.input or b"").decode("utf-8", "replace")})
        for r in rejects
        if r.reason != "nul_character" and b"\0" not in (r.input or b"")
    ]
    replay = tmp_path / "replay.jsonl"
    replay.write_text("\n".join(lines))
    options = ReadOptions(text_field="input", id_field="doc_id")
    results = read(plan(replay, options), options)
    assert len(documents(results)) == len(lines)
    assert "d\ufffdj\ufffd" in [d.text for d in results]


MEASURE = """
import resource, sys
from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.corpus.registry import read_item
options = ReadOptions(document=sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
n = [0, 0]
for item in ItemPlanner(options, salt="").plan(storage.list_files([sys.argv[1]])):
    for result in read_item(item, options):
        n[hasattr(result, "reason")] += 1
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(*n, (after - before) // 1024)
"""


@pytest.mark.parametrize("document", ["file", "line", "paragraph"])
def test_a_line_of_50_megabytes_is_never_held(tmp_path, document):
    path = tmp_path / "a.txt"
    path.write_bytes(b"before\n\n" + b"x" * 50_000_000 + b"\n\nafter\n")
    command = [sys.executable, "-c", MEASURE, str(path), document]
    folder = Path(__file__).parents[3]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, cwd=folder
    )
    n_documents, n_rejects, grown_mib = map(int, done.stdout.split())
    assert (n_documents, n_rejects) == (2, 1)
    assert grown_mib < 40


def _fails(*_arguments, **_keywords):
    raise LookupError("a bug\nof two lines")


@pytest.fixture
def fake_formats(monkeypatch):
    """Registers formats for one test."""
    for name in ("_NAME_TO_FORMAT", "_EXTENSION_TO_FORMAT"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    return registry.register


def test_a_reader_that_raises_costs_the_rest_of_its_file_alone(tmp_path, fake_formats):
    def read_bug(span, _options, _pages):
        yield Document("first", "text", span.file.path)
        raise LookupError("a bug\nof two lines")

    fake_formats(Format(name="bug", title="", extensions=(".bug",), read=read_bug))
    for name in ("a.bug", "b.bug", "c.bug"):
        (tmp_path / name).write_text("x")
    options = ReadOptions()
    [item] = plan(tmp_path, options)
    results = read([item], options)
    assert [d.source[-5:] for d in documents(results)] == ["a.bug", "b.bug", "c.bug"]
    assert reasons(results) == ["reader_failed"] * 3
    assert "LookupError: a bug of two lines; the rest of the file" in results[1].detail


def test_a_plan_that_raises_leaves_the_file_whole(tmp_path, fake_formats):
    def read_nothing(span, _options, _pages):
        yield Document("whole", "text", span.file.path, span.start)

    fake_formats(Format(name="bug", title="", extensions=(".bug",), read=read_nothing, plan=_fails))
    (tmp_path / "a.bug").write_text("x" * 1000)
    items = plan(tmp_path / "a.bug", options := ReadOptions(), item_bytes=10)
    assert [d.doc_id for d in read(items, options)] == ["whole"]


def test_an_error_of_storage_stops_the_reading(tmp_path, fake_formats):
    def read_none(_span, _options, _pages):
        raise StorageError("the disk is gone")
        yield

    fake_formats(Format(name="bug", title="", extensions=(".bug",), read=read_none))
    (tmp_path / "a.bug").write_text("x")
    with pytest.raises(StorageError):
        read(plan(tmp_path, options := ReadOptions()), options)


ROW = "\t_" * 8


@pytest.mark.parametrize(
    ("name", "data", "where"),
    [
        ("a.jsonl", '{"text": "bad"}\n{"text": "good"}\n', "jsonl.document_of"),
        ("a.txt", "bad\ngood\n", "text.Origin.decode"),
        ("a.conllu", f"1\tbad{ROW}\n\n1\tgood{ROW}\n", "conllu.conllu.to_sentence"),
    ],
)
def test_a_bug_costs_its_record_alone(tmp_path, monkeypatch, name, data, where):
    module, *path = where.split(".")
    owner = importlib.import_module(f"mtag_core.corpus.formats.{module}")
    for step in path[:-1]:
        owner = getattr(owner, step)
    real, calls = getattr(owner, path[-1]), []

    def fail_once(*arguments, **keywords):
        calls.append(1)
        return _fails() if len(calls) == 1 else real(*arguments, **keywords)

    monkeypatch.setattr(owner, path[-1], fail_once)
    (tmp_path / name).write_text(data)
    options = ReadOptions(document="line")
    results = read(plan(tmp_path, options), options)
    assert reasons(results) == ["reader_failed"]
    assert b"bad" in next(r.input for r in results if not isinstance(r, Document))
    assert [d.text for d in documents(results)] == ["good"]


def test_a_bug_costs_its_parquet_row_alone(tmp_path, monkeypatch):
    pq.write_table(pa.table({"text": ["a", "bad", "b"]}), tmp_path / "a.parquet")
    real = parquet.Origin.decode

    def fail(origin, data, **keywords):
        return _fails() if data == b"bad" else real(origin, data, **keywords)

    monkeypatch.setattr(parquet.Origin, "decode", fail)
    results = read(plan(tmp_path, options := ReadOptions()), options)
    assert [d.text for d in documents(results)] == ["a", "b"]
    assert reasons(results) == ["reader_failed"]


def test_rows_that_do_not_come_are_noticed(tmp_path, monkeypatch):
    pq.write_table(pa.table({"text": ["a", "b", "c"]}), tmp_path / "a.parquet")
    real = parquet._rows
    monkeypatch.setattr(parquet, "_rows", lambda *arguments: list(real(*arguments))[:2])
    *good, reject = read(plan(tmp_path, options := ReadOptions()), options)
    assert [d.text for d in good] == ["a", "b"]
    assert reject.reason == "reader_failed"
    assert "rows 2 to 2 of 3" in reject.detail


def test_lines_that_are_lost_are_noticed(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes(b"a\r\nb\r\nc\r\n")
    real = source._split_at_line_feeds
    monkeypatch.setattr(source, "_split_at_line_feeds", lambda block: real(block)[1:])
    *_, reject = read(plan(tmp_path, options := ReadOptions(document="line")), options)
    assert (reject.reason, reject.detail) == ("reader_failed", "2 lines were made of 3")


def test_a_reader_that_stops_early_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 50_000)
    real = jsonl.read_lines
    monkeypatch.setattr(jsonl, "read_lines", lambda *a, **k: islice(real(*a, **k), 10))
    *good, reject = read(plan(tmp_path, options := ReadOptions()), options)
    assert len(good) == 10
    assert reject.reason == "reader_failed"
    assert "reading stopped at byte" in reject.detail
