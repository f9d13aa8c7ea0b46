"""A run over one output directory: its configuration, its preparation, its end.

prepare   checks that the directory is ours and was made alike; plans; clears what a killed
          run left behind
(parts)   made by `mtag_core.parts.part_writer`, anywhere, in any order
finish    checks the manifests against the plan, writes report.html and run.json
prune     removes the parts of inputs that are gone or have changed
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import MAX_ITEM_BYTES
from mtag_core.errors import CountMismatchError, LockHeldError, OutputError, UsageError
from mtag_core.output.beside_parts import remove_files
from mtag_core.output.columns import SCHEMA_VERSION
from mtag_core.output.json_files import read_json, write_json
from mtag_core.output.layout import (
    ATTEMPTS,
    COUNTS,
    FINISHED_FILES,
    FOLDERS,
    MANIFESTS,
    PARTS,
    REJECTS,
    SPOOL,
    Manifest,
    OutputLayout,
)
from mtag_core.parts.completed_parts import damaged_parts
from mtag_core.parts.counts import check_balance
from mtag_core.parts.outcome import collect_report_data, write_report_data
from mtag_core.parts.part_records import part_ids_of_slices, read_slices
from mtag_core.parts.plan import slice_part_id
from mtag_core.parts.report import write_report
from mtag_core.tagging.arguments import TaggerOptions

_LOGGER = logging.getLogger(__name__)
_CONFIG_VERSION = 1
_OPTIONAL = ("spool_bytes", "one_file_per_input")
_DEFAULT_TAGGER = TaggerOptions()
_COUNTS = {"parts", "documents", "tagged", "rejected", "sentences", "tokens", "source_bytes"}
_JSON_NAMES = {dict: "object", list: "array"}
# Maps of manifests that run.json holds the sums of.
_UNTRAINED = "untrained_tokens_by_language"
_SUMMED = (
    *("rejects_by_reason", "tokens_by_language", _UNTRAINED),
    *("tokens_by_upos", "pages_by_outcome"),
)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that decides what a run writes.

    The model is a digest of bundle and options; the tagger's options, styles and languages that the
    user named, stand in the configuration by their names where they differ from the defaults. Items
    that hold more than `spool_bytes`, above 0, and cannot be read from the middle are sliced.
    """

    inputs: tuple[str, ...]
    model: str
    read: ReadOptions
    format: str
    compression: str
    item_bytes: int = MAX_ITEM_BYTES
    limit: int | None = None
    tagger: TaggerOptions = _DEFAULT_TAGGER
    spool_bytes: int = 0
    one_file_per_input: bool = False

    @property
    def salt(self) -> str:
        """Digest of what decides a part's bytes beside its work item, for the item's id."""
        fields = self.to_dict()
        for name in ("inputs", "item_bytes", "limit", "spool_bytes", "one_file_per_input"):
            fields.pop(name, None)
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON values."""
        fields = asdict(self) | {"read": self.read.to_dict()}
        del fields["tagger"]
        fields |= self.tagger.to_dict()
        fields = {name: v for name, v in fields.items() if v or name not in _OPTIONAL}
        versions = {"version": _CONFIG_VERSION, "schema_version": SCHEMA_VERSION}
        values: dict[str, Any] = json.loads(json.dumps({**versions, **fields}, default=list))
        return values


@contextmanager
def only_run(layout: OutputLayout) -> Iterator[None]:
    """Keeps other runs off the output directory while the block runs; local directories only.

    Raises:
        OutputError: Another run is on.
        StorageError: Nothing can be written there.
    """
    try:
        with storage.exclusive(layout.lock_path):
            yield
    except LockHeldError as error:
        raise OutputError(
            f"{layout.base}: another run writes there; wait for its end, or name another --output"
        ) from error


def check_output(
    layout: OutputLayout, config: RunConfig, *, overwrite: bool, repack: bool = False
) -> None:
    """Makes sure that the output directory is empty, or holds parts made alike.

    To overwrite is to remove what earlier runs wrote, and nothing else, instead of failing. To
    repack, the plan may have other sizes than those of earlier runs.

    Raises:
        UsageError: It holds something else, or parts made with another configuration.
    """
    if overwrite:
        remove_own_files(layout)
        return
    if not storage.exists(layout.config_path):
        strangers = [_name(info.path) for info in storage.list_dir(layout.base)]
        strangers = [name for name in strangers if not name.startswith(".")]
        if strangers:
            raise UsageError(
                f"{layout.base} is not empty and holds no output of mtag (it has {strangers[0]}); "
                "name another --output, or pass --overwrite to write beside what is there"
            )
        return
    there, here = read_json(layout.config_path), config.to_dict()
    if repack:
        for fields in (there, here):
            fields.pop("item_bytes", None)
            fields.pop("spool_bytes", None)
    differences = _differences(there, here)
    if differences:
        raise UsageError(
            f"{layout.base} was made with other options ({'; '.join(differences)}); "
            "name another --output, or pass --overwrite to make it anew"
        )


def prepare_output(
    layout: OutputLayout,
    config: RunConfig,
    *,
    overwrite: bool,
    repack: bool = False,
    verify: bool = False,
) -> None:
    """Checks the output directory and clears what a killed run left behind.

    A part whose files are not what its manifest says loses the manifest: it is made again.

    Raises:
        UsageError: As in `check_output`.
        OutputError: A manifest is damaged, or is that of another part.
    """
    check_output(layout, config, overwrite=overwrite, repack=repack)
    delete_leftovers(layout)
    for part_id, fault in damaged_parts(layout, verify=verify).items():
        _LOGGER.warning("%s; the part is made again", fault)
        storage.delete(layout.manifest_path(part_id))
    write_config(layout, config)


def write_config(layout: OutputLayout, config: RunConfig) -> None:
    """Writes config.json; before the first part, so that a killed run is recognised."""
    write_json(layout.config_path, config.to_dict())


def remove_own_files(layout: OutputLayout) -> None:
    """Removes everything that earlier runs wrote, the configuration last."""
    storage.delete(layout.plan_path)
    remove_files(layout)
    for name in FINISHED_FILES:
        storage.delete(storage.join(layout.base, name))
    for folder in FOLDERS:
        layout.delete_files(folder)
    storage.delete(layout.config_path)


def delete_leftovers(layout: OutputLayout) -> None:
    """Deletes the temporary files that a killed run left behind."""
    for folder in (layout.base, *(storage.join(layout.base, name) for name in FOLDERS)):
        storage.delete_leftovers(folder)


def finish_run(
    layout: OutputLayout,
    config: RunConfig,
    *,
    manifests: Iterable[Manifest],
    n_parts: int,
    sliced: Collection[str] = (),
) -> dict[str, Any]:
    """Checks the parts of a run against its plan; writes report.html and run.json.

    Manifests are those of all planned parts, in any order; doubles are allowed where they are
    equal. `n_parts` leaves out those of `sliced`: lists of items that were to be sliced in this
    run.

    Returns:
        The content of run.json, the same for the same inputs and configuration.

    Raises:
        CountMismatchError: A part is missing, or documents read differ from those tagged plus
            those rejected.
    """
    by_id: dict[str, Manifest] = {}
    for manifest in manifests:
        if by_id.setdefault(manifest.part_id, manifest) != manifest:
            raise CountMismatchError(f"part {manifest.part_id} was written with two contents")
    n_parts += sum(_n_slices(layout, list_id, by_id) for list_id in sliced)
    if len(by_id) != n_parts:
        raise CountMismatchError(f"{layout.base}: {len(by_id)} parts of {n_parts} are done")
    ordered = [by_id[part_id] for part_id in sorted(by_id)]
    for manifest in ordered:
        check_balance(manifest)
    report = _report(config, ordered)
    # Before run.json, which says that the run is complete.
    write_report_data(layout, collect_report_data(layout, ordered))
    write_report(layout, report)
    write_json(layout.run_path, report)
    return report


def _n_slices(layout: OutputLayout, list_id: str, part_ids: Collection[str]) -> int:
    path, slices = layout.slices_path(list_id), read_slices(layout, list_id)
    if slices is None:
        raise CountMismatchError(f"{path}: missing; the item was not read to its end")
    n_done = sum(slice_part_id(list_id, each.index) in part_ids for each in slices)
    if n_done != len(slices):
        raise CountMismatchError(f"{path}: {n_done} parts of {len(slices)} are done")
    return len(slices)


def prune(layout: OutputLayout, report: Mapping[str, Any]) -> int:
    """Removes the parts that run.json does not list: their inputs are gone or have changed.

    The spool is removed, too, and lists of slices that run.json does not list. Returns how many
    parts were removed.
    """
    listed = {part["id"] for part in report["parts"]}
    stale: set[str] = set()
    for list_id, part_ids in part_ids_of_slices(layout).items():
        if not listed.issuperset(part_ids):
            storage.delete(layout.slices_path(list_id))
    for folder in (SPOOL, ATTEMPTS):
        layout.delete_files(folder)
    # The manifest goes first: a part without one counts as not done.
    for folder in (MANIFESTS, PARTS, REJECTS, COUNTS):
        stale |= layout.delete_files(folder, but=listed)
    return len(stale)


def read_report(path: str) -> dict[str, Any]:
    """Reads run.json.

    Raises:
        OutputError: It is not what `finish_run` writes.
    """
    report = read_json(path)
    for name, kind in (("config", dict), ("counts", dict), ("parts", list)):
        if not isinstance(report.get(name), kind):
            raise OutputError(f"{path}: {name}: expected a JSON {_JSON_NAMES[kind]}")
    # Earlier versions did not count them.
    report.setdefault(_UNTRAINED, {})
    for name in ("counts", *_SUMMED):
        numbers = report.get(name)
        values = numbers.values() if isinstance(numbers, dict) else [None]
        if not all(type(value) is int for value in values):
            raise OutputError(f"{path}: {name}: expected numbers")
    for name in _COUNTS - report["counts"].keys():
        raise OutputError(f"{path}: counts: {name} is missing")
    return report


def _report(config: RunConfig, manifests: Sequence[Manifest]) -> dict[str, Any]:
    sums = {name: Counter[str]() for name in _SUMMED}
    for manifest in manifests:
        for name, total in sums.items():
            total.update(getattr(manifest, name))
    return {
        "config": config.to_dict(),
        "counts": {
            "parts": len(manifests),
            "documents": sum(m.n_documents for m in manifests),
            "tagged": sum(m.n_tagged for m in manifests),
            "rejected": sum(m.n_rejected for m in manifests),
            "sentences": sum(m.n_sentences for m in manifests),
            "tokens": sum(m.n_tokens for m in manifests),
            "source_bytes": sum(m.n_source_bytes for m in manifests),
        },
        **{name: dict(total) for name, total in sums.items()},
        # Several where a version went on with the output of another one.
        "generators": sorted({m.generator for m in manifests if m.generator}),
        "parts": [_listed(manifest) for manifest in manifests],
    }


def _listed(manifest: Manifest) -> dict[str, Any]:
    return {
        "id": manifest.part_id,
        "part": asdict(manifest.part),
        "rejects": None if manifest.rejects is None else asdict(manifest.rejects),
        "documents": manifest.n_documents,
        "sentences": manifest.n_sentences,
        "tokens": manifest.n_tokens,
    }


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    flat_there, flat_here = _flat(there), _flat(here)
    return [
        f"{name}: {flat_there.get(name)!r}, now {flat_here.get(name)!r}"
        for name in sorted(flat_there.keys() | flat_here.keys())
        if flat_there.get(name) != flat_here.get(name)
    ]


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return flat


def _name(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
