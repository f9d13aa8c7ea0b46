import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
transformers = pytest.importorskip("transformers", reason="install mtag[train]")

from mtag_core.training.networks.model import BertEncoder
from mtag_core.training.networks.pretrained import from_config, piece_table
from mtag_core.training.networks.trained_model import EncoderConfig


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.filterwarnings("ignore")
def test_outputs_equal_hugging_face_bert(activation):
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=24,
        hidden_act=activation,
    )
    reference = transformers.BertModel(config, add_pooling_layer=False).eval()
    encoder = BertEncoder(EncoderConfig(50, 16, 2, 4, 24, hidden_act=activation)).eval()
    encoder.load_state_dict(reference.state_dict())
    piece_ids = torch.randint(1, 50, (3, 8))
    is_piece = torch.arange(8) < torch.tensor([8, 5, 2])[:, None]
    expected = reference(input_ids=piece_ids, attention_mask=is_piece.long()).last_hidden_state
    torch.testing.assert_close(encoder(piece_ids, is_piece)[is_piece], expected[is_piece])


def test_padding_does_not_change_a_sentence():
    torch.manual_seed(0)
    encoder = BertEncoder(EncoderConfig(50, 16, 2, 4, 24)).eval()
    piece_ids = torch.randint(1, 50, (1, 5))
    padded = torch.cat([piece_ids, torch.zeros(1, 3, dtype=torch.long)], dim=1)
    is_piece = torch.arange(8)[None] < 5
    alone = encoder(piece_ids, is_piece[:, :5])
    torch.testing.assert_close(encoder(padded, is_piece)[:, :5], alone)


def _own():
    return BertEncoder(EncoderConfig(50, 16, 2, 4, 24))


def _roberta():
    shape = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "intermediate_size": 24}
    return from_config({"model_type": "xlm-roberta", **shape, **heads})


@pytest.mark.parametrize("make", [_own, _roberta])
def test_what_is_added_to_a_piece_can_make_it_another(make):
    torch.manual_seed(0)
    encoder = make().eval()
    one, other = torch.randint(2, 50, (2, 1, 5))
    is_piece = torch.ones(1, 5, dtype=torch.bool)
    table = piece_table(encoder)
    made = encoder(one, is_piece, table(other) - table(one))
    torch.testing.assert_close(made, encoder(other, is_piece), rtol=1e-4, atol=1e-5)
