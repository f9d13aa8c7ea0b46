import hashlib
from dataclasses import replace

import pytest

from mtag_core.corpus import ReadOptions
from mtag_core.errors import OutputError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import FileDigest, Manifest
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.damaged_parts import damaged_parts
from mtag_core.parts.run import RunConfig, completed_parts, prepare_output
from mtag_core.parts.run_plan import find_intact

_CONFIG = RunConfig(("*.txt",), "digest", ReadOptions(), "parquet", "zstd")
_ID = "0123456789abcdef"
_OTHER = "fedcba9876543210"


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
    (tmp_path / "manifests" / f"part-{_ID}.json").write_bytes(manifest.to_json())
    with pytest.raises(OutputError, match=rf"{_ID}\.json: part_id 'feedfeedfeedfeed', expected"):
        damaged_parts(layout)
