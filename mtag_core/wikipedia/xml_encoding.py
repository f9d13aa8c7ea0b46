"""The encoding of an export: what its first bytes say, and a stream of UTF-8 out of any other.

MediaWiki writes UTF-8. Exports that other programs rewrote may declare something else.
Source: Extensible Markup Language 1.0, appendix F (detection of encodings).
"""

import codecs
import re
from typing import Protocol

UTF_8 = "utf-8"
_SIGNATURES = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{1,200}?\sencoding\s*=\s*["']([^"']{1,64})["']""")
_MARK = "<page>"


class _Readable(Protocol):
    def read(self, n_bytes: int, /) -> bytes: ...


def declared_encoding(head: bytes) -> str:
    """Says which encoding a file is in: by its first bytes, else by its XML declaration.

    Args:
        head: The first bytes of the file, uncompressed.

    Returns:
        A lower-case name; `utf-8` where nothing is declared. It need not be one Python knows.
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    match = _DECLARED.match(head.removeprefix(codecs.BOM_UTF8))
    name = match[1].decode("ascii", "replace").lower() if match else UTF_8
    # Bytes that read as ASCII are none of these, whatever the declaration says.
    return UTF_8 if name.startswith(("utf-16", "utf-32", "utf8", "ucs-")) else name


def is_known(encoding: str) -> bool:
    """Whether Python can decode text in an encoding."""
    try:
        b"<page>".decode(encoding, "replace")
    except (LookupError, ValueError):
        # A ValueError is of a name with a NUL, or of bytes.
        return False
    return True


def keeps_ascii(encoding: str) -> bool:
    """Whether `<page>` is the same bytes as in ASCII, so that a file can be cut at it."""
    return _MARK.encode(encoding, "replace") == _MARK.encode()


class Utf8Stream:
    """Reads a stream of another encoding as UTF-8.

    Bytes that are wrong in the encoding become NUL, which XML does not allow: the page that holds
    them is rejected, the others are read.
    """

    def __init__(self, stream: _Readable, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(_NUL_FOR_ERRORS)
        self._is_at_end = False

    def read(self, n_bytes: int, /) -> bytes:
        """Reads about `n_bytes`; b"" at the end."""
        while not self._is_at_end:
            data = self._stream.read(n_bytes)
            self._is_at_end = not data
            text = self._decoder.decode(data, final=self._is_at_end)
            if text:
                return text.encode(UTF_8)
        return b""


def _nul(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\0", error.end


_NUL_FOR_ERRORS = "mtag-nul"
codecs.register_error(_NUL_FOR_ERRORS, _nul)
