import pytest

from mtag_core.arrays import write_arrays
from mtag_core.errors import BundleError
from mtag_core.lemma_tables import (
    NO_EXCEPTIONS,
    KnownLemmas,
    LemmaExceptions,
    exception_code,
    has_lemma,
    lemma_code,
)

KNOWN = KnownLemmas.of(
    {"en": map(lemma_code, ["go", "Ann", "go"]), "ar": map(lemma_code, ["\u0643\u062a\u0628"])}
)


def test_a_lemma_is_known_in_its_language_whatever_its_case_and_vowel_marks():
    english, arabic = (KNOWN.language_to_codes[language] for language in ("en", "ar"))
    assert [has_lemma(english, lemma) for lemma in ("go", "Go", "ann")] == [True] * 3
    assert has_lemma(arabic, "\u0643\u064e\u062a\u064e\u0628\u064e")
    assert not has_lemma(arabic, "go")
    assert not has_lemma(english, "goes")
    assert not has_lemma((), "go")
    assert len(KNOWN) == 3


def test_a_file_holds_the_same_lemmas(tmp_path):
    KNOWN.save(tmp_path / "a.npz")
    loaded = KnownLemmas.load(tmp_path / "a.npz")
    assert {language: list(codes) for language, codes in loaded.language_to_codes.items()} == {
        language: list(codes) for language, codes in KNOWN.language_to_codes.items()
    }
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_file_of_no_known_lemmas_is_named(tmp_path):
    path = tmp_path / "lemmas.known.npz"
    write_arrays(path, {})
    with pytest.raises(BundleError, match=r"known\.npz: expected known lemmas"):
        KnownLemmas.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(BundleError, match=r"known\.npz: expected known lemmas"):
        KnownLemmas.load(path)


WENT, GOT = exception_code("went", "VERB"), exception_code("got", "VERB")
TABLE = [{WENT: "=go", GOT: "l|0+|3+get"}, {}, {WENT: "=wend"}]


def test_a_rule_is_found_by_treebank_form_and_part_of_speech():
    exceptions = LemmaExceptions.of(TABLE)
    assert exceptions.find(1, "went", "VERB") == "=go"
    assert exceptions.find(1, "Went", "VERB") == exceptions.find(1, "WENT", "VERB") == "=go"
    assert exceptions.find(1, "got", "VERB") == "l|0+|3+get"
    assert exceptions.find(3, "went", "VERB") == "=wend"
    others = [(0, "went", "VERB"), (2, "went", "VERB"), (3, "got", "VERB"), (1, "went", "NOUN")]
    assert [exceptions.find(*each) for each in others] == [None] * 4
    assert NO_EXCEPTIONS.find(7, "went", "VERB") is None


def test_a_file_holds_the_same_exceptions(tmp_path):
    LemmaExceptions.of(TABLE).save(tmp_path / "a.npz")
    loaded = LemmaExceptions.load(tmp_path / "a.npz", n_treebanks=3)
    assert len(loaded) == 3
    assert loaded.code_to_rule == TABLE
    assert loaded.find(3, "went", "VERB") == "=wend"
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "lemmas.npz"
    LemmaExceptions.of(TABLE).save(path)
    with pytest.raises(BundleError, match=r"lemmas\.npz: .* 3 exceptions of 3 treebanks"):
        LemmaExceptions.load(path, n_treebanks=2)
    write_arrays(path, {})
    with pytest.raises(BundleError, match=r"lemmas\.npz: expected exceptions of lemmas"):
        LemmaExceptions.load(path, n_treebanks=3)
    path.write_bytes(b"no archive")
    with pytest.raises(BundleError, match=r"lemmas\.npz: expected exceptions of lemmas"):
        LemmaExceptions.load(path, n_treebanks=3)
