"""Reads the manifests of an output, many at a time: remote stores answer slowly, not seldom."""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest

_N_THREADS = 32
# Asked for together, so that an error does not wait for 100,000 others.
_N_TOGETHER = 1024


class ManifestReader:
    """Reads each manifest once: a part is never made again with another content."""

    def __init__(self, layout: OutputLayout) -> None:
        """Reads nothing yet.

        Args:
            layout: The output directory.
        """
        self._layout = layout
        self._id_to_manifest: dict[str, Manifest] = {}

    def read(self, part_ids: Iterable[str]) -> list[Manifest]:
        """Reads manifests.

        Returns:
            One a part id, in the order of the ids.

        Raises:
            OutputError: One is none.
            StorageError: One cannot be read.
        """
        wanted = list(part_ids)
        missing = [part_id for part_id in wanted if part_id not in self._id_to_manifest]
        with ThreadPoolExecutor(_N_THREADS) as pool:
            for start in range(0, len(missing), _N_TOGETHER):
                manifests = pool.map(
                    self._layout.read_manifest, missing[start : start + _N_TOGETHER]
                )
                self._id_to_manifest.update((m.part_id, m) for m in manifests)
        return [self._id_to_manifest[part_id] for part_id in wanted]

    def sources(self, part_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Part ids to what their manifests name as sources; errors as `read`."""
        return {manifest.part_id: manifest.sources for manifest in self.read(part_ids)}

    def keep_only(self, part_ids: Collection[str]) -> None:
        """Forgets the manifests of all other parts."""
        for part_id in self._id_to_manifest.keys() - set(part_ids):
            del self._id_to_manifest[part_id]
