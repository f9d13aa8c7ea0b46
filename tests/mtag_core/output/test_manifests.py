import json

import pytest

from mtag_core.errors import OutputError
from mtag_core.output.manifests import FileDigest, Manifest

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


def test_a_manifest_reads_back_as_it_was():
    assert Manifest.from_json(_MANIFEST.to_json(), path="m.json") == _MANIFEST


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"version": 2}', b"\xff"])
def test_what_is_no_manifest_is_named_with_its_path(data):
    with pytest.raises(OutputError, match=r"m\.json: not a manifest"):
        Manifest.from_json(data, path="m.json")


def test_another_version_is_named():
    data = _MANIFEST.to_json().replace(b'"version": 2', b'"version": 9')
    with pytest.raises(OutputError, match=r"m\.json: manifest version 9, expected 2"):
        Manifest.from_json(data, path="m.json")


@pytest.mark.parametrize(
    "fields",
    [
        {"part_id": 7},
        {"part": None},
        {"part": {"name": 1, "n_bytes": 1, "sha256": ""}},
        {"part": {"name": "p", "n_bytes": -1, "sha256": ""}},
        {"part": {"name": "p", "n_bytes": True, "sha256": ""}},
        {"rejects": "r"},
        {"n_documents": "3"},
        {"n_tokens": 1.5},
        {"tokens_by_language": ["fr"]},
        {"pages_by_outcome": {"kept": "1"}},
        {"pages_by_outcome": {"ke\ud800pt": 1}},
        {"sources": "a.txt"},
        {"sources": [1]},
        {"unknown": 1},
    ],
)
def test_a_field_of_another_type_is_refused(fields):
    data = json.dumps(json.loads(_MANIFEST.to_json()) | fields).encode()
    with pytest.raises(OutputError, match=r"m\.json: not a manifest"):
        Manifest.from_json(data, path="m.json")


def test_deep_nesting_is_refused():
    with pytest.raises(OutputError, match=r"m\.json: not a manifest"):
        Manifest.from_json(b"[" * 100_000, path="m.json")
