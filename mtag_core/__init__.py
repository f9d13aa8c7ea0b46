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
    """Imports what is exported when it is first asked for: scoring must not wait for a model."""
    from importlib import import_module

    modules = {
        "Tagger": "mtag_core.tagging.tagger",
        **dict.fromkeys(("TaggedDocument", "TaggedSentence"), "mtag_core.tagging.tagged"),
        **dict.fromkeys(("to_pandas", "to_spacy"), "mtag_core.adapters"),
    }
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(modules[name]), name)
