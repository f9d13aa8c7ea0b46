"""Running text of treebank sentences, with the places where tokens and sentences end."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Running text with the offsets at which its tokens and sentences end.

    Attributes:
        text: The text.
        token_ends: Offset after each token.
        sentence_ends: Offset after each sentence.
    """

    text: str
    token_ends: frozenset[int]
    sentence_ends: frozenset[int]


def mark_text(sentences: Sequence[Sequence[tuple[str, bool]]], *, separator: str) -> MarkedText:
    """Builds running text from tokens.

    Args:
        sentences: Of surface forms, each with whether a space stands after it.
        separator: Put between sentences.
    """
    parts: list[str] = []
    token_ends, sentence_ends = set(), set()
    offset = 0
    for sentence in sentences:
        for index, (form, is_space_after) in enumerate(sentence):
            parts.append(form)
            offset += len(form)
            token_ends.add(offset)
            is_last = index == len(sentence) - 1
            after = separator if is_last else " " * is_space_after
            if is_last:
                sentence_ends.add(offset)
            parts.append(after)
            offset += len(after)
    return MarkedText("".join(parts), frozenset(token_ends), frozenset(sentence_ends))
