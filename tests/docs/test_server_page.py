import json
import re
import shutil
import subprocess

import pytest

from tests.mtag_core.serve.fake_server import load_served_tagger, running_server
from tests.source_tree import ROOT

_PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")


def test_the_commands_of_the_page_get_answers(tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is absent")
    (tmp_path / "book.txt").write_text("Die Katze schläft.", "utf-8")
    commands = re.findall("^curl .*$", _PAGE, re.MULTILINE)
    assert len(commands) == 2
    with running_server(load_served_tagger) as port:
        for command in commands:
            command = command.replace("curl ", "curl --fail ").replace(":8001/", f":{port}/")
            done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True)
            assert "schläft" in str(json.loads(done.stdout)["result"]), done.stderr
