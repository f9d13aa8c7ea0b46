"""Parts that are complete: which, their manifests, and which of them are damaged.

Manifests are read many at a time: remote stores answer slowly, not seldom.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BufferedReader
from itertools import islice
from typing import cast

from mtag_core import storage
from mtag_core.output.layout import (
    COUNTS,
    MANIFESTS,
    PARTS,
    REJECTS,
    FileDigest,
    Manifest,
    OutputLayout,
)
from mtag_core.parts.counts import Tally, tally_of

_N_THREADS = 32
# Asked for together, so that an error does not wait for 100,000 others.
_N_TOGETHER = 1024
_N_CHECKS = 16
Sizes = dict[str, int]


def read_manifests(layout: OutputLayout, part_ids: Sequence[str]) -> Iterator[Manifest]:
    """Reads manifests in the order of their ids, few at a time; errors as `ManifestReader.read`."""
    if not storage.scheme_of(layout.base):
        # Threads would take twice the time of a local disk.
        yield from map(layout.read_manifest, part_ids)
        return
    with ThreadPoolExecutor(_N_THREADS) as pool:
        for start in range(0, len(part_ids), _N_TOGETHER):
            yield from pool.map(layout.read_manifest, part_ids[start : start + _N_TOGETHER])


def completed_parts(layout: OutputLayout, *, is_dry: bool = False) -> set[str]:
    """Ids of the parts that are done: their manifest is there and so is the part.

    A manifest without its part (somebody removed it) is removed, so that the part is made again;
    a dry run leaves it.
    """
    parts = layout.own_files(PARTS)
    manifests = layout.own_files(MANIFESTS)
    for part_id in () if is_dry else manifests.keys() - parts.keys():
        storage.delete(layout.manifest_path(part_id))
    return manifests.keys() & parts.keys()


class ManifestReader:
    """Reads each manifest once: a part is never made again with another content."""

    def __init__(self, layout: OutputLayout) -> None:
        self._layout = layout
        self._id_to_manifest: dict[str, Manifest] = {}

    def read(self, part_ids: Iterable[str]) -> list[Manifest]:
        """Reads manifests, one a part id, in their order.

        Raises:
            OutputError: One is none.
            StorageError: One cannot be read.
        """
        wanted = list(part_ids)
        missing = [part_id for part_id in wanted if part_id not in self._id_to_manifest]
        self._id_to_manifest.update((m.part_id, m) for m in read_manifests(self._layout, missing))
        return [self._id_to_manifest[part_id] for part_id in wanted]

    def sources(self, part_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Part ids to what their manifests name as sources; errors as `read`."""
        return {manifest.part_id: manifest.sources for manifest in self.read(part_ids)}

    def keep_only(self, part_ids: Collection[str]) -> None:
        """Forgets the manifests of all other parts."""
        for part_id in self._id_to_manifest.keys() - set(part_ids):
            del self._id_to_manifest[part_id]


class NewParts:
    """Adds up the parts that are made from now on, by their manifests."""

    def __init__(self, layout: OutputLayout) -> None:
        self._layout = layout
        self._seen = set(layout.own_files(MANIFESTS))
        self._tally = Tally()

    def poll(self) -> Tally:
        """What has been done so far.

        Raises:
            StorageError: Something cannot be read.
            OutputError: A manifest is damaged.
        """
        new = sorted(self._layout.own_files(MANIFESTS).keys() - self._seen)
        for manifest in read_manifests(self._layout, new):
            self._tally = self._tally.plus(tally_of(manifest))
            self._seen.add(manifest.part_id)
        return self._tally


def damaged_parts(layout: OutputLayout, *, verify: bool = False) -> dict[str, str]:
    """Compares names and sizes of the files of finished parts, to verify SHA-256, with manifests.

    Returns:
        Ids of the parts that have to be made again, each with what is wrong.

    Raises:
        OutputError: A manifest is damaged, or is that of another part.
        StorageError: Something cannot be read.
    """
    manifests = read_manifests(layout, sorted(layout.own_files(MANIFESTS)))
    sizes = {folder: _sizes(layout, folder) for folder in (PARTS, REJECTS, COUNTS)}
    check = partial(_fault, layout, sizes, verify=verify)
    found: dict[str, str] = {}
    with ThreadPoolExecutor(_N_CHECKS) as pool:
        # Only reading whole files is worth threads; of manifests few are held.
        apply = pool.map if verify else map
        while chunk := list(islice(manifests, _N_TOGETHER)):
            faults = zip(chunk, apply(check, chunk), strict=True)
            found |= {manifest.part_id: fault for manifest, fault in faults if fault}
    return found


def _sizes(layout: OutputLayout, folder: str) -> Sizes:
    infos = storage.list_dir(storage.join(layout.base, folder))
    return {info.path.rsplit("/", 1)[-1]: info.size for info in infos}


def _fault(
    layout: OutputLayout, sizes: dict[str, Sizes], manifest: Manifest, *, verify: bool
) -> str | None:
    for path, folder, digest in _files(layout, manifest):
        size = sizes[folder].get(path.rsplit("/", 1)[-1])
        if size is None:
            return f"{path}: missing"
        if size != digest.n_bytes:
            return f"{path}: {size} bytes, its manifest says {digest.n_bytes}"
        if verify and _sha256(path) != digest.sha256:
            return f"{path}: its SHA-256 is not that of its manifest"
    return None


def _files(layout: OutputLayout, manifest: Manifest) -> Iterator[tuple[str, str, FileDigest]]:
    yield layout.part_path(manifest.part_id), PARTS, manifest.part
    if manifest.rejects is not None:
        yield layout.rejects_path(manifest.part_id), REJECTS, manifest.rejects
    if manifest.counts is not None:
        yield layout.part_counts_path(manifest.part_id), COUNTS, manifest.counts


def _sha256(path: str) -> str:
    with storage.open_read(path) as stream:
        return hashlib.file_digest(cast(BufferedReader, stream), "sha256").hexdigest()
