"""What tags tokens, with the segmenters of a bundle before it where text is raw."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from mtag_core.segmentation import Segmenter
from mtag_core.tagging.tagged import TaggedSentence


class TokenTagger(Protocol):
    """A tagger of pre-tokenised sentences."""

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> Iterable[TaggedSentence]:
        """Tags sentences, in order."""
        ...


class SegmentingTagger:
    """Gives a tagger of tokens the segmenters of a bundle."""

    def __init__(self, tagger: TokenTagger, segmenter: Segmenter | None) -> None:
        self._tagger, self._segmenter = tagger, segmenter

    def tag_tokens(
        self, sentences: Iterable[Sequence[str]], *, language: str | None = None
    ) -> Iterable[TaggedSentence]:
        """Tags pre-tokenised sentences; a model of one treebank need not know the language."""
        return self._tagger.tag_tokens(sentences)

    def tag(
        self, text: str, *, language: str | None = None, segmented_as: str | None = None
    ) -> list[TaggedSentence]:
        """Segments a text, as a treebank where one is named, and tags it.

        Raises:
            ValueError: There is no segmenter.
        """
        if self._segmenter is None:
            raise ValueError("raw text needs a segmenter; this tagger was made without")
        treebanks = () if segmented_as is None else (segmented_as,)
        sentences = list(self._segmenter.following(treebanks).segment(text, language))
        tagged = self._tagger.tag_tokens([sentence.forms for sentence in sentences])
        return [
            replace(tags, sentence=sentence)
            for sentence, tags in zip(sentences, tagged, strict=True)
        ]
