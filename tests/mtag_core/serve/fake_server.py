"""A server in a thread of the tests, and taggers that end or block their process."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from urllib.parse import urlencode

import uvicorn

from mtag_core import Tagger
from mtag_core.serve.app import Limits, create_app
from mtag_core.serve.workers import Workers
from tests.fake_tagger import AbortingTagger

LIMITS = Limits(body_bytes=2**20, requests=64, seconds=60.0)


class ServedTagger(AbortingTagger):
    """Ends its process at the form "abort", blocks it at "hang", fails at "poison"."""

    def segment(self, text, language=None, *, likely_language=None):
        if text.startswith("hang"):
            time.sleep(600)
        return super().segment(text, language)

    def tag_stream(self, pairs):
        pairs = list(pairs)
        tagged = self.tag_encoded([self.encode(sentence) for _, sentence in pairs])
        yield from zip((key for key, _ in pairs), tagged, strict=True)


def load_served_tagger():
    return ServedTagger(fails_on="poison")


def load_no_tagger():
    raise SystemExit(3)


@contextlib.contextmanager
def running_server(load=Tagger.load, limits=LIMITS, n_workers=1):
    """Yields the port of a server; open requests are answered before it ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    workers = Workers(load, n_workers)
    app = create_app(workers, limits, languages=["de", "en", "fr"])
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))

    async def run():
        await workers.start()
        try:
            await server.serve(sockets=[listener])
        finally:
            workers.close()

    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def ask(port, path="/process", *, body=None, headers=(), **parameters):
    """Status and content of an answer; parameters go as a form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = dict(headers)
    if parameters:
        body = urlencode(parameters).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request("GET" if body is None else "POST", path, body, headers)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    if response.headers["Content-Type"].startswith("application/json"):
        content = json.loads(content)
    return response.status, content


def tag(port, data, **parameters):
    """What the server makes of a text."""
    status, content = ask(port, data=data, tokenizer="", tagger="", **parameters)
    return content["result"] if status == 200 else (status, content)
