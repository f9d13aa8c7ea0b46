"""A tagger that knows the answer for short words and is wrong about the others."""

import dataclasses
import re

from mtag_core.records import Sentence
from mtag_core.tagging.tagged import TaggedSentence


class FakeTagger:
    """Tags everything NOUN or, from four characters on, X; splits text at spaces.

    `calls` has the language and the treebank of each text, `n_sentences` how many those of each
    document of tokens are. `lemmatise` makes lemmas of forms.
    """

    def __init__(self, *, lemmatise=None):
        self.calls = []
        self.n_sentences = []
        self.lemmatise = lemmatise

    def tag_tokens(self, sentences, *, language=None):
        sentences = list(sentences)
        self.n_sentences.append(len(sentences))
        return [self._tagged(" ".join(forms), language or "und") for forms in sentences]

    def tag(self, text, *, language=None, segmented_as=None):
        self.calls.append((language, segmented_as))
        return [self._tagged(text, language or "und")]

    def _tagged(self, text, language):
        spans = [match.span() for match in re.finditer(r"[^\s\x92]+", text)]
        forms = tuple(text[start:end] for start, end in spans)
        n = len(forms)
        starts, ends = (tuple(column) for column in zip(*spans, strict=True))
        sentence = Sentence(text, 0, len(text), language, forms, starts, ends)
        upos = tuple("X" if len(form) > 3 else "NOUN" for form in forms)
        lemmas = tuple(map(self.lemmatise, forms)) if self.lemmatise else None
        ones = (1.0,) * n
        return TaggedSentence(sentence, upos, ("_",) * n, ones, ("VERB",) * n, ones, lemmas)


class TellableFakeTagger(FakeTagger):
    """Knows treebanks; tags sentences of the language of the one it is told as VERB."""

    treebanks = ("fr_own", "pl_lfg")

    def __init__(self, treebank_style=()):
        super().__init__()
        self.languages = {name[:2] for name in treebank_style}

    def following(self, treebank_style):
        return TellableFakeTagger(treebank_style)

    def _tagged(self, text, language):
        tagged = super()._tagged(text, language)
        if language not in self.languages:
            return tagged
        return dataclasses.replace(tagged, upos=("VERB",) * len(tagged))
