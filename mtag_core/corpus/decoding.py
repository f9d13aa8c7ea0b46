"""Bytes to documents, or to rejects that say why not; all reasons for rejects."""

import re
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import NamedTuple, TypeVar

from mtag_core.corpus.sniffing import UTF8_MARK
from mtag_core.errors import one_line
from mtag_core.languages import find_language
from mtag_core.records import READER_FAILED, SLOW_DETAIL, TOO_SLOW, Document, Reject
from mtag_core.time_limit import TooSlowError, time_limit

REASONS = {
    "binary": "The bytes are no text: they hold NULs and are not UTF-8, or are mostly controls.",
    "not_text": "The file is a PDF, an archive, an image or a page of HTML, by its first bytes.",
    "invalid_utf8": "The bytes are not UTF-8; the detail names the first bad byte.",
    "nul_character": "The text holds a NUL character.",
    "lone_surrogate": "A JSON string holds half of a surrogate pair, which no encoding can write.",
    "document_too_large": "The document is larger than the limit of bytes; it is named, not held.",
    "invalid_json": "The line is not JSON.",
    "invalid_csv": "The row has more or fewer fields than the first, "
    "its quotes do not end, or the names of columns are none.",
    "invalid_html": "The page cannot be parsed.",
    "missing_field": "The record lacks the text, id or language field.",
    "wrong_type": "The record is no object, or a field that is read has another type.",
    "unknown_language": "The language field names a language that mtag does not know.",
    "invalid_conllu": "A sentence breaks CoNLL-U; the other sentences of its document are kept.",
    "invalid_xml": "The page, or the file, is not MediaWiki export XML, or declares entities.",
    "invalid_wikitext": "The page's wikitext is nested beyond reason.",
    "page_too_large": "The page's XML is larger than the limit.",
    "truncated": "The file ends in the middle; what came before is kept.",
    "corrupt": "The compressed data, the Parquet file or its encoding is damaged from here on.",
    "expands_too_much": "The compressed file holds more than `--max_expansion` bytes a byte.",
    "unreadable": "The file cannot be opened or reading it failed.",
    "vanished": "The file was listed but is gone.",
    "changed": "The file's size or version is not the one that was planned; run again.",
    "reader_failed": "The reader has a bug; it costs the record, or the rest of the file.",
    "too_slow": "A step did not end within `--max_document_seconds`.",
    "crashed": "Reading the file, or tagging the document, ends the process; tried alone.",
    "tagging_failed": "A step after reading raised an error; `step` says which.",
}
"""Why documents are rejected, in a sentence for people."""

REMEDIES = {
    "binary": "convert it to UTF-8, or leave it out of --input",
    "not_text": "make text of it with the tool that the detail names, or leave it out of --input",
    "invalid_utf8": "--encoding names another encoding, such as latin-1 or cp1251",
    "nul_character": "take the NULs out",
    "lone_surrogate": "repair the string",
    "document_too_large": "--document=line or paragraph makes smaller ones of plain text",
    "invalid_json": "--input_format=text reads it as plain text",
    "invalid_csv": "repair the row",
    "invalid_html": "leave the page out",
    "missing_field": "--text_field and --id_field name the fields, nested ones as outer.inner",
    "wrong_type": "--text_field and --id_field name fields; --keep_fields=NAME:string keeps any",
    "unknown_language": "leave --language_field out, and the language is found",
    "invalid_conllu": "--input_format=text reads it as plain text",
    "invalid_xml": "--input_format=text reads it as plain text",
    "invalid_wikitext": "repair the page",
    "page_too_large": "leave the page out",
    "truncated": "fetch or make the file again",
    "corrupt": "fetch or make the file again; its name says how it is compressed",
    "expands_too_much": "--max_expansion allows more",
    "unreadable": "see that the file may be read and that its server answers",
    "vanished": "run again",
    "changed": "run again",
    "reader_failed": "report it, with the file if you may",
    "too_slow": "--max_document_seconds allows more",
    "crashed": "fetch or make the file again; if that does not help, report it",
    "tagging_failed": "report it, with its line in rejects/",
}
"""What a user can do about each reason."""

T = TypeVar("T")

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# A text with NULs and so many control characters is no text.
_MAX_CONTROL_RATIO = 0.1
_SAMPLE_BYTES = 8192
# Of the bytes that are NUL in UTF-16: half in English, a space in ten letters elsewhere.
_UTF16_RATIO = 0.04


class Fault(NamedTuple):
    """Why something is no document, or why a file cannot be read on: for a `Reject`."""

    reason: str
    detail: str


class Origin(NamedTuple):
    """The file and the offset where a document starts, and what is made of its bytes there."""

    source: str
    offset: int

    @property
    def doc_id(self) -> str:
        """The id of a document that has none of its own."""
        return f"{self.source}#{self.offset}"

    def reject(
        self, reason: str, detail: str, data: bytes | None = None, *, doc_id: str | None = None
    ) -> Reject:
        """Makes the reject of a document, for one of `REASONS`, with its bytes where held."""
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
            fault = Fault("invalid_utf8", f"{place}; expected UTF-8")
        if b"\0" in data:
            fault = _nul_fault(data, offset=self.offset, is_utf8=fault is None)
        if fault:
            return self.reject(*fault, data, doc_id=doc_id)
        doc_id = self.doc_id if doc_id is None else doc_id
        return Document(doc_id, text, *self)

    def attempt(
        self, make: Callable[[], T], data: bytes | None, *, limit_s: float = inf
    ) -> T | Reject:
        """Calls what makes a record; where that raises, a bug of ours, the record is a reject."""
        try:
            with time_limit(limit_s):
                return make()
        except MemoryError:
            raise
        except TooSlowError:
            return self.reject(TOO_SLOW, SLOW_DETAIL, data)
        except Exception as error:
            return self.reject(READER_FAILED, one_line(error), data)


def check_text(text: str) -> Fault | None:
    """Returns why a string cannot be tagged, or None.

    Strings that come out of JSON may hold what decoded bytes cannot.
    """
    if "\0" in text:
        return Fault("nul_character", f"NUL at character {text.index(chr(0))}; expected text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        value = text[error.start].encode("unicode_escape").decode()
        return Fault(
            "lone_surrogate", f"{value} at character {error.start}; expected whole characters"
        )
    return None


def language_fault(called: object, field: str) -> Fault | None:
    """Returns why what a field says of the language says nothing, or None."""
    if called is None or called == "":
        return None
    if not isinstance(called, str):
        return Fault("wrong_type", f"field {field!r} is {type(called).__name__}; expected a string")
    if find_language(called) is None:
        return Fault(
            "unknown_language", f"field {field!r}: {called[:40]!r}; expected a code such as fr"
        )
    return None


def _nul_fault(data: bytes, *, offset: int, is_utf8: bool) -> Fault:
    sample = data[:_SAMPLE_BYTES]
    place = f"NUL at byte {offset + data.index(0)}"
    if is_utf8 and len(_CONTROLS.findall(sample)) <= _MAX_CONTROL_RATIO * len(sample):
        return Fault("nul_character", f"{place}; expected text")
    detail = f"{place} among bytes that are no UTF-8 text{_hint(sample)}; expected UTF-8 text"
    return Fault("binary", detail)


def _hint(sample: bytes) -> str:
    """Names UTF-16 without a byte order mark: every other byte of much text is a NUL."""
    evens, odds = sample[::2].count(0), sample[1::2].count(0)
    is_utf16 = max(evens, odds) > _UTF16_RATIO * len(sample) and not min(evens, odds)
    return " (UTF-16 without a byte order mark, it seems)" if is_utf16 else ""
