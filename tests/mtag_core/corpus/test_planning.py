import json
import pickle
import time
from dataclasses import asdict

import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner, fitting_item_bytes, fitting_spool_bytes
from mtag_core.errors import UsageError
from mtag_core.storage import FileInfo

OPTIONS = ReadOptions()


def plan(files, **arguments):
    return list(ItemPlanner(OPTIONS, salt="s", **arguments).plan(files))


def small_files(n_files, size=100):
    return [FileInfo(f"/corpus/{i:07}.txt", size, "1") for i in range(n_files)]


def test_a_plan_is_the_same_each_time():
    assert plan(small_files(5000)) == plan(small_files(5000))


def test_every_file_is_in_one_item():
    files = small_files(5000)
    spans = [span for item in plan(files) for span in item.spans]
    assert [span.file for span in spans] == files
    assert len({item.item_id for item in plan(files)}) == len(plan(files))


def test_packs_stay_within_their_limits():
    items = plan(small_files(20_000, size=10_000))
    assert all(len(item.spans) <= 1000 for item in items)
    # A pack is full with the file that fills it.
    assert all(sum(span.file.size for span in item.spans[:-1]) < 2**23 for item in items)


def test_a_pack_does_not_depend_on_the_packs_before_it():
    files = small_files(5000, size=30_000)
    items = plan(files)
    later = [span.file for item in items[3:] for span in item.spans]
    assert plan(later) == items[3:]


def test_compressed_files_fill_a_pack_by_what_they_hold():
    n_plain = len(plan(small_files(1000, size=30_000)))
    files = [FileInfo(f"{file.path}.xz", file.size, "1") for file in small_files(1000, 30_000)]
    assert len(plan(files)) > 2 * n_plain


@pytest.mark.parametrize(
    ("n_bytes", "item_bytes"),
    [(0, 2**18), (6 * 10**6, 2**18), (2 * 10**8, 2**19), (10**9, 2**21), (10**12, 2**23)],
)
def test_the_size_of_items_fits_the_corpus(n_bytes, item_bytes):
    assert fitting_item_bytes([FileInfo("a", n_bytes, "1"), FileInfo("b", -1, "1")]) == item_bytes


def test_the_size_of_items_counts_what_compressed_files_hold():
    assert fitting_item_bytes([FileInfo("a.xz", 10**9, "1")]) == 2**23


@pytest.mark.parametrize(
    ("n_files", "spool_bytes"), [(1, 2**20), (8, 2**20), (100, 4_687_500), (1000, 46_875_000)]
)
def test_files_are_sliced_that_are_large_beside_the_corpus(n_files, spool_bytes):
    files = [FileInfo(f"{index}.gz", 10**6, "1") for index in range(n_files)]
    found = fitting_spool_bytes(files, item_bytes=fitting_item_bytes(files))
    assert found == spool_bytes
    # All of a few files, none of many.
    assert (found <= 3 * 10**6) == (n_files < 64)


def test_a_small_corpus_makes_items_for_several_workers():
    shards = small_files(300, size=20_000)
    n_items = len(plan(shards, item_bytes=fitting_item_bytes(shards)))
    assert n_items > 30


@pytest.mark.parametrize("size", [100, 100_000, 3_000_000])
def test_a_new_file_changes_few_packs(size):
    files = small_files(5000, size)
    new = sorted([*files, FileInfo("/corpus/0002500x.txt", size, "1")], key=lambda f: f.path)
    before = {item.item_id for item in plan(files)}
    after = {item.item_id for item in plan(new)}
    assert len(after - before) <= 6


def test_a_changed_file_changes_its_item_and_no_other():
    files = small_files(5000)
    changed = [*files[:70], FileInfo(files[70].path, 100, "2"), *files[71:]]
    assert len({item.item_id for item in plan(files)} - {i.item_id for i in plan(changed)}) == 1


def test_salt_and_options_are_in_the_id():
    files = small_files(1)
    ids = {
        item.item_id
        for options in (OPTIONS, ReadOptions(document="line"))
        for salt in ("a", "b")
        for item in ItemPlanner(options, salt=salt).plan(files)
    }
    assert len(ids) == 4


def test_a_large_text_is_split_in_ranges_of_whole_windows():
    spans = [item.spans[0] for item in plan([FileInfo("a.txt", 10**9, "1")])]
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert (spans[0].start, spans[-1].end) == (0, None)
    assert all(span.start % 2**21 == 0 for span in spans)
    assert len(spans) == 120


@pytest.mark.parametrize("name", ["a.txt.gz", "a.xz", "a.conllu", "a.jsonl.zst"])
def test_what_cannot_be_read_from_the_middle_is_one_item(name):
    assert len(plan([FileInfo(name, 10**9, "1")])) == 1


def test_a_file_that_its_server_only_sends_whole_is_one_item():
    assert len(plan([FileInfo("http://x/a.txt", 10**9, "1", is_seekable=False)])) == 1
    assert len(plan([FileInfo("http://x/a.txt", -1, "1")])) == 1


def test_items_survive_json_and_pickle():
    (item,) = plan(small_files(1))
    assert pickle.loads(pickle.dumps(item)) == item
    assert json.loads(json.dumps(asdict(item)))["item_id"] == item.item_id


def test_planning_takes_microseconds_a_file():
    files = small_files(50_000)
    start = time.process_time()
    plan(files)
    # About 4 us a file; the limit leaves room for a slow machine.
    assert time.process_time() - start < 2.5


@pytest.mark.parametrize(
    ("field", "value"),
    [("input_format", "pdf"), ("document", "page"), ("max_document_bytes", 0)],
)
def test_a_wrong_option_is_named(field, value):
    with pytest.raises(UsageError, match=f"{field} .*expected"):
        list(ItemPlanner(ReadOptions(**{field: value}), salt="").plan(small_files(1)))
