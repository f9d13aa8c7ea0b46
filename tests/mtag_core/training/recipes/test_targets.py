import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.recipes.labelling import SoftTargets


@pytest.fixture
def targets():
    arrays = {
        "upos_log_probs": np.full((2, 17), np.log(1 / 17), np.float16),
        "feats_ids": np.array([[4, 7]] * 2, np.int16),
        "feats_log_probs": np.log([[0.8, 0.1]] * 2).astype(np.float16),
    }
    return SoftTargets.of(arrays, device=torch.device("cpu"))


def blend(targets, feats_id):
    labels = {"upos": torch.tensor([3]), "feats": torch.tensor([feats_id])}
    targets.blend(labels, torch.tensor([1]), label_share=0.5)
    ids, log_probs = targets.heads["feats"]
    return ids[1].tolist(), log_probs[1].float().exp()


def test_the_label_gets_its_share_of_upos(targets):
    blend(targets, 4)
    probs = targets.heads["upos"][1][1].float().exp()
    assert probs[3].item() == pytest.approx(0.5 + 0.5 / 17, abs=1e-3)
    assert probs.sum().item() == pytest.approx(1, abs=1e-2)


def test_a_label_the_teacher_thought_of_gains(targets):
    ids, probs = blend(targets, 4)
    assert ids == [4, 7]
    assert probs.tolist() == pytest.approx([0.9, 0.05], abs=1e-3)


def test_a_new_label_replaces_the_least_probable(targets):
    ids, probs = blend(targets, 9)
    assert ids == [4, 9]
    assert probs.tolist() == pytest.approx([0.4, 0.5], abs=1e-3)


def test_a_token_without_label_keeps_the_teachers_word(targets):
    ids, probs = blend(targets, -100)
    assert ids == [4, 7]
    assert probs.tolist() == pytest.approx([0.8, 0.1], abs=1e-3)
