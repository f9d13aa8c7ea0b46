"""Logging of commands and jobs: plain or JSON lines on standard error; Beam's only if asked for."""

import json
import logging
import sys
import time
import warnings

# What talks on its own account while a job runs.
_NOISY = ("apache_beam", "grpc", "urllib3", "botocore", "fsspec", "smart_open")


def start_logging(*, is_verbose: bool = True) -> None:
    """Logs to standard error: steps on the way if `is_verbose`, else warnings alone."""
    level = logging.INFO if is_verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


def set_up_logging(*, is_verbose: bool, log_format: str) -> None:
    """Sets up the root logger, `text` or `json`; messages of other libraries if verbose."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.NOTSET if is_verbose else logging.CRITICAL)
    if not is_verbose:
        warnings.simplefilter("ignore")


class _TextFormatter(logging.Formatter):
    """`12:30:59 message`, with the level where it is a warning or worse."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{clock} {level}{record.getMessage()}{trace}"


class _JsonFormatter(logging.Formatter):
    """One JSON object a line; `extra={"fields": {...}}` adds fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.gmtime(record.created)
        fields = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", seconds) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)
