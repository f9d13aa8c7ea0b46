"""Numbers of a run for Prometheus: on a port while it goes on, and in a file.

Beside Beam's counters, because not every runner hands those to its own reporters (Flink does not).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mtag_core.errors import UsageError
from mtag_core.options import option, positive


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

    @property
    def are_wanted(self) -> bool:
        """Whether there is a port or a file."""
        return self.metrics_port is not None or self.metrics_file is not None


# In the order of the page; each is one of the numbers that a run gives.
_COUNTERS = {
    "documents": "documents read, rejected ones included",
    "documents_rejected": "documents rejected",
    "sentences": "sentences tagged",
    "tokens": "tokens tagged",
    "source_bytes": "bytes of input read, as they are stored",
    "parts": "parts made",
}
_GAUGES = {
    "parts_planned": "Parts that this run makes.",
    "parts_from_earlier_runs": "Parts that were complete.",
    "source_bytes_planned": "Bytes of input that this run reads.",
    "run_duration_seconds": "Seconds since the start of the run.",
    "run_start_time_seconds": "Start of the run, since 1970.",
    "run_success_time_seconds": "End of the run since 1970, 0 unless it has succeeded.",
}


@contextmanager
def metrics_output(
    options: MetricsOptions, read: Callable[[], Mapping[str, float]]
) -> Iterator[Callable[[], None]]:
    """Serves the numbers of a run while the block runs; yields what writes them to the file.

    The port is for HTTP, on all addresses of the machine; the file is in the text format and
    replaced as a whole. `read` gives the numbers by name; other threads call it, too.

    Raises:
        UsageError: The port cannot be listened on, or the file cannot be written.
    """
    registry = prometheus_client.CollectorRegistry()
    registry.register(_RunCollector(read))

    def write() -> None:
        if options.metrics_file is not None:
            prometheus_client.write_to_textfile(str(options.metrics_file), registry)

    with ExitStack() as stack:
        if options.metrics_port is not None:
            _serve(options.metrics_port, registry, stack)
        try:
            write()
        except OSError as error:
            raise UsageError(f"--metrics_file={options.metrics_file}: {error.strerror}") from error
        yield write


def _serve(port: int, registry: prometheus_client.CollectorRegistry, stack: ExitStack) -> None:
    try:
        server, thread = prometheus_client.start_http_server(port, registry=registry)
    except OSError as error:
        raise UsageError(f"--metrics_port={port}: {error.strerror}; name another port") from error
    for close in (thread.join, server.server_close, server.shutdown):
        stack.callback(close)


class _RunCollector(Collector):
    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        numbers = self._read()
        for name, what in _COUNTERS.items():
            documentation = f"In this run: {what}."
            yield CounterMetricFamily(f"mtag_{name}", documentation, value=numbers[name])
        for name, what in _GAUGES.items():
            yield GaugeMetricFamily(f"mtag_{name}", what, value=numbers[name])
