"""A tagger without a model: sentences end at full stops, tags follow from the form's length."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from mtag_core.records import Sentence
from mtag_core.tagged import BatchReport, TaggedSentence

_UPOS = ("NOUN", "VERB", "ADJ", "PUNCT", "X")


class FakeTagger:
    """Stands in for `Tagger`; `fails_on` makes the tagging of sentences with that form raise."""

    digest = "fake"
    piece_budget = 100

    def __init__(self, *, fails_on: str | None = None, buffer_size: int = 7) -> None:
        self.fails_on = fails_on
        self.buffer_size = buffer_size
        self.on_batch: Callable[[BatchReport], None] | None = None

    def segment(self, text: str) -> Iterator[Sentence]:
        for match in re.finditer(r"[^.\s][^.]*\.?", text):
            yield _sentence(match[0].rstrip(), match.start())

    def tag_stream(
        self, pairs: Iterable[tuple[Any, Sentence]]
    ) -> Iterator[tuple[Any, TaggedSentence]]:
        # Buffers like the real one, so that documents are in flight together.
        iterator = iter(pairs)
        while buffer := list(islice(iterator, self.buffer_size)):
            tagged = [(key, self._tag(sentence)) for key, sentence in buffer]
            if self.on_batch is not None:
                n_pieces = sum(len(sentence.forms) for _, sentence in buffer)
                self.on_batch(BatchReport(len(buffer), n_pieces, self.piece_budget, 0.25))
            yield from tagged

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


def load_fake_tagger() -> FakeTagger:
    """The loader for pipelines; a module-level function, so that it pickles."""
    return FakeTagger()


def load_failing_tagger() -> FakeTagger:
    """The loader of a tagger that cannot tag the form "poison"."""
    return FakeTagger(fails_on="poison")
