"""The systems that the tables compare, each as something that tags one treebank."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.baselines.udpipe import UdpipeTagger
from mtag_core.evaluation.treebanks import TreebankTagger
from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.tagged import TaggedSentence, unscored

if TYPE_CHECKING:
    from benchmarks.baselines.meta_lstm.training import MetaLstmTagger
    from mtag_core.training.logits.trained_teacher import TrainedTeacher

BASELINES = ("udpipe", "meta_lstm", "meta_lstm_multilingual", "encoder", "encoder_multilingual")
"""What `load_system` loads."""


_Sentences = Iterable[Sequence[str]]
_TagTokens = Callable[[_Sentences], Iterable[TaggedSentence]]


class SegmentingTagger:
    """Gives a tagger of tokens the segmenters of a bundle."""

    def __init__(self, tag_tokens: _TagTokens, segmenter: Segmenter | None) -> None:
        self._tag_tokens, self._segmenter = tag_tokens, segmenter

    def tag_tokens(
        self, sentences: _Sentences, *, language: str | None = None
    ) -> Iterable[TaggedSentence]:
        """Tags pre-tokenised sentences; a model of one treebank need not know the language."""
        return self._tag_tokens(sentences)

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
        tagged = self._tag_tokens([sentence.forms for sentence in sentences])
        return [
            replace(tags, sentence=sentence)
            for sentence, tags in zip(sentences, tagged, strict=True)
        ]


class EncoderTagger(SegmentingTagger):
    """An encoder, which can be told one of the treebanks that it knows.

    Args:
        teacher: The encoder.
        segmenter: As of `SegmentingTagger`.
        treebanks: Those that it knows; none where it learnt from one alone.
        told: Whose convention all sentences follow.
    """

    def __init__(
        self,
        teacher: "TrainedTeacher",
        segmenter: Segmenter | None,
        *,
        treebanks: Sequence[str] = (),
        told: str | None = None,
    ) -> None:
        super().__init__(self._labels, segmenter)
        self._teacher, self.treebanks, self._told = teacher, treebanks, told

    def following(self, treebank_style: Sequence[str]) -> "EncoderTagger":
        """The same encoder, told one treebank, whatever language a sentence is found to be of."""
        (told,) = treebank_style
        return EncoderTagger(self._teacher, self._segmenter, treebanks=self.treebanks, told=told)

    def _labels(self, sentences: _Sentences) -> list[TaggedSentence]:
        # All in one call: that is what a GPU is fast at.
        forms = [tuple(sentence) for sentence in sentences]
        labels = self._teacher.best_labels(forms, treebank=self._told)
        return [unscored(own, *columns) for own, columns in zip(forms, labels, strict=True)]


def bundle_segmenter(bundle: Path) -> Segmenter:
    """Opens a bundle's segmenters."""
    return Segmenter.load(
        bundle / "segmenters", LanguageIdentifier.load(str(bundle / "langid.ftz"))
    )


def load_system(
    name: str, *, models: Path, treebank: str, segmenter: Segmenter | None, device: str = "cpu"
) -> TreebankTagger:
    """Loads a baseline.

    Args:
        name: One of `BASELINES`. Those that are not multilingual have one model a treebank.
        models: Their directory; of a multilingual one, its own.
        treebank: Such as `fr_sequoia`.
        segmenter: For raw text; None where gold tokens are tagged.
        device: A torch device, such as `cuda`; UDPipe has none.

    Raises:
        FileNotFoundError: There is no model for the treebank.
    """
    if name == "udpipe":
        return SegmentingTagger(UdpipeTagger(models / f"{treebank}.udpipe").tag_tokens, segmenter)
    directory = models if name.endswith("_multilingual") else models / treebank
    if not (directory / "model.safetensors").exists():
        raise FileNotFoundError(f"{directory}: no trained model")
    if name.startswith("meta_lstm"):
        return SegmentingTagger(_meta_lstm(directory, device).tag_tokens, segmenter)
    teacher = _encoder(directory, device)
    treebanks = teacher.treebanks if name == "encoder_multilingual" else ()
    return EncoderTagger(teacher, segmenter, treebanks=treebanks)


# The last model is kept, since a multilingual one is asked for once a treebank. What needs torch
# is imported only when asked for.
@lru_cache(maxsize=1)
def _meta_lstm(directory: Path, device: str) -> "MetaLstmTagger":
    from benchmarks.baselines.meta_lstm.training import MetaLstmTagger

    return MetaLstmTagger.load(directory, device)


@lru_cache(maxsize=1)
def _encoder(directory: Path, device: str) -> "TrainedTeacher":
    from mtag_core.training.logits.trained_teacher import TrainedTeacher

    return TrainedTeacher(directory, device=device)
