"""Hides wordpieces from a model that learns, so that it must read them from their neighbours."""

import torch

from mtag_core.training.networks.model import Batch


def with_hidden_pieces(batch: Batch, *, share: float, mask_piece: int) -> Batch:
    """Replaces some pieces by the mask piece.

    Args:
        batch: Any batch.
        share: Probability that a piece is hidden; the opening piece never is.
        mask_piece: Id of the piece that hides another.
    """
    if share == 0:
        return batch
    draws = torch.rand(batch.piece_ids.shape, device=batch.piece_ids.device)
    is_hidden = (draws < share) & batch.is_piece
    is_hidden[:, 0] = False
    return batch._replace(piece_ids=batch.piece_ids.masked_fill(is_hidden, mask_piece))
