"""The steps of a part, one after the other, without Beam."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mtag_core.corpus.items import ReadOptions
from mtag_core.output.layout import Manifest, OutputLayout
from mtag_core.parts.part_records import read_part
from mtag_core.parts.part_writer import PartWriter
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Block, Document, Reject
from mtag_core.segmentation.document_blocks import segment_document
from mtag_core.tagging.blocks import BlockEncoder, BlockTagger
from tests.fake_tagger import FakeTagger

Records = Iterator[tuple[Any, Any]]


def make_part(
    part: PlannedPart,
    layout: OutputLayout,
    *,
    tagger: FakeTagger | None = None,
    options: ReadOptions | None = None,
    change: Callable[[Records], Records] = lambda records: records,
) -> Manifest:
    """Makes a part; `change` gets the records on their way to the writer."""
    tagger = tagger or FakeTagger()
    writer = PartWriter(layout)
    manifest = None
    try:
        for key, record in change(_tagged(part, layout, tagger, options or ReadOptions())):
            manifest = writer.write(key, record) or manifest
        writer.check_closed()
    finally:
        writer.discard()
    assert manifest is not None
    return manifest


def _tagged(
    part: PlannedPart, layout: OutputLayout, tagger: FakeTagger, options: ReadOptions
) -> Records:
    blocks: BlockTagger[Any] = BlockTagger(tagger.tag_encoded, piece_budget=tagger.piece_budget)
    for key, record in _encoded(part, layout, tagger, options):
        if isinstance(record, Block | Reject):
            yield from blocks.add(key, record)
        else:
            yield from blocks.flush()
            yield key, record


def _encoded(
    part: PlannedPart, layout: OutputLayout, tagger: FakeTagger, options: ReadOptions
) -> Records:
    blocks = BlockEncoder(tagger.encode)
    for key, record in read_part(part, options, layout):
        segmented: Iterable[Any] = [record]
        if isinstance(record, Document):
            segmented = segment_document(record, tagger.segment)
        for each in segmented:
            encoded = blocks.encode(each)
            if encoded is not None:
                yield key, encoded
