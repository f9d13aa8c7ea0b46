"""The tagger of a run: how workers load it, and what it is called beforehand."""

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol

from mtag_core import __version__
from mtag_core.labels import load_labels
from mtag_core.records import Sentence
from mtag_core.segmentation.document_blocks import TextSegmenter
from mtag_core.tagging.blocks import BatchTagger
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.tagger import Tagger
from mtag_core.tagging.tagger_options import TaggerOptions
from mtag_core.tagging.windows import EncodedSentence

PROGRAM = f"mtag {__version__}"
"""How outputs name what made them, without a model."""

_DEFAULTS = TaggerOptions()


class SentenceEncoder(Protocol):
    """What the step from sentences to wordpieces needs of a model."""

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into wordpieces."""


class TextTagger(TextSegmenter, SentenceEncoder, BatchTagger, Protocol):
    """What the steps from text to tags need of `mtag_core.tagging.tagger.Tagger`."""


@dataclass(frozen=True, slots=True)
class Model:
    """Where the tagger of a run comes from; tests put a fake one in its place.

    Attributes:
        load: Loads it; called once a process. Must pickle.
        digest: Equal digests give equal tags.
        has_lemmas: Whether it gives tokens lemmas.
        generator: Names it in what it writes.
    """

    load: Callable[[], TextTagger]
    digest: str
    has_lemmas: bool = False
    generator: str = PROGRAM


def bundle_model(
    path: str | None, piece_budget: int | None, options: TaggerOptions = _DEFAULTS
) -> Model:
    """The tagger of a model bundle; the bundle is checked, its model not loaded.

    Without a path it is the one inside mtag. The budget is of wordpieces in one batch.

    Raises:
        BundleError: The bundle is missing, damaged or of another version.
        UsageError: It does not know a treebank or a language of the options.
    """
    bundle = Bundle.open(path)
    labels = load_labels(bundle.directory)
    options = options.checked(labels.treebanks)
    load = functools.partial(load_tagger, path, piece_budget, options)
    digest = options.digest(bundle.digest)
    generator = f"{PROGRAM}, bundle sha256:{bundle.digest}"
    return Model(load, digest, bool(labels.lemma_rules), generator)


def load_tagger(
    path: str | None = None,
    piece_budget: int | None = None,
    options: TaggerOptions = _DEFAULTS,
) -> Tagger:
    """Loads a model bundle in a worker process; arguments as in `bundle_model`."""
    tagger = Tagger.load(path, **asdict(options))
    if piece_budget is not None:
        tagger.piece_budget = piece_budget
    return tagger
