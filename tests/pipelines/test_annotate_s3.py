"""Outputs on an object store: counts, and files by the names of inputs."""

import json

import pyarrow.parquet as pq

from mtag_core import storage
from tests.mtag_core.storage.test_s3 import bucket, endpoint, put  # noqa: F401 (fixtures)
from tests.pipelines.trees import annotate


def test_a_store_gets_what_a_local_folder_gets(bucket):  # noqa: F811
    for name in ("a.txt", "b/a.txt"):
        put(f"{bucket}/in/{name}", b"Ana reads. It is fine.")
    flags = ["--one_file_per_input", "--workers=1"]
    for _ in range(2):
        assert annotate(f"{bucket}/in/", f"{bucket}/out", *flags) == 0
    names = [file.path for file in storage.list_files([f"{bucket}/out/files/"])]
    assert names == [f"{bucket}/out/files/{name}.parquet" for name in ("a.txt", "b/a.txt")]
    report = json.loads(storage.read_bytes(f"{bucket}/out/run.json"))
    with storage.open_seekable(f"{bucket}/out/words.parquet") as stream:
        words = pq.read_table(stream)
    assert sum(words.column("n").to_pylist()) == report["counts"]["tokens"]
