"""Apache Beam pipelines over mtag_core."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.transforms.steps import SharedModel
    from pipelines.transforms.tag_documents import TagDocuments

__all__ = ["SharedModel", "TagDocuments"]

_MODULES = {
    "SharedModel": "pipelines.transforms.steps",
    "TagDocuments": "pipelines.transforms.tag_documents",
}


def _is_wanted(record: logging.LogRecord) -> bool:
    """Drops Beam's complaint on import that it has no Google Cloud client; none is asked for."""
    return "apitools not found" not in str(record.msg)


logging.getLogger().addFilter(_is_wanted)


def __getattr__(name: str) -> object:
    """Imports what is exported when it is first asked for: the filter must be there before."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
