"""A Delta Lake table of the sentences of an output: one commit a run, all of it or nothing.

A commit names the parts that the table holds by one digest, and the output keeps the list of them.
So a run that goes on, or was killed between its commit and its end, commits nothing twice. New
parts are appended; where parts are gone or have changed, all rows are written anew.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.errors import OutputError, UsageError
from mtag_core.output.json_files import read_json, write_json
from mtag_core.output.layout import TABLE, OutputLayout

_KEY = "mtag.parts"
_BATCH_ROWS = 4096
# Commits that others made since ours (OPTIMIZE and the like); ours is looked for among so many.
_MOST_COMMITS = 1000


def check_table(uri: str) -> None:
    """Checks, before a run, that its table can be written.

    Args:
        uri: Folder or URL.

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
    """Makes a table hold the rows of a complete run.

    Args:
        layout: The output directory, of Parquet parts.
        report: The content of run.json.
        uri: Folder or URL of the table; made where there is none.

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
