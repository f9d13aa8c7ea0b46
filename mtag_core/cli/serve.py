"""`serve`: the tagger as an HTTP server, until a signal ends it."""

import argparse
import asyncio
import functools
import os
import signal
import socket
from dataclasses import asdict, dataclass

import uvicorn

from mtag_core.cli.logs import start_logging
from mtag_core.errors import UsageError
from mtag_core.labels import load_labels
from mtag_core.options import Flags, group, not_negative, option, positive, seconds
from mtag_core.serve.app import Limits, create_app
from mtag_core.serve.workers import Workers
from mtag_core.tagging.arguments import TaggerOptions, trained_languages
from mtag_core.tagging.bundle import BUNDLE_HELP, Bundle
from mtag_core.tagging.tagger import Tagger


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Options of `serve`."""

    host: str = option(
        "address to listen on; 0.0.0.0 for all of the machine", "127.0.0.1", section="server"
    )
    port: int = option("0 takes any that is free", 8001, parse=not_negative, section="server")
    workers: int = option(
        "processes that tag, a core and a model each", 1, parse=positive, section="server"
    )
    max_body_bytes: int = option("larger requests get 413", 2**21, parse=positive, section="limits")
    max_requests: int = option(
        "requests at a time; more get 429", 128, parse=positive, section="limits"
    )
    max_seconds: float = option(
        "for a request, and for open ones at the end; longer ones get 503",
        60.0,
        parse=seconds,
        section="limits",
    )
    bundle: str | None = option(BUNDLE_HELP, None, metavar="DIR", section="model")
    tagger: TaggerOptions = group(section="languages")


_FLAGS = Flags(ServeOptions)
add_arguments = _FLAGS.add_to


def run(args: argparse.Namespace) -> int:
    """Serves until a signal."""
    start_logging(is_verbose=False)
    serve(_FLAGS.parse(args))
    return 0


def serve(options: ServeOptions) -> None:
    """Answers requests until SIGINT or SIGTERM; then those that are open, and returns.

    Raises:
        UsageError: The address cannot be listened on.
        BundleError: The bundle is missing, damaged or of another version.
        MtagError: A worker process does not start.
    """
    bundle = Bundle.open(options.bundle)
    treebanks = load_labels(bundle.directory).treebanks
    tagger = options.tagger.checked(treebanks)
    load = functools.partial(_load, options.bundle, tagger)
    with _listening(options.host, options.port) as listener:
        languages = trained_languages(treebanks)
        asyncio.run(_run(options, Workers(load, options.workers), languages, listener))


def _load(bundle: str | None, options: TaggerOptions) -> Tagger:
    # One thread a process: the number of processes says how many cores there are.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return Tagger.load(bundle, **asdict(options))


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on {host}, port {port}: {error}") from error
    # asyncio does so only for sockets whose protocol is named; without it an answer to a client
    # that keeps its connection waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _run(
    options: ServeOptions, workers: Workers, languages: frozenset[str], listener: socket.socket
) -> None:
    limits = Limits(options.max_body_bytes, options.max_requests, options.max_seconds)
    config = uvicorn.Config(
        create_app(workers, limits, languages=languages),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(options.max_seconds) + 1,
    )
    try:
        await workers.start()
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"mtag serve: http://{shown}:{port}/  (Ctrl-C ends it)", flush=True)
        # uvicorn raises the signal again when it has ended.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        await uvicorn.Server(config).serve(sockets=[listener])
    finally:
        workers.close()
