"""Planned parts to written parts: one step a work item.

Everything between reading an item and writing its manifest happens in one DoFn call, so no sentence
crosses a step and a retried or duplicated call writes the same bytes to the same names.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from mtag_core import storage
from mtag_core.annotation.item import SentenceSelector, StreamTagger, annotate_part
from mtag_core.annotation.plan import PlannedPart
from mtag_core.annotation.progress import ProgressFile, Tally
from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.tagged import BatchReport

METRICS_NAMESPACE = "mtag"

# A runner may give one process several threads of work; a tagger serves one at a time.
_TAGGING = threading.Lock()


@dataclass(frozen=True)
class AnnotateSettings:
    """What a worker has to know.

    Attributes:
        load_tagger: Loads the tagger; called once a process. Must pickle.
        read: How inputs are read.
        layout: Where parts are written.
        progress_dir: A local folder for progress files, None where nobody looks.
        select: Part id to the maker of its sentence selectors; None takes all sentences.
        stop_path: Once this local file is there, no further part is begun.
    """

    load_tagger: Callable[[], StreamTagger]
    read: ReadOptions
    layout: OutputLayout
    progress_dir: str | None = None
    select: Callable[[str], Callable[[], SentenceSelector]] | None = None
    stop_path: str | None = None


class AnnotateParts(beam.PTransform):
    """PCollection of PlannedPart -> PCollection of Manifest (without `sources`).

    A part whose manifest stands is not made again; its manifest is passed on.
    """

    def __init__(self, settings: AnnotateSettings) -> None:
        """Keeps the settings."""
        super().__init__()
        self._settings = settings

    def expand(self, parts: "beam.PCollection[PlannedPart]") -> "beam.PCollection[Manifest]":
        """Makes the parts."""
        return parts | "AnnotatePart" >> beam.ParDo(_AnnotatePartDoFn(self._settings))


class _AnnotatePartDoFn(beam.DoFn):
    """Calls `annotate_part` and counts."""

    def __init__(self, settings: AnnotateSettings) -> None:
        super().__init__()
        self._settings = settings
        self._shared_tagger = Shared()
        self._tagger: StreamTagger | None = None
        self._progress: ProgressFile | None = None

    def setup(self) -> None:
        """Starts this worker's progress file; the model waits for the first part to be made."""
        if self._settings.progress_dir is not None:
            self._progress = ProgressFile(self._settings.progress_dir)

    def process(self, part: PlannedPart) -> Iterator[Manifest]:
        """Makes one part, or passes on the manifest of a part that stands."""
        layout, stop_path = self._settings.layout, self._settings.stop_path
        if stop_path is not None and storage.exists(stop_path):
            return
        if storage.exists(layout.manifest_path(part.part_id)):
            manifest = layout.read_manifest(part.part_id)
        else:
            with _TAGGING:
                manifest = self._made(part)
        yield replace(manifest, sources=())

    def _made(self, part: PlannedPart) -> Manifest:
        """Makes one part and counts it."""
        settings, started_s = self._settings, time.monotonic()
        manifest = annotate_part(
            part,
            tagger=self._loaded_tagger(),
            options=settings.read,
            layout=settings.layout,
            show=self._show,
            select=settings.select and settings.select(part.part_id),
        )
        self._finish(manifest, elapsed_s=time.monotonic() - started_s)
        return manifest

    def _loaded_tagger(self) -> StreamTagger:
        """The process's tagger, loaded on first use."""
        if self._tagger is None:
            self._tagger = self._shared_tagger.acquire(self._settings.load_tagger)
            self._tagger.on_batch = _count_batch
        return self._tagger

    def _show(self, tally: Tally) -> None:
        """Shows progress inside a part."""
        if self._progress is not None:
            self._progress.show(tally)

    def _finish(self, manifest: Manifest, *, elapsed_s: float) -> None:
        """Counts a part that was made."""
        _count(manifest, elapsed_ms=round(elapsed_s * 1000))
        if self._progress is not None:
            self._progress.finish(
                Tally(
                    manifest.n_documents,
                    manifest.n_rejected,
                    manifest.n_sentences,
                    manifest.n_tokens,
                    manifest.n_source_bytes,
                    1,
                )
            )


def _count(manifest: Manifest, *, elapsed_ms: int) -> None:
    """Adds a part to Beam's counters."""
    counts = {
        "parts": 1,
        "documents": manifest.n_documents,
        "sentences": manifest.n_sentences,
        "tokens": manifest.n_tokens,
        "rejects": manifest.n_rejected,
    }
    counts |= {f"rejects_{reason}": n for reason, n in manifest.rejects_by_reason.items()}
    counts |= {f"pages_{outcome}": n for outcome, n in manifest.pages_by_outcome.items()}
    for name, count in counts.items():
        Metrics.counter(METRICS_NAMESPACE, name).inc(count)
    Metrics.distribution(METRICS_NAMESPACE, "part_milli_secs").update(elapsed_ms)
    Metrics.distribution(METRICS_NAMESPACE, "part_tokens").update(manifest.n_tokens)


def _count_batch(report: BatchReport) -> None:
    """Adds a batch to Beam's distributions, which hold whole numbers."""
    fill_percent = round(100 * report.n_pieces / report.piece_budget)
    Metrics.distribution(METRICS_NAMESPACE, "batch_fill_percent").update(fill_percent)
    duration_ms = round(1000 * report.duration_s)
    Metrics.distribution(METRICS_NAMESPACE, "batch_milli_secs").update(duration_ms)
