"""Joins the sentences of treebanks that end them without a mark.

Speech and tweets are cut where a speaker or writer stops. A segmenter that learns it cuts running
text in the middle; from joined sentences it learns the tokens alone.
"""

from collections.abc import Iterable, Iterator

_CLOSING = frozenset(".!?")
_ID, _FORM, _HEAD, _DEPREL, _DEPS = 0, 1, 6, 7, 8


def joined(sentences: Iterable[str]) -> Iterator[str]:
    """Joins sentences except where a closing mark stands before a capital.

    A sentence that starts small would teach that an abbreviation's dot ends the one before it.

    Args:
        sentences: CoNLL-U sentences in the order of the text.

    Yields:
        Longer ones without comments, empty nodes and syntax.
    """
    rows: list[list[str]] = []
    for sentence in sentences:
        added = _rows(sentence)
        if rows and added and rows[-1][_FORM] in _CLOSING and added[0][_FORM][0].isupper():
            yield _conllu(rows)
            rows = []
        n_before = int(rows[-1][_ID]) if rows else 0
        for row in added:
            row[_ID] = "-".join(str(n_before + int(part)) for part in row[_ID].split("-"))
        rows += added
    if rows:
        yield _conllu(rows)


def _rows(sentence: str) -> list[list[str]]:
    """Reads the rows of a sentence without syntax, whose heads would point elsewhere."""
    rows = [line.split("\t") for line in sentence.splitlines() if not line.startswith("#")]
    rows = [row for row in rows if len(row) == 10 and "." not in row[_ID]]
    for row in rows:
        row[_HEAD] = row[_DEPREL] = row[_DEPS] = "_"
    return rows


def _conllu(rows: list[list[str]]) -> str:
    """Writes rows, without the line end after the last."""
    return "\n".join("\t".join(row) for row in rows)
