"""Documents and rejects in a file for another worker, which reads them back as they were."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mtag_core import storage
from mtag_core.corpus.compression import DecompressedStream
from mtag_core.output.rejects import line_to_reject, reject_to_line
from mtag_core.output.streams import compressed
from mtag_core.records import Document, MultiwordToken, Reject, Sentence

_CHUNK_BYTES = 2**20


def write_spool(path: str, lines: Sequence[bytes]) -> None:
    """Writes lines that `record_to_line` made, compressed."""
    with storage.atomic_writer(path) as sink, compressed(sink, "zstd") as stream:
        stream.writelines(lines)


def read_spool(path: str) -> Iterator[Document | Reject]:
    """Reads the records of a file that `write_spool` wrote.

    Raises:
        InputNotFoundError: There is no such file.
        FormatError: It is damaged.
    """
    with storage.open_read(path) as raw:
        stream, rest = DecompressedStream(raw, "zst"), b""
        while data := stream.read(_CHUNK_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            yield from map(line_to_record, lines)


def record_to_line(record: Document | Reject) -> bytes:
    """One JSON line, with its line feed."""
    if isinstance(record, Reject):
        return reject_to_line(record)
    # Names of files may hold lone surrogates.
    text = json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def line_to_record(line: bytes) -> Document | Reject:
    """Reads back what `record_to_line` wrote."""
    text = line.decode("utf-8", "surrogatepass")
    fields = json.loads(text)
    if "reason" in fields:
        return line_to_reject(text)
    sentences = fields.pop("sentences")
    if sentences is not None:
        sentences = tuple(map(_sentence, sentences))
    return Document(**fields, sentences=sentences)


def _sentence(fields: Mapping[str, Any]) -> Sentence:
    columns = {name: tuple(fields[name]) for name in ("forms", "starts", "ends")}
    multiword_tokens = tuple(MultiwordToken(**token) for token in fields["multiword_tokens"])
    return Sentence(**{**fields, **columns, "multiword_tokens": multiword_tokens})
