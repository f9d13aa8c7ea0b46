"""What models of wordpieces read: the pieces of forms, and batches of sentences on a device.

A form is cut into the same pieces wherever it stands, so a tokenizer is asked about each distinct
form once. A teacher knows the treebank of a sentence by the piece that opens it: each treebank has
one at the end of the teacher's vocabulary.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.errors import FormatError
from mtag_core.training.data.datasets import (
    NO_NOISE,
    PAD_MULTIPLE,
    Ints,
    SourcedWords,
    WordSentences,
)
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.trained_model import ModelMetadata
from mtag_core.training.options import Noise

Encoded = TypeVar("Encoded")
_JOB_FORMS = 65_536


@dataclass(frozen=True)
class SpecialPieces:
    """A vocabulary's size, and the pieces that open and close a sentence, fill up, hide another."""

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
        tokenizer = Tokenizer.from_file(str(tokenizer_path))
        for names in (("[CLS]", "[SEP]", "[PAD]", "[MASK]"), ("<s>", "</s>", "<pad>", "<mask>")):
            ids = [piece for name in names if (piece := tokenizer.token_to_id(name)) is not None]
            if len(ids) == len(names):
                return cls(*[*ids, tokenizer.get_vocab_size()])
        raise FormatError(
            f"{tokenizer_path}: expected the pieces [CLS], [SEP], [PAD], [MASK] "
            "or <s>, </s>, <pad>, <mask>"
        )


@dataclass(frozen=True)
class FormPieces:
    """The wordpieces of forms, one form after another: shape (total_pieces,), int32.

    `n_pieces` are those of each form, 0 for one that encodes to nothing, a control character. Shape
    (n_forms,), int32.
    """

    ids: Ints
    n_pieces: Ints

    @classmethod
    def of(cls, forms: Sequence[str], tokenizer: Path, *, n_processes: int = 1) -> "FormPieces":
        """Encodes forms, in the order of their ids; see `in_jobs`."""
        parts = in_jobs(_encoded, forms, tokenizer, n_processes=n_processes)
        return cls(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.n_pieces for part in parts]),
        )

    def lengths(self, sentences: WordSentences) -> Ints:
        """Pieces of each sentence, the opening and the closing one included. (n_sentences,)."""
        ends = np.concatenate([[0], np.cumsum(self.n_pieces[sentences.form_ids], dtype=np.int64)])
        sentence_ends = np.cumsum(sentences.n_tokens, dtype=np.int64)
        inner = ends[sentence_ends] - ends[sentence_ends - sentences.n_tokens]
        return (inner + 2).astype(np.int32)

    def fitting(self, sentences: WordSentences, *, max_pieces: int) -> NDArray[np.int64]:
        """Indices of the sentences that have tokens and at most `max_pieces` pieces."""
        return np.flatnonzero((self.lengths(sentences) <= max_pieces) & (sentences.n_tokens > 0))


def in_jobs(
    encode: Callable[[Sequence[str], Path], Encoded],
    forms: Sequence[str],
    tokenizer: Path,
    *,
    n_processes: int,
) -> list[Encoded]:
    """Encodes forms with a `tokenizer.json`, part after part, by processes if there are several."""
    starts = range(0, max(1, len(forms)), _JOB_FORMS)
    jobs = [forms[start : start + _JOB_FORMS] for start in starts]
    if n_processes == 1 or len(jobs) == 1:
        return [encode(job, tokenizer) for job in jobs]
    with ProcessPoolExecutor(n_processes) as pool:
        return list(pool.map(encode, jobs, repeat(tokenizer)))


def _encoded(forms: Sequence[str], tokenizer_path: Path) -> FormPieces:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    encodings = tokenizer.encode_batch(
        [[form] for form in forms], is_pretokenized=True, add_special_tokens=False
    )
    rows = [encoding.ids for encoding in encodings]
    return FormPieces(
        np.array(list(chain.from_iterable(rows)), np.int32),
        np.array(list(map(len, rows)), np.int32),
    )


