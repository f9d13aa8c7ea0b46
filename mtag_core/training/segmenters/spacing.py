"""Mends treebanks that write a space before every mark of punctuation, as running text does not.

Some treebanks never say `SpaceAfter=No`. A segmenter that learns from one takes "word." for a word.
"""

from collections.abc import Sequence

# Marks that stand right after a word in running text of any script that has spaces.
_CLOSING = frozenset(".,!?;:\u2026\u0964\u060c\u061f\u3002")
_MOST_SPACED = 0.5
_FORM, _UPOS, _MISC = 1, 3, 9


def tightened(sentences: Sequence[str]) -> list[str]:
    """Takes the spaces before closing marks out of every second sentence, where all have them.

    Args:
        sentences: CoNLL-U sentences of one treebank.

    Returns:
        The sentences, changed only if most of the treebank's closing marks follow a space.
    """
    n_marks, n_spaced = 0, 0
    for sentence in sentences:
        rows = [line.split("\t") for line in sentence.splitlines()]
        marks = _rows_before_marks(rows)
        n_marks += len(marks)
        n_spaced += sum("SpaceAfter=No" not in rows[index][_MISC] for index in marks)
    if n_spaced <= _MOST_SPACED * n_marks:
        return list(sentences)
    return [_tight(sentence) if index % 2 else sentence for index, sentence in enumerate(sentences)]


def _tight(sentence: str) -> str:
    """Writes `SpaceAfter=No` before each closing mark."""
    rows = [line.split("\t") for line in sentence.splitlines()]
    for index in _rows_before_marks(rows):
        misc = rows[index][_MISC]
        if "SpaceAfter=No" not in misc:
            rows[index][_MISC] = "SpaceAfter=No" if misc == "_" else f"{misc}|SpaceAfter=No"
    return "\n".join("\t".join(row) for row in rows)


def _rows_before_marks(rows: Sequence[Sequence[str]]) -> list[int]:
    """Indices of the rows whose surface token stands right before a closing mark.

    Where that is a multiword token, it is the row of its range.
    """
    found = []
    surface, last = -1, 0
    for index, row in enumerate(rows):
        if row[0].startswith("#") or "." in row[0]:
            continue
        first, _, end = row[0].partition("-")
        is_inside = not end and int(first) <= last
        if surface >= 0 and not is_inside and row[_UPOS] == "PUNCT" and row[_FORM] in _CLOSING:
            found.append(surface)
        if not is_inside:
            surface = index
        if end:
            last = int(end)
    return found
