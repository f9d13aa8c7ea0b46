"""Lets the teachers of a run annotate sentences, each told its treebank or left to guess."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.training.data.encoding import PieceConvention
from mtag_core.training.data.packing import DeviceSentences, PackedSentences
from mtag_core.training.networks.model_files import load_model
from mtag_core.training.networks.openings import opening_pieces
from mtag_core.training.run_configs import TargetConfig
from mtag_core.training.runs.targets import SoftTargets, soft_targets


class Annotators:
    """The teachers of a run."""

    def __init__(
        self, directories: tuple[Path, ...], config: TargetConfig, *, device: torch.device
    ) -> None:
        """Loads them.

        Args:
            directories: Of their models; they share labels and vocabulary.
            config: What to keep of what they say.
            device: For models and targets.
        """
        self.tokenizer = directories[0] / "tokenizer.json"
        self._config, self._device = config, device
        self._teachers = [load_model(directory, device=device) for directory in directories]

    def annotate(
        self, packed: PackedSentences, names: tuple[str, ...], name_ids: NDArray[np.int64]
    ) -> SoftTargets:
        """Annotates sentences.

        Args:
            packed: Encoded for the teachers.
            names: Of treebanks or languages to tell them; where they know none, they guess.
            name_ids: Index into `names` of each sentence. Shape (n_sentences,).
        """
        pad = PieceConvention.load(self.tokenizer).pad
        sentences = DeviceSentences(packed, pad=pad, device=self._device)
        openings = [
            opening_pieces(
                names,
                name_ids,
                treebanks=card.treebanks,
                conventions=card.conventions,
                first_piece=card.first_treebank_piece,
                device=self._device,
            )
            for _, card in self._teachers
        ]
        models = [model for model, _ in self._teachers]
        return soft_targets(models, sentences, openings, self._config)
