"""How a model reads sentences of form ids: as words, or as wordpieces that are made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.training.data.corpus import read_forms
from mtag_core.training.data.datasets import MAX_TOKENS, LabelledDataset, WordSentences
from mtag_core.training.data.pieces import DeviceSentences, FormPieces, SpecialPieces
from mtag_core.training.data.words import DeviceForms, DeviceWords, FormTable

FormArrays = FormPieces | FormTable
"""All forms of some sentences, as a model reads them, on the host."""

Forms = FormPieces | DeviceForms
"""Those where sentences are made of them."""

OnDevice = DeviceSentences | DeviceWords


@dataclass(frozen=True)
class ModelInput:
    """Puts sentences on a device as one model reads them.

    Attributes:
        tokenizer: The model's.
        has_words: It reads words.
        device: Where to.
        max_pieces: A model of wordpieces reads no longer sentences.
        n_processes: Processes that encode.
    """

    tokenizer: Path
    has_words: bool
    device: torch.device
    max_pieces: int
    n_processes: int = 1

    @property
    def pieces(self) -> SpecialPieces:
        """Special pieces of the tokenizer."""
        return SpecialPieces.load(self.tokenizer)

    def encoded(self, forms: Sequence[str]) -> FormArrays:
        """Forms in the order of their ids."""
        kind = FormTable if self.has_words else FormPieces
        return kind.of(forms, self.tokenizer, n_processes=self.n_processes)

    def placed(self, forms: FormArrays) -> Forms:
        """Forms where sentences need them."""
        if isinstance(forms, FormPieces):
            return forms
        return DeviceForms(forms, device=self.device)

    def forms(self, forms: Sequence[str]) -> Forms:
        """Forms in the order of their ids."""
        return self.placed(self.encoded(forms))

    def forms_of_text(self, text: Path) -> Forms:
        """Those in a directory that stage `text` wrote."""
        if not self.has_words:
            return self.forms(read_forms(text / "forms.txt.xz"))
        return self.placed(FormTable.load(text / "forms.npz"))

    @property
    def limit(self) -> str:
        """How long a sentence may be."""
        return f"{MAX_TOKENS} words" if self.has_words else f"{self.max_pieces} wordpieces"

    def fitting(self, words: WordSentences, forms: FormArrays | Forms) -> NDArray[np.int64]:
        """Indices of the sentences that have tokens and are not too long."""
        if isinstance(forms, FormPieces):
            return forms.fitting(words, max_pieces=self.max_pieces)
        return np.flatnonzero((words.n_tokens > 0) & (words.n_tokens <= MAX_TOKENS))

    def sentences(
        self,
        words: WordSentences,
        forms: Forms,
        *,
        treebank_rows: NDArray[Any] | None = None,
    ) -> OnDevice:
        """Sentences, long ones too.

        Args:
            words: The sentences.
            forms: All of their forms.
            treebank_rows: As `DeviceWords` takes them; wordpieces have none.
        """
        if isinstance(forms, FormPieces):
            return DeviceSentences(words, forms, self.pieces, device=self.device)
        mask = self.pieces.mask
        return DeviceWords(words, forms, mask_piece=mask, treebank_rows=treebank_rows)

    def dataset(self, dataset: LabelledDataset, forms: Forms) -> tuple[LabelledDataset, OnDevice]:
        """Labelled sentences; those that are too long are left out."""
        fitting = dataset.select(self.fitting(dataset.words, forms))
        return fitting, self.sentences(fitting.words, forms)
