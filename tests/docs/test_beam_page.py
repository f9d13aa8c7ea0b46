"""docs/beam.md: its code is what it says, and runs."""

import functools
import operator
import re

import apache_beam as beam
import pytest
from apache_beam.io.kafka import ReadFromKafka
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from mtag_core import Document, TaggedDocument, Tagger
from pipelines import TagDocuments
from tests.source_tree import ROOT

_PAGE = (ROOT / "docs" / "beam.md").read_text(encoding="utf-8")


def _code(mark):
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```python\n(.*?)```\n", _PAGE, re.DOTALL)
    assert found, f"docs/beam.md has no code {mark}"
    return found[1]


def test_the_example_is_shown_as_it_is():
    """After a change of the example, copy it to the page."""
    shown = _code("examples/tag_messages.py")
    assert shown == (ROOT / "docs" / "examples" / "tag_messages.py").read_text(encoding="utf-8")


def test_the_first_example_prints_a_tagged_sentence(capfd):
    exec(compile(_code("first example"), "docs/beam.md", "exec"), {})
    assert "1\tA\ta\tDET" in capfd.readouterr().out


_MESSAGE = b'{"id": "7", "text": "A small cat sat."}'


class _Connected:
    """A pipeline with Java or a server behind its connectors, which are not here."""

    def __init__(self, pipeline, message):
        self._pipeline = pipeline
        self._message = message

    def __or__(self, source):
        assert isinstance(source, ReadFromKafka | beam.io.ReadFromPubSub)
        return self._pipeline | beam.Create([self._message])


@pytest.mark.parametrize(
    ("mark", "with_key"),
    [("kafka", lambda data: (b"key", data)), ("pubsub", lambda data: data)],
)
def test_the_lines_for_other_queues_tag_messages(mark, with_key, monkeypatch):
    example = pytest.importorskip("docs.examples.tag_messages")
    [tagged] = Tagger.load().pipe(["A small cat sat."])
    document = Document("7", "A small cat sat.", example.TEXTS)
    line = example.to_json(TaggedDocument(document, tuple(tagged))).encode()

    def writer(connector, **options):
        assert connector(**options)
        return beam.ptransform_fn(lambda lines: assert_that(lines, equal_to([with_key(line)])))()

    for name in ("kafka.WriteToKafka", "WriteToPubSub"):
        connector = operator.attrgetter(name)(beam.io)
        monkeypatch.setattr(f"apache_beam.io.{name}", functools.partial(writer, connector))
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        names = {name: getattr(example, name) for name in ("parse", "to_json", "REJECTED")}
        names |= {"beam": beam, "TagDocuments": TagDocuments}
        names["pipeline"] = _Connected(pipeline, with_key(_MESSAGE))
        exec(compile(_code(mark), "docs/beam.md", "exec"), names)
