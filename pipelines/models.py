"""Loads the tagger in a worker process."""

import functools
import importlib

from mtag_core.annotation.item import StreamTagger


# The driver asks for the digest; where it is also the worker it need not load twice.
@functools.lru_cache(maxsize=1)
def load_tagger(model: str | None, piece_budget: int | None) -> StreamTagger:
    """Loads the model bundle.

    Args:
        model: Its path or URL; None for the one inside mtag.
        piece_budget: Wordpieces in one batch; None for the tagger's default.
    """
    tagger: StreamTagger = importlib.import_module("mtag_core.tagger").Tagger.load(model)
    if piece_budget is not None:
        tagger.piece_budget = piece_budget
    return tagger


def model_digest(model: str | None) -> str:
    """The digest of a model bundle."""
    return load_tagger(model, None).digest
