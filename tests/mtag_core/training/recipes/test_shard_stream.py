from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.errors import InputNotFoundError, ShardError
from mtag_core.labels import UPOS_LABELS
from mtag_core.records import OutputRow
from mtag_core.training.data.model_input import ModelInput
from mtag_core.training.data.text import train_vocabulary
from mtag_core.training.logits.logit_shards import ShardFormat
from mtag_core.training.logits.logit_teachers import labels_digest
from mtag_core.training.options import Temperatures
from mtag_core.training.recipes.shard_stream import ShardStream, reading_ahead
from tests.mtag_core.training.logit_samples import INFO, scored, sentence

FORMS = [f"token{index} of a sentence" for index in range(12)]
FEATS = [f"F={index}" for index in range(INFO.n_feats)]
OF_FEATS = replace(INFO, labels=labels_digest(UPOS_LABELS, FEATS))


@pytest.fixture
def shards(tmp_path):
    for shard in range(3):
        path = tmp_path / f"{shard}.parquet"
        with path.open("wb") as sink, ShardFormat(OF_FEATS).open(sink) as writer:
            for index in range(4 * shard, 4 * shard + 4):
                row = scored(sentence(FORMS[index]), seed=index)
                writer.write(OutputRow("doc", index, f"p.{index}", row))
    train_vocabulary([tuple(text.split()) for text in FORMS], n_pieces=80).save(
        str(tmp_path / "tokenizer.json")
    )
    return tmp_path


def stream_of(directory, *, feats_temperature=1.0, feats=FEATS, **place):
    temperatures = Temperatures(upos_temperature=1.0, feats_temperature=feats_temperature)
    return ShardStream(directory, feats, temperatures, seed=1, **place)


def reader_of(shards, *, has_words=False, max_pieces=64):
    tokenizer, device = shards / "tokenizer.json", torch.device("cpu")
    return ModelInput(tokenizer, has_words, device, max_pieces)


def forms_of(blocks):
    return [forms for block in blocks for forms in block.forms]


def test_a_pass_shows_every_sentence_once(shards, monkeypatch):
    monkeypatch.setattr("mtag_core.training.recipes.shard_stream._CHUNK_SENTENCES", 4)
    stream = stream_of(shards)
    assert stream.n_chunks == 3
    chunks = [forms_of(stream.blocks(chunk)) for chunk in range(3)]
    assert sorted(" ".join(forms) for chunk in chunks for forms in chunk) == sorted(FORMS)
    assert all(len(chunk) == 4 for chunk in chunks)


def test_passes_have_different_orders(shards, monkeypatch):
    monkeypatch.setattr("mtag_core.training.recipes.shard_stream._CHUNK_SENTENCES", 4)
    stream = stream_of(shards)
    firsts = {stream.blocks(3 * i)[0].forms[0][0] for i in range(12)}
    assert len(firsts) == 3


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_targets_are_the_teachers_word(shards, temperature):
    stream = stream_of(shards, feats_temperature=temperature)
    chunk, _ = stream.read(0, reader_of(shards))
    firsts = [forms[0] for forms in forms_of(stream.blocks(0))]
    index = firsts.index("token5")
    start = int(chunk.words.n_tokens[:index].sum())
    logits = np.random.default_rng(5).normal(size=(4, INFO.n_upos)).astype(np.float32)
    generator = np.random.default_rng(5)
    generator.normal(size=(4, INFO.n_upos))
    feats = generator.normal(size=(4, INFO.n_feats)).astype(np.float32)
    upos = torch.log_softmax(torch.from_numpy(logits), -1)
    torch.testing.assert_close(
        torch.from_numpy(chunk.labels["upos_log_probs"])[start : start + 4].float(),
        upos,
        atol=4e-3,
        rtol=0,
    )
    expected = torch.log_softmax(torch.from_numpy(feats) / temperature, -1)
    ids = torch.from_numpy(chunk.labels["feats_ids"])[start : start + 4].long()
    torch.testing.assert_close(
        torch.from_numpy(chunk.labels["feats_log_probs"])[start : start + 4].float(),
        expected.gather(1, ids),
        atol=1e-2,
        rtol=0,
    )


