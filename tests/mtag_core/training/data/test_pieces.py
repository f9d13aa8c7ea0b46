import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from tokenizers import Tokenizer

from mtag_core.training.data.datasets import WordSentences
from mtag_core.training.data.pieces import DeviceSentences, FormPieces, SpecialPieces
from mtag_core.training.data.text import train_vocabulary
from mtag_core.training.options import Noise

CPU = torch.device("cpu")
SENTENCES = [("ab", "abcabc"), ("c",), ("abc", "ab", "ba")]


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    train_vocabulary([("a", "b", "c", "ab", "ab")], n_pieces=14).save(str(path))
    return path


@pytest.fixture(scope="module")
def special(tokenizer_path):
    return SpecialPieces.load(tokenizer_path)


def encoded(sentences, tokenizer_path):
    """Sentences as form ids, and the pieces of their forms."""
    form_to_id: dict[str, int] = {}
    words = WordSentences.of(sentences, form_to_id)
    return words, FormPieces.of(list(form_to_id), tokenizer_path)


def rows(batch):
    """The pieces of each sentence of a batch."""
    pairs = zip(batch.piece_ids, batch.is_piece, strict=True)
    return [ids[is_piece].tolist() for ids, is_piece in pairs]


def test_a_batch_holds_the_pieces_that_a_tokenizer_gives_sentences(tokenizer_path, special):
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    batch = DeviceSentences.of(SENTENCES, tokenizer_path, device=CPU).batch(np.array([2, 0, 1]))
    chosen = [list(SENTENCES[index]) for index in (2, 0, 1)]
    of_sentences = [tokenizer.encode(forms, is_pretokenized=True).ids for forms in chosen]
    assert rows(batch) == [[special.start, *ids, special.end] for ids in of_sentences]
    assert batch.piece_ids.shape[1] % 8 == 0
    assert (batch.piece_ids[~batch.is_piece] == special.pad).all()


def test_tokens_know_their_places_and_their_first_and_last_piece(tokenizer_path):
    batch = DeviceSentences.of(SENTENCES, tokenizer_path, device=CPU).batch(np.array([2, 0]))
    assert batch.token_index.tolist() == [3, 4, 5, 0, 1]
    width = batch.piece_ids.shape[1]
    first, last = batch.first_piece_index.tolist(), batch.last_piece_index.tolist()
    assert (first[0], first[3]) == (1, width + 1)
    assert [first[1], first[2], first[4]] == [last[0] + 1, last[1] + 1, last[3] + 1]
    assert last[4] == width + int(batch.is_piece[1].sum()) - 2


def test_a_token_without_pieces_is_read_from_the_piece_before_it(tokenizer_path):
    sentences = [("ab", "\x01", "c"), ("\x01", "c")]
    batch = DeviceSentences.of(sentences, tokenizer_path, device=CPU).batch(np.arange(2))
    first, last = batch.first_piece_index.tolist(), batch.last_piece_index.tolist()
    assert first[1] == last[1] == last[0]
    assert first[2] == last[0] + 1
    # Before the first token there is none.
    assert first[3] == last[3] == first[4] == batch.piece_ids.shape[1] + 1


def test_noise_masks_pieces_but_the_opening_one(tokenizer_path, special):
    words, forms = encoded(SENTENCES, tokenizer_path)
    tokens = np.array([20, 21, 0])
    sentences = DeviceSentences(words, forms, special, device=CPU, treebank_tokens=tokens)
    plain = sentences.batch(np.arange(3))
    assert plain.piece_ids[:, 0].tolist() == [20, 21, special.start]
    noise = Noise(changed_share=0.0, named_share=0.0, piece_dropout=1.0)
    masked = sentences.batch(np.arange(3), noise)
    assert masked.piece_ids[:, 0].tolist() == [special.start] * 3
    inner = masked.is_piece.clone()
    inner[:, 0] = False
    assert (masked.piece_ids[inner] == special.mask).all()
    assert (masked.piece_ids[~masked.is_piece] == special.pad).all()


def test_long_and_empty_sentences_do_not_fit(tokenizer_path):
    words, forms = encoded([("a",), ("a",) * 9, ()], tokenizer_path)
    assert forms.lengths(words).tolist() == [3, 11, 2]
    assert forms.fitting(words, max_pieces=8).tolist() == [0]


def test_cutting_the_work_into_jobs_changes_nothing(tokenizer_path, monkeypatch):
    _, forms = encoded(SENTENCES, tokenizer_path)
    monkeypatch.setattr("mtag_core.training.data.pieces._JOB_FORMS", 1)
    _, in_jobs = encoded(SENTENCES, tokenizer_path)
    assert in_jobs.ids.tolist() == forms.ids.tolist()
    assert in_jobs.n_pieces.tolist() == forms.n_pieces.tolist()


def test_a_vocabulary_without_special_pieces_is_an_error(tmp_path):
    from tokenizers.models import WordLevel

    from mtag_core.errors import FormatError

    Tokenizer(WordLevel({"a": 0}, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(FormatError, match=r"expected the pieces \[CLS\], \[SEP\]"):
        SpecialPieces.load(tmp_path / "tokenizer.json")
