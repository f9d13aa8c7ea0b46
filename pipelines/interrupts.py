"""What a signal does while a program is still importing: one line and the exit code.

Imports nothing but the standard library, as it is called before everything else is imported.
"""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DID = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM"}


class Terminated(KeyboardInterrupt):
    """SIGTERM came; ends what a Ctrl-C ends."""


def end_on_signals(name: str) -> None:
    """Makes Ctrl-C and SIGTERM end the process at once, as long as it has written nothing.

    Args:
        name: Begins the line on standard error.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        os.write(2, f"{name}: {signal_message(number)}\n".encode())
        os._exit(exit_code(number))

    for number in SIGNALS:
        signal.signal(number, end)


def exit_program(code: int) -> NoReturn:
    """Ends a program whose work is over: a signal would only hide its exit code."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def signal_message(number: int) -> str:
    """What to say to the user."""
    return f"{_DID[signal.Signals(number)]}; the same command goes on where this one stopped"


def exit_code(number: int) -> int:
    """The exit code as shells have it: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + number
