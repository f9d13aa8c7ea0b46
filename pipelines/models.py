"""Loads the tagger in a worker process; names it beforehand."""

from collections.abc import Sequence

from mtag_core.annotation.item import StreamTagger
from mtag_core.bundle import Bundle
from mtag_core.conventions import check_conventions, conventions_digest
from mtag_core.labels import load_labels
from mtag_core.tagger import Tagger


def load_tagger(
    model: str | None, piece_budget: int | None, conventions: Sequence[str] = ()
) -> StreamTagger:
    """Loads the model bundle.

    Args:
        model: Its path or URL; None for the one inside mtag.
        piece_budget: Wordpieces in one batch; None for the tagger's default.
        conventions: As in `Tagger.load`.
    """
    tagger = Tagger.load(model, conventions=conventions)
    if piece_budget is not None:
        tagger.piece_budget = piece_budget
    return tagger


def model_digest(model: str | None, conventions: Sequence[str] = ()) -> str:
    """The digest that the tagger will have; the bundle is checked, its model not loaded.

    Args:
        model: As in `load_tagger`.
        conventions: As in `Tagger.load`.

    Raises:
        BundleError: The bundle is missing, damaged or of another version.
        UsageError: It cannot follow the conventions.
    """
    bundle = Bundle.open(model)
    if conventions:
        labels = load_labels(bundle.directory)
        check_conventions(conventions, treebanks=labels.treebanks)
    return conventions_digest(bundle.digest, conventions)
