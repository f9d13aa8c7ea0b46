"""The first sentences of written shards, read back to be shown to people."""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from mtag_core import storage
from mtag_core.output.preview import Preview, choose_previews
from mtag_core.training.logits.logit_shards import (
    LogitBlock,
    ShardInfo,
    read_info,
    read_row_group,
    row_group_sizes,
)
from mtag_core.training.logits.soft_targets import top_log_probs


def preview_shards(
    paths: Iterable[str], *, upos: Sequence[str], feats: Sequence[str], n_sentences: int
) -> list[Preview]:
    """Picks short sentences out of the heads of shards, as `preview_parts` does.

    Args:
        paths: The shards to look into.
        upos: The teacher's UPOS labels in label order.
        feats: The teacher's FEATS labels in label order.
        n_sentences: How many to return at most.

    Returns:
        Sentences with the best labels of each token and their probabilities at the lowest
        temperature that the shards keep.
    """
    found = (preview for path in paths for preview in _head(path, upos, feats))
    return choose_previews(found, n_sentences=n_sentences)


def _head(path: str, upos: Sequence[str], feats: Sequence[str]) -> Iterator[Preview]:
    with storage.open_read(path) as opened:
        stream = opened if opened.seekable() else io.BytesIO(opened.read())
        info = read_info(path, stream)
        if not row_group_sizes(stream):
            return
        block = read_row_group(stream, 0, info=info)
    upos_shown = _shown(upos, block.upos_logits.argmax(axis=1), _best_upos_probs(block))
    best_feats = block.feats_summary.label_ids[:, 0]
    feats_shown = _shown(feats, best_feats, _best_feats_probs(block, info))
    ends = accumulate(block.n_tokens.tolist())
    columns = zip(block.doc_ids, block.languages, block.forms, ends, strict=True)
    for doc_id, language, forms, end in columns:
        own = slice(end - len(forms), end)
        tokens = zip(forms, upos_shown[own], feats_shown[own], strict=True)
        yield Preview(doc_id, language, tuple(tokens))


def _best_upos_probs(block: LogitBlock) -> NDArray[np.float32]:
    # The largest logit is 0.
    result: NDArray[np.float32] = 1 / np.exp(block.upos_logits.astype(np.float32)).sum(axis=1)
    return result


def _best_feats_probs(block: LogitBlock, info: ShardInfo) -> NDArray[np.float32]:
    log_probs = top_log_probs(
        block.feats_summary, temperature=min(info.temperatures), temperatures=info.temperatures
    )
    result: NDArray[np.float32] = np.exp(log_probs[:, 0])
    return result


def _shown(
    labels: Sequence[str], ids: NDArray[np.integer], probs: NDArray[np.float32]
) -> list[str]:
    return [f"{labels[label]} {prob:.2f}" for label, prob in zip(ids, probs, strict=True)]
