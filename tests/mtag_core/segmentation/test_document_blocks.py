from dataclasses import replace

from mtag_core.records import Document, Reject, bare_sentence
from mtag_core.segmentation.document_blocks import segment_document

GIVEN = (bare_sentence(("a", "b")), bare_sentence(("c",)))


def in_polish(sentences):
    return [replace(sentence, language="pl") for sentence in sentences]


def test_sentences_that_a_document_brings_are_kept_and_their_languages_found():
    document = Document("d", "a b\nc", "in.conllu", 0, GIVEN)
    [block] = segment_document(document, lambda text: [], in_polish)
    assert block.sentences == tuple(in_polish(GIVEN))
    assert block.is_last


def test_a_document_whose_languages_cannot_be_found_is_a_reject():
    def fail(_sentences):
        raise ValueError("no model")

    document = Document("d", "a b\nc", "in.conllu", 0, GIVEN)
    [reject] = segment_document(document, lambda text: [], fail)
    assert isinstance(reject, Reject)
    assert (reject.step, reject.reason) == ("segment", "tagging_failed")
