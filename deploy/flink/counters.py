"""Shows mtag's counters and distributions out of what Flink's REST API says about a job.

    curl -s http://localhost:8081/jobs/JOB/accumulators | python -m deploy.flink.counters

Beam keeps its metrics in one accumulator, as JSON with numbers in base64 (metrics.proto of Beam's
model: whole numbers as varints, none below 0; a distribution is count, sum, least and largest).
"""

import base64
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

_ACCUMULATOR = "__metricscontainers"
_COUNTER, _DISTRIBUTION = "beam:metric:user:sum_int64:v1", "beam:metric:user:distribution_int64:v1"
_FIELDS = ("count", "sum", "min", "max")


def counters(answer: Mapping[str, Any]) -> dict[str, int | dict[str, int]]:
    """Finds the metrics of the namespace `mtag` in what `/jobs/<id>/accumulators` answers.

    Returns:
        Name to number, or to count, sum, min and max.
    """
    found: dict[str, int | dict[str, int]] = {}
    for accumulator in answer["user-task-accumulators"]:
        if accumulator["name"] != _ACCUMULATOR:
            continue
        for metric in json.loads(accumulator["value"])["metrics"].get("attempted", ()):
            labels, numbers = metric.get("labels", {}), list(_varints(metric.get("payload", "")))
            if labels.get("NAMESPACE") != "mtag":
                continue
            if metric["urn"] == _COUNTER:
                found[labels["NAME"]] = numbers[0]
            elif metric["urn"] == _DISTRIBUTION:
                found[labels["NAME"]] = dict(zip(_FIELDS, numbers, strict=True))
    return dict(sorted(found.items()))


def main(stream: TextIO = sys.stdin) -> None:
    """Prints a JSON line a metric."""
    for name, value in counters(json.load(stream)).items():
        print(json.dumps({name: value}))


def _varints(payload: str) -> Iterator[int]:
    number = shift = 0
    for byte in base64.b64decode(payload):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0


if __name__ == "__main__":
    main()
