"""What must hold for any input; run in a child process, which an input may end."""

import functools
import tempfile
from pathlib import Path

from mtag_core import Tagger, storage
from mtag_core.corpus.decoding import REASONS
from mtag_core.corpus.items import ReadOptions, WorkItem
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.corpus.registry import read_item
from mtag_core.records import READER_FAILED, TOO_SLOW, Document, Reject
from mtag_core.time_limit import time_limit

# A hang; on a busy machine an input of these sizes takes a tenth of a second.
_LIMIT_S = 5.0
_BUGS = (READER_FAILED, TOO_SLOW)
# An input is cut into so many, about.
_N_ITEMS = 4


def check_reader(name: str, options: ReadOptions, data: bytes) -> None:
    """Reads a file as a whole and in pieces.

    Args:
        name: Its name, which says the format.
        options: How to read.
        data: Its bytes.
    """
    with tempfile.TemporaryDirectory(dir=_folder()) as folder, time_limit(_LIMIT_S):
        path = Path(folder) / name
        path.write_bytes(data)
        [item] = _plan(path, options, item_bytes=2**23)
        whole = list(read_item(item, options))
        _check_records(whole, n_bytes=len(data), is_dump=name.endswith(".xml"))
        items = _plan(path, options, item_bytes=1 + len(data) // _N_ITEMS)
        if len(items) == 1:
            return
        pieces = [record for each in items for record in read_item(each, options)]
        _check_records(pieces, n_bytes=len(data), is_dump=name.endswith(".xml"))
        if not any(isinstance(record, Reject) for record in (*whole, *pieces)):
            assert _texts(pieces) == _texts(whole)


def check_tagger(data: bytes) -> None:
    """Tags a text with the shipped bundle."""
    text = data.decode("utf-8", "ignore")
    with time_limit(_LIMIT_S):
        sentences = list(_tagger().tag(text))
    end, spans = 0, list[tuple[int, int]]()
    for tagged in sentences:
        sentence = tagged.sentence
        assert sentence.start >= end, "sentences in order"
        end = sentence.end
        assert text[sentence.start : sentence.end] == sentence.text
        covered = {i for m in sentence.multiword_tokens for i in range(m.first, m.last + 1)}
        for index, form in enumerate(sentence.forms):
            if index not in covered:
                assert text[sentence.starts[index] : sentence.ends[index]] == form
        assert sorted(sentence.starts) == list(sentence.starts)
        assert len(tagged.upos) == len(tagged.feats) == len(sentence.forms) > 0
        spans.extend(zip(sentence.starts, sentence.ends, strict=True))
    inside = {at for start, end in spans for at in range(start, end)}
    outside = (char for at, char in enumerate(text) if at not in inside)
    assert not any(map(str.isalnum, outside)), "every letter is in a token"


def _plan(path: Path, options: ReadOptions, *, item_bytes: int) -> list[WorkItem]:
    files = storage.list_files([str(path)])
    return list(ItemPlanner(options, salt="", item_bytes=item_bytes).plan(files))


def _check_records(records: list[Document | Reject], *, n_bytes: int, is_dump: bool) -> None:
    places = [record.offset for record in records if isinstance(record, Document)]
    if not is_dump:
        assert places == sorted(places)
    for record in records:
        if isinstance(record, Reject):
            # A damaged footer may promise more rows than there are.
            is_promise = "its rows do not come" in record.detail
            assert record.reason in REASONS, record
            assert record.reason not in _BUGS or is_promise, record
            assert "\n" not in record.detail
        else:
            record.text.encode("utf-8")
            assert len(record.text) <= 50 * n_bytes + 1000


def _texts(records: list[Document | Reject]) -> list[str]:
    return [record.text for record in records if isinstance(record, Document)]


@functools.cache
def _folder() -> str:
    return "/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()


@functools.cache
def _tagger() -> Tagger:
    return Tagger.load()
