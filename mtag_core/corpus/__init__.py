"""Corpora in: plans work items over files and reads their documents."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtag_core.corpus.format import Format
    from mtag_core.corpus.items import ReadOptions, Span, WorkItem
    from mtag_core.corpus.planning import (
        MAX_ITEM_BYTES,
        MIN_ITEM_BYTES,
        ItemPlanner,
        expected_bytes,
        fitting_item_bytes,
        fitting_spool_bytes,
        is_slow,
        may_abort,
        plan_items,
        stored_bytes,
    )
    from mtag_core.corpus.reasons import REASONS
    from mtag_core.corpus.registry import format_of, formats_using, read_item, register

__all__ = [
    "MAX_ITEM_BYTES",
    "MIN_ITEM_BYTES",
    "REASONS",
    "Format",
    "ItemPlanner",
    "ReadOptions",
    "Span",
    "WorkItem",
    "expected_bytes",
    "fitting_item_bytes",
    "fitting_spool_bytes",
    "format_of",
    "formats_using",
    "is_slow",
    "may_abort",
    "plan_items",
    "read_item",
    "register",
    "stored_bytes",
]


def __getattr__(name: str) -> object:
    """Imports what is asked for first: opening a compressed file must not wait for pyarrow."""
    from importlib import import_module

    for module in ("format", "items", "planning", "reasons", "registry") if name in __all__ else ():
        found = import_module(f"{__name__}.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
