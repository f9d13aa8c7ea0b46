import http.client
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mtag_core import Tagger
from mtag_core.serve import workers
from mtag_core.serve.app import Limits
from tests.mtag_core.serve.fake_server import ask, load_served_tagger, running_server, tag

_BOUNDARY = "xxBOUNDARYxx"


@pytest.fixture(scope="module")
def port():
    with running_server() as port:
        yield port


def multipart(**name_to_value):
    parts = "".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'
        for name, (value, file) in name_to_value.items()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    return f"{parts}--{_BOUNDARY}--\r\n".encode("utf-8", "surrogateescape"), headers


def test_an_answer_is_what_the_tagger_says(port):
    text = "Die Katze schläft. Sie träumt."
    tagged = Tagger.load().tag(text)
    expected = "".join(f"# sent_id = {n}\n{each}\n" for n, each in enumerate(tagged, 1))
    assert tag(port, text) == expected
    assert tag(port, text, output="json") == [each.to_dict() for each in tagged]


def test_parameters_may_come_in_the_address(port):
    status, answer = ask(port, "/process?tokenizer&tagger&data=Katzen+schl%C3%A4fen.&model=de")
    assert (status, answer["model"]) == (200, "de")
    assert "\tschlafen" in answer["result"] or "\tschläfen" in answer["result"]


@pytest.mark.parametrize("file", ["", '; filename="a.txt"'])
def test_parameters_may_come_as_a_multipart_form(port, file):
    body, headers = multipart(data=("Le chat.\r\nIl dort.", file), tokenizer=("", ""))
    status, answer = ask(port, body=body, headers=headers)
    assert status == 200
    assert "# text = Le chat.\n" in answer["result"] and "text = Il dort." in answer["result"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "message"),
    [
        ("/process", None, {}, 400, "data: missing"),
        ("/process?data=a&data=b", None, {}, 400, "data: given twice"),
        ("/process?data=%FF", None, {}, 400, "a parameter is not UTF-8"),
        ("/process?" + "&".join("abcdefghi" * 5), None, {}, 400, "more than 32 parameters"),
        ("/process", b"text", {"Content-Type": "text/plain"}, 415, "expected a form"),
        ("/process", *multipart(data=("\udcff", "")), 400, "a parameter is not UTF-8"),
        ("/process", b"x", multipart()[1], 400, "no valid multipart form"),
        ("/process?data=a%09b&tagger", None, {}, 400, "data:1: 2 column"),
        ("/nothing", None, {}, 404, "Not Found"),
    ],
)
def test_a_wrong_request_is_answered_with_one_line(port, path, body, headers, status, message):
    found, content = ask(port, path, body=body, headers=headers)
    assert (found, content.count("\n") <= 1) == (status, True)
    assert message in content


def test_clients_of_udpipe_find_models(port):
    _, models = ask(port, "/models")
    assert models["default_model"] == "mtag"
    assert models["models"]["fr"] == ["tokenizer", "tagger"]


def test_answers_are_not_mixed_up_or_lost(port):
    texts = [f"The cat number{n} slept. It was {n}." for n in range(200)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: tag(port, text), texts))
    for text, answer in zip(texts, found, strict=True):
        assert f"# text = {text.partition('. ')[0]}." in answer
        assert answer.count("# sent_id") == 2


def test_metrics_count_requests_and_tokens(port):
    def value(name):
        _, lines = ask(port, "/metrics")
        found = [line.split()[-1] for line in lines.split("\n") if line.startswith(f"{name} ")]
        return float(found[0]) if found else 0.0

    names = ('mtag_requests_total{status="200"}', "mtag_tokens_total", "mtag_request_seconds_count")
    before = [value(name) for name in names]
    tag(port, "Nobody knew why.")
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [1, 4, 1]
    assert ask(port, "/health") == (200, "ready\n")


def test_larger_bodies_are_refused():
    with running_server(load_served_tagger, Limits(100, 8, 60.0)) as port:
        assert "a" in tag(port, "a.")
        assert tag(port, "a" * 100)[0] == 413
        # So large that it does not fit into the buffers of the connection.
        assert tag(port, "a" * 10_000_000)[0] == 413
        chunks = iter([b"data=", b"a" * 60, b"b" * 60])
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert ask(port, body=chunks, headers=headers)[0] == 413


def test_more_requests_than_may_be_open_are_refused():
    with running_server(load_served_tagger, Limits(1000, 1, 1.0)) as port:
        waiting = http.client.HTTPConnection("127.0.0.1", port)
        waiting.request("POST", "/process", headers={"Content-Length": "10"})
        # Until the server has it.
        while (found := tag(port, "a."))[0] != 429:
            assert "a" in found
        # The body never comes: the place is free again when the time is over.
        assert waiting.getresponse().status == 408
        waiting.close()
        assert "a" in tag(port, "a.")


def test_a_text_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(workers, "_GIVE_UP_S", 0.1)
    with running_server(load_served_tagger, Limits(1000, 8, 0.3)) as port:
        status, line = tag(port, "hang")
        assert (status, "not tagged in 0.3 s" in line) == (503, True)


def test_open_requests_are_answered_before_the_end():
    text = "A word. " * 20_000
    found = []
    with running_server(load_served_tagger) as port:
        asking = threading.Thread(target=lambda: found.append(tag(port, text)))
        asking.start()
        while "mtag_open_requests 1.0" not in ask(port, "/metrics")[1]:
            assert asking.is_alive()
    asking.join()
    assert found[0].count("# text = A word.") == 20_000
