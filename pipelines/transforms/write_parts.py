"""The last steps: tagged blocks to parts and their manifests, all manifests to run.json."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.combiners import ToListCombineFn

from mtag_core.output.layout import Manifest, OutputLayout
from mtag_core.parts.counts import ProgressFile, Tally, tally_of
from mtag_core.parts.part_records import CompletedPart
from mtag_core.parts.part_writer import PartWriter
from mtag_core.parts.run import RunConfig, finish_run
from pipelines.transforms.steps import METRICS_NAMESPACE, KeyedRecord, StepDoFn


class WriteParts(StepDoFn):
    """(RecordKey, Block | Reject | PartEnd | CompletedPart) -> Manifest.

    Manifests come without `sources`. Records must come in the order in which they were read; a
    runner that loses, doubles or swaps some gets an error and no part. Progress files go to a local
    folder, None where nobody reads them.
    """

    def __init__(self, layout: OutputLayout, *, progress_dir: str | None = None) -> None:
        super().__init__("write")
        self._layout = layout
        self._progress_dir = progress_dir
        self._progress: ProgressFile | None = None
        self._writer: PartWriter | None = None
        self._started_s = 0.0

    def setup(self) -> None:
        """Makes the writer."""
        if self._progress_dir is not None:
            self._progress = ProgressFile(self._progress_dir)
        self._writer = PartWriter(self._layout, self._show)

    def start_bundle(self) -> None:
        """Starts the clock."""
        self._started_s = time.monotonic()

    def process(self, keyed: KeyedRecord) -> Iterator[Manifest]:
        """Writes a record."""
        yield from self.timed(self._manifests(keyed))

    def finish_bundle(self) -> None:
        """Makes sure that no part is half done."""
        if self._writer is not None:
            self._writer.check_closed()
        self.report()

    def teardown(self) -> None:
        """Removes what is half done."""
        # Also called after a bundle that failed: its part is made anew.
        if self._writer is not None:
            self._writer.discard()

    def _manifests(self, keyed: KeyedRecord) -> Iterator[Manifest]:
        assert self._writer is not None
        key, record = keyed
        manifest = self._writer.write(key, record)
        if manifest is None:
            return
        if not isinstance(record, CompletedPart):
            self._finish(manifest)
        yield replace(manifest, sources=())

    def _show(self, tally: Tally) -> None:
        if self._progress is not None:
            self._progress.show(tally)

    def _finish(self, manifest: Manifest) -> None:
        now_s = time.monotonic()
        _count(manifest, elapsed_ms=round(1000 * (now_s - self._started_s)))
        self._started_s = now_s
        if self._progress is not None:
            self._progress.finish(tally_of(manifest))


def _count(manifest: Manifest, *, elapsed_ms: int) -> None:
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


class FinishRun(beam.PTransform):
    """PCollection of Manifest -> PCollection of the path of run.json; arguments as `finish_run`."""

    def __init__(
        self,
        layout: OutputLayout,
        config: RunConfig,
        *,
        n_parts: int,
        sliced: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._layout = layout
        self._config = config
        self._n_parts = n_parts
        self._sliced = tuple(sliced)

    def expand(self, manifests: "beam.PCollection[Manifest]") -> "beam.PCollection[str]":
        """Collects the manifests (a kilobyte each) and writes run.json."""
        return (
            manifests
            | "CollectManifests" >> beam.CombineGlobally(ToListCombineFn())
            | "WriteRun" >> beam.FlatMap(self._finish)
        )

    def _finish(self, manifests: list[Manifest]) -> Iterator[str]:
        finish_run(
            self._layout,
            self._config,
            manifests=manifests,
            n_parts=self._n_parts,
            sliced=self._sliced,
        )
        yield self._layout.run_path
