"""Runs on a real standalone Flink cluster: JobManager, TaskManager, two slots, external workers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import Message
from pathlib import Path

import grpc
import psutil
import pytest

from deploy.flink.cluster import Cluster, missing_tools
from tests.deploy import tag_stream
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle
from tests.pipelines.trees import tree, write_compressed

_MISSING = missing_tools()
_ROOT = Path(__file__).parents[2]
_TIMEOUT_S = 240

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("flink"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Files of a few work items: one of them bad, one sliced."""
    folder = tmp_path_factory.mktemp("corpus")
    for index in range(24):
        (folder / f"{index:02}.txt").write_text(f"A small cat number {index} sat. " * 40)
    (folder / "bad.txt").write_bytes(b"broken \xff\xfe bytes")
    write_compressed(folder / "sliced.jsonl.gz")
    return folder


@pytest.fixture(scope="module")
def expected(corpus, tmp_path_factory):
    """What the DirectRunner writes."""
    output = tmp_path_factory.mktemp("direct") / "out"
    assert _start(corpus, output).wait(_TIMEOUT_S) == 0
    return tree(output)


def test_a_server_that_is_not_ready_offers_no_slots(tmp_path, monkeypatch):
    def not_ready(_cluster, _path):
        raise urllib.error.HTTPError(
            "http://localhost", 503, "Service Unavailable", Message(), None
        )

    monkeypatch.setattr(Cluster, "rest", not_ready)
    assert Cluster(tmp_path)._n_slots() == 0


def _flags(cluster):
    """Waits long for workers: other tests and an installation may have the cores."""
    return [*cluster.flags, "--worker_timeout=200"]


def _start(corpus, output, *flags):
    """Starts the job with a slow fake tagger as a process."""
    module = "tests.deploy.annotate_slow"
    paths = [f"--input={corpus}/*", f"--output={output}", "--item_bytes=2000"]
    command = [sys.executable, "-m", module, *paths, *flags]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL, env=os.environ.copy())


@pytest.fixture
def deaf_pool():
    """The address of a gRPC server that takes every request and answers none."""
    is_over = threading.Event()

    class DeafHandler(grpc.GenericRpcHandler):
        def service(self, _call):
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: is_over.wait(60))

    server = grpc.server(ThreadPoolExecutor(4), handlers=[DeafHandler()])
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    is_over.set()
    server.stop(None).wait()


def _wait_for_parts(output, n_parts):
    """Waits until some parts are done."""
    _wait_for(lambda: len(list(output.glob("manifests/*"))) >= n_parts)


