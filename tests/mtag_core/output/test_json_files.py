import json

import pytest

from mtag_core.output.json_files import line_to_reject, reject_to_line
from mtag_core.records import Reject


@pytest.mark.parametrize("data", [None, b"", "text \u732b\n".encode(), b"\xff\x00binary"])
def test_a_reject_reads_back_as_it_was(data):
    reject = Reject("in.txt", 12, "in.txt#12", "invalid_utf8", "byte 0xff at 3", data, 9)
    assert line_to_reject(reject_to_line(reject)) == reject


def test_a_text_input_stands_in_the_line_as_text():
    line = reject_to_line(Reject("in.txt", 0, None, "tagging_failed", "?", b"some text"))
    assert json.loads(line)["input"] == "some text"


def test_a_reject_is_one_line_of_ascii():
    reject = Reject("a\nb", 0, "\ud800", "lone_surrogate", "line\u2028break", b"x\ny")
    line = reject_to_line(reject)
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert line_to_reject(line).doc_id == "\ud800"
