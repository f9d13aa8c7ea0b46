"""What a file's name and its first bytes say: format, compression, UTF-16 or UTF-32.

Servers and stores may hold or send a file compressed under a name that says nothing of it
(`Content-Encoding`), and what Windows programs save may be UTF-16 behind a byte order mark. Both
are read; offsets then count bytes of the UTF-8 text that comes out.
"""

import codecs
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from mtag_core.corpus.compression import (
    ByteStream,
    CorruptError,
    DecompressedStream,
    PeekableStream,
    TruncatedError,
)

# Extension -> codec of `mtag_core.corpus.compression`.
_CODECS = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".lzma": "xz", ".zst": "zst", ".zstd": "zst"}
HEAD_BYTES = 10
"""So many first bytes decide."""

UTF8_MARK = codecs.BOM_UTF8
# bz2: its stream mark too, since a text may begin with "BZh9".
_MAGIC_TO_CODEC = {
    b"\x1f\x8b\x08": "gz",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    **{b"BZh%d1AY&SY" % level: "bz2" for level in range(1, 10)},
}
# UTF-32's marks first: the little one begins as UTF-16's.
_MARK_TO_ENCODING = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# First bytes -> what it is and what makes text of it.
_MAGIC_TO_KIND = {
    b"%PDF-": "a PDF; pdftotext makes text of it",
    b"PK\x03\x04": "a zip archive, such as xlsx or docx; LibreOffice or pandoc makes text of these",
    b"\xd0\xcf\x11\xe0": "an old Office document; LibreOffice makes text of it",
    b"{\\rtf": "RTF; pandoc makes text of it",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it",
    b"Rar!\x1a\x07": "a RAR archive; unpack it",
    b"\x7fELF": "a program",
    b"SQLite format 3\x00": "an SQLite database",
    b"PAR1": "Parquet; name it .parquet, or --input_format=parquet",
}
_TAR_MAGIC = slice(257, 262)
KIND_BYTES = 512
"""So many first bytes show whether a file is text."""

_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+)?html[\s>]", re.I | re.S
)
# A text that was compressed by hand and again by its server.
_MAX_LAYERS = 2
_CHUNK_BYTES = 2**18


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


def codec_of_head(head: bytes) -> str | None:
    """Returns the codec that a file's first bytes show, or None."""
    return _by_start(head, _MAGIC_TO_CODEC)


def encoding_of_head(head: bytes) -> str | None:
    """Returns the encoding that a byte order mark shows, or None for UTF-8."""
    return _by_start(head, _MARK_TO_ENCODING)


def _by_start(head: bytes, start_to_value: Mapping[bytes, str]) -> str | None:
    return next((value for start, value in start_to_value.items() if head.startswith(start)), None)


def is_plain(head: bytes) -> bool:
    """Whether a file that begins so is UTF-8 as it is stored, so that its middle can be read."""
    return codec_of_head(head) is None and encoding_of_head(head) is None


def sniffed(
    raw: ByteStream,
    *,
    keeps_encoding: bool = False,
    encoding: str | None = None,
    max_expansion: int | None = None,
) -> ByteStream:
    """A stream as UTF-8 bytes, whatever its first bytes say that it is.

    With `keeps_encoding` it is only decompressed. `encoding` is that of what begins with no byte
    order mark, None for UTF-8; `max_expansion` is as in `DecompressedStream`. What fails as the
    first bytes are read fails where they are read again.
    """
    stream = PeekableStream(raw)
    for _ in range(_MAX_LAYERS):
        codec = codec_of_head(stream.peek(HEAD_BYTES))
        if codec is not None:
            stream = PeekableStream(DecompressedStream(stream, codec, max_expansion=max_expansion))
    if keeps_encoding:
        return stream
    head = stream.peek(HEAD_BYTES)
    if found := encoding_of_head(head):
        return TranscodedStream(stream, found)
    has_mark = head.startswith(UTF8_MARK)
    return stream if has_mark or encoding is None else TranscodedStream(stream, encoding)


def foreign_kind(head: bytes) -> str | None:
    """Names what a file that begins so is, where it is no text: PDF, an archive and the like."""
    is_tar = head[_TAR_MAGIC] == b"ustar"
    return _by_start(head, _MAGIC_TO_KIND) or ("a tar archive" if is_tar else None)


def is_html(head: bytes) -> bool:
    """Whether a file that begins so is an HTML page."""
    return _HTML.match(head.removeprefix(UTF8_MARK)) is not None


class TranscodedStream:
    """Text in another encoding as UTF-8, without its byte order mark.

    `errors` says what becomes of wrong bytes, such as `NUL_FOR_ERRORS`. If left out, they damage
    the stream; but a lone surrogate of UTF-16 becomes the bytes that a reader rejects as no UTF-8,
    in its document alone.
    """

    def __init__(self, raw: ByteStream, encoding: str, *, errors: str | None = None) -> None:
        self._raw = raw
        self._encoding = encoding
        # Only these know the way to pass a lone surrogate on.
        usual = "surrogatepass" if encoding.startswith("utf-") else "strict"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors or usual)
        self._ready = b""
        self._n_read = 0
        self._is_at_start = True

    def read(self, n_bytes: int, /) -> bytes:
        """Reads at most `n_bytes`; b"" at the end."""
        while not self._ready:
            chunk = self._raw.read(_CHUNK_BYTES)
            self._ready = self._decode(chunk)
            if not chunk:
                break
        data, self._ready = self._ready[:n_bytes], self._ready[n_bytes:]
        return data

    def _decode(self, chunk: bytes) -> bytes:
        place = f"bytes {self._n_read} to {self._n_read + len(chunk)}"
        self._n_read += len(chunk)
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            if not chunk:
                message = f"{self._encoding} text ends in the middle of a character"
                raise TruncatedError(f"{message}, after {self._n_read} bytes") from error
            raise CorruptError(f"{self._encoding} damaged in {place}: {error.reason}") from error
        if self._is_at_start and text:
            text = text.removeprefix("\ufeff")
            self._is_at_start = False
        return text.encode("utf-8", "surrogatepass")


def _nul(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\0", error.end


NUL_FOR_ERRORS = "mtag-nul"
"""Wrong bytes become NUL, which XML does not allow: only the page that holds them is rejected."""
codecs.register_error(NUL_FOR_ERRORS, _nul)
