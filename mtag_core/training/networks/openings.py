"""How a teacher is told the treebank: by the piece that opens the sentence.

Each treebank has a piece of its own at the end of the teacher's vocabulary.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.training.networks.model import Batch


def opening_pieces(
    names: tuple[str, ...],
    name_ids: NDArray[np.int64],
    *,
    treebanks: tuple[str, ...],
    conventions: dict[str, str],
    first_piece: int,
    device: torch.device,
) -> Tensor:
    """The piece that opens each sentence for a teacher.

    Args:
        names: Treebanks or languages.
        name_ids: Index into `names` of each sentence. Shape (n_sentences,).
        treebanks: The teacher's treebanks, in the order of their pieces.
        conventions: Language to the treebank that its text follows.
        first_piece: Id of the first treebank's piece.
        device: Where to put the result.

    Returns:
        Piece ids, 0 for a language that no treebank has. Shape (n_sentences,), int64.
    """
    order = {name: index for index, name in enumerate(treebanks)}
    piece_of_name = [
        first_piece + order[conventions.get(name, name)]
        if conventions.get(name, name) in order
        else 0
        for name in names
    ]
    return torch.tensor(piece_of_name, device=device)[torch.from_numpy(name_ids).to(device)]


def with_opening(batch: Batch, opening: Tensor) -> Batch:
    """Replaces the opening pieces.

    Args:
        batch: Any batch.
        opening: Piece ids, 0 to leave as is. Shape (n_sentences,).

    Returns:
        A batch whose sentences open with those pieces.
    """
    piece_ids = batch.piece_ids.clone()
    piece_ids[:, 0] = torch.where(opening > 0, opening, piece_ids[:, 0])
    return batch._replace(piece_ids=piece_ids)
