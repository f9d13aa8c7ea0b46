"""Numbers for Prometheus: of runs on this machine, and of runs whose workers are elsewhere."""

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mtag_core.errors import UsageError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.completed_parts import NewParts
from pipelines.console import Progress
from pipelines.metrics import MetricsOptions
from tests.pipelines.trees import annotate, write_corpus


def _numbers(text: str) -> dict[str, float]:
    families = text_string_to_metric_families(text)
    return {sample.name: sample.value for family in families for sample in family.samples}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        port: int = listener.getsockname()[1]
        return port


def test_the_file_holds_the_numbers_of_a_run_that_succeeded(tmp_path):
    pattern, path = write_corpus(tmp_path / "in"), tmp_path / "run.prom"
    assert annotate(pattern, tmp_path / "out", f"--metrics_file={path}") == 0
    found = _numbers(path.read_text())
    assert found["mtag_documents_total"] == 6
    assert found["mtag_tokens_total"] > 2000
    assert found["mtag_parts_total"] == found["mtag_parts_planned"] > 0
    assert found["mtag_source_bytes_total"] == found["mtag_source_bytes_planned"]
    assert found["mtag_run_success_time_seconds"] > found["mtag_run_start_time_seconds"]


def test_the_port_answers_while_a_run_goes_on():
    port = _free_port()
    metrics = MetricsOptions(metrics_port=port)
    with Progress(n_bytes=7, n_parts=3, n_completed=2, is_local=True, metrics=metrics):
        with urllib.request.urlopen(f"http://localhost:{port}/metrics") as answer:
            found = _numbers(answer.read().decode())
    assert found["mtag_parts_planned"] == 3
    assert found["mtag_parts_from_earlier_runs"] == 2
    assert found["mtag_run_success_time_seconds"] == 0
    with pytest.raises(OSError), urllib.request.urlopen(f"http://localhost:{port}/metrics"):
        pass


def test_a_run_that_failed_has_no_time_of_success(tmp_path):
    path = tmp_path / "run.prom"
    metrics = MetricsOptions(metrics_file=path)
    with (
        pytest.raises(RuntimeError),
        Progress(n_bytes=1, n_parts=1, is_local=True, metrics=metrics),
    ):
        raise RuntimeError
    assert _numbers(path.read_text())["mtag_run_success_time_seconds"] == 0


def test_on_a_cluster_new_manifests_are_added_up(tmp_path):
    output, path = tmp_path / "out", tmp_path / "run.prom"
    pattern = write_corpus(tmp_path / "in", n_files=2)
    assert annotate(pattern, output) == 0
    poll = NewParts(OutputLayout(str(output), OutputFormat())).poll
    assert poll().n_parts == 0
    metrics = MetricsOptions(metrics_file=path)
    with Progress(n_bytes=1, n_parts=1, is_local=False, metrics=metrics, poll=poll):
        write_corpus(tmp_path / "in", n_files=3)
        assert annotate(pattern, output) == 0
    found = _numbers(path.read_text())
    assert found["mtag_documents_total"] >= 1
    assert found["mtag_parts_total"] == poll().n_parts > 0


@pytest.mark.parametrize("has_port", [True, False])
def test_what_cannot_be_served_or_written_is_an_error_before_the_run(tmp_path, has_port):
    with socket.socket() as listener:
        listener.bind(("", 0))
        listener.listen()
        port = listener.getsockname()[1]
        metrics = MetricsOptions(
            metrics_port=port if has_port else None,
            metrics_file=None if has_port else Path(tmp_path / "none" / "x.prom"),
        )
        name = f"--metrics_port={port}" if has_port else "--metrics_file="
        with pytest.raises(UsageError, match=name):
            Progress(n_bytes=1, n_parts=1, is_local=True, metrics=metrics).__enter__()
