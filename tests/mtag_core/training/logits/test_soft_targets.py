import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.errors import ShardError
from mtag_core.training.logits.soft_targets import (
    FeatsSummary,
    SummaryOptions,
    TailBasis,
    fit_tail_basis,
    rebuild_feats_probs,
    relative_logits,
    summarise_feats,
    top_labels,
    top_log_probs,
    unpack,
)

N_LABELS = 400
TEMPERATURES = (1.0, 3.0)


def sample_logits(n_tokens: int = 200, *, seed: int = 0, width: int = 12) -> np.ndarray:
    """Logits of a linear head: few directions, some labels frequent."""
    rng = np.random.default_rng(seed)
    head = np.random.default_rng(99).normal(size=(width, N_LABELS)) * 1.5
    bias = -np.log(np.arange(1, N_LABELS + 1))
    return (rng.normal(size=(n_tokens, width)) @ head + bias).astype(np.float32)


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    scaled = logits.astype(np.float64) / temperature
    probs = np.exp(scaled - scaled.max(1, keepdims=True))
    return probs / probs.sum(1, keepdims=True)


def total_variation(first: np.ndarray, second: np.ndarray) -> float:
    return float(0.5 * np.abs(first - second).sum(1).mean())


def rebuilt(summary: FeatsSummary, temperature: float, basis: TailBasis | None = None):
    return rebuild_feats_probs(
        summary,
        n_labels=N_LABELS,
        temperature=temperature,
        temperatures=TEMPERATURES,
        basis=basis,
    )


def test_top_labels_are_ordered_and_ties_go_to_the_lower_label():
    logits = np.array([[1, 3, 2, 3, 2, 2]], np.float32)
    assert top_labels(logits, 4).tolist() == [[1, 3, 2, 4]]


@given(st.integers(1, 30), st.integers(0, 1000))
def test_top_labels_are_those_of_a_stable_sort(top_k: int, seed: int):
    logits = np.random.default_rng(seed).integers(0, 9, (5, 30)).astype(np.float32)
    expected = np.argsort(-logits, axis=1, kind="stable")[:, :top_k]
    assert np.array_equal(np.sort(top_labels(logits, top_k)), np.sort(expected))


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_top_probabilities_are_the_teachers(temperature: float):
    logits = sample_logits()
    summary = summarise_feats(logits, SummaryOptions(32, TEMPERATURES))
    log_probs = top_log_probs(summary, temperature=temperature, temperatures=TEMPERATURES)
    expected = np.take_along_axis(
        softmax(logits, temperature), summary.label_ids.astype(np.int64), 1
    )
    assert np.abs(np.exp(log_probs) - expected).max() < 1e-3


def test_keeping_everything_rebuilds_the_softmax():
    logits = sample_logits()
    summary = summarise_feats(logits, SummaryOptions(10_000, TEMPERATURES))
    for temperature in TEMPERATURES:
        assert total_variation(rebuilt(summary, temperature), softmax(logits, temperature)) < 1e-3


@pytest.mark.parametrize(("temperature", "bound"), [(1.0, 1e-3), (3.0, 2e-2)])
def test_tail_sketch_rebuilds_the_softmax(temperature: float, bound: float):
    basis = fit_tail_basis(sample_logits(300, seed=1), SummaryOptions(32, TEMPERATURES, 12))
    logits = sample_logits(seed=2)
    summary = summarise_feats(logits, SummaryOptions(32, TEMPERATURES), basis=basis)
    probs = rebuilt(summary, temperature, basis)
    assert np.allclose(probs.sum(1), 1, atol=1e-4)
    even = rebuilt(summary, temperature)
    full = softmax(logits, temperature)
    assert total_variation(probs, full) < bound
    assert total_variation(probs, full) < total_variation(even, full)


def test_unknown_temperature_names_those_kept():
    summary = summarise_feats(sample_logits(3), SummaryOptions(4, TEMPERATURES))
    with pytest.raises(ShardError, match=r"temperature 2.0: the shards keep 1.0, 3.0"):
        top_log_probs(summary, temperature=2.0, temperatures=TEMPERATURES)


def test_shift_of_the_logits_changes_nothing():
    logits = (np.round(sample_logits(20) * 16) / 16).astype(np.float32)
    one = summarise_feats(logits, SummaryOptions(8, (1.0,)))
    two = summarise_feats(logits + np.float32(64), SummaryOptions(8, (1.0,)))
    assert np.array_equal(one.label_ids, two.label_ids)
    assert np.array_equal(one.logits, two.logits)


def test_upos_logits_keep_the_distribution():
    logits = sample_logits(50)[:, :17] + np.float32(100)
    assert total_variation(softmax(relative_logits(logits), 1), softmax(logits, 1)) < 1e-3


def test_basis_survives_its_bytes():
    basis = fit_tail_basis(sample_logits(100), SummaryOptions(8, TEMPERATURES, 5))
    again = unpack(TailBasis, basis.to_bytes(), source="x")
    assert again.digest == basis.digest and again.rank == 5


def test_other_bytes_are_no_basis():
    with pytest.raises(ShardError, match=r"b.npz: damaged"):
        unpack(TailBasis, b"nothing", source="b.npz")


def test_sketch_of_another_rank_is_refused():
    basis = fit_tail_basis(sample_logits(100), SummaryOptions(8, TEMPERATURES, 5))
    with pytest.raises(ShardError, match="tail of rank 3, the basis has 5"):
        basis.rebuild(np.zeros((2, 3), np.int8))
