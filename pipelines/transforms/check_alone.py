"""The steps of `annotate` on one document, for a child process that may die of it."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from apache_beam.internal import pickler

from mtag_core.records import Block, Document
from mtag_core.segmentation.document_blocks import segment_document
from pipelines.models import TextTagger
from pipelines.transforms.steps import SharedModel


def document_check(model: SharedModel[TextTagger]) -> Callable[[Document], None]:
    """Makes a function that does to a document what the steps with a model do; it pickles."""
    return partial(_check, pickler.dumps(model.load))


def _check(load: bytes, document: Document) -> None:
    try:
        model = _loaded(load)
        for block in segment_document(document, model.segment, model.identify):
            if isinstance(block, Block):
                encoded = [model.encode(sentence) for sentence in block.sentences]
                for _ in model.tag_encoded(encoded):
                    pass
    except Exception:
        # It comes again in the steps, which reject the document for it.
        return


@cache
def _loaded(load: bytes) -> Any:  # noqa: ANN401
    return pickler.loads(load)()
