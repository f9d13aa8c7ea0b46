from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from mtag_core.errors import BundleError
from mtag_core.training.logits.trained_teacher import HuggingFaceTeacher
from tests.mtag_core.training.logit_samples import logits_of, sentence
from tests.mtag_core.training.tiny_teacher import PIECES, write_model

JOINT = ["NOUN|Number=Sing", "NOUN|Number=Plur", "VERB|Number=Sing", "PUNCT"]


def write_directory(folder: Path, labels: list[str]) -> Path:
    """A token-classification directory with random weights."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=40,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    transformers.BertForTokenClassification(config).save_pretrained(folder)
    tokenizer = write_model(folder / "tokenizer_source") / "tokenizer.json"
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    return folder


def test_joint_labels_are_pooled_into_both_inventories(tmp_path: Path):
    teacher = HuggingFaceTeacher(write_directory(tmp_path, JOINT))
    assert teacher.feats_labels == ("_", "Number=Sing", "Number=Plur")
    (logits,) = logits_of(teacher, [sentence("abc de f")])
    assert logits.upos.shape == (3, 17) and logits.feats.shape == (3, 3)
    noun, verb, punct = (teacher.upos_labels.index(tag) for tag in ("NOUN", "VERB", "PUNCT"))
    everything = np.logaddexp.reduce(logits.upos[:, [noun, verb, punct]], axis=1)
    assert np.allclose(everything, np.logaddexp.reduce(logits.feats, axis=1), atol=1e-5)
    assert (np.delete(logits.upos, [noun, verb, punct], axis=1) < -1000).all()


def test_labels_without_features_give_one_feats_label(tmp_path: Path):
    teacher = HuggingFaceTeacher(write_directory(tmp_path, ["NOUN", "VERB"]))
    assert teacher.feats_labels == ("_",)


def test_long_sentence_keeps_all_tokens(tmp_path: Path):
    teacher = HuggingFaceTeacher(write_directory(tmp_path, JOINT))
    (logits,) = logits_of(teacher, [sentence(" ".join(["abcdefgh"] * 30))])
    assert logits.upos.shape == (30, 17)


def test_digest_follows_the_weights(tmp_path: Path):
    first = write_directory(tmp_path / "a", JOINT)
    second = write_directory(tmp_path / "b", JOINT[::-1])
    assert HuggingFaceTeacher(first).digest == HuggingFaceTeacher(first).digest
    assert HuggingFaceTeacher(first).digest != HuggingFaceTeacher(second).digest


def test_labels_that_are_no_tags_are_refused(tmp_path: Path):
    with pytest.raises(BundleError, match="labels such as 'B-PER' are no tags"):
        HuggingFaceTeacher(write_directory(tmp_path, ["B-PER", "O"]))


def test_other_directory_is_refused(tmp_path: Path):
    with pytest.raises(BundleError, match="not a token-classification model"):
        HuggingFaceTeacher(tmp_path)
