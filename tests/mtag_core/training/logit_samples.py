"""Scored sentences without a model, and blocks read back from shards."""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from mtag_core.records import Sentence
from mtag_core.training.logits.logit_shards import (
    LogitBlock,
    ScoredSentence,
    ShardInfo,
    read_info,
    read_row_group,
    row_group_sizes,
)
from mtag_core.training.logits.logit_teachers import Teacher, TokenLogits
from mtag_core.training.logits.soft_targets import SummaryOptions, relative_logits, summarise_feats

INFO = ShardInfo("teacher1", "labels1", 17, 50, 8, (1.0, 3.0))


def sentence(words: str, *, language: str = "en", start: int = 0) -> Sentence:
    """A sentence of forms at single spaces."""
    forms = tuple(words.split())
    starts, position = [], start
    for form in forms:
        starts.append(position)
        position += len(form) + 1
    ends = tuple(s + len(f) for s, f in zip(starts, forms, strict=True))
    return Sentence(words, start, start + len(words), language, forms, tuple(starts), ends)


def scored(source: Sentence, *, seed: int = 0) -> ScoredSentence:
    """The sentence with random logits."""
    rng = np.random.default_rng(seed)
    n = len(source.forms)
    upos = rng.normal(size=(n, INFO.n_upos)).astype(np.float32)
    feats = rng.normal(size=(n, INFO.n_feats)).astype(np.float32)
    return ScoredSentence(
        source,
        ("X",) * n,
        relative_logits(upos),
        summarise_feats(feats, SummaryOptions(INFO.top_k, INFO.temperatures)),
    )


def read_blocks(source: str, stream: BinaryIO) -> list[LogitBlock]:
    """All row groups of a shard."""
    info = read_info(source, stream)
    groups = range(len(row_group_sizes(stream)))
    return [read_row_group(stream, group, info=info) for group in groups]


def logits_of(teacher: Teacher, sentences: Sequence[Sentence]) -> list[TokenLogits]:
    """A teacher's logits of sentences that are not encoded yet."""
    return teacher.logits([teacher.encode(sentence) for sentence in sentences])
