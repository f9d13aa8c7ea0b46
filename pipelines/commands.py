"""The program `mtag`: the commands of `mtag_core` and the jobs on Apache Beam.

Beam is imported when a job is called: `mtag tag` must not wait for it.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from mtag_core.__main__ import main as mtag_main
from mtag_core.cli.commands import COMMANDS as CORE_COMMANDS
from mtag_core.cli.commands import Command, missing_extra
from pipelines.interrupts import end_on_signals, exit_program

_PACKAGES = ("apache_beam", "pyarrow")


def end_without_packages(name: str) -> None:
    """Ends the process with one line and exit code 2 where a job's packages are not installed.

    Args:
        name: The job, for the line.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            error = missing_extra(name, ModuleNotFoundError(name=package))
            print(f"mtag: {error}", file=sys.stderr)
            sys.exit(2)


def _job(name: str, module: str, help_line: str) -> Command:
    def run(_prog: str, argv: Sequence[str]) -> int:
        end_without_packages(name)
        return int(importlib.import_module(f"pipelines.{module}").main(argv))

    return Command(name, help_line, run)


_JOBS = ("annotate", "logits")
COMMANDS = (
    *CORE_COMMANDS,
    _job("annotate", "annotate", "tag a corpus: raw text in, tagged corpus out"),
    _job("logits", "teacher_logits", "write what a teacher predicts for the sentences of a corpus"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted.
    """
    if argv is None and sys.argv[1:2] and sys.argv[1] in _JOBS:
        # Their imports take seconds.
        end_on_signals(sys.argv[1])
        exit_program(mtag_main(argv, prog="mtag", commands=COMMANDS))
    return mtag_main(argv, prog="mtag", commands=COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