def test_long_sentences_are_left_out(shards):
    stream = stream_of(shards)
    whole, forms = stream.read(0, reader_of(shards))
    lengths = forms.lengths(whole.words)
    most = int(lengths.max()) - 1
    chunk, _ = stream.read(0, reader_of(shards, max_pieces=most))
    assert 0 < len(chunk.words) == (lengths <= most).sum()
    assert len(chunk.labels["feats_ids"]) == int(chunk.words.n_tokens.sum())


def test_a_student_of_words_reads_the_forms(shards):
    stream = stream_of(shards)
    chunk, forms = stream.read(0, reader_of(shards, has_words=True, max_pieces=2))
    assert chunk.words.n_tokens.tolist() == [4] * len(FORMS)
    # Four forms of them all, each with what it may be changed to.
    assert len(forms.bare) == len({form for text in FORMS for form in text.split()})
    assert len(chunk.labels["feats_ids"]) == 4 * len(FORMS)


def test_a_chunk_of_long_sentences_alone_is_an_error(shards):
    stream = stream_of(shards)
    with pytest.raises(ShardError, match="none short enough"):
        stream.read(0, reader_of(shards, max_pieces=2))


def test_shards_with_other_labels_are_refused(shards):
    with pytest.raises(ShardError, match=f"labels {OF_FEATS.labels}, expected "):
        stream_of(shards, feats=FEATS[1:])


def test_shards_of_two_teachers_are_refused(shards):
    other = ShardFormat(replace(OF_FEATS, teacher="teacher2"))
    with (shards / "9.parquet").open("wb") as sink, other.open(sink) as writer:
        writer.write(OutputRow("doc", 0, f"p.{0}", scored(sentence(FORMS[0]))))
    with pytest.raises(ShardError, match="teacher teacher2, expected teacher1"):
        stream_of(shards)


def test_a_temperature_that_was_not_kept_is_an_error(shards):
    with pytest.raises(ShardError, match=r"keeps the temperatures 1\.0, 3\.0, not 2\.0"):
        stream_of(shards, feats_temperature=2.0)


def test_a_directory_without_shards_is_an_error(tmp_path):
    with pytest.raises(InputNotFoundError, match="with sentences in it"):
        stream_of(tmp_path)


@pytest.fixture
def read(shards, monkeypatch):
    monkeypatch.setattr("mtag_core.training.recipes.shard_stream._CHUNK_SENTENCES", 1)
    return partial(stream_of(shards).read, reader=reader_of(shards))


def pieces_of(chunk):
    text, forms = chunk
    ids = np.split(forms.ids, np.cumsum(forms.n_pieces)[:-1])
    return tuple(tuple(ids[form].tolist()) for form in text.words.form_ids)


def test_processes_read_what_this_one_would(read):
    with reading_ahead(read, n_processes=2) as read_ahead:
        for number in range(8):
            ahead, own = read_ahead(number), read(number)
            assert pieces_of(ahead) == pieces_of(own)
            found, expected = (text.labels["feats_log_probs"] for text, _ in (ahead, own))
            assert np.array_equal(found, expected)


def test_an_error_in_a_process_ends_the_run(shards):
    read = partial(stream_of(shards).read, reader=reader_of(shards, max_pieces=2))
    with (
        pytest.raises(ShardError, match="none short enough"),
        reading_ahead(read, n_processes=2) as read_ahead,
    ):
        read_ahead(0)


@pytest.mark.usefixtures("read")
def test_ranks_share_a_pass(shards):
    """Three row groups for two ranks: one repeats what the other has."""
    ranks = [stream_of(shards, rank=rank, n_ranks=2) for rank in range(2)]
    seen = [pieces_of(r.read(n, reader_of(shards))) for r in ranks for n in range(2)]
    assert len(seen) == 4 and len(set(seen)) == 3
