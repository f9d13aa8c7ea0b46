import json
from dataclasses import replace

import numpy as np
import pytest

from mtag_core.__main__ import main
from mtag_core.known_lemmas import KNOWN_LEMMAS, KnownLemmas
from mtag_core.labels import load_labels, save_labels
from mtag_core.lemma_exceptions import EXCEPTIONS, LemmaExceptions
from mtag_core.tagging.bundle import write_manifest
from mtag_core.training.networks.trained_model import read_student
from mtag_core.treebank_classifier import N_BUCKETS, TREEBANK_CLASSIFIER, TreebankClassifier
from tests.mtag_core.training.tiny_teacher import write_model
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle
from tests.without_packages import run_without

CONLLU = "1\tab\t_\tNOUN\t_\tF=V1\t_\t_\t_\t_\n2\tcde\t_\tVERB\t_\tF=V2\t_\t_\t_\t_\n\n"


@pytest.fixture
def treebanks(tmp_path):
    folder = tmp_path / "ud"
    folder.mkdir()
    for part in ("train", "dev", "test"):
        (folder / f"xx_a-ud-{part}.conllu").write_text(CONLLU * 3)
    return folder


@pytest.fixture(params=["relu", "gelu"])
def model(tmp_path, request):
    return write_model(tmp_path / "model", hidden_act=request.param)


@pytest.fixture
def bundle(tmp_path, model, treebanks):
    flags = ["--model", str(model), "--treebanks", str(treebanks)]
    assert main(["export", *flags, "--output", str(tmp_path / "bundle")]) == 0
    return tmp_path / "bundle"


def _unpack(bundle, output):
    return main(["unpack-bundle", "--bundle", str(bundle), "--output", str(output)])


def test_weights_come_back_up_to_rounding(model, bundle, tmp_path):
    assert _unpack(bundle, tmp_path / "again") == 0
    before, after = _weights(model), _weights(tmp_path / "again")
    assert after.keys() == before.keys()
    for name, weight in before.items():
        step = np.abs(weight).max() / 63
        np.testing.assert_allclose(after[name], weight, atol=step, err_msg=name)


def test_a_student_that_reads_words_comes_back(tmp_path):
    directory = write_word_bundle(tmp_path / "words")
    assert _unpack(directory, tmp_path / "again") == 0
    before, after = (read_student(tmp_path / name) for name in ("words-model", "again"))
    assert after.weights.keys() == before.weights.keys()
    for name, weight in before.weights.items():
        step = np.abs(weight).max() / 63
        np.testing.assert_allclose(after.weights[name], weight, atol=step, err_msg=name)
    assert (after.feats, after.lemma_rules) == (before.feats, before.lemma_rules)
    assert after.shape.layer_norm_eps == pytest.approx(before.shape.layer_norm_eps)
    changed = {"temperatures", "styles", "layer_norm_eps", "is_trained_on_dev"}
    assert {k: v for k, v in after.config.items() if k not in changed} == {
        k: v for k, v in before.config.items() if k not in changed
    }


def test_tables_of_treebanks_that_are_not_at_hand_are_kept(treebanks, tmp_path):
    directory = write_word_bundle(tmp_path / "words")
    labels = replace(load_labels(directory), treebanks=("pl_a", "pl_b"))
    save_labels(labels, directory)
    table = [{7: "=go", 9: "l|0+|1+"}, {7: "=wend"}]
    LemmaExceptions.of(table).save(directory / EXCEPTIONS)
    weights = dict.fromkeys(labels.treebanks, np.arange(N_BUCKETS).astype(np.int8))
    TreebankClassifier(weights).save(directory / TREEBANK_CLASSIFIER)
    KnownLemmas.of({"de": [3, 5]}).save(directory / KNOWN_LEMMAS)
    write_manifest(directory, scores={})
    assert _unpack(directory, tmp_path / "again") == 0
    flags = ["--model", str(tmp_path / "again"), "--treebanks", str(treebanks), "--skip_scores"]
    assert main(["export", *flags, "--output", str(tmp_path / "new")]) == 0
    after = load_labels(tmp_path / "new")
    assert after.exceptions.code_to_rule == table
    assert after.classifier is not None
    assert after.classifier.treebank_to_weights.keys() == weights.keys()
    for name, kept in after.classifier.treebank_to_weights.items():
        assert (kept == weights[name]).all()
    assert list(after.known_lemmas.language_to_codes["de"]) == [3, 5]


def _weights(directory):
    """The weights of a model; positions and types as their sum, which is all that is used."""
    weights = dict(read_student(directory).weights)
    types = weights.pop("embeddings.token_type_embeddings.weight")
    weights["embeddings.position_embeddings.weight"] += types[0]
    return weights


def test_shape_and_labels_come_back(model, bundle, tmp_path):
    assert _unpack(bundle, tmp_path / "again") == 0
    before, after = read_student(model), read_student(tmp_path / "again")
    assert after.shape.n_layers == before.shape.n_layers
    assert after.shape.n_heads == before.shape.n_heads
    assert after.shape.hidden_act == before.shape.hidden_act
    assert after.feats == before.feats


@pytest.mark.parametrize("is_trained_on_dev", [True, False])
def test_whether_it_was_trained_on_dev_comes_back(tmp_path, treebanks, is_trained_on_dev):
    model = write_model(tmp_path / "model", hidden_act="relu", is_trained_on_dev=is_trained_on_dev)
    flags = ["--model", str(model), "--treebanks", str(treebanks)]
    assert main(["export", *flags, "--output", str(tmp_path / "bundle")]) == 0
    assert _unpack(tmp_path / "bundle", tmp_path / "again") == 0
    config = json.loads((tmp_path / "again" / "config.json").read_text())
    assert config["is_trained_on_dev"] is is_trained_on_dev


def test_a_bundle_that_does_not_say_was_trained_on_dev(bundle, tmp_path):
    manifest = json.loads((bundle / "bundle.json").read_text())
    del manifest["is_trained_on_dev"]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    assert _unpack(bundle, tmp_path / "again") == 0
    config = json.loads((tmp_path / "again" / "config.json").read_text())
    assert config["is_trained_on_dev"] is True


def test_unpacking_needs_no_torch(bundle, tmp_path):
    flags = ["--bundle", str(bundle), "--output", str(tmp_path / "again")]
    done = run_without(["torch", "transformers"], "mtag_core", "unpack-bundle", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert _weights(tmp_path / "again").keys() == _weights(tmp_path / "model").keys()


def test_another_graph_is_refused(bundle, tmp_path, capsys):
    import onnx

    graph = onnx.load(str(bundle / "tagger.onnx"))
    kept = [item for item in graph.graph.initializer if item.name != "pieces"]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    (bundle / "tagger.onnx").write_bytes(graph.SerializeToString())
    write_manifest(bundle, scores={})
    assert _unpack(bundle, tmp_path / "again") == 1
    message = capsys.readouterr().err
    assert "tagger.onnx: KeyError('pieces'), expected an int8 student" in message
