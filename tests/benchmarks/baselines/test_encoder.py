import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from benchmarks.baselines import encoder
from benchmarks.paper import facts, score
from mtag_core.errors import InputNotFoundError
from tests.mtag_core.training.tiny_training import write_everything
from tests.mtag_core.training.toy_treebanks import write_treebank

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_an_encoder_is_trained_once_a_treebank_and_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "DIRECTORY", tmp_path / "facts")
    write_everything(tmp_path)
    models, data = str(tmp_path / "models"), tmp_path / "treebanks"
    # One of the two has no dev file.
    flags = ["--data", str(data), "--encoder", str(tmp_path / "encoder"), "--models", models]
    arguments = [*flags, "--treebanks", "en_toy,en_play", "--peak_rate", "1e-2", "--epochs", "8"]
    assert encoder.main(arguments) == 0
    assert not (tmp_path / "models" / "en_play" / "checkpoint.pt").exists()
    # Trained again, the directory would be refused: its checkpoint is gone.
    monkeypatch.setattr(encoder, "train_teacher", None)
    assert encoder.main(arguments) == 0
    for treebank in ("en_toy", "en_play"):
        write_treebank(data / f"{treebank}-ud-test.conllu")
    pattern = str(data / "*-test.conllu")
    assert score.main(["encoder", "--models", models, "--treebanks", pattern]) == 0
    toy = str(tmp_path / "models" / "en_toy")
    many = ["encoder_multilingual", "--models", toy, "--treebanks", pattern]
    assert score.main([*many, "--gold_treebank"]) == 0
    assert facts.load_facts("encoder-gold").mean("UPOS", ["en_toy", "en_play"]) > 90
    assert set(facts.load_facts("encoder_multilingual-gold-told").treebank_to_f1) == {
        "en_toy",
        "en_play",
    }


def test_a_treebank_without_training_file_is_named(tmp_path):
    write_treebank(tmp_path / "en_toy-ud-train.conllu", repeats=1)
    write_treebank(tmp_path / "en_toy-ud-dev.conllu", repeats=1)
    flags = ["--data", str(tmp_path), "--encoder", "none", "--models", str(tmp_path / "models")]
    with pytest.raises(InputNotFoundError, match="no training file of br_keb"):
        encoder.main([*flags, "--treebanks", "br_keb"])
