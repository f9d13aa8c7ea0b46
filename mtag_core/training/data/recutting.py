"""Cuts the sentences of treebanks without closing marks anew.

Speech, tweets and old texts often have no mark where a sentence ends, so a segmenter ends it
elsewhere. A tagger that has seen such sentences whole only is lost in what it is then given.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import groupby

from mtag_core.training.data.treebanks import LabelledSentence

# A treebank has closing marks if at least so many of its sentences end in one, or in one and a
# quotation mark.
_MARKED_SHARE = 0.5
_CLOSING_TOKENS = 2
_SHORTEST, _LONGEST = 6, 50


def recut_unmarked(sentences: Sequence[LabelledSentence], *, seed: int) -> list[LabelledSentence]:
    """Gives the tokens of treebanks without closing marks once more, in other sentences.

    Args:
        sentences: Those of one treebank and part next to each other.
        seed: Chooses where to cut.

    Returns:
        Sentences of 6 to 50 tokens, as short as they come at the end of a treebank's part.
    """
    generator = random.Random(seed)
    recut: list[LabelledSentence] = []
    for _, group in groupby(sentences, key=lambda sentence: (sentence.treebank, sentence.part)):
        whole = list(group)
        if sum(map(_is_closed, whole)) < _MARKED_SHARE * len(whole):
            recut += _cut(whole, generator)
    return recut


def _is_closed(sentence: LabelledSentence) -> bool:
    """Whether a sentence ends in a mark of punctuation."""
    return "PUNCT" in sentence.upos[-_CLOSING_TOKENS:]


def _cut(whole: Sequence[LabelledSentence], generator: random.Random) -> Iterator[LabelledSentence]:
    """Joins sentences and cuts them at random."""
    forms, upos, feats = (
        [value for sentence in whole for value in getattr(sentence, column)]
        for column in ("forms", "upos", "feats")
    )
    start = 0
    while start < len(forms):
        chosen = slice(start, start + generator.randint(_SHORTEST, _LONGEST))
        yield LabelledSentence(
            whole[0].treebank,
            tuple(forms[chosen]),
            tuple(upos[chosen]),
            tuple(feats[chosen]),
            whole[0].part,
        )
        start = chosen.stop