def _wait_for(condition, timeout_s=240):
    """Waits until something is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _cancel_jobs(cluster):
    for job in cluster.rest("/jobs/overview")["jobs"]:
        if job["end-time"] < 0:
            url = f"http://localhost:{cluster.ports.rest}/jobs/{job['jid']}?mode=cancel"
            urllib.request.urlopen(urllib.request.Request(url, method="PATCH"), timeout=10).close()
    _wait_for(lambda: all(job["end-time"] > 0 for job in cluster.rest("/jobs/overview")["jobs"]))


def _kill_workers(cluster):
    n_killed = 0
    for worker in psutil.Process(cluster.workers.pid).children():
        # One may end by itself when another dies.
        with suppress(psutil.NoSuchProcess):
            worker.kill()
            n_killed += 1
    return n_killed


def _is_alike(output, other):
    """Whether two output directories hold the same; one is of a stream, and may be changing."""
    try:
        one, two = (
            {name: data for name, data in tree(path).items() if not _is_summed_up(name)}
            for path in (output, other)
        )
        return one == two
    except FileNotFoundError:
        return False


def _is_summed_up(name):
    """Whether a stream has no such file, or another one: it sums up no counts."""
    return name.startswith(".") or name in ("counts.parquet", "words.parquet", "report.json")


def test_the_standalone_cluster_writes_the_same_bytes(cluster, corpus, expected, tmp_path):
    process = _start(corpus, tmp_path / "out", *_flags(cluster))
    assert process.wait(_TIMEOUT_S) == 0
    assert tree(tmp_path / "out") == expected


def test_a_document_that_aborts_its_worker_is_rejected_by_the_next_attempt(cluster, tmp_path):
    (tmp_path / "in").mkdir()
    for index in range(6):
        word = "abort" if index == 3 else "read"
        (tmp_path / "in" / f"{index}.txt").write_text(f"They {word} it. " * 200)
    paths = [f"--input={tmp_path}/in/*", f"--output={tmp_path}/out", "--item_bytes=4000"]
    command = [sys.executable, "-m", "tests.pipelines.annotate_aborting", *paths]
    command += _flags(cluster)
    assert subprocess.run(command, cwd=_ROOT, timeout=2 * _TIMEOUT_S).returncode == 0
    lines = [
        line for path in tmp_path.glob("out/rejects/*") for line in path.read_text().split("\n")
    ]
    [reject] = [json.loads(line) for line in lines if line]
    assert (reject["reason"], reject["source"]) == ("crashed", f"{tmp_path}/in/3.txt")
    counts = json.loads((tmp_path / "out" / "run.json").read_text())["counts"]
    assert (counts["tagged"], counts["rejected"]) == (5, 1)


def test_counters_can_be_read_on_the_rest_api(cluster):
    jobs = [job["jid"] for job in cluster.rest("/jobs/overview")["jobs"]]
    paths = [f"/jobs/{job}/accumulators?includeSerializedValue=false" for job in jobs]
    texts = [str(cluster.rest(path)) for path in paths]
    assert any("documents" in text and "rejects_invalid_utf8" in text for text in texts)


@pytest.mark.parametrize("pipeline", ["annotate", "teacher_logits"])
def test_real_models_write_the_same_bytes_there(cluster, tmp_path, pipeline):
    flags = [f"--input={_ROOT}/sample_data/wiki.xml"]
    if pipeline == "teacher_logits":
        flags += [f"--teacher={write_word_bundle(tmp_path / 'teacher')}"]
    command = [sys.executable, "-m", f"pipelines.{pipeline}", *flags]
    for name, more in (("direct", []), ("flink", _flags(cluster))):
        output = f"--output={tmp_path / name}"
        subprocess.run([*command, output, *more], cwd=_ROOT, check=True, timeout=_TIMEOUT_S)
    assert tree(tmp_path / "flink") == tree(tmp_path / "direct")


def test_a_job_survives_a_killed_worker_and_a_killed_task_manager(
    cluster, corpus, expected, tmp_path
):
    process = _start(corpus, tmp_path / "out", *_flags(cluster))
    try:
        _wait_for_parts(tmp_path / "out", 2)
        assert _kill_workers(cluster)
        _wait_for_parts(tmp_path / "out", 6)
        cluster.task_manager.kill()
        cluster.start_task_manager()
        assert process.wait(_TIMEOUT_S) == 0
    finally:
        process.kill()
        process.wait(10)
    assert "to RESTARTING" in cluster.job_manager.log_path.read_text().replace("state ", "")
    assert tree(tmp_path / "out") == expected


def test_a_worker_pool_that_never_answers_is_an_error_and_its_job_is_cancelled(
    cluster, deaf_pool, capfd, corpus, tmp_path
):
    flags = [*cluster.flags, f"--environment_config={deaf_pool}", "--worker_timeout=15"]
    assert _start(corpus, tmp_path / "out", *flags).wait(60) == 1
    assert f"--environment_config={deaf_pool}" in capfd.readouterr().err
    _wait_for(lambda: "CANCELED" in str(cluster.rest("/jobs/overview")))
    assert not (tmp_path / "out" / ".started").exists()


def test_a_stream_tags_what_appears_survives_a_killed_worker_and_stops_on_sigterm(
    cluster, tmp_path
):
    corpus, output = tmp_path / "in", tmp_path / "out"
    corpus.mkdir()
    (corpus / "first.txt").write_text("A small cat sat. " * 200)
    process = _start(corpus, output, *_flags(cluster), "--streaming", "--poll_interval=0.5")
    try:
        _wait_for(lambda: (output / "run.json").exists())
        _kill_workers(cluster)
        (corpus / "first.txt").write_text("A large cat sat. " * 200)
        (corpus / "second.txt").write_text("Another cat sat. " * 200)
        write_compressed(corpus / "sliced.jsonl.gz")
        # No more than a bounded run over the same files writes, and no less.
        assert _start(corpus, tmp_path / "bounded").wait(_TIMEOUT_S) == 0
        _wait_for(lambda: _is_alike(output, tmp_path / "bounded"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)
    _wait_for(lambda: all(job["end-time"] > 0 for job in cluster.rest("/jobs/overview")["jobs"]))


def _environment():
    return {**os.environ, "PYTHONPATH": str(_ROOT)}


def test_documents_of_an_unbounded_source_come_out_once_in_their_windows(cluster, tmp_path):
    n_seconds = 8
    # The impulse source has to outlive the ticks, which are timers of a later step.
    flags = [*cluster.flags, f"--shutdown_sources_after_idle_ms={4000 * n_seconds}"]
    command = [sys.executable, "-m", "tests.deploy.tag_stream", str(tmp_path), str(n_seconds)]
    subprocess.run(
        [*command, *flags], cwd=_ROOT, env=_environment(), check=True, timeout=_TIMEOUT_S
    )
    written = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    sizes = [2, tag_stream.LONG_SENTENCES, 2, 0, 2]
    assert sorted(written, key=lambda each: each["doc_id"]) == [
        {
            "doc_id": f"{second}.{index}",
            "n_sentences": n_sentences,
            "second": second,
            "window": [second // 2 * 2, second // 2 * 2 + 2],
        }
        for second in range(n_seconds)
        for index, n_sentences in enumerate(sizes)
    ]
    # Each window was closed once, with the documents of its two seconds.
    counts = [int(path.read_text()) for path in tmp_path.glob("*.count")]
    assert counts == [2 * tag_stream.PER_SECOND] * (n_seconds // tag_stream.WINDOW_S)


def test_the_example_of_a_message_queue_loses_nothing_when_workers_are_killed(cluster, tmp_path):
    redis = pytest.importorskip("redis", reason="not installed: redis, of the dev extra")
    redis_server = pytest.importorskip("tests.docs.redis_server")
    if redis_server.PROGRAM is None:
        pytest.skip("not installed: redis-server")
    flags = ["--claim_after_s=5", "--shutdown_sources_after_idle_ms=9000000000000"]
    script = _ROOT / "docs" / "examples" / "tag_messages.py"
    with redis_server.running_server(tmp_path) as url, redis.Redis.from_url(url) as client:
        command = [sys.executable, str(script), f"--redis={url}", *cluster.flags, *flags]
        process = subprocess.Popen(command, cwd=_ROOT, env=_environment())
        try:
            _send_and_wait(client, range(10))
            _kill_workers(cluster)
            _send_and_wait(client, range(10, 20))
            _wait_for(lambda: client.xpending("texts", "mtag")["pending"] == 0, _TIMEOUT_S)
        finally:
            process.kill()
            process.wait(10)
            _cancel_jobs(cluster)


def _send_and_wait(client, numbers):
    """Sends messages; waits until all messages so far have come out, be it more than once."""
    for number in numbers:
        message = {"id": str(number), "text": f"Cat {number} sat."}
        client.xadd("texts", {"json": json.dumps(message)})
    expected = {str(number) for number in range(numbers.stop)}

    def written():
        return {json.loads(fields[b"json"])["id"] for _, fields in client.xrange("tagged")}

    _wait_for(lambda: written() == expected, _TIMEOUT_S)


def test_embedded_flink_writes_the_same_bytes(corpus, expected, tmp_path):
    cluster = Cluster(tmp_path / "embedded")
    try:
        cluster.start(master="[local]")
        process = _start(corpus, tmp_path / "out", *_flags(cluster))
        assert process.wait(_TIMEOUT_S) == 0
    finally:
        cluster.stop()
    assert tree(tmp_path / "out") == expected


def test_a_cluster_without_a_task_manager_is_an_error_within_a_minute(cluster, corpus, tmp_path):
    cluster.task_manager.kill()
    try:
        deadline = time.monotonic() + 60
        # The JobManager counts the slots of a lost TaskManager until its heartbeats time out.
        while cluster.rest("/overview")["slots-total"]:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        process = _start(corpus, tmp_path / "out", *_flags(cluster))
        assert process.wait(60) == 1
    finally:
        cluster.start_task_manager()
