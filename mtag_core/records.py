"""The records that pass between modules. All are frozen; none knows how it is read or written.

A sentence keeps its tokens as columns (one tuple of forms, one of start offsets, ...), not as one
object a token: the columns are what the model, Parquet and CoNLL-U want (docs/decisions/0001).
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from mtag_core.time_limit import TooSlowError

T = TypeVar("T")
C = TypeVar("C", bound=type)

FieldValue = str | int | float | bool | None
"""What a field of the input may be; dates and times are strings as ISO 8601 writes them."""

# The reason of rejects by steps after the reader, and of those that only a bug of a reader makes.
TAGGING_FAILED = "tagging_failed"
READER_FAILED = "reader_failed"
# Any step may be what these are about.
CRASHED = "crashed"
TOO_SLOW = "too_slow"
SLOW_DETAIL = "not done within --max_document_seconds"


def pickled_by_fields(record: C) -> C:
    """Makes a dataclass with slots pickle in half the time: by its fields, of which it has several.

    Blocks are pickled where a long document waits, and where Beam estimates how large they are.
    """
    fields = attrgetter(*record.__slots__)  # type: ignore[attr-defined]

    def reduce(self: object) -> tuple[object, ...]:
        return type(self), fields(self)

    record.__reduce__ = reduce  # type: ignore[method-assign, assignment]
    return record


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class MultiwordToken:
    """A surface form that stands for several tokens, such as French "du" for "de" and "le".

    It covers tokens `first` to `last`, inclusive, of its sentence, from 0. Offsets count characters
    of the document.
    """

    first: int
    last: int
    form: str
    start: int
    end: int


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Sentence:
    """A segmented sentence, not yet tagged.

    Offsets count characters (Python `str` indices) of the document. `document.text[start:end]` is
    `text`, and `document.text[starts[i]:ends[i]]` is `forms[i]`, but for the tokens of a multiword
    token, which all carry the offsets of its surface form, and words that were joined over the end
    of a line.

    Attributes:
        text: The sentence as it stands in the document.
        start: Offset of its first character in the document.
        end: Offset after its last character.
        language: ISO 639 code of the segmenter's language choice, `und` when unknown.
        forms: One form a token. Length n_tokens.
        starts: Length n_tokens.
        ends: Length n_tokens.
        multiword_tokens: In order, not overlapping.
        sent_id: The id the input gave it (CoNLL-U), or None.
        is_trained: False where the tagger has not learnt the language from a treebank.
        treebank: The one whose style its tags get, where its document decides that; else None.
    """

    text: str
    start: int
    end: int
    language: str
    forms: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    multiword_tokens: tuple[MultiwordToken, ...] = ()
    sent_id: str | None = None
    is_trained: bool = True
    treebank: str | None = None


def bare_sentence(forms: tuple[str, ...], *, language: str = "und") -> Sentence:
    """A sentence of forms alone, for models that are given tokens: its offsets are all 0."""
    zeros = (0,) * len(forms)
    return Sentence(" ".join(forms), 0, 0, language, forms, zeros, zeros)


@dataclass(frozen=True, slots=True)
class Document:
    """One input text with its source.

    Attributes:
        doc_id: Unique in its source: the path, `path#locator`, or the value of the id field.
        text: The whole text; offsets of its sentences point into it.
        source: Path or URL of the file it came from.
        offset: Where in the source it starts: a byte offset (text, JSONL, CoNLL-U), a row (Parquet)
            or a page id (MediaWiki); 0 for a whole file.
        sentences: Given when the input is segmented already (CoNLL-U), else None.
        language: ISO 639 code of the whole text, where a field of the input states it; else None.
        likely_language: ISO 639 code where the source states the language of its texts (MediaWiki),
            of which some may be in others; else None.
        fields: The values of the fields that `ReadOptions.keep_fields` names, in its order; empty
            where the format has no fields.
    """

    doc_id: str
    text: str
    source: str
    offset: int = 0
    sentences: tuple[Sentence, ...] | None = None
    language: str | None = None
    likely_language: str | None = None
    fields: tuple[FieldValue, ...] = ()

    def reject(self, reason: str, detail: str, *, step: str) -> "Reject":
        """Makes a reject of the document; a text that is no string is left out of it."""
        is_text = isinstance(self.text, str)
        data = self.text.encode("utf-8", "surrogatepass") if is_text else None
        return Reject(self.source, self.offset, self.doc_id, reason, detail, data, step=step)


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that could not be read or tagged, kept so that it can be replayed.

    Attributes:
        source: Path or URL of the file it came from.
        offset: As in `Document`.
        doc_id: Its id where one is known.
        reason: A short fixed word such as `invalid_utf8`; counters are named by it.
        detail: One line for people: the value met and what was expected.
        input: The document's bytes, or None where they cannot be had or are too many.
        n_input_bytes: Size of the input, also when `input` is None; None when unknown.
        step: The step that failed: `read`, `segment`, `wordpiece` or `tag`.
    """

    source: str
    offset: int
    doc_id: str | None
    reason: str
    detail: str
    input: bytes | None = None
    n_input_bytes: int | None = None
    step: str = "read"

    def __post_init__(self) -> None:
        """Takes the size of an input that is held from the input."""
        if self.n_input_bytes is None and self.input is not None:
            object.__setattr__(self, "n_input_bytes", len(self.input))


def failed_document(document: Document, error: Exception, *, step: str) -> Reject:
    """The reject of a document, with its whole text, for which a step raised an error.

    `TooSlowError` has a reason of its own.
    """
    if isinstance(error, TooSlowError):
        return document.reject(TOO_SLOW, SLOW_DETAIL, step=step)
    detail = f"{type(error).__name__}: {error}".split("\n")[0]
    return document.reject(TAGGING_FAILED, detail, step=step)


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Block(Generic[T]):
    """Consecutive sentences of one document, and what the steps so far have made of each.

    A short document is one block, a long one several, so that memory does not grow with it. A
    document without sentences is one empty block. The index is the first sentence's number in the
    document, from 0.
    """

    document: Document
    index: int
    sentences: tuple[T, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class OutputRow(Generic[T]):
    """What writers take: one sentence with its place in the corpus, and what a run says about it.

    The `sent_id` is unique in the output and has no white space. A paragraph starts where a blank
    line stands before the sentence in its document, whose `fields` are as in `Document`.
    """

    doc_id: str
    index: int
    sent_id: str
    tagged: T
    starts_paragraph: bool = False
    fields: tuple[FieldValue, ...] = ()

    @property
    def is_new_paragraph(self) -> bool:
        """Whether it begins a paragraph, as the first sentence of a document does."""
        return self.starts_paragraph or self.index == 0
