"""CoNLL-U: documents that are segmented already; forms and sentence boundaries are kept.

A sentence is in the language that its `# language` comment names, else in that of the sentence
before it in its document. A document goes from one `# newdoc` to the next; without such comments
the file is one, cut between sentences where it would pass the limit of bytes.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from mtag_core import conllu
from mtag_core.corpus.decoding import Origin
from mtag_core.corpus.items import Format, ReadOptions, Span
from mtag_core.corpus.source import LimitedBytes, LongLine, Source, read_lines
from mtag_core.errors import ConlluError
from mtag_core.languages import UNKNOWN, find_language
from mtag_core.records import Document, Reject, Sentence

_CODE = re.compile(r"[a-z]{2,3}")
_PARAGRAPH = frozenset({"newpar", "newpar id"})


def read_conllu(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads a whole file; a reject for each sentence that breaks the format.

    The limit is on a document's CoNLL-U.
    """
    with Source(span, options) as source:
        yield from source.records(_read_documents(source, options), title="CoNLL-U")


def _read_documents(source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    limit, limit_s = options.max_document_bytes, options.max_document_seconds
    gathered = _Gathered(source.path)
    for offset, block in _blocks(source, limit):
        newdoc = None if isinstance(block, LongLine) else _newdoc_id(block)
        n_bytes = 0 if isinstance(block, LongLine) else len(block)
        if newdoc is not None or gathered.n_bytes + n_bytes > limit:
            if gathered.sentences:
                yield gathered.document()
            language = gathered.language if newdoc is None else UNKNOWN
            doc_id = newdoc or f"{source.path}#{offset}"
            gathered = _Gathered(source.path, offset, doc_id, language)
        if isinstance(block, LongLine):
            yield Origin(source.path, offset).too_large(block.n_bytes, limit)
            continue
        origin = Origin(source.path, offset)
        parse = partial(_parse, block, gathered, origin)
        sentence = origin.attempt(parse, block, limit_s=limit_s)
        if isinstance(sentence, Reject):
            yield sentence
        else:
            gathered.add(sentence, n_bytes=n_bytes)
    if gathered.sentences:
        yield gathered.document(is_last=True)


@dataclass(slots=True)
class _Gathered:
    """The sentences of a document so far.

    A document without an id at the start of the file gets the file's path if nothing follows it.
    """

    path: str
    offset: int = 0
    doc_id: str = ""
    language: str = UNKNOWN
    sentences: list[Sentence] = field(default_factory=list)
    n_bytes: int = 0
    n_characters: int = 0

    def start(self, *, is_new_paragraph: bool) -> int:
        """Where the next sentence starts; a blank line stands before a paragraph."""
        return self.n_characters + (is_new_paragraph and bool(self.sentences))

    def add(self, sentence: Sentence, *, n_bytes: int) -> None:
        """Adds a sentence; the document's text has a line for each."""
        self.language = sentence.language
        self.sentences.append(sentence)
        self.n_bytes += n_bytes
        self.n_characters = sentence.start + len(sentence.text) + 1

    def document(self, *, is_last: bool = False) -> Document:
        """Makes the document."""
        doc_id = self.doc_id or (self.path if is_last else f"{self.path}#{self.offset}")
        lines: list[str] = []
        end = 0
        for sentence in self.sentences:
            lines += ["\n" * (sentence.start - end), sentence.text]
            end = sentence.start + len(sentence.text)
        return Document(doc_id, "".join(lines), self.path, self.offset, tuple(self.sentences))


def _blocks(source: Source, limit: int) -> Iterator[tuple[int, bytes | LongLine]]:
    block, start = LimitedBytes(limit), 0
    for offset, line in read_lines(source, end=None, limit=limit):
        if isinstance(line, LongLine) or not line.isspace():
            start = start if block.n_bytes else offset
            block.add(line)
        elif block.n_bytes:
            yield start, block.take()
    if source.failure:
        source.cut_off(start, block.held())
    elif block.n_bytes:
        yield start, block.take()


def _language(called: str) -> str | None:
    return find_language(called) or (called if _CODE.fullmatch(called) else None)


def _newdoc_id(block: bytes) -> str | None:
    """The id that a `# newdoc` comment gives, empty where it gives none; None without one."""
    for line in block.split(b"\n"):
        if not line.startswith(b"#"):
            return None
        key, _, value = line[1:].partition(b"=")
        if key.split() in ([b"newdoc"], [b"newdoc", b"id"]):
            return value.decode("utf-8", "replace").strip()
    return None


def _parse(block: bytes, gathered: _Gathered, origin: Origin) -> Sentence | Reject:
    decoded = origin.decode(block)
    if isinstance(decoded, Reject):
        return decoded
    lines = [line.removesuffix("\r") for line in decoded.text.rstrip("\r\n").split("\n")]
    try:
        parsed = conllu.parse_sentence(lines, source=origin.doc_id)
    except ConlluError as error:
        return origin.reject("invalid_conllu", str(error), block)
    language = _language(parsed.metadata.get("language", "")) or gathered.language
    start = gathered.start(is_new_paragraph=not _PARAGRAPH.isdisjoint(parsed.metadata))
    return conllu.to_sentence(parsed, start=start, language=language)


FORMATS = (
    Format(name="conllu", title="CoNLL-U", extensions=(".conllu", ".conll"), read=read_conllu),
)
