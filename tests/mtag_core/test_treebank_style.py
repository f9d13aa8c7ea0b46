from itertools import count, islice

import numpy as np
import pytest

from mtag_core.arrays import write_arrays
from mtag_core.errors import BundleError, UsageError
from mtag_core.records import bare_sentence
from mtag_core.treebank_style import (
    MAX_WEIGHT,
    N_BUCKETS,
    NO_CLASSIFIER,
    Styles,
    TreebankClassifier,
    buckets,
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


TREEBANKS = ["en_a", "en_b", "fr_a", "fr_b", "fr_c"]


def classifier_of(treebank_to_words, weight=MAX_WEIGHT):
    """Treebanks whose words weigh something, all else nothing."""
    treebank_to_weights = {}
    for treebank, words in treebank_to_words.items():
        weights = np.zeros(N_BUCKETS, np.int8)
        for word in words:
            # The length of a sentence is not to weigh anything.
            weights[sorted(set(buckets([word])) - set(buckets(["x"])))] = weight
        treebank_to_weights[treebank] = weights
    return TreebankClassifier(treebank_to_weights)


@pytest.fixture
def classifier():
    words = {"en_a": ["whilst"], "en_b": ["lol", "u"], "fr_a": [], "fr_b": ["euh"], "fr_c": []}
    return classifier_of(words)


def test_a_document_is_like_the_treebank_that_most_of_its_sentences_are_like(classifier):
    sentences = [["Whilst", "we", "slept"], ["lol"], ["he", "went", "whilst", "."]]
    assert classifier.find("en", sentences) == "en_a"
    assert classifier.find("en", [*sentences, ["lol", "u"]]) == "en_b"
    assert classifier.find("fr", [["euh", "lol", "whilst"]]) == "fr_b"
    assert classifier.languages == {"en", "fr"}


def test_a_word_counts_once_a_sentence_whatever_its_case(classifier):
    assert buckets(["LOL", "lol", "x"]) == buckets(["x", "lol", "lol"])
    assert classifier.find("en", [["lol", "lol", "lol"], ["whilst"], ["Whilst"]]) == "en_a"


def test_what_is_like_none_has_a_treebank_all_the_same(classifier):
    assert classifier.find("fr", [[]]) == "fr_a"


def test_a_file_holds_the_same_weights(classifier, tmp_path):
    classifier.save(tmp_path / "a.npz")
    loaded = TreebankClassifier.load(tmp_path / "a.npz", treebanks=TREEBANKS)
    assert loaded.find("en", [["lol"]]) == "en_b"
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_there_may_be_nothing_to_choose(tmp_path):
    TreebankClassifier({}).save(tmp_path / "a.npz")
    loaded = TreebankClassifier.load(tmp_path / "a.npz", treebanks=["de_a"])
    assert loaded.languages == frozenset()


def test_a_file_of_something_else_is_named(classifier, tmp_path):
    path = tmp_path / "treebanks.npz"
    classifier.save(path)
    with pytest.raises(BundleError, match=r"treebanks\.npz: .*'fr_c' is no treebank"):
        TreebankClassifier.load(path, treebanks=TREEBANKS[:-1])
    write_arrays(path, {"names": np.frombuffer(b'["en_a"]', np.uint8), "weights": np.zeros(3)})
    with pytest.raises(BundleError, match=r"float64 \(3,\) of 1 treebanks"):
        TreebankClassifier.load(path, treebanks=TREEBANKS)
    path.write_bytes(b"no archive")
    with pytest.raises(BundleError, match=r"treebanks\.npz: expected weights of treebanks"):
        TreebankClassifier.load(path, treebanks=TREEBANKS)


OF_MIXED = ("de_a", "en_a", "en_b", "it_a", "it_b", "no_a", "no_b")


def styles_of(names, classifier=NO_CLASSIFIER):
    default = {"en": "en_a", "de": "de_a"}
    return Styles(names, treebanks=OF_MIXED, default=default, classifier=classifier)


@pytest.fixture
def mixed():
    # It has no weights of Italian: sentences of one of its treebanks were not at hand.
    words = {"en_a": ["whilst"], "en_b": ["lol"], "no_a": ["ikke"], "no_b": ["ikkje"]}
    return styles_of(["mixed"], classifier_of(words))


def english(*texts):
    return [bare_sentence(tuple(text.split()), language="en") for text in texts]


def treebanks_of(styles, sentences):
    numbers = map(styles.number, styles.of_document(sentences))
    return [OF_MIXED[number - 1] if number else None for number in numbers]


def test_all_sentences_of_a_document_follow_the_treebank_that_it_is_like(mixed):
    texts = ["u ok", "lol", "lol no", "whilst he slept"]
    assert treebanks_of(mixed, english(*texts)) == ["en_b"] * 4
    assert treebanks_of(mixed, english(*texts[:2], *texts[3:] * 3)) == ["en_a"] * 5
    assert treebanks_of(mixed, []) == []


def test_each_language_of_a_document_follows_its_own(mixed):
    one, two, *rest = english("lol", "x", "lol", "whilst")
    german, italian = (bare_sentence(("whilst",), language=code) for code in ("de", "it"))
    unknown = bare_sentence(("whilst",))
    found = treebanks_of(mixed, [german, one, italian, two, unknown, *rest])
    assert found == ["de_a", "en_b", None, "en_b", None, "en_b", "en_b"]


def test_written_standards_are_one_language(mixed):
    codes = ["nn", "nb", "no", "nn"]
    words = ["ikkje", "noe", "ikkje", "ikke"]
    sentences = [bare_sentence((w,), language=c) for w, c in zip(words, codes, strict=True)]
    assert treebanks_of(mixed, sentences) == ["no_b"] * 4


def test_a_long_document_has_one_style_and_is_not_held(mixed):
    n_read = 0

    def sentences():
        nonlocal n_read
        for n_read in count(1):
            yield from english("lol" if n_read < 300 else "whilst whilst")

    found = mixed.of_document(sentences())
    assert {each.treebank for each in islice(found, 5000)} == {"en_b"}
    assert n_read < 5500


def test_a_language_that_begins_late_is_chosen_by_what_follows(mixed):
    nynorsk = [bare_sentence(("ikkje",), language="nn")] * 3
    found = treebanks_of(mixed, [*english(*["lol"] * 1000), *nynorsk])
    assert found == ["en_b"] * 1000 + ["no_b"] * 3


def test_without_weights_mixed_follows_the_only_treebank_of_a_language():
    styles = styles_of(["mixed"])
    german = bare_sentence(("x",), language="de")
    assert treebanks_of(styles, [*english("lol"), german]) == [None, "de_a"]


def test_other_styles_choose_nothing(mixed):
    chosen = list(mixed.of_document(english("lol")))
    assert chosen[0].treebank == "en_b"
    classifier = classifier_of({"en_a": ["whilst"], "en_b": ["lol"]})
    for names, expected in (([], "en_a"), (["en_b"], "en_b"), (["it_b"], "en_a")):
        styles = styles_of(names, classifier)
        assert treebanks_of(styles, chosen) == treebanks_of(styles, english("lol")) == [expected]
        assert all(each.treebank is None for each in styles.of_document(english("lol")))
