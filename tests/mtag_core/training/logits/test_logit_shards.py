import io
import json
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core.errors import ShardError
from mtag_core.records import OutputRow
from mtag_core.training.logits.logit_shards import (
    ShardFormat,
    ShardInfo,
    read_info,
)
from tests.mtag_core.training.logit_samples import INFO, read_blocks, scored, sentence


def shard(n_sentences: int = 3) -> bytes:
    stream = io.BytesIO()
    with ShardFormat(INFO).open(stream) as writer:
        for index in range(n_sentences):
            words = sentence("one two three"[: 3 + 4 * (index % 2)], language="de")
            row = scored(words, seed=index)
            writer.write(OutputRow(f"doc{index}", index, f"p.{index}", row))
    return stream.getvalue()


@pytest.mark.parametrize("n_sentences", [0, 1, 5, 5000])
def test_rows_are_read_back(n_sentences: int):
    blocks = read_blocks("s", io.BytesIO(shard(n_sentences)))
    assert [doc_id for block in blocks for doc_id in block.doc_ids] == [
        f"doc{i}" for i in range(n_sentences)
    ]
    index = 0
    for block in blocks:
        ends = np.cumsum(list(map(len, block.forms)))
        for forms, language, end in zip(block.forms, block.languages, ends, strict=True):
            expected = scored(sentence(" ".join(forms)), seed=index)
            tokens = slice(end - len(forms), end)
            assert language == "de"
            assert np.array_equal(block.upos_logits[tokens], expected.upos_logits)
            for name in ("label_ids", "logits", "rest", "tail"):
                found = getattr(block.feats_summary, name)[tokens]
                assert np.array_equal(found, getattr(expected.feats_summary, name))
            index += 1


def test_a_failed_shard_has_no_footer():
    stream = io.BytesIO()
    with pytest.raises(RuntimeError), ShardFormat(INFO).open(stream) as writer:
        writer.write(OutputRow("d", 0, "p.0", scored(sentence("one"))))
        raise RuntimeError
    with pytest.raises(ShardError, match="not a Parquet file"):
        read_info("s", stream)


def test_same_sentences_give_the_same_bytes():
    assert shard() == shard()


def test_metadata_are_read_back():
    assert read_info("s", io.BytesIO(shard())) == INFO


def test_other_parquet_file_is_refused():
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), stream)
    with pytest.raises(ShardError, match="but not of teacher logits"):
        read_info("s", stream)


def test_other_file_is_refused():
    with pytest.raises(ShardError, match="s: not a Parquet file"):
        read_info("s", io.BytesIO(b"PAR1 nothing here"))


def test_unknown_version_is_refused():
    text = json.dumps(asdict(INFO)).replace('"version": 1', '"version": 2')
    with pytest.raises(ShardError, match="shard version 2, expected 1"):
        ShardInfo.from_json(text, source="s")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"temperatures": [1], "colour": 1}'])
def test_odd_metadata_are_refused(text: str):
    with pytest.raises(ShardError, match="s: metadata are no teacher logits'"):
        ShardInfo.from_json(text, source="s")
