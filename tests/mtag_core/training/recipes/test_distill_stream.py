from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.errors import ShardError
from mtag_core.output.rows import OutputRow
from mtag_core.training.data.vocabulary import train_vocabulary
from mtag_core.training.logits.logit_shards import LogitsWriter
from mtag_core.training.options import TargetOptions
from mtag_core.training.recipes import shard_stream
from mtag_core.training.recipes.distill_stream import ChunkReader, reading_ahead
from tests.mtag_core.training.logit_samples import INFO, scored, sentence

FORMS = [f"token{index} of a sentence" for index in range(6)]


@pytest.fixture
def reader(tmp_path, monkeypatch):
    monkeypatch.setattr(shard_stream, "_CHUNK_SENTENCES", 1)
    for shard, forms in enumerate(FORMS):
        with (tmp_path / f"{shard}.parquet").open("wb") as sink:
            writer = LogitsWriter(sink, INFO)
            writer.write(OutputRow("doc", 0, f"p.{0}", scored(sentence(forms), seed=shard)))
            writer.close()
    tokenizer = tmp_path / "tokenizer.json"
    train_vocabulary([tuple(text.split()) for text in FORMS], n_pieces=80).save(str(tokenizer))
    stream = shard_stream.ShardStream(tmp_path, labels=INFO.labels, targets=TargetOptions())
    return ChunkReader(stream, tokenizer, max_pieces=64, seed=1, rank=0, n_ranks=1)


def pieces_of(chunk):
    return tuple(chunk.packed.piece_ids.tolist())


def test_processes_read_what_this_one_would(reader):
    with reading_ahead(reader, n_processes=2) as chunks:
        for number in range(8):
            ahead, own = chunks.read(number), reader.read(number)
            assert pieces_of(ahead) == pieces_of(own)
            assert np.array_equal(ahead.feats_log_probs, own.feats_log_probs)


def test_an_error_in_a_process_ends_the_run(reader):
    with (
        pytest.raises(ShardError, match="none of at most 2 wordpieces"),
        reading_ahead(replace(reader, max_pieces=2), n_processes=2) as chunks,
    ):
        chunks.read(0)


def test_ranks_share_a_pass(reader):
    ranks = [replace(reader, rank=rank, n_ranks=2) for rank in range(2)]
    seen = {pieces_of(rank.read(number)) for rank in ranks for number in range(3)}
    assert len(seen) == len(FORMS)


def test_a_rank_without_a_chunk_of_its_own_repeats_one(reader):
    ranks = [replace(reader, rank=rank, n_ranks=4) for rank in range(4)]
    seen = [pieces_of(rank.read(number)) for rank in ranks for number in range(2)]
    assert len(seen) == 8 and len(set(seen)) == len(FORMS)
