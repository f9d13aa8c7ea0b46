"""What a file's name says: its compression and its format."""

import re
from urllib.parse import urlsplit

from mtag_core.corpus.items import ReadOptions
from mtag_core.storage import FileInfo

# Extension -> codec of `mtag_core.corpus.compression`.
_CODECS = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".lzma": "xz", ".zst": "zst", ".zstd": "zst"}
_KINDS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".conllu": "conllu",
    ".conll": "conllu",
    ".xml": "mediawiki",
}
# Names of partial dumps, such as `pages-articles1.xml-p10p30302.bz2`.
_PARTIAL_DUMP = re.compile(r"\.xml-p\d+p\d+[^/]*$")


def codec_of(path: str) -> str | None:
    """Returns the codec that a file is compressed with, or None."""
    return _CODECS.get(_extension(_name(path)))


def kind_of(file: FileInfo, options: ReadOptions) -> str:
    """Returns a file's format; what the name does not tell is plain text."""
    if options.input_format != "auto":
        return options.input_format
    name = _name(file.path)
    extension = _extension(name)
    if extension in _CODECS:
        name = name[: -len(extension)]
        extension = _extension(name)
    if _PARTIAL_DUMP.search(name):
        return "mediawiki"
    return _KINDS.get(extension, "text")


def _name(path: str) -> str:
    """The path without what a URL carries behind it."""
    return urlsplit(path).path if path.lower().startswith(("http://", "https://")) else path


def _extension(name: str) -> str:
    """The extension with its dot, in lower case."""
    position = name.rfind(".")
    return name[position:].lower() if position > name.rfind("/") else ""
