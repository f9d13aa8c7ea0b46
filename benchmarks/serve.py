"""Load on `mtag serve`: requests a second and latency at 1, 8 and 64 clients on one machine.

    python -m benchmarks serve --text FILE

Each client sends one text after the other over a connection of its own. Every answer must be the
tagging of its own text: its tokens, in order, and nothing else.
"""

import argparse
import http.client
import itertools
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from benchmarks.harness import add_text, benchmark_parser, joined_lines, run_benchmark

_CLIENTS = (1, 8, 64)
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("serve", "Load on the server.")
    add_text(parser)
    parser.add_argument("--lines", type=int, default=3000, help="of the text")
    parser.add_argument("--lines_a_text", type=int, default=3, help="sentences of a request")
    parser.add_argument("--workers", type=int, default=1, help="processes that tag")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each number of clients")
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    texts = joined_lines(args.text, args.lines, n_joined=args.lines_a_text)
    command = [sys.executable, "-m", "mtag_core", "serve", "--port=0", f"--workers={args.workers}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = _port(server)
            _load(port, texts, n_clients=1, seconds=2.0)
            loads = {
                str(n_clients): _load(port, texts, n_clients=n_clients, seconds=args.seconds)
                for n_clients in _CLIENTS
            }
        finally:
            server.terminate()
    return {
        "what": "requests of some sentences each, server and clients on one machine",
        "workers": args.workers,
        "words_a_request": round(statistics.mean(len(text.split()) for text in texts), 1),
        "clients": loads,
    }


def _port(server: "subprocess.Popen[str]") -> int:
    line = server.stdout.readline() if server.stdout else ""
    found = re.search(r"http://[^:]+:(\d+)/", line)
    if found is None:
        raise SystemExit(f"the server did not start: {line!r}")
    return int(found[1])


def _load(
    port: int, texts: Sequence[str], *, n_clients: int, seconds: float
) -> dict[str, float | int]:
    latencies_s: list[float] = []
    errors: list[str] = []
    n_words = [0] * n_clients
    # Texts differ between clients at any moment, so that an answer to another one is found.
    order = zip(itertools.count(), itertools.cycle(texts), strict=False)
    lock = threading.Lock()
    end_s = time.monotonic() + seconds

    def run(number: int) -> None:
        for text, latency_s, error in _requests(port, order, lock, end_s):
            latencies_s.append(latency_s)
            n_words[number] += len(text.split())
            if error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in range(n_clients)]
    started_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken_s = time.monotonic() - started_s
    if errors:
        raise SystemExit(f"{len(errors)} wrong answers, such as {errors[0]}")
    cuts = statistics.quantiles(latencies_s, n=100)
    return {
        "requests": len(latencies_s),
        "wrong_answers": 0,
        "requests_per_s": round(len(latencies_s) / taken_s, 1),
        "words_per_s": round(sum(n_words) / taken_s),
        **{f"latency_p{cut}_ms": round(1000 * cuts[cut - 1], 1) for cut in (50, 95, 99)},
    }


def _requests(
    port: int, order: Iterator[tuple[int, str]], lock: threading.Lock, end_s: float
) -> Iterator[tuple[str, float, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while time.monotonic() < end_s:
        with lock:
            _, text = next(order)
        body = urlencode({"data": text, "tokenizer": "", "tagger": "", "output": "json"})
        started_s = time.perf_counter()
        connection.request("POST", "/process", body, _HEADERS)
        response = connection.getresponse()
        content = response.read()
        latency_s = time.perf_counter() - started_s
        yield text, latency_s, _error(text, response.status, content)
    connection.close()


def _error(text: str, status: int, content: bytes) -> str:
    if status != 200:
        return f"status {status}: {content[:80]!r}"
    found = "".join(sentence["text"] for sentence in json.loads(content)["result"])
    if "".join(found.split()) != "".join(text.split()):
        return f"{found[:40]!r}, expected {text[:40]!r}"
    return ""
