"""What a complete run gives beside its parts: files by the names of inputs, a Delta Lake table.

Parts stay as they are, with the state of a run beside them. With `--one_file_per_input` each gets a
second name at the end, `files/<path of the input>.<format>`. A list of these names says which are
ours, so that only they are ever removed.

A table gets one commit a run, all of it or nothing. It names the parts that the table holds by one
digest, and the output keeps the list of them. So a run that goes on, or was killed between its
commit and its end, commits nothing twice. New parts are appended; where parts are gone or have
changed, all rows are written anew.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.errors import OutputError, UsageError
from mtag_core.output.json_files import read_json, write_json
from mtag_core.output.layout import TABLE, Manifest, OutputLayout

FILES = "files"
_LIST = ".names.json"
# What file systems allow, less what a compression may add.
_MOST_NAME_BYTES = 240
_KEY = "mtag.parts"
_BATCH_ROWS = 4096
# Commits that others made since ours (OPTIMIZE and the like); ours is looked for among so many.
_MOST_COMMITS = 1000


def input_names(paths: Iterable[str], patterns: Sequence[str], *, suffix: str) -> dict[str, str]:
    """What the files of inputs are called: their paths below the folders that patterns name.

    A suffix is added, that of parts, such as `.conllu.zst`.

    Returns:
        Path to name, with `/` between folders.

    Raises:
        UsageError: Two inputs would have one name, or a name is too long for a file system.
    """
    bases = sorted({_base(pattern) for pattern in patterns}, key=len)
    path_to_name: dict[str, str] = {}
    name_to_path: dict[str, str] = {}
    for path in paths:
        base = next((base for base in bases if path.startswith(base)), "")
        name = f"{path[len(base) :].lstrip('/')}{suffix}"
        other = name_to_path.setdefault(name, path)
        if other != path:
            raise UsageError(
                f"--one_file_per_input: {other} and {path} would both become {name}; name a "
                "folder above both as --input"
            )
        if len(os.fsencode(name.rpartition("/")[-1])) > _MOST_NAME_BYTES:
            raise UsageError(f"--one_file_per_input: the name of {path} is too long")
        path_to_name[path] = name
    return path_to_name


def _base(pattern: str) -> str:
    local = storage.local_path(pattern)
    is_folder = pattern.endswith("/") or (not storage.scheme_of(pattern) and os.path.isdir(local))
    return f"{local.rstrip('/')}/" if is_folder else storage.literal_prefix(local)


def publish_files(
    layout: OutputLayout, manifests: Iterable[Manifest], path_to_name: Mapping[str, str]
) -> int:
    """Gives each part, of one source, its second name and removes those of inputs that are gone.

    Returns how many files there are now.

    Raises:
        StorageError: Something cannot be written.
    """
    before = _read_list(layout)
    named = [(path_to_name[manifest.sources[0]], manifest) for manifest in manifests]
    now = {name: manifest.part.sha256 for name, manifest in named}
    changed = [(name, m) for name, m in named if before.get(name) != m.part.sha256]
    # Before the first file: a run that is killed here leaves no name that nobody owns, and none
    # that counts as written.
    _write_list(layout, {**before, **{name: "" for name, _ in changed}})
    for name, manifest in changed:
        target = storage.join(layout.base, FILES, *name.split("/"))
        storage.copy(layout.part_path(manifest.part_id), target)
    for name in before.keys() - now.keys():
        storage.delete(storage.join(layout.base, FILES, *name.split("/")))
    _write_list(layout, now)
    return len(now)


def remove_files(layout: OutputLayout) -> None:
    """Removes all second names."""
    for name in _read_list(layout):
        storage.delete(storage.join(layout.base, FILES, *name.split("/")))
    storage.delete(_list_path(layout))


def _list_path(layout: OutputLayout) -> str:
    return storage.join(layout.base, FILES, _LIST)


def _read_list(layout: OutputLayout) -> dict[str, str]:
    path = _list_path(layout)
    if not storage.exists(path):
        return {}
    return {name: str(sha256) for name, sha256 in read_json(path).items()}


def _write_list(layout: OutputLayout, names: Mapping[str, str]) -> None:
    with storage.atomic_writer(_list_path(layout)) as stream:
        stream.write(json.dumps(names, sort_keys=True, indent=0).encode() + b"\n")


def check_table(uri: str) -> None:
    """Checks, before a run, that its table, a folder or URL, can be written.

    Raises:
        UsageError: The extra is missing, or something else than a table of ours is there.
    """
    try:
        import deltalake
    except ModuleNotFoundError as error:
        raise UsageError(f"--table needs {error.name}: python -m pip install '.[delta]'") from error
    try:
        if deltalake.DeltaTable.is_deltatable(uri):
            if _last_digest(deltalake.DeltaTable(uri)) is None:
                raise UsageError(f"--table={uri}: a table that mtag did not write; name another")
            return
    except (deltalake.exceptions.DeltaError, OSError) as error:
        raise UsageError(f"--table={uri}: {_one_line(error)}") from error
    if not storage.scheme_of(uri) and os.path.exists(uri) and os.listdir(uri):
        raise UsageError(f"--table={uri}: the folder is not empty and no table; name another")


def commit_table(layout: OutputLayout, report: Mapping[str, Any], uri: str) -> int:
    """Makes a table, new where there is none, hold the rows of a complete run, as run.json lists.

    Returns:
        How many parts were written to it; 0 where it had all of them.

    Raises:
        OutputError: It cannot be written; then it is as it was before.
    """
    import deltalake

    parts = {part["id"]: part["part"]["sha256"] for part in report["parts"]}
    before = _committed(layout, uri)
    added: set[str] = set()
    try:
        is_there = deltalake.DeltaTable.is_deltatable(uri)
        last = _last_digest(deltalake.DeltaTable(uri)) if is_there else None
        if last != _digest(parts):
            is_grown = last == _digest(before) and before.items() <= parts.items()
            added = parts.keys() - before.keys() if is_grown and is_there else set(parts)
            _commit(layout, uri, sorted(added), is_new=added == parts.keys(), digest=_digest(parts))
    except (deltalake.exceptions.DeltaError, pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"--table={uri}: {_one_line(error)}; the parts are complete, run the same command again"
        ) from error
    write_json(storage.join(layout.base, TABLE), {"table": uri, "parts": parts})
    return len(added)


def _commit(
    layout: OutputLayout, uri: str, part_ids: Sequence[str], *, is_new: bool, digest: str
) -> None:
    from deltalake import CommitProperties, write_deltalake

    if not part_ids:
        return
    with storage.open_seekable(layout.part_path(part_ids[0])) as stream:
        schema = pq.read_schema(stream).remove_metadata()
    rows = pa.RecordBatchReader.from_batches(schema, _batches(layout, part_ids))
    properties = CommitProperties(custom_metadata={_KEY: digest})
    if is_new:
        write_deltalake(
            uri, rows, mode="overwrite", schema_mode="overwrite", commit_properties=properties
        )
    else:
        write_deltalake(uri, rows, mode="append", commit_properties=properties)


def _batches(layout: OutputLayout, part_ids: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for part_id in part_ids:
        with storage.open_seekable(layout.part_path(part_id)) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(_BATCH_ROWS):
                yield batch.replace_schema_metadata(None)


def _committed(layout: OutputLayout, uri: str) -> dict[str, str]:
    """Ids and digests of the parts that the table held after our last commit, as we noted it."""
    path = storage.join(layout.base, TABLE)
    if not storage.exists(path):
        return {}
    fields = read_json(path)
    try:
        return dict(fields["parts"]) if fields["table"] == uri else {}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path}: not a list of parts ({error})") from error


def _last_digest(table: Any) -> str | None:  # noqa: ANN401
    commits = (commit.get(_KEY) for commit in table.history(_MOST_COMMITS))
    return next((str(digest) for digest in commits if digest), None)


def _digest(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
