import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from mtag_core.errors import BundleError
from mtag_core.tagging import forms as forms_module
from mtag_core.tagging.forms import CASES, MAX_FORM_PIECES, N_NGRAM_ROWS, FormFeatures

ALPHABET = "abcdefghijklmnopqrstuvwxyzé0123456789.'-"


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory):
    """A tokenizer that knows characters and two longer pieces."""
    pieces = ["[PAD]", "[UNK]", "chat", "##ons", *ALPHABET, *(f"##{char}" for char in ALPHABET)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="module")
def features(tokenizer_path):
    return FormFeatures(tokenizer_path)


def _rows(arrays, index):
    start, end = arrays.ngram_offsets[index : index + 2]
    return (
        arrays.pieces[index].tolist(),
        int(arrays.n_pieces[index]),
        arrays.ngrams[start:end].tolist(),
        int(arrays.case[index]),
    )


def test_pieces_are_those_of_the_lower_cased_form(features, tokenizer_path):
    arrays = features(["Chatons"])
    assert arrays.pieces[0, :3].tolist() == [2, 3, 0]
    assert arrays.n_pieces.tolist() == [2]


def test_of_a_long_form_first_and_last_pieces_are_kept(features, tokenizer_path):
    form = "abcdefghijklmnopqrst"
    ids = Tokenizer.from_file(str(tokenizer_path)).encode(form).ids
    assert features([form]).pieces[0].tolist() == ids[:6] + ids[-6:]
    assert features([form]).n_pieces.tolist() == [MAX_FORM_PIECES]


def test_a_form_without_pieces_is_unknown(features):
    arrays = features(["\u0007", "a"])
    assert arrays.pieces[:, 0].tolist()[0] == 1
    assert arrays.n_pieces.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("form", "case"),
    [
        ("12", "none"), ("東京", "none"), ("chat", "lower"), ("Chat", "title"), ("Don't", "title"),
        ("Jean-Paul", "title"), ("L'Oréal", "title"), ("USA", "upper"), ("A", "capital"),
        ("A.", "capital"), ("iPhone", "mixed"), ("McDonald", "mixed"),
    ],
)  # fmt: skip
def test_letter_case(features, form, case):
    assert CASES[features([form]).case[0]] == case


@given(form=st.text(alphabet=ALPHABET, min_size=3, max_size=60))
def test_capitals_change_the_case_alone(features, form):
    lower, upper = features([form]), features([form.upper()])
    assert _rows(lower, 0)[:3] == _rows(upper, 0)[:3]


def test_forms_that_fold_to_one_have_the_same_features(features):
    arrays = features(["é", "e\u0301", "\uff21\uff22", "AB"])
    assert _rows(arrays, 0) == _rows(arrays, 1)
    assert _rows(arrays, 2) == _rows(arrays, 3)


def test_ngrams_are_beginnings_endings_and_what_is_inside(features):
    def ngrams(form):
        return set(_rows(features([form]), 0)[2])

    assert len(ngrams("parlions")) == 3 + 5 + 6
    # "par", "arl" inside; ^pa ^par ^parl
    assert len(ngrams("parlions") & ngrams("parler")) == 3 + 2
    # "ons" inside; s$ ns$ ons$ ions$
    assert len(ngrams("parlions") & ngrams("aimions")) == 2 + 4
    # The same letters at an end, a beginning and inside are different n-grams.
    assert ngrams("ab").isdisjoint(ngrams("ba"))


def test_ngrams_stay_the_same():
    """Trained tables depend on these numbers."""
    rows, offsets = forms_module._ngrams(["chat", "я"])
    assert offsets.tolist() == [0, 10, 13]
    assert rows[:10].tolist() == [837, 14106, 23981, 40313, 13839, 31160, 9679, 50786, 60309, 48681]
    # The whole form, with both marks, is a beginning and an ending.
    assert rows[10:].tolist() == [47052, 601, 47052]


@given(forms=st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=30))
def test_features_do_not_depend_on_the_other_forms(features, forms):
    together = features(forms)
    assert together.ngrams.min() >= 0
    assert together.ngrams.max() < N_NGRAM_ROWS
    for index, form in enumerate(forms):
        assert _rows(together, index) == _rows(features([form]), 0)


def test_features_do_not_depend_on_chunks(features, monkeypatch):
    forms = ["chat", "chatons", "Le", "U.S.A.", "été"]
    expected = features(forms)
    monkeypatch.setattr(forms_module, "_CHUNK_FORMS", 2)
    chunked = features(forms)
    for name in ("pieces", "n_pieces", "ngrams", "ngram_offsets", "case"):
        np.testing.assert_array_equal(getattr(chunked, name), getattr(expected, name))
        assert getattr(chunked, name).dtype == getattr(expected, name).dtype


def test_no_forms_have_no_features(features):
    arrays = features([])
    assert arrays.pieces.shape == (0, MAX_FORM_PIECES)
    assert arrays.ngram_offsets.tolist() == [0]
    assert len(arrays.n_pieces) == len(arrays.ngrams) == len(arrays.case) == 0


def test_a_damaged_tokenizer_is_named(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(BundleError, match=r"tokenizer\.json: not a tokenizer"):
        FormFeatures(path)


def test_a_tokenizer_needs_an_unknown_piece(tmp_path):
    path = tmp_path / "tokenizer.json"
    Tokenizer(models.WordPiece({"a": 0}, unk_token="[UNK]")).save(str(path))
    with pytest.raises(BundleError, match=r"no piece \[UNK\]"):
        FormFeatures(path)
