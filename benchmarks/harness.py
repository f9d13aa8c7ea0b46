"""What benchmarks share: flags, texts, measurements in turn, and the record that is written."""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path

from mtag_core.storage import open_text
from mtag_core.tagging.bundle import DEFAULT_BUNDLE

_COMMAND = "python -m benchmarks"
_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("onnxruntime", "torch", "transformers", "tokenizers", "ufal.udpipe", "apache-beam")


def benchmark_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the flag that every benchmark has: `--output`, by default named like it."""
    parser = argparse.ArgumentParser(prog=f"{_COMMAND} {name}", description=description)
    parser.add_argument("--output", type=Path, default=Path(f"docs/benchmarks/{name}.json"))
    return parser


def add_text(parser: argparse.ArgumentParser) -> None:
    """Adds `--text` for one file, as `first_lines` reads it."""
    parser.add_argument("--text", type=Path, required=True, help="a sentence a line, plain or .xz")


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Adds `--bundle`."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)


def run_benchmark(
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Mapping[str, object]],
    argv: Sequence[str] | None,
) -> int:
    """Parses the flags, measures and writes the record with the command and the machine."""
    args = parser.parse_args(argv)
    record = measure(args)
    command = shown_command(parser.prog.removeprefix(f"{_COMMAND} "), argv)
    write_record({**record, "command": command, "machine": machine()}, args.output)
    return 0


def machine() -> dict[str, object]:
    """Describes the machine: processor, its vector units, Python and packages."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().split("\n") if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    return {
        "processor": model,
        "has_avx512_vnni": "avx512_vnni" in flags and not _hides_vnni(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _hides_vnni() -> bool:
    return "hide_vnni" in os.environ.get("LD_PRELOAD", "")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def shown_command(name: str, argv: Sequence[str] | None = None) -> str:
    """The command line that repeats a measurement, without paths of this machine alone."""
    arguments = sys.argv[1:] if argv is None else argv
    return " ".join([_COMMAND, name, *map(_portable, arguments)])


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


def words_per_s(
    system: Callable[[], int], *, min_s: float, clock: Callable[[], float] = time.process_time
) -> float:
    """Measures a system by a clock of seconds: by default CPU seconds of this process.

    Each call tags something and returns its number of words. It is called once, and again until the
    measurement has lasted `min_s` seconds.
    """
    started_s = clock()
    n_words = system()
    while clock() - started_s < min_s:
        n_words += system()
    return n_words / (clock() - started_s)


def interleaved(
    name_to_measure: Mapping[str, Callable[[], float]], *, n_rounds: int
) -> dict[str, list[float]]:
    """Calls what measures each system in turn, so that a noisy neighbour hits all alike.

    Returns:
        The results of each, one a round; those of a first round, which warms up, are left out.
    """
    rounds = [
        {name: measure() for name, measure in name_to_measure.items()} for _ in range(1 + n_rounds)
    ]
    return {name: [each[name] for each in rounds[1:]] for name in name_to_measure}


def ratios(rates: Mapping[str, list[float]], *, base: str) -> dict[str, float]:
    """The median over rounds of each system's rate over the base's in the same round."""
    return {
        name: statistics.median(own / other for own, other in zip(values, rates[base], strict=True))
        for name, values in rates.items()
    }


def medians(
    rates: Mapping[str, list[float]], *, base: str, ratio: str, digits: int
) -> dict[str, dict[str, float]]:
    """Each system's median rate, and under the name `ratio` the median of its ratios to the base's.

    Rates are words per second, one a round, the base's among them; ratios have so many digits.
    """
    to_base = ratios(rates, base=base)
    return {
        name: {"words_per_s": round(statistics.median(values)), ratio: round(to_base[name], digits)}
        for name, values in rates.items()
    }


def joined_lines(path: Path, n_lines: int, *, n_joined: int) -> list[str]:
    """Texts of some lines each, out of the first lines of a file."""
    lines = [line.strip() for line in first_lines(path, n_lines)]
    starts = range(0, len(lines), n_joined)
    return [" ".join(lines[start : start + n_joined]) for start in starts]


def first_lines(path: Path, n_lines: int) -> list[str]:
    """The first lines of a file, plain or .xz, without line feeds."""
    with open_text(path, newline="\n") as lines:
        return [line.rstrip("\n") for line in islice(lines, n_lines)]
