"""What is counted while a part is made: the checks that no record was lost, and the progress.

Worker processes share nothing with the one that shows the progress but the file system. Each keeps
one small local file of totals, replaced at most twice a second; the reader adds them up.
"""

import json
import os
import time
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from mtag_core.errors import CountMismatchError
from mtag_core.output.layout import Manifest
from mtag_core.records import TAGGING_FAILED, TOO_SLOW
from mtag_core.tagging.tagged import SentenceResult
from mtag_core.wikipedia.dumps import PageOutcome

_INTERVAL_S = 0.5


@dataclass(slots=True)
class Tally:
    """Running totals: documents read, those of them that were rejected, and what was written.

    `n_source_bytes` are bytes of input, as they are stored; of a part in work, about.
    """

    n_documents: int = 0
    n_rejected: int = 0
    n_sentences: int = 0
    n_tokens: int = 0
    n_source_bytes: int = 0
    n_parts: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """The sum of two tallies."""
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Tally)))


def tally_of(manifest: Manifest) -> Tally:
    """The totals of a part that is done."""
    return Tally(
        manifest.n_documents,
        manifest.n_rejected,
        manifest.n_sentences,
        manifest.n_tokens,
        manifest.n_source_bytes,
        1,
    )


class ProgressFile:
    """The totals of one worker, written to a file of its own."""

    def __init__(self, directory: str) -> None:
        """Creates nothing yet; `directory` must exist when the first totals are written."""
        self._path = Path(directory) / f"{os.getpid()}-{uuid.uuid4().hex}.json"
        self._done = Tally()
        self._next_s = 0.0

    def show(self, current: Tally) -> None:
        """Shows the totals of the item in work on top of the finished ones, now and then."""
        if time.monotonic() >= self._next_s:
            self._write(self._done.plus(current))

    def finish(self, item: Tally) -> None:
        """Adds a finished item."""
        self._done = self._done.plus(item)
        self._write(self._done)

    def _write(self, tally: Tally) -> None:
        """Replaces the file; a directory that is gone means that nobody looks any more."""
        self._next_s = time.monotonic() + _INTERVAL_S
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(json.dumps(asdict(tally)), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            self._next_s = float("inf")


def read_progress(directory: str) -> Tally:
    """The sum of all workers' totals; files that cannot be read just now are left out."""
    total = Tally()
    for path in Path(directory).glob("*.json"):
        try:
            total = total.plus(Tally(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return total


@dataclass(slots=True)
class PartCounts(Tally):
    """What one attempt at a part has read and written: rejects by reason, tokens by the rest.

    `n_tagged` are documents all of whose sentences were written; `untrained` are languages that the
    model has not learnt; `upos` stays empty where a file of counts has them.
    """

    n_tagged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    untrained: Counter[str] = field(default_factory=Counter)
    upos: Counter[str] = field(default_factory=Counter)

    def add(self, written: SentenceResult) -> None:
        """Counts a written sentence."""
        n_tokens = len(written.upos)
        self.n_sentences += 1
        self.n_tokens += n_tokens
        self.languages[written.sentence.language] += n_tokens
        if not written.sentence.is_trained:
            self.untrained[written.sentence.language] += n_tokens


def check_balance(manifest: Manifest) -> None:
    """Checks the counts of a part against each other.

    Raises:
        CountMismatchError: Documents read are not those tagged and those rejected, or pages kept
            are not the documents that the tagger was given.
    """
    part_id, n_tagged, by_reason = manifest.part_id, manifest.n_tagged, manifest.rejects_by_reason
    n_rejected = sum(by_reason.values())
    if manifest.n_documents != n_tagged + n_rejected:
        raise CountMismatchError(
            f"part {part_id}: {manifest.n_documents} documents read, {n_tagged} tagged and "
            f"{n_rejected} rejected"
        )
    if not manifest.pages_by_outcome:
        return
    n_failed = by_reason.get(TAGGING_FAILED, 0)
    n_kept = manifest.pages_by_outcome[PageOutcome.KEPT]
    n_unread = manifest.pages_by_outcome[PageOutcome.REJECTED]
    # Pages may be too slow for the reader or for a step behind it.
    n_slow = n_kept - n_tagged - n_failed
    if 0 <= n_slow <= by_reason.get(TOO_SLOW, 0):
        n_failed += n_slow
    # Not every reject is a page: a file may be gone, or damaged between two pages.
    if n_kept != n_tagged + n_failed or n_unread > n_rejected - n_failed:
        raise CountMismatchError(
            f"part {part_id}: {n_kept} pages kept and {n_unread} rejected, but {n_tagged} tagged, "
            f"{n_failed} not taggable and {n_rejected - n_failed} rejected by the reader"
        )


class CompletenessCheck:
    """Counts documents and their sentences as they arrive; a gap or a repeat is an error.

    Attributes:
        n_documents: Documents that have arrived whole, rejected ones included.
    """

    def __init__(self, part_id: str) -> None:
        self.n_documents = 0
        self._part_id = part_id
        self._n_sentences = 0

    def block(self, ordinal: int, index: int, n_sentences: int, *, is_last: bool) -> None:
        """Checks a block of a document's sentences.

        Raises:
            CountMismatchError: Records were lost, doubled or swapped.
        """
        self._check_ordinal(ordinal)
        if index != self._n_sentences:
            self._raise(ordinal, f"sentence {index} came where {self._n_sentences} was due")
        self._n_sentences = 0 if is_last else index + n_sentences
        self.n_documents += is_last

    def reject(self, ordinal: int) -> None:
        """Checks a reject, which ends its document.

        Raises:
            CountMismatchError: Records were lost, doubled or swapped.
        """
        self._check_ordinal(ordinal)
        self._n_sentences = 0
        self.n_documents += 1

    def end(self, n_documents: int) -> None:
        """Checks the end of the part, whose reader has given so many documents.

        Raises:
            CountMismatchError: Records were lost.
        """
        if self._n_sentences:
            self._raise(self.n_documents, f"ends after {self._n_sentences} sentences")
        if self.n_documents != n_documents:
            raise CountMismatchError(
                f"part {self._part_id}: {n_documents} documents read, {self.n_documents} arrived "
                "where the part is written; the runner lost records inside a stage"
            )

    def _check_ordinal(self, ordinal: int) -> None:
        if ordinal != self.n_documents:
            self._raise(ordinal, f"came where document {self.n_documents} was due")

    def _raise(self, ordinal: int, what: str) -> None:
        raise CountMismatchError(
            f"part {self._part_id}, document {ordinal}: {what}; the runner lost, doubled or "
            "swapped records inside a stage"
        )
