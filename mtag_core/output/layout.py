"""Names in an output directory, and the manifests of its parts.

    config.json                     what the directory's parts were made with
    parts/part-<id>.<format>        tagged sentences of one work item
    rejects/part-<id>.jsonl         its rejected documents, where it has any
    counts/part-<id>.parquet        what the part holds, counted
    manifests/part-<id>.json        written last: the part is done
    plan.jsonl                      the work items, while a run is on
    .started                        a worker on a cluster has started, while a run is on
    .lock                           held locked by a run while it is on
    slices/item-<id>.json           the parts of an item that was sliced
    spool/part-<id>.jsonl.zst       documents of a slice, while a run is on
    attempts/item-<id>              a worker is at work on it, or died of it
    run.json                        all parts of the last complete run, without times
    counts.parquet, words.parquet   the counts of all parts
    files/<input>.<format>          parts by the names of inputs, with --one_file_per_input
    table.json                      the parts that the table of --table holds
    report.json                     what report.html shows beside run.json
    report.html                     run.json for people
    runs/<UTC date and time>.json   times of each run

A part is rewritten with the same bytes under the same name, so a retried or duplicated attempt
does no harm. Only files with these names are ever removed. A part counts as done when its manifest
stands; manifests hold no times: the same work item gives the same manifest.
"""

import re
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from mtag_core import storage
from mtag_core.errors import OutputError
from mtag_core.output.json_files import Count, read_record, write_json
from mtag_core.output.writers import PartFormat

MANIFEST_VERSION = 2
PARTS, MANIFESTS, REJECTS, RUNS = "parts", "manifests", "rejects", "runs"
SLICES, SPOOL, ATTEMPTS = "slices", "spool", "attempts"
COUNTS = "counts"
# Manifests come first wherever files are removed: a part without one counts as not done.
FOLDERS = (MANIFESTS, SLICES, PARTS, REJECTS, COUNTS, RUNS, SPOOL, ATTEMPTS)
TABLE = "table.json"
REPORT_DATA, COUNT_SUMS, WORD_SUMS = "report.json", "counts.parquet", "words.parquet"
CONFIG, RUN, REPORT, PLAN = "config.json", "run.json", "report.html", "plan.jsonl"

# Of a complete run, the one that says so first.
FINISHED_FILES = (RUN, REPORT, REPORT_DATA, COUNT_SUMS, WORD_SUMS, TABLE)

_OWN_FILES = frozenset({CONFIG, *FINISHED_FILES, PLAN, "tail_basis.npz"})
# What mtag itself writes; a file of any other name is left alone.
_OWN_NAMES = {
    # Of any format, also one of another version.
    PARTS: re.compile(r"part-([0-9a-f]{16})\.[a-z]+(?:\.gz|\.zst)?"),
    MANIFESTS: re.compile(r"part-([0-9a-f]{16})\.json"),
    REJECTS: re.compile(r"part-([0-9a-f]{16})\.jsonl"),
    COUNTS: re.compile(r"part-([0-9a-f]{16})\.parquet"),
    SLICES: re.compile(r"item-([0-9a-f]{16})\.json"),
    SPOOL: re.compile(r"part-([0-9a-f]{16})\.jsonl\.zst"),
    ATTEMPTS: re.compile(r"item-([0-9a-f]{16})"),
    RUNS: re.compile(r"(\d{4}-\d\d-\d\dT\d{6}Z)\.json"),
}


def is_own_path(path: str) -> bool:
    """Whether mtag writes a file by this path, relative to the output directory."""
    folder, slash, name = path.rpartition("/")
    if path.startswith("files/"):
        return True
    if not slash:
        return name in _OWN_FILES or name.startswith(".")
    return folder in _OWN_NAMES and _OWN_NAMES[folder].fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A written file: its name in its folder, its size and its SHA-256 in hexadecimal."""

    name: str
    n_bytes: Count
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What became of one work item.

    Documents read are those tagged and those rejected. `n_source_bytes` are those of the input that
    the work item covers; `sources` are its paths, each with its byte range where it is not a whole
    file. Pages of a dump have an outcome each; other input has none. The generator is program,
    version and digest of the model; empty where a version made the part that did not say. Without
    rejects, or without counts, there is no file of them.
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


class _File:
    """The path of a file that stands right in the output directory."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, layout: "OutputLayout", _owner: type) -> str:
        return storage.join(layout.base, self._name)


