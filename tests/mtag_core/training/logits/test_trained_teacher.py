from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.errors import CheckpointError
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.logits.logits_run import fit_basis
from mtag_core.training.logits.soft_targets import (
    SummaryOptions,
    rebuild_feats_probs,
    summarise_feats,
)
from mtag_core.training.logits.trained_teacher import TrainedTeacher
from mtag_core.training.networks.model_files import Network
from tests.mtag_core.training.logit_samples import logits_of, sentence
from tests.mtag_core.training.tiny_teacher import N_FEATS, write_model
from tests.mtag_core.training.tiny_word_model import write_word_model

SENTENCES = [sentence(words, language=language) for words, language in (
    ("abc de f", "de"), ("jih", "en"), ("a b c d e f g h i j", "xx"), ("abcdefgh hgf", "de"),
)]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture(scope="module")
def teacher(model: Path) -> TrainedTeacher:
    return TrainedTeacher(model)


def test_every_token_gets_all_its_logits(teacher: TrainedTeacher):
    results = logits_of(teacher, SENTENCES)
    for words, logits in zip(SENTENCES, results, strict=True):
        assert logits.upos.shape == (len(words.forms), 17)
        assert logits.feats.shape == (len(words.forms), N_FEATS)


def test_logits_are_those_that_training_learnt_with(model: Path, teacher: TrainedTeacher):
    network = Network.load(model, device=torch.device("cpu"))
    forms = [SENTENCES[2].forms]
    sentences = DeviceSentences.of(forms, model / "tokenizer.json", device=torch.device("cpu"))
    with torch.no_grad():
        expected = network.model.eval()(sentences.batch(np.arange(1)))
    (logits,) = logits_of(teacher, [SENTENCES[2]])
    assert np.allclose(logits.upos, expected["upos"].numpy(), atol=1e-4)
    assert np.allclose(logits.feats, expected["feats"].numpy(), atol=1e-4)


def test_logits_do_not_depend_on_neighbours(teacher: TrainedTeacher):
    for words, together in zip(SENTENCES, logits_of(teacher, SENTENCES), strict=True):
        (alone,) = logits_of(teacher, [words])
        assert np.allclose(alone.feats, together.feats, atol=1e-4)


def test_opening_piece_follows_the_language(teacher: TrainedTeacher):
    german, english = logits_of(teacher, [sentence("abc", language=code) for code in ("de", "en")])
    assert not np.allclose(german.feats, english.feats)


def test_sentence_over_the_limit_keeps_all_tokens(teacher: TrainedTeacher):
    (logits,) = logits_of(teacher, [sentence(" ".join(["abcdefgh"] * 20))])
    assert logits.upos.shape == (20, 17)
    (first,) = logits_of(teacher, [sentence("abcdefgh abcdefgh abcdefgh")])
    assert np.allclose(logits.upos[:3], first.upos, atol=1e-4)


def test_token_longer_than_the_model_and_token_without_pieces(teacher: TrainedTeacher):
    (logits,) = logits_of(teacher, [sentence("a " + "b" * 90 + " \x01 c")])
    assert logits.upos.shape == (4, 17) and np.isfinite(logits.upos).all()


def test_digest_follows_the_weights(tmp_path: Path, teacher: TrainedTeacher):
    assert TrainedTeacher(write_model(tmp_path / "same")).digest == teacher.digest
    other = TrainedTeacher(write_model(tmp_path / "relu", hidden_act="relu"))
    assert other.digest != teacher.digest


@pytest.mark.parametrize("tail_rank", [0, 4])
def test_summaries_are_those_of_the_logits(teacher: TrainedTeacher, tail_rank: int):
    teacher.summary = SummaryOptions(top_k=5, temperatures=(1.0, 3.0), tail_rank=tail_rank)
    teacher.basis = fit_basis(teacher, SENTENCES, n_tokens=20) if tail_rank else None
    encoded = [teacher.encode(each) for each in SENTENCES]
    for scored, logits in zip(teacher.score(encoded), teacher.logits(encoded), strict=True):
        own = scored.feats_summary
        other = summarise_feats(logits.feats, teacher.summary, basis=teacher.basis)
        assert np.array_equal(own.label_ids, other.label_ids)
        assert own.label_ids.dtype == other.label_ids.dtype
        assert np.allclose(own.logits, other.logits, atol=1e-3)
        assert np.allclose(own.rest, other.rest, atol=1e-4)
        assert np.abs(own.tail.astype(int) - other.tail).max(initial=0) <= 1


def test_scores_keep_order_and_rebuild_the_softmax(teacher: TrainedTeacher):
    options = teacher.summary = SummaryOptions(top_k=8, temperatures=(1.0, 3.0), tail_rank=8)
    basis = teacher.basis = fit_basis(teacher, SENTENCES, n_tokens=100)
    rows = list(teacher.score([teacher.encode(each) for each in SENTENCES * 50]))
    assert [row.sentence for row in rows] == SENTENCES * 50
    (logits,) = logits_of(teacher, SENTENCES[:1])
    scored = rows[0]
    assert scored.feats_summary.label_ids[0, 0] == logits.feats[0].argmax()
    assert scored.upos[0] == teacher.upos_labels[int(logits.upos[0].argmax())]
    for temperature in options.temperatures:
        probs = rebuild_feats_probs(
            scored.feats_summary, n_labels=N_FEATS, temperature=temperature,
            temperatures=options.temperatures, basis=basis,
        )  # fmt: skip
        scaled = np.exp(logits.feats / temperature)
        assert np.abs(probs - scaled / scaled.sum(1, keepdims=True)).sum() < 0.05


def test_basis_of_no_sentences_is_none(teacher: TrainedTeacher):
    assert fit_basis(teacher, [], n_tokens=10) is None


def test_best_labels_follow_the_treebank(teacher: TrainedTeacher):
    told = teacher.best_labels([SENTENCES[0].forms], treebank="de_x")
    (logits,) = logits_of(teacher, SENTENCES[:1])
    upos, feats = told[0]
    assert upos == tuple(teacher.upos_labels[index] for index in logits.upos.argmax(1))
    assert feats == tuple(teacher.feats_labels[index] for index in logits.feats.argmax(1))
    letters = [(first, second) for first in "abcdefghij" for second in "abcdefghij"]
    assert teacher.best_labels(letters) != teacher.best_labels(letters, treebank="de_x")


def test_a_directory_without_a_model_is_an_error(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"expected config\.json, tokenizer\.json"):
        TrainedTeacher(tmp_path)


def test_student_of_words_is_no_teacher(tmp_path: Path):
    with pytest.raises(CheckpointError, match="a student of words, expected a teacher"):
        TrainedTeacher(write_word_model(tmp_path / "m"))
