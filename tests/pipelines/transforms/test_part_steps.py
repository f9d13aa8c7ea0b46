"""The steps from planned parts to manifests, under a runner."""

import gc
import random
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.windowed_value import WindowedValue

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import CountMismatchError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.plan import plan_parts
from mtag_core.storage import list_files
from pipelines.annotate import tag_parts
from pipelines.transforms.parts import ReadDocuments, WriteParts
from pipelines.transforms.steps import METRICS_NAMESPACE, SharedModel
from pipelines.transforms.tag_documents import Segment, Tag, Wordpiece
from tests.fake_tagger import load_failing_tagger
from tests.pipelines.trees import write_corpus

_LINES = ReadOptions(document="line")


@pytest.fixture
def parts(tmp_path):
    pattern = write_corpus(tmp_path / "in", n_files=1, n_lines=12)
    return list(plan_parts(list_files([pattern]), _LINES, salt="s"))


@pytest.fixture
def settings(tmp_path):
    layout = OutputLayout(str(tmp_path / "out"), OutputFormat())
    return {"model": SharedModel(load_failing_tagger), "read": _LINES, "layout": layout}


def _counters(result):
    found = result.metrics().query()["counters"]
    return {
        counter.key.metric.name: counter.committed
        for counter in found
        if counter.key.metric.namespace == METRICS_NAMESPACE
    }


def _run(parts, settings):
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        manifests = tag_parts(pipeline | beam.Create(parts), None, **settings)
        ids = manifests | beam.Map(lambda manifest: manifest.part_id)
        assert_that(ids, equal_to([part.part_id for part in parts]), label="Ids")
    return _counters(pipeline.result)


def test_fill_and_latency_of_batches_are_distributions(parts, settings):
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        _ = tag_parts(pipeline | beam.Create(parts), None, **settings)
    found = {
        metric.key.metric.name: metric.committed
        for metric in pipeline.result.metrics().query()["distributions"]
    }
    # 24 sentences of 8 and 4 forms by turns, 7 in a batch, at 100 pieces and 250 ms each.
    fill, duration = found["batch_fill_percent"], found["batch_milli_secs"]
    assert (fill.count, fill.min, fill.max) == (4, 16, 44)
    assert (duration.count, duration.sum) == (4, 1000)


def test_each_part_gives_its_manifest_and_is_counted(parts, settings):
    counters = _run(parts, settings)
    assert counters["documents"] == 12
    assert counters["sentences"] == 24
    assert counters["parts"] == len(parts)


def test_each_step_has_its_counters_and_its_time(parts, settings):
    counters = _run(parts, settings)
    assert counters["read_documents"] == 12
    assert counters["segment_sentences"] == counters["tag_sentences"] == 24
    assert counters["segment_tokens"] == counters["wordpiece_pieces"] == counters["tokens"]
    for step in ("read", "segment", "wordpiece", "tag", "write"):
        assert counters[f"{step}_micro_secs"] > 0


def test_completed_parts_are_passed_on_and_not_counted(parts, settings):
    _run(parts, settings)
    counters = _run(parts, settings)
    assert {name for name, n in counters.items() if n} <= {
        "write_micro_secs",
        "read_micro_secs",
        "tag_micro_secs",
    }


def test_rejects_are_counted_by_reason(parts, settings, tmp_path):
    (tmp_path / "in" / "bad.txt").write_text("poison\n", "utf-8")
    files = list_files([str(tmp_path / "in" / "bad.txt")])
    bad = list(plan_parts(files, settings["read"], salt="s"))
    counters = _run(bad, settings)
    assert counters["rejects_tagging_failed"] == counters["tag_rejects"] == 1


class _ShuffleDoFn(beam.DoFn):
    """A runner that passes records on in another order."""

    def start_bundle(self):
        self._records = []

    def process(self, record, timestamp=beam.DoFn.TimestampParam, window=beam.DoFn.WindowParam):
        self._records.append(WindowedValue(record, timestamp, (window,)))

    def finish_bundle(self):
        random.Random(7).shuffle(self._records)
        yield from self._records


class _DropDoFn(beam.DoFn):
    """A runner that loses one record."""

    def __init__(self, which):
        self._which = which
        self._n = 0

    def process(self, record):
        self._n += 1
        if self._n != self._which:
            yield record


_STEPS = ("Segment", "Wordpiece", "Tag", "WriteParts")


@pytest.mark.parametrize("before", _STEPS)
def test_a_runner_that_reorders_inside_the_stage_makes_no_wrong_part(parts, settings, before):
    _run_broken(parts, settings, before, _ShuffleDoFn())


# Of the records of a part of 12 documents the first, one in the middle, the last and the end.
@pytest.mark.parametrize("which", [1, 6, 12, 13])
@pytest.mark.parametrize("before", _STEPS)
def test_a_runner_that_drops_inside_the_stage_makes_no_part(parts, settings, before, which):
    assert len(parts) == 1
    _run_broken(parts, settings, before, _DropDoFn(which))


def _run_broken(parts, settings, before, do_fn):
    model = settings["model"]
    steps = {
        "ReadDocuments": ReadDocuments(settings["read"], settings["layout"]),
        "Segment": Segment(model),
        "Wordpiece": Wordpiece(model),
        "Tag": Tag(model),
        "WriteParts": WriteParts(settings["layout"]),
    }
    with (
        pytest.raises(CountMismatchError, match="lost"),
        test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline,
    ):
        records = pipeline | beam.Create(parts)
        for name, step in steps.items():
            if name == before:
                records = records | "Break" >> beam.ParDo(do_fn)
            records = records | name >> beam.ParDo(step)
    written = Path(settings["layout"].base).rglob("*")
    assert [path for path in written if path.is_file()] == []


def test_a_loaded_model_is_left_out_of_collections():
    n_before = gc.get_freeze_count()
    try:
        shared = SharedModel(load_failing_tagger)
        shared.acquire()
        assert gc.get_freeze_count() > n_before
    finally:
        gc.unfreeze()
