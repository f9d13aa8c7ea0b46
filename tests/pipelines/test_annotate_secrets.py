"""annotate over URLs with secrets: they are used, and are in nothing that is written or printed."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mtag_core import storage
from mtag_core.storage import HttpAccess
from tests.pipelines.trees import annotate

_SECRETS = ("hunter2", "abcdef")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = "Basic " + base64.b64encode(b"user:hunter2").decode()
        is_known = self.headers.get("Authorization") == wanted and "token=abcdef" in self.path
        self.send_response(200 if is_known else 401)
        self.end_headers()
        self.wfile.write(b"Ana reads.\n")

    def log_message(self, *_args):
        pass


@pytest.fixture
def host():
    before = storage.http_access()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
    storage.use_http_access(before)


def _text(path: Path) -> str:
    return str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else path.read_text()


@pytest.mark.parametrize("n_workers", [1, 2])
def test_secrets_of_urls_are_in_nothing_that_is_written(host, tmp_path, capfd, n_workers):
    storage.use_http_access(HttpAccess())
    flags = ["--format=jsonl", "--compression=none", f"--direct_num_workers={n_workers}"]
    flags += ["--s3_secret_access_key=hunter2", "--s3_session_token", "hunter2"]
    url = f"http://user:hunter2@{host}/a.txt?token=abcdef"
    assert annotate(url, tmp_path, *flags) == 0
    printed = "".join(capfd.readouterr())
    written = {path: _text(path) for path in tmp_path.rglob("*") if path.is_file()}
    for secret in _SECRETS:
        assert secret not in printed
        assert [path for path, text in written.items() if secret in text] == []
    [part] = tmp_path.glob("parts/*")
    assert json.loads(written[part])["doc_id"] == f"http://{host}/a.txt"


def test_errors_hold_no_secret(host, tmp_path, capfd):
    url = f"http://user:hunter2@{host}/a.txt?token=wrong-abcdef"
    assert annotate(url, tmp_path) == 1
    assert annotate("s3://key:hunter2@bucket/a", tmp_path) == 2
    assert annotate("a.txt", tmp_path, url) == 2
    printed = "".join(capfd.readouterr())
    assert "401" in printed
    assert not any(secret in printed for secret in _SECRETS)
