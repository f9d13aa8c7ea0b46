import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mtag_core.errors import BundleError
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.tagging.wordpiece import MAX_PIECES, WordPiece

PATH = DEFAULT_BUNDLE / "tokenizer.json"
CLS, SEP, UNK = 2, 3, 1


@pytest.fixture(scope="module")
def wordpiece() -> WordPiece:
    return WordPiece.load(PATH)


def test_a_token_knows_its_first_and_last_piece(wordpiece):
    (window,) = wordpiece.encode(["Donaudampfschiff", "."])
    assert window.piece_ids[0] == CLS
    assert window.piece_ids[-1] == SEP
    assert window.first[0] == 1
    assert window.last[0] == window.first[1] - 1
    assert window.first[1] == window.last[1] == len(window.piece_ids) - 2


def test_pieces_are_those_of_the_tokenizer(wordpiece):
    reference = Tokenizer.from_file(str(PATH))
    forms = ["Ἀθῆναι", "kitaplarımızdan", "東京", "can't", "১২৩", "naïve", "🙂", "नमस्ते"]
    ids = reference.encode(forms, is_pretokenized=True, add_special_tokens=False).ids
    assert wordpiece.encode(forms)[0].piece_ids[1:-1] == ids


def test_a_token_without_pieces_is_unknown(wordpiece):
    assert wordpiece.encode(["\u200b\u0007"])[0].piece_ids == [CLS, UNK, SEP]


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=300))
def test_windows_cover_each_token_once(wordpiece, lengths):
    forms = ["-" * length for length in lengths]
    windows = wordpiece.encode(forms)
    assert sum(len(window.first) for window in windows) == len(forms)
    for window in windows:
        assert len(window.piece_ids) <= MAX_PIECES
        assert len(window.first) == len(window.last) > 0
        for first, last in zip(window.first, window.last, strict=True):
            assert 1 <= first <= last <= len(window.piece_ids) - 2


def test_a_long_sentence_is_windowed_with_context(wordpiece):
    forms = [str(number) for number in range(5000)]
    windows = wordpiece.encode(forms)
    assert sum(len(window.first) for window in windows) == 5000
    # Tokens at a cut are not the outermost ones of their window.
    assert all(window.first[0] > 16 for window in windows[1:])
    assert all(window.last[-1] < MAX_PIECES - 16 for window in windows[:-1])


def test_an_absurd_token_keeps_its_first_pieces_and_its_last(wordpiece):
    (window,) = wordpiece.encode(["-" * 9_999 + "!", "x"])
    assert len(window.piece_ids) < MAX_PIECES
    (end,) = wordpiece.encode(["!"])
    assert window.piece_ids[window.last[0]] == end.piece_ids[1]


@pytest.mark.parametrize("content", ["", "{}", '{"version": "1.0"}'])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(BundleError, match=r"tokenizer\.json: not a tokenizer"):
        WordPiece.load(path)
