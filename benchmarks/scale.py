"""A long run on a standalone Flink cluster: words per second and memory over its time.

Starts the cluster of `deploy.flink.cluster`, runs `pipelines.annotate` on it, and every few seconds
counts the words in the manifests that stand and looks at the memory of the cluster's processes.
Interrupted, it keeps what it measured; the same command goes on where the run was.

    python -m benchmarks scale --input 'corpus/*.txt' --work DIR
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.harness import benchmark_parser, machine, shown_command, write_record

_MIB = 1 << 20
# What stands in the command line of each kind of process.
_ROLES = {
    "JobManager": "StandaloneSessionClusterEntrypoint",
    "TaskManager": "TaskManagerRunner",
    "job server": "FlinkJobServerDriver",
    "Python worker": "SdkHarness(",
}


def main(argv: list[str] | None = None) -> int:
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
                samples.append(_sample(work, round(time.time() - started_s)))
                _write(args.output, samples, is_done=False)
        except KeyboardInterrupt:
            job.terminate()
        finally:
            job.wait()
            subprocess.run([*cluster, "stop"], check=False)
    _write(args.output, samples, is_done=job.returncode == 0)
    return job.returncode


def _sample(work: Path, elapsed_s: int) -> dict[str, object]:
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
        for role, mark in _ROLES.items():
            if mark in line and process.info["memory_info"] is not None:
                yield role, process.info["memory_info"].rss // _MIB


def _write(path: Path, samples: list[dict[str, object]], *, is_done: bool) -> None:
    record = {
        "what": "tokens tagged and resident memory over time, standalone Flink, two slots",
        "command": shown_command("scale"),
        "machine": machine(),
        "is_done": is_done,
        "samples": samples,
    }
    write_record(record, path)
