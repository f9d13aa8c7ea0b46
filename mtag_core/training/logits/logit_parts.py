"""What `mtag_core.annotation` needs to write logit shards instead of tagged sentences."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mtag_core.annotation.run import RunConfig
from mtag_core.errors import BundleError
from mtag_core.langid import LanguageIdentifier
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagged import BatchReport
from mtag_core.training.logits.logit_shards import ScoredSentence
from mtag_core.training.logits.logit_stream import LogitStream
from mtag_core.training.logits.piece_windows import PIECE_BUDGET
from mtag_core.training.logits.sentence_choice import ChoiceOptions
from mtag_core.training.logits.soft_targets import SummaryOptions

K = TypeVar("K")


@dataclass(frozen=True)
class LogitsConfig(RunConfig):
    """A run's configuration with what only teacher logits have.

    Attributes:
        segmenters: Digest of language identification and segmenters.
        choice: Which sentences are kept.
        summary: What is kept of their logits.
    """

    segmenters: str = ""
    choice: ChoiceOptions = field(default_factory=ChoiceOptions)
    summary: SummaryOptions = field(default_factory=SummaryOptions)


class LogitTagger:
    """A segmenter and a teacher under the names that annotation calls."""

    def __init__(self, segmenter: Segmenter, stream: LogitStream) -> None:
        """Keeps both."""
        self._segmenter = segmenter
        self._stream = stream
        self.digest = stream.info.teacher
        # The teacher cuts its own batches; see `mtag_core.training.logits.piece_windows`.
        self.piece_budget = PIECE_BUDGET

    @property
    def on_batch(self) -> Callable[[BatchReport], None] | None:
        """Called by the teacher after each batch; None for no call."""
        return self._stream.teacher.on_batch

    @on_batch.setter
    def on_batch(self, hook: Callable[[BatchReport], None] | None) -> None:
        self._stream.teacher.on_batch = hook

    def segment(self, text: str) -> Iterator[Sentence]:
        """Splits a text into sentences."""
        return self._segmenter.segment(text)

    def tag_stream(self, pairs: Iterable[tuple[K, Sentence]]) -> Iterator[tuple[K, ScoredSentence]]:
        """Scores sentences, order and keys kept."""
        return self._stream.score_stream(pairs)


def load_segmenter(bundle: Path) -> Segmenter:
    """Loads language identification and segmenters out of a bundle directory.

    Raises:
        BundleError: They are missing or damaged.
    """
    return Segmenter.load(bundle / "segmenters", LanguageIdentifier.load(bundle / "langid.ftz"))


def segmenters_digest(bundle: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of what `load_segmenter` reads.

    Raises:
        BundleError: There is nothing.
    """
    paths = [bundle / "langid.ftz", *sorted((bundle / "segmenters").glob("*.udpipe"))]
    digest = hashlib.sha256()
    try:
        for path in paths:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    except OSError as error:
        raise BundleError(f"{bundle}: expected langid.ftz and segmenters/: {error}") from error
    return digest.hexdigest()[:16]
