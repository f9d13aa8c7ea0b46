"""The example over messages with a worker that dies, in the step that is named.

usage: python -m tests.docs.crashing_worker URL tag|write
"""

import os
import sys

import apache_beam as beam
import redis
from apache_beam.testing.test_pipeline import TestPipeline

from docs.examples.tag_messages import tag_messages
from pipelines import SharedModel, TagDocuments
from tests.fake_tagger import FakeTagger

EXIT_CODE = 13
N_WRITTEN = 5


class DeadlyTagger(FakeTagger):
    """Ends the process while it tags."""

    def tag_encoded(self, sentences):
        os._exit(EXIT_CODE)


class DeadlyPipeline(redis.client.Pipeline):
    """Ends the process before a transaction."""

    n_done = 0

    def execute(self, *arguments, **keywords):
        if DeadlyPipeline.n_done == N_WRITTEN:
            os._exit(EXIT_CODE)
        DeadlyPipeline.n_done += 1
        return super().execute(*arguments, **keywords)


def main() -> None:
    url, step = sys.argv[1:]
    if step == "write":
        redis.client.Pipeline = DeadlyPipeline
    model = SharedModel(DeadlyTagger if step == "tag" else FakeTagger)
    with TestPipeline(runner="FnApiRunner") as pipeline:
        ticks = pipeline | beam.Create([0])
        tag_messages(ticks, url, tag=TagDocuments(model=model))


if __name__ == "__main__":
    main()
