"""`TagDocuments` in pipelines that are not ours: windows, keys, failures, workers."""

import functools
import os
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_pipeline, test_stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms import trigger, window
from apache_beam.typehints.decorators import TypeCheckError

from mtag_core import Document, Reject, TaggedDocument, Tagger
from mtag_core.errors import BundleError, UsageError
from mtag_core.segmentation.document_blocks import BLOCK_SENTENCES
from pipelines import SharedModel, TagDocuments
from pipelines.runners.runner import find_runner
from pipelines.transforms.steps import METRICS_NAMESPACE
from tests.fake_tagger import tagged_sentences
from tests.pipelines.transforms.failing_steps import (
    FAILING_WORDS,
    FailingTagger,
    document,
    load_broken,
    load_counted,
)

_MODEL = SharedModel(FailingTagger)
_LONG = 2 * BLOCK_SENTENCES + 90


def _expected(each):
    return TaggedDocument(each, tuple(tagged_sentences(each.text)))


def _tag(pcollection):
    return pcollection | "TagDocuments" >> TagDocuments(model=_MODEL)


def _check(elements, tagged=(), rejected=()):
    """Runs elements through; compares what comes out, rejects as (doc_id, step)."""
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        found, failed = _tag(pipeline | beam.Create(elements, reshuffle=False))
        assert_that(found, equal_to(list(tagged)), label="Tagged")
        failed = failed | beam.Map(lambda reject: (reject.doc_id, reject.step))
        assert_that(failed, equal_to(list(rejected)), label="Rejected")
    return _counters(pipeline.result)


def _counters(result):
    return {
        counter.key.metric.name: counter.committed
        for counter in result.metrics().query()["counters"]
        if counter.key.metric.namespace == METRICS_NAMESPACE
    }


class _WithPlaceDoFn(beam.DoFn):
    """Element -> (element, timestamp, window), once for each window."""

    def process(self, element, timestamp=beam.DoFn.TimestampParam, where=beam.DoFn.WindowParam):
        yield element, timestamp, where


# Seconds to documents; with windows of ten seconds, of two windows, one of several blocks.
_TIMED = [
    (1, document("a")),
    (4, document("b", _LONG)),
    (9, document("c", tag=1)),
    (12, document("d")),
    (19, document("e", wordpiece=0)),
]
_WINDOWS = [window.FixedWindows(10), window.SlidingWindows(10, 5), window.GlobalWindows()]


def _stream(make):
    """Two windows, the second one later than the watermark of the first."""
    first = [window.TimestampedValue(make(each), at_s) for at_s, each in _TIMED[:3]]
    second = [window.TimestampedValue(make(each), at_s) for at_s, each in _TIMED[3:]]
    stream = test_stream.TestStream().advance_watermark_to(0).add_elements(first)
    return stream.advance_watermark_to(10).add_elements(second).advance_watermark_to_infinity()


def _places(doc_ids, windows):
    for at_s, each in _TIMED:
        if each.doc_id in doc_ids:
            context = window.WindowFn.AssignContext(at_s)
            for where in windows.assign(context):
                yield each.doc_id, at_s, where


def _run_windowed(pipeline, elements, windows, doc_id_of):
    windowed = elements | beam.WindowInto(windows)
    tagged, rejected = _tag(windowed)
    for name, found, doc_ids in (("Tagged", tagged, "abd"), ("Rejected", rejected, "ce")):
        places = (
            found
            | f"{name}Place" >> beam.ParDo(_WithPlaceDoFn())
            | f"{name}Global" >> beam.WindowInto(window.GlobalWindows())
            | f"{name}Id" >> beam.MapTuple(lambda each, *place: (doc_id_of(each), *place))
        )
        assert_that(places, equal_to(list(_places(doc_ids, windows))), label=name)


def _doc_id(record):
    return record.document.doc_id if isinstance(record, TaggedDocument) else record.doc_id


