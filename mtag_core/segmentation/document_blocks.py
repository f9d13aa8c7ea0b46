"""A document to blocks of sentences, or to a reject."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import inf
from typing import Any, Generic, Protocol, TypeVar

from mtag_core.records import Block, Document, Reject, Sentence, failed_document
from mtag_core.time_limit import MAX_DOCUMENT_SECONDS, TimeBudget, time_limit

K = TypeVar("K")

# Sentences in one block at most: some thousand tokens.
BLOCK_SENTENCES = 256
# So much text is split together: more would hardly be faster.
_TOGETHER_CHARACTERS = 32_768
_TOGETHER_RECORDS = 1_024


class TextSegmenter(Protocol):
    """What documents are split with: the methods of `mtag_core.tagging.tagger.Tagger`."""

    def segment(
        self, text: str, language: str | None = None, *, likely_language: str | None = None
    ) -> Iterator[Sentence]:
        """Splits a text into sentences."""

    def segment_many(
        self,
        texts: Sequence[str],
        language: str | None = None,
        *,
        likely_language: str | None = None,
    ) -> list[list[Sentence]]:
        """Splits each of several texts as `segment` does."""

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """Finds the languages of a document's own sentences."""


class DocumentSegmenter(Generic[K]):
    """Holds short documents until there is text enough, then gives the blocks of all of them.

    Rejects keep their place among them. A document that is long or brings its own sentences is
    split at once, by itself. Where splitting several raises, each is split by itself, so that only
    the one at fault is rejected: sentences do not depend on other documents. `limit_s` is as in
    `segment_document`, and that of documents that are split together.
    """

    def __init__(self, model: TextSegmenter, *, limit_s: float = MAX_DOCUMENT_SECONDS) -> None:
        self._model = model
        self._limit_s = limit_s
        self._records: list[tuple[K, Document | Reject]] = []
        self._n_characters = 0

    def __len__(self) -> int:
        """Records that are held."""
        return len(self._records)

    def add(self, key: K, record: Document | Reject) -> Iterator[tuple[K, Any]]:
        """Takes a document, or a reject in the place of one; the key comes back with each block.

        Yields:
            Blocks and rejects that are ready, in order; to be read before the next call.
        """
        n_characters = _n_characters(record)
        is_full = self._n_characters + n_characters > _TOGETHER_CHARACTERS
        if is_full or len(self._records) >= _TOGETHER_RECORDS:
            yield from self.flush()
        is_first_reject = isinstance(record, Reject) and not self._records
        if is_first_reject or n_characters > _TOGETHER_CHARACTERS:
            yield from self._alone(key, record)
        else:
            self._records.append((key, record))
            self._n_characters += n_characters

    def flush(self) -> Iterator[tuple[K, Any]]:
        """Gives all that is held, as `add` does."""
        records, self._records, self._n_characters = self._records, [], 0
        documents = [record for _, record in records if isinstance(record, Document)]
        sentences = self._together(documents) if len(documents) > 1 else None
        for key, record in records:
            if sentences is None or isinstance(record, Reject):
                yield from self._alone(key, record)
                continue
            found = iter(sentences.pop(0))
            for block in _blocks(record, found, TimeBudget(inf)):
                yield key, block

    def _alone(self, key: K, record: Document | Reject) -> Iterator[tuple[K, Any]]:
        if isinstance(record, Reject):
            yield key, record
            return
        segment, identify = self._model.segment, self._model.identify
        for block in segment_document(record, segment, identify, limit_s=self._limit_s):
            yield key, block

    def _together(self, documents: Sequence[Document]) -> list[list[Sentence]] | None:
        """The sentences of each document; None where one of them cannot be split."""
        languages_to_numbers: dict[tuple[str | None, str | None], list[int]] = {}
        for number, document in enumerate(documents):
            languages = document.language, document.likely_language
            languages_to_numbers.setdefault(languages, []).append(number)
        sentences: list[list[Sentence]] = [[] for _ in documents]
        try:
            with time_limit(self._limit_s):
                for (language, likely), numbers in languages_to_numbers.items():
                    texts = [documents[number].text for number in numbers]
                    found = self._model.segment_many(texts, language, likely_language=likely)
                    for number, of_document in zip(numbers, found, strict=True):
                        sentences[number] = of_document
        except MemoryError:
            raise
        except Exception:
            return None
        return sentences


def _n_characters(record: Document | Reject) -> int:
    """How much a record adds to what is held; too much for what is not to be split with others."""
    if isinstance(record, Reject):
        return len(record.input or b"")
    if record.sentences is None and isinstance(record.text, str):
        return len(record.text)
    return _TOGETHER_CHARACTERS + 1


def segment_document(
    document: Document,
    segment: Callable[..., Iterable[Sentence]],
    identify: Callable[[Sequence[Sentence]], Sequence[Sentence]] = lambda sentences: sentences,
    *,
    limit_s: float = MAX_DOCUMENT_SECONDS,
) -> Iterator[Block[Sentence] | Reject]:
    """Splits a document into sentences, unless it brings its own, whose languages are identified.

    `segment` gets the document's language, too, where it is stated, or, by the name
    `likely_language`, that of most texts of its source. Both may take `limit_s` seconds, without
    what is done with the blocks in between.

    Yields:
        Blocks in order, the last one marked. Where a call raises, a reject takes the place of what
        is left.
    """
    budget = TimeBudget(limit_s)
    try:
        with budget.spend():
            sentences = iter(sentences_of(document, segment, identify))
        yield from _blocks(document, sentences, budget)
    except MemoryError:
        raise
    except Exception as error:
        yield failed_document(document, error, step="segment")


def sentences_of(
    document: Document,
    segment: Callable[..., Iterable[Sentence]],
    identify: Callable[[Sequence[Sentence]], Sequence[Sentence]],
) -> Iterable[Sentence]:
    """A document's sentences; arguments as of `segment_document`."""
    if document.sentences is not None:
        return identify(document.sentences)
    if document.language is not None:
        return segment(document.text, document.language)
    if document.likely_language is not None:
        return segment(document.text, likely_language=document.likely_language)
    return segment(document.text)


def _blocks(
    document: Document, sentences: Iterator[Sentence], budget: TimeBudget
) -> Iterator[Block[Sentence]]:
    def next_block() -> tuple[Sentence, ...]:
        with budget.spend():
            return tuple(islice(sentences, BLOCK_SENTENCES))

    index, block = 0, next_block()
    # One block is held back, since only the end of the sentences shows which is the last.
    while following := next_block():
        yield Block(document, index, block, is_last=False)
        index += len(block)
        block = following
    yield Block(document, index, block, is_last=True)
