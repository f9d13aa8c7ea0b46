"""What writers take: a sentence with its place in the corpus."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from mtag_core.records import FieldValue
from mtag_core.tagging.tagged import SentenceResult, TaggedSentence

S = TypeVar("S", bound=SentenceResult)


@dataclass(frozen=True, slots=True)
class OutputRow(Generic[S]):
    """One sentence with its place in the corpus.

    Attributes:
        doc_id: Its document.
        index: Its number in the document, from 0.
        sent_id: Unique in the output; no white space.
        tagged: The sentence and its tags, or what a run writes in their place.
        starts_paragraph: Whether a blank line stands before it in its document.
        fields: The document's, see `Document.fields`.
    """

    doc_id: str
    index: int
    sent_id: str
    tagged: S
    starts_paragraph: bool = False
    fields: tuple[FieldValue, ...] = ()

    @property
    def is_new_paragraph(self) -> bool:
        """Whether it begins a paragraph, as the first sentence of a document does."""
        return self.starts_paragraph or self.index == 0


TaggedRow = OutputRow[TaggedSentence]
