"""A tagger that knows the answer for short words and is wrong about the others."""

from mtag_core.records import Sentence
from mtag_core.tagged import TaggedSentence


class FakeTagger:
    """Tags everything NOUN or, from four characters on, X; splits text at spaces."""

    def tag_tokens(self, sentences):
        return [self._tagged(tuple(forms), "und") for forms in sentences]

    def tag(self, text, *, language=None):
        return [self._tagged(tuple(text.split()), language or "und")]

    def _tagged(self, forms, language):
        n = len(forms)
        sentence = Sentence("", 0, 0, language, forms, (0,) * n, (0,) * n)
        upos = tuple("X" if len(form) > 3 else "NOUN" for form in forms)
        return TaggedSentence(sentence, upos, ("_",) * n, (1.0,) * n, ("VERB",) * n, (1.0,) * n)
