from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.recipes.adapters import TokenVectors, _keep_best_shares


@pytest.fixture
def model():
    """Its label is 1 where a vector's only number is above 0; the treebank's adapter adds 8."""
    head = torch.nn.Linear(1, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        head.bias.zero_()
    adapters = torch.nn.Embedding(2, 1).requires_grad_(False)
    adapters.weight.copy_(torch.tensor([[0.0], [8.0]]))
    return SimpleNamespace(upos=head, feats=head, lemmas=None, adapters=adapters)


@pytest.mark.parametrize(
    ("labels", "kept"),
    [([0, 1], 0.0), ([1, 1], 8.0), ([1, 1, 0], 4.0)],
    ids=["none helps", "all of it is needed", "all of it is too much"],
)
def test_so_much_of_an_adapter_is_kept_as_suits_other_tokens(model, labels, kept):
    vectors = torch.tensor([[-6.0], [1.0]] if len(labels) == 2 else [[-3.0], [1.0], [-5.0]])
    ids = torch.tensor(labels)
    tokens = TokenVectors(vectors, {"upos": ids, "feats": ids}, torch.zeros_like(ids))
    _keep_best_shares(tokens, model, ("en_toy",))
    assert model.adapters.weight.flatten().tolist() == [0.0, kept]
