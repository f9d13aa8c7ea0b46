"""The web application: UDPipe's REST service, a page for people, health and metrics.

GET, POST /process    tags `data`
GET       /models     names of models, for UDPipe's clients
GET       /           a page on which one pastes text
GET       /health     200 when all workers have loaded the model, else 503
GET       /metrics    for Prometheus
"""

import asyncio
import io
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from urllib.parse import parse_qsl

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mtag_core.errors import UsageError
from mtag_core.serve.tasks import MODEL, task_of
from mtag_core.serve.workers import TaskAnswer, Workers

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_MAX_FIELDS = 32
_DISCARD_S = 5.0
# Of refusals, by status.
_HEADERS = {429: {"Retry-After": "1"}, 413: {"Connection": "close"}}
_MOST_DISCARDED_BYTES = 2**26
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be: bytes of a request's body, open requests, and seconds from the first byte on."""

    body_bytes: int
    requests: int
    seconds: float


class _Metrics:
    def __init__(self, workers: Workers) -> None:
        self.registry = registry = CollectorRegistry()
        self.answers = Counter("mtag_requests", "By status.", ["status"], registry=registry)
        self.seconds = Histogram(
            "mtag_request_seconds", "Time to the answer.", buckets=_SECONDS, registry=registry
        )
        self.n_open = Gauge("mtag_open_requests", "Read or tagged now.", registry=registry)
        self.sentences = Counter("mtag_sentences", "In answers.", registry=registry)
        self.tokens = Counter("mtag_tokens", "In answers.", registry=registry)
        restarts = Gauge("mtag_worker_restarts", "Processes that died.", registry=registry)
        restarts.set_function(lambda: workers.n_restarts)


class _Server:
    """The handlers of the routes."""

    def __init__(self, workers: Workers, limits: Limits, languages: Collection[str]) -> None:
        self._workers = workers
        self._limits = limits
        self._languages = sorted(languages)
        self._metrics = _Metrics(workers)
        self._n_open = 0
        self._page = resources.files(__package__).joinpath("page.html").read_text("utf-8")

    async def page(self, _request: Request) -> Response:
        return HTMLResponse(self._page)

    async def models(self, _request: Request) -> Response:
        does = ["tokenizer", "tagger"]
        models = dict.fromkeys((MODEL, *self._languages), does)
        return JSONResponse({"models": models, "default_model": MODEL})

    async def health(self, _request: Request) -> Response:
        is_ready = self._workers.are_ready
        return PlainTextResponse(*(("ready\n", 200) if is_ready else ("loading\n", 503)))

    async def metrics(self, _request: Request) -> Response:
        self._metrics.n_open.set(self._n_open)
        data = generate_latest(self._metrics.registry)
        return Response(data, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def process(self, request: Request) -> Response:
        started_s = time.perf_counter()
        response = await self._processed(request)
        self._metrics.answers.labels(response.status_code).inc()
        self._metrics.seconds.observe(time.perf_counter() - started_s)
        return response

    async def _processed(self, request: Request) -> Response:
        try:
            with self._place():
                answer = await self._answer(request)
        except HTTPException as refusal:
            status = refusal.status_code
            if status in (413, 429):
                await _discard(request)
            return PlainTextResponse(f"{refusal.detail}\n", status, _HEADERS.get(status))
        if answer.error:
            return PlainTextResponse(f"{answer.error}\n", 400 if answer.is_callers_fault else 500)
        self._metrics.sentences.inc(answer.n_sentences)
        self._metrics.tokens.inc(answer.n_tokens)
        return Response(answer.body, media_type="application/json; charset=utf-8")

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._n_open >= self._limits.requests:
            raise HTTPException(429, f"{self._n_open} requests are being tagged; try again soon")
        self._n_open += 1
        try:
            yield
        finally:
            self._n_open -= 1

    async def _answer(self, request: Request) -> TaskAnswer:
        end_s = time.monotonic() + self._limits.seconds
        try:
            async with asyncio.timeout(self._limits.seconds):
                body = await self._body(request)
        except TimeoutError:
            raise HTTPException(408, f"no whole request in {self._limits.seconds:g} s") from None
        except ClientDisconnect:
            raise HTTPException(400, "the request ended early") from None
        try:
            task = task_of(_parameters(request, body), languages=self._languages)
            left_s = end_s - time.monotonic()
            return await self._workers.process(task, max_seconds=left_s)
        except UsageError as error:
            raise HTTPException(400, str(error)) from None
        except TimeoutError:
            line = f"not tagged in {self._limits.seconds:g} s; send less text at a time"
            raise HTTPException(503, line) from None

    async def _body(self, request: Request) -> bytes:
        limit = self._limits.body_bytes
        stated = request.headers.get("Content-Length", "0")
        data = bytearray()
        if not stated.isdecimal() or int(stated) <= limit:
            async for chunk in request.stream():
                data += chunk
                if len(data) > limit:
                    break
            else:
                return bytes(data)
        raise HTTPException(
            413, f"the body is larger than {limit:,} bytes; send less text at a time"
        )


async def _discard(request: Request) -> None:
    """Reads the rest of a body: a connection that is closed before takes the answer with it."""
    if "Expect" in request.headers:
        # The client asks before it sends.
        return
    n_bytes = 0
    # Starlette raises RuntimeError where nothing is left.
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(_DISCARD_S):
            async for chunk in request.stream():
                n_bytes += len(chunk)
                if n_bytes > _MOST_DISCARDED_BYTES:
                    return


def _parameters(request: Request, body: bytes) -> dict[str, str]:
    pairs = _decoded(request.url.query)
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind == _MULTIPART.encode():
        pairs += _multipart(body, options.get(b"boundary", b""))
    elif kind == _URLENCODED.encode():
        pairs += _decoded(body.decode("latin-1"))
    elif body:
        raise HTTPException(415, f"expected a form: {_URLENCODED} or {_MULTIPART}")
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise UsageError(f"{name}: given twice")
        parameters[name] = value
    return parameters


def _decoded(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except UnicodeDecodeError:
        raise UsageError("a parameter is not UTF-8") from None
    except ValueError:
        raise UsageError(f"more than {_MAX_FIELDS} parameters") from None


def _multipart(body: bytes, boundary: bytes) -> list[tuple[str, str]]:
    parts: list[tuple[bytes, bytes]] = []
    parser = FormParser(
        _MULTIPART,
        lambda part: parts.append((part.field_name or b"", part.value or b"")),
        lambda part: parts.append((part.field_name or b"", _content(part.file_object))),
        boundary=boundary,
        # A file is in memory, since the whole body is.
        config={"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_FIELDS": _MAX_FIELDS},
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise UsageError(f"no valid multipart form: {error}") from None
    try:
        return [(name.decode(), value.decode("utf-8-sig")) for name, value in parts]
    except UnicodeDecodeError:
        raise UsageError("a parameter is not UTF-8") from None


def _content(stream: io.BufferedIOBase) -> bytes:
    stream.seek(0)
    return stream.read()


def create_app(workers: Workers, limits: Limits, *, languages: Collection[str]) -> Starlette:
    """The application, with models of these languages; who makes it starts and closes workers."""
    server = _Server(workers, limits, languages)
    return Starlette(
        routes=[
            Route("/", server.page),
            Route("/process", server.process, methods=["GET", "POST"]),
            Route("/models", server.models, methods=["GET", "POST"]),
            Route("/health", server.health),
            Route("/metrics", server.metrics),
        ]
    )
