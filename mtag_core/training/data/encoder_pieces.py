"""Cuts an encoder's vocabulary to the wordpieces that treebanks and text need.

Most weights of a multilingual encoder are the vectors of its wordpieces, and most of those are of
languages and words that no text here has.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.training.data.pieces import SpecialPieces
from mtag_core.training.data.text_files import read_lines, text_files
from mtag_core.training.data.treebanks import read_treebank, treebank_files
from mtag_core.training.options import CutEncoderOptions

_N_LINES = 10_000
_BATCH = 4_000
_TOKENIZER = "tokenizer.json"


def run(options: CutEncoderOptions) -> str:
    """Runs `train cut-encoder`.

    Raises:
        InputNotFoundError: The encoder has no `tokenizer.json`.
        UsageError: Its tokenizer is of a kind that cannot be cut.
    """
    # Data is prepared without torch, but for this.
    from mtag_core.training.networks.pretrained import cut_encoder

    path = options.encoder / _TOKENIZER
    if not path.exists():
        raise InputNotFoundError(f"{path}: not there; expected the encoder's tokenizer")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["model"]["type"] not in ("Unigram", "WordPiece"):
        kind = content["model"]["type"]
        raise UsageError(f"{path}: model {kind!r}; expected Unigram or WordPiece")
    counts = count_pieces(path, _sentences(options))
    is_kept = np.zeros(len(counts), bool)
    is_kept[np.argsort(-counts, kind="stable")[: options.n_pieces]] = True
    is_kept &= counts > 0
    is_kept[special_ids(path, content)] = True
    kept = np.flatnonzero(is_kept).tolist()
    cut_encoder(options.encoder, kept, options.output)
    cut = json.dumps(cut_tokenizer(content, kept), ensure_ascii=False)
    (options.output / _TOKENIZER).write_text(cut, encoding="utf-8")
    n_found = int((counts > 0).sum())
    return f"{len(kept)} wordpieces kept; {n_found} of {len(counts)} occur  {options.output}"


def count_pieces(tokenizer_path: Path, sentences: Iterator[Sequence[str]]) -> NDArray[np.int64]:
    """Counts how often each wordpiece occurs.

    Args:
        tokenizer_path: A `tokenizer.json`.
        sentences: Forms of each sentence.

    Returns:
        Shape (n_pieces,).
    """
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    counts = np.zeros(tokenizer.get_vocab_size(), np.int64)
    while batch := [list(forms) for forms in islice(sentences, _BATCH)]:
        encodings = tokenizer.encode_batch(batch, is_pretokenized=True, add_special_tokens=False)
        ids = [index for encoding in encodings for index in encoding.ids]
        counts += np.bincount(ids, minlength=len(counts))
    return counts


def special_ids(path: Path, content: dict[str, Any]) -> list[int]:
    """Ids of the wordpieces that are kept although text does not have them."""
    special, model = SpecialPieces.load(path), content["model"]
    unknown = model["unk_id"] if model["type"] == "Unigram" else model["vocab"][model["unk_token"]]
    added = [each["id"] for each in content["added_tokens"]]
    return [special.start, special.end, special.pad, special.mask, unknown, *added]


def cut_tokenizer(content: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """Takes wordpieces out of a tokenizer.

    Args:
        content: Of `tokenizer.json`, with a Unigram or WordPiece model.
        kept: Ids of the pieces that stay, in order; their places are the new ids.

    Returns:
        The new content.
    """
    model, new_ids = content["model"], {old: new for new, old in enumerate(kept)}
    if model["type"] == "Unigram":
        pieces = [model["vocab"][old] for old in kept]
        model = {**model, "vocab": pieces, "unk_id": new_ids[model["unk_id"]]}
    else:
        pairs = model["vocab"].items()
        model = {**model, "vocab": {p: new_ids[old] for p, old in pairs if old in new_ids}}
    added = [{**each, "id": new_ids[each["id"]]} for each in content["added_tokens"]]
    # The template of special pieces, which names ids, is not used.
    return {**content, "model": model, "added_tokens": added, "post_processor": None}


def _sentences(options: CutEncoderOptions) -> Iterator[Sequence[str]]:
    for path in treebank_files(options.treebanks, "train"):
        yield from (sentence.forms for sentence in read_treebank(path))
    for path in text_files(options.text).values():
        yield from map(str.split, islice(read_lines(path), _N_LINES))
