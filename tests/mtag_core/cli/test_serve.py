import re
import signal
import socket
import subprocess
import sys

import pytest

from mtag_core.__main__ import main
from tests.mtag_core.serve.fake_server import tag
from tests.source_tree import ROOT
from tests.without_packages import run_without


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server(number):
    command = [sys.executable, "-m", "mtag_core", "serve", "--port", "0", "--language", "de"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        line = process.stdout.readline()
        port = int(re.sub(r".*http://127\.0\.0\.1:(\d+)/.*", r"\1", line))
        assert re.search(r"\tKatze\t[^\t]+\tNOUN\t", tag(port, "Die Katze."))
        process.send_signal(number)
        assert process.wait(30) == 0


def test_a_port_that_is_taken_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in capsys.readouterr().err


def test_an_unknown_style_ends_it_before_it_starts_and_no_package_of_jobs_is_needed():
    argv = ["serve", "--port", "0", "--treebank_style", "pl_x"]
    done = run_without(["apache_beam", "pyarrow"], "mtag_core", *argv)
    assert done.returncode == 2
    assert done.stderr.startswith("mtag: treebank style 'pl_x'")


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "prometheus_client"])
def test_without_its_packages_it_says_what_to_install(package):
    done = run_without([package], "mtag_core", "serve")
    assert done.returncode == 2
    assert done.stderr == f"mtag: serve needs {package}: python -m pip install '.[serve]'\n"
