import hashlib
from pathlib import Path

import pytest

from mtag_core.output.layout import MANIFESTS, PARTS, OutputLayout, open_part
from mtag_core.output.writers import OutputFormat
from mtag_core.records import Reject
from tests.mtag_core.output.rows import example_rows

_ID = "0123456789abcdef"
_REJECT = Reject("in.txt", 0, "in.txt", "binary", "a NUL at byte 3", b"abc\0")


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))


def _files(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


def test_a_part_appears_with_its_digest(layout, tmp_path):
    with open_part(layout, _ID) as files:
        for row in example_rows():
            files.rows.write(row)
    part, rejects, _ = files.digests()
    data = (tmp_path / "parts" / part.name).read_bytes()
    assert part.name == f"part-{_ID}.jsonl"
    assert (part.n_bytes, part.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert rejects is None
    assert _files(tmp_path) == [f"parts/part-{_ID}.jsonl"]


def test_the_first_reject_opens_the_file_of_rejects(layout, tmp_path):
    with open_part(layout, _ID) as files:
        files.reject(_REJECT)
        files.reject(_REJECT)
    _, rejects, _ = files.digests()
    data = (tmp_path / "rejects" / f"part-{_ID}.jsonl").read_bytes()
    assert data.count(b"\n") == 2
    assert rejects is not None
    assert rejects.sha256 == hashlib.sha256(data).hexdigest()


def test_after_an_exception_nothing_appears(layout, tmp_path):
    with pytest.raises(RuntimeError), open_part(layout, _ID) as files:
        files.rows.write(example_rows()[0])
        files.reject(_REJECT)
        raise RuntimeError
    assert _files(tmp_path) == []


def test_only_files_with_our_names_are_ours(layout, tmp_path):
    for folder, name in ((PARTS, f"part-{_ID}.parquet"), (PARTS, "part-1.parquet")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch()
    assert list(layout.own_files(PARTS)) == [_ID]
    assert layout.own_files(MANIFESTS) == {}
