"""How a model reads sentences of form ids: as words, or as wordpieces (`data.pieces`).

Sentences of a word student are changed as they are batched, so that it also knows text in capitals,
in lower case, without diacritics, with typographic quotation marks, and without a final mark; their
labels stay. The features of forms are those of `mtag_core.tagging.forms`.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.tagging.forms import CASES, FormArrays, FormFeatures
from mtag_core.training.data.corpus import read_forms
from mtag_core.training.data.datasets import (
    MAX_TOKENS,
    NO_NOISE,
    PAD_MULTIPLE,
    Ints,
    SourcedWords,
    WordSentences,
)
from mtag_core.training.data.pieces import (
    DeviceSentences,
    FormPieces,
    SpecialPieces,
    in_jobs,
    treebank_token_ids,
)
from mtag_core.training.networks.trained_model import ModelMetadata
from mtag_core.training.networks.word_student import FormBatch, WordBatch
from mtag_core.training.options import Noise

_STRAIGHT_TO_CURLY = str.maketrans({'"': "\u201d", "'": "\u2019", "`": "\u2018"})
_FINAL_MARKS = frozenset(".!?\u2026\u3002\uff01\uff1f\u0964")
_BARE_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC SMALL LETTER IO", "CYRILLIC CAPITAL LETTER IO")


@dataclass(frozen=True, slots=True)
class FormTable(FormArrays):
    """What a student reads of each form of a corpus, and of the forms that it may be changed to.

    Those are the letter case of the form in capitals and in small letters, the ids of the form
    without diacritics and with typographic quotation marks, and whether it may be left out at the
    end of a sentence. Shape (n_forms,) each.
    """

    upper_case: NDArray[np.int8]
    lower_case: NDArray[np.int8]
    bare: Ints
    curly: Ints
    is_final_mark: NDArray[np.bool_]

    @classmethod
    def of(cls, forms: Sequence[str], tokenizer: Path, *, n_processes: int = 1) -> "FormTable":
        """Computes the features of forms, and of what they are changed to; see `in_jobs`."""
        form_to_id = {form: index for index, form in enumerate(forms)}
        changed = [
            np.array([form_to_id.setdefault(change(form), len(form_to_id)) for form in forms])
            for change in (without_diacritics, lambda form: form.translate(_STRAIGHT_TO_CURLY))
        ]
        every = list(form_to_id)
        own = np.arange(len(every), dtype=np.int32)
        bare, curly = (np.concatenate([ids, own[len(forms) :]]) for ids in changed)
        parts = in_jobs(_features_of, every, tokenizer, n_processes=n_processes)
        features = FormArrays.concatenate(parts)
        none = CASES.index("none")
        has_case = features.case > none
        is_long = np.array([len(form) > 1 for form in every], bool)
        upper = np.where(is_long, CASES.index("upper"), CASES.index("capital"))
        return cls(
            **_arrays(features),
            upper_case=np.where(has_case, upper, none).astype(np.int8),
            lower_case=np.where(has_case, CASES.index("lower"), none).astype(np.int8),
            bare=bare.astype(np.int32),
            curly=curly.astype(np.int32),
            is_final_mark=np.array([form in _FINAL_MARKS for form in every], bool),
        )

    def save(self, path: Path) -> None:
        """Writes the arrays to one `.npz` file."""
        np.savez(path, **_arrays(self))

    @classmethod
    def load(cls, path: Path) -> "FormTable":
        """Reads what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{each.name: arrays[each.name] for each in fields(cls)})


def _arrays(features: FormArrays) -> dict[str, Any]:
    return {each.name: getattr(features, each.name) for each in fields(features)}


def without_diacritics(form: str) -> str:
    """Takes the diacritics off Latin and Greek letters, and the dots off the Cyrillic `\u0451`.

    Example: `caf\u00e9` -> `cafe`
    """
    if form.isascii():
        return form
    return "".join(
        unicodedata.normalize("NFD", letter)[0]
        if unicodedata.name(letter, "").startswith(_BARE_SCRIPTS)
        else letter
        for letter in unicodedata.normalize("NFC", form)
    )


def _features_of(forms: Sequence[str], tokenizer: Path) -> FormArrays:
    return FormFeatures(tokenizer)(forms)


