import bz2
import gzip
import json
import random
from collections import Counter

import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import CountMismatchError, OutputError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.part_records import read_part, read_slices, slice_item
from mtag_core.parts.plan import CompletedParts, PlannedPart, plan_parts
from mtag_core.records import Document, Reject
from mtag_core.storage import list_files
from tests.mtag_core.parts.making import make_part

_LINES = ReadOptions(document="line")


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path / "out"), OutputFormat("jsonl", "none"))


@pytest.fixture
def path(tmp_path):
    """A file of a hundred documents that hardly compress."""
    rng = random.Random(1)
    lines = [f"Ana reads {rng.getrandbits(400):x}. It is fine.\n" for _ in range(100)]
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    return path


def _plan(path, *, options=_LINES, **arguments):
    files = list_files([str(path)])
    sizes = {"item_bytes": 2000, "spool_bytes": 4000, **arguments}
    return list(plan_parts(files, options, salt="s", **sizes))


def _records(part, layout, options=_LINES):
    return [
        record
        for _, record in read_part(part, options, layout)
        if isinstance(record, Document | Reject)
    ]


def _read_none(part_ids):
    raise AssertionError(f"the manifests of {part_ids} are read")


def _spooled(tmp_path):
    return {file.name for file in (tmp_path / "out" / "spool").iterdir()}


def test_slices_hold_all_documents_in_order(path, layout):
    [whole], [planned] = _plan(path, spool_bytes=0), _plan(path)
    parts = list(slice_item(planned, _LINES, layout))
    assert len(parts) > 5
    documents = [record for part in parts for record in _records(part, layout)]
    assert documents == _records(whole, layout)


def test_slices_have_ids_of_their_own_and_share_the_files_bytes(path, layout):
    [planned] = _plan(path)
    parts = list(slice_item(planned, _LINES, layout))
    assert len({part.part_id for part in [planned, *parts]}) == len(parts) + 1
    assert sum(part.n_bytes for part in parts) == path.stat().st_size
    assert parts[1].sources == (f"{path}#slice-1",)
    assert [PlannedPart.from_json(part.to_json()) for part in [planned, *parts]] == [
        planned,
        *parts,
    ]


def test_slices_of_another_size_have_other_ids(path, layout):
    parts = [
        {part.part_id for part in slice_item(planned, _LINES, layout)}
        for size in (2000, 3000)
        for planned in _plan(path, item_bytes=size)
    ]
    assert not parts[0] & parts[1]


def test_an_item_that_is_sliced_is_not_read_again(path, layout):
    [planned] = _plan(path)
    parts = list(slice_item(planned, _LINES, layout))
    path.unlink()
    assert list(slice_item(planned, _LINES, layout)) == parts


def test_only_slices_that_are_neither_tagged_nor_there_are_written_again(path, layout, tmp_path):
    [planned] = _plan(path)
    parts = list(slice_item(planned, _LINES, layout))
    manifest = make_part(parts[0], layout, options=_LINES)
    for file in (tmp_path / "out" / "spool").iterdir():
        file.unlink()
    assert list(slice_item(planned, _LINES, layout)) == parts
    assert len(_spooled(tmp_path)) == len(parts) - 1
    assert layout.read_manifest(parts[0].part_id) == manifest


def test_an_attempt_that_was_killed_before_the_list_is_done_again(path, layout, tmp_path):
    [planned] = _plan(path)
    parts = list(slice_item(planned, _LINES, layout))
    (tmp_path / "out" / "slices" / f"item-{planned.part_id}.json").unlink()
    assert read_slices(layout, planned.part_id) is None
    assert list(slice_item(planned, _LINES, layout)) == parts


def test_a_file_that_changed_between_two_attempts_is_an_error(path, layout, tmp_path):
    [planned] = _plan(path)
    list(slice_item(planned, _LINES, layout))
    for file in (tmp_path / "out" / "spool").iterdir():
        file.unlink()
    path.write_bytes(gzip.compress(b"Other.\n" * 9))
    with pytest.raises(CountMismatchError, match=r"a.txt.gz: holds other documents than before"):
        list(slice_item(planned, _LINES, layout))


