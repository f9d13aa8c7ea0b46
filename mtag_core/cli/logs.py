"""Sets up the log of a command."""

import logging


def start_logging(*, is_verbose: bool = True) -> None:
    """Logs to standard error: steps on the way if `is_verbose`, else warnings alone."""
    level = logging.INFO if is_verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
