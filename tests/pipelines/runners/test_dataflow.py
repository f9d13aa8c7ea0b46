"""The job graph for Dataflow, built and checked offline; nothing is submitted."""

import apache_beam as beam
import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import UsageError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.run import RunConfig
from pipelines.annotate import tag_parts
from pipelines.runners.runner import find_runner
from pipelines.transforms.parts import FinishRun, ReadPlan
from pipelines.transforms.steps import SharedModel
from tests.fake_tagger import load_fake_tagger

_RUNNER = find_runner("dataflow")
_REMOTE = ("gs://bucket/in/**", "gs://bucket/out")
_FLAGS = ("--project=mtag-test", "--region=europe-west4", "--temp_location=gs://bucket-x/tmp")


def _config():
    return RunConfig(("gs://bucket/in/**",), "fake", ReadOptions(), "parquet", "zstd")


@pytest.mark.filterwarnings("ignore")
def test_the_job_graph_passes_a_dry_run(monkeypatch):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    flags = [*_FLAGS, "--dry_run=True", "--no_auth", "--job_name=mtag-test"]
    runner, options = _RUNNER.make("DataflowRunner", flags, is_verbose=False)
    layout = OutputLayout("gs://bucket/out", OutputFormat("parquet", "zstd"))
    pipeline = beam.Pipeline(runner=runner, options=options)
    parts = pipeline | "ReadPlan" >> ReadPlan(layout.plan_path)
    model = SharedModel(load_fake_tagger)
    manifests = tag_parts(
        parts, None, model=model, read=ReadOptions(), layout=layout, has_slices=True
    )
    _ = manifests | "FinishRun" >> FinishRun(layout, _config(), n_parts=1)
    pipeline.run()
    labels = {t.unique_name for t in pipeline.to_runner_api().components.transforms.values()}
    assert labels >= {
        "SplitFiles",
        "ReadDocuments",
        "Segment",
        "Wordpiece",
        "Tag",
        "WriteParts",
        "FinishRun",
    }


@pytest.fixture
def with_gcp(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())


def test_a_missing_flag_is_named_before_anything_starts(with_gcp):
    with pytest.raises(UsageError, match="DataflowRunner needs --region, --temp_location"):
        _RUNNER.check_paths(["--project=p"], _REMOTE)


def test_a_local_path_is_refused(with_gcp):
    with pytest.raises(UsageError, match="out: Dataflow's workers cannot see local files"):
        _RUNNER.check_paths(_FLAGS, ("gs://bucket/in", "out"))


def test_complete_flags_are_fine(with_gcp):
    _RUNNER.check_paths(_FLAGS, _REMOTE)


def test_missing_support_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"pip install 'mtag\[dataflow\]'"):
        _RUNNER.check_paths(_FLAGS, _REMOTE)


def test_other_runners_are_not_asked():
    find_runner("FlinkRunner").check_paths([], ("in", "out"))
