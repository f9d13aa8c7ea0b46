"""The step that asks a teacher, under a runner, with random logits."""

from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
import pytest
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from mtag_core.records import Block, Document, failed_document
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence, Window
from mtag_core.training.logits.logit_shards import ScoredSentence
from pipelines.transforms.steps import METRICS_NAMESPACE, SharedModel
from pipelines.transforms.teacher_steps import Score
from tests.mtag_core.training.logit_samples import scored, sentence


class FakeScorer:
    """Cannot score a sentence that begins with "poison"."""

    piece_budget = 100

    def __init__(self) -> None:
        self.on_batch: Callable[[BatchReport], None] | None = None

    def score(self, sentences: Sequence[EncodedSentence]) -> Iterator[ScoredSentence]:
        if any(each.sentence.forms[0] == "poison" for each in sentences):
            raise ValueError("cannot score")
        return iter([scored(each.sentence) for each in sentences])


def load() -> FakeScorer:
    return FakeScorer()


def _block(text: str) -> Block[EncodedSentence]:
    own = sentence(text)
    encoded = EncodedSentence(own, [Window(own.forms, 0, len(own.forms))])
    return Block(Document(text, text, "f"), 0, (encoded,), is_last=True)


def _shown(keyed):
    key, record = keyed
    if isinstance(record, Block):
        return key, [(each.sentence.text, type(each)) for each in record.sentences]
    return key, getattr(record, "step", record)


@pytest.fixture(scope="module")
def run():
    """What comes out of the step, and its counters."""
    before = failed_document(Document("d", "text", "f"), ValueError("bad"), step="segment")
    records = [_block("one two"), before, _block("poison"), _block("three"), "an end"]
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        out = pipeline | beam.Create([list(enumerate(records))]) | beam.FlatMap(lambda each: each)
        found = out | beam.ParDo(Score(SharedModel(load))) | "Show" >> beam.Map(_shown)
        expected = [
            (0, [("one two", ScoredSentence)]),
            (1, "segment"),
            (2, "score"),
            (3, [("three", ScoredSentence)]),
            (4, "an end"),
        ]
        assert_that(found, equal_to(expected), label="Found")
    counters = pipeline.result.metrics().query()["counters"]
    return {each.key.metric.name: each.committed for each in counters
            if each.key.metric.namespace == METRICS_NAMESPACE}  # fmt: skip


def test_sentences_are_scored_and_a_failed_document_is_rejected_in_this_step(run):
    assert (run["score_sentences"], run["score_rejects"]) == (2, 1)


def test_the_step_reports_its_time(run):
    assert run["score_micro_secs"] > 0
