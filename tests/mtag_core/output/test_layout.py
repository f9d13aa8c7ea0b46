import json
from dataclasses import asdict

import pytest

from mtag_core.errors import OutputError
from mtag_core.output.json_files import read_record, write_json
from mtag_core.output.layout import (
    MANIFEST_VERSION,
    MANIFESTS,
    PARTS,
    FileDigest,
    Manifest,
    OutputLayout,
)
from mtag_core.output.writers import OutputFormat

_ID = "0123456789abcdef"


def test_only_files_with_our_names_are_ours(tmp_path):
    layout = OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))
    for folder, name in ((PARTS, f"part-{_ID}.parquet"), (PARTS, "part-1.parquet")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch()
    assert list(layout.own_files(PARTS)) == [_ID]
    assert layout.own_files(MANIFESTS) == {}


_PART = FileDigest("part-00.parquet", 10, "ab")
_MANIFEST = Manifest(
    part_id="00",
    part=_PART,
    rejects=None,
    n_documents=3,
    n_tagged=2,
    n_rejected=1,
    n_sentences=5,
    n_tokens=20,
    n_source_bytes=100,
    rejects_by_reason={"binary": 1},
    tokens_by_language={"fr": 20},
    sources=("a.txt", "b.txt#0-10"),
)


_FIELDS = {"version": MANIFEST_VERSION, **asdict(_MANIFEST)}


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "m.json"
        path.write_bytes(data)
        return read_record(Manifest, str(path), version=MANIFEST_VERSION)

    return read


def test_a_manifest_reads_back_as_it_was(tmp_path):
    path = str(tmp_path / "m.json")
    write_json(path, _FIELDS)
    assert read_record(Manifest, path, version=MANIFEST_VERSION) == _MANIFEST


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"[]", "expected a JSON object, found list"),
        (b"{}", "version None, expected 2"),
        (b'{"version": 2}', "n_documents, .*: expected the fields part_id, part, rejects"),
        (b"\xff", "not JSON"),
        # Deep nesting.
        (b"[" * 100_000, "not JSON"),
        (json.dumps(_FIELDS | {"version": 9}).encode(), "version 9, expected 2"),
    ],
)
def test_what_is_no_manifest_is_named_with_its_path(read, data, message):
    with pytest.raises(OutputError, match=rf"m\.json: {message}"):
        read(data)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"part_id": 7}, "part_id: 7: expected a string"),
        ({"part": None}, "part: None: expected an object"),
        ({"part": {"name": 1, "n_bytes": 1, "sha256": ""}}, "part: name: 1: expected a string"),
        ({"part": {"name": "p", "n_bytes": -1, "sha256": ""}}, "n_bytes: -1: expected 0 or more"),
        ({"part": {"name": "p", "n_bytes": True, "sha256": ""}}, "True: expected a whole number"),
        ({"rejects": "r"}, "rejects: 'r': expected an object"),
        ({"n_documents": "3"}, "n_documents: '3': expected a whole number"),
        ({"n_tokens": 1.5}, "n_tokens: 1.5: expected a whole number"),
        ({"tokens_by_language": ["fr"]}, "tokens_by_language: .*: expected an object"),
        ({"pages_by_outcome": {"kept": "1"}}, "pages_by_outcome: '1': expected a whole number"),
        ({"pages_by_outcome": {"ke\ud800pt": 1}}, "pages_by_outcome: .*surrogates not allowed"),
        ({"sources": "a.txt"}, "sources: 'a.txt': expected a list"),
        ({"sources": [1]}, "sources: 1: expected a string"),
        ({"unknown": 1}, "unknown: expected the fields part_id, part"),
    ],
)
def test_a_field_of_another_type_is_refused(read, fields, message):
    with pytest.raises(OutputError, match=rf"m\.json: .*{message}"):
        read(json.dumps(_FIELDS | fields).encode())
