"""Tags text of about 50 languages with universal parts of speech and features, on one CPU core."""

from typing import TYPE_CHECKING

from mtag_core.records import Document, Reject

if TYPE_CHECKING:
    from mtag_core.adapters import to_pandas, to_spacy
    from mtag_core.tagging.tagged import TaggedDocument, TaggedSentence
    from mtag_core.tagging.tagger import Tagger

__all__ = [
    "Document",
    "Reject",
    "TaggedDocument",
    "TaggedSentence",
    "Tagger",
    "__version__",
    "to_pandas",
    "to_spacy",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Imports a class when it is first asked for: scoring files must not wait for a model."""
    if name == "Tagger":
        from mtag_core.tagging.tagger import Tagger

        return Tagger
    if name in ("to_pandas", "to_spacy"):
        from mtag_core import adapters

        return getattr(adapters, name)
    if name in ("TaggedDocument", "TaggedSentence"):
        from mtag_core.tagging import tagged

        return getattr(tagged, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
