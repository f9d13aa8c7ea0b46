"""What a measurement ran on, how it is repeated and written."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("onnxruntime", "torch", "transformers", "tokenizers", "ufal.udpipe", "apache-beam")


def machine() -> dict[str, object]:
    """Describes the machine: processor, its vector units, Python and packages."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().split("\n") if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    return {
        "processor": model,
        "has_avx512_vnni": "avx512_vnni" in flags,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def shown_command(name: str, argv: Sequence[str] | None = None) -> str:
    """The command line that repeats a measurement, without paths of this machine alone.

    Args:
        name: Of the benchmark, such as `paper.score`.
        argv: Its arguments; default: the process's own.
    """
    arguments = sys.argv[1:] if argv is None else argv
    return " ".join(["python -m benchmarks", name, *map(_portable, arguments)])


def write_record(record: Mapping[str, object], path: Path) -> None:
    """Writes and prints what was measured."""
    text = json.dumps(record, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="utf-8")
    print(text)


def _portable(argument: str) -> str:
    flag, equals, value = argument.rpartition("=")
    shared = os.environ.get("MTAG_SHARED")
    if shared and value.startswith(f"{shared}/"):
        value = "data" + value.removeprefix(shared)
    elif value == shared:
        value = "data"
    elif value.startswith(f"{_ROOT}/"):
        value = value.removeprefix(f"{_ROOT}/")
    elif value.startswith("/"):
        value = Path(value).name
    value = f"'{value}'" if "*" in value else value
    return f"{flag}{equals}{value}"


def interleaved_words_per_s(
    name_to_system: Mapping[str, Callable[[], int]],
    *,
    n_rounds: int,
    min_s: float,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, list[float]]:
    """Measures systems in turn, so that a noisy neighbour hits all alike.

    Args:
        name_to_system: Each call tags something and returns its number of words.
        n_rounds: Measurements of each system.
        min_s: Seconds that a measurement lasts at least.
        clock: Gives seconds: by default CPU seconds of this process.

    Returns:
        Words per second of the clock, one a round.
    """
    for system in name_to_system.values():
        system()
    rates: dict[str, list[float]] = {name: [] for name in name_to_system}
    for _ in range(n_rounds):
        for name, system in name_to_system.items():
            rates[name].append(_words_per_s(system, min_s=min_s, clock=clock))
    return rates


def _words_per_s(system: Callable[[], int], *, min_s: float, clock: Callable[[], float]) -> float:
    n_words, started_s = 0, clock()
    while clock() - started_s < min_s:
        n_words += system()
    return n_words / (clock() - started_s)


def ratios(rates: Mapping[str, list[float]], *, base: str) -> dict[str, float]:
    """The median over rounds of each system's rate over the base's in the same round."""
    return {
        name: statistics.median(own / other for own, other in zip(values, rates[base], strict=True))
        for name, values in rates.items()
    }
