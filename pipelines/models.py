"""Loads the tagger in a worker process."""

from mtag_core.annotation.item import StreamTagger
from mtag_core.bundle import Bundle
from mtag_core.tagger import Tagger


def load_tagger(model: str | None, piece_budget: int | None) -> StreamTagger:
    """Loads the model bundle.

    Args:
        model: Its path or URL; None for the one inside mtag.
        piece_budget: Wordpieces in one batch; None for the tagger's default.
    """
    tagger = Tagger.load(model)
    if piece_budget is not None:
        tagger.piece_budget = piece_budget
    return tagger


def model_digest(model: str | None) -> str:
    """The digest of a model bundle, whose files are checked but not loaded."""
    return Bundle.open(model).digest
