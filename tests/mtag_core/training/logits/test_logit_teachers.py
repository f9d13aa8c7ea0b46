import json
from pathlib import Path

import numpy as np
import pytest

from mtag_core.__main__ import main
from mtag_core.errors import BundleError, CheckpointError
from mtag_core.training.export.export_teacher import export_teacher
from mtag_core.training.logits.logit_teachers import OnnxTeacher
from mtag_core.training.logits.scorer import Scorer
from mtag_core.training.logits.shared_basis import fit_basis
from mtag_core.training.logits.soft_targets import SummaryOptions, rebuild_feats_probs
from tests.mtag_core.training.logit_samples import logits_of, sentence
from tests.mtag_core.training.tiny_teacher import N_FEATS, write_model, write_tiny_teacher
from tests.mtag_core.training.tiny_word_model import write_word_model

SENTENCES = [sentence(words, language=language) for words, language in (
    ("abc de f", "de"), ("jih", "en"), ("a b c d e f g h i j", "xx"), ("abcdefgh hgf", "de"),
)]  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_teacher(tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="module")
def teacher(directory: Path) -> OnnxTeacher:
    return OnnxTeacher(directory)


def test_every_token_gets_all_its_logits(teacher: OnnxTeacher):
    results = logits_of(teacher, SENTENCES)
    for words, logits in zip(SENTENCES, results, strict=True):
        assert logits.upos.shape == (len(words.forms), 17)
        assert logits.feats.shape == (len(words.forms), N_FEATS)


def test_logits_do_not_depend_on_neighbours(teacher: OnnxTeacher):
    for words, together in zip(SENTENCES, logits_of(teacher, SENTENCES), strict=True):
        (alone,) = logits_of(teacher, [words])
        assert np.allclose(alone.feats, together.feats, atol=1e-4)


def test_opening_piece_follows_the_language(teacher: OnnxTeacher):
    german, english = logits_of(teacher, [sentence("abc", language=code) for code in ("de", "en")])
    assert not np.allclose(german.feats, english.feats)


def test_sentence_over_the_limit_keeps_all_tokens(teacher: OnnxTeacher):
    (logits,) = logits_of(teacher, [sentence(" ".join(["abcdefgh"] * 20))])
    assert logits.upos.shape == (20, 17)
    (first,) = logits_of(teacher, [sentence("abcdefgh abcdefgh abcdefgh")])
    assert np.allclose(logits.upos[:3], first.upos, atol=1e-4)


def test_token_longer_than_the_model_and_token_without_pieces(teacher: OnnxTeacher):
    (logits,) = logits_of(teacher, [sentence("a " + "b" * 90 + " \x01 c")])
    assert logits.upos.shape == (4, 17) and np.isfinite(logits.upos).all()


def test_graph_gives_what_the_trained_model_gives(tmp_path: Path, teacher: OnnxTeacher):
    torch = pytest.importorskip("torch")
    model_files = pytest.importorskip("mtag_core.training.networks.model_files")
    pieces = pytest.importorskip("mtag_core.training.data.pieces")
    model_directory = write_model(tmp_path / "m")
    model = model_files.Network.load(model_directory, device=torch.device("cpu")).model
    tokenizer = model_directory / "tokenizer.json"
    forms = [SENTENCES[2].forms]
    sentences = pieces.DeviceSentences.of(forms, tokenizer, device=torch.device("cpu"))
    batch = sentences.batch(np.arange(1))
    with torch.no_grad():
        expected = model.eval()(batch)
    (logits,) = logits_of(teacher, [SENTENCES[2]])
    assert np.allclose(logits.upos, expected.upos.numpy(), atol=1e-3)
    assert np.allclose(logits.feats, expected.feats.numpy(), atol=1e-3)


def test_heads_on_the_first_piece_alone(tmp_path: Path):
    export_teacher(write_model(tmp_path / "m", combine=False), tmp_path / "t")
    assert logits_of(OnnxTeacher(tmp_path / "t"), SENTENCES)[0].upos.shape == (3, 17)


def test_relu_gives_other_logits(tmp_path: Path, teacher: OnnxTeacher):
    export_teacher(write_model(tmp_path / "m", hidden_act="relu"), tmp_path / "t")
    other = OnnxTeacher(tmp_path / "t")
    assert other.digest != teacher.digest
    assert not np.allclose(
        logits_of(other, SENTENCES)[0].upos, logits_of(teacher, SENTENCES)[0].upos
    )


def test_scorer_keeps_order_and_rebuilds_the_softmax(teacher: OnnxTeacher):
    options = SummaryOptions(top_k=8, temperatures=(1.0, 3.0), tail_rank=8)
    basis = fit_basis(teacher, SENTENCES, options, n_tokens=100)
    scorer = Scorer(teacher, options, basis=basis)
    rows = list(scorer.score([scorer.encode(each) for each in SENTENCES * 50]))
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


def test_basis_of_no_sentences_or_rank_is_none(teacher: OnnxTeacher):
    assert fit_basis(teacher, [], SummaryOptions(), n_tokens=10) is None
    assert fit_basis(teacher, SENTENCES, SummaryOptions(tail_rank=0), n_tokens=10) is None


def test_missing_directory_says_what_to_do(tmp_path: Path):
    with pytest.raises(BundleError, match=r"teacher.json: not found; export"):
        OnnxTeacher(tmp_path)


def test_damaged_file_is_refused(tmp_path: Path):
    directory = write_tiny_teacher(tmp_path)
    (directory / "feats.json").write_text("[]")
    with pytest.raises(BundleError, match=r"feats.json: sha256 .* teacher.json says"):
        OnnxTeacher(directory)


def test_unknown_version_is_refused(tmp_path: Path):
    directory = write_tiny_teacher(tmp_path)
    fields = json.loads((directory / "teacher.json").read_text())
    (directory / "teacher.json").write_text(json.dumps(fields | {"version": 9}))
    with pytest.raises(BundleError, match="teacher version 9, expected 1"):
        OnnxTeacher(directory)


def test_other_encoder_cannot_be_exported(tmp_path: Path):
    with pytest.raises(CheckpointError, match="encoder 'hugging_face', expected 'bert'"):
        export_teacher(write_model(tmp_path / "m", encoder="hugging_face"), tmp_path / "t")


def test_student_of_words_is_no_teacher(tmp_path: Path):
    with pytest.raises(CheckpointError, match="a student of words, expected a teacher"):
        export_teacher(write_word_model(tmp_path / "m"), tmp_path / "t")


def test_command_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = write_model(tmp_path / "m")
    assert main(["export-teacher", "--model", str(model), "--output", str(tmp_path / "t")]) == 0
    assert "a teacher for pipelines.teacher_logits" in capsys.readouterr().out
    assert OnnxTeacher(tmp_path / "t").upos_labels[0] == "ADJ"
    assert main(["export-teacher", "--model", str(tmp_path), "--output", str(tmp_path / "u")]) == 1
