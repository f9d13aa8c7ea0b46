import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.tagging.forms import CASES, FormFeatures
from mtag_core.training.data.datasets import WordSentences
from mtag_core.training.data.model_input import (
    DeviceWords,
    FormTable,
    without_diacritics,
)
from mtag_core.training.data.text import train_vocabulary
from mtag_core.training.options import Noise

CPU = torch.device("cpu")
CHANGED = Noise(changed_share=1.0, named_share=1.0, piece_dropout=0.0)
NAMELESS = Noise(changed_share=0.0, named_share=0.0, piece_dropout=0.0)
MASKED = Noise(changed_share=0.0, named_share=1.0, piece_dropout=1.0)
SENTENCES = [["Le", "caf\u00e9", "d'", "\u00e9t\u00e9", "."], ["Ja", "!"], ["\u732b", "42"]]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    forms = [tuple(form.lower() for form in sentence) for sentence in SENTENCES]
    train_vocabulary(forms * 3, n_pieces=60).save(str(path))
    return path


@pytest.fixture(scope="module")
def made(tokenizer):
    form_to_id: dict[str, int] = {}
    words = WordSentences.of(SENTENCES, form_to_id)
    return words, list(form_to_id), FormTable.of(list(form_to_id), tokenizer)


def changed(words, table, monkeypatch, sixth):
    """The batch of all sentences, each changed in one way."""
    draw = (sixth + 0.5) / 6
    monkeypatch.setattr(torch, "rand", lambda *shape, device=None: torch.full((3,), draw))
    return DeviceWords(words, table, device=CPU).batch(np.arange(3), CHANGED)


def cases(batch):
    return [CASES[case] for case in batch.forms.case[batch.form_index].tolist()]


def test_batch_reads_each_token_once_in_order(made):
    words, _, table = made
    batch = DeviceWords(words, table, device=CPU).batch(np.array([1, 0]))
    assert batch.is_token.sum(1).tolist() == [2, 5]
    assert batch.token_index.tolist() == [5, 6, 0, 1, 2, 3, 4]
    pieces = batch.forms.pieces[batch.form_index]
    assert pieces.tolist() == table.pieces[words.form_ids[batch.token_index]].tolist()


def test_ngrams_of_a_batch_are_those_of_its_forms(made):
    words, _, table = made
    batch = DeviceWords(words, table, device=CPU).batch(np.array([2]))
    ends = [*batch.forms.ngram_offsets.tolist()[1:], len(batch.forms.ngrams)]
    offsets = table.ngram_offsets
    for form, row in zip(words.form_ids[-2:], batch.form_index.tolist(), strict=True):
        expected = table.ngrams[offsets[form] : offsets[form + 1]].tolist()
        found = batch.forms.ngrams[batch.forms.ngram_offsets[row] : ends[row]].tolist()
        assert found == expected


def test_capitals_change_letter_case_alone(made, monkeypatch):
    words, _, table = made
    upper = changed(words, table, monkeypatch, 0)
    assert cases(upper) == ["upper"] * 4 + ["none", "upper", "none", "none", "none"]
    lower = changed(words, table, monkeypatch, 1)
    assert cases(lower) == ["lower"] * 4 + ["none", "lower", "none", "none", "none"]
    assert lower.token_index.tolist() == list(range(9))


def test_diacritics_are_lost(made, monkeypatch, tokenizer):
    words, _, table = made
    batch = changed(words, table, monkeypatch, 2)
    expected = FormFeatures(tokenizer)(["Le", "cafe", "d'", "ete", "."]).pieces
    assert batch.forms.pieces[batch.form_index[:5]].tolist() == expected.tolist()


def test_quotes_become_typographic(made, monkeypatch, tokenizer):
    words, _, table = made
    batch = changed(words, table, monkeypatch, 4)
    expected = FormFeatures(tokenizer)(["d\u2019"]).pieces
    assert batch.forms.pieces[batch.form_index[2]].tolist() == expected[0].tolist()


def test_final_mark_is_left_out(made, monkeypatch):
    words, _, table = made
    assert changed(words, table, monkeypatch, 5).token_index.tolist() == [0, 1, 2, 3, 5, 7, 8]


def test_treebanks_are_named_for_a_share(made):
    words, _, table = made
    rows = np.array([1, 2, 0])
    sentences = DeviceWords(words, table, device=CPU, treebank_rows=rows)
    batch = sentences.batch(np.arange(3))
    assert batch.treebank_ids.tolist() == [1] * 5 + [2] * 2 + [0] * 2
    assert sentences.batch(np.arange(3), NAMELESS).treebank_ids.sum() == 0


def test_masked_pieces_are_pieces(made):
    words, _, table = made
    sentences = DeviceWords(words, table, device=CPU, mask_piece=4)
    batch = sentences.batch(np.arange(3))
    masked = sentences.batch(np.arange(3), MASKED).forms.pieces
    assert (masked[batch.forms.pieces > 0] == 4).all()
    assert (masked[batch.forms.pieces == 0] == 0).all()


def test_table_is_saved(made, tmp_path):
    _, _, table = made
    table.save(tmp_path / "forms.npz")
    loaded = FormTable.load(tmp_path / "forms.npz")
    assert loaded.bare.tolist() == table.bare.tolist()
    assert loaded.ngrams.tolist() == table.ngrams.tolist()


@pytest.mark.parametrize(
    ("form", "bare"),
    [
        ("caf\u00e9", "cafe"),
        ("\u0395\u03bb\u03bb\u03ac\u03b4\u03b1", "\u0395\u03bb\u03bb\u03b1\u03b4\u03b1"),
        ("\u0451\u0436", "\u0435\u0436"),
        ("\u0439", "\u0439"),
        ("\u5fc5", "\u5fc5"),
    ],
)
def test_diacritics_of_latin_greek_and_yo(form, bare):
    assert without_diacritics(form) == bare
