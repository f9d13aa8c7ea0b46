import pytest

from mtag_core.records import Document
from tests.mtag_core.corpus.conftest import documents, reasons


def sentence(*forms, comments=()):
    rows = [f"{i}\t{form}" + "\t_" * 8 + "\n" for i, form in enumerate(forms, start=1)]
    return "".join([*(f"# {comment}\n" for comment in comments), *rows, "\n"])


def test_sentences_and_forms_are_kept(read):
    text = sentence("Ça", "va", comments=["sent_id = s1"]) + sentence("Oui")
    (document,) = read(text.encode(), "a.conllu")
    assert document.doc_id == document.source
    assert document.text == "Ça va\nOui"
    first, second = document.sentences
    assert (first.forms, first.sent_id) == (("Ça", "va"), "s1")
    assert document.text[second.starts[0] : second.ends[0]] == "Oui"


def test_newdoc_starts_a_document(read):
    text = (
        sentence("a", comments=["newdoc id = x y"])
        + sentence("b")
        + sentence("c", comments=["newdoc"])
    )
    results = read(text.encode(), "a.conllu")
    assert [d.text for d in results] == ["a\nb", "c"]
    assert results[0].doc_id == "x y"
    assert results[1].doc_id == f"{results[1].source}#{results[1].offset}"


def test_a_file_over_the_limit_is_cut_between_sentences(read):
    results = read((sentence("a", "b") * 10).encode(), "a.conllu", max_document_bytes=100)
    assert len(results) == 5
    assert {d.doc_id for d in results} == {f"{d.source}#{d.offset}" for d in results}


def test_a_broken_sentence_is_rejected_alone(read):
    text = sentence("a") + "1\tb\n\n" + sentence("c")
    results = read(text.encode(), "a.conllu")
    assert reasons(results) == ["invalid_conllu"]
    assert [r.input for r in results if not isinstance(r, Document)] == [b"1\tb\n"]
    assert [d.text for d in documents(results)] == ["a\nc"]


@pytest.mark.parametrize(("form", "reason"), [("\xff", "invalid_utf8"), ("a\0b", "nul_character")])
def test_bad_characters_cost_their_sentence(read, form, reason):
    results = read((sentence("a") + sentence(form)).encode("latin-1"), "a.conllu")
    assert reasons(results) == [reason]


def test_a_sentence_over_the_limit_is_named_not_held(read):
    text = sentence("a") + sentence("x" * 500) + sentence(*["y"] * 100) + sentence("b")
    results = read(text.encode(), "a.conllu", max_document_bytes=200)
    assert reasons(results) == ["document_too_large"] * 2
    assert "".join(d.text for d in documents(results)).split() == ["a", "b"]


def test_a_byte_order_mark_hides_no_document_id(read):
    text = sentence("a", comments=["newdoc id = d1"]) + sentence("b", comments=["newdoc id = d2"])
    assert [d.doc_id for d in read(text.encode("utf-8-sig"), "a.conllu")] == ["d1", "d2"]


def test_paragraphs_are_parted_by_a_blank_line(read):
    text = (
        sentence("a", comments=["newpar"])
        + sentence("b")
        + sentence("c", comments=["newpar id = p2"])
    )
    [document] = documents(read(text.encode(), "a.conllu"))
    assert document.text == "a\nb\n\nc"
    assert [document.text[s.start : s.end] for s in document.sentences] == ["a", "b", "c"]


def test_the_language_comment_is_used(read):
    text = (
        sentence("a", comments=["newdoc", "language = pl"])
        + sentence("b")
        + sentence("c", comments=["language = French"])
        + sentence("d", comments=["language = yo"])
        + sentence("e", comments=["newdoc"])
        + sentence("f", comments=["language = no such language"])
    )
    found = [[s.language for s in d.sentences] for d in read(text.encode(), "a.conllu")]
    assert found == [["pl", "pl", "fr", "yo"], ["und", "und"]]
