"""The program `mtag`: the commands of `mtag_core` and the jobs on Apache Beam.

Beam is imported when a job is called: `mtag tag` must not wait for it.
"""

import importlib
from collections.abc import Sequence

from mtag_core.__main__ import main as mtag_main
from mtag_core.cli.commands import COMMANDS as CORE_COMMANDS
from mtag_core.cli.commands import Command


def _job(name: str, module: str, help_line: str) -> Command:
    def run(_prog: str, argv: Sequence[str]) -> int:
        return int(importlib.import_module(f"pipelines.{module}").main(argv))

    return Command(name, help_line, run)


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
    return mtag_main(argv, prog="mtag", commands=COMMANDS)