class DeviceWords:
    """Sentences of at most `MAX_TOKENS` that live on a device and give batches there.

    `mask_piece` is what noise puts in the place of pieces, `treebank_rows` those of each sentence's
    adapter, 0 for none. `lengths` are the positions that each takes in a batch. Shape
    (n_sentences,).
    """

    def __init__(
        self,
        sentences: WordSentences,
        forms: FormTable,
        *,
        device: torch.device,
        mask_piece: int = 0,
        treebank_rows: NDArray[np.int64] | None = None,
    ) -> None:
        self.words, self.lengths = sentences, sentences.n_tokens
        self.device, self._mask_piece = device, mask_piece
        self._forms = {
            name: torch.from_numpy(array).to(device) for name, array in _arrays(forms).items()
        }
        self._form_ids = torch.from_numpy(sentences.form_ids).to(self.device)
        self._n_tokens = torch.from_numpy(sentences.n_tokens).to(self.device).long()
        self._start = self._n_tokens.cumsum(0) - self._n_tokens
        rows = np.zeros(len(sentences), np.int64) if treebank_rows is None else treebank_rows
        self._treebank_rows = torch.from_numpy(rows).to(self.device)

    def batch(self, sentence_indices: NDArray[np.int64], noise: Noise = NO_NOISE) -> WordBatch:
        """Gathers sentences into one padded batch.

        Of the sentences that noise changes a third loses diacritics, a sixth each is in capitals,
        in lower case, has typographic quotation marks, and has no final mark.
        """
        width = -(-int(self.words.n_tokens[sentence_indices].max()) // PAD_MULTIPLE) * PAD_MULTIPLE
        chosen = torch.from_numpy(sentence_indices).to(self.device)
        start, n_tokens = self._start[chosen], self._n_tokens[chosen]
        rows = self._treebank_rows[chosen]
        sixth = torch.full_like(chosen, 6)
        if noise.changed_share > 0:
            draws = torch.rand(len(chosen), device=self.device)
            sixth = (draws * 6 / noise.changed_share).long().clamp(max=6)
            last = self._form_ids[start + n_tokens - 1].long()
            is_cut = (sixth == 5) & (n_tokens > 1) & self._forms["is_final_mark"][last]
            n_tokens = n_tokens - is_cut.long()
        if noise.named_share < 1:
            rows = rows * (torch.rand(len(chosen), device=self.device) < noise.named_share)
        column = torch.arange(width, device=self.device)
        is_token = column < n_tokens[:, None]
        position = is_token.flatten().nonzero().squeeze(1)
        row = position // width
        token_index = start[row] + position % width
        form_ids, case = self._written(self._form_ids[token_index].long(), sixth[row])
        forms, form_index = self._distinct_forms(form_ids, case)
        if noise.piece_dropout > 0:
            draws = torch.rand(forms.pieces.shape, device=self.device)
            is_masked = (draws < noise.piece_dropout) & (forms.pieces > 0)
            forms = forms._replace(pieces=forms.pieces.masked_fill(is_masked, self._mask_piece))
        return WordBatch(forms, form_index, position, is_token, rows[row], token_index)

    def _written(self, form_ids: Tensor, sixth: Tensor) -> tuple[Tensor, Tensor]:
        table = self._forms
        form_ids = torch.where((sixth == 2) | (sixth == 3), table["bare"][form_ids], form_ids)
        form_ids = torch.where(sixth == 4, table["curly"][form_ids], form_ids)
        case = torch.where(sixth == 0, table["upper_case"][form_ids], table["case"][form_ids])
        case = torch.where(sixth == 1, table["lower_case"][form_ids], case)
        return form_ids, case.long()

    def _distinct_forms(self, form_ids: Tensor, case: Tensor) -> tuple[FormBatch, Tensor]:
        distinct, index = torch.unique(form_ids * len(CASES) + case, return_inverse=True)
        ids, table = distinct // len(CASES), self._forms
        first = table["ngram_offsets"][ids]
        counts = table["ngram_offsets"][ids + 1] - first
        starts = counts.cumsum(0) - counts
        shift = torch.repeat_interleave(first - starts, counts)
        place = torch.arange(len(shift), device=self.device) + shift
        batch = FormBatch(
            pieces=table["pieces"][ids].long(),
            n_pieces=table["n_pieces"][ids].long(),
            ngrams=table["ngrams"][place].long(),
            ngram_offsets=starts,
            case=distinct % len(CASES),
        )
        return batch, index


Forms = FormPieces | FormTable
"""All forms of some sentences, as a model reads them."""

OnDevice = DeviceSentences | DeviceWords


@dataclass(frozen=True)
class ModelInput:
    """Puts sentences on a device as the model of a tokenizer reads them: words, or wordpieces.

    Those of over `max_pieces` wordpieces are left out. A teacher's metadata are given where
    labelled sentences open with their treebank's token.
    """

    tokenizer: Path
    has_words: bool
    device: torch.device
    max_pieces: int
    n_processes: int = 1
    metadata: ModelMetadata | None = None

    def forms(self, forms: Sequence[str]) -> Forms:
        """Forms in the order of their ids."""
        kind = FormTable if self.has_words else FormPieces
        return kind.of(forms, self.tokenizer, n_processes=self.n_processes)

    def forms_of_text(self, text: Path) -> Forms:
        """Those in a directory that stage `text` wrote."""
        if self.has_words:
            return FormTable.load(text / "forms.npz")
        return self.forms(read_forms(text / "forms.txt.xz"))

    def fitting(self, words: WordSentences, forms: Forms) -> NDArray[np.int64]:
        """Indices of the sentences that have tokens and are not too long."""
        if isinstance(forms, FormPieces):
            return forms.fitting(words, max_pieces=self.max_pieces)
        return np.flatnonzero((words.n_tokens > 0) & (words.n_tokens <= MAX_TOKENS))

    def sentences(
        self, words: WordSentences, forms: Forms, *, treebanks: NDArray[Any] | None = None
    ) -> OnDevice:
        """Sentences, long ones too; `treebanks` are their opening pieces, or rows of adapters."""
        pieces = SpecialPieces.load(self.tokenizer)
        if isinstance(forms, FormPieces):
            return DeviceSentences(
                words, forms, pieces, device=self.device, treebank_tokens=treebanks
            )
        return DeviceWords(
            words, forms, device=self.device, mask_piece=pieces.mask, treebank_rows=treebanks
        )

    def dataset(self, dataset: SourcedWords, forms: Forms) -> tuple[SourcedWords, OnDevice]:
        """Labelled sentences; those that are too long are left out."""
        own = dataset.select(self.fitting(dataset.words, forms))
        tokens = None
        if self.metadata is not None and not self.has_words:
            tokens = treebank_token_ids(own, self.metadata)
        return own, self.sentences(own.words, forms, treebanks=tokens)
