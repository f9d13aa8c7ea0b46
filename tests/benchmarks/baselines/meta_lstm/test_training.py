import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from benchmarks.baselines.meta_lstm.data import (
    Encoder,
    MetaLstmVocabulary,
    WordVectors,
    length_sorted_batches,
    train_vectors,
)
from benchmarks.baselines.meta_lstm.network import STAGES, MetaLstm, MetaLstmConfig
from benchmarks.baselines.meta_lstm.train import MetaLstmOptions, main
from benchmarks.baselines.meta_lstm.training import (
    MetaLstmTagger,
    train_meta_lstm,
)
from mtag_core.errors import CheckpointError, InputNotFoundError
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.loops.trainer import Trainer

SENTENCES = [
    LabelledSentence("en_toy", ("a", "dog", "runs"), ("DET", "NOUN", "VERB"), ("_", "N=1", "P=3")),
    LabelledSentence("en_toy", ("dogs", "run"), ("NOUN", "VERB"), ("N=2", "_")),
    LabelledSentence("en_toy", ("run", "!"), ("VERB", "PUNCT"), ("_", "_")),
]
SCHEDULE = dataclasses.replace(
    MetaLstmOptions().schedule, epochs=4.0, peak_rate=2e-2, checkpoint_minutes=0.0
)
OPTIONS = MetaLstmOptions(schedule=SCHEDULE, lstm_width=8, token_budget=6)


@pytest.fixture
def vectors():
    rows = {"dog": 1, "run": 2}
    return WordVectors(rows, torch.eye(3, 4).numpy())


@pytest.fixture
def model(vectors):
    torch.manual_seed(0)
    config = MetaLstmConfig(12, 12, 3, 4, 4, 3, lstm_width=8, mlp_width=8)
    return MetaLstm(config, torch.from_numpy(vectors.matrix)).eval()


@pytest.fixture
def encoder(vectors):
    return Encoder(MetaLstmVocabulary.build(SENTENCES, min_count=1), vectors.rows)


@pytest.mark.parametrize("stage", STAGES)
def test_logits_do_not_depend_on_neighbours(model, encoder, stage):
    alone = model.stage_logits(encoder.batch([("run", "!")]), stage)[0]
    both = model.stage_logits(encoder.batch([("run", "!"), ("a", "dog", "runs")]), stage)[0]
    torch.testing.assert_close(both[:1, :2], alone, atol=1e-6, rtol=0)


def test_the_meta_model_sends_no_gradient_down(model, encoder):
    sum(map(torch.sum, model.stage_logits(encoder.batch([("a", "dog")]), "meta"))).backward()
    assert all(weight.grad is None for weight in model.character.parameters())
    assert all(weight.grad is None for weight in model.word.parameters())


def test_lengths_stay_on_the_cpu_when_a_batch_moves(encoder):
    moved = encoder.batch([("a", "dog"), ("run",)]).to(torch.device("meta"))
    assert {moved.n_characters.device.type, moved.n_tokens.device.type} == {"cpu"}
    assert {moved.characters.device.type, moved.vectors.device.type} == {"meta"}


def test_vectors_of_another_shape_are_refused():
    config = MetaLstmConfig(12, 12, 3, 4, 4, 3)
    with pytest.raises(ValueError, match=r"shape \(2, 4\); expected \(3, 4\)"):
        MetaLstm(config, torch.zeros(2, 4))


def test_a_trained_model_knows_its_training_set(tmp_path, vectors):
    options = dataclasses.replace(
        OPTIONS,
        schedule=dataclasses.replace(SCHEDULE, epochs=40.0, checkpoint_minutes=5.0),
        lstm_width=16,
        unknown_share=0.0,
    )
    tagger = train_meta_lstm(SENTENCES, vectors, tmp_path, options=options)
    tagged = tagger.tag_tokens([sentence.forms for sentence in SENTENCES])
    assert [sentence.upos for sentence in tagged] == [sentence.upos for sentence in SENTENCES]
    assert [sentence.feats for sentence in tagged] == [sentence.feats for sentence in SENTENCES]


def test_a_run_that_was_cut_ends_with_the_same_weights(tmp_path, vectors, monkeypatch):
    whole = train_meta_lstm(SENTENCES, vectors, tmp_path / "whole", options=OPTIONS)
    n_saved = 0
    save = Trainer._save

    def save_and_stop(self, *args):
        nonlocal n_saved
        save(self, *args)
        n_saved += 1
        if n_saved == 12:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train_meta_lstm(SENTENCES, vectors, tmp_path / "cut", options=OPTIONS)
    resumed = train_meta_lstm(SENTENCES, vectors, tmp_path / "cut", options=OPTIONS)
    for name, weight in whole._model.state_dict().items():
        assert torch.equal(weight, resumed._model.state_dict()[name]), name


def test_another_run_in_the_directory_is_refused(tmp_path, vectors):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"config\.json: .* is None there"):
        train_meta_lstm(SENTENCES, vectors, tmp_path, options=OPTIONS)


def test_a_directory_without_model_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="no finished Meta-LSTM"):
        MetaLstmTagger.load(tmp_path)


def test_long_and_empty_sentences_are_tagged(tmp_path, vectors):
    options = MetaLstmOptions(schedule=dataclasses.replace(SCHEDULE, epochs=1.0), lstm_width=4)
    tagger = train_meta_lstm(SENTENCES, vectors, tmp_path, options=options)
    tagged = tagger.tag_tokens([["dog"] * 450, [], ["run"]])
    assert list(map(len, tagged)) == [450, 0, 1]


def test_batches_keep_to_the_budget_and_lose_nothing():
    lengths = [3, 9, 1, 4, 4, 30]
    batches = list(length_sorted_batches(lengths, token_budget=12, seed=1))
    assert sorted(index for batch in batches for index in batch) == list(range(6))
    assert all(
        len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 12 for batch in batches
    )


def test_vectors_of_languages_are_united_and_stored(tmp_path):
    (tmp_path / "a.txt").write_text("dog runs, dog runs.\n" * 5)
    (tmp_path / "b.txt").write_text("dog hund\n" * 5)
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    vectors = train_vectors(paths, width=4, n_epochs=1, max_sentences=5)
    assert {"dog", "runs", ",", "hund"} <= set(vectors.rows)
    vectors.save(tmp_path)
    loaded = WordVectors.load(tmp_path)
    assert loaded.rows == vectors.rows
    assert loaded.matrix.shape == (len(vectors.rows) + 1, 4)


def test_the_command_trains_and_names_its_output(tmp_path, capsys):
    line = "1\trun\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n"
    (tmp_path / "a.conllu").write_text(line * 3)
    arguments = ["--train", str(tmp_path / "*.conllu"), "--output", str(tmp_path / "out")]
    assert main([*arguments, "--epochs", "1", "--lstm_width", "4"]) == 0
    assert "weights" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "config.json").read_text())
    assert record["options"]["schedule"]["epochs"] == 1


def test_a_pattern_without_files_is_named(tmp_path):
    arguments = ["--train", str(tmp_path / "no*"), "--output", str(tmp_path / "out")]
    with pytest.raises(InputNotFoundError, match="no file matches"):
        main(arguments)
