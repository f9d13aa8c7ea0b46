"""Apache Beam pipelines over mtag_core."""

import logging


def _is_wanted(record: logging.LogRecord) -> bool:
    """Drops Beam's complaint on import that it has no Google Cloud client; none is asked for."""
    return "apitools not found" not in str(record.msg)


logging.getLogger().addFilter(_is_wanted)
