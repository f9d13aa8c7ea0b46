"""The manifest of a part: what it was made of, what came out, and its digest. Written last.

A part counts as done when its manifest stands. Manifests hold no times: the same work item gives
the same manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mtag_core.output.json_files import Count

MANIFEST_VERSION = 2


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A written file: its name in its folder, its size and its SHA-256 in hexadecimal."""

    name: str
    n_bytes: Count
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
    n_documents: Count
    n_tagged: Count
    n_rejected: Count
    n_sentences: Count
    n_tokens: Count
    n_source_bytes: Count
    rejects_by_reason: Mapping[str, Count] = field(default_factory=dict)
    tokens_by_language: Mapping[str, Count] = field(default_factory=dict)
    untrained_tokens_by_language: Mapping[str, Count] = field(default_factory=dict)
    tokens_by_upos: Mapping[str, Count] = field(default_factory=dict)
    pages_by_outcome: Mapping[str, Count] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    generator: str = ""
    counts: FileDigest | None = None
