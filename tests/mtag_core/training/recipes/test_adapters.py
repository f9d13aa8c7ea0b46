import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mtag_core.__main__ import main
from mtag_core.labels import load_labels, save_labels
from mtag_core.tagging.bundle import write_manifest
from mtag_core.training.networks.trained_model import read_student
from tests.mtag_core.training.tiny_teacher import write_model
from tests.mtag_core.training.tiny_word_bundle import tiny_labels, write_word_bundle

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
    return SimpleNamespace(upos=head, feats=head, lemmas=head, adapters=adapters)


@pytest.mark.parametrize(
    ("labels", "kept"),
    [([0, 1], 0.0), ([1, 1], 8.0), ([1, 1, 0], 4.0)],
    ids=["none helps", "all of it is needed", "all of it is too much"],
)
def test_so_much_of_an_adapter_is_kept_as_suits_other_tokens(model, labels, kept):
    vectors = torch.tensor([[-6.0], [1.0]] if len(labels) == 2 else [[-3.0], [1.0], [-5.0]])
    ids = torch.tensor(labels)
    labels = {"upos": ids, "feats": ids, "lemmas": torch.full_like(ids, -1)}
    tokens = TokenVectors(vectors, labels, torch.zeros_like(ids))
    _keep_best_shares(tokens, model, ("en_toy",))
    assert model.adapters.weight.flatten().tolist() == [0.0, kept]


def test_models_of_wordpieces_have_no_adapters(tmp_path, capsys):
    model = write_model(tmp_path / "model")
    flags = ["--model", str(model), "--treebanks", "ud", "--output", str(tmp_path / "fitted")]
    assert main(["train", "adapters", *flags]) == 2
    assert "reads wordpieces, expected a student of words" in capsys.readouterr().err


CONLLU = "1\tab\tab\tNOUN\t_\tF=V3\t_\t_\t_\t_\n2\tc\tca\tX\t_\tF=V2\t_\t_\t_\t_\n\n"


def test_what_a_bundle_knew_of_other_treebanks_is_kept(tmp_path):
    bundle = write_word_bundle(tmp_path / "bundle")
    styled = replace(tiny_labels(), styles={"en": "en_y"})
    save_labels(styled, bundle)
    write_manifest(bundle, scores={})
    (tmp_path / "ud").mkdir()
    for part in ("train", "dev"):
        (tmp_path / "ud" / f"xx_new-ud-{part}.conllu").write_text(CONLLU * 40)
    _run(tmp_path, "bundle unpack --bundle bundle --output student")
    tokenizer = json.loads((tmp_path / "student" / "tokenizer.json").read_text())
    # The tiny model lacks pieces that every trained tokenizer has.
    pieces = tokenizer["model"]["vocab"]
    pieces |= {"[CLS]": len(pieces), "[SEP]": len(pieces) + 1}
    (tmp_path / "student" / "tokenizer.json").write_text(json.dumps(tokenizer))
    _run(tmp_path, "train adapters --model student --treebanks ud --output fitted")
    _run(tmp_path, "bundle export --model fitted --treebanks ud --output new --skip_scores")
    before, after = (read_student(tmp_path / name) for name in ("student", "fitted"))
    np.testing.assert_array_equal(
        after.weights["adapters.weight"][:3], before.weights["adapters.weight"]
    )
    assert after.config["treebanks"] == [*before.config["treebanks"], "xx_new"]
    labels = load_labels(tmp_path / "new")
    assert labels.styles == {"en": "en_y", "xx": "xx_new"}
    noun = labels.upos.index("NOUN")
    known = tiny_labels().feats_of_upos
    assert labels.feats_of_upos[noun] == tuple(sorted({*known[noun], 3}))
    assert labels.feats_of_upos[0] == known[0]
    assert after.from_bundle == before.from_bundle
    assert after.config["ranges"] == before.config["ranges"] != {}


def _run(folder, command):
    words = command.split()
    paths = {"bundle", "student", "fitted", "new", "ud"}
    own = [
        str(folder / word) if word in paths and at > 1 else word for at, word in enumerate(words)
    ]
    assert main(own) == 0
