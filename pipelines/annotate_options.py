"""Options of `pipelines.annotate`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mtag_core.corpus.kept_fields import KINDS, kept_fields
from mtag_core.errors import UsageError
from mtag_core.option_values import not_negative, positive, ratio, seconds
from mtag_core.options import Flags, group, option
from mtag_core.output.columns import COLUMNS
from mtag_core.output.writers import COMPRESSION_SUFFIXES, FORMATS, OutputFormat
from mtag_core.storage import public_url
from mtag_core.tagging.tagger_options import TaggerOptions
from mtag_core.treebank_style import unused_styles
from pipelines.options import CorpusOptions, JobOptions, parse_flags

_DEFAULT_COMPRESSION = "zstd"
_DEFAULT_POLL_INTERVAL_S = 10.0


def _fields(values: Sequence[str]) -> tuple[str, ...]:
    words = tuple(word.strip() for value in values for word in value.split(",") if word.strip())
    names = [field.name for field in kept_fields(words)]
    for name in names:
        if name in {column.name for column in COLUMNS}:
            raise UsageError(f"--keep_fields={name}: the output has a column of this name already")
        if names.count(name) > 1:
            raise UsageError(f"--keep_fields={name}: named twice")
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotateOptions:
    """The options of one run; each is described by `--help`."""

    corpus: CorpusOptions = group(section="input")
    spool_bytes: int | None = option(
        "a file that holds more than this, about, and cannot be read from the middle is read by "
        "one worker and copied to --output for all; 0 for none; if left out as --item_bytes, at "
        "first four work items or a 64th of the input",
        None,
        parse=not_negative,
        section="input",
    )
    job: JobOptions = group(section="output")
    format: str = option("of the parts", "parquet", choices=FORMATS, section="output")
    compression: str = option(
        "of CoNLL-U, JSONL and vertical parts",
        _DEFAULT_COMPRESSION,
        choices=tuple(COMPRESSION_SUFFIXES),
        section="output",
    )
    keep_fields: tuple[str, ...] = option(
        "fields of the input that go with each document, such as url,date; their types are found, "
        f"or named as in id:int ({', '.join(KINDS)})",
        (),
        metavar="NAME",
        split=_fields,
        section="output",
    )
    one_file_per_input: bool = option(
        "write files/ beside parts/: one file an input, by its name; inputs are not split, so one "
        "worker tags each",
        False,
        section="output",
    )
    repack: bool = option(
        "plan an output that grew in steps as if it were made at once: parts of small files are "
        "joined, those that differ are made again",
        False,
        section="output",
    )
    max_reject_ratio: float | None = option(
        "fail at the end if more than this share of the documents is rejected, 0 to 1",
        None,
        metavar="R",
        parse=ratio,
        section="output",
    )
    table: str | None = option(
        "folder or URL of a Delta Lake table that gets the sentences of a complete run in one "
        "commit; needs the extra delta",
        None,
        metavar="DIR",
        parse=public_url,
        section="output",
    )
    tagger: TaggerOptions = group(section="languages")
    model: str | None = option(
        "directory or URL of a bundle; the one in mtag if left out",
        None,
        metavar="DIR",
        section="model",
    )
    piece_budget: int | None = option(
        "wordpieces in one batch of the model", None, parse=positive, section="model"
    )
    streaming: bool = option(
        "go on for ever and tag files as they appear; SIGTERM stops after the current part",
        False,
        section="streaming",
    )
    poll_interval: float = option(
        "seconds between two lists of the inputs; a file that changed since the last one waits",
        _DEFAULT_POLL_INTERVAL_S,
        metavar="S",
        parse=seconds,
        section="streaming",
    )

    @property
    def output_format(self) -> OutputFormat:
        """How parts are written."""
        fields = self.corpus.read.keep_fields
        return OutputFormat(self.format, self.compression, keep_fields=fields)

    def with_fields(self, words: tuple[str, ...]) -> "AnnotateOptions":
        """The options of a run that keeps these fields, as `ReadOptions.keep_fields` has them."""
        corpus = self.corpus
        return replace(self, corpus=replace(corpus, read=replace(corpus.read, keep_fields=words)))


_FLAGS = Flags(AnnotateOptions)


def parse_options(argv: Sequence[str]) -> AnnotateOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    does = "Tags the text of files: raw text in, tagged corpus out."
    options = parse_flags(_FLAGS, argv, job="annotate", does=does)
    options = options.with_fields(options.keep_fields)
    job = options.job
    bounded = {
        "--limit": options.corpus.limit,
        "--dry_run": job.dry_run,
        "--overwrite": job.overwrite,
        "--repack": options.repack,
        "--one_file_per_input": options.one_file_per_input,
        "--table": options.table,
    }
    if options.streaming and any(bounded.values()):
        given = ", ".join(name for name, value in bounded.items() if value)
        raise UsageError(f"--streaming goes without {given}")
    if options.table and options.format != "parquet":
        raise UsageError(f"--table is made of Parquet parts; leave --format={options.format} out")
    return options


def unused_run_flags(options: AnnotateOptions) -> list[str]:
    """A line for each flag of writing and running that nothing uses."""
    lines = []
    compression = options.compression
    if options.format == "parquet" and compression != _DEFAULT_COMPRESSION:
        lines.append(f"--compression={compression} changes nothing: Parquet compresses its columns")
    if options.poll_interval != _DEFAULT_POLL_INTERVAL_S and not options.streaming:
        lines.append("--poll_interval changes nothing without --streaming")
    return lines


def unused_style_flags(treebanks: Iterable[str], report: Mapping[str, Any]) -> list[str]:
    """A line for each treebank whose style no sentence has."""
    languages = report["tokens_by_language"]
    found = ", ".join(sorted(languages)) or "none"
    return [
        f"--treebank_style={name} changed nothing: no sentence is in its language, found: {found}"
        for name in unused_styles(treebanks, languages=languages)
    ]
