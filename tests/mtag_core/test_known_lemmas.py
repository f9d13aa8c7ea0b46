import pytest

from mtag_core.arrays import write_arrays
from mtag_core.errors import BundleError
from mtag_core.known_lemmas import KnownLemmas, has_lemma, lemma_code

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


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "lemmas.known.npz"
    write_arrays(path, {})
    with pytest.raises(BundleError, match=r"known\.npz: expected known lemmas"):
        KnownLemmas.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(BundleError, match=r"known\.npz: expected known lemmas"):
        KnownLemmas.load(path)
