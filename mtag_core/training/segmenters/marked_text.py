"""The text of a treebank's sentence, with the places where its tokens end."""

from collections.abc import Sequence


def mark_text(sentence: Sequence[tuple[str, bool]]) -> tuple[str, frozenset[int]]:
    """Builds a sentence's text from tokens.

    Args:
        sentence: Surface forms, each with whether a space stands after it.

    Returns:
        The text without a space at its end, and the offset after each token.
    """
    text = ""
    token_ends = set()
    for index, (form, is_space_after) in enumerate(sentence):
        text += form
        token_ends.add(len(text))
        if is_space_after and index < len(sentence) - 1:
            text += " "
    return text, frozenset(token_ends)
