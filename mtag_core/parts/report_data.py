"""What report.html shows beside run.json: kept in report.json, so that the page can be made again.

The data are the same for the same parts; the page also has the dates and times of the runs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mtag_core import storage
from mtag_core.output.count_tables import CountSummary, write_count_tables
from mtag_core.output.layout import RUNS, OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.output.preview import Preview, preview_parts
from mtag_core.parts.outcome import RejectExample, reject_examples

_N_SAMPLES = 20
# Parts that are opened for samples, spread over all.
_SAMPLE_PARTS = 24
_MOST_CHARACTERS = 200
# The last runs that the page lists.
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class ReportData:
    """The content of report.json.

    Attributes:
        counts: Sums of the counts; None for an output without them.
        samples: Sentences.
        examples: Reason to some of its rejects.
    """

    counts: CountSummary | None = None
    samples: Sequence[Preview] = ()
    examples: Mapping[str, Sequence[RejectExample]] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """UTF-8, a final line feed."""
        text = json.dumps(asdict(self), sort_keys=True, indent=1, ensure_ascii=True)
        return text.encode() + b"\n"


def collect_report_data(layout: OutputLayout, manifests: Sequence[Manifest]) -> ReportData:
    """Reads the files of parts; writes counts.parquet and words.parquet where parts are counted.

    Args:
        layout: The output directory.
        manifests: Of all its parts, in the order of their ids.

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
        replace(sample, doc_id=sample.doc_id[:_MOST_CHARACTERS])
        for sample in preview_parts(paths, n_sentences=_N_SAMPLES)
    ]
    # Parts of earlier versions have no counts, and sums of some parts would mislead.
    is_counted = all(manifest.counts is not None for manifest in manifests)
    counted = [manifest.part_id for manifest in manifests]
    counts = write_count_tables(layout, counted) if is_counted else None
    return ReportData(counts, samples, examples)


def write_report_data(layout: OutputLayout, data: ReportData) -> None:
    """Writes report.json."""
    with storage.atomic_writer(layout.report_data_path) as stream:
        stream.write(data.to_json())


def read_report_data(layout: OutputLayout) -> ReportData:
    """Reads back what `write_report_data` wrote."""
    fields = json.loads(storage.read_bytes(layout.report_data_path))
    counts = fields["counts"]
    return ReportData(
        None if counts is None else CountSummary(**counts),
        [
            Preview(**sample | {"tokens": tuple(map(tuple, sample["tokens"]))})
            for sample in fields["samples"]
        ],
        {
            reason: [RejectExample(**each) for each in examples]
            for reason, examples in fields["examples"].items()
        },
    )


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