@dataclass(frozen=True, slots=True)
class OutputLayout:
    """An output directory, local or remote, and how its parts are written.

    words.parquet counts each `lemma` or `form`; None for an output without counts.
    """

    base: str
    format: PartFormat
    words: str | None = None

    config_path = _File(CONFIG)
    run_path = _File(RUN)
    report_path = _File(REPORT)
    report_data_path = _File(REPORT_DATA)
    counts_path = _File(COUNT_SUMS)
    words_path = _File(WORD_SUMS)
    plan_path = _File(PLAN)
    # These two are empty and hidden.
    lock_path = _File(".lock")
    started_path = _File(".started")

    def times_path(self, moment: time.struct_time) -> str:
        """Path of the times of a run that ended at a moment, in UTC."""
        return storage.join(self.base, RUNS, time.strftime("%Y-%m-%dT%H%M%SZ.json", moment))

    def part_path(self, part_id: str) -> str:
        """Path of a part."""
        return storage.join(self.base, PARTS, f"part-{part_id}{self.format.suffix}")

    def manifest_path(self, part_id: str) -> str:
        """Path of a part's manifest."""
        return storage.join(self.base, MANIFESTS, f"part-{part_id}.json")

    def rejects_path(self, part_id: str) -> str:
        """Path of a part's file of rejects."""
        return storage.join(self.base, REJECTS, f"part-{part_id}.jsonl")

    def part_counts_path(self, part_id: str) -> str:
        """Path of a part's counts."""
        return storage.join(self.base, COUNTS, f"part-{part_id}.parquet")

    def slices_path(self, list_id: str) -> str:
        """Path of the list of an item's slices."""
        return storage.join(self.base, SLICES, f"item-{list_id}.json")

    def spool_path(self, part_id: str) -> str:
        """Path of the documents of a slice; there while a run is on."""
        return storage.join(self.base, SPOOL, f"part-{part_id}.jsonl.zst")

    def attempt_path(self, part_id: str) -> str:
        """Path of the empty file that is there while a part is made, and after who made it died."""
        return storage.join(self.base, ATTEMPTS, f"item-{part_id}")

    def own_files(self, folder: str) -> dict[str, list[str]]:
        """Files of ours in one of the folders, by part id (by date for `runs`)."""
        files: dict[str, list[str]] = {}
        for info in storage.list_dir(storage.join(self.base, folder)):
            match = _OWN_NAMES[folder].fullmatch(info.path.rsplit("/", 1)[-1])
            if match:
                files.setdefault(match[1], []).append(info.path)
        return files

    def delete_files(self, folder: str, *, but: Collection[str] = ()) -> set[str]:
        """Deletes the files of ours in a folder, but those of some ids; returns the ids."""
        files = self.own_files(folder)
        gone = files.keys() - set(but)
        for path in (path for each in sorted(gone) for path in files[each]):
            storage.delete(path)
        return gone

    def read_manifest(self, part_id: str) -> Manifest:
        """Reads the manifest of a part.

        Raises:
            OutputError: It is none, or that of another part.
        """
        path = self.manifest_path(part_id)
        manifest = read_record(Manifest, path, version=MANIFEST_VERSION)
        if manifest.part_id != part_id:
            raise OutputError(f"{path}: part_id {manifest.part_id!r}, expected {part_id!r}")
        return manifest

    def write_manifest(self, manifest: Manifest) -> None:
        """Writes a manifest; after this its part is done."""
        fields = {"version": MANIFEST_VERSION, **asdict(manifest)}
        write_json(self.manifest_path(manifest.part_id), fields)
