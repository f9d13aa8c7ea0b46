import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtag_core.errors import CheckpointError
from mtag_core.training.records import record_options


@dataclass(frozen=True)
class Schedule:
    epochs: float = 1.0
    seed: int = 1


@dataclass(frozen=True)
class Options:
    output: Path
    resume: bool = False
    schedule: Schedule = Schedule()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "config.json"


def test_options_are_recorded_without_whether_to_resume(path):
    record_options(path, Options(Path("there"), resume=True))
    expected = {"output": "there", "schedule": {"epochs": 1.0, "seed": 1}}
    assert json.loads(path.read_text()) == expected


def test_the_same_options_are_accepted_again(path):
    for _ in range(2):
        record_options(path, Options(Path("there")))


def test_another_option_in_a_group_is_named(path):
    record_options(path, Options(Path("there")))
    with pytest.raises(CheckpointError, match=r"config\.json: seed is 1 there and 2 now"):
        record_options(path, Options(Path("there"), schedule=Schedule(seed=2)))


def test_some_options_may_differ(path):
    record_options(path, Options(Path("there")))
    longer = Options(Path("there"), schedule=Schedule(epochs=2.0))
    record_options(path, longer, may_differ=("epochs",))
    assert json.loads(path.read_text())["schedule"]["epochs"] == 2.0


def test_work_that_is_not_resumed_is_left_alone(path):
    record_options(path, {"seed": 1})
    with pytest.raises(CheckpointError, match="holds a run already; pass --resume"):
        record_options(path, {"seed": 1}, is_resumed=False)


def test_long_values_are_cut_in_the_message(path):
    record_options(path, {"forms": ["a"] * 1000})
    with pytest.raises(CheckpointError) as error:
        record_options(path, {"forms": ["b"] * 1000})
    assert len(str(error.value)) < 400
