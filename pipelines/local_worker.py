"""A local worker process of the DirectRunner; not called by hand.

Beam's own worker, but it ends when the process that started it does (also by SIGKILL) or asks it
to, and leaves Ctrl-C to that process: from then on it writes no message, since what fails in the
middle of its work is no news. It watches from before its imports, which take seconds.
"""

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

from pipelines.process import exit_program, import_beam_alone, remove_open_marks

_POLL_S = 0.25


def main() -> None:
    """Runs Beam's worker until the driver ends it or is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--driver", type=int, required=True)
    parser.add_argument("--running", type=Path)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGINT, _write_no_messages)
    watch = (args.driver, args.running)
    threading.Thread(target=_end_with_driver, args=watch, daemon=True).start()

    import_beam_alone()
    from apache_beam.runners.worker import sdk_worker_main

    from mtag_core.cli.logs import set_up_logging

    set_up_logging(is_verbose=args.verbose, log_format="text")
    code = 1
    try:
        sdk_worker_main.main(sys.argv)
        code = 0
    except Exception:
        traceback.print_exc()
    exit_program(code)


def _write_no_messages(_number: int, _frame: FrameType | None) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _end_with_driver(driver: int, running: Path | None) -> None:
    while os.getppid() == driver and (running is None or running.exists()):
        time.sleep(_POLL_S)
    remove_open_marks()
    os._exit(1)


if __name__ == "__main__":
    main()
