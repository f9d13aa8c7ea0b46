from dataclasses import replace

import pytest

from mtag_core.errors import OutputError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import FileDigest, Manifest
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.manifest_reader import ManifestReader

_MANIFEST = Manifest("", FileDigest("", 10, "ab"), None, 1, 1, 0, 1, 1, 10)
_IDS = [f"{number:016x}" for number in range(1100)]


@pytest.fixture
def layout(tmp_path):
    layout = OutputLayout(str(tmp_path), OutputFormat())
    (tmp_path / "manifests").mkdir()
    for part_id in _IDS:
        manifest = replace(_MANIFEST, part_id=part_id, sources=(f"{part_id}.txt",))
        (tmp_path / "manifests" / f"part-{part_id}.json").write_bytes(manifest.to_json())
    return layout


def test_manifests_come_in_the_order_asked_for(layout):
    wanted = _IDS[::-1]
    assert [manifest.part_id for manifest in ManifestReader(layout).read(wanted)] == wanted


def test_sources_are_those_of_the_parts_asked_for(layout):
    assert ManifestReader(layout).sources({_IDS[3]}) == {_IDS[3]: (f"{_IDS[3]}.txt",)}


def test_a_manifest_is_read_once_until_it_is_forgotten(layout, tmp_path):
    reader = ManifestReader(layout)
    reader.read(_IDS[:2])
    for part_id in _IDS[:2]:
        (tmp_path / "manifests" / f"part-{part_id}.json").unlink()
    reader.keep_only({_IDS[0]})
    assert len(reader.read(_IDS[:1])) == 1
    with pytest.raises(OSError, match=_IDS[1]):
        reader.read(_IDS[1:2])


def test_a_damaged_manifest_is_named(layout, tmp_path):
    (tmp_path / "manifests" / f"part-{_IDS[1050]}.json").write_text("[")
    with pytest.raises(OutputError, match=_IDS[1050]):
        ManifestReader(layout).read(_IDS)
