"""Pieces that name treebanks, at the end of a student's vocabulary.

They are plain entries that no text is ever split into, since brackets are tokens of their own.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from mtag_core.errors import CheckpointError
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger

# The disturbance of a new piece's vector, as a share of the table's deviation.
_NOISE = 0.1


def write_tokenizer(source: Path, treebanks: Sequence[str], target: Path) -> int:
    """Adds treebanks' pieces to a `tokenizer.json` of WordPiece.

    Args:
        source: Read; has no such pieces yet.
        treebanks: In the order of their pieces.
        target: Written.

    Returns:
        The first treebank's piece.

    Raises:
        CheckpointError: There are such pieces already.
    """
    tokenizer = json.loads(source.read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    first = len(vocabulary)
    for index, name in enumerate(treebanks):
        piece = f"[treebank:{name}]"
        if piece in vocabulary:
            raise CheckpointError(f"{source}: has the piece {piece} already")
        vocabulary[piece] = first + index
    target.write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
    return first


@torch.no_grad()
def add_pieces(model: TokenTagger, n_pieces: int, *, first: int, opening: int) -> None:
    """Widens a model's vocabulary by pieces that start as the opening piece, a little disturbed.

    Args:
        model: Changed; its encoder is a `BertEncoder`.
        n_pieces: How many to add.
        first: The first one's id.
        opening: The piece that opens a sentence.

    Raises:
        CheckpointError: The encoder is another one, or its vocabulary does not end before `first`.
    """
    encoder = model.encoder
    if not isinstance(encoder, BertEncoder):
        raise CheckpointError(f"encoder {type(encoder).__name__}, expected that of a student")
    table = encoder.embeddings.word_embeddings.weight
    if len(table) != first:
        raise CheckpointError(f"a table of {len(table)} pieces, expected the tokenizer's {first}")
    noise = torch.randn(n_pieces, table.shape[1]) * table.std() * _NOISE
    wider = torch.cat([table, table[opening] + noise])
    encoder.config = replace(encoder.config, vocab_size=len(wider))
    encoder.embeddings.word_embeddings = nn.Embedding.from_pretrained(
        wider, freeze=False, padding_idx=encoder.config.pad_token_id
    )
