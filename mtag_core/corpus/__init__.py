"""Corpora in: plans work items over files and reads their documents."""

from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.planning import ITEM_BYTES, plan_items
from mtag_core.corpus.reading import read_item
from mtag_core.corpus.reasons import REASONS

__all__ = [
    "ITEM_BYTES",
    "REASONS",
    "ReadOptions",
    "Span",
    "WorkItem",
    "plan_items",
    "read_item",
]
