import http.server
import json
import threading

import pytest

from pipelines.runners.flink import FlinkJobs, rest_url

_JOBS = [
    {"jid": "ours", "name": "mtag-1", "end-time": -1},
    {"jid": "ended", "name": "mtag-1", "end-time": 5},
    {"jid": "another", "name": "mtag-2", "end-time": -1},
]


class FakeResult:
    def cancel(self):
        pass


@pytest.fixture
def flink():
    """A REST API with three jobs; yields its address and what it was asked to change."""
    changed = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer({"jobs": _JOBS})

        def do_PATCH(self):
            changed.append(self.path)
            self._answer({})

        def _answer(self, fields):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(fields).encode())

        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"localhost:{server.server_address[1]}", changed
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_running_jobs_of_the_name_are_cancelled(flink):
    master, changed = flink
    FlinkJobs.from_flags([f"--flink_master={master}", "--job_name=mtag-1"]).cancel(FakeResult())
    assert changed == ["/jobs/ours?mode=cancel"]


def test_a_cluster_that_does_not_answer_is_a_warning(caplog):
    FlinkJobs("http://localhost:1", "mtag-1").cancel(FakeResult())
    assert "job mtag-1 may still run" in caplog.text


def test_a_job_without_a_name_gets_one_of_its_own():
    assert FlinkJobs.from_flags([]).name != FlinkJobs.from_flags([]).name


def test_flink_inside_the_job_server_has_no_address():
    assert rest_url("[local]") is None
    assert rest_url("flink:8081") == "http://flink:8081"
