import json
import logging

import pytest

from mtag_core.cli.logs import set_up_logging


@pytest.fixture(autouse=True)
def _restored():
    root, beam = logging.getLogger(), logging.getLogger("apache_beam")
    before = root.level, root.handlers[:], beam.level
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    beam.setLevel(before[2])


def test_json_lines_carry_their_fields(capsys):
    set_up_logging(is_verbose=False, log_format="json")
    logging.getLogger("mtag").info("going on", extra={"fields": {"documents": 7}})
    line = json.loads(capsys.readouterr().err)
    assert line["message"] == "going on"
    assert (line["level"], line["documents"]) == ("info", 7)
    assert line["time"].endswith("Z")


def test_an_exception_stands_in_its_json_line(capsys):
    set_up_logging(is_verbose=False, log_format="json")
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("mtag").exception("failed")
    assert "ValueError: bad" in json.loads(capsys.readouterr().err)["exception"]


@pytest.mark.parametrize(("is_verbose", "is_shown"), [(False, False), (True, True)])
def test_beam_is_silent_unless_asked_for(capsys, is_verbose, is_shown):
    set_up_logging(is_verbose=is_verbose, log_format="text")
    logging.getLogger("apache_beam.runners").error("noise")
    assert ("noise" in capsys.readouterr().err) == is_shown
