"""A tagger whose steps fail on words of their own, and documents for it. Workers import it."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from mtag_core import Document
from mtag_core.records import Sentence
from mtag_core.tagging.windows import EncodedSentence
from tests.fake_tagger import FakeTagger

FAILING_WORDS = {"segment": "unsplittable", "wordpiece": "unpieceable", "tag": "untaggable"}


class FailingTagger(FakeTagger):
    """Each step raises on its word."""

    def __init__(self) -> None:
        super().__init__(fails_on=FAILING_WORDS["tag"])

    def segment(
        self, text: str, language: str | None = None, *, likely_language: str | None = None
    ) -> Iterator[Sentence]:
        for sentence in super().segment(text, language):
            if FAILING_WORDS["segment"] in sentence.forms:
                raise ValueError("cannot split")
            yield sentence

    def encode(self, sentence: Sentence) -> EncodedSentence:
        if FAILING_WORDS["wordpiece"] in sentence.forms:
            raise ValueError("cannot find wordpieces")
        return super().encode(sentence)


def load_counted(folder: str) -> FailingTagger:
    """Leaves a file for each time that it was called, named by the process."""
    (Path(folder) / f"{os.getpid()}-{uuid.uuid4().hex}").touch()
    return FailingTagger()


def load_broken() -> FailingTagger:
    raise OSError("no such model")


def document(doc_id: str, n_sentences: int = 2, **bad: int) -> Document:
    """A document of short sentences; `tag=3` makes the step fail on sentence 3."""
    sentences = [f"Cat {index} of {doc_id} sat." for index in range(n_sentences)]
    for step, index in bad.items():
        sentences[index] = f"An {FAILING_WORDS[step]} cat."
    return Document(doc_id, " ".join(sentences), source="test")
