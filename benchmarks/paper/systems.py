"""The systems that the tables compare, each as something that tags one treebank."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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

    def following(self, treebank_style: Sequence[str]) -> "TellableEncoder":
        """The same encoder, told one treebank, whatever language a sentence is found to be of."""
        (told,) = treebank_style
        return TellableEncoder(self._teacher, self._segmenter, treebanks=self._treebanks, told=told)


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
        return SegmentingTagger(UdpipeTagger(models / f"{treebank}.udpipe"), segmenter)
    directory = models if name.endswith("_multilingual") else models / treebank
    if not (directory / "model.safetensors").exists():
        raise FileNotFoundError(f"{directory}: no trained model")
    if name.startswith("meta_lstm"):
        return SegmentingTagger(_meta_lstm(directory, device), segmenter)
    teacher, treebanks = _encoder(directory, device)
    if name == "encoder":
        return SegmentingTagger(EncoderTagger(teacher), segmenter)
    return TellableEncoder(teacher, segmenter, treebanks=treebanks)


# The last model is kept, since a multilingual one is asked for once a treebank. What needs torch
# is imported only when asked for.
@lru_cache(maxsize=1)
def _meta_lstm(directory: Path, device: str) -> "MetaLstmTagger":
    from benchmarks.baselines.meta_lstm.training import MetaLstmTagger

    return MetaLstmTagger.load(directory, device)


@lru_cache(maxsize=1)
def _encoder(directory: Path, device: str) -> tuple["TrainedTeacher", tuple[str, ...]]:
    from mtag_core.training.logits.trained_teacher import TrainedTeacher

    teacher = TrainedTeacher(directory, device=device)
    return teacher, teacher.treebanks
