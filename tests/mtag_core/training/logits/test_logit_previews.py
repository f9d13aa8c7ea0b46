import numpy as np
import pytest

from mtag_core.records import OutputRow
from mtag_core.training.logits.logit_shards import (
    ScoredSentence,
    ShardFormat,
    ShardInfo,
    preview_shards,
)
from mtag_core.training.logits.soft_targets import SummaryOptions, relative_logits, summarise_feats
from tests.mtag_core.training.logit_samples import sentence

UPOS = ("NOUN", "VERB")
FEATS = ("_", "Number=Sing", "Tense=Past")
INFO = ShardInfo("t", "l", len(UPOS), len(FEATS), top_k=2, temperatures=(3.0, 1.0))


def _scored(words: str, language: str) -> ScoredSentence:
    """Half as probable as the first UPOS is the second; of the FEATS, 4, 2 and 1 of 7."""
    n_tokens = len(words.split())
    upos = np.log(np.tile(np.array([2, 1], np.float32), (n_tokens, 1)))
    feats = np.log(np.tile(np.array([1, 4, 2], np.float32), (n_tokens, 1)))
    return ScoredSentence(
        sentence(words, language=language),
        ("NOUN",) * n_tokens,
        relative_logits(upos),
        summarise_feats(feats, SummaryOptions(INFO.top_k, INFO.temperatures)),
    )


@pytest.fixture
def shard(tmp_path):
    """Two sentences long enough and one too short to be shown."""
    path = tmp_path / "part.parquet"
    with path.open("wb") as sink, ShardFormat(INFO).open(sink) as writer:
        rows = (("a", "one two three", "en"), ("b", "one", "de"), ("c", "four five six", "fr"))
        for index, (doc_id, words, language) in enumerate(rows):
            writer.write(OutputRow(doc_id, index, f"p.{index}", _scored(words, language)))
    return str(path)


def test_best_labels_are_shown_with_their_probabilities(shard):
    first, second = preview_shards([shard], upos=UPOS, feats=FEATS, n_sentences=2)
    assert (first.title, second.title) == ("a (en)", "c (fr)")
    assert first.tokens[0] == ("one", "NOUN 0.67", "Number=Sing 0.57")
    assert [form for form, _, _ in second.tokens] == ["four", "five", "six"]


def test_a_shard_without_sentences_shows_nothing(tmp_path):
    path = tmp_path / "part.parquet"
    with path.open("wb") as sink, ShardFormat(INFO).open(sink):
        pass
    assert preview_shards([str(path)], upos=UPOS, feats=FEATS, n_sentences=2) == []
