"""A standalone Flink cluster on this machine that runs mtag's pipelines.

    python -m deploy.flink.cluster start
    python -m deploy.flink.cluster run -- --input sample_data --output out/
    python -m deploy.flink.cluster stop

Processes: a JobManager, a TaskManager with two slots, the Beam job server, and a pool of Python
workers (Beam calls it EXTERNAL). Needs Java 17 and, for the first download, Maven and pip. Ports
are free ones; `status` shows them. Logs and pid files are in the state folder.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.flink.packages import FetchError, cache_dir, fetch_flink, fetch_job_server

_POLL_S = 0.2
_ROOT = Path(__file__).resolve().parents[2]
_START_TIMEOUT_S = 60

# Heaps are small: text never enters the JVM but as work items. The reasons for the rest stand in
# docs/operations.md.
_FLINK_SETTINGS = {
    "jobmanager.memory.process.size": "700m",
    "jobmanager.memory.jvm-metaspace.size": "192m",
    "jobmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.process.size": "1200m",
    "taskmanager.memory.network.min": "32m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.numberOfTaskSlots": "2",
    "parallelism.default": "2",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "10",
    "restart-strategy.fixed-delay.delay": "2 s",
    # A cluster without a TaskManager fails a job in less than a minute instead of the usual five.
    "slot.request.timeout": "45000",
    "heartbeat.interval": "2000",
    "heartbeat.timeout": "10000",
}


class ProcessError(RuntimeError):
    """A process did not start, or ended too early."""


def free_ports(n: int) -> list[int]:
    """Returns `n` ports on loopback that nobody uses now."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(n)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def _is_answering(port: int) -> bool:
    try:
        with socket.create_connection(("localhost", port), timeout=1):
            return True
    except OSError:
        return False


