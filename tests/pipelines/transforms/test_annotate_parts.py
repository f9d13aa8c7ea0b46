import apache_beam as beam
import pytest
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from mtag_core.annotation.plan import plan_parts
from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.storage import list_files
from pipelines.transforms.annotate_parts import METRICS_NAMESPACE, AnnotateParts, AnnotateSettings
from tests.fake_tagger import load_failing_tagger
from tests.pipelines.trees import write_corpus


@pytest.fixture
def parts(tmp_path):
    pattern = write_corpus(tmp_path / "in", n_files=3, n_lines=4)
    return list(plan_parts(list_files([pattern]), ReadOptions(document="line"), salt="s"))


@pytest.fixture
def settings(tmp_path):
    layout = OutputLayout(str(tmp_path / "out"), OutputFormat())
    return AnnotateSettings(load_failing_tagger, ReadOptions(document="line"), layout)


def _counters(result):
    found = result.metrics().query()["counters"]
    return {
        counter.key.metric.name: counter.committed
        for counter in found
        if counter.key.metric.namespace == METRICS_NAMESPACE
    }


def _run(parts, settings):
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        manifests = pipeline | beam.Create(parts) | AnnotateParts(settings)
        ids = manifests | beam.Map(lambda manifest: manifest.part_id)
        assert_that(ids, equal_to([part.part_id for part in parts]), label="Ids")
    return _counters(pipeline.result)


def test_fill_and_latency_of_batches_are_distributions(parts, settings):
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create(parts) | AnnotateParts(settings)
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


def test_parts_that_stand_are_passed_on_and_not_counted(parts, settings):
    _run(parts, settings)
    assert _counters_or_empty(parts, settings) == {}


def _counters_or_empty(parts, settings):
    return {name: n for name, n in _run(parts, settings).items() if n}


def test_rejects_are_counted_by_reason(parts, settings, tmp_path):
    (tmp_path / "in" / "bad.txt").write_text("poison\n", "utf-8")
    files = list_files([str(tmp_path / "in" / "bad.txt")])
    bad = list(plan_parts(files, settings.read, salt="s"))
    assert _run(bad, settings)["rejects_tagging_failed"] == 1
