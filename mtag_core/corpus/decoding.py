"""Bytes to documents, or to rejects that say why not."""

import re
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import NamedTuple, TypeVar

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


class Origin(NamedTuple):
    """Where a document starts, and what is made of its bytes there.

    Attributes:
        source: Path or URL of its file.
        offset: As in `Document`.
    """

    source: str
    offset: int

    @property
    def doc_id(self) -> str:
        """The id of a document that has none of its own."""
        return f"{self.source}#{self.offset}"

    def reject(
        self, reason: str, detail: str, data: bytes | None = None, *, doc_id: str | None = None
    ) -> Reject:
        """Makes the reject of a document.

        Args:
            reason: One of `REASONS`.
            detail: What was met and what was expected.
            data: Its bytes; None where they are not held.
            doc_id: Its own id.
        """
        doc_id = self.doc_id if doc_id is None else doc_id
        return Reject(*self, doc_id, reason, detail, data)

    def too_large(self, n_bytes: int, limit: int) -> Reject:
        """Makes the reject of a document that is named by its place, not held."""
        detail = f"{n_bytes} bytes from byte {self.offset} on; expected at most {limit}"
        return replace(self.reject("document_too_large", detail), n_input_bytes=n_bytes)

    def decode(self, data: bytes, *, doc_id: str | None = None) -> Document | Reject:
        """Decodes a document's bytes; a byte order mark at the start of a file is dropped."""
        if self.offset == 0:
            data = data.removeprefix(UTF8_MARK)
        fault = None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            place = f"bytes {data[error.start : error.start + 4]!r} at {self.offset + error.start}"
            fault = "invalid_utf8", f"{place}; expected UTF-8"
        if b"\0" in data:
            fault = _nul_fault(data, offset=self.offset, is_utf8=fault is None)
        if fault:
            return self.reject(*fault, data, doc_id=doc_id)
        doc_id = self.doc_id if doc_id is None else doc_id
        return Document(doc_id, text, *self)

    def attempt(
        self, make: Callable[[], T], data: bytes | None, *, limit_s: float = inf
    ) -> T | Reject:
        """Calls what makes a record; where that raises, a bug of ours, the record is a reject.

        Args:
            make: Makes it.
            data: Its bytes.
            limit_s: Seconds that it may take.
        """
        try:
            with time_limit(limit_s):
                return make()
        except MemoryError:
            raise
        except TooSlowError:
            return self.reject(TOO_SLOW, SLOW_DETAIL, data)
        except Exception as error:
            return self.reject(READER_FAILED, one_line(error), data)


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


def one_line(error: Exception) -> str:
    """An exception for a `Reject`'s detail."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_DETAIL_CHARACTERS]


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
