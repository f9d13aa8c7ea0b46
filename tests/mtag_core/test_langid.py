import pytest

from mtag_core.errors import BundleError
from mtag_core.langid import LanguageIdentifier, normalise


def test_normalised_text_is_one_lower_case_line_without_digits_and_addresses():
    text = "Der  PREIS:\n12 Euro\t(https://example.org/a?b) an a@example.org"
    assert normalise(text) == "der preis: euro ( an"


def test_normalised_text_is_bounded():
    assert len(normalise("a" * 1_000_000)) == 400


def test_missing_model_is_an_error(tmp_path):
    with pytest.raises(BundleError, match="found no file"):
        LanguageIdentifier.load(tmp_path / "langid.ftz")


def test_damaged_model_is_an_error(tmp_path):
    path = tmp_path / "langid.ftz"
    path.write_bytes(b"not a model at all")
    with pytest.raises(BundleError, match="not a supervised fastText model"):
        LanguageIdentifier.load(path)
