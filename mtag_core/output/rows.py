"""The record that writers of parts take."""

from dataclasses import dataclass

from mtag_core.tagging.tagged import TaggedSentence


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One tagged sentence with its place in the corpus.

    Attributes:
        doc_id: Its document.
        index: Its number in the document, from 0.
        sent_id: Unique in the output; no white space.
        tagged: The sentence and its tags.
    """

    doc_id: str
    index: int
    sent_id: str
    tagged: TaggedSentence
