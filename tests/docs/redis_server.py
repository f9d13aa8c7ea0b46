"""A Redis server of a test's own: on a free port of this machine, in a temporary folder."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from deploy.flink.cluster import free_ports

PROGRAM = shutil.which("redis-server")


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Yields the server's URL; the server writes nothing to the disk."""
    assert PROGRAM is not None
    [port] = free_ports(1)
    flags = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = subprocess.Popen([PROGRAM, *flags], stdout=subprocess.DEVNULL)
    try:
        _wait(url := f"redis://127.0.0.1:{port}")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
