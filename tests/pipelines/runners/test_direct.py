import pytest
from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from mtag_core.errors import CountMismatchError, StorageError
from pipelines import job
from pipelines.runners.runner import find_runner, mtag_error


def _make(name, flags):
    return find_runner(name).make(name, flags, is_verbose=False)


def _environment(*flags):
    runner, _ = _make("DirectRunner", flags)
    return runner._default_environment.to_runner_api(None).urn


@pytest.mark.parametrize("name", ["DirectRunner", "direct", "FnApiRunner"])
def test_direct_runner_means_the_fn_api_runner(name):
    runner, _ = _make(name, [])
    assert type(runner) is FnApiRunner


def test_one_worker_stays_in_the_process():
    assert _environment() == "beam:env:embedded_python:v1"


def test_more_workers_are_processes_unless_asked_otherwise():
    assert _environment("--direct_num_workers=2") == "beam:env:harness_subprocess_python:v1"
    flags = ("--direct_num_workers=2", "--direct_running_mode=in_memory")
    assert _environment(*flags) == "beam:env:embedded_python:v1"


def test_the_number_of_workers_reaches_the_runner():
    _, options = _make("DirectRunner", ["--direct_num_workers=3"])
    assert options.view_as(DirectOptions).direct_num_workers == 3


def test_other_runners_are_left_to_beam():
    runner, options = _make("FlinkRunner", ["--flink_master=localhost:8081"])
    assert runner == "FlinkRunner"
    assert options.get_all_options()["flink_master"] == "localhost:8081"


def test_an_mtag_error_is_found_in_a_workers_traceback():
    text = (
        "Traceback (most recent call last):\n  File ...\n"
        "mtag_core.errors.CountMismatchError: part ab: 3 documents read\n\n"
        "During handling of the above exception, another exception occurred:\n"
        "mtag_core.errors.StorageError: out: no space [while running 'A/B-ptransform-1']\n"
    )
    error = mtag_error(RuntimeError(text))
    assert type(error) is StorageError
    assert str(error) == "out: no space"


def test_an_mtag_error_is_itself():
    error = CountMismatchError("x")
    assert mtag_error(error) is error


def test_other_errors_are_none_of_ours():
    assert mtag_error(RuntimeError("grpc is gone")) is None
    assert mtag_error(RuntimeError("mtag_core.errors.Unknown: x")) is None


@pytest.mark.parametrize(
    ("n_cores", "n_parts", "n_bytes", "free_bytes", "n_workers"),
    [
        (8, 100, 10**9, 2**40, 7),
        (8, 3, 10**9, 2**40, 3),
        (8, 100, 3 * 2**20, 2**40, 3),
        (8, 100, 10**9, 3 * 2**30, 4),
        (1, 100, 10**9, 2**40, 1),
        (8, 100, 1000, 2**40, 1),
        (8, 0, 0, 0, 1),
    ],
)
def test_workers_fit_cores_parts_bytes_and_memory(
    monkeypatch, n_cores, n_parts, n_bytes, free_bytes, n_workers
):
    sizes = {"SC_AVPHYS_PAGES": free_bytes // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(job.os, "sched_getaffinity", lambda _process: set(range(n_cores)))
    monkeypatch.setattr(job.os, "sysconf", sizes.__getitem__)
    assert job.fitting_workers(n_parts, n_bytes) == n_workers
