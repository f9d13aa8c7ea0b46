from collections.abc import Callable
from pathlib import Path

import pytest

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.corpus.registry import read_item
from mtag_core.records import Document, Reject

Read = Callable[..., list[Document | Reject]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes bytes to a file, plans it and reads all its items."""

    def read(data: bytes, name: str = "a.txt", *, item_bytes: int = 2**23, **options):
        (tmp_path / name).write_bytes(data)
        return read_path(str(tmp_path / name), item_bytes=item_bytes, **options)

    return read


def read_path(path: str, *, item_bytes: int = 2**23, **options) -> list[Document | Reject]:
    read_options = ReadOptions(**options)
    files = storage.list_files([path])
    items = ItemPlanner(read_options, salt="", item_bytes=item_bytes).plan(files)
    return [result for item in items for result in read_item(item, read_options)]


def documents(results):
    return [result for result in results if isinstance(result, Document)]


def reasons(results):
    return [result.reason for result in results if isinstance(result, Reject)]
