"""The spaCy component `mtag`: `spacy.blank("fr").add_pipe("mtag")`.

spaCy finds it by the package's entry point. This is the only module that imports spaCy at once.
"""

from collections.abc import Sequence

from spacy.language import Language
from spacy.tokens import Doc

from mtag_core.adapters import to_spacy
from mtag_core.tagging.tagger import Tagger

_MULTI_LANGUAGE = "xx"


class MtagComponent:
    """Segments and tags a document's text; the document that comes out has mtag's tokens."""

    def __init__(self, tagger: Tagger, language: str | None) -> None:
        """Wraps a tagger; `language` is that of all texts, None where it is to be found."""
        self._tagger, self._language = tagger, language

    def __call__(self, doc: Doc) -> Doc:
        """Makes a new document of the text; what other components set before is lost."""
        return to_spacy(self._tagger.tag(doc.text, language=self._language), vocab=doc.vocab)


def create_component(
    nlp: Language, name: str, bundle: str | None, treebank_style: Sequence[str]
) -> MtagComponent:
    """Makes the component; bundle and style are as in `Tagger.load`.

    The pipeline's language is that of the texts; of `xx` it is found for each line.
    """
    language = None if nlp.lang == _MULTI_LANGUAGE else nlp.lang
    return MtagComponent(Tagger.load(bundle, treebank_style=treebank_style), language)


Language.factory(
    "mtag", default_config={"bundle": None, "treebank_style": []}, func=create_component
)
