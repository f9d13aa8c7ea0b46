"""Blocks of sentences to blocks with their wordpieces."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from mtag_core.records import Block, Reject, Sentence
from mtag_core.tagging.midway_reject import MidwayReject
from mtag_core.tagging.windows import EncodedSentence


class BlockEncoder:
    """Splits the tokens of blocks into wordpieces; the blocks of a document come in order."""

    def __init__(self, encode: Callable[[Sentence], EncodedSentence]) -> None:
        self._encode = encode
        self._rejected = MidwayReject("wordpiece")

    def encode(self, record: object) -> object | None:
        """Takes the next record.

        Args:
            record: A `Block[Sentence]`, or a reject, which takes its document's place.

        Returns:
            A `Block[EncodedSentence]`, a reject where `encode` raised, or any other record as it
            came; None for what is left of a document that was rejected.
        """
        if self._rejected.is_rest(record):
            return None
        return self._encoded(record) if isinstance(record, Block) else record

    def _encoded(self, block: Block[Sentence]) -> Block[EncodedSentence] | Reject:
        try:
            encoded = tuple(map(self._encode, block.sentences))
        except MemoryError:
            raise
        except Exception as error:
            return self._rejected.reject(block, error)
        return cast(Block[EncodedSentence], replace(cast(Block[object], block), sentences=encoded))
