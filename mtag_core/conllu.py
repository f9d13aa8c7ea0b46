"""Reads and writes CoNLL-U, losing nothing."""

from collections.abc import Sequence

from mtag_core.records import Sentence


def format_sentence(
    sentence: Sentence,
    *,
    upos: Sequence[str] | None = None,
    feats: Sequence[str] | None = None,
    sent_id: str | None = None,
) -> str:
    """Formats one sentence as CoNLL-U, its comments first, without the blank line that ends it."""
    raise NotImplementedError
