"""Plans of outputs that grow, with nothing read or written: a store of parts is a dictionary."""

from collections import Counter
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.corpus.items import ReadOptions, WorkItem
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.parts.plan import CompletedParts, PlannedPart, plan_beside, plan_parts
from mtag_core.storage import FileInfo, list_files

_LINES = ReadOptions(document="line")
_ITEM_BYTES = 1000
_NAMES = [f"{name}.{kind}" for name in "abcdefghijklmnop" for kind in ("txt", "jsonl")]


@pytest.fixture
def files(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("One line.\nAnother.\n" * 5, "utf-8")
    return list_files([str(tmp_path / "*.txt")])


def test_a_plan_is_the_same_each_time(files):
    assert list(plan_parts(files, _LINES, salt="s")) == list(plan_parts(files, _LINES, salt="s"))


def test_another_salt_gives_other_parts(files):
    ids = [{p.part_id for p in plan_parts(files, _LINES, salt=salt)} for salt in ("s", "t")]
    assert not ids[0] & ids[1]


def test_a_planned_part_reads_back_from_json(files):
    for part in plan_parts(files, _LINES, salt="s"):
        assert PlannedPart.from_json(part.to_json()) == part


def test_all_bytes_are_planned(files):
    parts = plan_parts(files, _LINES, salt="s")
    assert sum(part.n_bytes for part in parts) == sum(info.size for info in files)


def test_a_limit_cuts_the_last_part_and_gives_it_an_id_of_its_own(files):
    whole = list(plan_parts(files, _LINES, salt="s"))
    [first] = plan_parts(files, _LINES, salt="s", limit=7)
    assert first.limit == 7
    assert first.item == whole[0].item
    assert first.part_id not in {part.part_id for part in whole}


def test_a_limit_beyond_the_corpus_changes_nothing(files):
    assert list(plan_parts(files, _LINES, salt="s", limit=1000)) == list(
        plan_parts(files, _LINES, salt="s")
    )


class Output:
    """The completed parts of an output that runs are made on."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[str, ...]] = {}
        self.n_manifests_read = 0

    def plan(self, files: Collection[FileInfo]) -> list[WorkItem]:
        completed = CompletedParts(set(self.parts), self._sources)
        return list(plan_beside(sorted(files, key=lambda f: f.path), _planner(), completed))

    def make(self, items: Collection[WorkItem]) -> None:
        for item in items:
            self.parts[item.item_id] = tuple(
                span.file.path if span.is_whole else f"{span.file.path}#{span.start}-{span.end}"
                for span in item.spans
            )

    def run(self, files: Collection[FileInfo]) -> list[WorkItem]:
        """A whole run; returns what it made anew."""
        items = self.plan(files)
        new = [item for item in items if item.item_id not in self.parts]
        self.make(new)
        planned = {item.item_id for item in items}
        self.parts = {part_id: self.parts[part_id] for part_id in planned}
        return new

    def _sources(self, part_ids):
        self.n_manifests_read += len(part_ids)
        return {part_id: self.parts[part_id] for part_id in part_ids}


def _planner() -> ItemPlanner:
    return ItemPlanner(ReadOptions(document="line"), salt="s", item_bytes=_ITEM_BYTES)


def _file(name: str, size: int = 100, version: str = "1") -> FileInfo:
    return FileInfo(name, size, version)


def _paths(items: Collection[WorkItem]) -> set[str]:
    return {span.file.path for item in items for span in item.spans}


def _covered(items: Collection[WorkItem]) -> Counter[tuple[FileInfo, int, int | None]]:
    return Counter((span.file, span.start, span.end) for item in items for span in item.spans)


@pytest.fixture
def output() -> Output:
    return Output()


_OLD = [_file(f"{index:02}.txt", 40) for index in range(0, 90, 2)]


def test_a_new_file_leaves_all_parts_alone(output):
    output.run(_OLD)
    before = set(output.parts)
    new = [_file(f"{index:02}.txt", 40) for index in range(1, 90, 20)]
    assert _paths(output.run(_OLD + new)) == {file.path for file in new}
    assert before < set(output.parts)


def test_a_changed_file_costs_its_own_pack(output):
    output.run(_OLD)
    [pack] = [paths for paths in output.parts.values() if "44.txt" in paths]
    changed = [_file(file.path, 40, "2") if file.path == "44.txt" else file for file in _OLD]
    assert _paths(output.run(changed)) == set(pack)


def test_a_removed_file_costs_its_own_pack(output):
    output.run(_OLD)
    [pack] = [paths for paths in output.parts.values() if "44.txt" in paths]
    left = [file for file in _OLD if file.path != "44.txt"]
    assert _paths(output.run(left)) == set(pack) - {"44.txt"}


def test_a_file_that_came_alone_costs_nothing_when_it_goes(output):
    output.run(_OLD)
    before = set(output.parts)
    output.run([*_OLD, _file("new.txt")])
    assert output.run(_OLD) == []
    assert set(output.parts) == before


def test_a_part_that_is_right_stays_though_a_larger_one_of_its_files_is_not(output):
    three = [_file("a.txt"), _file("b.txt"), _file("c.txt")]
    output.make([_planner().pack(three), _planner().pack(three[:2])])
    items = output.plan([*three[:2], _file("c.txt", version="2")])
    assert items[0] == _planner().pack(three[:2])
    assert _paths(items[1:]) == {"c.txt"}


def test_of_two_right_parts_with_a_file_in_common_the_larger_one_stays(output):
    # Neither is in the plan at once, which takes files in order.
    names = [f"{name}.txt" for name in "abcdef"]
    larger = _planner().pack([_file(name) for name in names[::2]])
    smaller = _planner().pack([_file(name) for name in names[::5]])
    output.make([smaller, larger])
    items = output.plan([_file(name) for name in names])
    assert larger in items and smaller not in items


def test_a_pack_member_that_became_large_is_split_and_the_others_stay_together(output):
    output.run(_OLD)
    [pack] = [paths for paths in output.parts.values() if "44.txt" in paths]
    grown = [_file(file.path, 2500) if file.path == "44.txt" else file for file in _OLD]
    made = output.run(grown)
    assert [item.spans[0].start for item in made if not item.is_pack] == [0, 1000, 2000]
    assert _paths([item for item in made if item.is_pack]) == set(pack) - {"44.txt"}


def test_a_pack_of_larger_items_gives_up_the_files_that_are_split_by_now(output):
    files = [_file("a.txt", 2500), _file("b.txt", 200)]
    output.make([_planner().pack(files)])
    assert _covered(output.plan(files)) == _covered(list(_planner().plan(files)))


def test_no_manifest_is_read_where_the_output_was_made_at_once(output):
    output.run(_OLD)
    assert output.run(_OLD) == []
    output.run([*_OLD, _file("large.txt", 5000)])
    assert output.n_manifests_read == 0


def test_a_range_named_like_a_file_is_not_taken_for_it(output):
    output.run([_file("a.txt", 2500)])
    trap = _file("a.txt#0-1000", 10)
    assert _covered(output.run([_file("a.txt", 2600), trap]))[(trap, 0, None)] == 1


_FILES = st.dictionaries(
    st.sampled_from(_NAMES),
    st.tuples(st.sampled_from([0, 30, 120, 400, 900, 1500, 2500]), st.sampled_from("123")),
)


_STEPS = st.lists(st.tuples(_FILES, st.randoms(use_true_random=False)), min_size=1, max_size=6)


@given(_STEPS)
def test_every_plan_covers_every_file_once_however_runs_end(steps):
    output = Output()
    for names, rng in steps:
        files = [_file(name, size, version) for name, (size, version) in names.items()]
        items = output.plan(files)
        assert _covered(items) == _covered(list(_planner().plan(files)))
        # Killed: some parts are made, the stale ones are still there.
        output.make([item for item in items if rng.random() < 0.5])
        # The next run plans the same, so that it makes nothing twice.
        assert {i.item_id for i in output.plan(files)} == {i.item_id for i in items}
        if rng.random() < 0.7:
            assert not {i.item_id for i in output.run(files)} - {i.item_id for i in items}
            assert output.run(files) == []


@given(_FILES, _FILES)
def test_parts_whose_files_are_as_they_were_stay(before, added):
    output = Output()
    output.run([_file(name, *rest) for name, rest in before.items()])
    parts = set(output.parts)
    output.run([_file(name, *rest) for name, rest in {**added, **before}.items()])
    assert parts <= set(output.parts)
