"""The manifest of a part: what it was made of, what came out, and its digest. Written last.

A part counts as done when its manifest stands. Manifests hold no times: the same work item gives
the same manifest.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mtag_core.errors import OutputError

MANIFEST_VERSION = 2


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A written file: its name in its folder, its size and its SHA-256 in hexadecimal."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What became of one work item.

    Attributes:
        part_id: Names the part; the work item's id.
        part: The part file.
        rejects: The file of rejects, None where nothing was rejected.
        n_documents: Documents read, rejected ones included.
        n_tagged: Documents in the part.
        n_rejected: Documents in the file of rejects.
        n_sentences: Sentences in the part.
        n_tokens: Tokens in the part.
        n_source_bytes: Bytes of the input that the work item covers.
        rejects_by_reason: Reason to number of documents.
        tokens_by_language: Language to number of tokens.
        untrained_tokens_by_language: The same, of languages that the model has not learnt.
        tokens_by_upos: Part of speech to number of tokens.
        pages_by_outcome: What became of the pages of a dump (`kept`, `redirect`,
            `other_namespace`, `empty`, `rejected`) to their number; empty for other input.
        sources: Paths of the input, each with its byte range where it is not a whole file.
        generator: What made the part: program, version, digest of the model; empty where a version
            made it that did not say.
        counts: The file of counts, None where there is none.
    """

    part_id: str
    part: FileDigest
    rejects: FileDigest | None
    n_documents: int
    n_tagged: int
    n_rejected: int
    n_sentences: int
    n_tokens: int
    n_source_bytes: int
    rejects_by_reason: Mapping[str, int] = field(default_factory=dict)
    tokens_by_language: Mapping[str, int] = field(default_factory=dict)
    untrained_tokens_by_language: Mapping[str, int] = field(default_factory=dict)
    tokens_by_upos: Mapping[str, int] = field(default_factory=dict)
    pages_by_outcome: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    generator: str = ""
    counts: FileDigest | None = None

    def to_json(self) -> bytes:
        """The manifest file's content: sorted keys, UTF-8, a final line feed."""
        fields: dict[str, Any] = {"version": MANIFEST_VERSION, **asdict(self)}
        text = json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=True)
        return text.encode() + b"\n"

    @staticmethod
    def from_json(data: bytes, *, path: str) -> "Manifest":
        """Reads a manifest back.

        Args:
            data: The file's content.
            path: Named in errors.

        Raises:
            OutputError: The content is no manifest of this version.
        """
        try:
            fields = json.loads(data)
            version = fields.pop("version")
            if version != MANIFEST_VERSION:
                raise OutputError(
                    f"{path}: manifest version {version}, expected {MANIFEST_VERSION}"
                )
            rejects, counts = fields.pop("rejects"), fields.pop("counts", None)
            return Manifest(
                part=_file_digest(fields.pop("part")),
                rejects=None if rejects is None else _file_digest(rejects),
                counts=None if counts is None else _file_digest(counts),
                sources=_strings(fields.pop("sources")),
                **{name: _value(name, value) for name, value in fields.items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{path}: not a manifest of a part ({error})") from error


def _file_digest(fields: Mapping[str, Any]) -> FileDigest:
    digest = FileDigest(**fields)
    return FileDigest(_string(digest.name), _number(digest.n_bytes), _string(digest.sha256))


def _value(name: str, value: object) -> Any:  # noqa: ANN401 (a type a field)
    if name in ("part_id", "generator"):
        return _string(value)
    if name.startswith("n_"):
        return _number(value)
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object")
    return {_string(key): _number(number) for key, number in value.items()}


def _strings(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ValueError("sources: expected a list")
    # Paths may hold bytes that are no UTF-8.
    if not all(isinstance(value, str) for value in values):
        raise ValueError("sources: expected strings")
    return tuple(values)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r}: expected a string")
    value.encode()
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r}: expected a number")
    return value