def _doc_id_of_keyed(keyed):
    key, record = keyed
    assert key == [_doc_id(record)]
    return _doc_id(record)


_UNKEYED = pytest.param(lambda each: each, _doc_id, id="unkeyed")
_KEYED = pytest.param(lambda each: ([each.doc_id], each), _doc_id_of_keyed, id="keyed")


@pytest.mark.parametrize("windows", _WINDOWS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(("make", "doc_id_of"), [_UNKEYED, _KEYED])
def test_an_unbounded_stream_keeps_windows_timestamps_and_keys(windows, make, doc_id_of):
    options = PipelineOptions(streaming=True)
    with test_pipeline.TestPipeline(runner="BundleBasedDirectRunner", options=options) as pipeline:
        _run_windowed(pipeline, pipeline | _stream(make), windows, doc_id_of)


@pytest.mark.parametrize("windows", _WINDOWS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(("make", "doc_id_of"), [_UNKEYED, _KEYED])
def test_a_bounded_collection_keeps_windows_timestamps_and_keys(windows, make, doc_id_of):
    timed = [(make(each), at_s) for at_s, each in _TIMED]
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        elements = (
            pipeline
            | beam.Create(timed)
            | beam.MapTuple(lambda each, at_s: window.TimestampedValue(each, at_s))
        )
        _run_windowed(pipeline, elements, windows, doc_id_of)


def test_a_document_in_several_windows_is_tagged_once():
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        documents = pipeline | beam.Create([document("a", _LONG), document("b")])
        tagged, _ = _tag(documents | beam.WindowInto(window.SlidingWindows(40, 10)))
        places = tagged | beam.ParDo(_WithPlaceDoFn()) | beam.MapTuple(lambda *place: place[1:])
        anywhere = places | "Global" >> beam.WindowInto(window.GlobalWindows())
        assert_that(anywhere | beam.combiners.Count.Globally(), equal_to([2 * 4]))
    assert _counters(pipeline.result)["tag_sentences"] == _LONG + 2


def test_a_document_too_long_to_be_held_comes_out_in_all_its_windows():
    documents = [document("a"), document("long", 5000), document("b")]
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        windowed = (
            pipeline | beam.Create(documents) | beam.WindowInto(window.SlidingWindows(40, 10))
        )
        tagged, _ = _tag(windowed)
        ids = tagged | beam.Map(_doc_id) | "Global" >> beam.WindowInto(window.GlobalWindows())
        counts = ids | beam.combiners.Count.PerElement()
        assert_that(counts, equal_to([("a", 4), ("long", 4), ("b", 4)]))


class _PaneDoFn(beam.DoFn):
    """Element -> (its pane, element); of a pair whether its key is its pane."""

    def process(self, element, pane=beam.DoFn.PaneInfoParam):
        pane = (pane.index, pane.timing, pane.is_first)
        is_kept = isinstance(element, tuple) and element[0] == pane
        yield (pane, element) if isinstance(element, Document) else (is_kept, pane[0])


def test_panes_are_kept():
    stream = test_stream.TestStream()
    for each in (document("a"), document("b"), document("c")):
        stream = stream.add_elements([(1, each)]).advance_processing_time(1)
    with test_pipeline.TestPipeline(
        runner="BundleBasedDirectRunner", options=PipelineOptions(streaming=True)
    ) as pipeline:
        panes = (
            pipeline
            | stream.advance_watermark_to_infinity()
            | beam.WindowInto(
                window.GlobalWindows(),
                trigger=trigger.Repeatedly(trigger.AfterCount(1)),
                accumulation_mode=trigger.AccumulationMode.DISCARDING,
            )
            | beam.GroupByKey()
            | beam.FlatMapTuple(lambda _key, documents: documents)
            | "Before" >> beam.ParDo(_PaneDoFn())
        )
        tagged, _ = _tag(panes)
        kept = tagged | "After" >> beam.ParDo(_PaneDoFn())
        assert_that(kept, equal_to([(True, 0), (True, 1), (True, 2)]))


def test_keys_pass_as_they_are():
    keys = ["same", "same", None, ["a", "list"], {"a": "dict"}, document("key"), (1, 2), b"\xff"]
    documents = [document(str(index)) for index, _ in enumerate(keys)]
    keyed = list(zip(keys, documents, strict=True))
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        tagged, rejected = _tag(pipeline | beam.Create([*keyed, (["bad"], document("x", tag=0))]))
        expected = [(key, _expected(each)) for key, each in keyed]
        assert_that(tagged, equal_to(expected), label="Tagged")
        assert_that(rejected | beam.Keys(), equal_to([["bad"]]), label="Rejected")


def test_equal_documents_come_out_as_often_as_they_came_in():
    each = document("a", _LONG)
    bad = document("b", _LONG, tag=0)
    _check([each, each, bad, bad], [_expected(each)] * 2, [("b", "tag")] * 2)


@pytest.mark.parametrize("index", [0, BLOCK_SENTENCES, _LONG - 1])
@pytest.mark.parametrize("step", FAILING_WORDS)
def test_a_failing_document_is_rejected_and_the_others_come_out_as_without_it(step, index):
    others = [document("a"), document("b", _LONG), document("c")]
    bad = document("bad", _LONG, **{step: index})
    elements = [others[0], bad, *others[1:], document("short", **{step: 1})]
    counters = _check(elements, map(_expected, others), [("bad", step), ("short", step)])
    assert (counters["documents"], counters["rejects"]) == (5, 2)
    assert counters[f"{step}_rejects"] == 2


@pytest.mark.parametrize(
    ("bad", "step"),
    [
        ({"wordpiece": 0, "segment": _LONG - 1}, "wordpiece"),
        ({"tag": 0, "wordpiece": BLOCK_SENTENCES}, "tag"),
        ({"tag": 0, "segment": _LONG - 1}, "tag"),
        ({"wordpiece": 0, "tag": BLOCK_SENTENCES}, "wordpiece"),
    ],
)
def test_a_document_that_fails_in_two_steps_is_rejected_once(bad, step):
    after = document("after")
    _check([document("bad", _LONG, **bad), after], [_expected(after)], [("bad", step)])


def test_a_document_that_fails_behind_a_full_buffer_is_rejected_once():
    # The first blocks are tagged, then the buffer is emptied, then a later block fails.
    bad, after = document("bad", 40 * BLOCK_SENTENCES, tag=20 * BLOCK_SENTENCES), document("after")
    _check([bad, after], [_expected(after)], [("bad", "tag")])


def test_a_reject_holds_the_text_and_what_went_wrong():
    bad = document("bad", tag=1)
    reject = Reject(
        source="test",
        offset=0,
        doc_id="bad",
        reason="tagging_failed",
        detail="ValueError: cannot tag 'untaggable'",
        input=bad.text.encode(),
        n_input_bytes=len(bad.text),
        step="tag",
    )
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        _, rejected = _tag(pipeline | beam.Create([bad]))
        assert_that(rejected, equal_to([reject]))


def test_empty_documents_have_no_sentences():
    empty = [
        Document("a", "", "test"),
        Document("b", " \n", "test"),
        Document("c", "", "test", 0, ()),
    ]
    _check(empty, [TaggedDocument(each, ()) for each in empty])


def test_a_document_with_sentences_is_not_split_again():
    text = "unsplittable. Fine."
    given = tuple(each.sentence for each in tagged_sentences(text))
    each = Document("a", text, "test", sentences=given)
    _check([each], [TaggedDocument(each, tuple(tagged_sentences(text)))])


@pytest.mark.parametrize("text", [None, b"bytes", 7])
def test_a_text_of_another_type_is_rejected(text):
    after = document("after")
    _check([Document("bad", text, "test"), after], [_expected(after)], [("bad", "segment")])


@pytest.mark.parametrize("element", ["text", ("key", "text"), ("a", "b", document("c"))])
def test_another_type_is_an_error_when_the_pipeline_is_built(element):
    pipeline = beam.Pipeline(runner="FnApiRunner")
    with pytest.raises(TypeCheckError, match=r"expected Union\[.*Document"):
        _tag(pipeline | beam.Create([element]))


@pytest.mark.parametrize("element", ["text", ("key", "text"), ("a", "b", document("c")), None])
def test_another_type_that_beam_does_not_know_is_an_error_that_shows_it(element):
    message = f"TagDocuments got {type(element).__name__}.*expected a Document or a tuple"
    with (
        pytest.raises(TypeError, match=message),
        test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline,
    ):
        _tag(pipeline | beam.Create([element]).with_output_types(Any))


def test_types_of_elements_are_kept_for_the_steps_behind():
    pipeline = beam.Pipeline(runner="FnApiRunner")
    tagged, rejected = _tag(pipeline | beam.Create([("key", document("a"))]))
    assert tagged.element_type == beam.typehints.Tuple[str, TaggedDocument]
    assert rejected.element_type == beam.typehints.Tuple[str, Reject]
    documents = pipeline | "Unkeyed" >> beam.Create([document("a")])
    tagged, rejected = documents | "TagUnkeyed" >> TagDocuments(model=_MODEL)
    assert (tagged.element_type, rejected.element_type) == (TaggedDocument, Reject)


@pytest.mark.parametrize(
    ("flags", "is_spread"),
    [
        (["--direct_num_workers=2"], True),
        (["--direct_num_workers=3", "--direct_running_mode=multi_threading"], False),
    ],
)
def test_each_process_loads_the_model_once(tmp_path, flags, is_spread):
    documents = [document(str(index)) for index in range(16)]
    model = SharedModel(functools.partial(load_counted, str(tmp_path)))
    runner, options = find_runner("DirectRunner").make("", flags, is_verbose=False)
    with test_pipeline.TestPipeline(runner=runner, options=options) as pipeline:
        spread = pipeline | beam.Create(documents) | beam.Reshuffle()
        tagged, rejected = spread | TagDocuments(model=model)
        again, _ = (
            tagged | beam.Map(lambda each: each.document) | "Again" >> TagDocuments(model=model)
        )
        expected = list(map(_expected, documents))
        assert_that(tagged, equal_to(expected), label="Tagged")
        assert_that(again, equal_to(expected), label="Again")
        assert_that(rejected, equal_to([]), label="Rejected")
    processes = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
    assert len(processes) == len(set(processes)) >= 1
    assert (str(os.getpid()) not in processes) == is_spread


def test_a_model_that_cannot_be_loaded_fails_the_pipeline_and_rejects_nothing():
    with (
        pytest.raises(OSError, match="no such model"),
        test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline,
    ):
        _ = pipeline | beam.Create([document("a")]) | TagDocuments(model=SharedModel(load_broken))


def test_what_is_wrong_with_a_bundle_is_known_when_the_pipeline_is_built(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        TagDocuments(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="xx_none"):
        TagDocuments(treebank_style=["xx_none"])
    with pytest.raises(UsageError, match="give it alone"):
        TagDocuments(treebank_style=["pl_lfg"], model=_MODEL)


def test_the_bundle_in_mtag_tags_as_the_tagger_does():
    texts = ["A small cat sat. It slept.", "Le chat dort au soleil.", "Der Hund bellt laut."]
    documents = [Document(text, text, "test") for text in texts]
    tagger = Tagger.load()
    expected = [TaggedDocument(each, tuple(tagger.tag(each.text))) for each in documents]
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        tagged, _ = pipeline | beam.Create(documents) | TagDocuments()
        assert_that(tagged, equal_to(expected))
