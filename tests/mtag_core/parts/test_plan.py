import pytest

from mtag_core.corpus import ReadOptions
from mtag_core.parts.plan import PlannedPart, plan_parts
from mtag_core.storage import list_files

_LINES = ReadOptions(document="line")


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
