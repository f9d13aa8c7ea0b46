import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mtag_core import storage
from mtag_core.__main__ import main
from mtag_core.errors import StorageError, UsageError
from mtag_core.storage import HttpAccess
from mtag_core.storage.paths import real_url


@pytest.fixture(autouse=True)
def _no_access():
    before = storage.http_access()
    storage.use_http_access(HttpAccess())
    yield
    storage.use_http_access(before)


class _Handler(BaseHTTPRequestHandler):
    """Wants a password at /private, a signature at /signed, and redirects from /away."""

    server: ThreadingHTTPServer

    def do_GET(self):
        wanted = "Basic " + base64.b64encode(b"user:hunter2").decode()
        path, _, query = self.path.partition("?")
        if path == "/private" and self.headers.get("Authorization") != wanted:
            self.send_error(401)
        elif path == "/signed" and query != "part=1&X-Amz-Signature=abc":
            self.send_error(403)
        elif path in ("/away", "/near"):
            host = "localhost" if path == "/away" else "127.0.0.1"
            self.send_response(302)
            self.send_header("Location", f"http://{host}:{self.server.server_port}/file")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"texts")

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_password_is_sent_and_in_no_path(port):
    [file] = storage.list_files([f"http://user:hunter2@127.0.0.1:{port}/private"])
    assert file.path == f"http://127.0.0.1:{port}/private"
    assert storage.read_bytes(file.path) == b"texts"


def test_another_process_gets_the_secrets(port):
    public = storage.public_url(f"http://user:hunter2@127.0.0.1:{port}/private")
    access = storage.http_access()
    storage.use_http_access(HttpAccess())
    with pytest.raises(StorageError, match="401"):
        storage.read_bytes(public)
    assert storage.call_with_access(access, storage.read_bytes, public) == b"texts"


def test_a_signature_is_sent_and_in_no_path(port):
    url = f"http://127.0.0.1:{port}/signed?part=1&X-Amz-Signature=abc"
    public = storage.public_url(url)
    assert public == f"http://127.0.0.1:{port}/signed?part=1"
    assert storage.read_bytes(public) == b"texts"


@pytest.mark.parametrize("path", ["private", "signed?sig=hunter2"])
def test_errors_hold_no_secret(port, path):
    with pytest.raises(StorageError) as caught:
        storage.read_bytes(f"http://user:hunter2x@127.0.0.1:{port}/{path}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://h/a.txt", "https://h/a.txt"),
        ("https://u@h/a.txt?x=1", "https://h/a.txt?x=1"),
        ("https://u:p@h:8/a?access_token=t", "https://h:8/a"),
        ("https://h/a?sv=1&se=2&sig=3&file=4", "https://h/a?file=4"),
        ("https://h/a?sv=1&file=4", "https://h/a?sv=1&file=4"),
        ("https://h/a?X-Goog-Expires=3&q=%20a", "https://h/a?q=%20a"),
        ("a@b/c?token=1", "a@b/c?token=1"),
        ("s3://bucket/a?b", "s3://bucket/a?b"),
    ],
)
def test_what_is_secret_is_left_out_and_known(url, public):
    assert storage.public_url(url) == public
    assert storage.public_url(public) == public
    assert real_url(public) == url


@pytest.mark.parametrize("url", ["s3://key:hunter2@bucket/a", "gs://key:hunter2@bucket/a*"])
def test_a_key_in_the_url_of_a_store_is_refused_without_its_name(url):
    with pytest.raises(UsageError, match="from the environment") as caught:
        storage.public_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "urls", [("http://a:b@h/", "http://a:c@h/x"), ("http://h/?sig=1", "http://h/?sig=2")]
)
def test_secrets_that_contradict_each_other_are_refused(urls):
    storage.public_url(urls[0])
    with pytest.raises(UsageError, match="two "):
        storage.public_url(urls[1])


def test_a_redirect_stays_on_its_host_unless_it_is_allowed_to_leave(port):
    assert storage.read_bytes(f"http://127.0.0.1:{port}/near") == b"texts"
    url = f"http://127.0.0.1:{port}/away"
    with pytest.raises(
        StorageError, match=r"redirects to the host localhost; .* --allow_redirects"
    ):
        storage.read_bytes(url)
    storage.use_http_access(HttpAccess(allow_redirects=True))
    assert storage.read_bytes(url) == b"texts"


def test_tag_follows_a_redirect_where_it_is_allowed_to(port, capsys):
    argv = ["tag", "--file", f"http://127.0.0.1:{port}/away"]
    assert main(argv) == 1
    assert "--allow_redirects" in capsys.readouterr().err
    assert main([*argv, "--allow_redirects"]) == 0
    assert "\ttexts\t" in capsys.readouterr().out


def test_secrets_are_taken_out_of_any_text():
    storage.public_url("http://h/a?token=hunter3")
    text = "cannot reach http://u:hunter2@h/a?token=hunter3, via https://v:hunter2@proxy:3128"
    assert storage.redacted(text) == "cannot reach http://h/a?, via https://proxy:3128"
