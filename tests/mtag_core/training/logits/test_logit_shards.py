import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core.errors import ShardError
from mtag_core.training.logits.logit_shards import (
    LogitsWriter,
    ShardInfo,
    read_info,
    read_shard,
)
from tests.mtag_core.training.logit_samples import INFO, scored, sentence


def shard(n_sentences: int = 3) -> bytes:
    stream = io.BytesIO()
    writer = LogitsWriter(stream, INFO)
    for index in range(n_sentences):
        words = sentence("one two three"[: 3 + 4 * (index % 2)], language="de")
        writer.write(f"doc{index}", index, scored(words, seed=index))
    writer.close()
    return stream.getvalue()


@pytest.mark.parametrize("n_sentences", [0, 1, 5, 700])
def test_rows_are_read_back(n_sentences: int):
    rows = list(read_shard("s", io.BytesIO(shard(n_sentences))))
    assert [row.doc_id for row in rows] == [f"doc{i}" for i in range(n_sentences)]
    for index, row in enumerate(rows):
        expected = scored(sentence(" ".join(row.forms)), seed=index)
        assert row.language == "de"
        assert np.array_equal(row.upos_logits, expected.upos_logits)
        for name in ("label_ids", "logits", "rest", "tail"):
            assert np.array_equal(
                getattr(row.feats_summary, name), getattr(expected.feats_summary, name)
            )


def test_same_sentences_give_the_same_bytes():
    assert shard() == shard()


def test_metadata_are_read_back():
    assert read_info("s", io.BytesIO(shard())) == INFO


@pytest.mark.parametrize(("name", "value"), [("labels", "other"), ("teacher", "other")])
def test_mismatch_names_both_digests(name: str, value: str):
    with pytest.raises(ShardError, match=rf"s.parquet: {name} digest {name}1, expected other"):
        list(read_shard("s.parquet", io.BytesIO(shard()), **{name: value}))


def test_other_parquet_file_is_refused():
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), stream)
    with pytest.raises(ShardError, match="but not of teacher logits"):
        read_info("s", stream)


def test_other_file_is_refused():
    with pytest.raises(ShardError, match="s: not a Parquet file"):
        read_info("s", io.BytesIO(b"PAR1 nothing here"))


def test_unknown_version_is_refused():
    text = INFO.to_json().replace('"version": 1', '"version": 2')
    with pytest.raises(ShardError, match="shard version 2, expected 1"):
        ShardInfo.from_json(text, source="s")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"temperatures": [1], "colour": 1}'])
def test_odd_metadata_are_refused(text: str):
    with pytest.raises(ShardError, match="s: metadata are no teacher logits'"):
        ShardInfo.from_json(text, source="s")
