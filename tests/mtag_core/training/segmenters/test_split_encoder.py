from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from mtag_core.segmentation.split_features import N_SCRIPT_COLUMNS
from mtag_core.segmentation.splits import Candidates, Script
from mtag_core.training.data.treebanks import Surface
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.trained_model import EncoderConfig
from mtag_core.training.segmenter_options import LabelSplitsOptions
from mtag_core.training.segmenters.encoder_labels import SplitEncoder, Splitter
from tests.mtag_core.training.tiny_training import toy_tokenizer

_HA = Script("ha", "", ("ha",), "", "", ())
_O = Script("", "o", (), "", "_", ("hu",))
_HA_O = Script("ha", "o", ("ha",), "", "_", ("hu",))
_HABEIT = Surface("habeit", ("ha", "beit"), True)


@pytest.fixture
def splitter(tmp_path):
    toy_tokenizer().save(str(tmp_path / "tokenizer.json"))
    place = Path("not read")
    options = LabelSplitsOptions(
        encoder=str(tmp_path), treebanks=place, text=place, output=place, max_pieces=8
    )
    return Splitter(Candidates([_HA, _O, _HA_O]), np.zeros(4, np.uint8), options)


def test_answers_say_which_scripts_are_right(splitter):
    tokens = [Surface("hadodo", ("ha", "dodo"), True), Surface(".", (), True), _HABEIT]
    questions, choices = splitter.ask([tokens])
    made = [("hadodo",), ("hadod_", "hu"), ("ha", "dodo"), ("ha", "dod_", "hu")]
    assert choices.tokens == [*made, (".",), ("habeit",), ("ha", "beit")]
    features, is_script, is_right = questions.answers(torch.tensor([1, 0]))
    assert features.shape == (5, N_SCRIPT_COLUMNS)
    assert is_script.tolist() == [[True] + [False] * 3, [True] * 4]
    assert is_right.tolist() == [[False] * 4, [each == ("ha", "dodo") for each in made]]


def test_sentences_of_too_many_pieces_are_left_out(splitter):
    short = [_HABEIT]
    assert splitter.fitting([short, [_HABEIT] * 9, short]) == [short, short]


def test_the_most_probable_tokens_are_chosen(splitter):
    def member(batch, features, is_script):
        scores = torch.zeros(is_script.shape).masked_fill(~is_script, -torch.inf)
        scores[:, -1] += is_script[:, -1]
        return scores

    member.eval = lambda: None
    sentences = [[Surface("hadodo", ()), Surface(".", ())]]
    assert splitter.split([member], sentences) == [
        [Surface("hadodo", ("ha", "dod_", "hu")), Surface(".", (".",))]
    ]
    assert splitter.split([member], sentences, 0.9)[0][0].tokens == ()


class _Pieces(torch.nn.Module):
    """Gives each piece of a sentence a vector that says where it stands."""

    config = EncoderConfig(9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1)

    def __init__(self):
        super().__init__()
        self.embeddings = torch.nn.Module()
        self.embeddings.word_embeddings = torch.nn.Embedding(9, 4)

    def forward(self, piece_ids, is_piece, added=None):
        return torch.eye(4)[: piece_ids.shape[1]].expand(len(piece_ids), -1, -1)


def _scores(encoder, features):
    ids = torch.ones(1, 4, dtype=torch.long)
    batch = Batch(ids, ids > 0, torch.tensor([1, 3]), torch.tensor([2, 3]), torch.tensor([0, 1]))
    is_script = torch.tensor([[True, True, False], [True, True, True]])
    return encoder(batch, torch.tensor(features), is_script)


def test_features_that_were_never_seen_say_nothing():
    scores = _scores(SplitEncoder(_Pieces()).eval(), [[0, 1], [2, 3], [0, 1], [2, 3], [4, 5]])
    assert scores.isinf().tolist() == [[False, False, True], [False] * 3]
    torch.testing.assert_close(scores[0, 0], scores[0, 1])
    torch.testing.assert_close(scores[1], scores[1, :1].expand(3))


def test_scripts_are_told_apart_by_their_features_and_their_token():
    encoder = SplitEncoder(_Pieces()).eval()
    torch.nn.init.normal_(encoder.of_feature.weight)
    scores = _scores(encoder, [[0, 1], [0, 2], [0, 1], [0, 2], [3, 3]])
    assert scores[0, 0] != scores[0, 1]
    assert scores[0, 0] != scores[1, 0]
    # The order of features says nothing.
    reordered = _scores(encoder, [[1, 0], [2, 0], [1, 0], [2, 0], [3, 3]])
    torch.testing.assert_close(reordered, scores)
