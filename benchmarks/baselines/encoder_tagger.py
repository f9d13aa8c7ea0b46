"""Fine-tuned encoders as taggers, told the treebank or not. Imports no torch."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from benchmarks.paper.token_taggers import SegmentingTagger
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.tagged import TaggedSentence, unscored


class LabelTeacher(Protocol):
    """What is asked of an encoder; `TrainedTeacher` is one."""

    def best_labels(
        self, sentences: Sequence[Sequence[str]], *, treebank: str | None = None
    ) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """UPOS and FEATS of each sentence's tokens, by a treebank's convention or untold."""
        ...


class EncoderTagger:
    """An encoder that tags all sentences as one treebank does, or untold."""

    def __init__(self, teacher: LabelTeacher, *, treebank: str | None = None) -> None:
        self._teacher, self._treebank = teacher, treebank

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[TaggedSentence]:
        """Tags pre-tokenised sentences, all in one call: that is what a GPU is fast at."""
        forms = [tuple(sentence) for sentence in sentences]
        labels = self._teacher.best_labels(forms, treebank=self._treebank)
        return [unscored(own, *columns) for own, columns in zip(forms, labels, strict=True)]


class TellableEncoder(SegmentingTagger):
    """An encoder of many treebanks, which can be told one of them."""

    def __init__(
        self,
        teacher: LabelTeacher,
        segmenter: Segmenter | None,
        *,
        treebanks: Sequence[str],
        told: str | None = None,
    ) -> None:
        super().__init__(EncoderTagger(teacher, treebank=told), segmenter)
        self._teacher, self._treebanks = teacher, treebanks

    @property
    def treebanks(self) -> Sequence[str]:
        """The treebanks that it knows."""
        return self._treebanks

    def following(self, conventions: Sequence[str]) -> "TellableEncoder":
        """The same encoder, told one treebank, whatever language a sentence is found to be of."""
        (told,) = conventions
        return TellableEncoder(self._teacher, self._segmenter, treebanks=self._treebanks, told=told)
