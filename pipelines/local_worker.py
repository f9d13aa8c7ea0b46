"""A local worker process of the DirectRunner; not called by hand.

Beam's own worker, but it ends when the process that started it does (also by SIGKILL), and leaves
Ctrl-C to that process.
"""

import os
import signal
import sys
import threading
import time

from apache_beam.runners.worker import sdk_worker_main

from pipelines.logs import set_up_logging

_POLL_S = 1.0


def main() -> None:
    """Runs Beam's worker until the driver ends it or is gone."""
    set_up_logging(is_verbose="--verbose" in sys.argv, log_format="text")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    sdk_worker_main.main(sys.argv)


def _end_with_parent(parent: int) -> None:
    """Ends the process once its parent is another one: the driver is gone."""
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)


if __name__ == "__main__":
    main()
