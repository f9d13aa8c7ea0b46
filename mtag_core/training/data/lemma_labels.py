"""The lemma rules of treebanks' tokens."""

from functools import lru_cache

from mtag_core.lemmas import clean_lemma, lemma_rule
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.treebank_style import treebank_language

_N_CACHED = 2**20


def training_rules(sentence: LabelledSentence) -> list[str | None]:
    """The lemma rule of each token; None where its lemma is not to be learnt."""
    language = treebank_language(sentence.treebank)
    columns = zip(sentence.forms, sentence.lemmas, sentence.upos, strict=True)
    return [_rule(form, lemma, upos, language) for form, lemma, upos in columns]


@lru_cache(_N_CACHED)
def _rule(form: str, lemma: str, upos: str, language: str) -> str | None:
    cleaned = clean_lemma(form, lemma, upos, language)
    return None if cleaned is None else lemma_rule(form, cleaned)
