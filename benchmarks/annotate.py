"""Speed and memory of `pipelines.annotate`, and what a second worker gives.

`annotate` runs the command on one corpus, of documents of 100 lines, and on ten copies of it, each
in a process of its own, and takes the difference: start-up falls out of the speed. Resident memory
is the largest that the kernel saw. The tagger alone tags the same text, segmented beforehand, twice
before each run; so does `Tagger.pipe`, from raw text. Both have read the text once before.

`parallel` runs it on a corpus of four files with one worker and with two in turn, start-up and end
included.

`scale` starts the cluster of `deploy.flink.cluster`, runs the job there, and every few seconds
counts the words in the manifests that stand and looks at the memory of the cluster's processes.
Interrupted, it keeps what it measured; the same command goes on where the run was.

    python -m benchmarks annotate --text 'data/text/*.xz'
    python -m benchmarks parallel --text data/text/fr.txt.xz data/text/de.txt.xz
    python -m benchmarks scale --input 'corpus/*.txt' --work DIR
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import psutil

from benchmarks.harness import (
    benchmark_parser,
    first_lines,
    machine,
    ratios,
    run_benchmark,
    shown_command,
    write_record,
)
from mtag_core.storage import list_files
from mtag_core.tagging.tagged import TaggedSentence
from mtag_core.tagging.tagger import Tagger

_N_FILES = 4
# Of `annotate`: as long as a page of an encyclopedia. Documents of more than a thousand sentences
# wait in temporary files.
_DOCUMENT_LINES = 100


def main(argv: list[str] | None = None) -> int:
    """Measures `annotate` and writes."""
    parser = benchmark_parser("annotate", "Speed and memory of annotate.")
    _add_texts(parser, n_lines=8000)
    return run_benchmark(parser, partial(_in_folder, _speed_and_memory), argv)


def parallel(argv: list[str] | None = None) -> int:
    """Measures `parallel` and writes."""
    parser = benchmark_parser("parallel", "Speed of annotate on a small corpus.")
    _add_texts(parser, n_lines=40_000)
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each")
    return run_benchmark(parser, partial(_in_folder, _workers), argv)


def _add_texts(parser: argparse.ArgumentParser, *, n_lines: int) -> None:
    parser.add_argument(
        "--text", nargs="+", required=True, help="patterns; a sentence a line, plain or .xz"
    )
    parser.add_argument(
        "--lines", type=int, default=n_lines, help="of all files together, as many of each"
    )


def _texts(args: argparse.Namespace) -> list[list[str]]:
    paths = [Path(file.path) for file in list_files(args.text)]
    return [first_lines(path, -(-args.lines // len(paths))) for path in paths]


_Measure = Callable[[argparse.Namespace, Path], dict[str, object]]


def _in_folder(measure: _Measure, args: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        return measure(args, Path(directory))


def _speed_and_memory(args: argparse.Namespace, directory: Path) -> dict[str, object]:
    texts = [
        "\n".join(lines[start : start + _DOCUMENT_LINES])
        for lines in _texts(args)
        for start in range(0, len(lines), _DOCUMENT_LINES)
    ]
    tagger = Tagger.load()
    forms = [sentence.forms for text in texts for sentence in tagger.segment(text)]
    tag, pipe = partial(tagger.tag_tokens, forms), partial(tagger.pipe, texts)
    _words_per_s(tag)
    alone, piped, runs = [], [], []
    for n_copies in (1, 10):
        for _ in range(2):
            alone.append(_words_per_s(tag))
            piped.append(_words_per_s(lambda: chain.from_iterable(pipe())))
        folder = _corpus(directory / f"corpus-{n_copies}", texts * n_copies)
        runs.append(_annotate(folder, directory / f"out-{n_copies}"))
    small, large = runs
    n_tokens = sum(map(len, forms))
    words_per_s = 9 * n_tokens / (large.cpu_s - small.cpu_s)
    return {
        "what": "tokens per CPU second on one worker; start-up left out",
        "n_texts": len(texts),
        "n_tokens": n_tokens,
        "annotate_words_per_s": round(words_per_s),
        "tagger_alone_words_per_s": round(statistics.median(alone)),
        "annotate_over_tagger": round(words_per_s / statistics.median(alone), 2),
        "pipe_words_per_s": round(statistics.median(piped)),
        "annotate_over_pipe": round(words_per_s / statistics.median(piped), 2),
        "resident_mib": round(small.resident_mib),
        "resident_mib_ten_times": round(large.resident_mib),
    }


def _words_per_s(tagged: Callable[[], Iterable[TaggedSentence]]) -> float:
    started_s = time.process_time()
    n_tokens = sum(map(len, tagged()))
    return n_tokens / (time.process_time() - started_s)


def _workers(args: argparse.Namespace, directory: Path) -> dict[str, object]:
    lines = list(chain.from_iterable(_texts(args)))
    texts = ["\n".join(lines[number::_N_FILES]) for number in range(_N_FILES)]
    corpus = _corpus(directory / "corpus", texts)
    seconds: dict[str, list[float]] = {"1": [], "2": []}
    for number in range(args.rounds):
        for n_workers, taken in seconds.items():
            output = directory / f"out-{number}-{n_workers}"
            flags = ("--document=file", f"--direct_num_workers={n_workers}")
            taken.append(_annotate(corpus, output, *flags).wall_s)
    rates = {n: [1 / taken for taken in own] for n, own in seconds.items()}
    return {
        "what": "wall-clock seconds of the command, and the ratio to the first number of workers",
        "n_bytes": sum(len(text.encode()) for text in texts),
        "n_files": _N_FILES,
        "n_cores": os.cpu_count(),
        "seconds": {n: [round(taken, 1) for taken in own] for n, own in seconds.items()},
        "times_faster": {n: round(each, 2) for n, each in ratios(rates, base="1").items()},
    }


def _corpus(folder: Path, texts: Sequence[str]) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class _CommandRun:
    """What a command took: seconds, those of the processor, largest resident MiB of a process."""

    wall_s: float
    cpu_s: float
    resident_mib: float


def _annotate(corpus: Path, output: Path, *flags: str) -> _CommandRun:
    command = [sys.executable, "-m", "pipelines.annotate", "--input", f"{corpus}/*"]
    command += ["--output", str(output), "--runner=DirectRunner", *flags]
    started_s = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: exit status {status}")
    wall_s = time.monotonic() - started_s
    # The kernel counts KiB.
    return _CommandRun(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


_MIB = 1 << 20
# What stands in the command line of each kind of process.
_CLUSTER_ROLES = {
    "JobManager": "StandaloneSessionClusterEntrypoint",
    "TaskManager": "TaskManagerRunner",
    "job server": "FlinkJobServerDriver",
    "Python worker": "SdkHarness(",
}


def scale(argv: list[str] | None = None) -> int:
    """Runs, samples and writes."""
    parser = benchmark_parser("scale", "A long run on a Flink cluster.")
    parser.add_argument("--input", required=True, help="as of pipelines.annotate")
    parser.add_argument("--work", type=Path, required=True, help="folder for cluster and output")
    parser.add_argument("--seconds", type=float, default=10.0, help="between two samples")
    args = parser.parse_args(argv)
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    cluster = [sys.executable, "-m", "deploy.flink.cluster", "--state", str(work / "cluster")]
    flags = ["--input", args.input, "--output", str(work / "out")]
    started_s = time.time()
    samples = []
    with (work / "annotate.log").open("w") as log:
        job = subprocess.Popen([*cluster, "run", "--", *flags], stdout=log, stderr=log)
        try:
            while job.poll() is None:
                time.sleep(args.seconds)
                samples.append(_cluster_sample(work, round(time.time() - started_s)))
                _write_samples(args.output, samples, is_done=False)
        except KeyboardInterrupt:
            job.terminate()
        finally:
            job.wait()
            subprocess.run([*cluster, "stop"], check=False)
    _write_samples(args.output, samples, is_done=job.returncode == 0)
    return job.returncode


def _cluster_sample(work: Path, elapsed_s: int) -> dict[str, object]:
    role_to_mib: dict[str, int] = {}
    for role, mib in _resident():
        role_to_mib[role] = max(mib, role_to_mib.get(role, 0))
    manifests = list((work / "out" / "manifests").glob("*.json"))
    n_tokens = sum(json.loads(path.read_bytes())["n_tokens"] for path in manifests)
    return {
        "elapsed_s": elapsed_s,
        "parts": len(manifests),
        "tokens": n_tokens,
        "resident_mib": role_to_mib,
    }


def _resident() -> Iterator[tuple[str, int]]:
    for process in psutil.process_iter(["cmdline", "memory_info"]):
        line = " ".join(process.info["cmdline"] or ())
        for role, mark in _CLUSTER_ROLES.items():
            if mark in line and process.info["memory_info"] is not None:
                yield role, process.info["memory_info"].rss // _MIB


def _write_samples(path: Path, samples: list[dict[str, object]], *, is_done: bool) -> None:
    record = {
        "what": "tokens tagged and resident memory over time, standalone Flink, two slots",
        "command": shown_command("scale"),
        "machine": machine(),
        "is_done": is_done,
        "samples": samples,
    }
    write_record(record, path)
