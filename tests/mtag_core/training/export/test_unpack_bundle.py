import json
from dataclasses import replace

import numpy as np
import pytest

from mtag_core.__main__ import main
from mtag_core.labels import load_labels, save_labels
from mtag_core.lemma_tables import EXCEPTIONS, KNOWN_LEMMAS, KnownLemmas, LemmaExceptions
from mtag_core.tagging.bundle import write_manifest
from mtag_core.training.networks.trained_model import read_student
from mtag_core.treebank_style import N_BUCKETS, TREEBANK_CLASSIFIER, TreebankClassifier
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


@pytest.fixture
def bundle(tmp_path):
    return write_word_bundle(tmp_path / "words")


def _unpack(bundle, output):
    return main(["unpack-bundle", "--bundle", str(bundle), "--output", str(output)])


def test_a_student_comes_back_up_to_rounding(bundle, tmp_path):
    assert _unpack(bundle, tmp_path / "again") == 0
    before, after = (read_student(tmp_path / name) for name in ("words-model", "again"))
    assert after.weights.keys() == before.weights.keys()
    for name, weight in before.weights.items():
        step = np.abs(weight).max() / 63
        np.testing.assert_allclose(after.weights[name], weight, atol=step, err_msg=name)
    assert (after.feats, after.lemma_rules) == (before.feats, before.lemma_rules)
    changed = {"temperatures", "styles", "is_trained_on_dev", "ranges"}
    assert {k: v for k, v in after.config.items() if k not in changed} == {
        k: v for k, v in before.config.items() if k not in changed
    }


def test_tables_of_treebanks_that_are_not_at_hand_are_kept(bundle, treebanks, tmp_path):
    directory = bundle
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
    assert after.classifier.treebank_to_weights.keys() == weights.keys()
    for name, kept in after.classifier.treebank_to_weights.items():
        assert (kept == weights[name]).all()
    assert list(after.known_lemmas.language_to_codes["de"]) == [3, 5]


@pytest.mark.parametrize("is_trained_on_dev", [True, False])
def test_whether_it_was_trained_on_dev_comes_back(bundle, tmp_path, is_trained_on_dev):
    write_manifest(bundle, scores={}, is_trained_on_dev=is_trained_on_dev)
    assert _unpack(bundle, tmp_path / "again") == 0
    config = json.loads((tmp_path / "again" / "config.json").read_text())
    assert config["is_trained_on_dev"] is is_trained_on_dev


def test_unpacking_needs_no_torch(bundle, tmp_path):
    flags = ["--bundle", str(bundle), "--output", str(tmp_path / "again")]
    done = run_without(["torch", "transformers"], "mtag_core", "unpack-bundle", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    read_student(tmp_path / "again")


def test_another_graph_is_refused(bundle, tmp_path, capsys):
    import onnx

    graph = onnx.load(str(bundle / "tagger.onnx"))
    kept = [item for item in graph.graph.initializer if item.name != "positions"]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    (bundle / "tagger.onnx").write_bytes(graph.SerializeToString())
    write_manifest(bundle, scores={})
    assert _unpack(bundle, tmp_path / "again") == 1
    assert "words: KeyError('positions'), expected an int8 student" in capsys.readouterr().err
