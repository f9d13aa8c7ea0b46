"""The network of a model bundle as a teacher, by ONNX Runtime alone: no torch, no `onnx` package.

Windows and batches are those of the `Tagger`, and so are the best labels: the UPOS tag with the
largest logit and, among the FEATS labels that occur with it, the one with the largest logit. Logits
are of all FEATS labels, whichever tag is predicted, as a student's FEATS head is trained on all.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mtag_core.errors import BundleError
from mtag_core.labels import load_labels
from mtag_core.records import Sentence
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.models import TaggingModel, load_model
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence, Window, batches
from mtag_core.training.graphs.logit_outputs import (
    UPOS_LOGITS,
    feats_logits_name,
    with_logit_outputs,
)
from mtag_core.training.logits.logit_teachers import (
    N_WAITING,
    TokenSummary,
    files_digest,
    summarise,
)
from mtag_core.training.logits.piece_windows import PIECE_BUDGET, TokenLogits, rows_of_batches
from mtag_core.training.logits.soft_targets import LOWEST, SummaryOptions, TailBasis

_GRAPH = "tagger.onnx"
_FILES = (_GRAPH, "forms.onnx", "tokenizer.json", "labels.json")


class BundleTeacher:
    """A bundle's network on one CPU thread; it follows no treebank's conventions.

    A token's logits do not depend on what else is in its batch, to the last bit.

    Args:
        path: Its directory or URL; None for the one inside mtag.

    Raises:
        BundleError: It is missing or damaged, or its graph is not one that `export` writes.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        directory = Bundle.open(path).directory
        self.on_batch: Callable[[BatchReport], None] | None = None
        self.n_waiting = N_WAITING
        self.digest = files_digest(directory, _FILES)
        self._labels = load_labels(directory)
        self.upos_labels, self.feats_labels = self._labels.upos, self._labels.feats
        self._network = _open_network(directory, self.upos_labels)

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Cuts a sentence into the teacher's windows."""
        return EncodedSentence(sentence, self._network.encode(sentence.forms))

    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence."""
        windows = [window for each in sentences for window in each.windows]
        rows = rows_of_batches(
            sentences,
            batches(windows, piece_budget=PIECE_BUDGET),
            self._run,
            piece_budget=PIECE_BUDGET,
            on_batch=self.on_batch,
        )
        return [TokenLogits(*arrays) for arrays in rows]

    def summaries(
        self,
        sentences: Sequence[EncodedSentence],
        options: SummaryOptions,
        *,
        basis: TailBasis | None,
    ) -> list[TokenSummary]:
        """What is kept of each sentence's logits."""
        return [summarise(logits, options, basis=basis) for logits in self.logits(sentences)]

    def _run(self, windows: Sequence[Window]) -> TokenLogits:
        names = [UPOS_LOGITS, *map(feats_logits_name, self.upos_labels)]
        upos, *by_tag = self._network.run(names, windows)
        feats = np.full((len(upos), len(self.feats_labels)), LOWEST, np.float32)
        # A label that occurs with several tags has the same logit in each.
        for ids, logits in zip(self._labels.feats_of_upos, by_tag, strict=True):
            feats[:, ids] = logits
        return TokenLogits(upos, feats)


def _open_network(directory: Path, upos: Sequence[str]) -> TaggingModel:
    path = directory / _GRAPH
    try:
        model = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error}") from error
    return load_model(directory, graph=with_logit_outputs(model, upos, source=str(path)))
