import base64
import gzip
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mtag_core import storage
from mtag_core.errors import InputNotFoundError
from tests.mtag_core.corpus.conftest import read_path

pytest.importorskip("google.cloud.storage", reason="the gcs extra is not installed")
google_crc32c = pytest.importorskip("google_crc32c", reason="the gcs extra is not installed")

_GZIP = b"\x1f\x8b"
TEXT = b"".join(b"%d bottles of beer on the wall\n" % i for i in range(5000))


class Handler(BaseHTTPRequestHandler):
    """As much of the JSON API as the client asks for."""

    objects: ClassVar[dict[str, bytes]] = {}

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path.endswith("/o"):
            prefix = parse_qs(url.query).get("prefix", [""])[0]
            found = [
                self.describe(name) for name in sorted(self.objects) if name.startswith(prefix)
            ]
            self.answer({"items": found})
        elif not re.search(r"/b/[^/]+/o/", url.path):
            self.answer({"name": "corpus"})
        elif (name := self.name(url.path)) not in self.objects:
            self.send_error(404)
        elif "alt=media" in url.query:
            self.answer_bytes(self.objects[name])
        else:
            self.answer(self.describe(name))

    def do_POST(self):
        query = parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = query["name"][0] if "name" in query else json.loads(body)["name"]
        self.send_response(200)
        host = self.headers["Host"]
        self.send_header("Location", f"http://{host}/upload/storage/v1/b/corpus/o/{name}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self):
        name = self.name(urlsplit(self.path).path)
        self.objects[name] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(self.describe(name))

    def do_DELETE(self):
        self.objects.pop(self.name(urlsplit(self.path).path), None)
        self.send_response(204)
        self.end_headers()

    def name(self, path):
        return unquote(path.partition("/o/")[2])

    def describe(self, name):
        data = self.objects[name]
        size = str(len(data))
        crc32c = base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
        fields = {"name": name, "bucket": "corpus", "size": size, "generation": f"1{size}"}
        return {**fields, "crc32c": crc32c}

    def answer(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer_bytes(self, data):
        wanted = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, end = int(wanted[0]), min(int(wanted[2] or len(data)) + 1, len(data))
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        if data.startswith(_GZIP):
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(data[start:end])

    def log_message(self, *args):
        pass


@pytest.fixture
def bucket(monkeypatch):
    """An empty bucket of a server on loopback; its URL."""
    handler = type("Handler", (Handler,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    yield "gs://corpus"
    server.shutdown()
    server.server_close()
    thread.join(10)


def put(path, data):
    with storage.atomic_writer(path) as stream:
        stream.write(data)


def test_objects_are_written_listed_read_and_deleted(bucket):
    put(f"{bucket}/in/a b.txt", b"abc")
    (file,) = storage.list_files([f"{bucket}/in/*.txt"])
    assert (file.path, file.size) == (f"{bucket}/in/a b.txt", 3)
    assert storage.stat(file.path) == file
    assert storage.read_bytes(file.path) == b"abc"
    storage.delete(file.path)
    storage.delete(file.path)
    assert not storage.exists(file.path)


def test_ranges_of_an_object_are_read_once(bucket):
    put(f"{bucket}/a.txt", TEXT)
    results = read_path(f"{bucket}/a.txt", document="line", item_bytes=20_000)
    assert "".join(d.text + "\n" for d in results).encode() == TEXT


def test_nothing_appears_when_writing_fails(bucket):
    with pytest.raises(KeyError), storage.atomic_writer(f"{bucket}/a") as stream:
        stream.write(b"x")
        raise KeyError
    assert not storage.exists(f"{bucket}/a")


def test_a_pattern_that_matches_nothing_is_named(bucket):
    with pytest.raises(InputNotFoundError, match=r"gs://corpus/\*: no file matches"):
        storage.list_files([f"{bucket}/*"])
    with pytest.raises(InputNotFoundError, match="gs://corpus/no: no such"):
        storage.read_bytes(f"{bucket}/no")


def test_an_object_that_is_stored_compressed_is_read(bucket):
    put(f"{bucket}/a.txt", gzip.compress(TEXT))
    results = read_path(f"{bucket}/a.txt", document="line", item_bytes=1000)
    assert "".join(d.text + "\n" for d in results).encode() == TEXT
