import gzip

import boto3
import pytest
from moto.server import ThreadedMotoServer

from mtag_core import storage
from mtag_core.errors import InputNotFoundError
from mtag_core.records import Document
from tests.mtag_core.corpus.conftest import read_path, reasons

TEXT = b"".join(b"%d bottles of beer on the wall\n" % i for i in range(5000))


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch):
    """An empty bucket of a server on loopback; its URL."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="corpus")
    yield "s3://corpus"
    for item in client.list_objects_v2(Bucket="corpus").get("Contents", ()):
        client.delete_object(Bucket="corpus", Key=item["Key"])
    client.delete_bucket(Bucket="corpus")


def put(path, data):
    with storage.atomic_writer(path) as stream:
        stream.write(data)


def test_patterns_and_prefixes_list_objects(bucket):
    for name in ("a.txt", "b/c.txt", "b/d.xml"):
        put(f"{bucket}/in/{name}", b"x")
    paths = [file.path for file in storage.list_files([f"{bucket}/in/**/*.txt"])]
    assert paths == [f"{bucket}/in/a.txt", f"{bucket}/in/b/c.txt"]
    assert len(storage.list_files([f"{bucket}/in/"])) == 3
    assert [file.path for file in storage.list_dir(f"{bucket}/in")] == [f"{bucket}/in/a.txt"]


def test_hidden_names_and_markers_of_other_programs_are_left_out(bucket):
    for name in ("a.txt", "_SUCCESS", ".hidden", "_delta_log/0.json", "b/_temporary/0.txt"):
        put(f"{bucket}/in/{name}", b"x")
    for pattern in ("in/", "in/**"):
        assert [f.path for f in storage.list_files([f"{bucket}/{pattern}"])] == [
            f"{bucket}/in/a.txt"
        ]
    assert len(storage.list_files([f"{bucket}/in/_delta_log/"])) == 1


def test_a_listed_object_is_as_it_is_looked_at(bucket):
    put(f"{bucket}/a.txt", b"abc")
    (file,) = storage.list_files([f"{bucket}/a.txt"])
    assert (file, file.size) == (storage.list_files([f"{bucket}/*"])[0], 3)


def test_a_pattern_that_matches_nothing_is_named(bucket):
    with pytest.raises(InputNotFoundError, match=r"s3://corpus/\*\.txt: no file matches"):
        storage.list_files([f"{bucket}/*.txt"])
    with pytest.raises(InputNotFoundError, match="s3://corpus/no: no such file"):
        storage.list_files([f"{bucket}/no"])
    with pytest.raises(InputNotFoundError, match="s3://corpus/no: no such file"):
        storage.read_bytes(f"{bucket}/no")


def test_ranges_of_an_object_are_read_once(bucket):
    put(f"{bucket}/a.txt", TEXT)
    results = read_path(f"{bucket}/a.txt", document="line", item_bytes=20_000)
    assert "".join(d.text + "\n" for d in results).encode() == TEXT


def test_nothing_appears_when_writing_fails(bucket):
    with pytest.raises(KeyError), storage.atomic_writer(f"{bucket}/a") as stream:
        stream.write(b"x")
        raise KeyError
    assert not storage.exists(f"{bucket}/a")


def test_an_object_that_vanished_is_rejected_alone(bucket, monkeypatch):
    put(f"{bucket}/a.txt", b"a")
    put(f"{bucket}/b.txt", b"b")
    listed = storage.list_files([f"{bucket}/*"])
    storage.delete(f"{bucket}/a.txt")
    monkeypatch.setattr(storage, "list_files", lambda _: listed)
    results = read_path("")
    assert reasons(results) == ["vanished"]
    assert [d.text for d in results if isinstance(d, Document)] == ["b"]


def test_deleting_twice_is_no_error(bucket):
    put(f"{bucket}/a", b"")
    storage.delete(f"{bucket}/a")
    storage.delete(f"{bucket}/a")


def test_an_object_that_is_stored_compressed_is_read(bucket):
    body = gzip.compress(TEXT)
    boto3.client("s3").put_object(
        Bucket="corpus", Key="a.txt", Body=body, ContentEncoding="gzip", ContentType="text/plain"
    )
    results = read_path(f"{bucket}/a.txt", document="line", item_bytes=1000)
    assert b"".join(d.text.encode() + b"\n" for d in results) == TEXT
