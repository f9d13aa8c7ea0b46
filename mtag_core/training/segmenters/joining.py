"""Gives treebanks of speech and tweets the sentence ends of running text.

They are cut where a speaker or a tweet stops, and a tweet of several sentences is not. A segmenter
that learns this cuts running text in the middle and misses its ends; joined and cut at closing
marks, such sentences teach it their tokens alone.
"""

from collections.abc import Iterable, Iterator

_CLOSING = frozenset(".!?")
_ID, _FORM, _HEAD, _DEPREL, _DEPS = 0, 1, 6, 7, 8


def joined(sentences: Iterable[str]) -> Iterator[str]:
    """Joins sentences and cuts them where a closing mark stands before a capital.

    An end before a small letter would teach that the dot of an abbreviation is one.

    Args:
        sentences: CoNLL-U sentences in the order of the text.

    Yields:
        Others of the same tokens, without comments, empty nodes and syntax.
    """
    rows: list[list[str]] = []
    for sentence in sentences:
        shift = int(rows[-1][_ID]) if rows else 0
        for row in _rows(sentence):
            if rows and rows[-1][_FORM] in _CLOSING and row[_FORM][0].isupper():
                yield _conllu(rows)
                rows = []
                shift = 1 - int(row[_ID].partition("-")[0])
            row[_ID] = "-".join(str(shift + int(part)) for part in row[_ID].split("-"))
            rows.append(row)
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
