"""Tags messages: JSON from a queue in, JSON out.

    python docs/examples/tag_messages.py --redis redis://localhost:6379 --once

Messages are entries of a Redis stream, such as {"id": "7", "text": "A small cat sat."} in the
field `json` of the stream `texts`. What becomes of them is added to the stream `tagged` or to
`rejected`. A message is acknowledged in the transaction that adds its result, so none is lost when
a worker dies; one that was in work then comes again.
"""

import argparse
import json
import uuid
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import redis
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.periodicsequence import PeriodicImpulse

from mtag_core import Document, Reject, TaggedDocument
from mtag_core.output.json_files import reject_to_line
from pipelines import TagDocuments

TEXTS, TAGGED, REJECTED = "texts", "tagged", "rejected"
# All workers read as one group: Redis gives each message to one of them.
GROUP = "mtag"
# Few enough that a bundle takes seconds.
MESSAGES_PER_TICK = 1000


class _ReadDoFn(beam.DoFn):
    """Any element -> (message id, JSON) of the messages that wait."""

    def __init__(self, url: str, claim_after_s: float) -> None:
        self.url = url
        self.claim_after_ms = round(1000 * claim_after_s)

    def setup(self) -> None:
        self.client = redis.Redis.from_url(self.url, protocol=2)
        self.consumer = uuid.uuid4().hex
        try:
            self.client.xgroup_create(TEXTS, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):  # Another worker has made the group.
                raise

    def process(self, _tick: object) -> Iterator[tuple[bytes, bytes]]:
        place = (TEXTS, GROUP, self.consumer)
        # What a worker that died has left, then what is new.
        left = self.client.xautoclaim(*place, self.claim_after_ms, count=MESSAGES_PER_TICK)[1]
        new = self.client.xreadgroup(GROUP, self.consumer, {TEXTS: ">"}, count=MESSAGES_PER_TICK)
        for message_id, fields in left + (new[0][1] if new else []):
            yield message_id, fields.get(b"json", b"")

    def teardown(self) -> None:
        self.client.close()


def parse(message_id: bytes, data: bytes) -> Iterator[Any]:
    """JSON to a Document with the message's id as its key, or to a Reject."""
    try:
        fields = json.loads(data)
        yield message_id, Document(doc_id=str(fields["id"]), text=fields["text"], source=TEXTS)
    except (ValueError, TypeError, KeyError) as error:
        detail = f"{type(error).__name__}: {error}"
        message = message_id.decode()
        reject = Reject(TEXTS, 0, message, "invalid_json", detail, input=data)
        yield beam.pvalue.TaggedOutput(REJECTED, (message_id, reject))


def to_json(tagged: TaggedDocument) -> str:
    """A tagged document as the message that is written."""
    sentences = [
        {
            "text": sentence.text,
            "language": sentence.sentence.language,
            "tokens": [{"form": t.form, "upos": t.upos, "feats": t.feats} for t in sentence],
        }
        for sentence in tagged.sentences
    ]
    return json.dumps({"id": tagged.document.doc_id, "sentences": sentences})


class _WriteDoFn(beam.DoFn):
    """(message id, JSON) -> nothing: adds to a stream and acknowledges, both or neither."""

    def __init__(self, url: str, stream: str) -> None:
        self.url = url
        self.stream = stream

    def setup(self) -> None:
        self.client = redis.Redis.from_url(self.url, protocol=2)

    def process(self, keyed: tuple[bytes, str | bytes]) -> None:
        message_id, data = keyed
        with self.client.pipeline(transaction=True) as both:
            both.xadd(self.stream, {"json": data})
            both.xack(TEXTS, GROUP, message_id)
            both.execute()

    def teardown(self) -> None:
        self.client.close()


def tag_messages(
    ticks: beam.PCollection, url: str, *, tag: TagDocuments, claim_after_s: float = 60
) -> None:
    """Adds the steps: at each tick, messages are read, tagged and written."""
    documents, unreadable = (
        ticks
        | "Read" >> beam.ParDo(_ReadDoFn(url, claim_after_s))
        # Spreads messages over the workers, since all ticks come to one.
        | "Spread" >> beam.Reshuffle()
        | "Parse" >> beam.FlatMapTuple(parse).with_outputs(REJECTED, main="documents")
    )
    tagged, rejected = documents | "Tag" >> tag
    _ = (
        tagged
        | "TaggedToJson" >> beam.MapTuple(lambda message_id, each: (message_id, to_json(each)))
        | "WriteTagged" >> beam.ParDo(_WriteDoFn(url, TAGGED))
    )
    _ = (
        (unreadable, rejected)
        | "AllRejected" >> beam.Flatten()
        | "RejectToJson"
        >> beam.MapTuple(lambda message_id, each: (message_id, reject_to_line(each)))
        | "WriteRejected" >> beam.ParDo(_WriteDoFn(url, REJECTED))
    )


def main() -> None:
    """Parses the flags; what it does not know is for Beam."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--redis", default="redis://localhost:6379", help="URL of the server")
    parser.add_argument("--once", action="store_true", help="tag what waits, then end")
    parser.add_argument(
        "--claim_after_s",
        type=float,
        default=60,
        help="seconds after which an unacknowledged message is given to another worker",
    )
    flags, beam_flags = parser.parse_known_args()
    options = PipelineOptions(beam_flags, streaming=not flags.once)
    with beam.Pipeline(options=options) as pipeline:
        if flags.once:
            ticks = pipeline | "Once" >> beam.Create([0])
        else:
            ticks = pipeline | "EverySecond" >> PeriodicImpulse(fire_interval=1)
        tag_messages(ticks, flags.redis, tag=TagDocuments(), claim_after_s=flags.claim_after_s)


if __name__ == "__main__":
    main()
