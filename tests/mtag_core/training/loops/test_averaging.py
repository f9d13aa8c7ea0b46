import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.loops.averaging import MovingAverage


def test_the_average_follows_the_weights():
    weight = torch.zeros(2)
    average = MovingAverage([weight], decay=0.9)
    weight += 1.0
    for _ in range(200):
        average.update()
    torch.testing.assert_close(average.values[0], torch.ones(2), atol=1e-6, rtol=0)


def test_the_average_lags_behind_a_jump():
    weight = torch.zeros(1)
    average = MovingAverage([weight], decay=0.9)
    for _ in range(200):
        average.update()
    weight += 1.0
    average.update()
    assert average.values[0].item() == pytest.approx(0.1, abs=1e-6)


def test_swapping_twice_changes_nothing():
    weight = torch.zeros(1)
    average = MovingAverage([weight], decay=0.5)
    weight += 1.0
    average.swap()
    assert (weight.item(), average.values[0].item()) == (0.0, 1.0)
    average.swap()
    assert (weight.item(), average.values[0].item()) == (1.0, 0.0)


def test_the_state_is_taken_up_again():
    weight = torch.ones(1)
    average = MovingAverage([weight], decay=0.9)
    weight += 1.0
    average.update()
    other = MovingAverage([torch.zeros(1)], decay=0.9)
    other.load(average.state())
    assert other.state() == average.state()
