"""How a student reads sentences of form ids: as words, or as wordpieces that are made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from mtag_core.training.data.corpus import read_forms
from mtag_core.training.data.datasets import LabelledDataset, LabelledWords, as_pieces
from mtag_core.training.data.pieces import DeviceSentences, SpecialPieces, encode_sentences
from mtag_core.training.data.words import DeviceForms, DeviceWords, FormTable, WordSentences

Forms = DeviceForms | Sequence[str]
"""All forms of some sentences, as a student needs them."""

OnDevice = DeviceSentences | DeviceWords


@dataclass(frozen=True)
class StudentInput:
    """Puts sentences on a device as one student reads them.

    Attributes:
        tokenizer: The student's.
        has_words: It reads words.
        device: Where to.
        max_pieces: A student of wordpieces reads no longer sentences.
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

    def forms(self, forms: Sequence[str]) -> Forms:
        """Forms in the order of their ids."""
        if not self.has_words:
            return forms
        table = FormTable.of(forms, self.tokenizer, n_processes=self.n_processes)
        return DeviceForms(table, device=self.device)

    def forms_of_text(self, text: Path) -> Forms:
        """Those in a directory that stage `text` wrote."""
        if not self.has_words:
            return read_forms(text / "forms.txt.xz")
        return DeviceForms(FormTable.load(text / "forms.npz"), device=self.device)

    def sentences(
        self, words: WordSentences, forms: Forms, *, treebank_rows: NDArray[Any] | None = None
    ) -> OnDevice:
        """Sentences, long ones too.

        Args:
            words: The sentences.
            forms: All of their forms.
            treebank_rows: As `DeviceWords` takes them.
        """
        if isinstance(forms, DeviceForms):
            mask = self.pieces.mask
            return DeviceWords(words, forms, mask_piece=mask, treebank_rows=treebank_rows)
        packed = encode_sentences(words.texts(forms), self.tokenizer, n_processes=self.n_processes)
        return DeviceSentences(packed, self.pieces, device=self.device)

    def dataset(
        self, dataset: LabelledWords, forms: Forms
    ) -> tuple[LabelledDataset[Any], OnDevice]:
        """Labelled sentences; those that are too long are left out."""
        if isinstance(forms, DeviceForms):
            return dataset, self.sentences(dataset.packed, forms)
        pieces = as_pieces(
            dataset,
            forms,
            self.tokenizer,
            max_pieces=self.max_pieces,
            n_processes=self.n_processes,
        )
        return pieces, DeviceSentences(pieces.packed, self.pieces, device=self.device)
