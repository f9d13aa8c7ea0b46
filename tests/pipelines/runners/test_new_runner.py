"""A runner that is not in mtag, as one object: a job runs on it."""

import json

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from mtag_core.errors import UsageError
from pipelines.runners import runner
from pipelines.runners.runner import EndpointError, Runner
from tests.pipelines.trees import annotate


def _make(_name, beam_flags, *, is_verbose):
    flags = [flag for flag in beam_flags if not flag.startswith("--fake_")]
    return FnApiRunner(), PipelineOptions(flags)


def _check_paths(_beam_flags, paths):
    if any(path.startswith("s3:") for path in paths):
        raise UsageError("FakeRunner reads no s3://")


def _check(beam_flags):
    if "--fake_cluster=gone" in beam_flags:
        raise EndpointError("no fake cluster answers")


FAKE = Runner(
    names=("FakeRunner", "fake"),
    make=_make,
    check_paths=_check_paths,
    check=_check,
    job_flags=("--fake_cluster",),
)


@pytest.fixture
def registered(monkeypatch):
    for name in FAKE.names:
        monkeypatch.setitem(runner._name_to_runner(), name.lower(), FAKE)


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "a.txt").write_text("Ana reads.\n")
    return str(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["FakeRunner", "FAKE"])
def test_a_registered_runner_runs_the_job(registered, corpus, tmp_path, name):
    flags = [f"--runner={name}", "--fake_cluster=here"]
    assert annotate(corpus, tmp_path / "out", *flags) == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["tagged"] == 1


def test_its_checks_come_before_anything_is_written(registered, corpus, tmp_path, capsys):
    flags = ["--runner=fake", "--fake_cluster=gone"]
    assert annotate(corpus, tmp_path / "out", *flags) == 1
    assert "no fake cluster answers" in capsys.readouterr().err
    assert annotate("s3://bucket/a.txt", tmp_path / "out", "--runner=fake", "--dry_run") == 2
    assert "FakeRunner reads no s3://" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_it_is_unknown_again_afterwards(corpus, tmp_path, capsys):
    assert annotate(corpus, tmp_path / "out", "--runner=fake") == 2
    assert "--runner=fake: no such runner" in capsys.readouterr().err
    assert annotate(corpus, tmp_path / "out", "--fake_cluster=here") == 2
    assert "unknown flag --fake_cluster" in capsys.readouterr().err
