import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.errors import CheckpointError
from mtag_core.training.loops.trainer import (
    MasterWeights,
    Trainer,
    TrainingLog,
    TrainingTask,
    learning_rate,
)
from mtag_core.training.options import Schedule

SCHEDULE = Schedule(
    peak_rate=0.1,
    warmup_share=0.2,
    epochs=4,
    minutes=None,
    weight_decay=0.0,
    clip_norm=1.0,
    n_evaluations=2,
    checkpoint_minutes=0.0,
    seed=3,
)


class StopTestError(Exception):
    pass


def train(directory, *, stop_after=None, is_resumed=False):
    """Fits a line; returns its weights."""
    torch.manual_seed(5)
    model = torch.nn.Linear(3, 1)
    n_steps = 0

    def epoch(number, generator):
        return [generator.integers(0, 50, 4) for _ in range(7)]

    def loss(batch):
        nonlocal n_steps
        n_steps += 1
        if n_steps == stop_after:
            raise StopTestError
        inputs = torch.from_numpy(np.stack([batch % 3, batch % 5, batch % 7], 1)).float()
        return ((model(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean(), len(batch)

    directory.mkdir(exist_ok=True)
    task = TrainingTask(model, epoch, loss, lambda: {"dev": model.weight.sum().item()})
    trainer = Trainer(task, SCHEDULE, directory=directory, log=TrainingLog(directory))
    trainer.resume()
    assert (trainer.n_steps > 0) == is_resumed
    trainer.run()
    return [weight.detach().clone() for weight in model.parameters()]


def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path):
    expected = train(tmp_path / "whole")
    with pytest.raises(StopTestError):
        train(tmp_path / "broken", stop_after=17)
    resumed = train(tmp_path / "broken", is_resumed=True)
    torch.testing.assert_close(resumed, expected, rtol=0, atol=0)


def test_curves_are_written(tmp_path):
    train(tmp_path / "run")
    lines = (tmp_path / "run" / "curves.jsonl").read_text().splitlines()
    assert "dev" in json.loads(lines[-1])


def test_a_foreign_checkpoint_is_an_error(tmp_path):
    torch.save({"masters": [], "optimizer": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="not a checkpoint of this model"):
        train(tmp_path)


def test_the_rate_rises_then_falls_to_zero():
    schedule = Schedule(peak_rate=2.0, warmup_share=0.2)
    rates = [learning_rate(at, schedule) for at in (0, 0.1, 0.2, 0.6, 1)]
    assert rates == pytest.approx([0.0, 1.0, 2.0, 1.0, 0.0])


def test_the_rate_can_fall_along_a_line():
    schedule = Schedule(peak_rate=2.0, warmup_share=0.0, decay="linear")
    rates = [learning_rate(at, schedule) for at in (0, 0.25, 0.75, 1)]
    assert rates == pytest.approx([2.0, 1.5, 0.5, 0.0])


def test_nothing_is_written_without_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = torch.nn.Linear(1, 1)
    task = TrainingTask(
        model, lambda number, generator: [np.arange(1)], lambda batch: (model.weight.sum(), 1), dict
    )
    Trainer(task, Schedule(epochs=2)).run()
    assert list(tmp_path.iterdir()) == []


def test_half_precision_keeps_small_updates():
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    weights = MasterWeights(model, is_half=True)
    for _ in range(100):
        with torch.no_grad():
            # Far less than bfloat16 resolves beside 1.
            weights.masters[0].add_(1e-4)
        weights.give_weights()
    weights.restore()
    assert model.weight.dtype == torch.float32
    assert model.weight.item() == pytest.approx(1.01, abs=1e-4)


def test_half_precision_hands_gradients_over():
    model = torch.nn.Linear(2, 1, bias=False)
    weights = MasterWeights(model, is_half=True)
    model(torch.ones(1, 2, dtype=torch.bfloat16)).sum().backward()
    weights.take_gradients()
    assert weights.masters[0].grad.tolist() == [[1.0, 1.0]]
    assert weights.masters[0].grad.dtype == torch.float32


def test_heads_can_learn_faster_than_the_encoder(tmp_path):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.Linear(1, 1, bias=False)
            self.head = torch.nn.Linear(1, 1, bias=False)

    model = Model()
    before = [weight.item() for weight in model.parameters()]

    def loss(batch):
        return model.encoder.weight.sum() + model.head.weight.sum(), 1

    schedule = replace(SCHEDULE, warmup_share=0.0, epochs=1, peak_rate=1e-3, head_factor=10.0)
    task = TrainingTask(model, lambda number, generator: [np.arange(1)] * 4, loss, dict)
    Trainer(task, schedule, directory=tmp_path, log=TrainingLog(tmp_path)).run()
    moved = [old - weight.item() for old, weight in zip(before, model.parameters(), strict=True)]
    assert moved[0] > 0
    assert moved[1] == pytest.approx(10 * moved[0], rel=1e-2)
