"""The systems that the tables compare, each as something that tags one treebank."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from ufal.udpipe import Model
from ufal.udpipe import Sentence as UdpipeSentence

from mtag_core.evaluation.treebanks import TreebankTagger
from mtag_core.langid import LanguageIdentifier
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagged import TaggedSentence

DEFAULT_BUNDLE = Path(__file__).parents[2] / "mtag_core" / "bundles" / "default"


class TokenTagger(Protocol):
    """A tagger of pre-tokenised sentences."""

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> Iterable[TaggedSentence]:
        """Tags sentences, in order."""
        ...


class UdpipeTagger:
    """A UDPipe 1 tagger of one treebank."""

    def __init__(self, path: Path) -> None:
        """Loads the model.

        Raises:
            FileNotFoundError: There is none.
        """
        self._model = Model.load(str(path))
        if self._model is None:
            raise FileNotFoundError(f"{path}: no UDPipe model")

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[TaggedSentence]:
        """Tags pre-tokenised sentences."""
        return [self._tag(tuple(forms)) for forms in sentences]

    def _tag(self, forms: tuple[str, ...]) -> TaggedSentence:
        """Tags one sentence."""
        sentence = UdpipeSentence()
        for form in forms:
            sentence.addWord(form)
        self._model.tag(sentence, Model.DEFAULT)
        words = list(sentence.words)[1:]  # The first is the root node.
        upos = tuple(word.upostag for word in words)
        feats = tuple(word.feats or "_" for word in words)
        zeros, ones = (0,) * len(forms), (1.0,) * len(forms)
        bare = Sentence(" ".join(forms), 0, 0, "und", forms, zeros, zeros)
        return TaggedSentence(bare, upos, feats, ones, upos, ones)


class SegmentingTagger:
    """Gives a tagger of tokens the segmenters of a bundle."""

    def __init__(self, tagger: TokenTagger, segmenter: Segmenter | None) -> None:
        """Joins the two."""
        self._tagger, self._segmenter = tagger, segmenter

    def tag_tokens(
        self, sentences: Iterable[Sequence[str]], *, language: str | None = None
    ) -> Iterable[TaggedSentence]:
        """Tags pre-tokenised sentences; a model of one treebank need not know the language."""
        return self._tagger.tag_tokens(sentences)

    def tag(self, text: str, *, language: str | None = None) -> list[TaggedSentence]:
        """Segments and tags a text.

        Raises:
            ValueError: There is no segmenter.
        """
        if self._segmenter is None:
            raise ValueError("raw text needs a segmenter; this tagger was made without")
        sentences = list(self._segmenter.segment(text, language))
        tagged = self._tagger.tag_tokens([sentence.forms for sentence in sentences])
        return [
            TaggedSentence(
                sentence, tags.upos, tags.feats, tags.upos_scores, tags.upos, tags.feats_scores
            )
            for sentence, tags in zip(sentences, tagged, strict=True)
        ]


def bundle_segmenter(bundle: Path) -> Segmenter:
    """Opens a bundle's segmenters."""
    return Segmenter.load(
        bundle / "segmenters", LanguageIdentifier.load(str(bundle / "langid.ftz"))
    )


def load_system(
    name: str, *, models: Path, treebank: str, segmenter: Segmenter | None
) -> TreebankTagger:
    """Loads a baseline.

    Args:
        name: `udpipe` or `meta_lstm` (one model a treebank), or `meta_lstm_multilingual`.
        models: Their directory.
        treebank: Such as `fr_sequoia`.
        segmenter: For raw text; None where gold tokens are tagged.

    Raises:
        FileNotFoundError: There is no model for the treebank.
    """
    if name == "udpipe":
        return SegmentingTagger(UdpipeTagger(models / f"{treebank}.udpipe"), segmenter)
    # Here, since it needs torch and the others do not.
    from mtag_core.training.meta_lstm.training import MetaLstmTagger

    directory = models if name == "meta_lstm_multilingual" else models / treebank
    if not (directory / "model.safetensors").exists():
        raise FileNotFoundError(f"{directory}: no trained Meta-LSTM")
    return SegmentingTagger(MetaLstmTagger.load(directory), segmenter)
