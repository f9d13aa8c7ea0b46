"""The program `mtag`: the commands of `mtag_core` and the jobs on Apache Beam.

Beam is imported when a job is called: `mtag tag` must not wait for it.
"""

import importlib
import sys
from collections.abc import Sequence

from mtag_core.__main__ import main as mtag_main
from mtag_core.cli.commands import COMMANDS as CORE_COMMANDS
from mtag_core.cli.commands import Command
from pipelines.process import end_without_packages, exit_program, start_job


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
    """Runs one command; exit codes are those of `pipelines.job.run_job`."""
    if argv is None and sys.argv[1:2] and sys.argv[1] in _JOBS:
        start_job(sys.argv[1], command=sys.argv[1], argv=sys.argv[2:])
        exit_program(mtag_main(argv, prog="mtag", commands=COMMANDS))
    return mtag_main(argv, prog="mtag", commands=COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
