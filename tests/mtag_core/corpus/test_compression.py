import bz2
import gzip
import io
import lzma
import os
from functools import partial

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.corpus import compression
from mtag_core.corpus.compression import CorruptError, DecompressedStream, TruncatedError
from tests.mtag_core.corpus.conftest import documents, reasons

COMPRESS = {
    "gz": gzip.compress,
    "bz2": partial(bz2.compress, compresslevel=1),
    "xz": lzma.compress,
    "zst": zstd.compress,
}
CODECS = sorted(COMPRESS)


def read_all(data, codec, n_bytes=2**16):
    stream = DecompressedStream(io.BytesIO(data), codec)
    return b"".join(iter(lambda: stream.read(n_bytes), b""))


@pytest.mark.parametrize("codec", CODECS)
@given(members=st.lists(st.binary(), min_size=1, max_size=4), n_bytes=st.integers(1, 50))
def test_members_are_joined(codec, members, n_bytes):
    data = b"".join(COMPRESS[codec](member) for member in members)
    assert read_all(data, codec, n_bytes) == b"".join(members)


@pytest.mark.parametrize("codec", CODECS)
def test_a_truncated_stream_gives_what_it_has(codec):
    text = b"".join(b"%d bottles\n" % i for i in range(60_000))
    stream = DecompressedStream(io.BytesIO(COMPRESS[codec](text)[:-5]), codec)
    got = b""
    with pytest.raises(TruncatedError, match=f"{codec} data end after"):
        while True:
            got += stream.read(2**16)
    assert text.startswith(got)
    assert len(got) > len(text) // 2


@pytest.mark.parametrize("codec", CODECS)
def test_other_bytes_are_corrupt(codec):
    with pytest.raises(CorruptError, match=f"{codec} data damaged in the stream"):
        read_all(b"no compressed data at all, not a bit" * 9, codec)


@pytest.mark.parametrize("codec", CODECS)
def test_an_empty_file_is_truncated(codec):
    with pytest.raises(TruncatedError, match="the file is empty"):
        read_all(b"", codec)


@pytest.mark.parametrize("codec", ["gz", "xz"])
def test_zeros_after_a_member_are_padding(codec):
    assert read_all(COMPRESS[codec](b"a") + b"\0" * 8 + COMPRESS[codec](b"b"), codec) == b"ab"


@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_is_read_in_small_pieces(codec):
    stream = DecompressedStream(io.BytesIO(COMPRESS[codec](bytes(2**24))), codec)
    assert len(stream.read(1000)) <= 1000


@pytest.mark.parametrize("codec", CODECS)
def test_compressed_files_read_like_plain_ones(read, codec):
    text = b"one\n\ntwo\n" * 1000
    plain = [(d.offset, d.text) for d in read(text, max_document_bytes=500)]
    packed = read(COMPRESS[codec](text), f"a.txt.{codec}", max_document_bytes=500)
    assert [(d.offset, d.text) for d in packed] == plain


@pytest.mark.parametrize("document", ["file", "line", "paragraph"])
@pytest.mark.parametrize("codec", CODECS)
def test_a_truncated_file_is_read_up_to_there_with_one_reject(read, codec, document):
    text = b"".join(b"%d bottles\n\n" % i for i in range(30_000))
    results = read(COMPRESS[codec](text)[:-5], f"a.txt.{codec}", document=document)
    assert reasons(results) == ["truncated"]
    got = "".join(d.text for d in documents(results))
    assert len(got) > 100_000
    assert all(text.startswith(d.text.encode(), d.offset) for d in documents(results))
    last = results[-1]
    assert text.startswith(last.input or b"", last.offset)


@pytest.mark.parametrize("codec", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("name", ["a.txt.{}", "a.txt", "a.jsonl.{}", "a.conllu.{}", "a.xml.{}"])
def test_a_file_that_holds_too_much_is_cut_off(read, monkeypatch, codec, name):
    monkeypatch.setattr(compression, "_FREE_BYTES", 10_000)
    results = read(
        COMPRESS[codec](b"\n" * 50_000 + b"<page>" * 300_000),
        name.format(codec),
        document="line",
        max_expansion=40,
    )
    assert reasons(results) == ["expands_too_much"]
    assert "expected at most 40 a byte" in results[-1].detail


def test_a_file_may_hold_any_share_of_64_mib(read):
    (document,) = read(gzip.compress(b" " * 10**6), "a.txt.gz", max_expansion=1)
    assert len(document.text) == 10**6


def test_a_parquet_file_compressed_as_a_whole_may_not_hold_too_much(read, monkeypatch):
    monkeypatch.setattr(compression, "_FREE_BYTES", 10_000)
    results = read(gzip.compress(b"\0" * 10**6), "a.parquet.gz", max_expansion=40)
    assert reasons(results) == ["expands_too_much"]


def test_what_takes_too_much_memory_is_not_called_damaged(read, monkeypatch):
    monkeypatch.setattr(compression, "_XZ_MEMORY_BYTES", 2**20)
    for name in compression._ZST_OPTIONS:
        monkeypatch.setitem(compression._ZST_OPTIONS, name, 12)
    noise = os.urandom(10**6)
    for codec in ("xz", "zst"):
        (reject,) = read(COMPRESS[codec](noise), f"a.txt.{codec}")
        assert reject.reason == "unreadable"
        assert "memory" in reject.detail.lower()
        assert reject.input is None
