"""Corpora in: plans work items over files and reads their documents."""

from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.planning import (
    MAX_ITEM_BYTES,
    MIN_ITEM_BYTES,
    ItemPlanner,
    fitting_item_bytes,
    plan_items,
)
from mtag_core.corpus.reading import read_item
from mtag_core.corpus.reasons import REASONS

__all__ = [
    "MAX_ITEM_BYTES",
    "MIN_ITEM_BYTES",
    "REASONS",
    "ItemPlanner",
    "ReadOptions",
    "Span",
    "WorkItem",
    "fitting_item_bytes",
    "plan_items",
    "read_item",
]
