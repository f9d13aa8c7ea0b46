"""The logits that training computes, to hold graphs to."""

from pathlib import Path

import numpy as np
import pytest

from mtag_core.tagging.wordpiece import PieceWindow


def torch_logits(model: Path, window: PieceWindow) -> tuple[np.ndarray, np.ndarray]:
    """UPOS and FEATS logits of a window's tokens; skips the test where there is no torch."""
    torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
    from mtag_core.training.networks.model import Batch
    from mtag_core.training.networks.model_files import Network

    network = Network.load_teacher(model, device=torch.device("cpu"))
    piece_ids = torch.tensor([window.piece_ids])
    first, last = torch.tensor(window.first), torch.tensor(window.last)
    with torch.no_grad():
        logits = network.model.eval()(
            Batch(piece_ids, torch.ones_like(piece_ids, dtype=torch.bool), first, last, first)
        )
    return logits.upos.numpy(), logits.feats.numpy()
