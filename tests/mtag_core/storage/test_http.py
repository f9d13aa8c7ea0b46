import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core import storage
from mtag_core.errors import InputNotFoundError, StorageError, UsageError
from mtag_core.records import Document
from mtag_core.storage import remote
from tests.mtag_core.corpus.conftest import read_path, reasons

TEXT = b"".join(b"%d bottles of beer on the wall\n" % i for i in range(20_000))


class Handler(BaseHTTPRequestHandler):
    """Serves `files`; subclasses misbehave."""

    files: ClassVar[dict[str, bytes]] = {}
    requests: ClassVar[list[str | None]] = []
    serves_ranges = True
    sends_length = True
    n_bytes_before_break: int | None = None
    content_encoding: str | None = None

    def do_GET(self):
        data = self.files.get(self.path.partition("?")[0])
        if data is not None and self.content_encoding == "gzip":
            data = gzip.compress(data, mtime=0)
        if data is None:
            self.send_error(404)
            return
        wanted = self.headers.get("Range") if self.serves_ranges else None
        self.requests.append(wanted)
        start, end = 0, len(data)
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), int(last) + 1 if last else len(data)
            if start >= len(data):
                self.send_error(416)
                return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        if self.sends_length:
            self.send_header("Content-Length", str(end - start))
        if self.content_encoding:
            self.send_header("Content-Encoding", self.content_encoding)
        self.send_header("ETag", f'"{len(data)}"')
        self.end_headers()
        body = data[start:end]
        if self.n_bytes_before_break is not None:
            body = body[: self.n_bytes_before_break]
        # The client may have seen enough.
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args):
        pass


@contextmanager
def serve(**behaviour):
    """Runs a server of some files; yields its handler class and its URL."""
    handler = type("Handler", (Handler,), {"requests": [], **behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def read_lines(url, **options):
    results = read_path(url, document="line", **options)
    return b"".join(d.text.encode() + b"\n" for d in results if isinstance(d, Document))


def test_a_url_is_listed_with_size_and_version():
    with serve(files={"/a.txt": TEXT}) as (_, url):
        (file,) = storage.list_files([f"{url}/a.txt"])
    assert (file.size, file.version, file.is_seekable) == (len(TEXT), f'"{len(TEXT)}"', True)


def test_ranges_are_asked_for_and_read_once():
    with serve(files={"/a.txt": TEXT}) as (handler, url):
        assert read_lines(f"{url}/a.txt", item_bytes=100_000) == TEXT
    assert "bytes=99999-" in handler.requests


def test_a_server_that_ignores_ranges_is_read_whole():
    with serve(files={"/a.txt": TEXT}, serves_ranges=False) as (_, url):
        assert not storage.stat(f"{url}/a.txt").is_seekable
        assert read_lines(f"{url}/a.txt", item_bytes=100_000) == TEXT
        with storage.open_read(f"{url}/a.txt", start=1000) as stream:
            assert stream.read() == TEXT[1000:]


def test_a_server_that_tells_no_length_is_read_whole():
    with serve(files={"/a.txt": TEXT}, serves_ranges=False, sends_length=False) as (_, url):
        assert storage.stat(f"{url}/a.txt").size == storage.UNKNOWN_SIZE
        assert read_lines(f"{url}/a.txt", item_bytes=100_000) == TEXT


def test_a_broken_connection_is_resumed():
    with serve(files={"/a.txt": TEXT}, n_bytes_before_break=400_000) as (handler, url):
        with storage.open_read(f"{url}/a.txt") as stream:
            assert stream.read() == TEXT
    assert len(handler.requests) > 1


def test_a_connection_that_always_breaks_is_one_reject(monkeypatch):
    monkeypatch.setattr(remote, "_PAUSE_S", 0.0)
    with serve(files={"/a.txt": TEXT}, n_bytes_before_break=0) as (_, url):
        results = read_path(f"{url}/a.txt", document="line")
    assert reasons(results) == ["unreadable"]


def test_a_missing_file_is_named():
    with serve() as (_, url):
        with pytest.raises(InputNotFoundError, match="/no: no such file on its server"):
            storage.list_files([f"{url}/no"])
        assert not storage.exists(f"{url}/no")


def test_a_server_that_is_not_there_is_a_storage_error():
    with serve() as (_, url):
        pass
    with pytest.raises(StorageError, match="/a: ConnectionError"):
        storage.list_files([f"{url}/a"])


def test_an_empty_file_is_an_empty_document():
    with serve(files={"/a.txt": b""}) as (_, url):
        assert [d.text for d in read_path(f"{url}/a.txt")] == [""]


def test_a_query_is_no_part_of_the_name():
    with serve(files={"/a.jsonl": b'{"text": "x"}\n'}) as (_, url):
        assert [d.text for d in read_path(f"{url}/a.jsonl?key=1.txt")] == ["x"]


@pytest.mark.parametrize("serves_ranges", [True, False])
def test_parquet_is_read_over_http(serves_ranges):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(500)]}), sink, row_group_size=50)
    files = {"/a.parquet": sink.getvalue().to_pybytes()}
    with serve(files=files, serves_ranges=serves_ranges) as (_, url):
        results = read_path(f"{url}/a.parquet", item_bytes=1000)
    assert [d.text for d in results] == [f"text {i}" for i in range(500)]


@pytest.mark.parametrize("sends_length", [True, False])
@pytest.mark.parametrize("serves_ranges", [True, False])
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_a_server_that_compresses_on_its_way_is_read(name, serves_ranges, sends_length):
    data = gzip.compress(TEXT) if name.endswith(".gz") else TEXT
    behaviour = {"serves_ranges": serves_ranges, "sends_length": sends_length}
    with serve(files={f"/{name}": data}, content_encoding="gzip", **behaviour) as (_, url):
        assert read_lines(f"{url}/{name}", item_bytes=1000) == TEXT


def test_a_file_that_is_only_said_to_be_encoded_is_read():
    # As servers do that take .gz for an encoding: the bytes are compressed once.
    behaviour = {"files": {"/a.txt.gz": gzip.compress(TEXT)}, "content_encoding": "x-gzip"}
    with serve(**behaviour) as (_, url):
        assert read_lines(f"{url}/a.txt.gz") == TEXT


@pytest.mark.parametrize("serves_ranges", [True, False])
def test_parquet_that_a_server_compresses_is_read(serves_ranges):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": ["a", "b"]}), sink)
    files = {"/a.parquet": sink.getvalue().to_pybytes()}
    behaviour = {"serves_ranges": serves_ranges, "content_encoding": "gzip"}
    with serve(files=files, **behaviour) as (_, url):
        assert [d.text for d in read_path(f"{url}/a.parquet")] == ["a", "b"]


def test_another_encoding_is_named():
    with serve(files={"/a.txt": TEXT}, content_encoding="br") as (_, url):
        with pytest.raises(StorageError, match=r"/a\.txt: its server sends Content-Encoding 'br'"):
            storage.list_files([f"{url}/a.txt"])


def test_writing_over_http_is_refused():
    with pytest.raises(UsageError, match="cannot write over HTTP"):
        with storage.atomic_writer("http://127.0.0.1:9/a") as stream:
            stream.write(b"x")
