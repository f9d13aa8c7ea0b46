"""Numbers of a run for Prometheus: on a port while it goes on, and in a file.

Beside Beam's counters, because not every runner hands those to its own reporters (Flink does not).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mtag_core.errors import UsageError
from mtag_core.option_values import positive
from mtag_core.options import option
from mtag_core.parts.counts import Tally


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Where a run's numbers go for Prometheus."""

    metrics_port: int | None = option(
        "serve the numbers of the run for Prometheus on this port, until its end",
        None,
        parse=positive,
    )
    metrics_file: Path | None = option(
        "write them to this file every second, and at the end; the textfile collector of a node "
        "exporter reads it",
        None,
    )


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """A run as it stands.

    Attributes:
        tally: What it has done.
        n_parts: Parts to be made.
        n_bytes: Bytes of input to be read for them.
        n_completed: Parts from earlier runs.
        elapsed_s: Seconds since its start.
        started_s: Its start, in seconds since 1970.
        succeeded_s: Its end, if it has succeeded; else None.
    """

    tally: Tally
    n_parts: int
    n_bytes: int
    n_completed: int
    elapsed_s: float
    started_s: float
    succeeded_s: float | None = None


class MetricsOutput:
    """Serves and writes the numbers of a run while its `with` block runs.

    Args:
        options: The port is for HTTP, on all addresses of the machine; the file is in the text
            format and replaced as a whole.
        read: Gives the numbers; called by other threads, too.

    Raises:
        UsageError: The port cannot be listened on, or the file cannot be written; on entry.
    """

    def __init__(self, options: MetricsOptions, read: Callable[[], RunNumbers]) -> None:
        self._port = options.metrics_port
        self._path = options.metrics_file
        self._registry = prometheus_client.CollectorRegistry()
        self._registry.register(_RunCollector(read))
        self._close: Callable[[], None] = lambda: None

    @property
    def is_wanted(self) -> bool:
        """Whether there is a port or a file."""
        return self._port is not None or self._path is not None

    def __enter__(self) -> "MetricsOutput":
        """Starts the server and writes the file."""
        if self._port is not None:
            try:
                server, thread = prometheus_client.start_http_server(
                    self._port, registry=self._registry
                )
            except OSError as error:
                message = f"--metrics_port={self._port}: {error.strerror}; name another port"
                raise UsageError(message) from error

            def close() -> None:
                server.shutdown()
                server.server_close()
                thread.join()

            self._close = close
        try:
            self.write()
        except OSError as error:
            self._close()
            raise UsageError(f"--metrics_file={self._path}: {error.strerror}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the server."""
        self._close()

    def write(self) -> None:
        """Writes the file, where there is one."""
        if self._path is not None:
            prometheus_client.write_to_textfile(str(self._path), self._registry)


class _RunCollector(Collector):
    def __init__(self, read: Callable[[], RunNumbers]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        numbers = self._read()
        tally = numbers.tally
        counters = {
            "documents": ("documents read, rejected ones included", tally.n_documents),
            "documents_rejected": ("documents rejected", tally.n_rejected),
            "sentences": ("sentences tagged", tally.n_sentences),
            "tokens": ("tokens tagged", tally.n_tokens),
            "source_bytes": ("bytes of input read, as they are stored", tally.n_source_bytes),
            "parts": ("parts made", tally.n_parts),
        }
        for name, (what, n) in counters.items():
            yield CounterMetricFamily(f"mtag_{name}", f"In this run: {what}.", value=n)
        gauges = {
            "parts_planned": ("Parts that this run makes.", numbers.n_parts),
            "parts_from_earlier_runs": ("Parts that were complete.", numbers.n_completed),
            "source_bytes_planned": ("Bytes of input that this run reads.", numbers.n_bytes),
            "run_duration_seconds": ("Seconds since the start of the run.", numbers.elapsed_s),
            "run_start_time_seconds": ("Start of the run, since 1970.", numbers.started_s),
            "run_success_time_seconds": (
                "End of the run since 1970, 0 unless it has succeeded.",
                numbers.succeeded_s or 0,
            ),
        }
        for name, (what, value) in gauges.items():
            yield GaugeMetricFamily(f"mtag_{name}", what, value=value)
