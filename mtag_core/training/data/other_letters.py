"""Sentences of treebanks in letters that people write and the treebanks do not have.

Hamza is often left out in Arabic; Swiss German has no sharp s. One such form stands for several of
a treebank's, so that they cannot be told apart while text is tagged
(`mtag_core.folding.usual_letters` has what can): models learn both.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.treebank_style import treebank_language

_WITHOUT_HAMZA = str.maketrans("\u0622\u0623\u0625", "\u0627" * 3)
# Arabic lemmas keep their hamza: it is what a reader looks up.
_KEEPS_LEMMAS = frozenset({"ar"})


def in_other_letters(sentences: Iterable[LabelledSentence]) -> Iterator[LabelledSentence]:
    """Yields a copy of each sentence that reads otherwise in the other letters of its language."""
    for sentence in sentences:
        language = treebank_language(sentence.treebank)
        change = _change(language)
        if change is None:
            continue
        forms = tuple(map(change, sentence.forms))
        if forms != sentence.forms:
            keeps = language in _KEEPS_LEMMAS
            lemmas = sentence.lemmas if keeps else tuple(map(change, sentence.lemmas))
            yield replace(sentence, forms=forms, lemmas=lemmas)


def _change(language: str) -> Callable[[str], str] | None:
    if language == "ar":
        return lambda form: form.translate(_WITHOUT_HAMZA)
    if language == "de":
        return lambda form: form.replace("\u00df", "ss")
    return None
