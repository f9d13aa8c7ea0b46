"""Names the flags of a run that nothing in it uses, so that none is without effect in silence."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from mtag_core.conventions import unused_conventions
from mtag_core.corpus import ReadOptions
from mtag_core.corpus.names import kind_of
from mtag_core.storage import FileInfo
from pipelines.options import DEFAULT_COMPRESSION, DEFAULT_POLL_INTERVAL_S, AnnotateOptions

# Option of `ReadOptions` -> formats that use it.
_OPTION_TO_KINDS = {
    "document": ("text",),
    "text_field": ("jsonl", "parquet"),
    "id_field": ("jsonl", "parquet"),
}


def unused_read_flags(read: ReadOptions, files: Iterable[FileInfo]) -> list[str]:
    """A line for each flag of reading that no input uses.

    Args:
        read: What the flags say.
        files: The inputs.
    """
    kinds = {kind_of(file, read) for file in files}
    given = {
        field.name: getattr(read, field.name)
        for field in fields(read)
        if field.name in _OPTION_TO_KINDS and getattr(read, field.name) != field.default
    }
    return [
        f"--{name}={value} changes nothing: it is for {' and '.join(_OPTION_TO_KINDS[name])}, "
        f"and the inputs are {', '.join(sorted(kinds))}; --input_format says what they are"
        for name, value in given.items()
        if not kinds & set(_OPTION_TO_KINDS[name])
    ]


def unused_run_flags(options: AnnotateOptions) -> list[str]:
    """A line for each flag of writing and running that nothing uses."""
    lines = []
    compression = options.format.compression
    if options.format.name == "parquet" and compression != DEFAULT_COMPRESSION:
        lines.append(f"--compression={compression} changes nothing: Parquet compresses its columns")
    if options.poll_interval_s != DEFAULT_POLL_INTERVAL_S and not options.streaming:
        lines.append("--poll_interval changes nothing without --streaming")
    return lines


def unused_convention_flags(conventions: Iterable[str], report: Mapping[str, Any]) -> list[str]:
    """A line for each convention that no sentence followed.

    Args:
        conventions: Names of treebanks.
        report: The content of run.json.
    """
    languages = report["tokens_by_language"]
    found = ", ".join(sorted(languages)) or "none"
    return [
        f"--conventions={name} changed nothing: no sentence is in its language, found: {found}"
        for name in unused_conventions(conventions, languages=languages)
    ]
