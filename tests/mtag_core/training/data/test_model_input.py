import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.data.datasets import SourcedWords, WordSentences
from mtag_core.training.data.model_input import DeviceWords, ModelInput
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.data.text import train_vocabulary

CPU = torch.device("cpu")
SENTENCES = [["ab", "abcabc"], ["c"], ["abc", "ab", "ba"]]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    train_vocabulary([("a", "b", "c", "ab", "ab")], n_pieces=14).save(str(path))
    return path


@pytest.fixture(params=[True, False], ids=["words", "wordpieces"])
def reader(tokenizer, request):
    return ModelInput(tokenizer, request.param, CPU, max_pieces=7)


@pytest.fixture
def dataset():
    form_to_id: dict[str, int] = {}
    words = WordSentences.of(SENTENCES, form_to_id)
    ids = np.arange(6)
    per_sentence = np.zeros(3, np.int64)
    whole = SourcedWords(words, ("xx_a",), per_sentence, per_sentence, {"upos": ids})
    return whole, list(form_to_id)


def test_tokens_have_the_same_places_for_both_kinds(reader, dataset):
    whole, forms = dataset
    sentences = reader.sentences(whole.words, reader.forms(forms))
    assert isinstance(sentences, DeviceWords if reader.has_words else DeviceSentences)
    assert sentences.batch(np.array([2, 0])).token_index.tolist() == [3, 4, 5, 0, 1]


def test_long_sentences_of_wordpieces_are_left_out_with_their_labels(reader, dataset):
    whole, forms = dataset
    kept, sentences = reader.dataset(whole, reader.forms(forms))
    assert len(sentences.words) == len(kept.words)
    assert len(kept.labels["upos"]) == kept.words.n_tokens.sum()
    # Of wordpieces nothing is longer than seven, [CLS] and [SEP] counted.
    assert reader.has_words or sentences.lengths.max() <= 7
    assert len(kept.words) == 3 or not reader.has_words
