"""A block of sentences to one with their wordpieces."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from mtag_core.records import Block, Reject, Sentence, failed_document
from mtag_core.tagging.wordpiece import EncodedSentence


def encode_block(
    block: Block[Sentence], encode: Callable[[Sentence], EncodedSentence]
) -> Block[EncodedSentence] | Reject:
    """Splits the tokens of a block's sentences into wordpieces.

    Returns:
        The block, or a reject of its document where `encode` raises.
    """
    try:
        encoded = tuple(map(encode, block.sentences))
    except MemoryError:
        raise
    except Exception as error:
        return failed_document(block.document, error, step="wordpiece")
    return cast(Block[EncodedSentence], replace(cast(Block[object], block), sentences=encoded))