@pytest.mark.parametrize(
    "content", ["[", '{"version": 2, "slices": []}', '{"version": 1}', "[" * 9999]
)
def test_a_damaged_list_is_named(layout, tmp_path, content):
    (tmp_path / "out" / "slices").mkdir(parents=True)
    (tmp_path / "out" / "slices" / "item-0123456789abcdef.json").write_text(content)
    with pytest.raises(OutputError, match=r"item-0123456789abcdef.json"):
        read_slices(layout, "0123456789abcdef")


def test_a_file_without_documents_is_one_empty_slice(tmp_path, layout):
    path = tmp_path / "blank.txt.gz"
    path.write_bytes(gzip.compress(b" \n" * 9000))
    [planned] = _plan(path, item_bytes=10, spool_bytes=20)
    [part] = slice_item(planned, _LINES, layout)
    assert _records(part, layout) == []


def _dump(n_pages):
    rng = random.Random(2)
    for number in range(n_pages):
        text = f"Ana reads {rng.getrandbits(900):x}. It is fine."
        text = "#REDIRECT [[Other]]" if number % 5 == 4 else text
        yield (
            f"<page><title>P{number}</title><ns>{int(number % 7 == 6)}</ns><id>{number + 1}</id>"
            f"<revision><id>1</id><model>wikitext</model><format>text/x-wiki</format>"
            f"<text>{text}</text></revision></page>"
        )


def test_the_pages_of_a_dump_are_counted_once(tmp_path, layout):
    path = tmp_path / "a.xml.bz2"
    xml = "<mediawiki>" + "".join(_dump(40)) + "</mediawiki>"
    path.write_bytes(bz2.compress(xml.encode()))
    options = ReadOptions()
    [whole] = _plan(path, options=options, spool_bytes=0)
    [planned] = _plan(path, options=options)
    expected = make_part(whole, layout).pages_by_outcome
    parts = list(slice_item(planned, options, layout))
    assert len(parts) > 2
    pages: Counter[str] = Counter()
    for part in parts:
        pages.update(make_part(part, layout).pages_by_outcome)
    assert pages == Counter(expected)
    assert pages["redirect"] > 5 and pages["other_namespace"] > 3


class TestPlan:
    """Which items are to be sliced."""

    def test_slices_that_are_complete_are_planned_and_no_manifest_is_read(self, path, layout):
        [planned] = _plan(path)
        parts = list(slice_item(planned, _LINES, layout))
        slices = {planned.part_id: read_slices(layout, planned.part_id)}
        completed = CompletedParts({part.part_id for part in parts}, _read_none)
        assert _plan(path, completed=completed, slices=slices) == parts
        some = CompletedParts({part.part_id for part in parts[1:]}, _read_none)
        assert _plan(path, completed=some, slices=slices) == [planned]

    def test_a_file_below_the_limit_is_not(self, path):
        assert [part.slice_bytes for part in _plan(path, spool_bytes=10**6)] == [None]

    def test_none_is_without_a_limit(self, path):
        assert [part.slice_bytes for part in _plan(path, spool_bytes=0)] == [None]

    def test_a_limit_of_documents_leaves_items_whole(self, path):
        assert [part.slice_bytes for part in _plan(path, limit=3)] == [None]

    def test_a_file_that_is_split_is_not(self, tmp_path):
        (tmp_path / "a.txt").write_text("A line.\n" * 2000)
        assert {part.slice_bytes for part in _plan(tmp_path / "a.txt")} == {None}

    def test_a_plain_text_that_is_one_document_is_not(self, tmp_path):
        (tmp_path / "a.txt").write_text("A line.\n" * 2000)
        [part] = _plan(tmp_path / "a.txt", options=ReadOptions())
        assert part.slice_bytes is None

    @pytest.mark.parametrize("name", ["a.conllu", "a.json"])
    def test_a_plain_file_that_cannot_be_read_from_the_middle_is(self, tmp_path, name):
        (tmp_path / name).write_text(json.dumps([{"text": "It is fine."}] * 1000))
        [part] = _plan(tmp_path / name)
        assert part.slice_bytes == 2000

    def test_a_part_that_an_earlier_version_made_whole_stays(self, path):
        [whole] = _plan(path, spool_bytes=0)
        completed = CompletedParts({whole.part_id}, lambda _ids: {})
        assert _plan(path, completed=completed) == [whole]
