import io
import json

from deploy.flink.counters import counters, main


def _answer(*metrics):
    value = json.dumps({"metrics": {"attempted": list(metrics)}})
    return {"user-task-accumulators": [{"name": "__metricscontainers", "value": value}]}


def _metric(kind, name, payload, namespace="mtag"):
    labels = {"NAMESPACE": namespace, "NAME": name}
    return {"urn": f"beam:metric:user:{kind}:v1", "payload": payload, "labels": labels}


def test_a_counter_is_a_number():
    # 300 is 0xAC 0x02 as a varint.
    assert counters(_answer(_metric("sum_int64", "tokens", "rAI="))) == {"tokens": 300}


def test_a_distribution_has_count_sum_min_and_max():
    answer = _answer(_metric("distribution_int64", "batch_milli_secs", "Ag0DCg=="))
    expected = {"batch_milli_secs": {"count": 2, "sum": 13, "min": 3, "max": 10}}
    assert counters(answer) == expected


def test_metrics_of_others_are_left_out(capsys):
    others = _metric("sum_int64", "n", "AQ==", namespace="beam")
    timer = {"urn": "beam:metric:element_count:v1", "payload": "AQ=="}
    main(io.StringIO(json.dumps(_answer(others, timer))))
    assert capsys.readouterr().out == ""
