"""A tagger without a model: sentences end at full stops, tags follow from the form's length."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mtag_core.records import Sentence
from mtag_core.tagging.tagged import BatchReport, TaggedSentence
from mtag_core.tagging.windows import EncodedSentence, Window

_UPOS = ("NOUN", "VERB", "ADJ", "PUNCT", "X")


class FakeTagger:
    """Stands in for `Tagger`; `fails_on` makes the tagging of sentences with that form raise."""

    digest = "fake"
    piece_budget = 100

    def __init__(self, *, fails_on: str | None = None, batch_sentences: int = 7) -> None:
        self.fails_on = fails_on
        self.batch_sentences = batch_sentences
        self.on_batch: Callable[[BatchReport], None] | None = None

    def segment(
        self, text: str, language: str | None = None, *, likely_language: str | None = None
    ) -> Iterator[Sentence]:
        for match in re.finditer(r"[^.\s][^.]*\.?", text):
            sentence = _sentence(match[0].rstrip(), match.start())
            yield replace(sentence, language=language) if language else sentence

    def segment_many(
        self,
        texts: Sequence[str],
        language: str | None = None,
        *,
        likely_language: str | None = None,
    ) -> list[list[Sentence]]:
        return [list(self.segment(text, language)) for text in texts]

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        return sentences

    def encode(self, sentence: Sentence) -> EncodedSentence:
        return EncodedSentence(sentence, [Window(sentence.forms, 0, len(sentence.forms))])

    def tag_encoded(self, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
        tagged = [self._tag(each.sentence) for each in sentences]
        for start in range(0, len(sentences), self.batch_sentences):
            batch = sentences[start : start + self.batch_sentences]
            if self.on_batch is not None:
                n_pieces = sum(each.n_pieces for each in batch)
                self.on_batch(BatchReport(len(batch), n_pieces, self.piece_budget, 0.25))
        return iter(tagged)

    def _tag(self, sentence: Sentence) -> TaggedSentence:
        if self.fails_on in sentence.forms:
            raise ValueError(f"cannot tag {self.fails_on!r}")
        n = [len(form) for form in sentence.forms]
        return TaggedSentence(
            sentence,
            upos=tuple(_UPOS[k % 5] for k in n),
            feats=tuple("Number=Sing" if k % 2 else "_" for k in n),
            upos_scores=tuple(1 / (1 + k) for k in n),
            second_upos=tuple(_UPOS[(k + 1) % 5] for k in n),
            feats_scores=tuple(1 / (2 + k) for k in n),
        )


def _sentence(text: str, start: int) -> Sentence:
    matches = list(re.finditer(r"[^\s.]+|\.", text))
    return Sentence(
        text=text,
        start=start,
        end=start + len(text),
        language="en",
        forms=tuple(match[0] for match in matches),
        starts=tuple(start + match.start() for match in matches),
        ends=tuple(start + match.end() for match in matches),
    )


def tagged_sentences(text: str) -> list[TaggedSentence]:
    """The sentences of a text with the fake tagger's tags."""
    tagger = FakeTagger()
    return list(tagger.tag_encoded([tagger.encode(each) for each in tagger.segment(text)]))


def load_fake_tagger() -> FakeTagger:
    """The loader for pipelines; a module-level function, so that it pickles."""
    return FakeTagger()


class AbortingTagger(FakeTagger):
    """Ends its process at the form "abort", as a native library may."""

    def encode(self, sentence: Sentence) -> EncodedSentence:
        if "abort" in sentence.forms:
            os.abort()
        return super().encode(sentence)


def load_aborting_tagger() -> AbortingTagger:
    """The loader of a tagger that the form "abort" kills."""
    return AbortingTagger()


def load_failing_tagger() -> FakeTagger:
    """The loader of a tagger that cannot tag the form "poison"."""
    return FakeTagger(fails_on="poison")
