"""docs/examples/tag_messages.py against a real Redis server."""

import json
import os
import subprocess
import sys
import time

import apache_beam as beam
import pytest
from apache_beam.testing import test_pipeline

from mtag_core import Tagger
from mtag_core.output.json_files import line_to_reject
from pipelines import SharedModel, TagDocuments
from tests.fake_tagger import load_failing_tagger
from tests.source_tree import ROOT

redis = pytest.importorskip("redis", reason="not installed: redis, of the dev extra")

from docs.examples.tag_messages import GROUP, REJECTED, TAGGED, TEXTS, tag_messages  # noqa: E402
from tests.docs.crashing_worker import EXIT_CODE, N_WRITTEN  # noqa: E402
from tests.docs.redis_server import PROGRAM, running_server  # noqa: E402

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="not installed: redis-server")


@pytest.fixture
def url(tmp_path):
    with running_server(tmp_path) as url:
        yield url


@pytest.fixture
def client(url):
    with redis.Redis.from_url(url, protocol=2) as client:
        yield client


def _send(client, *messages):
    """Adds messages; all but bytes are written as JSON."""
    for message in messages:
        data = message if isinstance(message, bytes) else json.dumps(message)
        client.xadd(TEXTS, {"json": data})


def _texts(n):
    return [{"id": str(index), "text": f"Cat {index} sat. It slept."} for index in range(n)]


def _run(url, **options):
    """The example's graph with a fake tagger, in this process."""
    with test_pipeline.TestPipeline(runner="FnApiRunner") as pipeline:
        tag = TagDocuments(model=SharedModel(load_failing_tagger))
        tag_messages(pipeline | beam.Create([0]), url, tag=tag, **options)


def _written(client, stream=TAGGED):
    return [fields[b"json"] for _, fields in client.xrange(stream)]


def _ids(client):
    return [json.loads(data)["id"] for data in _written(client)]


def _n_pending(client):
    return client.xpending(TEXTS, GROUP)["pending"]


def test_the_command_of_the_page_tags_what_waits(url, client):
    texts = ["A small cat sat. It slept.", "Le chat dort au soleil."]
    _send(client, *({"id": index, "text": text} for index, text in enumerate(texts)))
    flags = ["--once", "--runner=FnApiRunner", f"--redis={url}"]
    command = [sys.executable, "docs/examples/tag_messages.py", *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=240)
    tagger = Tagger.load()
    for data, (index, text) in zip(_written(client), enumerate(texts), strict=True):
        message = json.loads(data)
        assert message["id"] == str(index)
        expected = [[(t.form, t.upos, t.feats) for t in each] for each in tagger.tag(text)]
        assert expected == [
            [(t["form"], t["upos"], t["feats"]) for t in each["tokens"]]
            for each in message["sentences"]
        ]
    assert _n_pending(client) == 0


def test_what_cannot_be_read_or_tagged_is_written_to_a_stream_of_its_own(url, client):
    bad = [b"no json", b"[1]", {"text": "no id"}, {"id": "a", "text": None}]
    bad.append({"id": "b", "text": "A poison cat sat."})
    _send(client, *bad, *_texts(3))
    client.xadd(TEXTS, {"other": "field"})
    _run(url)
    assert sorted(_ids(client)) == ["0", "1", "2"]
    rejects = [line_to_reject(data) for data in _written(client, REJECTED)]
    found = sorted((each.step, each.reason, each.input) for each in rejects)
    assert found[:2] == [
        ("read", "invalid_json", b""),
        ("read", "invalid_json", b"[1]"),
    ]
    assert [each[0] for each in found] == ["read"] * 4 + ["segment", "tag"]
    assert _n_pending(client) == 0


def test_messages_are_read_once(url, client):
    _send(client, *_texts(3))
    _run(url)
    _send(client, {"id": "new", "text": "A cat."})
    _run(url)
    _run(url)
    assert sorted(_ids(client)) == ["0", "1", "2", "new"]


@pytest.mark.parametrize(("step", "n_written"), [("tag", 0), ("write", N_WRITTEN)])
def test_no_message_is_lost_when_a_worker_dies(url, client, step, n_written):
    _send(client, *_texts(12))
    command = [sys.executable, "-m", "tests.docs.crashing_worker", url, step]
    assert subprocess.run(command, cwd=ROOT, timeout=240).returncode == EXIT_CODE
    assert (len(_ids(client)), _n_pending(client)) == (n_written, 12 - n_written)
    # Nobody takes what may still be in work.
    _run(url, claim_after_s=600)
    assert len(_ids(client)) == n_written
    time.sleep(0.01)
    _run(url, claim_after_s=0.01)
    assert sorted(_ids(client), key=int) == [str(index) for index in range(12)]
    assert _n_pending(client) == 0
