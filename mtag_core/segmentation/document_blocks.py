"""A document to blocks of sentences, or to a reject."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from mtag_core.records import Block, Document, Reject, Sentence, failed_document
from mtag_core.time_limit import MAX_DOCUMENT_SECONDS, TimeBudget

# Sentences in one block at most: some thousand tokens.
BLOCK_SENTENCES = 256


def segment_document(
    document: Document,
    segment: Callable[..., Iterable[Sentence]],
    identify: Callable[[Sequence[Sentence]], Sequence[Sentence]] = lambda sentences: sentences,
    *,
    limit_s: float = MAX_DOCUMENT_SECONDS,
) -> Iterator[Block[Sentence] | Reject]:
    """Splits a document into sentences, unless it brings its own.

    Args:
        document: What to split.
        segment: Splits a text; gets its language, too, where the document states it, or, by the
            name `likely_language`, that of most texts of the document's source.
        identify: Finds the languages of sentences that a document brings.
        limit_s: Seconds that both may take, without what is done with the blocks in between.

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
