"""What `mtag_core.parts` needs to write logit shards instead of tagged sentences."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from mtag_core.langid import LanguageIdentifier
from mtag_core.output.rows import OutputRow
from mtag_core.output.streams import KeptOpen
from mtag_core.output.writers import OutputFormat, RowWriter
from mtag_core.parts.run import RunConfig
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.tagged import BatchReport, TaggedSentence
from mtag_core.tagging.wordpiece import EncodedSentence
from mtag_core.training.logits.logit_shards import LogitsWriter, ScoredSentence, ShardInfo
from mtag_core.training.logits.logit_stream import LogitStream
from mtag_core.training.logits.piece_windows import PIECE_BUDGET
from mtag_core.training.logits.sentence_choice import ChoiceOptions
from mtag_core.training.logits.soft_targets import SummaryOptions


@dataclass(frozen=True)
class LogitsConfig(RunConfig):
    """A run's configuration with what only teacher logits have.

    Attributes:
        segmenters: Digest of the bundle whose language identification and segmenters cut the text.
        choice: Which sentences are kept.
        summary: What is kept of their logits.
    """

    segmenters: str = ""
    choice: ChoiceOptions = field(default_factory=ChoiceOptions)
    summary: SummaryOptions = field(default_factory=SummaryOptions)


@dataclass(frozen=True)
class LogitsFormat(OutputFormat):
    """Parts are shards of teacher logits.

    Attributes:
        info: Their metadata; None where nothing is written.
    """

    info: ShardInfo | None = None

    def open(self, sink: BinaryIO) -> AbstractContextManager[RowWriter]:
        """Opens a writer on `sink`, which stays open."""
        if self.info is None:
            raise ValueError("a format without shard metadata cannot write")
        return _open_shard(sink, self.info)


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

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Leaves the wordpieces to the teacher, which has its own."""
        return EncodedSentence(sentence, [])

    def tag_encoded(self, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
        """Scores sentences together, in order."""
        pairs = ((None, each.sentence) for each in sentences)
        return iter([scored for _, scored in self._stream.score_stream(pairs)])


def load_segmenter(bundle: Path) -> Segmenter:
    """Loads language identification and segmenters out of a bundle directory.

    Raises:
        BundleError: They are missing or damaged.
    """
    return Segmenter.load(bundle / "segmenters", LanguageIdentifier.load(bundle / "langid.ftz"))


class _ShardRows:
    """Takes annotation's rows."""

    def __init__(self, writer: LogitsWriter) -> None:
        self._writer = writer

    def write(self, row: OutputRow) -> None:
        self._writer.write(row.doc_id, row.index, cast(ScoredSentence, row.tagged))


@contextmanager
def _open_shard(sink: BinaryIO, info: ShardInfo) -> Iterator[RowWriter]:
    """Writes a shard; an exception leaves the file without a footer."""
    kept = KeptOpen(sink)
    writer = LogitsWriter(cast(BinaryIO, kept), info)
    try:
        yield _ShardRows(writer)
    except BaseException:
        # pyarrow writes a footer whenever its writer goes away, by then into a closed sink.
        kept.drop()
        raise
    finally:
        writer.close()
