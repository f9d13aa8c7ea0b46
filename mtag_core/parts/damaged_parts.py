"""Finds finished parts whose files are not what their manifests say: cut, changed or removed."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mtag_core import storage
from mtag_core.output.layout import MANIFESTS, PARTS, REJECTS, OutputLayout
from mtag_core.output.manifests import FileDigest, Manifest
from mtag_core.parts.manifest_reader import ManifestReader

_N_THREADS = 16
_READ_BYTES = 2**20

Sizes = dict[str, int]


def damaged_parts(layout: OutputLayout, *, verify: bool = False) -> dict[str, str]:
    """Compares the files of finished parts with their manifests.

    Args:
        layout: The output directory.
        verify: Read every file and compare its SHA-256, too; without it, names and sizes only.

    Returns:
        Ids of the parts that have to be made again, each with what is wrong.

    Raises:
        OutputError: A manifest is damaged, or is that of another part.
        StorageError: Something cannot be read.
    """
    manifests = ManifestReader(layout).read(sorted(layout.own_files(MANIFESTS)))
    sizes = {folder: _sizes(layout, folder) for folder in (PARTS, REJECTS)}
    check = partial(_fault, layout, sizes, verify=verify)
    with ThreadPoolExecutor(_N_THREADS) as pool:
        faults = zip(manifests, pool.map(check, manifests), strict=True)
        return {manifest.part_id: fault for manifest, fault in faults if fault}


def _sizes(layout: OutputLayout, folder: str) -> Sizes:
    infos = storage.list_dir(storage.join(layout.base, folder))
    return {info.path.rsplit("/", 1)[-1]: info.size for info in infos}


def _fault(
    layout: OutputLayout, sizes: dict[str, Sizes], manifest: Manifest, *, verify: bool
) -> str | None:
    """What is wrong with the files of a part, None where nothing is."""
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


def _sha256(path: str) -> str:
    found = hashlib.sha256()
    with storage.open_read(path) as stream:
        while block := stream.read(_READ_BYTES):
            found.update(block)
    return found.hexdigest()