class DeviceSentences:
    """Sentences that live on a device and give batches of wordpieces there.

    `treebank_tokens` open them, 0 for the usual piece; None where the model knows no treebanks.
    `lengths` are the positions that each takes in a batch. Shape (n_sentences,), int32.
    """

    def __init__(
        self,
        sentences: WordSentences,
        forms: FormPieces,
        special: SpecialPieces,
        *,
        device: torch.device,
        treebank_tokens: NDArray[np.int64] | None = None,
    ) -> None:
        self.words, self.device = sentences, device
        self.lengths = forms.lengths(sentences)
        self._special = special
        opening = np.zeros(0, np.int64) if treebank_tokens is None else treebank_tokens
        self._treebank_tokens = torch.from_numpy(opening).to(device)
        self._pieces = torch.from_numpy(forms.ids).to(device)
        self._n_of_form = torch.from_numpy(forms.n_pieces).to(device).long()
        self._start_of_form = self._n_of_form.cumsum(0) - self._n_of_form
        self._form_ids = torch.from_numpy(sentences.form_ids).to(device)
        self._n_tokens = torch.from_numpy(sentences.n_tokens).to(device).long()
        self._token_start = self._n_tokens.cumsum(0) - self._n_tokens
        self._n_pieces = torch.from_numpy(self.lengths).to(device).long()

    @classmethod
    def of(
        cls, sentences: Iterable[Sequence[str]], tokenizer: Path, *, device: torch.device
    ) -> "DeviceSentences":
        """Encodes sentences of forms."""
        form_to_id: dict[str, int] = {}
        words = WordSentences.of(sentences, form_to_id)
        forms = FormPieces.of(list(form_to_id), tokenizer)
        return cls(words, forms, SpecialPieces.load(tokenizer), device=device)

    def batch(self, sentence_indices: NDArray[np.int64], noise: Noise = NO_NOISE) -> Batch:
        """Gathers sentences into one padded batch, without waiting for the device.

        Noise names the treebank of a share of sentences, and masks pieces but the opening one.
        """
        batch = self._gathered(sentence_indices)
        if len(self._treebank_tokens):
            chosen = torch.from_numpy(sentence_indices).to(self.device, non_blocking=True)
            token_ids = self._treebank_tokens[chosen]
            if noise.named_share < 1:
                draws = torch.rand(len(token_ids), device=self.device)
                token_ids = token_ids * (draws >= 1 - noise.named_share)
            batch.piece_ids[:, 0] = torch.where(token_ids > 0, token_ids, self._special.start)
        if noise.piece_dropout == 0:
            return batch
        draws = torch.rand(batch.piece_ids.shape, device=self.device)
        is_masked = (draws < noise.piece_dropout) & batch.is_piece
        is_masked[:, 0] = False
        return batch._replace(piece_ids=batch.piece_ids.masked_fill(is_masked, self._special.mask))

    def _gathered(self, sentence_indices: NDArray[np.int64]) -> Batch:
        device, n_rows = self.device, len(sentence_indices)
        width = -(-int(self.lengths[sentence_indices].max()) // PAD_MULTIPLE) * PAD_MULTIPLE
        n_tokens = int(self.words.n_tokens[sentence_indices].sum())
        n_inner = int(self.lengths[sentence_indices].sum()) - 2 * n_rows
        chosen = torch.from_numpy(sentence_indices).to(device, non_blocking=True)
        tokens_in, pieces_in = self._n_tokens[chosen], self._n_pieces[chosen]
        row = torch.arange(n_rows, device=device)
        row_of_token = torch.repeat_interleave(row, tokens_in, output_size=n_tokens)
        shift = self._token_start[chosen] - (tokens_in.cumsum(0) - tokens_in)
        token_index = torch.arange(n_tokens, device=device) + shift[row_of_token]
        forms = self._form_ids[token_index].long()
        sizes = self._n_of_form[forms]
        before = sizes.cumsum(0) - sizes
        before_row = (pieces_in - 2).cumsum(0) - (pieces_in - 2)
        # Of each token's first piece in its sentence, behind the opening piece.
        place = 1 + before - before_row[row_of_token]
        token = torch.repeat_interleave(
            torch.arange(n_tokens, device=device), sizes, output_size=n_inner
        )
        within = torch.arange(n_inner, device=device) - before[token]
        piece_ids = torch.full((n_rows, width), self._special.pad, device=device)
        piece_ids[row_of_token[token], place[token] + within] = self._pieces[
            self._start_of_form[forms[token]] + within
        ].long()
        piece_ids[:, 0] = self._special.start
        piece_ids[row, pieces_in - 1] = self._special.end
        # A token without pieces is read from the piece before it.
        last = (place + sizes - 1).clamp(min=1)
        return Batch(
            piece_ids=piece_ids,
            is_piece=torch.arange(width, device=device) < pieces_in[:, None],
            first_piece_index=torch.minimum(place, last) + row_of_token * width,
            last_piece_index=last + row_of_token * width,
            token_index=token_index,
        )


def treebank_token_ids(dataset: SourcedWords, metadata: ModelMetadata) -> NDArray[np.int64]:
    """The piece of each sentence's treebank, 0 where the model has none. Shape (n_sentences,)."""
    pieces = metadata.treebank_pieces
    of_sources = [pieces.get(name, 0) for name in dataset.sources]
    return np.array(of_sources, np.int64)[dataset.source_ids]
