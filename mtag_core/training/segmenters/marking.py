"""Shows the sentences of small treebanks with other marks of punctuation.

A treebank of some dozen sentences shows few brackets, quotation marks or questions, and a
segmenter that has never seen a mark leaves it at its word: "(born", "why?". Marks are much the same
in all languages, so they are put where a treebank has none.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtag_core.training.segmenters.conllu_rows import read_rows, write_rows

_ENOUGH_TOKENS = 20_000

_PAIRS = (
    ("(", ")"),
    ("(", ")"),
    ("[", "]"),
    ('"', '"'),
    ("“", "”"),
    ("„", "“"),
    ("«", "»"),
    ("\u2018", "\u2019"),
    ("'", "'"),
)
_AFTER_A_WORD = (",", ",", ";", ":", "…")
_ENDS = ("?", "!", "…")
_CHANGED_ENDS = 0.3
_LONGEST_QUOTE = 5
_ID, _FORM, _UPOS, _MISC = 0, 1, 3, 9
_NO_SPACE = "SpaceAfter=No"


@dataclass(frozen=True)
class _Surface:
    """A surface token: its row, or that of a multiword token and those of its tokens."""

    rows: tuple[tuple[str, ...], ...]
    has_space: bool

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation."""
        return self.rows[0][_UPOS] == "PUNCT"


def remarked(sentences: Sequence[str], *, seed: int) -> Iterator[str]:
    """Gives sentences, then the same again with other marks.

    Args:
        sentences: CoNLL-U sentences of a language.
        seed: Chooses the marks.

    Yields:
        The sentences as they are; then copies of them with other marks at the end, between the
        words and around some of them, up to 20,000 tokens.
    """
    yield from sentences
    surfaces = [_read(sentence) for sentence in sentences]
    n_tokens = sum(map(len, surfaces))
    n_left = _ENOUGH_TOKENS - n_tokens if n_tokens > 0 else 0
    generator = random.Random(seed)
    while n_left > 0:
        for sentence in surfaces:
            if n_left <= 0:
                return
            n_left -= len(sentence)
            yield _conllu(_marked(sentence, generator))


def _marked(sentence: list[_Surface], generator: random.Random) -> list[_Surface]:
    """Changes the marks of a sentence."""
    marked = list(sentence)
    if marked[-1].rows[0][_FORM] == "." and generator.random() < _CHANGED_ENDS:
        marked[-1] = _mark(generator.choice(_ENDS), has_space=marked[-1].has_space)
    places = [place for place in range(len(marked) - 1) if not marked[place].is_mark]
    for place in sorted(generator.sample(places, min(len(places), 2)), reverse=True):
        if generator.random() < 0.5:
            _surround(marked, place, generator)
        elif not marked[place + 1].is_mark and marked[place].has_space:
            _part(marked, place, generator)
    return marked


def _surround(marked: list[_Surface], place: int, generator: random.Random) -> None:
    """Puts brackets or quotation marks around a few tokens, the first of them at a place."""
    last = place
    for end in range(place + 1, min(len(marked), place + generator.randint(1, _LONGEST_QUOTE))):
        if marked[end].is_mark:
            break
        last = end
    if place > 0 and not marked[place - 1].has_space:
        return
    opening, closing = generator.choice(_PAIRS)
    has_space = marked[last].has_space
    marked[last] = _Surface(marked[last].rows, has_space=False)
    marked.insert(last + 1, _mark(closing, has_space=has_space))
    marked.insert(place, _mark(opening, has_space=False))


def _part(marked: list[_Surface], place: int, generator: random.Random) -> None:
    """Puts a comma or the like after the token at a place."""
    marked[place] = _Surface(marked[place].rows, has_space=False)
    marked.insert(place + 1, _mark(generator.choice(_AFTER_A_WORD), has_space=True))


def _mark(form: str, *, has_space: bool) -> _Surface:
    """A mark of punctuation."""
    return _Surface((("1", form, "_", "PUNCT", *["_"] * 6),), has_space)


def _read(sentence: str) -> list[_Surface]:
    """Groups the rows of a sentence by surface token."""
    surfaces: list[_Surface] = []
    last = 0
    for row in read_rows(sentence):
        first, _, end = row[_ID].partition("-")
        if not end and int(first) <= last:
            surfaces[-1] = _Surface((*surfaces[-1].rows, tuple(row)), surfaces[-1].has_space)
            continue
        last = int(end or first)
        surfaces.append(_Surface((tuple(row),), _NO_SPACE not in row[_MISC]))
    return surfaces


def _conllu(sentence: Sequence[_Surface]) -> str:
    """Writes surface tokens, numbered anew."""
    rows = []
    for surface in sentence:
        first, *others = surface.rows
        rows.append([*first[:_MISC], "_" if surface.has_space else _NO_SPACE])
        rows += [list(row) for row in others]
    return write_rows(rows)
