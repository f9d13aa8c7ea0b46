"""None"""

import hashlib
import json
import weakref
from dataclasses import asdict, replace

import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import OutputError
from mtag_core.output.layout import MANIFEST_VERSION, FileDigest, Manifest, OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts import completed_parts as completed_module
from mtag_core.parts.completed_parts import ManifestReader, completed_parts, damaged_parts
from mtag_core.parts.run import RunConfig, prepare_output
from mtag_core.parts.run_plan import find_intact

_MANIFEST = Manifest("", FileDigest("", 10, "ab"), None, 1, 1, 0, 1, 1, 10)
_IDS = [f"{number:016x}" for number in range(1100)]
_CONFIG = RunConfig(("*.txt",), "digest", ReadOptions(), "parquet", "zstd")
_ID = "0123456789abcdef"
_OTHER = "fedcba9876543210"


@pytest.fixture
def manifests_only(tmp_path):
    manifests_only = OutputLayout(str(tmp_path), OutputFormat())
    (tmp_path / "manifests").mkdir()
    for part_id in _IDS:
        manifest = replace(_MANIFEST, part_id=part_id, sources=(f"{part_id}.txt",))
        fields = {"version": MANIFEST_VERSION, **asdict(manifest)}
        (tmp_path / "manifests" / f"part-{part_id}.json").write_text(json.dumps(fields))
    return manifests_only


def test_manifests_come_in_the_order_asked_for(manifests_only):
    wanted = _IDS[::-1]
    assert [manifest.part_id for manifest in ManifestReader(manifests_only).read(wanted)] == wanted


def test_sources_are_those_of_the_parts_asked_for(manifests_only):
    assert ManifestReader(manifests_only).sources({_IDS[3]}) == {_IDS[3]: (f"{_IDS[3]}.txt",)}


def test_a_manifest_is_read_once_until_it_is_forgotten(manifests_only, tmp_path):
    reader = ManifestReader(manifests_only)
    reader.read(_IDS[:2])
    for part_id in _IDS[:2]:
        (tmp_path / "manifests" / f"part-{part_id}.json").unlink()
    reader.keep_only({_IDS[0]})
    assert len(reader.read(_IDS[:1])) == 1
    with pytest.raises(OSError, match=_IDS[1]):
        reader.read(_IDS[1:2])


def test_a_damaged_manifest_is_named(manifests_only, tmp_path):
    (tmp_path / "manifests" / f"part-{_IDS[1050]}.json").write_text("[")
    with pytest.raises(OutputError, match=_IDS[1050]):
        ManifestReader(manifests_only).read(_IDS)


def _digest(name, content):
    return FileDigest(name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def layout(tmp_path):
    """An output with two finished parts, each with rejects."""
    layout = OutputLayout(str(tmp_path), OutputFormat())
    prepare_output(layout, _CONFIG, overwrite=False)
    for folder in ("parts", "rejects"):
        (tmp_path / folder).mkdir()
    for part_id in (_ID, _OTHER):
        (tmp_path / "parts" / f"part-{part_id}.parquet").write_bytes(b"sentences")
        (tmp_path / "rejects" / f"part-{part_id}.jsonl").write_bytes(b"rejects")
        layout.write_manifest(
            Manifest(
                part_id=part_id,
                part=_digest(f"part-{part_id}.parquet", b"sentences"),
                rejects=_digest(f"part-{part_id}.jsonl", b"rejects"),
                n_documents=2,
                n_tagged=1,
                n_rejected=1,
                n_sentences=1,
                n_tokens=1,
                n_source_bytes=10,
            )
        )
    return layout


@pytest.fixture(params=["part", "rejects"])
def path(layout, tmp_path, request):
    """A file of the first part."""
    paths = {"part": layout.part_path(_ID), "rejects": layout.rejects_path(_ID)}
    return tmp_path / paths[request.param]


@pytest.mark.parametrize("verify", [False, True])
def test_a_part_that_is_as_it_was_is_not_damaged(layout, verify):
    assert damaged_parts(layout, verify=verify) == {}


def test_a_file_that_was_cut_is_found(layout, path):
    path.write_bytes(path.read_bytes()[:-1])
    n_bytes = path.stat().st_size
    said = f"{path}: {n_bytes} bytes, its manifest says {n_bytes + 1}"
    assert damaged_parts(layout) == {_ID: said}


def test_a_file_that_was_removed_is_found(layout, path):
    path.unlink()
    assert damaged_parts(layout) == {_ID: f"{path}: missing"}


def test_a_changed_byte_is_found_when_asked_for(layout, path):
    path.write_bytes(b"X" + path.read_bytes()[1:])
    assert damaged_parts(layout) == {}
    assert list(damaged_parts(layout, verify=True)) == [_ID]


def test_a_damaged_part_is_not_completed_any_more(layout, path, caplog):
    path.write_bytes(b"")
    assert find_intact(layout, verify=False).part_ids == {_OTHER}
    assert completed_parts(layout, is_dry=True) == {_ID, _OTHER}
    prepare_output(layout, _CONFIG, overwrite=False)
    assert completed_parts(layout) == {_OTHER}
    assert f"{path}: 0 bytes" in caplog.text


def test_the_manifest_of_another_part_is_refused(layout, tmp_path):
    manifest = replace(layout.read_manifest(_ID), part_id="feedfeedfeedfeed")
    layout.write_manifest(manifest)
    manifests = tmp_path / "manifests"
    (manifests / "part-feedfeedfeedfeed.json").rename(manifests / f"part-{_ID}.json")
    with pytest.raises(OutputError, match=rf"{_ID}\.json: part_id 'feedfeedfeedfeed', expected"):
        damaged_parts(layout)


@pytest.mark.parametrize("verify", [False, True])
def test_many_parts_are_checked_while_few_manifests_are_held(manifests_only, monkeypatch, verify):
    held: set[int] = set()
    most = 0
    read = OutputLayout.read_manifest

    def read_manifest(layout, part_id):
        nonlocal most
        manifest = replace(read(layout, part_id), tokens_by_upos=Counts())
        held.add(id(manifest))
        weakref.finalize(manifest.tokens_by_upos, held.discard, id(manifest))
        most = max(most, len(held))
        return manifest

    class Counts(dict):
        """A dictionary that can be watched."""

    monkeypatch.setattr(OutputLayout, "read_manifest", read_manifest)
    monkeypatch.setattr(completed_module, "_N_TOGETHER", 10)
    assert damaged_parts(manifests_only, verify=verify).keys() == set(_IDS)
    assert most <= 30
