import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtag_core.errors import UsageError
from pipelines.options import parse_options
from tests.pipelines.killing import finished

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def job(tmp_path):
    """Starts a streaming job with a slow tagger; whatever happens, it ends with the test."""
    processes = []

    def start():
        module = "tests.deploy.annotate_slow"
        paths = [f"--input={tmp_path}/in/*.txt", f"--output={tmp_path}/out", "--item_bytes=1000"]
        flags = ["--streaming", "--poll_interval=0.5"]
        command = [sys.executable, "-m", module, *paths, *flags]
        processes.append(subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL))
        return processes[-1]

    (tmp_path / "in").mkdir()
    yield start
    for process in processes:
        process.kill()
        process.wait(10)


def _write(tmp_path, name, n_sentences=60):
    (tmp_path / "in" / f"{name}.txt").write_text(f"The cat is {name}. " * n_sentences)


def _wait_for(condition, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _n_documents(tmp_path):
    path = tmp_path / "out" / "run.json"
    return json.loads(path.read_text())["counts"]["documents"] if path.exists() else 0


def test_files_are_tagged_as_they_appear(job, tmp_path):
    process = job()
    _write(tmp_path, "first")
    _wait_for(lambda: _n_documents(tmp_path) == 1)
    _write(tmp_path, "second")
    _wait_for(lambda: _n_documents(tmp_path) == 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_a_small_file_that_appears_leaves_the_part_of_another_alone(job, tmp_path):
    _write(tmp_path, "second", n_sentences=5)
    job()
    _wait_for(lambda: _n_documents(tmp_path) == 1)
    before = finished(tmp_path / "out")
    _write(tmp_path, "first", n_sentences=5)
    _wait_for(lambda: _n_documents(tmp_path) == 2)
    assert before.items() < finished(tmp_path / "out").items()


def test_a_file_that_grows_waits_until_it_is_stable(job, tmp_path):
    job()
    path = tmp_path / "in" / "growing.txt"
    for _ in range(25):
        with path.open("a") as stream:
            stream.write("One more cat. " * 10)
        time.sleep(0.1)
        assert not (tmp_path / "out" / "manifests").exists()
    _wait_for(lambda: _n_documents(tmp_path) == 1)


def test_sigterm_finishes_the_current_part_and_begins_no_other(job, tmp_path):
    for index in range(20):
        _write(tmp_path, f"{index:02}")
    process = job()
    manifests = tmp_path / "out" / "manifests"
    _wait_for(lambda: manifests.exists() and any(manifests.iterdir()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    n_parts = len(list((tmp_path / "out" / "parts").iterdir()))
    assert 0 < n_parts < 20
    assert n_parts == len(list(manifests.iterdir()))


@pytest.mark.parametrize("flag", ["--limit=3", "--repack"])
def test_streaming_does_not_go_with_flags_of_single_runs(flag):
    with pytest.raises(UsageError, match=f"--streaming goes without {flag.partition(chr(61))[0]}"):
        parse_options(["--input=a", "--output=b", "--streaming", flag])
