"""Repairs known faults of training treebanks, and resegments those without punctuation.

Part of the training data was projected from another annotation of the same text, and some
projections write FEATS that the treebank's dev and test files never do. Learning them costs
accuracy; they are replaced where the right value is certain, and left unlabelled where it is not
(`mtag_core.training.treebank_facts`).

Speech, tweets and old texts often have no mark where a sentence ends, so a segmenter ends it
elsewhere. A tagger that was trained on whole sentences only does badly on such pieces; it is
trained on both.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import groupby

from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.treebank_facts import TreebankFacts, facts_of

# A treebank has punctuation if at least so many of its sentences end in a mark, or in a mark and a
# quotation mark.
_PUNCTUATED_SHARE = 0.5
_CLOSING_TOKENS = 2
_SHORTEST, _LONGEST = 6, 50


def repaired_feats(sentence: LabelledSentence) -> tuple[str | None, ...]:
    """Repairs the known faults of a training sentence's FEATS.

    Args:
        sentence: From a train file.

    Returns:
        One bundle a token; None where the label is not to be learnt.
    """
    facts = facts_of(sentence.treebank)
    if not facts.has_train_feats:
        return (None,) * len(sentence.feats)
    return tuple(
        None if labels in facts.unlabelled_feats else _replaced(labels[1], facts)
        for labels in zip(sentence.upos, sentence.feats, strict=True)
    )


def _replaced(feats: str, facts: TreebankFacts) -> str:
    for wrong, right in facts.replaced_feats:
        feats = feats.replace(wrong, right)
    return feats


def resegment_unpunctuated(
    sentences: Sequence[LabelledSentence], *, seed: int
) -> list[LabelledSentence]:
    """Cuts the tokens of treebanks without punctuation into other sentences.

    Args:
        sentences: Those of one treebank and part next to each other.
        seed: Chooses where to cut.

    Returns:
        Sentences of 6 to 50 tokens, as short as they come at the end of a treebank's part.
    """
    generator = random.Random(seed)
    resegmented: list[LabelledSentence] = []
    for _, group in groupby(sentences, key=lambda sentence: (sentence.treebank, sentence.part)):
        whole = list(group)
        if sum(map(_ends_in_mark, whole)) < _PUNCTUATED_SHARE * len(whole):
            resegmented += _resegment(whole, generator)
    return resegmented


def _ends_in_mark(sentence: LabelledSentence) -> bool:
    return "PUNCT" in sentence.upos[-_CLOSING_TOKENS:]


def _resegment(
    whole: Sequence[LabelledSentence], generator: random.Random
) -> Iterator[LabelledSentence]:
    forms, upos, feats, lemmas = (
        [value for sentence in whole for value in getattr(sentence, column)]
        for column in ("forms", "upos", "feats", "lemmas")
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
            tuple(lemmas[chosen]),
        )
        start = chosen.stop
