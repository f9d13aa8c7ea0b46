"""One target a parser and one for the tagger: seeded mutations of everything that once failed.

MTAG_FUZZ_INPUTS=100000 python -m pytest tests/fuzz --timeout=0     (make fuzz)
"""

import contextlib
import functools
import os

import pytest

from mtag_core.child_process import ChildProcess
from mtag_core.corpus.items import ReadOptions
from tests.fuzz import checks, seeds
from tests.fuzz.mutations import inputs, mutated

_N_INPUTS = int(os.environ.get("MTAG_FUZZ_INPUTS", "2000"))
_OPTIONS = ReadOptions(max_document_seconds=5, max_document_bytes=4096)
_WITH_ID = ReadOptions(max_document_seconds=5, id_field="id")


def _reader(name, options=_OPTIONS):
    return functools.partial(checks.check_reader, name, options)


TARGETS = {
    "text": (_reader("a.txt"), seeds.TEXT),
    "lines": (_reader("a.txt", ReadOptions(document="line")), seeds.TEXT),
    "jsonl": (_reader("a.jsonl", _WITH_ID), seeds.JSONL),
    "conllu": (_reader("a.conllu"), seeds.CONLLU),
    "mediawiki": (_reader("a.xml"), seeds.MEDIAWIKI),
    "parquet": (_reader("a.parquet", _WITH_ID), seeds.PARQUET),
    "csv": (_reader("a.csv", _WITH_ID), seeds.DELIMITED),
    "html": (_reader("a.html"), seeds.HTML),
    "warc": (_reader("a.warc"), seeds.WARC),
    "tagger": (checks.check_tagger, [text for text in seeds.TEXT if b"\0" not in text]),
}


@pytest.mark.parametrize("target", TARGETS)
def test_whatever_comes_in_keeps_the_rules(target):
    check, examples = TARGETS[target]
    with contextlib.closing(ChildProcess()) as child:
        for index, data in enumerate(inputs(target, examples, _N_INPUTS)):
            try:
                child.call(check, data)
            except Exception as error:
                pytest.fail(f"{target} {index}: {error!r} for {data[:500]!r} ({len(data)} bytes)")


def test_inputs_are_the_same_in_every_run():
    first, again = (list(inputs("text", seeds.TEXT, 50)) for _ in range(2))
    assert first == again
    assert first[: len(seeds.TEXT)] == seeds.TEXT
    assert mutated("text", 49, seeds.TEXT) == first[49]
    assert len(set(first)) > 40
