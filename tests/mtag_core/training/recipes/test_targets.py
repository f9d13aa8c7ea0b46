import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.recipes.labelling import SoftTargets


@pytest.fixture
def targets():
    made = SoftTargets.empty(2, top_k=2, device=torch.device("cpu"))
    made.upos_log_probs[:] = torch.full((17,), 1 / 17).log()
    made.feats_ids[:] = torch.tensor([4, 7], dtype=torch.int16)
    made.feats_log_probs[:] = torch.tensor([0.8, 0.1]).log()
    return made


def blend(targets, feats_id):
    labels = {"upos": torch.tensor([3]), "feats": torch.tensor([feats_id])}
    targets.blend(labels, torch.tensor([1]), label_share=0.5)
    return targets.feats_ids[1].tolist(), targets.feats_log_probs[1].float().exp()


def test_the_label_gets_its_share_of_upos(targets):
    blend(targets, 4)
    probs = targets.upos_log_probs[1].float().exp()
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
