"""What passes between the steps that make a part, beside documents, blocks and rejects.

Each record goes with a `RecordKey`. Order matters: a part's records come in the order of its
documents, and `PartEnd` comes last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mtag_core.output.manifests import Manifest
from mtag_core.parts.plan import PlannedPart


class RecordKey(NamedTuple):
    """Where a record belongs.

    Attributes:
        part_id: The part.
        ordinal: Number of the document in the part, from 0, rejected ones included.
    """

    part_id: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class PartEnd:
    """Follows the last record of a part through every step.

    Attributes:
        part: What was read.
        n_documents: Documents read, rejected ones included.
        pages_by_outcome: Pages of dumps; empty where no page was read.
    """

    part: PlannedPart
    n_documents: int
    pages_by_outcome: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """Stands for all records of a part that an earlier attempt has written already."""

    manifest: Manifest
