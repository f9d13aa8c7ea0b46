import pytest

from mtag_core.errors import UsageError
from mtag_core.treebank_style import (
    check_treebank_style,
    languages_of,
    split_names,
    style_digest,
    unused_styles,
)

KNOWN = ("de_gsd", "no_bokmaal", "pl_lfg", "pl_sz")


def test_names_are_split_at_commas_sorted_and_taken_once():
    assert split_names(["pl_sz, de_gsd", "pl_sz"]) == ("de_gsd", "pl_sz")


def test_no_name_is_an_error():
    with pytest.raises(UsageError, match="--treebank_style is empty; name a treebank"):
        split_names([" , "])


@pytest.mark.parametrize(
    ("names", "treebanks", "message"),
    [
        (("pl_xyz",), KNOWN, "'pl_xyz': no treebank of the model, expected one of de_gsd"),
        (("pl_sz",), (), "treebank style 'pl_sz': the model knows no treebanks"),
        (
            ("mixed", "pl_sz"),
            KNOWN,
            "treebank style 'mixed' is chosen by document; name no other beside it",
        ),
        (("pl_sz", "pl_lfg"), KNOWN, "treebank styles 'pl_sz' and 'pl_lfg' are of one language"),
    ],
)
def test_styles_that_cannot_be_followed_are_named(names, treebanks, message):
    with pytest.raises(UsageError) as error:
        check_treebank_style(names, treebanks=treebanks)
    assert message in str(error.value)


def test_mixed_is_no_treebanks_style():
    check_treebank_style(("mixed",), treebanks=())
    assert unused_styles(("mixed", "pl_sz"), languages={"de"}) == ["pl_sz"]


def test_one_style_a_language_is_fine():
    check_treebank_style(("pl_sz", "de_gsd", "pl_sz"), treebanks=KNOWN)


def test_norwegian_has_three_codes():
    assert set(languages_of("no_bokmaal")) == {"no", "nb", "nn"}
    assert languages_of("pl_lfg") == ("pl",)


def test_digests_tell_styles_apart():
    plain = "ab" * 32
    assert style_digest(plain, ()) == plain
    one, two = (style_digest(plain, names) for names in (["pl_sz"], ["pl_sz", "de_gsd"]))
    assert len({plain, one, two}) == 3
    assert style_digest(plain, ["de_gsd", "pl_sz"]) == two
