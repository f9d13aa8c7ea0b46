"""What a file's name says: its compression, and the extension under it."""

from urllib.parse import urlsplit

# Extension -> codec of `mtag_core.corpus.compression`.
_CODECS = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".lzma": "xz", ".zst": "zst", ".zstd": "zst"}


def codec_of(path: str) -> str | None:
    """Returns the codec that a file is compressed with, or None."""
    return _CODECS.get(_extension(_name(path)))


def stem_of(path: str) -> tuple[str, str]:
    """Returns a path without the extension of its compression, and the extension that is left.

    Example: `a/b.JSONL.gz` is `a/b.JSONL` and `.jsonl`.
    """
    name = _name(path)
    extension = _extension(name)
    if extension in _CODECS:
        name = name[: -len(extension)]
        extension = _extension(name)
    return name, extension


def _name(path: str) -> str:
    return urlsplit(path).path if path.lower().startswith(("http://", "https://")) else path


def _extension(name: str) -> str:
    position = name.rfind(".")
    return name[position:].lower() if position > name.rfind("/") else ""
