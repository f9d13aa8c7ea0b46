"""Joins the sentences of treebanks that end them without a mark.

Speech and tweets are cut where a speaker or writer stops. A segmenter that learns it cuts running
text in the middle; from joined sentences it learns the tokens alone.
"""

from collections.abc import Iterable, Iterator

_CLOSING = frozenset(".!?")
# Each join that stops here teaches one end without a mark; longer ones stay in few batches.
_MOST_JOINED = 100
_ID, _FORM, _HEAD, _DEPREL, _DEPS = 0, 1, 6, 7, 8


def joined(sentences: Iterable[str]) -> Iterator[str]:
    """Joins sentences until one ends in a closing mark, a hundred at most.

    Args:
        sentences: CoNLL-U sentences in the order of the text.

    Yields:
        Longer ones without comments, empty nodes and syntax.
    """
    rows: list[list[str]] = []
    n_joined = n_words = 0
    for sentence in sentences:
        added = _rows(sentence, n_words)
        if not added:
            continue
        rows += added
        n_joined += 1
        n_words = int(rows[-1][_ID])
        if rows[-1][_FORM] in _CLOSING or n_joined == _MOST_JOINED:
            yield _conllu(rows)
            rows, n_joined, n_words = [], 0, 0
    if rows:
        yield _conllu(rows)


def _rows(sentence: str, n_before: int) -> list[list[str]]:
    """Reads the rows of a sentence that follows `n_before` words; heads would point elsewhere."""
    rows = [line.split("\t") for line in sentence.splitlines() if not line.startswith("#")]
    rows = [row for row in rows if len(row) == 10 and "." not in row[_ID]]
    for row in rows:
        row[_ID] = "-".join(str(n_before + int(part)) for part in row[_ID].split("-"))
        row[_HEAD] = row[_DEPREL] = row[_DEPS] = "_"
    return rows


def _conllu(rows: list[list[str]]) -> str:
    """Writes rows, without the line end after the last."""
    return "\n".join("\t".join(row) for row in rows)
