"""The exceptions mtag raises on purpose.

Each message names the file, the place in it, the value met and what was expected. Commands end with
exit code 2 for `UsageError` and `InputNotFoundError`, else with 1. Bad records of a corpus are no
exceptions: they are `mtag_core.records.Reject` values.
"""

_DETAIL_CHARACTERS = 300


class MtagError(Exception):
    """Base of every exception that mtag raises on purpose."""


class UsageError(MtagError, ValueError):
    """A flag or argument is wrong; the message says what to do instead."""


class InputNotFoundError(MtagError, OSError):
    """A pattern or path matches no file."""


class StorageError(MtagError, OSError):
    """A local or remote file cannot be listed, read or written."""


class LockHeldError(StorageError):
    """Another process holds a lock file."""


class FormatError(MtagError, ValueError):
    """A file's content is not in the format its reader expects."""


class ConlluError(FormatError):
    """A CoNLL-U line breaks the format."""


class LabelError(MtagError, ValueError):
    """A tag is not in the label inventory."""


class BundleError(MtagError, ValueError):
    """A model bundle is missing a file, is damaged, or has an unknown format version."""


class OutputError(MtagError, ValueError):
    """An output directory already holds the output of something else."""


class CountMismatchError(MtagError, ValueError):
    """Documents read differ from documents tagged plus documents rejected."""


class OutcomeError(MtagError, ValueError):
    """A run is complete, but wrote no token or rejected more documents than allowed."""


class ShardError(MtagError, ValueError):
    """A teacher-logits shard does not fit the student that should learn from it."""


class CheckpointError(MtagError, ValueError):
    """A training checkpoint is damaged or belongs to another configuration."""


def one_line(error: Exception) -> str:
    """An exception that nobody raised on purpose, for the detail of a reject."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_DETAIL_CHARACTERS]
