"""Corpora in: plans work items over files and reads their documents."""

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
from mtag_core.corpus.registry import format_of, formats, formats_using, read_item, register

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
    "formats",
    "formats_using",
    "is_slow",
    "may_abort",
    "plan_items",
    "read_item",
    "register",
    "stored_bytes",
]
