"""What a run came to: what the report shows beside run.json, and errors where it tagged too little.

The data of the report are kept in report.json, so that the page can be made again. They are the
same for the same parts; the page also has the dates and times of the runs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mtag_core import storage
from mtag_core.corpus.decoding import REMEDIES
from mtag_core.errors import MtagError, OutcomeError
from mtag_core.output.count_tables import CountSummary, write_count_tables
from mtag_core.output.json_files import from_json, line_to_reject, read_json, write_json
from mtag_core.output.layout import REJECTS, RUNS, Manifest, OutputLayout
from mtag_core.output.preview import Preview, preview_parts
from mtag_core.records import Reject

_EXAMPLES = 3
# Reading stops here: a file of rejects may be as large as the corpus.
_MOST_FILES = 50
_MOST_BYTES = 16 * 2**20
_INPUT_CHARACTERS = 160
_N_SAMPLES = 20
# Parts that are opened for samples, spread over all.
_SAMPLE_PARTS = 24
_ID_CHARACTERS = 200
# The last runs that the page lists.
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class RejectExample:
    """One reject for people: its head, empty where it is no text, and the path of its file."""

    doc_id: str
    detail: str
    input_head: str
    path: str


def reject_examples(
    layout: OutputLayout, manifests: Iterable[Manifest]
) -> dict[str, list[RejectExample]]:
    """Reads up to three rejects of each reason, the same for the same manifests and files.

    The first manifests are looked into.
    """
    found: dict[str, list[RejectExample]] = {}
    n_files = 0
    for manifest in manifests:
        reasons = manifest.rejects_by_reason
        if n_files == _MOST_FILES or all(len(found.get(r, ())) == _EXAMPLES for r in reasons):
            continue
        n_files += 1
        for reject in _rejects(layout.rejects_path(manifest.part_id)):
            examples = found.setdefault(reject.reason, [])
            if len(examples) < _EXAMPLES:
                examples.append(_example(reject, f"{REJECTS}/part-{manifest.part_id}.jsonl"))
    return found


def _rejects(path: str) -> Iterator[Reject]:
    n_left = _MOST_BYTES
    try:
        with storage.open_read(path) as stream:
            while n_left > 0 and (line := stream.readline(n_left)).endswith(b"\n"):
                n_left -= len(line)
                yield line_to_reject(line)
    except (MtagError, OSError, ValueError, TypeError):
        return


def _example(reject: Reject, path: str) -> RejectExample:
    # Four bytes a character at most; a character that is cut in two is left out.
    head = (reject.input or b"")[: 4 * _INPUT_CHARACTERS].decode("utf-8", "ignore")
    is_text = head.encode() == (reject.input or b"")[: len(head.encode())]
    return RejectExample(
        doc_id=(reject.doc_id or reject.source)[:_ID_CHARACTERS],
        detail=reject.detail,
        input_head=head[:_INPUT_CHARACTERS] if is_text else "",
        path=path,
    )


@dataclass(frozen=True, slots=True)
class ReportData:
    """The content of report.json; no counts for an output without them; examples by reason."""

    counts: CountSummary | None = None
    samples: Sequence[Preview] = ()
    examples: Mapping[str, Sequence[RejectExample]] = field(default_factory=dict)


def collect_report_data(layout: OutputLayout, manifests: Sequence[Manifest]) -> ReportData:
    """Reads the files of parts; writes counts.parquet and words.parquet where parts are counted.

    Manifests are those of all parts, in the order of their ids.

    Raises:
        StorageError: Something cannot be read or written.
    """
    examples = reject_examples(layout, manifests)
    if layout.words is None:
        return ReportData(examples=examples)
    ids = [manifest.part_id for manifest in manifests if manifest.n_sentences]
    step = max(1, len(ids) // _SAMPLE_PARTS)
    paths = map(layout.part_path, ids[::step][:_SAMPLE_PARTS])
    samples = [
        replace(sample, doc_id=sample.doc_id[:_ID_CHARACTERS])
        for sample in preview_parts(paths, n_sentences=_N_SAMPLES)
    ]
    # Parts of earlier versions have no counts, and sums of some parts would mislead.
    is_counted = all(manifest.counts is not None for manifest in manifests)
    counted = [manifest.part_id for manifest in manifests]
    counts = write_count_tables(layout, counted) if is_counted else None
    return ReportData(counts, samples, examples)


def write_report_data(layout: OutputLayout, data: ReportData) -> None:
    """Writes report.json."""
    write_json(layout.report_data_path, asdict(data))


def read_report_data(layout: OutputLayout) -> ReportData:
    """Reads back what `write_report_data` wrote."""
    return from_json(ReportData, read_json(layout.report_data_path))


def read_times(layout: OutputLayout) -> list[dict[str, Any]]:
    """The times of the last runs, the last one first; what cannot be read is left out."""
    paths = [path for paths in layout.own_files(RUNS).values() for path in paths]
    found = []
    for path in sorted(paths, reverse=True)[:_MOST_RUNS]:
        try:
            found.append(json.loads(storage.read_bytes(path)))
        except ValueError:
            continue
    return [times for times in found if isinstance(times, dict)]


def check_tagged(
    layout: OutputLayout, report: Mapping[str, Any], *, done: str = "tagged", hint: str = ""
) -> None:
    """Checks that a complete run wrote anything.

    A hint is for documents that had sentences, of which none was kept.

    Raises:
        OutcomeError: It wrote no token; the message has the first reject of each reason and
            what can be done about it.
    """
    counts = report["counts"]
    if counts["tokens"]:
        return
    summary = (
        f"nothing was {done}: {counts['documents']} documents read, {counts['rejected']} rejected; "
        "the output is complete, and empty"
    )
    hints = [f"  {hint}"] if hint and counts["tagged"] else []
    raise OutcomeError("\n".join([summary, *hints, *_first_rejects(layout, report)]))


def check_reject_ratio(report: Mapping[str, Any], *, max_reject_ratio: float | None) -> None:
    """Checks that at most this share of the documents, 0 to 1, was rejected; None allows all.

    Raises:
        OutcomeError: More were; the message has the number of each reason.
    """
    n_documents, n_rejected = report["counts"]["documents"], report["counts"]["rejected"]
    if max_reject_ratio is None or n_rejected <= max_reject_ratio * n_documents:
        return
    reasons = ", ".join(f"{reason} {n}" for reason, n in report["rejects_by_reason"].items())
    raise OutcomeError(
        f"{n_rejected} of {n_documents} documents were rejected ({reasons}), more than "
        f"--max_reject_ratio={max_reject_ratio} allows; the output is complete"
    )


def _first_rejects(layout: OutputLayout, report: Mapping[str, Any]) -> list[str]:
    ids = (part["id"] for part in report["parts"] if part["rejects"] is not None)
    examples = reject_examples(layout, map(layout.read_manifest, ids))
    return [
        f"  {reason} ({report['rejects_by_reason'][reason]:,}), the first: {first.doc_id}: "
        f"{first.detail}\n    {REMEDIES[reason]}"
        for reason, (first, *_) in sorted(examples.items())
    ]
