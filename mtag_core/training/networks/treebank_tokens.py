"""Tells a model the treebank of a sentence, by the piece that opens it.

Each treebank has a piece of its own at the end of the teacher's vocabulary.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.model_config import ModelMetadata


def treebank_token_ids(
    names: tuple[str, ...],
    name_ids: NDArray[np.int64],
    metadata: ModelMetadata,
    *,
    device: torch.device,
) -> Tensor:
    """The treebank token of each sentence.

    Args:
        names: Treebanks or languages; a language means the treebank that its text follows.
        name_ids: Index into `names` of each sentence. Shape (n_sentences,).
        metadata: Of the model.
        device: Where to put the result.

    Returns:
        Piece ids, 0 for a name that the model has no treebank of. Shape (n_sentences,), int64.
    """
    treebanks = [metadata.conventions.get(name, name) for name in names]
    order = {name: index for index, name in enumerate(metadata.treebanks)}
    ids = [
        metadata.first_treebank_piece + order[name] if name in order else 0 for name in treebanks
    ]
    return torch.tensor(ids, device=device)[torch.from_numpy(name_ids).to(device)]


def with_treebank_tokens(batch: Batch, token_ids: Tensor) -> Batch:
    """Opens sentences with treebank tokens.

    Args:
        batch: Any batch.
        token_ids: From `treebank_token_ids`; 0 leaves the opening piece. Shape (n_sentences,).
    """
    piece_ids = batch.piece_ids.clone()
    piece_ids[:, 0] = torch.where(token_ids > 0, token_ids, piece_ids[:, 0])
    return batch._replace(piece_ids=piece_ids)
