from pathlib import Path

import pytest

from mtag_core.output.json_files import reject_to_line
from mtag_core.output.layout import FileDigest, Manifest, OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.outcome import RejectExample, reject_examples
from mtag_core.records import Reject


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path), OutputFormat())


def _manifest(part_id, reasons):
    digest, n = FileDigest("x", 1, "ab"), sum(reasons.values())
    return Manifest(part_id, digest, digest, n, 0, n, 0, 0, 1, rejects_by_reason=reasons)


def _write(layout, number, rejects):
    part_id = f"{number:016x}"
    path = Path(layout.rejects_path(part_id))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(map(reject_to_line, rejects)))
    reasons = [reject.reason for reject in rejects]
    return _manifest(part_id, {reason: reasons.count(reason) for reason in reasons})


def _reject(number, reason="binary", data=b"input"):
    return Reject("in.txt", number, f"in.txt#{number}", reason, f"detail {number}", data, len(data))


def test_three_of_each_reason_from_the_first_parts(layout):
    manifests = [_write(layout, n, [_reject(n), _reject(n, "truncated")]) for n in range(5)]
    found = reject_examples(layout, manifests)
    assert {reason: len(examples) for reason, examples in found.items()} == {
        "binary": 3,
        "truncated": 3,
    }
    assert found["binary"][1] == RejectExample(
        "in.txt#1", "detail 1", "input", f"rejects/part-{1:016x}.jsonl"
    )


@pytest.mark.parametrize(
    ("data", "head"), [(b"\xff\xfe", ""), ("é".encode() * 500, "é" * 160), (b"", "")]
)
def test_only_the_head_of_text_is_kept(layout, data, head):
    manifest = _write(layout, 0, [_reject(0, data=data)])
    assert reject_examples(layout, [manifest])["binary"][0].input_head == head


def test_a_document_without_id_is_named_by_its_source(layout):
    manifest = _write(layout, 0, [Reject("in.txt", 0, None, "binary", "NUL")])
    assert reject_examples(layout, [manifest])["binary"][0].doc_id == "in.txt"


def test_files_that_are_gone_or_damaged_give_no_examples(layout):
    manifests = [_write(layout, n, [_reject(n)]) for n in range(3)]
    Path(layout.rejects_path(manifests[0].part_id)).unlink()
    Path(layout.rejects_path(manifests[1].part_id)).write_bytes(b'{"no": 1}\n')
    assert [e.doc_id for e in reject_examples(layout, manifests)["binary"]] == ["in.txt#2"]
