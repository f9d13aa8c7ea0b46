import os
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

_LIGHT = """
import sys
from importlib.util import find_spec
from pipelines.starting import import_beam_alone
import_beam_alone()
assert not {"boto3", "google.auth", "pandas"} & set(sys.modules)
import pipelines.annotate, pyarrow
import boto3, google.auth
pyarrow.array([1])
assert "pandas" not in sys.modules and find_spec("pandas") is not None
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(("named", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_beam_and_arrow_import_no_more_than_a_local_run_needs(named, used):
    env = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
    env |= {"ARROW_DEFAULT_MEMORY_POOL": named} if named else {}
    command = [sys.executable, "-c", _LIGHT]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, used, "")
