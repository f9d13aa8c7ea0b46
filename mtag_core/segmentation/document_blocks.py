"""A document to blocks of sentences, or to a reject."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from mtag_core.records import Block, Document, Reject, Sentence, failed_document

# Sentences in one block at most: some thousand tokens.
BLOCK_SENTENCES = 256


def segment_document(
    document: Document,
    segment: Callable[[str], Iterable[Sentence]],
    identify: Callable[[Sequence[Sentence]], Sequence[Sentence]] = lambda sentences: sentences,
) -> Iterator[Block[Sentence] | Reject]:
    """Splits a document into sentences, unless it brings its own.

    Args:
        document: What to split.
        segment: Splits a text.
        identify: Finds the languages of sentences that a document brings.

    Yields:
        Blocks in order, the last one marked. Where a call raises, a reject takes the place of what
        is left.
    """
    given = document.sentences
    try:
        sentences = segment(document.text) if given is None else identify(given)
        yield from _blocks(document, iter(sentences))
    except MemoryError:
        raise
    except Exception as error:
        yield failed_document(document, error, step="segment")


def _blocks(document: Document, sentences: Iterator[Sentence]) -> Iterator[Block[Sentence]]:
    index = 0
    block = tuple(islice(sentences, BLOCK_SENTENCES))
    # One block is held back, since only the end of the sentences shows which is the last.
    while following := tuple(islice(sentences, BLOCK_SENTENCES)):
        yield Block(document, index, block, is_last=False)
        index += len(block)
        block = following
    yield Block(document, index, block, is_last=True)
