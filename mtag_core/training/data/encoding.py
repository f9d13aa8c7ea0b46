"""Encodes pre-split sentences with a `tokenizer.json`, in several processes.

The only place of training, beside `vocabulary`, that knows the `tokenizers` package.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.errors import FormatError
from mtag_core.training.data.packing import Ints, PackedSentences

_JOB_SENTENCES = 4000


@dataclass(frozen=True)
class SpecialPieces:
    """A vocabulary's size and special pieces.

    Attributes:
        start: Id of the piece that opens a sentence.
        end: Id of the piece that closes it.
        pad: Id of the piece that fills up a batch.
        mask: Id of the piece that hides another.
        n_pieces: Size of the vocabulary.
    """

    start: int
    end: int
    pad: int
    mask: int
    n_pieces: int

    @classmethod
    def load(cls, tokenizer_path: Path) -> "SpecialPieces":
        """Looks the pieces up by their BERT or RoBERTa names.

        Raises:
            FormatError: The vocabulary has neither.
        """
        return cls.of(Tokenizer.from_file(str(tokenizer_path)), tokenizer_path)

    @classmethod
    def of(cls, tokenizer: Tokenizer, path: Path) -> "SpecialPieces":
        """As `load`, for a tokenizer that is loaded already."""
        for names in (("[CLS]", "[SEP]", "[PAD]", "[MASK]"), ("<s>", "</s>", "<pad>", "<mask>")):
            ids = [tokenizer.token_to_id(name) for name in names]
            start, end, pad, mask = ids
            if start is not None and end is not None and pad is not None and mask is not None:
                return cls(start, end, pad, mask, tokenizer.get_vocab_size())
        raise FormatError(
            f"{path}: expected the pieces [CLS], [SEP], [PAD], [MASK] or <s>, </s>, <pad>, <mask>"
        )


def piece_names(tokenizer_path: Path) -> list[str]:
    """Lists the pieces of a `tokenizer.json` in the order of their ids; unused ids are empty."""
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    return [tokenizer.id_to_token(index) or "" for index in range(tokenizer.get_vocab_size())]


def encode_sentences(
    sentences: Sequence[Sequence[str]], tokenizer_path: Path, *, n_processes: int = 1
) -> PackedSentences:
    """Encodes pre-split sentences.

    Args:
        sentences: Forms of each sentence.
        tokenizer_path: A `tokenizer.json` of the `tokenizers` package.
        n_processes: Worker processes; 1 works in this process.

    Returns:
        The sentences in order. Nothing is cut off: see `fits` for what is too long. A token that
        encodes to nothing (a control character) is read from its neighbour's piece.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    jobs = [
        (sentences[start : start + _JOB_SENTENCES], tokenizer_path)
        for start in range(0, max(1, len(sentences)), _JOB_SENTENCES)
    ]
    if n_processes == 1 or len(jobs) == 1:
        return PackedSentences.concatenate([_encode_job(*job) for job in jobs])
    with ProcessPoolExecutor(n_processes) as pool:
        parts = pool.map(_encode_job, *zip(*jobs, strict=True))
        return PackedSentences.concatenate(list(parts))


def _encode_job(sentences: Sequence[Sequence[str]], tokenizer_path: Path) -> PackedSentences:
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    convention = SpecialPieces.of(tokenizer, tokenizer_path)
    encodings = tokenizer.encode_batch(
        [list(forms) for forms in sentences], is_pretokenized=True, add_special_tokens=False
    )
    rows = [
        _encode_one(encoding.ids, encoding.word_ids, len(forms), convention)
        for forms, encoding in zip(sentences, encodings, strict=True)
    ]
    ids, first, last = zip(*rows, strict=True) if rows else ((), (), ())
    return PackedSentences(
        _joined(ids, np.int32),
        _joined(first, np.int16),
        _joined(last, np.int16),
        np.array([len(row) for row in ids], np.int32),
        np.array([len(row) for row in first], np.int32),
    )


def _encode_one(
    ids: list[int], word_ids: list[int | None], n_tokens: int, convention: SpecialPieces
) -> tuple[Ints, Ints, Ints]:
    piece_ids = np.array([convention.start, *ids, convention.end], np.int32)
    words = np.array([-1 if word is None else word for word in word_ids], np.int64)
    tokens = np.arange(n_tokens)
    first = np.searchsorted(words, tokens, side="left") + 1
    last = np.maximum(np.searchsorted(words, tokens, side="right"), 1)
    # A token without pieces has last < first: it reads the piece before it.
    first = np.minimum(first, last)
    return piece_ids, first.astype(np.int32), last.astype(np.int32)


def _joined(rows: Sequence[Ints], dtype: type[np.signedinteger]) -> NDArray[np.signedinteger]:
    return np.concatenate(rows).astype(dtype) if rows else np.zeros(0, dtype)
