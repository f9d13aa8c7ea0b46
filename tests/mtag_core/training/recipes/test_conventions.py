from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.recipes.conventions import Correction, _best_share, _Tokens


@pytest.fixture
def model():
    """Its label is 1 where a vector's only number is above 0."""
    head = torch.nn.Linear(1, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        head.bias.zero_()
    return SimpleNamespace(upos=head, feats=head)


def _correction(bias):
    correction = Correction(1, 1).requires_grad_(False)
    correction.bias.fill_(bias)
    return correction


@pytest.mark.parametrize(
    ("labels", "kept_bias"),
    [([0, 1], 0.0), ([1, 1], 8.0), ([1, 1, 0], 4.0)],
    ids=["none helps", "all of it is needed", "all of it is too much"],
)
def test_so_much_of_a_correction_is_kept_as_suits_other_tokens(model, labels, kept_bias):
    vectors = torch.tensor([[-6.0], [1.0]] if len(labels) == 2 else [[-3.0], [1.0], [-5.0]])
    tokens = _Tokens(vectors, torch.tensor(labels), torch.tensor(labels))
    kept, _ = _best_share(_correction(8.0), tokens, model)
    assert float(kept.bias) == kept_bias
    assert float(kept(torch.tensor([[1.0]]))) == 1.0 + kept_bias


def test_half_a_correction_changes_half_as_much():
    whole = Correction(3, 2).requires_grad_(False)
    for parameter in whole.parameters():
        torch.nn.init.normal_(parameter)
    vectors = torch.randn(5, 3)
    change = whole(vectors) - vectors
    torch.testing.assert_close(whole.scaled(0.5)(vectors) - vectors, change / 2)
