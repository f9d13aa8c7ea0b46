import json

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.errors import CheckpointError
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.trained_model import ModelMetadata
from tests.mtag_core.training.networks.tiny_words import (
    N_UPOS,
    forms_of,
    sentences_of,
    tiny_word_student,
)
from tests.mtag_core.training.tiny_word_model import write_word_model

CPU = torch.device("cpu")
FORMS = forms_of([5], [6, 7, 8], list(range(9, 21)), [30, 31], [4, 5, 6, 7, 8, 9, 10])
METADATA = ModelMetadata(
    treebanks=("en_ewt", "pl_lfg"),
    styles={"pl": "pl_lfg"},
    temperatures={"upos": 1.5},
    is_trained_on_dev=True,
)
FEATS, RULES = tuple("_ABCDEF"), tuple("vwxyz")


@torch.no_grad()
def test_logits_have_one_row_a_token():
    logits = tiny_word_student()(sentences_of(FORMS, [0, 1, 2], [3]))
    shapes = [tuple(head.shape) for head in logits.values()]
    assert shapes == [(4, N_UPOS), (4, 7), (4, 5)]


@torch.no_grad()
def test_sentence_does_not_depend_on_its_neighbours():
    model = tiny_word_student()
    together = model(sentences_of(FORMS, [0, 1, 2, 3], [4, 1]))["feats"][4:]
    torch.testing.assert_close(together, model(sentences_of(FORMS, [4, 1]))["feats"])


@torch.no_grad()
def test_form_does_not_depend_on_the_other_forms():
    model = tiny_word_student()
    alone = forms_of([6, 7, 8])._replace(case=FORMS.case[1:2])
    torch.testing.assert_close(model.forms(FORMS)[1], model.forms(alone)[0])


@torch.no_grad()
def test_order_of_words_matters():
    model = tiny_word_student()
    there, back = (model(sentences_of(FORMS, ids))["upos"] for ids in ([0, 1, 2], [2, 1, 0]))
    assert not torch.allclose(there, back.flip(0))


@torch.no_grad()
def test_adapter_is_added_where_a_treebank_is_named():
    model = tiny_word_student()
    plain, named = (model(sentences_of(FORMS, [0, 1], treebank=row))["upos"] for row in (0, 2))
    shift = model.upos.weight @ model.adapters.weight[2]
    torch.testing.assert_close(named, plain + shift)


def test_row_of_no_treebank_learns_nothing():
    model = tiny_word_student()
    model(sentences_of(FORMS, [0, 1]))["upos"].sum().backward()
    assert model.adapters.weight.grad is not None
    assert model.adapters.weight.grad.abs().sum() == 0


@torch.no_grad()
def test_form_without_pieces_has_a_vector():
    vectors = tiny_word_student().forms(FORMS._replace(n_pieces=torch.tensor([0, 3, 12, 2, 7])))
    assert torch.isfinite(vectors).all()


def test_model_directory_gives_the_model_back(tmp_path):
    model = tiny_word_student()
    (tmp_path / "t.json").write_text("{}")
    Network(model, METADATA, FEATS, tmp_path / "t.json", RULES).save(tmp_path / "m")
    loaded = Network.load(tmp_path / "m", device=CPU)
    assert (loaded.metadata, loaded.feats, loaded.lemma_rules) == (METADATA, FEATS, RULES)
    assert loaded.model.config == model.config
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], weight.half().float())


def test_other_architecture_is_refused(tmp_path):
    write_word_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "minibert"}))
    with pytest.raises(CheckpointError, match=r"not a trained model directory: 'encoder'"):
        Network.load(tmp_path, device=CPU)
