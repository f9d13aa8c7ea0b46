import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.recipes.label_training import label_loss
from mtag_core.training.recipes.labelling import top_k_target_loss

N_TOKENS, N_LABELS = 6, 11


@pytest.fixture
def student():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(N_TOKENS, N_LABELS, generator=generator).requires_grad_()


@pytest.fixture
def teacher():
    return 3 * torch.randn(N_TOKENS, N_LABELS, generator=torch.Generator().manual_seed(2))


def full_loss(student, teacher, temperature):
    """The loss with every label kept."""
    log_probs, label_ids = (teacher / temperature).log_softmax(-1).topk(N_LABELS)
    return top_k_target_loss(
        student, label_ids=label_ids, log_probs=log_probs, temperature=temperature
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0, 3.0])
def test_gradient_is_the_difference_of_softened_distributions(student, teacher, temperature):
    full_loss(student, teacher, temperature).backward()
    expected = (student / temperature).softmax(-1) - (teacher / temperature).softmax(-1)
    expected = expected / (temperature * N_TOKENS)
    torch.testing.assert_close(student.grad, expected.detach())


def test_high_temperature_matches_logits(student, teacher):
    """Hinton et al. 2015, section 2.1: times T squared, the gradient becomes that of logits."""
    temperature = 100.0
    (temperature**2 * full_loss(student, teacher, temperature)).backward()
    centred = [logits - logits.mean(-1, keepdim=True) for logits in (student, teacher)]
    expected = (centred[0] - centred[1]) / (N_LABELS * N_TOKENS)
    torch.testing.assert_close(student.grad, expected.detach(), atol=2e-3, rtol=5e-2)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_all_labels_kept_gives_the_cross_entropy(student, teacher, temperature):
    target = (teacher / temperature).softmax(-1)
    expected = -(target * (student / temperature).log_softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(full_loss(student, teacher, temperature), expected)


def test_the_rest_is_one_bucket():
    target = torch.tensor([[0.5, 0.3, 0.1, 0.1]])
    student = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
    loss = top_k_target_loss(
        student.log(),
        label_ids=torch.tensor([[0, 1]]),
        log_probs=target[:, :2].log(),
        temperature=1.0,
    )
    expected = -(
        0.5 * student[0, 0].log() + 0.3 * student[0, 1].log() + 0.2 * torch.tensor(0.3).log()
    )
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 3.0])
def test_gradients_hold_where_the_student_is_sure_of_itself(temperature):
    # The student gives the rest about 1e-9, the teacher 0.13.
    logits = temperature * torch.tensor([[0.0, -1.0, -21.0, -22.0, -23.0]])
    target = torch.tensor([[0.5, 0.37]], dtype=torch.float64)

    def gradient(dtype):
        student = logits.to(dtype).requires_grad_()
        log_probs = (student / temperature).log_softmax(-1)
        rest = log_probs[:, 2:].logsumexp(-1)
        loss = -(target.to(dtype) * log_probs[:, :2]).sum(-1) - 0.13 * rest
        return torch.autograd.grad(loss.mean(), student)[0]

    student = logits.clone().requires_grad_()
    loss = top_k_target_loss(
        student,
        label_ids=torch.tensor([[0, 1]]),
        log_probs=target.float().log(),
        temperature=temperature,
    )
    found = torch.autograd.grad(loss, student)[0]
    torch.testing.assert_close(found, gradient(torch.float64).float(), atol=1e-6, rtol=1e-5)


def test_label_loss_leaves_out_unlabelled_tokens():
    logits = torch.randn(3, 4)
    loss = label_loss(logits, torch.tensor([1, -100, 2]))
    kept = torch.nn.functional.cross_entropy(logits[[0, 2]], torch.tensor([1, 2]))
    torch.testing.assert_close(loss, kept)


def test_label_loss_is_zero_when_nothing_is_labelled():
    assert label_loss(torch.randn(2, 4), torch.tensor([-100, -100])) == 0


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_temperature_must_be_positive(student, temperature):
    ids = torch.zeros(N_TOKENS, 1, dtype=torch.long)
    with pytest.raises(ValueError, match=f"temperature is {temperature}, expected a number above"):
        top_k_target_loss(student, label_ids=ids, log_probs=ids.float(), temperature=temperature)
