"""Gives treebanks of speech and tweets the sentence ends of running text.

They are cut where a speaker or a tweet stops, and a tweet of several sentences is not. A segmenter
that learns this cuts running text in the middle and misses its ends; joined and cut at closing
marks, such sentences teach it their tokens alone.
"""

from collections.abc import Iterable, Iterator

from mtag_core.training.segmenters.conllu_rows import read_rows, write_rows

_CLOSING = frozenset(".!?")
_FORM = 1


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
        for row in read_rows(sentence):
            if rows and rows[-1][_FORM] in _CLOSING and row[_FORM][0].isupper():
                yield write_rows(rows)
                rows = []
            rows.append(row)
    if rows:
        yield write_rows(rows)
