import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.parts.plan import plan_parts
from mtag_core.parts.run_plan import PlanSize, measure_plan, plan_lines, write_plan
from mtag_core.storage import list_files


@pytest.fixture
def parts(tmp_path):
    parts = []
    for number in range(4):
        path = tmp_path / f"{number}.txt"
        path.write_text("line\n" * (number + 1), "utf-8")
        parts += plan_parts(list_files([str(path)]), ReadOptions(), salt="s")
    return parts


def test_a_plan_reads_back_pending_parts_first_and_large_parts_first(parts, tmp_path):
    path = str(tmp_path / "plan.jsonl")
    write_plan(path, parts, completed={parts[3].part_id})
    assert [line.read() for line in plan_lines(path)] == [parts[2], parts[1], parts[0], parts[3]]


def test_the_size_tells_pending_parts_from_completed_ones(parts, tmp_path):
    size = write_plan(str(tmp_path / "plan.jsonl"), parts, completed={parts[3].part_id})
    assert size == PlanSize(4, 50, 3, 30, 20, 4)


def test_measuring_takes_all_parts_as_pending(parts):
    assert measure_plan(parts) == PlanSize(4, 50, 4, 50, 20, 4)