class Service:
    """One process with its pid file and its log, both named for it in a state folder."""

    def __init__(self, name: str, state: Path) -> None:
        self.name = name
        self.log_path = state / f"{name}.log"
        self._pid_path = state / f"{name}.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, None when it is not running."""
        try:
            pid, started = self._pid_path.read_text().split()
        except (OSError, ValueError):
            return None
        # A pid alone may by now belong to a stranger.
        return int(pid) if _start_time(int(pid)) == started else None

    def start(self, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Starts the process in a session of its own, unless it runs."""
        if self.pid is not None:
            return
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                start_new_session=True,
            )
        pid = self._process.pid
        self._pid_path.write_text(f"{pid} {_start_time(pid)}")

    def wait_for_port(self, port: int, *, timeout_s: float) -> None:
        """Waits until the process answers.

        Raises:
            ProcessError: It ended, or does not answer in time; with the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while not _is_answering(port):
            if self.pid is None or time.monotonic() > deadline:
                what = "ended" if self.pid is None else f"does not answer after {timeout_s:.0f} s"
                raise ProcessError(f"{self.name} {what}; {self.log_path} ends with:\n{self.tail()}")
            time.sleep(_POLL_S)

    def tail(self, n_bytes: int = 2000) -> str:
        """The end of the log."""
        try:
            return self.log_path.read_bytes()[-n_bytes:].decode(errors="replace")
        except OSError:
            return ""

    def kill(self) -> None:
        """Kills the process and its children at once, as a lost machine would."""
        self._signal(signal.SIGKILL)
        self._wait(timeout_s=10)

    def stop(self, *, timeout_s: float = 10) -> None:
        """Asks the process to end, then kills what is left of its group."""
        if self.pid is not None:
            self._signal(signal.SIGTERM)
            self._wait(timeout_s=timeout_s)
            self._signal(signal.SIGKILL)
        self._pid_path.unlink(missing_ok=True)

    def _signal(self, number: int) -> None:
        try:
            pid = int(self._pid_path.read_text().split()[0])
            os.killpg(pid, number)
        except (OSError, ValueError, IndexError):
            pass

    def _wait(self, *, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self.pid is not None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._process is not None:
            # Ours to reap where this object started it; else the system does.
            self._process.wait(timeout_s)
            self._process = None


def _start_time(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


@dataclass(frozen=True)
class Ports:
    """Where the processes of a cluster listen, on loopback."""

    rpc: int
    rest: int
    job: int
    artifact: int
    expansion: int
    workers: int


class Cluster:
    """The processes of a cluster; `state` is the folder of pid files, logs, settings and ports."""

    def __init__(self, state: Path) -> None:
        self.state = state
        state.mkdir(parents=True, exist_ok=True)
        self.job_manager = Service("jobmanager", state)
        self.task_manager = Service("taskmanager", state)
        self.job_server = Service("job-server", state)
        self.workers = Service("worker-pool", state)
        self.ports = self._load_ports()

    @property
    def services(self) -> tuple[Service, ...]:
        """All processes, in the order in which they stop."""
        return self.job_server, self.task_manager, self.job_manager, self.workers

    @property
    def flags(self) -> list[str]:
        """The flags that send a pipeline to this cluster."""
        rest = [f"--flink_master=localhost:{self.ports.rest}"] if self.job_manager.pid else []
        return [
            "--runner=FlinkRunner",
            f"--job_endpoint=localhost:{self.ports.job}",
            *rest,
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{self.ports.workers}",
            "--parallelism=2",
            # Beam deals the steps of both slots out to the Python processes in turn, as they open.
            # Three steps are open at a time; with fewer than six processes both slots may get one,
            # and its lock, for all their tagging. Those that only wait take 150 MB each.
            "--sdk_worker_parallelism=6",
        ]

    def start(self, *, master: str | None = None) -> None:
        """Starts what does not run yet and waits until all of it answers.

        With the master `[local]` the job server embeds Flink: no JobManager, no TaskManager.
        """
        self._write_settings()
        jars = fetch_job_server()
        if master is None:
            self._start_flink()
            master = f"localhost:{self.ports.rest}"
        self.start_workers()
        ports = (
            f"--job-port={self.ports.job}",
            f"--artifact-port={self.ports.artifact}",
            f"--expansion-port={self.ports.expansion}",
        )
        driver = "org.apache.beam.runners.flink.FlinkJobServerDriver"
        artifacts = f"--artifacts-dir={self.state / 'artifacts'}"
        java = [_java(), "-Xmx512m", "-cp", f"{jars}/*", driver]
        self.job_server.start([*java, f"--flink-master={master}", artifacts, *ports], env={})
        self.job_server.wait_for_port(self.ports.job, timeout_s=_START_TIMEOUT_S)

    def start_task_manager(self) -> None:
        """Starts the TaskManager and waits for its slots."""
        script = fetch_flink() / "bin" / "taskmanager.sh"
        self.task_manager.start(["bash", str(script), "start-foreground"], env=self._flink_env())
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self._n_slots() == 0:
            if self.task_manager.pid is None or time.monotonic() > deadline:
                tail = self.task_manager.tail()
                raise ProcessError(f"the TaskManager offers no slots; its log ends with:\n{tail}")
            time.sleep(0.3)

    def start_workers(self) -> None:
        """Starts the pool of Python workers."""
        module = "apache_beam.runners.worker.worker_pool_main"
        # The pool runs `python` from PATH, which must be the one that has mtag.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        python_path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-m", module, f"--service_port={self.ports.workers}"]
        env = {"PATH": path, "PYTHONPATH": python_path, "OMP_NUM_THREADS": "1"}
        env["ARROW_DEFAULT_MEMORY_POOL"] = "system"
        self.workers.start(command, env=env)
        self.workers.wait_for_port(self.ports.workers, timeout_s=_START_TIMEOUT_S)

    def stop(self) -> None:
        """Stops everything; the next start takes new ports."""
        for service in self.services:
            service.stop()
        (self.state / "ports.json").unlink(missing_ok=True)

    def rest(self, path: str) -> Any:  # noqa: ANN401 (the shape is the path's)
        """Asks Flink's REST API, such as `/jobs/overview`."""
        url = f"http://localhost:{self.ports.rest}{path}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)

    def _n_slots(self) -> int:
        try:
            return int(self.rest("/overview").get("slots-total", 0))
        except urllib.error.URLError:
            # The port opens before the JobManager has a leader; until then it answers 503.
            return 0

    def _load_ports(self) -> Ports:
        path = self.state / "ports.json"
        if not path.exists():
            path.write_text(json.dumps(asdict(Ports(*free_ports(6)))))
        return Ports(**json.loads(path.read_text()))

    def _start_flink(self) -> None:
        script = fetch_flink() / "bin" / "jobmanager.sh"
        self.job_manager.start(["bash", str(script), "start-foreground"], env=self._flink_env())
        self.job_manager.wait_for_port(self.ports.rest, timeout_s=_START_TIMEOUT_S)
        self.start_task_manager()

    def _flink_env(self) -> dict[str, str]:
        names = ("FLINK_LOG_DIR", "FLINK_PID_DIR")
        conf = {"FLINK_CONF_DIR": str(self.state / "conf")}
        return {**dict.fromkeys(names, str(self.state)), **conf}

    def _write_settings(self) -> None:
        conf = self.state / "conf"
        shutil.copytree(fetch_flink() / "conf", conf, dirs_exist_ok=True)
        java_opts = next(
            line.strip().removeprefix("all: ")
            for line in (conf / "config.yaml").read_text().split("\n")
            if line.strip().startswith("all: ")
        )
        settings = {
            "env.java.opts.all": java_opts,
            "jobmanager.rpc.address": "localhost",
            "jobmanager.rpc.port": str(self.ports.rpc),
            "jobmanager.bind-host": "localhost",
            "taskmanager.bind-host": "localhost",
            "taskmanager.host": "localhost",
            "rest.address": "localhost",
            "rest.bind-address": "localhost",
            "rest.port": str(self.ports.rest),
            "io.tmp.dirs": str(self.state),
            **_FLINK_SETTINGS,
        }
        lines = [f"{key}: {value}\n" for key, value in settings.items()]
        (conf / "config.yaml").write_text("".join(lines))


def missing_tools() -> list[str]:
    """The programs that a cluster needs and this machine lacks."""
    return [name for name in ("java", "mvn", "bash") if shutil.which(name) is None]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    args = _parser().parse_args(argv)
    try:
        return _call(args)
    except (FetchError, ProcessError) as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1


def _call(args: argparse.Namespace) -> int:
    cluster = Cluster(args.state)
    if args.command == "stop":
        cluster.stop()
    elif args.command == "status":
        return _print_status(cluster)
    else:
        if missing := missing_tools():
            raise ProcessError(f"{', '.join(missing)} not found; install Java 17 and Maven")
        cluster.start(master="[local]" if args.embedded else None)
        if args.command == "run":
            return _run(cluster, args)
        print(" ".join(cluster.flags))
    return 0


def _run(cluster: Cluster, args: argparse.Namespace) -> int:
    flags = [flag for flag in args.flags if flag != "--"]
    command = [sys.executable, "-m", args.pipeline, *cluster.flags, *flags]
    return subprocess.run(command, cwd=_ROOT).returncode


def _print_status(cluster: Cluster) -> int:
    for service in cluster.services:
        print(f"{service.name:12} {service.pid or 'not running'}  {service.log_path}")
    print(" ".join(cluster.flags))
    return 0 if cluster.job_server.pid else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.flink.cluster", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    state = cache_dir() / "cluster"
    parser.add_argument("--state", type=Path, default=state, help=f"state folder ({state})")
    parser.add_argument("--embedded", action="store_true", help="Flink inside the job server")
    parser.add_argument("--pipeline", default="pipelines.annotate", help="module that `run` runs")
    parser.add_argument("command", choices=("start", "run", "status", "stop"))
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="for the pipeline, after --")
    return parser


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


if __name__ == "__main__":
    sys.exit(main())
