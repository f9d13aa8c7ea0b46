"""All manifests of a run to its run.json."""

from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.transforms.combiners import ToListCombineFn

from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.parts.run import RunConfig, finish_run


class FinishRun(beam.PTransform):
    """PCollection of Manifest -> PCollection of the path of run.json."""

    def __init__(
        self,
        layout: OutputLayout,
        config: RunConfig,
        *,
        n_parts: int,
        sliced: Sequence[str] = (),
    ) -> None:
        """Keeps what `finish_run` needs.

        Args:
            layout: The output directory.
            config: The run's configuration.
            n_parts: Number of parts planned, those of `sliced` left out.
            sliced: Ids of the lists of items that are sliced.
        """
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
