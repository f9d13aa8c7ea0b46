"""Bytes to documents, or to rejects that say why not."""

import re
from collections.abc import Callable
from math import inf
from typing import TypeVar

from mtag_core.corpus.sniffing import UTF8_MARK
from mtag_core.languages import find_language
from mtag_core.records import READER_FAILED, SLOW_DETAIL, TOO_SLOW, Document, Reject
from mtag_core.time_limit import TooSlowError, time_limit

T = TypeVar("T")

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# A text with NULs and so many control characters is no text.
_MAX_CONTROL_RATIO = 0.1
_SAMPLE_BYTES = 8192
_DETAIL_CHARACTERS = 300
# Of the bytes that are NUL in UTF-16: half in English, a space in ten letters elsewhere.
_UTF16_RATIO = 0.04


def decode_document(data: bytes, *, source: str, offset: int, doc_id: str) -> Document | Reject:
    """Decodes a document's bytes; a byte order mark at the start of a file is dropped."""
    if offset == 0:
        data = data.removeprefix(UTF8_MARK)
    fault = None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        value = data[error.start : error.start + 4]
        fault = "invalid_utf8", f"bytes {value!r} at {offset + error.start}; expected UTF-8"
    if b"\0" in data:
        fault = _nul_fault(data, offset=offset, is_utf8=fault is None)
    if fault:
        return make_reject(*fault, data, source=source, offset=offset, doc_id=doc_id)
    return Document(doc_id, text, source, offset)


def check_text(text: str) -> tuple[str, str] | None:
    """Returns why a string cannot be tagged, as (reason, detail), or None.

    Strings that come out of JSON may hold what decoded bytes cannot.
    """
    if "\0" in text:
        return "nul_character", f"NUL at character {text.index(chr(0))}; expected text"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        value = text[error.start].encode("unicode_escape").decode()
        return "lone_surrogate", f"{value} at character {error.start}; expected whole characters"
    return None


def language_fault(called: object, field: str) -> tuple[str, str] | None:
    """Returns why what a field says of the language says nothing, as (reason, detail), or None."""
    if called is None or called == "":
        return None
    if not isinstance(called, str):
        return "wrong_type", f"field {field!r} is {type(called).__name__}; expected a string"
    if find_language(called) is None:
        return "unknown_language", f"field {field!r}: {called[:40]!r}; expected a code such as fr"
    return None


def make_reject(
    reason: str, detail: str, data: bytes, *, source: str, offset: int, doc_id: str | None
) -> Reject:
    """Makes the reject of a document whose bytes are at hand."""
    return Reject(source, offset, doc_id, reason, detail, data, len(data))


def or_failed(
    make: Callable[[], T],
    data: bytes | None,
    *,
    source: str,
    offset: int,
    limit_s: float = inf,
) -> T | Reject:
    """Calls what makes a record; where that raises, a bug of ours, the record is a reject.

    Args:
        make: Makes it.
        data: Its bytes.
        source: Path or URL of its file.
        offset: Where it starts.
        limit_s: Seconds that it may take.
    """
    try:
        with time_limit(limit_s):
            return make()
    except MemoryError:
        raise
    except TooSlowError:
        fault = TOO_SLOW, SLOW_DETAIL
    except Exception as error:
        fault = READER_FAILED, one_line(error)
    n_bytes = None if data is None else len(data)
    return Reject(source, offset, f"{source}#{offset}", *fault, data, n_bytes)


def one_line(error: Exception) -> str:
    """An exception for a `Reject`'s detail."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_DETAIL_CHARACTERS]


def too_large(n_bytes: int, limit: int, *, source: str, offset: int) -> Reject:
    """Makes the reject of a document that is named by its place, not held."""
    return Reject(
        source=source,
        offset=offset,
        doc_id=f"{source}#{offset}",
        reason="document_too_large",
        detail=f"{n_bytes} bytes from byte {offset} on; expected at most {limit}",
        n_input_bytes=n_bytes,
    )


def _nul_fault(data: bytes, *, offset: int, is_utf8: bool) -> tuple[str, str]:
    sample = data[:_SAMPLE_BYTES]
    place = f"NUL at byte {offset + data.index(0)}"
    if is_utf8 and len(_CONTROLS.findall(sample)) <= _MAX_CONTROL_RATIO * len(sample):
        return "nul_character", f"{place}; expected text"
    return (
        "binary",
        f"{place} among bytes that are no UTF-8 text{_hint(sample)}; expected UTF-8 text",
    )


def _hint(sample: bytes) -> str:
    """Names UTF-16 without a byte order mark: every other byte of much text is a NUL."""
    evens, odds = sample[::2].count(0), sample[1::2].count(0)
    is_utf16 = max(evens, odds) > _UTF16_RATIO * len(sample) and not min(evens, odds)
    return " (UTF-16 without a byte order mark, it seems)" if is_utf16 else ""
