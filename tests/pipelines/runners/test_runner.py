import http.server
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from pipelines.runners.flink import RUNNER
from pipelines.runners.runner import EndpointError


@pytest.fixture
def closed_port():
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def silent_port():
    """Takes connections, says nothing."""
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def open_port():
    """A gRPC server without services."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield port
    server.stop(None).wait()


@pytest.fixture
def flink_without_slots():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"slots-total": 0}')

        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_flags_without_a_service_are_fine():
    RUNNER.check(["--direct_num_workers=2"])


def test_a_silent_job_server_is_named_with_what_to_start(closed_port):
    with pytest.raises(EndpointError, match=r"no Beam job server answers at --job_endpoint.*start"):
        RUNNER.check([f"--job_endpoint=localhost:{closed_port}"])


def test_a_silent_worker_pool_is_named(open_port, closed_port):
    flags = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{closed_port}"]
    with pytest.raises(EndpointError, match="no Python worker pool answers at --environment_con"):
        RUNNER.check([f"--job_endpoint=localhost:{open_port}", *flags])


def test_a_worker_pool_that_takes_connections_and_says_nothing_is_named(
    open_port, silent_port, monkeypatch
):
    monkeypatch.setattr("pipelines.runners.runner.SERVICE_TIMEOUT_S", 0.3)
    flags = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{silent_port}"]
    with pytest.raises(EndpointError, match=r"no Python worker pool answers .*timed out.*start"):
        RUNNER.check([f"--job_endpoint=localhost:{open_port}", *flags])


def test_a_port_of_another_service_is_no_job_server(flink_without_slots):
    with pytest.raises(EndpointError, match=r"no Beam job server .*something else than gRPC"):
        RUNNER.check([f"--job_endpoint=localhost:{flink_without_slots}"])


def test_a_silent_job_manager_is_named(open_port, closed_port):
    with pytest.raises(EndpointError, match="no Flink JobManager answers"):
        RUNNER.check(
            [f"--job_endpoint=localhost:{open_port}", f"--flink_master=localhost:{closed_port}"]
        )


def test_a_cluster_without_slots_is_named(open_port, flink_without_slots):
    flags = [f"--flink_master=localhost:{flink_without_slots}"]
    with pytest.raises(EndpointError, match="has no task slots; start a TaskManager"):
        RUNNER.check([f"--job_endpoint=localhost:{open_port}", *flags])


def test_an_address_without_a_port_is_refused():
    with pytest.raises(EndpointError, match="expected HOST:PORT"):
        RUNNER.check(["--job_endpoint=localhost"])
