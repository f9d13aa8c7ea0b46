"""How the process of a job starts: what is done before Beam is imported.

That import takes seconds, and Beam imports what it finds installed, whether it is used or not:
Google Cloud's clients, boto3 and pandas are 80 MiB of a process and a second.
"""

import argparse
import ctypes
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from pipelines.interrupts import end_on_signals

_PACKAGES = ("apache_beam", "pyarrow")
_LOCAL_RUNNERS = ("direct", "fnapi")
# Of Beam's own connectors, which no run on this machine uses; storage imports its own later.
_CONNECTORS = ("apitools", "boto3", "google.auth", "google.cloud")

# As in glibc's malloc.h. Left alone, it raises the size with each such block that is freed.
_M_MMAP_THRESHOLD = -3
_MAPPED_BYTES = 128 * 1024


def start_job(name: str, *, command: str, argv: Sequence[str]) -> None:
    """Prepares this process for a job: signals, packages, memory."""
    end_on_signals(name)
    end_without_packages(command)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner", nargs="?", default=_LOCAL_RUNNERS[0])
    runner = parser.parse_known_args(argv)[0].runner or ""
    if runner.lower().removesuffix("runner") in _LOCAL_RUNNERS:
        import_beam_alone()


def end_without_packages(command: str) -> None:
    """Ends the process with one line and exit code 2 where a job's packages are not installed."""
    for package in _PACKAGES:
        if find_spec(package) is None:
            # Not above: it imports much, and signals have to be waited for before.
            from mtag_core.cli.commands import missing_extra

            error = missing_extra(command, ModuleNotFoundError(name=package))
            print(f"mtag: {error}", file=sys.stderr)
            sys.exit(2)


def import_beam_alone() -> None:
    """Imports Beam without packages that it can do without.

    For a process of this machine alone that runs nothing but mtag: pandas, which pyarrow would
    import, too, stays out for good. Arrow takes its memory from the process's allocator, as all
    else does, unless ARROW_DEFAULT_MEMORY_POOL names another one: that is 35 MiB. Large blocks are
    mapped, and so given back when they are freed: 20 MiB.
    """
    # Other C libraries than glibc do without.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    connectors = _LeftOut(_CONNECTORS)
    sys.meta_path[:0] = [connectors, _LeftOut(("pandas",))]
    try:
        importlib.import_module("apache_beam")
    finally:
        sys.meta_path.remove(connectors)


class _LeftOut(MetaPathFinder, Loader):
    """Packages that cannot be imported, though they are found: others ask whether they are."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in self._names else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        raise ModuleNotFoundError(f"{spec.name} is left out", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        raise NotImplementedError
