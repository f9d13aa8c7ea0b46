"""Apache Beam pipelines over mtag_core."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.transforms.steps import SharedModel
    from pipelines.transforms.tag_documents import TagDocuments

__all__ = ["SharedModel", "TagDocuments"]


def _is_wanted(record: logging.LogRecord) -> bool:
    """Drops Beam's complaint on import that it has no Google Cloud client; none is asked for."""
    return "apitools not found" not in str(record.msg)


logging.getLogger().addFilter(_is_wanted)


def __getattr__(name: str) -> object:
    """Imports what is exported when it is first asked for: the filter must be there before."""
    from importlib import import_module

    modules = {"SharedModel": "steps", "TagDocuments": "tag_documents"}
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"pipelines.transforms.{modules[name]}"), name)
