"""Tags an unbounded source in windows with a fake tagger; writes a line a document and window.

usage: python -m tests.deploy.tag_stream OUTPUT SECONDS --runner=...
"""

import json
import sys
import uuid
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import trigger, window
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.utils.timestamp import Timestamp

from mtag_core import Document
from pipelines import SharedModel, TagDocuments
from tests.fake_tagger import load_failing_tagger

PER_SECOND = 5
WINDOW_S = 2
LONG_SENTENCES = 600
_LAST = 3


def documents_of(second):
    """The documents that a tick stands for: short ones, one of several blocks, a bad one."""
    texts = [f"Cat {second} sat. It slept."] * PER_SECOND
    texts[1] = "A cat sat. " * LONG_SENTENCES
    texts[_LAST] = "A poison cat."
    for index, text in enumerate(texts):
        doc_id = f"{second}.{index}"
        yield [doc_id], Document(doc_id, text, source="ticks")


class NumberDoFn(beam.DoFn):
    """A tick to the documents of its second, counted from the start."""

    def __init__(self, start_s):
        self.start_s = start_s

    def process(self, tick):
        yield from documents_of(round(float(tick) - self.start_s))


class WriteDoFn(beam.DoFn):
    """(K, a result) -> a file of its own with key, timestamp and window; returns the key."""

    def __init__(self, output, start_s):
        self.output = output
        self.start_s = start_s

    def process(self, keyed, timestamp=beam.DoFn.TimestampParam, where=beam.DoFn.WindowParam):
        [doc_id], result = keyed
        line = {
            "doc_id": doc_id,
            "n_sentences": len(getattr(result, "sentences", ())),
            "second": round(float(timestamp) - self.start_s),
            "window": [round(float(edge) - self.start_s) for edge in (where.start, where.end)],
        }
        (Path(self.output) / f"{uuid.uuid4().hex}.json").write_text(json.dumps(line))
        yield doc_id


class WriteCountDoFn(beam.DoFn):
    """The keys of a window -> a file with their number: the window was closed."""

    def __init__(self, output):
        self.output = output

    def process(self, keyed):
        _, doc_ids = keyed
        path = Path(self.output) / f"{uuid.uuid4().hex}.count"
        path.write_text(str(len(list(doc_ids))))


def main() -> None:
    output, n_seconds, *flags = sys.argv[1:]
    # Full seconds that windows begin with.
    now = Timestamp.now().seconds() // WINDOW_S * WINDOW_S
    options = PipelineOptions([*flags, "--streaming"])
    with beam.Pipeline(options=options) as pipeline:
        ticks = pipeline | PeriodicImpulse(
            start_timestamp=now, stop_timestamp=now + int(n_seconds), fire_interval=1
        )
        documents = (
            ticks
            | "Number" >> beam.ParDo(NumberDoFn(now))
            | "Window"
            >> beam.WindowInto(
                window.FixedWindows(WINDOW_S), accumulation_mode=trigger.AccumulationMode.DISCARDING
            )
        )
        tagged, rejected = documents | TagDocuments(model=SharedModel(load_failing_tagger))
        written = (
            tagged | "WriteTagged" >> beam.ParDo(WriteDoFn(output, now)),
            rejected | "WriteRejected" >> beam.ParDo(WriteDoFn(output, now)),
        )
        _ = (
            written
            | "All" >> beam.Flatten()
            | "One" >> beam.Map(lambda doc_id: (0, doc_id))
            | "Close" >> beam.GroupByKey()
            | "WriteCount" >> beam.ParDo(WriteCountDoFn(output))
        )


if __name__ == "__main__":
    main()
