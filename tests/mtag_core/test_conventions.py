import pytest

from mtag_core.conventions import (
    check_conventions,
    conventions_digest,
    languages_of,
    split_names,
)
from mtag_core.errors import UsageError

KNOWN = ("de_gsd", "no_bokmaal", "pl_lfg", "pl_sz")


def test_names_are_split_at_commas_sorted_and_taken_once():
    assert split_names(["pl_sz, de_gsd", "pl_sz"]) == ("de_gsd", "pl_sz")


def test_no_name_is_an_error():
    with pytest.raises(UsageError, match="--treebank_style is empty; name a treebank"):
        split_names([" , "])


@pytest.mark.parametrize(
    ("conventions", "treebanks", "message"),
    [
        (("pl_xyz",), KNOWN, "'pl_xyz': no treebank of the model, expected one of de_gsd"),
        (("pl_sz",), (), "convention 'pl_sz': the model knows no treebanks"),
        (("pl_sz", "pl_lfg"), KNOWN, "conventions 'pl_sz' and 'pl_lfg' are of one language"),
        ("pl_sz", KNOWN, "conventions: 'pl_sz', expected a list of treebanks"),
    ],
)
def test_conventions_that_cannot_be_followed_are_named(conventions, treebanks, message):
    with pytest.raises(UsageError) as error:
        check_conventions(conventions, treebanks=treebanks)
    assert message in str(error.value)


def test_one_convention_a_language_is_fine():
    check_conventions(("pl_sz", "de_gsd", "pl_sz"), treebanks=KNOWN)


def test_norwegian_has_three_codes():
    assert set(languages_of("no_bokmaal")) == {"no", "nb", "nn"}
    assert languages_of("pl_lfg") == ("pl",)


def test_digests_tell_conventions_apart():
    plain = "ab" * 32
    assert conventions_digest(plain, ()) == plain
    one, two = (conventions_digest(plain, names) for names in (["pl_sz"], ["pl_sz", "de_gsd"]))
    assert len({plain, one, two}) == 3
    assert conventions_digest(plain, ["de_gsd", "pl_sz"]) == two
