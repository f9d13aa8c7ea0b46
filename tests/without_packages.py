"""Runs a module in a process of its own where some packages are not installed."""

import subprocess
import sys
from collections.abc import Sequence

from tests.source_tree import ROOT

_PROGRAM = """
import runpy, sys
module, packages, *argv = sys.argv[1:]
sys.modules.update(dict.fromkeys(packages.split(",")))
sys.argv = [module, *argv]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def run_without(
    packages: Sequence[str], module: str, *argv: str
) -> "subprocess.CompletedProcess[str]":
    """Runs `python -m module argv`; imports of the packages fail."""
    command = [sys.executable, "-c", _PROGRAM, module, ",".join(packages), *argv]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
