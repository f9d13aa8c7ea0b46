from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.model_files import (
    bundle_parts,
    make_plain,
    new_student,
    share_weights,
)
from mtag_core.training.options import StudentShape

FEATS = ["_", "Case=Nom|Number=Sing", "Case=Nom|Number=Plur", "Number=Sing"]
PIECES = ["[PAD]", "cats", "##s", "dog", "a"]


@pytest.fixture
def student():
    torch.manual_seed(2)
    shape = StudentShape(architecture="minibert", hidden_size=8, n_layers=1)
    return new_student(
        shape, tuple(FEATS), (), (), tokenizer=Path("t"), n_pieces=len(PIECES), pad=0
    ).model.eval()


def logits_of(model):
    index = torch.tensor([1, 2])
    ids = torch.tensor([[1, 2, 3, 4]])
    return model(Batch(ids, torch.ones_like(ids, dtype=torch.bool), index, index, index))["feats"]


def test_sharing_starts_from_the_same_model(student):
    before = logits_of(student)
    share_weights(student, FEATS)
    torch.testing.assert_close(logits_of(student), before)


def test_the_plain_model_gives_the_logits_of_the_shared_one(student):
    names = set(student.state_dict())
    share_weights(student, FEATS)
    with torch.no_grad():
        for weight in student.parameters():
            weight += 0.3 * torch.randn_like(weight)
    shared = logits_of(student)
    make_plain(student)
    torch.testing.assert_close(logits_of(student), shared)
    assert set(student.state_dict()) == names


def test_a_rare_bundle_learns_from_its_attributes(student):
    share_weights(student, FEATS)
    logits_of(student)[:, 1].sum().backward()
    moved = student.feats.parametrizations.weight[0].shared.grad.abs().sum(1) > 0
    assert moved.tolist() == [row > 0 for row in bundle_parts(FEATS)[1].tolist()]


def test_bundles_have_their_attributes():
    assert bundle_parts(FEATS).sum(1).tolist() == [1, 2, 2, 1]


def test_a_plain_model_stays_as_it_is(student):
    before = logits_of(student)
    make_plain(student)
    torch.testing.assert_close(logits_of(student), before, rtol=0, atol=0)
